"""Live episodes for a long time: 50,000 Gymnasium episodes, then 20,000 that are cancelled.

    python benchmarks/bench_live.py --episodes 50000 --cancelled 20000

Every seventh episode is left without its end. A cancelled one is abandoned while its user is asked,
on the event loop or (every tenth) in a thread. Between rounds, threads, descriptors, tasks of the
event loop, resident memory and live objects are taken; the first eighth is a warm-up.
`rss_kb_per_1000` is the slope of a least-squares line through resident memory over episodes.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bench_soak import Sample, sample, slope
from common import report, rounded

from tau2.data_model.message import UserMessage
from tau2.gym import AgentGymEnv, AsyncAgentGymEnv
from tau2.user.base_user import HalfDuplexUser

ROUND = 500
SOLVE = "create_task(user_id='user_1', title='Important Meeting')"
TARGETS = {
    f"{kind}_{what}": limit
    for kind in ("episodes", "cancelled")
    for what, limit in (
        ("threads_grown", 0.0),
        ("descriptors_grown", 0.0),
        ("tasks_left", 0.0),
        ("objects_per_1000", 100.0),
        ("rss_kb_per_1000", 150.0),
    )
}


class _Waiting(HalfDuplexUser):
    """A user who asks, and then thinks for longer than anybody waits."""

    blocking = True

    def __init__(self, *_: Any, in_thread: bool = False) -> None:
        super().__init__(None, None)
        self._in_thread = in_thread

    def get_init_state(self, message_history: Any = None) -> int:
        return 0

    def generate_next_message(self, message: Any, state: int) -> tuple[UserMessage, int]:
        return UserMessage(content="Please."), state + 1

    async def agenerate_next_message(self, message: Any, state: int) -> tuple[UserMessage, int]:
        if state:
            await (asyncio.to_thread(time.sleep, 0.001) if self._in_thread else asyncio.sleep(600))
        return self.generate_next_message(message, state)


def play(number: int) -> None:
    """Play one episode to its end, or leave it."""
    env = AgentGymEnv("mock", "create_task_1", user="scripted_user")
    env.reset(seed=number)
    env.step(SOLVE)
    if number % 7:
        env.step("Done.")
        env.step("done()")
    env.close()


async def cancel(number: int) -> None:
    """Begin an episode and abandon it while its user is asked."""
    in_thread = number % 10 == 0
    env = AsyncAgentGymEnv("mock", "create_task_1", user=lambda *_: _Waiting(in_thread=in_thread))
    await env.reset(seed=number)
    stepping = asyncio.create_task(env.step("Well?"))
    await asyncio.sleep(0)
    stepping.cancel()
    await asyncio.gather(stepping, return_exceptions=True)
    await env.close()


def episodes(number: int) -> Iterator[tuple[Sample, int]]:
    """Play in rounds; yield what the process holds after each, and tasks that are left."""
    for first in range(0, number, ROUND):
        for one in range(first, first + ROUND):
            play(one)
        yield sample(first + ROUND), 0


def cancelled(number: int) -> Iterator[tuple[Sample, int]]:
    """Cancel in rounds, likewise."""
    with asyncio.Runner() as runner, ThreadPoolExecutor(1) as thread:
        # One thread for the users that block: how many a loop starts by itself is its own affair.
        runner.get_loop().set_default_executor(thread)

        async def a_round(first: int) -> int:
            for one in range(first, first + ROUND, 10):
                await asyncio.gather(*(cancel(number) for number in range(one, one + 10)))
            await asyncio.sleep(0.05)  # threads that still sleep
            gc.collect()
            return len(asyncio.all_tasks()) - 1

        for first in range(0, number, ROUND):
            left = runner.run(a_round(first))
            yield sample(first + ROUND), left


def figures_of(kind: str, rounds: list[tuple[Sample, int]]) -> dict[str, float]:
    """Return the growth from the end of the warm-up on."""
    samples = [one for one, _ in rounds][max(1, len(rounds) // 8) - 1 :]
    return {
        f"{kind}_threads_grown": float(samples[-1].threads - samples[0].threads),
        f"{kind}_descriptors_grown": float(samples[-1].descriptors - samples[0].descriptors),
        f"{kind}_tasks_left": float(max(left for _, left in rounds)),
        f"{kind}_objects_per_1000": rounded(slope(samples, "objects")),
        f"{kind}_rss_kb_per_1000": rounded(slope(samples, "rss_kb")),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--episodes", type=int, default=50_000)
    parser.add_argument("--cancelled", type=int, default=20_000)
    options = parser.parse_args()
    began = time.perf_counter()
    played = list(episodes(max(options.episodes, 4 * ROUND)))
    left = list(cancelled(max(options.cancelled, 4 * ROUND)))
    facts = {
        "rss_mb": [
            rounded(one.rss_kb / 1024) for one in (played[0][0], played[-1][0], left[-1][0])
        ],
        "threads": left[-1][0].threads,
        "descriptors": left[-1][0].descriptors,
        "seconds": round(time.perf_counter() - began),
    }
    counts = {"episodes": played[-1][0].played, "cancelled": left[-1][0].played}
    figures = figures_of("episodes", played) | figures_of("cancelled", left)
    report("live", figures, TARGETS, **counts, **facts)


if __name__ == "__main__":
    sys.exit(main())
