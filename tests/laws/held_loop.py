"""How long an event loop is held while episodes with texts of a megabyte are played on it.

    python -m tests.laws.held_loop

Another process serves the models. The agent and the user say long texts of every kind, and the
agent calls tools with long arguments; the run is logged, redacted, graded and saved.
"""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.laws.long_texts import FAMILIES
from tests.stub import StubServer

from tau2.data_model.run_config import TextRunConfig
from tau2.run import get_tasks
from tau2.runner.batch import arun_tasks

_ROOT = Path(__file__).parents[2]
_SIZE = 950_000  # characters of a text; the cap of a message is a million
_TURNS = 6
_SHAPES = 20


def _replies() -> Any:
    shapes = itertools.cycle(list(FAMILIES.values())[:: max(1, len(FAMILIES) // _SHAPES)])

    def reply(body: dict[str, Any]) -> Any:
        said = sum(message["role"] == "assistant" for message in body["messages"])
        if said >= _TURNS:
            return "###STOP###"
        text = next(shapes)(_SIZE)[:_SIZE]
        if body.get("tools") and said % 2:
            return {"name": "create_task", "arguments": {"user_id": "user_1", "title": text[:9000]}}
        return text.replace("#", "-")

    return reply


def serve() -> None:
    """Serve the models until the input closes."""
    with StubServer(_replies()) as stub:
        sys.stdout.write(f"{stub.base_url}\n")
        sys.stdout.flush()
        sys.stdin.read()


@contextmanager
def _server() -> Iterator[str]:
    command = [sys.executable, "-m", "tests.laws.held_loop", "--serve"]
    with subprocess.Popen(
        command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.stdin.close()


async def _watch(holds: list[float]) -> None:
    """Note the CPU time of this process from one turn of the loop to the next.

    CPU time, because other programs of a busy machine are no fault of the loop.
    """
    before = time.process_time()
    while True:
        await asyncio.sleep(0.001)
        now = time.process_time()
        holds.append(now - before)
        before = now


async def _played(address: str, folder: Path) -> list[float]:
    args = {"api_base": address, "api_key": "sk-only-for-the-stub"}
    config = TextRunConfig(
        domain="mock",
        agent="llm_agent",
        llm_agent="openai/long",
        llm_args_agent=args,
        user="user_simulator",
        llm_user="openai/long",
        llm_args_user=args,
        num_trials=2,
        max_retries=0,
        log_level="ERROR",
    )
    tasks = get_tasks("mock", task_ids=["create_task_1"])
    # What is loaded on first use is loaded before.
    await arun_tasks(config, tasks, save_path=folder / "warm", console_display=False)
    holds: list[float] = []
    watch = asyncio.ensure_future(_watch(holds))
    try:
        await arun_tasks(config, tasks, save_path=folder / "long", console_display=False)
    finally:
        watch.cancel()
        with suppress(asyncio.CancelledError):
            await watch
    return holds


def longest_hold_ms() -> float:
    """Return the longest time for which the loop was held, in milliseconds of CPU."""
    with _server() as address, tempfile.TemporaryDirectory() as folder:
        return max(asyncio.run(_played(address, Path(folder)))) * 1e3


if __name__ == "__main__":
    if sys.argv[1:] == ["--serve"]:
        serve()
    else:
        sys.stdout.write(f"{longest_hold_ms():.1f} ms\n")
