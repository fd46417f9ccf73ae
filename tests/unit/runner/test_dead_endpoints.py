"""An endpoint that cannot be used is said at once, and one that dies stops the run."""

from __future__ import annotations

import traceback
from typing import Any

import pytest
from tests.cast import mock_task
from tests.stub import Raw, StubServer, by_turn, failing

from tau2.data_model.simulation import TerminationReason, TextRunConfig
from tau2.errors import ConfigError
from tau2.metrics.summary import participants, summarize
from tau2.runner import run_tasks
from tau2.runner.circuit_breaker import CircuitBreaker
from tau2.runner.events import Event, ModelsProbed, RunHalted

TASKS = [mock_task("create_task_1"), mock_task("update_task_1")]
PROBE = "Reply with OK."


def is_probe(body: dict[str, Any]) -> bool:
    return body["messages"][-1]["content"] == PROBE


def config_for(stub: StubServer, **options: Any) -> TextRunConfig:
    """Return a configuration with a model-driven agent and a scripted user."""
    args = {"api_base": stub.base_url, "api_key": "k-0123456789", "num_retries": 0}
    given = {"max_retries": 0, "retry_delay": 0.0, "max_concurrency": 1, **options}
    return TextRunConfig(
        domain="mock",
        agent="llm_agent",
        user="scripted_user",
        llm_agent="openai/m",
        llm_args_agent=args,
        **given,
    )


def play(config: TextRunConfig, tasks: Any = TASKS, **options: Any) -> tuple[Any, list[Event]]:
    """Run tasks and return the results and the events."""
    events: list[Event] = []
    results = run_tasks(config, tasks, sink=events.append, console_display=False, **options)
    return results, events


# --- the probe -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (failing(401, "bad key"), "Check the API key"),
        (failing(404, "no model m"), "model's name and api_base"),
        (failing(400, "model 'm' does not exist"), "does not exist"),
        (failing(503, "out of order"), "out of order"),
        (failing(429, "no money", code="insufficient_quota"), "no money"),
        (Raw(200, b"<html>it works</html>"), "not JSON"),
    ],
)
def test_a_model_that_cannot_be_used_is_said_before_anything_is_played(
    reply: Any, words: str, tmp_path: Any
) -> None:
    with StubServer(reply) as stub:
        with pytest.raises(ConfigError, match=words) as caught:
            play(config_for(stub), save_dir=tmp_path / "run")
        assert stub.requests == 1
    assert "the model of the agent cannot be used, so nothing was played" in str(caught.value)
    assert "--no-probe" in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_a_model_is_asked_once_with_next_to_nothing_and_counted() -> None:
    with StubServer(by_turn(["I cannot do that."])) as stub:
        _, events = play(config_for(stub))
        probes = [seen.body for seen in stub.seen if is_probe(seen.body)]
    assert is_probe(stub.seen[0].body)
    assert [(body["max_tokens"], "tools" in body) for body in probes] == [(16, False)]
    probed = next(event for event in events if isinstance(event, ModelsProbed))
    assert (probed.models, probed.tokens > 20) == (1, True)


@pytest.mark.parametrize("reply", [failing(429, "busy"), failing(400, "system message required")])
def test_a_busy_or_particular_model_is_no_dead_one(reply: Any) -> None:
    answers = by_turn(["I cannot do that."])
    with StubServer(lambda body: reply if is_probe(body) else answers(body)) as stub:
        results, _ = play(config_for(stub))
    assert len(results.simulations) == 2


@pytest.mark.parametrize(("tasks", "probe"), [(TASKS, False), (TASKS[:1], True)])
def test_without_the_probe_or_with_one_simulation_only_tasks_are_asked(
    tasks: Any, probe: bool
) -> None:
    with StubServer(by_turn(["I cannot do that."])) as stub:
        play(config_for(stub, probe=probe), tasks)
        assert not any(is_probe(seen.body) for seen in stub.seen)


def test_a_probe_is_not_recorded(tmp_path: Any) -> None:
    with StubServer(by_turn(["I cannot do that."])) as stub:
        play(config_for(stub, record=True), save_dir=tmp_path / "run")
        assert any(is_probe(seen.body) for seen in stub.seen)
    files = [file for file in (tmp_path / "run").rglob("*") if file.is_file()]
    assert files
    assert not any(PROBE.encode() in file.read_bytes() for file in files)


def test_a_run_that_the_cache_answers_needs_no_endpoint(tmp_path: Any) -> None:
    with StubServer(by_turn(["I cannot do that."])) as stub:
        config = config_for(stub, cache=str(tmp_path))
        first, _ = play(config)
        stub._reply = failing(503, "gone")
        again, _ = play(config)
    assert again.average_reward() == first.average_reward()
    assert all(run.is_scored for run in again.simulations)


def test_a_participant_without_a_model_is_named_without_one_where_the_other_failed() -> None:
    with StubServer(failing(503, "dead")) as stub:
        results, _ = play(config_for(stub, probe=False), TASKS[:1])
    assert participants(results) == ("llm_agent (openai/m)", "scripted_user")
    assert str(summarize(results).user_expense) == "no model calls"


# --- the circuit breaker -------------------------------------------------------------------------


def test_a_model_that_dies_stops_the_run_and_what_was_stored_stays(tmp_path: Any) -> None:
    answers = by_turn(["I cannot do that."])
    with StubServer(answers) as stub:
        config = config_for(stub, num_trials=4, stop_after_failures=3, probe=False)
        stub._reply = lambda body: answers(body) if stub.requests < 3 else failing(503, "dead")
        results, events = play(config, save_dir=tmp_path / "run")
        asked = stub.requests
        halted = next(event for event in events if isinstance(event, RunHalted))
        assert "model 'openai/m' failed 3 simulations in a row" in halted.why
        ended = [run.termination_reason for run in results.simulations]
        assert ended.count(TerminationReason.INFRASTRUCTURE_ERROR) == 3
        assert len(ended) < 8
        assert asked <= 6
        stub._reply = answers
        resumed = config.model_copy(update={"auto_resume": True})
        whole, _ = play(resumed, save_dir=tmp_path / "run")
    assert len(whole.simulations) == 8
    assert not any(
        run.termination_reason is TerminationReason.INFRASTRUCTURE_ERROR
        for run in whole.simulations
    )


def test_workers_are_stopped_too(tmp_path: Any) -> None:
    with StubServer(failing(503, "dead")) as stub:
        config = config_for(
            stub, num_trials=4, stop_after_failures=2, probe=False, workers=2, max_concurrency=2
        )
        results, events = play(config, save_dir=tmp_path / "run")
    assert any(isinstance(event, RunHalted) for event in events)
    assert 2 <= len(results.simulations) < 8


def test_only_failures_in_a_row_count_and_never_when_switched_off() -> None:
    def run(reason: TerminationReason, model: str | None = None) -> Any:
        whole = results.simulations[0].model_copy()
        whole.termination_reason = reason
        whole.info = {"failed_model": model, "error": "dead"} if model else None
        return whole

    with StubServer(by_turn(["I cannot do that."])) as stub:
        results, _ = play(config_for(stub), TASKS[:1])
    dead, fine = TerminationReason.INFRASTRUCTURE_ERROR, TerminationReason.USER_STOP
    breaker = CircuitBreaker(2)
    assert breaker.reason_to_stop(run(dead, "a")) is None
    assert breaker.reason_to_stop(run(fine)) is None
    assert breaker.reason_to_stop(run(dead, "a")) is None
    assert breaker.reason_to_stop(run(dead, "b")) is None
    assert breaker.reason_to_stop(run(dead)) is None
    assert breaker.reason_to_stop(run(dead, "a")) is not None
    never = CircuitBreaker(0)
    assert not any(never.reason_to_stop(run(dead, "a")) for _ in range(20))
    judged = CircuitBreaker(2)
    assert judged.reason_to_stop(run(fine, "judge")) is None
    assert judged.reason_to_stop(run(fine, "judge")) is not None


def test_a_missing_key_is_said_in_one_sentence_with_the_ways_forward(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    config = TextRunConfig(domain="mock", llm_agent="openai/m", user="scripted_user")
    with pytest.raises(ConfigError) as caught:
        play(config)
    (text,) = caught.value._render_traceback_()  # what a notebook shows
    assert "\n" not in text
    for way in ("set OPENAI_API_KEY", 'llm_agent="local/', 'agent="oracle_agent"'):
        assert way in text
    frames = traceback.extract_tb(caught.value.__traceback__)
    assert len(frames) <= 3, "of the caller and of run_tasks alone"
    assert caught.value.__cause__ is None
