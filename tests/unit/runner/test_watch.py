"""Somebody watches: signals, workers that are stopped, a screen that fails, what a kill leaves."""

from __future__ import annotations

import asyncio
import errno
import io
import logging
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from rich.console import Console
from tests.cast import mock_task
from tests.stub import StubServer, by_turn, failing
from tests.unit.runner.conftest import a_config

from tau2.data_model.simulation import Results, TextRunConfig
from tau2.evaluator.evaluator import EvaluationType
from tau2.report.terminal.console import ConsoleSink
from tau2.runner import run_tasks
from tau2.runner.events import RunHalted, RunStopping, SimulationStored
from tau2.runner.executors import pool
from tau2.runner.executors.processes import ProcessExecutor
from tau2.runner.executors.protocol import Setup
from tau2.runner.resolve import resolve
from tau2.runner.tasks import UnitSpec

TASKS = [mock_task("create_task_1"), mock_task("update_task_1")]
unix = pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs signals of Unix")


def offline(**options: object) -> TextRunConfig:
    return a_config(agent="oracle_agent", user="scripted_user", **options)


# --- signals --------------------------------------------------------------------------------------


@unix
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_a_run_and_what_is_played_is_stored(number, tmp_path):
    before = signal.getsignal(number)
    events = []

    def sink(event):
        events.append(event)
        if isinstance(event, SimulationStored) and event.done == 1:
            os.kill(os.getpid(), number)

    with pytest.raises(KeyboardInterrupt):
        run_tasks(
            offline(num_trials=20, max_concurrency=2), TASKS, save_dir=tmp_path / "run", sink=sink
        )
    stored = sum(isinstance(event, SimulationStored) for event in events)
    assert sum(isinstance(event, RunStopping) for event in events) == 1
    assert 1 <= stored < 40
    assert len(Results.load(tmp_path / "run").simulations) == stored
    assert signal.getsignal(number) == before


@unix
def test_the_command_ends_on_sigterm_as_on_ctrl_c(tmp_path):
    with StubServer(by_turn(["I cannot do that."]), latency=0.3) as stub:
        command = [
            *(sys.executable, "-m", "tau2.cli", "run", "--domain", "mock", "--num-trials", "40"),
            *("--agent-llm", "openai/m", "--user", "scripted_user", "--max-concurrency", "2"),
            *("--agent-llm-args", f'{{"api_base": "{stub.base_url}", "api_key": "k"}}'),
            *("--no-probe", "--save-to", str(tmp_path / "run")),
        ]
        run = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        while stub.requests < 4:
            time.sleep(0.01)
        run.terminate()
        _, said = run.communicate(timeout=60)
    assert run.returncode == 130
    assert "interrupted after" in said
    assert "Continue with:" in said
    assert len(list((tmp_path / "run" / "simulations").iterdir())) >= 1


# --- workers that do not answer -------------------------------------------------------------------


def in_workers(story, **options):
    """Run `story(executor)` with a started executor."""

    async def told():
        setup = Setup(resolve(offline(workers=2, **options)), EvaluationType.ALL)
        executor = ProcessExecutor(setup, lambda _event: None)
        await executor.start()
        try:
            return await story(executor)
        finally:
            await executor.close()

    return asyncio.run(told())


@unix
def test_idle_workers_that_are_stopped_are_replaced_before_they_get_a_unit():
    async def story(executor):
        stopped = list(executor.workers)
        for worker in stopped:
            os.kill(worker._process.pid, signal.SIGSTOP)
        await asyncio.gather(*(worker._tasks[-1] for worker in stopped))  # the watch of each
        runs = await asyncio.gather(*(executor.play(UnitSpec(task, 0, 1)) for task in TASKS))
        assert not set(stopped) & set(executor.workers)
        return [run.reward_info.reward for run in runs]

    assert in_workers(story, worker_timeout=8.0) == [1.0, 1.0]


@unix
def test_a_worker_that_is_slow_for_a_while_is_kept():
    """Like one that is swapped out and comes back in time."""

    async def story(executor):
        slow = executor.workers[0]
        os.kill(slow._process.pid, signal.SIGSTOP)
        playing = [asyncio.create_task(executor.play(UnitSpec(task, 0, 1))) for task in TASKS]
        await asyncio.sleep(1.5)
        os.kill(slow._process.pid, signal.SIGCONT)
        runs = await asyncio.gather(*playing)
        assert slow.alive
        assert executor.workers[0] is slow
        return [run.reward_info.reward for run in runs]

    assert in_workers(story, worker_timeout=60.0) == [1.0, 1.0]


@unix
def test_a_worker_that_stays_away_is_replaced_and_its_unit_played_again():
    async def story(executor):
        gone = executor.workers[0]
        os.kill(gone._process.pid, signal.SIGSTOP)
        runs = await asyncio.gather(*(executor.play(UnitSpec(task, 0, 1)) for task in TASKS))
        assert not gone.alive
        return [run.reward_info.reward for run in runs]

    assert in_workers(story, worker_timeout=8.0) == [1.0, 1.0]


def test_patience_ends_with_the_time_limit_of_an_episode():
    assert pool.patience(offline(worker_timeout=600.0)) == 600.0
    limited = pool.patience(offline(worker_timeout=600.0, timeout=10.0))
    assert 10.0 < limited < 600.0
    assert pool.patience(offline(worker_timeout=5.0, timeout=10.0)) == 5.0


def test_a_dead_endpoint_stops_a_run_on_ray_too():
    pytest.importorskip("ray", reason="ray is not installed (extra: ray)")
    events = []
    with StubServer(failing(503, "out of order")) as stub:
        args = {"api_base": stub.base_url, "api_key": "k-0123456789", "num_retries": 0}
        config = a_config(
            agent="llm_agent",
            user="scripted_user",
            llm_agent="openai/m",
            llm_args_agent=args,
            executor="ray",
            workers=1,
            max_concurrency=1,
            max_retries=0,
            num_trials=20,
            probe=False,
            stop_after_failures=3,
        )
        results = run_tasks(config, TASKS, sink=events.append)
    assert [type(event) for event in events].count(RunHalted) == 1
    assert len(results.simulations) == 3


# --- who watches, and what is left ----------------------------------------------------------------


class FullDisk(io.StringIO):
    """A file on a disk that is full."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_screen_on_a_full_disk_costs_no_unit(tmp_path):
    sink = ConsoleSink(Console(file=FullDisk()))
    results = run_tasks(offline(), TASKS, save_dir=tmp_path / "run", sink=sink)
    sink.close()
    assert len(results.simulations) == 2
    assert sink.summary.num_simulations == 2
    assert len(Results.load(tmp_path / "run").simulations) == 2
    assert sink.console.quiet, "it was noticed"


def test_a_sink_that_fails_is_dropped_with_a_warning(tmp_path, caplog):
    seen = []

    def sink(event):
        seen.append(event)
        raise RuntimeError("no screen")

    with caplog.at_level(logging.WARNING):
        results = run_tasks(offline(), TASKS, save_dir=tmp_path / "run", sink=sink)
    assert len(results.simulations) == 2
    assert len(seen) == 1
    assert "the event sink failed" in caplog.text


@unix
def test_what_a_killed_run_shared_is_removed_by_the_next_run(tmp_path):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = {**os.environ, "TMPDIR": str(temporary)}
    command = [
        *(sys.executable, "-m", "tau2.cli", "run", "--domain", "mock", "--agent", "oracle_agent"),
        *("--user", "scripted_user", "--workers", "1", "--num-trials", "400", "--quiet"),
        *("--save-to", str(tmp_path / "killed")),
    ]
    run = subprocess.Popen(command, env=environment)
    while not list((tmp_path / "killed" / "simulations").glob("*.json")):
        time.sleep(0.02)
    run.kill()
    run.wait()
    (left,) = temporary.glob("tau2-run-*")
    os.utime(left, (0, 0))  # a folder of this minute may still get its owner
    command[-1] = str(tmp_path / "next")
    command[command.index("400")] = "1"
    subprocess.run(command, env=environment, check=True, timeout=120)
    assert list(temporary.glob("tau2-run-*")) == []
    shutil.rmtree(tmp_path / "killed")
