"""Many simulations: the same at any concurrency, stored one by one, stopped without loss."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.cast import (
    Agent,
    HangingAgent,
    SlowAgent,
    User,
    a_task,
    calls,
    create_meeting,
    mock_task,
    says,
)
from tests.unit.runner.conftest import SOLVES, a_config

from tau2.data_model.simulation import Results, TextRunConfig
from tau2.errors import AgentError, ConfigError, ModelRefused, ModelUnavailable
from tau2.runner import arun_single_task, arun_tasks, run_single_task, run_tasks, trial
from tau2.runner.events import (
    RunEnded,
    RunStarted,
    SimulationRetried,
    SimulationStarted,
    SimulationStored,
)
from tau2.runner.tasks import unit_seed
from tau2.storage import store as store_module

TASKS = [mock_task("create_task_1"), mock_task("create_task_1_nl_eval"), mock_task("update_task_1")]


def run(tasks=None, *, sink=None, config=None, **options):
    config = config or a_config(
        **{k: options.pop(k) for k in list(options) if k in TextRunConfig.model_fields}
    )
    return run_tasks(config, tasks or TASKS, console_display=False, sink=sink, **options)


def outcome(results) -> list:
    return [
        (
            run.task_id,
            run.trial,
            run.seed,
            run.reward_info.reward,
            [m.content for m in run.messages],
        )
        for run in results.simulations
    ]


class Flaky:
    """Makes agents that fail until they have failed often enough."""

    def __init__(self, problem: Exception, times: int) -> None:
        self.problem, self.left = problem, times

    def __call__(self, **_):
        self.left -= 1
        return Agent(says(self.problem) if self.left >= 0 else SOLVES)


# --- outcomes -------------------------------------------------------------------------------------


def test_every_task_is_played_as_often_as_asked(cast):
    results = run(num_trials=2)
    assert [(run.task_id, run.trial) for run in results.simulations] == [
        (task.id, trial) for trial in range(2) for task in TASKS
    ]
    assert results.average_reward() == pytest.approx(2 / 3)
    assert results.info.num_trials == 2


def test_seeds_are_of_the_unit_and_of_nothing_else(cast):
    seeds = {(run.task_id, run.trial): run.seed for run in run(num_trials=2).simulations}
    assert seeds[("update_task_1", 1)] == unit_seed(300, "update_task_1", 1)
    assert len(set(seeds.values())) == 6
    fewer = run(TASKS[::-1][:1], num_trials=1)
    assert fewer.simulations[0].seed == seeds[("update_task_1", 0)]
    assert run(TASKS[:1], seed=301).simulations[0].seed != seeds[("create_task_1", 0)]


def test_the_seed_reaches_the_maker_of_the_agent(cast):
    seen = []

    def maker(seed, **_):
        seen.append(seed)
        return Agent(SOLVES)

    cast(agent=maker)
    run(TASKS[:1])
    assert seen == [unit_seed(300, "create_task_1", 0)]


class Drawing(Agent):
    """An agent whose words depend on its seed."""

    def generate_next_message(self, message, state):
        message, state = super().generate_next_message(message, state)
        if message.content:
            message.content += f" {self.seed}"
        return message, state


@pytest.mark.parametrize("concurrency", [2, 8])
def test_concurrency_changes_nothing(cast, concurrency):
    cast(agent=lambda **_: Drawing(SOLVES))
    alone = run(num_trials=3, max_concurrency=1)
    together = run(num_trials=3, max_concurrency=concurrency)
    assert outcome(alone) == outcome(together)


@pytest.mark.slow
def test_the_hash_seed_of_the_process_changes_nothing():
    script = """
import json
from tau2.runner import run_tasks, get_tasks
from tests.unit.runner.conftest import _Known, a_config
with _Known():
    config = a_config(num_trials=2, max_concurrency=4)
    results = run_tasks(config, get_tasks("mock"), console_display=False)
print(json.dumps([
    (r.task_id, r.seed, r.reward_info.model_dump(mode="json"), [m.content for m in r.messages])
    for r in results.simulations
]))
"""

    def output(hash_seed: str) -> str:
        settings = {
            **os.environ,
            "PYTHONHASHSEED": hash_seed,
            "PYTHONPATH": os.pathsep.join(sys.path),
        }
        return subprocess.run(
            [sys.executable, "-c", script], env=settings, capture_output=True, text=True, check=True
        ).stdout

    assert output("0") == output("1234")


def test_participants_that_block_are_truly_concurrent(cast):
    together = threading.Barrier(3, timeout=10)
    cast(agent=lambda **_: SlowAgent(says("Hi"), before=together.wait))
    results = run(max_concurrency=3)
    assert all(run.reward_info is not None for run in results.simulations)


def test_no_more_at_once_than_asked(cast):
    inside, most = 0, 0
    lock = threading.Lock()

    class Counts(SlowAgent):
        def generate_next_message(self, message, state):
            nonlocal inside, most
            with lock:
                inside += 1
                most = max(most, inside)
            time.sleep(0.005)
            with lock:
                inside -= 1
            return super().generate_next_message(message, state)

    cast(agent=lambda **_: Counts(says("Hi")))
    run(num_trials=4, max_concurrency=2)
    assert most <= 2


# --- failures -------------------------------------------------------------------------------------


def test_what_may_pass_is_tried_again(cast):
    events = []
    cast(agent=Flaky(ModelUnavailable("busy"), times=2))
    results = run(TASKS[:1], sink=events.append)
    assert results.average_reward() == 1.0
    retries = [event for event in events if isinstance(event, SimulationRetried)]
    assert [(event.attempt, event.error) for event in retries] == [(1, "busy"), (2, "busy")]


def test_what_does_not_pass_is_recorded_as_what_it_is(cast):
    cast(agent=Flaky(ModelUnavailable("busy"), times=99))
    results = run(TASKS[:1], max_retries=2)
    (only,) = results.simulations
    assert (only.termination_reason, only.reward_info, only.is_scored) == (
        "infrastructure_error",
        None,
        False,
    )
    assert only.info["error"] == "busy"
    assert only.info["error_type"] == "ModelUnavailable"
    assert only.info["failed_after_attempts"] == 3
    assert "generate_next_message" in only.info["error_traceback"]
    assert only.seed == unit_seed(300, "create_task_1", 0)


@pytest.mark.parametrize("problem", [ModelRefused("no"), ConfigError("wrong")])
def test_what_cannot_pass_is_not_tried_again(cast, problem):
    maker = Flaky(problem, times=99)
    cast(agent=maker)
    assert run(TASKS[:1]).simulations[0].info["failed_after_attempts"] == 1


def test_one_failure_does_not_stop_the_others(cast):
    cast(agent=Flaky(ModelRefused("no"), times=1))
    results = run(max_concurrency=1)
    assert [run.termination_reason.value for run in results.simulations] == [
        "infrastructure_error",
        "user_stop",
        "user_stop",
    ]


def test_an_agents_fault_is_its_outcome_and_no_retry(cast):
    maker = Flaky(AgentError("lost for words"), times=99)
    cast(agent=maker)
    (only,) = run(TASKS[:1]).simulations
    assert (only.termination_reason, only.reward_info.reward, maker.left) == (
        "agent_error",
        0.0,
        98,
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"num_trials": 0}, "num_trials must be at least 1"),
        ({"max_steps": 0}, "max_steps must be at least 1"),
        ({"max_errors": -1}, "max_errors"),
        ({"max_concurrency": 0}, "max_concurrency"),
        ({"workers": -1}, "workers must not be negative"),
        ({"auto_review": True}, "auto_review"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_played(cast, tmp_path, options, words):
    with pytest.raises(ConfigError, match=words):
        run(save_dir=tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()


def test_there_must_be_a_task(cast):
    with pytest.raises(ConfigError, match="no task"):
        run_tasks(a_config(), [], console_display=False)


class FlakyJudge:
    """Stands in for grading: the judge is out of reach until it has failed often enough."""

    def __init__(self, monkeypatch, times: int) -> None:
        self.left, self.honest = times, trial.agrade_live
        monkeypatch.setattr(trial, "agrade_live", self)

    async def __call__(self, *args):
        self.left -= 1
        if self.left >= 0:
            raise ModelUnavailable("the judge is out of reach")
        return await self.honest(*args)


def test_a_judge_that_fails_is_asked_again_and_the_conversation_is_not_played_again(
    cast, monkeypatch
):
    FlakyJudge(monkeypatch, times=2)
    played, seen = [], []
    make = trial.make_episode
    monkeypatch.setattr(trial, "make_episode", lambda *a, **k: played.append(a) or make(*a, **k))
    results = run(TASKS[:1], sink=seen.append)
    assert len(played) == 1
    assert results.simulations[0].reward_info.reward == 1.0
    assert [e.error for e in seen if isinstance(e, SimulationRetried)] == [
        "grading: the judge is out of reach"
    ] * 2


def test_a_judge_that_stays_away_keeps_the_conversation_and_gives_no_score(
    cast, monkeypatch, tmp_path
):
    FlakyJudge(monkeypatch, times=99)
    results = run(TASKS[:1], save_path=tmp_path / "results.json")
    (kept,) = Results.load(tmp_path / "results.json").simulations
    assert kept.messages
    assert kept.termination_reason == "user_stop"
    assert kept.info["error"] == "not graded: the judge is out of reach"
    assert not kept.is_scored
    assert not results.simulations[0].is_scored


def test_a_missing_judge_is_found_before_the_run(cast):
    judged = a_task(create_meeting(), basis=["NL_ASSERTION"], sentences=["Kind."])
    with pytest.raises(ConfigError, match=r"graded by a judge model.*--llm-judge"):
        run([judged], llm_judge="no-such-provider/no-such-model")


def test_a_full_disk_is_the_problem_itself(cast, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store_module, "save_simulation", full)
    with pytest.raises(OSError, match="No space left"):
        run(save_dir=tmp_path, max_concurrency=3)


def test_a_listener_that_fails_is_dropped_with_a_warning(cast, caplog):
    heard = []

    def deaf(event):
        heard.append(event)
        if getattr(event, "done", 0):
            raise LookupError("cannot listen")

    results = run(sink=deaf)
    assert len(results.simulations) == 3
    assert sum(isinstance(event, SimulationStored) for event in heard) == 1
    assert isinstance(heard[-1], SimulationStored)
    assert "the event sink failed" in caplog.text


# --- on disk --------------------------------------------------------------------------------------


def test_events_tell_the_story(cast, tmp_path):
    events = []
    run(sink=events.append, save_dir=tmp_path, max_concurrency=1)
    played = [SimulationStarted, SimulationStored]
    assert [type(event) for event in events] == [RunStarted, *played * 3, RunEnded]
    assert (events[0].total, events[0].folder) == (3, tmp_path)
    assert [event.done for event in events[2:7:2]] == [1, 2, 3]
    assert events[1].task_id == events[2].run.task_id
    assert not events[-1].interrupted


@pytest.mark.parametrize("form", ["dir", "json"])
def test_only_what_is_missing_is_played(cast, tmp_path, form):
    options = {"save_path": tmp_path / "results.json", "results_format": form}
    run(TASKS[:1], **options)
    events = []
    run(num_trials=2, auto_resume=True, sink=events.append, **options)
    assert (events[0].total, events[0].already_done) == (6, 1)
    assert len([event for event in events if isinstance(event, SimulationStored)]) == 5
    stored = Results.load(tmp_path)
    assert (
        len({(run.task_id, run.trial) for run in stored.simulations})
        == len(stored.simulations)
        == 6
    )
    again = []
    run(num_trials=2, auto_resume=True, sink=again.append, **options)
    assert not any(isinstance(event, SimulationStored) for event in again)
    assert Results.load(tmp_path).model_dump() == stored.model_dump()


def test_another_configuration_is_not_continued(cast, tmp_path):
    run(save_dir=tmp_path)
    with pytest.raises(ConfigError, match="max_steps: stored 200, now 50"):
        run(save_dir=tmp_path, auto_resume=True, max_steps=50)
    with pytest.raises(ConfigError, match="holds a run already"):
        run(save_dir=tmp_path)


def test_failures_of_the_surroundings_are_played_again(cast, tmp_path):
    cast(agent=Flaky(ModelRefused("no"), times=1))
    run(save_dir=tmp_path, max_concurrency=1)
    run(save_dir=tmp_path, auto_resume=True)
    assert [run.termination_reason.value for run in Results.load(tmp_path).simulations] == [
        "user_stop"
    ] * 3
    assert len(list((tmp_path / "simulations").glob("*.json"))) == 3


def test_secrets_are_not_stored(cast, tmp_path):
    run(
        save_dir=tmp_path,
        llm_args_agent={"api_key": "hidden-1", "temperature": 0.5, "headers": {"x": "hidden-2"}},
    )
    stored = (tmp_path / "results.json").read_text()
    assert "hidden" not in stored
    assert json.loads(stored)["info"]["agent_info"]["llm_args"]["temperature"] == 0.5


# --- interruptions --------------------------------------------------------------------------------


def consistent(path) -> list[str]:
    """Return the stored ids, having checked that index and folder agree."""
    index = json.loads((path / "results.json").read_text())["simulation_index"]
    on_disk = {file.stem for file in (path / "simulations").glob("*.json")}
    assert {line["id"] for line in index} == on_disk
    assert len(Results.load(path).simulations) == len(on_disk)
    return sorted(on_disk)


def hanging_after(count: int):
    made = iter(range(1000))
    return lambda **_: Agent(SOLVES) if next(made) < count else HangingAgent()


def slow_after(count: int, seconds: float):
    made = iter(range(1000))
    return lambda **_: (
        Agent(SOLVES)
        if next(made) < count
        else SlowAgent(SOLVES, before=lambda: time.sleep(seconds))
    )


def test_cancelling_keeps_what_is_finished(cast, tmp_path):
    cast(agent=hanging_after(2))

    async def cancelled():
        two = asyncio.Event()

        def listen(event):
            if isinstance(event, SimulationStored) and event.done == 2:
                two.set()

        work = asyncio.create_task(
            arun_tasks(a_config(max_concurrency=1), TASKS, save_dir=tmp_path, sink=listen)
        )
        await two.wait()
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work

    asyncio.run(cancelled())
    assert len(consistent(tmp_path)) == 2
    cast(agent=lambda **_: Agent(SOLVES))
    run(save_dir=tmp_path, auto_resume=True, max_concurrency=1)
    assert len(consistent(tmp_path)) == 3


def test_cancelling_waits_for_a_file_that_is_being_written(cast, tmp_path, monkeypatch):
    writing, real = threading.Event(), store_module.save_simulation

    def slow(*args):
        writing.set()
        time.sleep(0.2)
        return real(*args)

    monkeypatch.setattr(store_module, "save_simulation", slow)
    ended = []

    async def cancelled():
        config = a_config(max_concurrency=1)

        def listen(event):
            if isinstance(event, RunEnded):
                ended.append(event)

        work = asyncio.create_task(arun_tasks(config, TASKS, save_dir=tmp_path, sink=listen))
        await asyncio.to_thread(writing.wait, 5)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work

    asyncio.run(cancelled())
    assert len(consistent(tmp_path)) == 1
    assert ended[0].interrupted
    assert len(ended[0].results.simulations) == 1


def interrupted_run(folder, agent: str, presses: int, *, is_free: bool = False) -> int:
    """Press Ctrl-C in a process that stored two simulations; return its exit code."""
    script = f"""
import sys
from tests.unit.runner.conftest import _Known, a_config
from tests.unit.runner.test_batch import TASKS, hanging_after, slow_after
from tau2.runner import batch, run_tasks
from tau2.runner.events import RunStopping, SimulationStored
batch.costs_nothing = lambda run: {is_free}
stored = 0
def listen(event):
    global stored
    if isinstance(event, SimulationStored):
        stored += 1
        if stored == 2:
            print("ready", flush=True)
    if isinstance(event, RunStopping):
        print("stopping", event.playing, event.abandoned, flush=True)
with _Known() as known:
    known.become(agent={agent})
    try:
        run_tasks(a_config(max_concurrency=1), TASKS, save_dir={str(folder)!r}, sink=listen)
    except KeyboardInterrupt:
        sys.exit(130)
"""
    settings = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", script], env=settings, stdout=subprocess.PIPE, text=True
    ) as child:
        try:
            assert child.stdout.readline() == "ready\n"
            time.sleep(0.2)  # the third simulation begins
            child.send_signal(signal.SIGINT)
            assert child.stdout.readline() == f"stopping 1 {is_free}\n"
            if presses > 1:
                child.send_signal(signal.SIGINT)
            return child.wait(20)
        finally:
            child.kill()


@pytest.mark.slow
def test_ctrl_c_lets_what_is_played_come_to_its_end(tmp_path):
    assert interrupted_run(tmp_path, "slow_after(2, 0.5)", presses=1) == 130
    assert len(consistent(tmp_path)) == 3


@pytest.mark.slow
def test_a_second_ctrl_c_abandons_it_and_keeps_what_is_finished(tmp_path):
    assert interrupted_run(tmp_path, "hanging_after(2)", presses=2) == 130
    assert len(consistent(tmp_path)) == 2


@pytest.mark.slow
def test_one_ctrl_c_abandons_what_costs_nothing(tmp_path):
    assert interrupted_run(tmp_path, "hanging_after(2)", presses=1, is_free=True) == 130
    assert len(consistent(tmp_path)) == 2


def test_on_somebody_elses_loop_ctrl_c_stays_theirs(cast):
    heard = []

    async def inside():
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, heard.append, "theirs")

        def sink(event):
            if isinstance(event, RunStarted):
                signal.raise_signal(signal.SIGINT)

        results = await arun_tasks(a_config(), TASKS, sink=sink)
        await asyncio.sleep(0)
        return results

    assert len(asyncio.run(inside()).simulations) == 3
    assert heard == ["theirs"]


def test_ctrl_c_reaches_a_run_inside_a_running_loop(cast, monkeypatch):
    cast(agent=lambda **_: HangingAgent())

    real = ThreadPoolExecutor.submit

    def submit(self, function, *args):
        outcome = real(self, function, *args)

        def interrupted():
            time.sleep(0.1)
            raise KeyboardInterrupt

        if self._thread_name_prefix == "tau2-run":
            outcome.result = interrupted
        return outcome

    monkeypatch.setattr(ThreadPoolExecutor, "submit", submit)

    async def inside():
        run()

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(inside())


# --- inside a loop, one at a time -----------------------------------------------------------------


def test_a_run_inside_a_running_loop(cast):
    async def inside():
        return run(), run_single_task(a_config(), TASKS[0])

    results, single = asyncio.run(inside())
    assert len(results.simulations) == 3
    assert single.reward_info.reward == 1.0


def test_one_task(cast, tmp_path):
    single = run_single_task(a_config(), TASKS[0], seed=42, save_dir=tmp_path)
    assert (single.task_id, single.seed, single.trial, single.reward_info.reward) == (
        "create_task_1",
        42,
        0,
        1.0,
    )
    assert (tmp_path / "simulations" / f"{single.id}.json").exists()
    assert asyncio.run(arun_single_task(a_config(), TASKS[0])).seed == unit_seed(
        300, "create_task_1", 0
    )


def test_one_task_takes_the_public_options(cast):
    from tau2.data_model.persona import PersonaConfig, Verbosity

    personas = []

    def user(persona_config, **_):
        personas.append(persona_config)
        return User(says("Hi"))

    cast(user=user)
    persona = PersonaConfig(verbosity=Verbosity.MINIMAL)
    run_single_task(
        a_config(),
        TASKS[0],
        user_persona_config=persona,
        review_mode="full",
        review_model="x",
        auto_review=False,
    )
    assert personas == [persona]
    with pytest.raises(ConfigError, match="audio_debug: not available"):
        run_single_task(a_config(), TASKS[0], audio_debug=True)


def test_one_task_fails_as_a_record(cast):
    cast(agent=Flaky(ModelUnavailable("busy"), times=99))
    single = run_single_task(a_config(max_retries=0), TASKS[0])
    assert single.termination_reason == "infrastructure_error"


def test_a_misbehaving_tool_call_costs_nothing_but_a_turn(cast):
    cast(agent=lambda **_: Agent(says(calls("nothing"), *SOLVES)))
    assert run(TASKS[:1]).average_reward() == 1.0
