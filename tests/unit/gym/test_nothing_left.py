"""Live episodes are cheap, and abandoned ones are gone.

The benchmark does the same with larger numbers.
"""

from __future__ import annotations

import gc
import os
import threading
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cast import User

from tau2.gym import AgentGymEnv
from tau2.registry import registry

pytestmark = pytest.mark.slow

MOST_KB = 100
SAMPLES = {"mock": "create_task_1", "retail": None, "airline": None, "telecom": None}


def make(domain: str) -> AgentGymEnv:
    task_id = SAMPLES[domain] or registry.get_tasks_loader(domain)("test")[0].id
    env = AgentGymEnv(domain, task_id, user="scripted_user")
    env.reset(seed=1)
    env.step("One moment, please. Could you tell me who you are?")
    return env


def descriptors() -> int:
    folder = Path("/proc/self/fd")
    return len(os.listdir(folder)) if folder.is_dir() else 0  # noqa: PTH208  -- iterdir would hold one open


@pytest.mark.parametrize("domain", SAMPLES)
def test_a_live_episode_costs_little_and_no_thread(domain):
    make(domain)
    gc.collect()
    threads, files = threading.active_count(), descriptors()
    tracemalloc.start()
    try:
        live = [make(domain) for _ in range(10)]
        gc.collect()
        used = tracemalloc.get_traced_memory()[0] / len(live) / 1024
    finally:
        tracemalloc.stop()
    assert used < MOST_KB
    assert (threading.active_count(), descriptors()) == (threads, files)


@pytest.mark.parametrize("how", ["abandon", "close", "reset"])
def test_cycles_leave_no_thread_no_descriptor_and_no_memory(how):
    kept = make("mock")

    def cycle() -> None:
        env = kept if how == "reset" else make("mock")
        if how == "reset":
            env.reset(seed=1)
        if how == "close":
            env.close()

    for _ in range(20):
        cycle()
    gc.collect()
    threads, files = threading.active_count(), descriptors()
    tracemalloc.start()
    try:
        for _ in range(10):
            cycle()
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(60):
            cycle()
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < 60 * 50  # bytes; the bookkeeping of the measurement itself
    assert (threading.active_count(), descriptors()) == (threads, files)


WORDS = """{"name": " create_task "arguments": { } ] [ f(x= ) 'a' = NaN
<think> </think> ###STOP## **{} get_users()"""
ODD = ["\n", " ", "\x00", "\\ud800", "\ud800", "(" * 300, "0x" + "F" * 5000]
PIECES = st.sampled_from([*WORDS.split(), *ODD])


@settings(max_examples=200)
@given(st.one_of(st.text(st.characters(), max_size=40), st.lists(PIECES, max_size=8).map("".join)))
def test_whatever_is_written_a_step_is_a_step(action):
    env = AgentGymEnv("mock", "create_task_1", user=lambda *_: User(("Hi", "Ok")))
    env.reset()
    observation, _, _, _, info = env.step(action)
    observation.encode()
    assert isinstance(observation, str)
    info["simulation_run"].encode()
    assert env.step("done()")[4]["simulation_run"] != "{}"
