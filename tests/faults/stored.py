"""Odd values in every store: what a writer accepts its reader returns, the rest is refused by name.

    python -m tests.faults.stored

Long integers, numbers that are not finite, halves of characters, deep nesting, cycles, keys that
are no text, bytes, sets, dates, decimals and foreign objects are put into every kind of place of
runs (both forms, and the store of a run under way), task files, databases, configurations,
submissions, episode logs, recordings and exports. Counts are printed as JSON, exit code 1 when
something was stored that cannot be read, or read as something else. `tests/laws/test_round_trips`
tries random values.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

from tests.faults.storage import Tally
from tests.laws import test_round_trips as law

from tau2.utils.text import error_text


def trials(odd: str) -> Iterator[tuple[str, Callable[[Path], Any]]]:
    """Yield what is tried of one kind of value, by name."""
    value = law.ODD[odd]
    for place, form in product(law.RUN_PLACES, ("json", "dir")):
        yield f"{place} of a run, {form}", lambda _, p=place, f=form: law.check_run(value, p, f)
    for place in ("info", "arguments", "duration"):
        yield (
            f"{place} in a store",
            lambda _, p=place: law.test_a_store_reads_what_it_accepted(odd, p),
        )
    for place in ("id", "arguments", "data", "ticket"):
        yield f"{place} of a task", lambda folder, p=place: law.check_task(value, p, folder)
    for suffix in (".json", ".yaml"):
        yield (
            f"a database {suffix}",
            lambda folder, s=suffix: law.test_a_database_is_read_or_refused(odd, s, folder),
        )
    for place in ("model_name", "references"):
        yield (
            f"{place} of a submission",
            lambda folder, p=place: law.test_a_submission_is_read_or_refused(odd, p, folder),
        )
    for form in ("jsonl", "csv"):
        yield (
            f"an export, {form}",
            lambda folder, f=form: law.test_an_export_can_be_read(odd, f, folder),
        )
    yield "a configuration", lambda folder: law.test_a_configuration_is_kept_or_refused(odd, folder)
    yield (
        "an episode log",
        lambda _: law.test_a_line_of_an_episode_log_is_read_as_it_was_written(odd),
    )
    yield "a recording", lambda _: law.test_a_recorded_exchange_is_read_as_it_was_written(odd)


def suite() -> Tally:
    """Try every kind of value in every store."""
    tally = Tally()
    for odd in law.ODD:
        broken = len(tally.broken)
        for name, attempt in trials(odd):
            tally.counts["tried"] += 1
            with tempfile.TemporaryDirectory() as folder:
                try:
                    attempt(Path(folder))
                except Exception as problem:  # noqa: BLE001  -- whatever it is, it is counted
                    tally.check(None, f"{odd} in {name}: {error_text(problem, 300)}")
        tally.counts["kinds tried"] += 1
        tally.counts["kinds survived"] += broken == len(tally.broken)
    return tally


def main() -> int:
    began = time.monotonic()
    tally = suite()
    counts = {"suite": "stored", **tally.counts, "broken": len(tally.broken)}
    sys.stdout.write(f"{json.dumps(counts | {'seconds': round(time.monotonic() - began)})}\n")
    sys.stderr.writelines(f"{story}\n" for story in tally.broken[:40])
    return int(bool(tally.broken))


if __name__ == "__main__":
    sys.exit(main())
