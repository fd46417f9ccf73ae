"""Every row of docs/providers.md names a test that exists."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
_TEST = re.compile(r"`(tests/[\w/.]+\.py)::(test_\w+)`")


def test_every_row_is_a_test() -> None:
    page = (ROOT / "docs" / "providers.md").read_text(encoding="utf-8")
    lines = page.splitlines()
    rules = [at for at, line in enumerate(lines) if line.startswith("|---")]
    headers = {at - 1 for at in rules}
    rows = [line for at, line in enumerate(lines) if line.startswith("|") and at not in headers]
    rows = [row for row in rows if not row.startswith("|---")]
    assert rows
    for row in rows:
        found = _TEST.search(row)
        assert found is not None, f"no test is named: {row}"
        path, name = found.groups()
        assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8"), row
