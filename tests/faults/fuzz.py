"""Hostile inputs for every parser and loader: only documented exceptions, and bounded time.

    python -m tests.faults.fuzz --seed 0 --inputs 2000000

Inputs are structured mutations of sound ones (see `mutations`), the same for the same seed. Of
each parser, some inputs are large (64 kB), many of them made of a thousand times the same piece: of
these the 99th percentile of the CPU time is compared with a target and a limit. Counts per parser
are printed as JSON, exit code 1 when a promise is broken. `--part 1/2` does every other parser, so
that two processes share the work.
"""

from __future__ import annotations

import argparse
import gc
import json
import logging
import random
import resource
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.mutations import Mutator, spelled
from tests.faults.parsers import Parser, parsers
from tests.faults.storage import Tally

from tau2.seeds import derive_seed
from tau2.utils.text import error_text

TARGET = 0.005
"""Seconds of CPU for the 99th percentile of large inputs: parsers above are listed."""
LIMIT = 1.0
"""Seconds that break the promise even on a slow and busy machine."""
_LARGE = 300  # large inputs of each parser
_SLICES = 50  # turns in which a parser gets its inputs
_ENDED = object()
_NAMED = 5  # findings of each parser that are told
_MEMORY = 3 * 2**30  # bytes of address space that a parser may make the process need


@dataclass
class Figures:
    """What one parser was given, and what came of it."""

    inputs: int = 0
    documented: int = 0
    """Inputs that were refused with a documented exception."""
    findings: dict[str, str] = field(default_factory=dict)
    """Undocumented exceptions, by where they were raised, with an input."""
    found: int = 0
    large: list[float] = field(default_factory=list)
    """Seconds of CPU of the large inputs."""
    slowest: float = 0.0

    @property
    def p99(self) -> float:
        """The 99th percentile of the CPU time of the large inputs, in milliseconds."""
        if not self.large:
            return 0.0
        ordered = sorted(self.large)
        return 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]

    def data(self) -> dict[str, Any]:
        """Return the figures as JSON data."""
        return {
            "inputs": self.inputs,
            "refused": self.documented,
            "undocumented": self.found,
            "p99 ms at 64 kB": round(self.p99, 2),
            "slowest ms": round(1000 * self.slowest, 1),
        }


def feed(parser: Parser, given: Any, figures: Figures, *, is_large: bool = False) -> None:
    """Give a parser one input."""
    figures.inputs += 1
    # What a loader is given is copied here, because it may keep or change it.
    began = time.process_time()
    try:
        parser.read(given)
    except parser.documented:
        figures.documented += 1
    except Exception as problem:  # noqa: BLE001  -- what this suite looks for
        figures.found += 1
        figures.findings.setdefault(_place(problem), _told(problem, given))
    took = time.process_time() - began
    figures.slowest = max(figures.slowest, took)
    if is_large:
        figures.large.append(took)


def _told(problem: BaseException, given: Any) -> str:
    example = given if isinstance(given, str | bytes) else spelled(given)
    return f"{error_text(problem, 200)} for {example[:300]!r}"


def _place(problem: BaseException) -> str:
    """Return what was raised and where: equal findings are told once."""
    trace = problem.__traceback__
    places = []
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{Path(code.co_filename).name}:{trace.tb_lineno}")
        trace = trace.tb_next
    ours = [place for place in places if not place.startswith(("fuzz.py", "parsers.py"))]
    return f"{type(problem).__name__} at {' > '.join(ours[:2] + ours[2:][-2:]) or places[-1]}"


def fuzz(parser: Parser, seed: int, inputs: int, large: int, tally: Tally) -> Figures:
    """Give a parser many inputs, the large ones last."""
    figures = Figures()
    for _ in slices(parser, seed, inputs, large, figures):
        continue
    look(parser, figures, tally)
    return figures


def slices(parser: Parser, seed: int, inputs: int, large: int, figures: Figures) -> Iterator[None]:
    """Give a parser many inputs, the large ones last; yield now and then."""
    mutator = Mutator(random.Random(derive_seed(seed, "fuzz", parser.name)))
    make = {"document": mutator.document, "text": mutator.text, "bytes": mutator.bytes}[parser.form]
    # What was made before is of no interest to the collector, whose pauses would be measured.
    gc.collect()
    gc.freeze()
    for seed_input in parser.seeds:
        feed(
            parser,
            json.loads(seed_input) if parser.form == "document" else _as(parser, seed_input),
            figures,
        )
    for number in range(inputs):
        feed(parser, make(parser.seeds), figures)
        if number % max(1, inputs // _SLICES) == 0:
            yield
    for _ in range(large):
        given = (
            mutator.large_document(parser.seeds)
            if parser.form == "document"
            else _as(parser, mutator.large_text(parser.seeds))
        )
        feed(parser, given, figures, is_large=True)


def look(parser: Parser, figures: Figures, tally: Tally) -> None:
    """Say which promises a parser broke."""
    for place, example in list(figures.findings.items())[:_NAMED]:
        tally.broken.append(f"{parser.name}: {place}: {example}")
    tally.check(figures.p99 < 1000 * LIMIT, f"{parser.name}: p99 at 64 kB is {figures.p99:.1f} ms")


def _as(parser: Parser, text: str) -> str | bytes:
    return text.encode("utf-8", "surrogatepass") if parser.form == "bytes" else text


def suite(
    folder: Path,
    seed: int,
    inputs: int,
    *,
    large: int = _LARGE,
    part: tuple[int, int] = (1, 1),
    minutes: float = float("inf"),
) -> tuple[Tally, dict[str, Figures]]:
    """Give all parsers `inputs` inputs in all (or a part of them), by their weights, in turns."""
    tally = Tally()
    everything = parsers(folder)
    whole = sum(parser.weight for parser in everything)
    ours = everything[part[0] - 1 :: part[1]]
    found = {parser.name: Figures() for parser in ours}
    waiting = [
        slices(parser, seed, round(inputs * parser.weight / whole), large, found[parser.name])
        for parser in ours
    ]
    until = time.monotonic() + 60 * minutes
    while waiting and time.monotonic() < until:
        waiting = [one for one in waiting if next(one, _ENDED) is not _ENDED]
    for parser in ours:
        look(parser, found[parser.name], tally)
    return tally, found


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--inputs", type=int, default=200_000)
    parser.add_argument("--large", type=int, default=_LARGE, help="64 kB inputs of each parser")
    parser.add_argument("--part", default="1/1", help="for example 1/2 and 2/2, in two processes")
    parser.add_argument(
        "--minutes", type=float, default=float("inf"), help="stop then, and count what was done"
    )
    options = parser.parse_args()
    number, parts = map(int, options.part.split("/"))
    logging.disable(logging.WARNING)
    warnings.simplefilter("error")
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        tally, found = suite(
            Path(folder),
            options.seed,
            options.inputs,
            large=options.large,
            part=(number, parts),
            minutes=options.minutes,
        )
    counts = {
        "suite": "fuzz",
        "seed": options.seed,
        "part": options.part,
        "inputs": sum(figures.inputs for figures in found.values()),
        "undocumented": sum(figures.found for figures in found.values()),
        "worst p99 ms at 64 kB": round(max(figures.p99 for figures in found.values()), 2),
        "above the target": [
            name for name, figures in found.items() if figures.p99 > 1000 * TARGET
        ],
        "parsers": {name: figures.data() for name, figures in found.items()},
        "broken": len(tally.broken),
        "seconds": round(time.monotonic() - began),
    }
    sys.stdout.write(f"{json.dumps(counts)}\n")
    sys.stderr.writelines(f"{story}\n" for story in tally.broken)
    return int(bool(tally.broken))


if __name__ == "__main__":
    sys.exit(main())
