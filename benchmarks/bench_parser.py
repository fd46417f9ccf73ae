"""Reads a great many texts as actions.

None may raise, 99 in 100 are read in under 5 ms, no sentence is a call.

The texts are drawn by tests/laws/writing.py, grammar-aware and random, from one seed. Figures for
the reader of the Gymnasium environments, and (`trainer_...`) for that of act_prm.

  python benchmarks/bench_parser.py --n 1000000
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

from common import report, rounded

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # the texts are the tests' own

from tests.laws.writing import a_sentence, anything

from act_prm.llm_handlers.actions import get_actions
from tau2.gym.text import read_action
from tau2.orchestrator.episode import Role
from tau2.seeds import derive_seed

TARGETS = {"raised": 0, "p99_ms": 5.0, "sentences_as_calls": 0, "trainer_raised": 0,
           "trainer_p99_ms": 5.0, "trainer_sentences_as_calls": 0}  # fmt: skip
SENTENCES_PER_TEXT = 0.1


def read_by_gym(text: str) -> bool:
    """Return whether a text is a call.

    A refusal is the ValueError that the environment tells the agent.
    """
    try:
        return bool(read_action(text, Role.AGENT).tool_calls)
    except ValueError:
        return False


def read_by_trainer(text: str) -> bool:
    return any(action.is_call for action in get_actions(text))


def figures_of(read: Callable[[str], bool], count: int) -> dict[str, float]:
    rng = random.Random(derive_seed(4, "bench parser"))
    times, raised, calls = array("d"), 0, 0
    for _ in range(count):
        text = anything(rng)
        began = time.perf_counter()
        try:
            calls += read(text)
        except Exception as problem:  # noqa: BLE001  -- what this script is there to find
            raised += 1
            print(f"{text!r:.200}: {problem!r:.200}", file=sys.stderr)
        times.append(time.perf_counter() - began)
    sentences = sum(_is_call(read, a_sentence(rng)) for _ in range(int(count * SENTENCES_PER_TEXT)))
    ordered = sorted(times)
    quantiles = {
        f"p{part}_ms": rounded(ordered[int(len(ordered) * part / 100)] * 1e3) for part in (50, 99)
    }
    slowest = rounded(ordered[-1] * 1e3)
    return {
        "raised": raised,
        "calls": calls,
        "sentences_as_calls": sentences,
        **quantiles,
        "slowest_ms": slowest,
    }


def _is_call(read: Callable[[str], bool], sentence: str) -> bool:
    if not read(sentence):
        return False
    print(f"taken for a call: {sentence!r}", file=sys.stderr)
    return True


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--n", type=int, default=50_000)
    count = parser.parse_args().n
    figures: dict[str, Any] = figures_of(read_by_gym, count)
    figures |= {
        f"trainer_{key}": value for key, value in figures_of(read_by_trainer, count).items()
    }
    report("parser", figures, TARGETS, texts=count)


if __name__ == "__main__":
    main()
