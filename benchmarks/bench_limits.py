"""Wall-clock limits of work that a mistake could make slow; exits 1 above one.

Long inputs to the readers of actions and of user speech (a reader in quadratic time would take
minutes), and writing retail's data files. Tests of the same functions only check results.

  python benchmarks/bench_limits.py
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from common import report, rounded

from act_prm.llm_handlers.actions import LONGEST_REPLY, get_actions
from tau2.domains.retail.factory.__main__ import DEFAULT_SEED, write_data
from tau2.user.scripted_user.understanding import understand

TARGETS = {"longest_reply_s": 3.0, "longest_speech_s": 2.0, "retail_data_s": 3.0}
REPLIES = (
    "[",
    "{",
    "<tool_call>{",
    '<tool_call>{"',
    '<tool_call>{"a":"',
    '<tool_call>["',
    "<tool_call>",
)
SPEECH = ("a", "please ", "you ", "i have been ", "((", "confirm your ", "\n- ", "is ")


def seconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    replies = [piece * (LONGEST_REPLY // len(piece)) for piece in REPLIES]
    speech = [piece * 60_000 for piece in SPEECH]
    with tempfile.TemporaryDirectory() as folder:
        figures = {
            "longest_reply_s": max(seconds(partial(get_actions, text)) for text in replies),
            "longest_speech_s": max(seconds(partial(understand, text)) for text in speech),
            "retail_data_s": seconds(partial(write_data, DEFAULT_SEED, Path(folder))),
        }
    report("limits", {name: rounded(value) for name, value in figures.items()}, TARGETS)


if __name__ == "__main__":
    main()
