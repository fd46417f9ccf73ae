"""An interrupted episode continues from its last recorded turn, with the same end."""

from __future__ import annotations

import asyncio
import json
import time
import zlib
from pathlib import Path

import pytest
from tests.faults.disk import disk
from tests.faults.talk import improvise, improvised, scripted, told
from tests.stub import StubServer, failing

from tau2.data_model.simulation import Results, TerminationReason
from tau2.errors import Tau2Error
from tau2.evaluator.evaluator import EvaluationType
from tau2.orchestrator.episode import EpisodeProgress
from tau2.runner import get_info, get_tasks, run_tasks
from tau2.runner.build import build_text_orchestrator
from tau2.runner.episode_log import (
    EpisodeLogs,
    EpisodeSetup,
    LogOnDisk,
    _Writer,
    episode_logs_of,
    read_log,
)
from tau2.runner.events import SimulationStored
from tau2.runner.resolve import resolve
from tau2.runner.tasks import UnitSpec, unit_seed
from tau2.runner.trial import UnitRunner


def spec_of(domain: str, number: int = 0) -> UnitSpec:
    task = get_tasks(domain)[number]
    return UnitSpec(task, 0, unit_seed(300, task.id, 0))


def played(config, spec: UnitSpec, logs: EpisodeLogs | None = None):
    """Play one unit and return what is told of it."""

    async def story():
        runner = UnitRunner(resolve(config), EvaluationType.ALL, lambda event: None, logs=logs)
        try:
            return await runner.play(spec)
        finally:
            runner.close()

    run = asyncio.run(story())
    return run, told(Results(info=get_info(config), tasks=[spec.task], simulations=[run]))


def the_log(folder: Path) -> Path:
    return next((folder / "inflight").iterdir())


def cut_after_every_turn(config, spec: UnitSpec, folder: Path, calls=lambda: 0) -> int:
    """Play once with a log, then go on from every prefix of it; return how many there were."""
    folder.mkdir(exist_ok=True)
    undisturbed, wanted = played(config, spec)
    logs = episode_logs_of(resolve(config), folder)
    assert played(config, spec, logs)[1] == wanted
    before = calls()
    path = the_log(folder)
    lines = path.read_bytes().splitlines(keepends=True)
    assert len(lines) > 3
    started = json.loads(lines[0])["start_time"]
    for kept in range(2, len(lines) + 1):
        path.write_bytes(b"".join(lines[:kept]))
        run, now = played(config, spec, logs)
        assert now == wanted, f"cut after turn {kept - 1}"
        assert (run.start_time, run.id) == (started, json.loads(lines[0])["id"])
        assert [json.loads(line).get("steps") for line in path.read_bytes().splitlines()[1:]] == [
            json.loads(line).get("steps") for line in lines[1:]
        ]
    if before:
        own = (undisturbed.agent_usage.model_calls or 0) + (undisturbed.user_usage.model_calls or 0)
        asked = calls() - before
        assert asked < own * (len(lines) - 1) * 0.6, (
            "turns that were recorded are not paid for again"
        )
    return len(lines) - 1


@pytest.mark.parametrize(
    ("domain", "numbers"),
    [("mock", range(3)), ("airline", [3]), ("retail", [2]), ("telecom", [40])],
)
def test_scripted_episodes_go_on_from_every_turn(domain, numbers, tmp_path):
    for number in numbers:
        cut_after_every_turn(
            scripted(domain=domain), spec_of(domain, number), tmp_path / f"{domain}{number}"
        )


def test_a_solo_episode_goes_on(tmp_path):
    cut_after_every_turn(
        scripted(domain="mock", agent="oracle_agent_solo"), spec_of("mock"), tmp_path
    )


@pytest.mark.parametrize("number", [0, 2])
def test_model_driven_episodes_go_on_from_every_turn(number, tmp_path):
    with StubServer(improvise) as stub:
        config = improvised(stub.base_url)
        assert (
            cut_after_every_turn(config, spec_of("mock", number), tmp_path, lambda: stub.requests)
            > 3
        )


def test_time_errors_and_steps_go_on(tmp_path):
    config = scripted(domain="airline")
    spec, logs = spec_of("airline", 3), episode_logs_of(resolve(config), tmp_path)
    played(config, spec, logs)
    reading = read_log(the_log(tmp_path))
    assert [turn.steps for turn in reading.turns] == list(range(1, len(reading.turns) + 1))
    elapsed = [turn.elapsed for turn in reading.turns]
    assert elapsed == sorted(elapsed)
    lines = the_log(tmp_path).read_bytes().splitlines(keepends=True)
    aged = _reframed([_with(line, elapsed=1000.0 + n) for n, line in enumerate(lines[:4])])
    the_log(tmp_path).write_bytes(aged)
    assert played(config, spec, logs)[0].duration > 1000
    the_log(tmp_path).write_bytes(aged)
    run, _ = played(config.model_copy(update={"timeout": 900.0}), spec, logs)
    assert run.termination_reason == TerminationReason.TIMEOUT


def test_an_endpoint_that_was_away_is_asked_for_the_missing_turns_only(tmp_path):
    spec, answers = spec_of("mock"), []

    def away_now_and_then(body):
        answers.append(body)
        return failing(503) if len(answers) in {3, 6, 7} else improvise(body)

    with StubServer(improvise) as stub:
        _, wanted = played(improvised(stub.base_url), spec)
        needed = stub.requests
    with StubServer(away_now_and_then) as stub:
        config = improvised(stub.base_url, max_retries=3, retry_delay=0.0)
        config.llm_args_agent["num_retries"] = config.llm_args_user["num_retries"] = 0
        _, now = played(config, spec, episode_logs_of(resolve(config), tmp_path))
    assert now == wanted
    assert len(answers) == needed + sum(place <= len(answers) for place in (3, 6, 7))


def test_after_two_attempts_without_a_turn_it_starts_over(tmp_path):
    config, spec = scripted(domain="mock"), spec_of("mock")
    logs = episode_logs_of(resolve(config), tmp_path)
    played(config, spec, logs)
    path = the_log(tmp_path)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:3]))
    first = read_log(path).begun.id
    attempts = []

    def attempt() -> str:
        with logs.episode(_episode_setup(config, spec, "anew")) as orchestrator:
            attempts.append(orchestrator.simulation_id)
            raise Tau2Error("the surroundings failed")

    for _ in range(3):
        with pytest.raises(Tau2Error):
            attempt()
    assert attempts == [first, first, "anew"]


def _episode_setup(config, spec, name):
    return EpisodeSetup(
        spec,
        name,
        lambda id_: build_text_orchestrator(config, spec.task, seed=spec.seed, simulation_id=id_),
    )


def _with(line: bytes, **fields) -> bytes:
    record = json.loads(line)
    del record["crc"]
    return json.dumps(record | (fields if record["kind"] == "turn" else {})).encode()[1:]


def _reframed(bodies: list[bytes]) -> bytes:
    crc, lines = 0, []
    for body in bodies:
        crc = zlib.crc32(body, crc)
        lines.append(b'{"crc":"%08x",%b\n' % (crc, body))
    return b"".join(lines)


@pytest.fixture
def a_log(tmp_path):
    """Return a finished log, how its episode was told, and what plays it again."""
    config, spec = scripted(domain="mock"), spec_of("mock")
    logs = episode_logs_of(resolve(config), tmp_path)
    _, wanted = played(config, spec, logs)
    return the_log(tmp_path), wanted, lambda: played(config, spec, logs)[1]


def test_a_damaged_log_counts_up_to_the_damage(a_log):
    path, wanted, again = a_log
    whole = path.read_bytes()
    turns = len(read_log(path).turns)
    ends = [place for place, byte in enumerate(whole) if byte == 10]
    for place in range(0, len(whole), 97):
        path.write_bytes(whole[:place])
        assert len(read_log(path).turns) == max(0, sum(end < place for end in ends) - 1)
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        assert len(read_log(path).turns) < turns
    path.write_bytes(whole[: len(whole) // 2] + b"\xff\xfe garbage")
    assert again() == wanted
    assert path.read_bytes().count(b"\n") >= turns


def test_lines_of_a_process_that_should_be_dead_end_a_log(a_log):
    path, wanted, again = a_log
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:3], lines[3], lines[3], *lines[4:]]))
    assert len(read_log(path).turns) == 3
    assert again() == wanted


def test_turns_that_would_be_said_otherwise_today_are_not_continued(a_log):
    path, wanted, again = a_log
    lines = path.read_bytes().splitlines(keepends=True)
    bodies = [_with(line) for line in lines]
    spoken = next(n for n, line in enumerate(lines) if b'"role":"user"' in line and n > 1)
    record = json.loads(lines[spoken])
    record["messages"][-1]["content"] = "I never said that."
    bodies[spoken] = _with(lines[spoken], messages=record["messages"])
    path.write_bytes(_reframed(bodies[: spoken + 1]))
    assert again() == wanted


@pytest.mark.parametrize(
    ("field", "other"),
    [
        (b'"seed": ', b'"seed": 1'),
        (b'"task": "', b'"task": "0'),
        (b'"task_id": "', b'"task_id": "un'),
        (b'"trial": ', b'"trial": 1'),
    ],
)
def test_a_log_of_another_unit_is_not_continued(tmp_path, field, other):
    config, spec = scripted(domain="mock"), spec_of("mock")
    logs = episode_logs_of(resolve(config), tmp_path)
    first, wanted = played(config, spec, logs)
    path = the_log(tmp_path)
    bodies = [_with(line) for line in path.read_bytes().splitlines()][:4]
    assert field in bodies[0]

    path.write_bytes(_reframed(bodies))
    continued, _ = played(config, spec, logs)
    assert continued.id == first.id

    path.write_bytes(_reframed([bodies[0].replace(field, other), *bodies[1:]]))
    fresh, story = played(config, spec, logs)
    assert story == wanted
    assert fresh.id != first.id


def test_a_disk_that_is_full_costs_the_log_and_not_the_episode(a_log, caplog):
    path, wanted, again = a_log
    path.unlink()
    with disk(3, "ENOSPC"):
        assert again() == wanted
    assert "this episode will start over if it is interrupted" in caplog.text


def test_who_cannot_be_brought_back_leaves_no_log(cast, tmp_path):
    from tests.unit.runner.conftest import a_config

    assert episode_logs_of(resolve(a_config()), tmp_path).participants is None
    assert episode_logs_of(resolve(scripted(agent="llm_agent_solo")), tmp_path).participants is None
    assert episode_logs_of(resolve(scripted()), None).folder is None


def test_logs_go_when_their_simulations_are_durable(tmp_path):
    seen = []

    def look(event):
        if isinstance(event, SimulationStored):
            seen.append(sorted(path.name for path in (tmp_path / "inflight").iterdir()))

    run_tasks(
        scripted(max_concurrency=1),
        get_tasks("mock")[:3],
        save_dir=tmp_path,
        console_display=False,
        sink=look,
    )
    assert seen == [[], [], []]
    assert not (tmp_path / "inflight").exists()


def test_a_run_that_was_killed_goes_on_with_its_turns(tmp_path):
    task = get_tasks("mock")[0]
    with StubServer(improvise) as stub:
        config = improvised(stub.base_url, max_concurrency=1)
        whole = run_tasks(config, [task], save_dir=tmp_path / "whole", console_display=False)
        needed, stub.requests = stub.requests, 0
        killed = config.model_copy(update={"max_retries": 0})
        killed.llm_args_agent["num_retries"] = killed.llm_args_user["num_retries"] = 0
        stub._reply = lambda body: improvise(body) if stub.requests < 4 else failing(503)
        first = run_tasks(killed, [task], save_dir=tmp_path / "run", console_display=False)
        assert first.simulations[0].termination_reason == TerminationReason.INFRASTRUCTURE_ERROR
        assert the_log(tmp_path / "run").exists()
        stub._reply, stub.requests = improvise, 0
        resumed = killed.model_copy(update={"auto_resume": True})
        results = run_tasks(resumed, [task], save_dir=tmp_path / "run", console_display=False)
    assert told(results) == told(whole)
    assert stub.requests == needed - 3
    assert not (tmp_path / "run" / "inflight").exists()


def test_a_turn_costs_little(tmp_path):
    config, spec = scripted(domain="airline"), spec_of("airline", 3)
    played(config, spec, episode_logs_of(resolve(config), tmp_path))
    turns = read_log(the_log(tmp_path)).turns
    writing = _Writer(LogOnDisk(tmp_path / "again.jsonl"), read_log(tmp_path / "none"))
    log = EpisodeProgress()
    began = time.process_time()
    for _ in range(20):
        for turn in turns:
            log.trajectory.extend(turn.messages)
            writing.turn(log, 1.0)
    writing.close()
    assert (time.process_time() - began) / (
        20 * len(turns)
    ) < 0.5e-3  # 0.03 ms on an idle machine; 0.1 is promised
