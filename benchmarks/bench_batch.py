"""200 simulations against a loopback model that takes 50 ms per answer.

Wall time against the ideal, and CPU.

The ideal is what the model alone takes: answers per simulation, one after another, for as many
rounds as the concurrency needs. CPU is this process's (the model is another one); what the HTTP
client takes for the same exchanges is measured in the same run and taken away. Simulations are
saved, each synced, as always.

  python benchmarks/bench_batch.py [--n 200] [--concurrency 1 8 64 256]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import tempfile
import time
from pathlib import Path
from typing import Any

from bench_llm_call import at_once, stub
from common import report, rounded

from tau2.data_model.run_config import TextRunConfig
from tau2.data_model.tasks import Task
from tau2.llm.transport.async_client import apost
from tau2.llm.transport.endpoint import Endpoint
from tau2.runner import get_tasks, run_tasks

LATENCY = 0.05
HOPS = 14  # messages of one conversation: every one but the greeting is a model's answer
ORIGINAL = {"wall_over_ideal_at_64": 59.0, "cpu_ms_per_simulation": [176.0, 449.0]}


def tasks(number: int) -> list[Task]:
    """Return so many tasks with ids of their own."""
    plain = [task for task in get_tasks("mock") if task.initial_state is None]
    return [
        plain[place % len(plain)].model_copy(update={"id": f"task_{place}"})
        for place in range(number)
    ]


def play(url: str, number: int, concurrency: int) -> dict[str, Any]:
    args = {"api_base": url, "api_key": "key", "temperature": 0.0}
    config = TextRunConfig(
        domain="mock", llm_agent="openai/agent", llm_args_agent=args, llm_user="openai/user",
        llm_args_user=args, max_steps=HOPS, max_concurrency=concurrency,
    )  # fmt: skip
    played = tasks(number)
    with tempfile.TemporaryDirectory() as folder:
        wall, cpu = time.perf_counter(), time.process_time()
        results = run_tasks(config, played, save_dir=Path(folder) / "run", console_display=False)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    calls = (
        sum(run.agent_usage.model_calls + run.user_usage.model_calls for run in results.simulations)
        / number
    )
    ideal = math.ceil(number / concurrency) * calls * LATENCY
    return {
        "concurrency": concurrency,
        "calls": calls,
        "wall_s": wall,
        "ideal_s": ideal,
        "cpu_ms": cpu / number * 1e3,
    }


def http_cpu_ms(url: str, calls: int, concurrency: int) -> float:
    """Return the CPU milliseconds that the HTTP client takes for one simulation's exchanges."""
    talk = [{"role": "user", "content": "The refund of 42 dollars is on its way." * 2}] * (
        HOPS // 2
    )
    body = json.dumps(
        {"model": "agent", "messages": [{"role": "system", "content": "x" * 4000}, *talk]}
    ).encode()
    headers = (("Content-Type", "application/json"), ("Authorization", "Bearer key"))
    endpoint = Endpoint(url + "/chat/completions", "agent", headers=headers)

    async def one() -> None:
        json.loads((await apost(endpoint, body, 60.0)).body)

    began = time.process_time()
    rounds = max(calls * 8, 4 * concurrency)
    asyncio.run(at_once(one, concurrency, rounds))
    return (time.process_time() - began) / rounds * calls * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=200)
    parser.add_argument("--concurrency", type=int, nargs="*", default=[1, 8, 64, 256])
    options = parser.parse_args()
    figures: dict[str, float] = {}
    targets: dict[str, float] = {}
    for concurrency in options.concurrency:
        number = (
            options.n if concurrency > 1 else min(options.n, 20)
        )  # one after another, 200 take over two minutes
        with stub(LATENCY) as url:
            play(url, min(number, 8), concurrency)  # the first run imports and compiles
            seen = play(url, number, concurrency)
            client = http_cpu_ms(url, round(seen["calls"]), concurrency)
        name = f"at_{concurrency}"
        figures[f"{name}_wall_over_ideal"] = rounded(seen["wall_s"] / seen["ideal_s"])
        figures[f"{name}_cpu_ms"] = rounded(seen["cpu_ms"])
        figures[f"{name}_cpu_ms_beyond_http"] = rounded(seen["cpu_ms"] - client)
        figures["model_calls_per_simulation"] = seen["calls"]
        targets[f"{name}_cpu_ms_beyond_http"] = 10.0
        if concurrency <= 64:
            targets[f"{name}_wall_over_ideal"] = 1.15
    report("batch", figures, targets, simulations=options.n, latency_s=LATENCY, original=ORIGINAL)


if __name__ == "__main__":
    main()
