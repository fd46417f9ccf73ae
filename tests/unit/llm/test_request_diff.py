"""What differs between two long requests is found, in time that grows with their length."""

from __future__ import annotations

from tau2.llm.middleware.request_diff import differences
from tau2.llm.request import Request


def saying(*lines: str) -> Request:
    return Request("m", [{"role": "user", "content": "\n".join(lines)}], None, None, {})


def test_the_one_line_that_differs_is_shown_with_its_neighbours() -> None:
    lines = [f"line {number}" for number in range(20_000)]
    changed = [*lines[:9_000], "another one", *lines[9_001:]]

    found = differences(saying(*lines), saying(*changed))

    assert [line.strip() for line in found[1:]] == [
        "line 8999",
        "- line 9000",
        "+ another one",
        "line 9001",
    ]


def test_of_many_lines_that_differ_the_first_are_shown() -> None:
    lines = [f"line {number}" for number in range(5_000)]

    found = differences(saying(*lines), saying(*(f"{line}!" for line in lines)))

    assert found[1].strip() == "- line 0"
    assert found[-1].startswith("  … ")
