"""Long texts: nothing is quadratic, and what is too much ends an episode with words.

    python -m tests.faults.text --seed 0

Every function of `tests/laws/text_functions.py` reads every shape of `tests/laws/long_texts.py`,
and has survived when its CPU time grows with the length of the text and no faster. Then episodes
are played in which a participant or a tool exceeds one of the caps. `benchmarks/bench_text.py`
measures the growth itself, up to 4 MB.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Callable
from typing import Any

from tests.cast import Call, calls, play, says
from tests.faults.storage import Tally
from tests.laws.growth import grows_linearly
from tests.laws.long_texts import FAMILIES
from tests.laws.text_functions import FUNCTIONS, PATTERNS

from tau2.data_model.simulation import SimulationRun
from tau2.domains.mock.environment import get_environment
from tau2.metrics.outcomes import Outcome, outcome_of
from tau2.utils.sizes import (
    LONGEST_MESSAGE,
    LONGEST_RESULT,
    MOST_CALLS_OF_A_MESSAGE,
)

_TASK = "create_task_1"
_LONG = "a" * (LONGEST_MESSAGE + 1)


def _conversation(agent: Any = "Hi.", user: Any = "Hello.") -> SimulationRun:
    return play(_TASK, agent=says(*[agent] * 99), user=says(*[user] * 99), max_steps=90)


def _long_result() -> SimulationRun:
    environment = get_environment()
    users = environment.tools.db.users  # type: ignore[union-attr]
    users["user_1"].name = "a" * (LONGEST_RESULT + 1)
    return play(_TASK, agent=says(Call("get_users", {})), user=says("Hi."), environment=environment)


EXCESSES: dict[str, tuple[Callable[[], SimulationRun], Outcome, str]] = {
    "a message of the agent": (
        lambda: _conversation(agent=_LONG),
        Outcome.AGENT_FAILURE,
        "the agent sent a message of more than",
    ),
    "an argument": (
        lambda: _conversation(agent=calls("create_task", user_id="user_1", title=_LONG)),
        Outcome.AGENT_FAILURE,
        "the agent sent a message of more than",
    ),
    "calls": (
        lambda: _conversation(agent=[Call("get_users", {})] * (MOST_CALLS_OF_A_MESSAGE + 1)),
        Outcome.AGENT_FAILURE,
        "the agent made more than",
    ),
    "a message of the user": (
        lambda: _conversation(user=_LONG),
        Outcome.USER_FAILURE,
        "the user sent a message of more than",
    ),
    "a result": (
        _long_result,
        Outcome.INFRASTRUCTURE,
        "the result of a tool has more than",
    ),
    "a conversation of the agent": (
        lambda: _conversation(agent=_LONG[2:]),
        Outcome.AGENT_FAILURE,
        "the conversation has more than",
    ),
    "a conversation of the user": (
        lambda: _conversation(user=_LONG[2:]),
        Outcome.USER_FAILURE,
        "the conversation has more than",
    ),
}
"""What is too much, whose failure it is, and how its error begins."""


def suite(seed: int, shapes: int | None = None) -> Tally:
    """Read every shape, or some of them, with every function; exceed every cap."""
    tally = Tally()
    chosen = random.Random(seed)
    for name, function in (FUNCTIONS | PATTERNS).items():
        for shape in chosen.sample(list(FAMILIES), shapes or len(FAMILIES)):
            tally.counts["tried"] += 1
            survived = grows_linearly(function, shape)
            tally.counts["survived"] += survived
            tally.check(survived, f"{name} takes more than linear time for {shape}")
    for name, (exceed, outcome, words) in EXCESSES.items():
        tally.counts["caps tried"] += 1
        run = exceed()
        error = str((run.info or {}).get("error"))
        survived = outcome_of(run) is outcome and error.startswith(words)
        tally.counts["caps survived"] += survived
        tally.check(survived, f"{name}: {outcome_of(run).value}, {error[:200]}")
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--shapes", type=int, help="so many shapes of each function, not all")
    options = parser.parse_args()
    began = time.monotonic()
    tally = suite(options.seed, options.shapes)
    counts = {"suite": "text", "seed": options.seed, **tally.counts, "broken": len(tally.broken)}
    sys.stdout.write(f"{json.dumps(counts | {'seconds': round(time.monotonic() - began)})}\n")
    sys.stderr.writelines(f"{story}\n" for story in tally.broken[:60])
    return int(bool(tally.broken))


if __name__ == "__main__":
    sys.exit(main())
