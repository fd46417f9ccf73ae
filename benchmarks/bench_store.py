"""What it costs to save one simulation and to open a run, whatever is stored already.

`original_*` are the figures of the public package v1.0.1 for 2,000 stored simulations, measured on
the same kind of machine (single-file form, its default for text runs); they are here for reference
and are no target.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from common import report, rounded

from tau2.data_model.message import AssistantMessage, ToolCall, ToolMessage, UserMessage
from tau2.data_model.reward import DBCheck, RewardInfo
from tau2.data_model.run_config import TextRunConfig
from tau2.data_model.simulation import Results, SimulationRun
from tau2.runner.tasks import get_info, get_tasks
from tau2.storage.store import RunStore

FEW, MANY, OPENED, SAVED = 10, 10_000, 2_000, 200
TARGETS = {"save_at_10_ms": 2.0, "save_at_10000_ms": 2.0, "open_2000_s": 0.3}
ORIGINAL = {"original_save_at_2000_ms": 7100.0, "original_open_2000_s": 6.2}


def conversation(number: int) -> SimulationRun:
    """Return a graded simulation of the size of a usual retail one (about 30 kB)."""
    messages: list[Any] = []
    for turn in range(12):
        call = ToolCall(
            id=f"call_{turn}", name="get_order_details", arguments={"order_id": f"#W{turn:07}"}
        )
        messages += [
            UserMessage(
                content="Could you look at my order again, please? " * 6, turn_idx=4 * turn
            ),
            AssistantMessage(tool_calls=[call], cost=0.001, turn_idx=4 * turn + 1),
            ToolMessage(
                id=call.id,
                content='{"status": "delivered", "items": []}' * 20,
                turn_idx=4 * turn + 2,
            ),
            AssistantMessage(
                content="It was delivered on Monday. " * 8, cost=0.001, turn_idx=4 * turn + 3
            ),
        ]
    return SimulationRun(
        id=f"sim-{number}", task_id=str(number % 100), trial=number // 100, seed=number,
        start_time="0", end_time="1", duration=1.0, termination_reason="user_stop",
        messages=messages, agent_cost=0.1, user_cost=0.1,
        reward_info=RewardInfo(reward=1.0, db_check=DBCheck(db_match=True, db_reward=1.0)),
        policy="Be kind. " * 700,
    )  # fmt: skip


def cpu_ms_each(runs: Iterator[SimulationRun], store: RunStore, number: int) -> float:
    """Save some simulations; return the CPU milliseconds of one."""
    made = [next(runs) for _ in range(number)]
    began = time.process_time()
    for run in made:
        store.save(run)
    return rounded((time.process_time() - began) / number * 1e3)


def fill(runs: Iterator[SimulationRun], store: RunStore, number: int) -> None:
    """Save simulations from many threads, whose waits for the disk overlap."""
    with ThreadPoolExecutor(32) as threads:
        list(threads.map(store.save, [next(runs) for _ in range(number)]))


def seconds(work: Any) -> float:
    """Return the CPU seconds of a call."""
    began = time.process_time()
    work()
    return rounded(time.process_time() - began)


def measured(folder: Path) -> dict[str, float]:
    """Fill a run and measure on the way."""
    config = TextRunConfig(domain="retail", num_trials=MANY // 100 + 4)
    tasks = get_tasks("retail")[:100]
    tasks = [task.model_copy(update={"id": str(number)}) for number, task in enumerate(tasks)]
    info, runs, figures = get_info(config), map(conversation, range(10**9)), {}
    store = RunStore(folder)
    store.open(info, tasks, resume=False)
    fill(runs, store, FEW)
    figures["save_at_10_ms"] = cpu_ms_each(runs, store, SAVED)
    fill(runs, store, OPENED - FEW - SAVED)
    store.close()
    again = RunStore(folder)
    figures["open_2000_s"] = seconds(lambda: again.open(info, tasks, resume=True))
    figures["finish_2000_s"] = seconds(again.finish)
    figures["load_2000_s"] = seconds(lambda: Results.load(folder))
    last = RunStore(folder)
    last.open(info, tasks, resume=True)
    fill(runs, last, MANY - OPENED)
    figures["save_at_10000_ms"] = cpu_ms_each(runs, last, SAVED)
    last.close()
    return figures


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        figures = measured(Path(folder) / "run")
    size = len(conversation(0).model_dump_json(indent=1))
    report("store", figures, TARGETS, bytes_per_simulation=size, **ORIGINAL)


if __name__ == "__main__":
    main()
