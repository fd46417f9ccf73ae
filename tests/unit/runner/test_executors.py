"""The same batch in this process, in worker processes and on Ray.

The same transcripts, hashes and rewards.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys

import pytest
from tests.stub import StubServer, failing

from tau2.data_model.run_config import TextRunConfig
from tau2.data_model.simulation import Results
from tau2.errors import MissingExtra
from tau2.evaluator.evaluator import EvaluationType
from tau2.runner import get_tasks, run_tasks
from tau2.runner.events import RunEnded, SimulationRetried, SimulationStored
from tau2.runner.executors import build_executor
from tau2.runner.executors.processes import ProcessExecutor
from tau2.runner.executors.protocol import (
    Setup,
    event_from_json,
    event_to_json,
    spec_from_json,
    spec_to_json,
)
from tau2.runner.resolve import resolve
from tau2.runner.tasks import UnitSpec

TASKS = get_tasks("mock")


def a_config(**options) -> TextRunConfig:
    return TextRunConfig(
        **{
            "domain": "mock",
            "agent": "oracle_agent",
            "user": "scripted_user",
            "num_trials": 2,
            "max_concurrency": 4,
        }
        | options
    )


def told(results: Results) -> list[str]:
    """Return what was said, done and earned, without times and names."""
    kept = {
        "messages": {"__all__": {"role", "content", "tool_calls", "turn_idx", "error"}},
        "reward_info": True,
    }
    return [
        json.dumps(
            [run.task_id, run.trial, run.seed, run.model_dump(mode="json", include=kept)],
            sort_keys=True,
        )
        for run in results.simulations
    ]


@pytest.mark.parametrize("options", [{"workers": 1}, {"workers": 3}, {"max_concurrency": 1}])
def test_workers_change_nothing(options):
    here = run_tasks(a_config(), TASKS, console_display=False)
    there = run_tasks(a_config(**options), TASKS, console_display=False)
    assert told(there) == told(here)
    assert all(run.reward_info.reward == 1.0 for run in there.simulations)


def test_a_killed_worker_costs_nothing_but_time():
    killed = []

    async def story() -> list[float]:
        executor = ProcessExecutor(
            Setup(resolve(a_config(workers=2)), EvaluationType.ALL), lambda event: None
        )
        await executor.start()
        try:
            playing = [asyncio.create_task(executor.play(UnitSpec(task, 0, 1))) for task in TASKS]
            await asyncio.sleep(0)
            victim = executor.workers[0]._process
            killed.append(victim.pid)
            os.kill(victim.pid, signal.SIGKILL)
            return [(await run).reward_info.reward for run in playing]
        finally:
            await executor.close()

    assert asyncio.run(story()) == [1.0] * len(TASKS)
    assert killed


def test_a_unit_that_kills_every_worker_becomes_a_failure_of_the_surroundings():
    async def story():
        executor = ProcessExecutor(
            Setup(resolve(a_config(workers=1)), EvaluationType.ALL), lambda event: None
        )
        await executor.start()
        try:
            playing = asyncio.create_task(executor.play(UnitSpec(TASKS[0], 0, 1)))
            while not playing.done():
                for worker in executor.workers:
                    if worker.alive and worker.pending:
                        worker._process.kill()
                await asyncio.sleep(0.001)
            return playing.result()
        finally:
            await executor.close()

    run = asyncio.run(story())
    if run.reward_info is None:  # unless the unit was quicker than the murderer
        assert run.termination_reason == "infrastructure_error"
        assert run.info["error_type"] == "WorkerFailure"


def test_workers_share_the_limits_of_a_provider():
    with StubServer("###STOP###", latency=0.02) as stub:
        args = {"api_base": stub.base_url, "api_key": "key"}
        config = a_config(
            agent="llm_agent",
            llm_agent="openai/any",
            llm_args_agent=args,
            workers=2,
            max_concurrency=8,
            provider_limits={"openai": 2},
        )
        results = run_tasks(config, TASKS, console_display=False)
        assert len(results.simulations) == 20
        assert stub.max_in_flight <= 2


def test_a_retry_in_a_worker_is_reported_here():
    seen = []
    with StubServer(failing(503)) as stub:
        args = {"api_base": stub.base_url, "api_key": "key", "num_retries": 0}
        config = a_config(
            agent="llm_agent",
            llm_agent="openai/any",
            llm_args_agent=args,
            workers=1,
            max_retries=1,
            retry_delay=0,
            num_trials=1,
        )
        run_tasks(config, TASKS[:1], console_display=False, sink=seen.append)
    assert [type(event) for event in seen[-3:]] == [SimulationRetried, SimulationStored, RunEnded]


def test_what_travels_between_processes_comes_back_equal():
    spec = UnitSpec(TASKS[0], 3, 2**60)
    assert spec_from_json(json.loads(json.dumps(spec_to_json(spec)))) == spec
    event = SimulationRetried("a", 1, 2, "why")
    assert event_from_json(event_to_json(event)) == event
    assert event_to_json(RunEnded(None, None)) is None
    setup = Setup(resolve(a_config(workers=2)), EvaluationType.ENV)
    assert Setup.from_json(json.loads(json.dumps(setup.to_json()))) == setup
    assert setup.slots == 2


def test_without_ray_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtra, match=r"tau2-bench\[ray\]"):
        build_executor(
            Setup(resolve(a_config(executor="ray")), EvaluationType.ALL), lambda event: None
        )


def test_the_same_batch_on_ray():
    pytest.importorskip("ray", reason="ray is not installed (extra: ray)")
    here = run_tasks(a_config(), TASKS, console_display=False)
    there = run_tasks(a_config(executor="ray", workers=2), TASKS, console_display=False)
    assert told(there) == told(here)
