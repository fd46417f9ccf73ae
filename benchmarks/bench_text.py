"""The law of long texts: CPU time of every text function on n and on 2n characters.

A function may take at most 2.3 times as long for a text that is twice as long, up to 4 MB, whatever
its shape (`tests/laws/long_texts.py`). Also how long an event loop is held while episodes with
texts of a megabyte are played on it. Prints one JSON object; exits 1 when a target is missed.

  python benchmarks/bench_text.py [--size 4000000] [--only NAME] [--shapes 5]

All of it takes about an hour of CPU; `--shapes` measures some of the shapes of each function.
"""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path
from typing import NamedTuple

from common import report, rounded

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # the functions are the tests' own

from tests.laws.growth import TooSlow, cpu_seconds
from tests.laws.held_loop import longest_hold_ms
from tests.laws.long_texts import FAMILIES
from tests.laws.text_functions import FUNCTIONS, PATTERNS, TextFunction

MOST_GROWTH = 2.3
MOST_HELD_MS = 50.0
_MEASURABLE = 0.1  # seconds of CPU; below it the clock is too coarse, and the time of no matter
_MOST_SECONDS = 120.0
_READ = 900_000  # characters of the longest text that an episode lets anybody read
_ROUNDS = 5  # of a ratio that seems too large: noise only adds


class Growth(NamedTuple):
    """What one function takes for one shape."""

    seconds: float
    """For the longer text; infinite when it was not done in time."""
    ratio: float
    """To the time for half of it; 0 where both are too small to measure."""


def growth(function: TextFunction, shape: str, size: int) -> Growth:
    """Return how the CPU time grows up to `size`; what is not read at that length, up to a cap."""
    found = _growth(function, shape, size)
    return found if found.ratio or size <= _READ else _growth(function, shape, _READ)


def _growth(function: TextFunction, shape: str, size: int) -> Growth:
    """Return how the CPU time grows from half of `size` to all of it: the best of some rounds."""
    make = FAMILIES[shape]
    half, whole = make(size // 2), make(size)
    try:
        # A function in quadratic time is found out with a text that it can still read.
        cpu_seconds(function, make(size // 32), _MOST_SECONDS)
        short = long = float("inf")
        for _ in range(_ROUNDS):
            long = min(long, cpu_seconds(function, whole, _MOST_SECONDS))
            if long < _MEASURABLE:
                return Growth(long, 0.0)
            short = min(short, cpu_seconds(function, half, _MOST_SECONDS))
            if long <= MOST_GROWTH * short:
                break
    except TooSlow:
        return Growth(float("inf"), float("inf"))
    return Growth(long, long / short)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=4_000_000, help="characters of the longer text")
    parser.add_argument("--only", help="functions whose name contains this")
    parser.add_argument("--shapes", type=int, help="measure so many shapes of each function")
    parser.add_argument("--verbose", action="store_true", help="say what is measured")
    options = parser.parse_args()
    found: dict[str, Growth] = {}
    chosen = random.Random(0)
    functions = {
        name: fn
        for name, fn in (FUNCTIONS | PATTERNS).items()
        if not options.only or options.only in name
    }
    for name, function in functions.items():
        shapes = list(FAMILIES)
        if options.shapes:
            shapes = chosen.sample(shapes, options.shapes)
        for shape in shapes:
            one = found[f"{name}: {shape}"] = growth(function, shape, options.size)
            if options.verbose:
                sys.stderr.write(f"{one.seconds:8.3f} s  x {one.ratio:.2f}  {name}: {shape}\n")
    worst = max(found, key=lambda pair: found[pair].ratio)
    slowest = max(found, key=lambda pair: found[pair].seconds)
    broken = {pair: rounded(one.ratio) for pair, one in found.items() if one.ratio > MOST_GROWTH}
    figures = {"worst_growth": rounded(found[worst].ratio)}
    targets = {"worst_growth": MOST_GROWTH}
    if not options.only:
        figures["loop_held_ms"] = rounded(longest_hold_ms())
        targets["loop_held_ms"] = MOST_HELD_MS
    report(
        "text",
        figures,
        targets,
        size=options.size,
        functions=len(functions),
        shapes=len(FAMILIES),
        measured=len(found),
        worst=worst,
        slowest=f"{slowest}: {rounded(found[slowest].seconds)} s",
        broken=broken,
    )


if __name__ == "__main__":
    main()
