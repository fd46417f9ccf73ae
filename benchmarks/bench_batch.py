"""200 simulations against a loopback model that takes 50 ms per answer.

Wall time against the ideal, and CPU.

Every conversation makes 13 model calls: the agent calls a tool, again, and says something, three
times over, and the user says what it wants at once, so that the user's monitor (`user_monitor` is
"act", the default) lets it go on to the end. The run fails if it does not.

The ideal is what the model alone takes: answers per simulation, one after another, for as many
rounds as the concurrency needs. CPU is this process's (the model is another one). The requests of
this run are then posted again, by a bare loop over the same HTTP client to the same model; what
that takes is `http_cpu_ms`, and the rest is `cpu_ms_beyond_http`. Simulations are saved, each
synced, as always. What the monitor, the log of the episode, grading and the store (with its journal
and outlines) take of the CPU is measured by thread and shown as well; the rest is the
conversation's.

What bounds the wall time: a process plays on one core, so N simulations take at least N times
`cpu_ms`. The ideal is 0.65 s divided by the concurrency for each of them: 81 ms at 8 in flight,
10 ms at 64 and 2.5 ms at 256. To stay within 1.10 of it, one process may take 11 ms of CPU a
simulation at 64 and 2.8 ms at 256, and 2.8 ms is what the HTTP client alone takes for 13 exchanges.
Beyond that only more processes help: with --workers N the bound is N times lower as long as N cores
are free, and `cpu_ms` is the sum over all processes, their start included (about 1.5 s of CPU for
each worker: with 200 simulations and two workers, 15 ms of each simulation's).

Where the CPU of a simulation goes, in percent, by a sampling profile at 64 in flight: model calls
45 (the HTTP client 17, writing requests 8, reading answers 6), the verdict on the simulation 8
(four of five fail here), the store 8, the log of the episode 7, the user's monitor 6, setting up
and ending 5, grading 2; the rest is participants, tools, the event loop and the search for
reference cycles.

  python benchmarks/bench_batch.py [--n 200] [--concurrency 1 8 64 256] [--workers 4] [--profile]

With --profile the functions that took most CPU time on the event loop are printed to standard
error; the figures of such a run are too high.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import functools
import json
import math
import pstats
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from itertools import cycle
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bench_llm_call import STUB, at_once
from common import report, rounded

from tau2.data_model.run_config import TextRunConfig
from tau2.data_model.tasks import Task
from tau2.llm.transport import async_client
from tau2.llm.transport.endpoint import Endpoint
from tau2.llm.transport.response import HttpResponse
from tau2.orchestrator.user_watch import UserWatch
from tau2.runner import get_tasks, run_tasks, simulation
from tau2.runner.episode_log import _Writer
from tau2.storage.store import RunStore

LATENCY = 0.05
AGENT = ["get_users", "get_users", "Here is what I found. The list is as it was before."] * 3
USER = [
    "Please create a task with the title Important Meeting, or delete every task on my list.",
    "I see. Please go on with it.",
    "That is what I wanted to know.",
    "Thank you, bye. ###STOP###",
]
CALLS = len(AGENT) + len(USER)
PARTS = {
    "monitor": ((UserWatch, "__init__"), (UserWatch, "objections"), (UserWatch, "record")),
    "episode_log": ((_Writer, "__init__"), (_Writer, "turn")),
    "grading": ((simulation, "grade"),),
    "store": ((RunStore, "save"),),
}
"""What is measured by itself; none of these functions waits or calls another one of them."""
ORIGINAL = {"wall_over_ideal_at_64": 59.0, "cpu_ms_per_simulation": [176.0, 449.0]}


def tasks(number: int) -> list[Task]:
    """Return so many tasks with ids of their own."""
    plain = [task for task in get_tasks("mock") if task.initial_state is None]
    return [
        plain[place % len(plain)].model_copy(update={"id": f"task_{place}"})
        for place in range(number)
    ]


def answer(body: dict[str, Any]) -> Any:
    """Return what the agent or the user says next, by how often it has spoken."""
    said = sum(message["role"] == "assistant" for message in body["messages"])
    if body["model"] == "user":
        return USER[min(said, len(USER) - 1)]
    # The greeting is a message of the agent, too.
    line = AGENT[min(max(said - 1, 0), len(AGENT) - 1)]
    return {"name": line, "arguments": {}} if line == "get_users" else line


@contextmanager
def model() -> Iterator[str]:
    """Serve `answer` from another process while the block lasts; return the address."""
    command = [sys.executable, __file__, "--serve"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        yield server.stdout.readline().strip()
        server.stdin.close()


def serve() -> None:
    sys.path.insert(0, str(STUB.parent))
    from stub import StubServer

    with StubServer(answer, latency=LATENCY) as server:
        sys.stdout.write(server.base_url + "\n")
        sys.stdout.flush()
        sys.stdin.read()


@contextmanager
def measured() -> Iterator[Counter[str]]:
    """Count the CPU seconds of each part while the block lasts."""
    spent: Counter[str] = Counter()

    def timed(part: str, function: Any) -> Any:
        @functools.wraps(function)
        def wrapper(*args: Any, **options: Any) -> Any:
            began = time.thread_time()
            try:
                return function(*args, **options)
            finally:
                spent[part] += time.thread_time() - began

        return wrapper

    with ExitStack() as stack:
        for part, functions in PARTS.items():
            for owner, name in functions:
                stack.enter_context(patch.object(owner, name, timed(part, getattr(owner, name))))
        yield spent


def cpu_seconds() -> float:
    """Return the CPU seconds of this process and of its worker processes that have ended."""
    used = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def play(
    url: str,
    number: int,
    concurrency: int,
    workers: int = 0,
    profile: cProfile.Profile | None = None,
) -> dict[str, Any]:
    args = {"api_base": url, "api_key": "key", "temperature": 0.0}
    config = TextRunConfig(
        domain="mock", llm_agent="openai/agent", llm_args_agent=args, llm_user="openai/user",
        llm_args_user=args, max_concurrency=concurrency, workers=workers,
    )  # fmt: skip
    played = tasks(number)
    with tempfile.TemporaryDirectory() as folder, measured() as spent:
        saved = Path(folder) / "run"
        wall, cpu = time.perf_counter(), cpu_seconds()
        with profile or nullcontext():
            results = run_tasks(config, played, save_dir=saved, console_display=False)
        wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
        for run in results.simulations:
            calls = run.agent_usage.model_calls + run.user_usage.model_calls
            end = run.termination_reason.value
            if calls != CALLS or end != "user_stop":
                sys.exit(f"{run.task_id}: {calls} model calls, {end}: {run.info}")
    ideal = math.ceil(number / concurrency) * CALLS * LATENCY
    return {
        "wall_s": wall,
        "ideal_s": ideal,
        "cpu_ms": cpu / number * 1e3,
        **{f"{part}_cpu_ms": spent[part] / number * 1e3 for part in PARTS},
    }


Exchange = tuple[Endpoint, bytes]
"""A request as it was posted, and where to."""


def exchanges_of_a_run(url: str, number: int, concurrency: int) -> list[Exchange]:
    """Play some simulations, which also imports and compiles; return what was posted."""
    posted: list[Exchange] = []
    post = async_client.apost

    async def noted(endpoint: Endpoint, body: bytes, seconds: float) -> HttpResponse:
        posted.append((endpoint, body))
        return await post(endpoint, body, seconds)

    with patch.object(async_client, "apost", noted):
        play(url, number, concurrency)
    return posted


def http_cpu_ms(exchanges: list[Exchange], concurrency: int) -> float:
    """Return the CPU milliseconds that the HTTP client takes for one simulation's exchanges."""
    given = cycle(exchanges)

    async def one() -> None:
        endpoint, body = next(given)
        json.loads((await async_client.apost(endpoint, body, 60.0)).body)

    began = time.process_time()
    rounds = max(CALLS * 8, 4 * concurrency)
    asyncio.run(at_once(one, concurrency, rounds))
    return (time.process_time() - began) / rounds * CALLS * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=200)
    parser.add_argument("--concurrency", type=int, nargs="*", default=[1, 8, 64, 256])
    parser.add_argument("--workers", type=int, default=0, help="worker processes")
    parser.add_argument("--profile", action="store_true", help="print where the CPU time goes")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve()
        return
    figures: dict[str, float] = {}
    targets: dict[str, float] = {}
    for concurrency in options.concurrency:
        number = (
            options.n if concurrency > 1 else min(options.n, 20)
        )  # one after another, 200 take over two minutes
        profile = cProfile.Profile(time.process_time) if options.profile else None
        with model() as url:
            exchanges = exchanges_of_a_run(url, min(number, 8), concurrency)
            seen = play(url, number, concurrency, options.workers, profile)
            client = http_cpu_ms(exchanges, concurrency)
        if profile is not None:
            pstats.Stats(profile, stream=sys.stderr).sort_stats("cumulative").print_stats(80)
        name = f"at_{concurrency}"
        figures[f"{name}_wall_over_ideal"] = rounded(seen["wall_s"] / seen["ideal_s"])
        figures |= {f"{name}_{key}": rounded(seen[key]) for key in seen if key.endswith("cpu_ms")}
        figures[f"{name}_http_cpu_ms"] = rounded(client)
        figures[f"{name}_cpu_ms_beyond_http"] = rounded(seen["cpu_ms"] - client)
        targets[f"{name}_cpu_ms_beyond_http"] = 8.0
        targets[f"{name}_wall_over_ideal"] = 1.10
    figures["model_calls_per_simulation"] = CALLS
    facts = {"simulations": options.n, "workers": options.workers, "latency_s": LATENCY}
    report("batch", figures, targets, **facts, original=ORIGINAL)


if __name__ == "__main__":
    main()
