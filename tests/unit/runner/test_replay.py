"""A recorded run is replayed without calling a model, and the first difference is found."""

from __future__ import annotations

import asyncio
import json

import pytest
from tests.cast import mock_task
from tests.stub import Hang, StubServer, by_turn, failing
from tests.unit.runner.conftest import a_config

from tau2.agent import llm_agent as agent_module
from tau2.agent.llm_agent import create_llm_agent
from tau2.data_model.simulation import TextRunConfig
from tau2.evaluator.evaluator import EvaluationType
from tau2.participant.spec import AgentSpec
from tau2.registry import registry
from tau2.runner import run_tasks
from tau2.runner.record_diff import first_difference
from tau2.runner.replay import NOT_RECORDED, replay

MEETING = {"name": "create_task", "arguments": {"user_id": "user_1", "title": "Important Meeting"}}
TASKS = [mock_task("create_task_1"), mock_task("create_task_1_nl_eval"), mock_task("update_task_1")]
VERDICT = json.dumps(
    {
        "results": [
            {"number": 1, "reasoning": "it is so", "metExpectation": True},
            {"number": 2, "reasoning": "it did not", "metExpectation": False},
        ]
    }
)


def model(body):
    """Solve the task, and judge kindly."""
    if "<conversation>" in str(body["messages"][-1]["content"]):
        return VERDICT
    return by_turn([MEETING, "It is on the list."])(body)


def with_model(stub, **options):
    """Return a configuration whose agent and judge are served by the stub."""
    args = {"api_base": stub.base_url, "api_key": "not-a-word-42", "num_retries": 1}
    return TextRunConfig(
        **{
            "domain": "mock",
            "agent": "llm_agent",
            "user": "scripted_user",
            "llm_agent": "openai/some-model",
            "llm_args_agent": args | {"temperature": 0.5},
            "llm_judge": "openai/judge",
            "llm_args_judge": args,
            "record": True,
            "retry_delay": 0.0,
            "probe": False,  # the requests are counted
            **options,
        }
    )


def play(config, path, tasks=TASKS, evaluation_type="all_with_nl_assertions"):
    kind = EvaluationType(evaluation_type)
    return run_tasks(config, tasks, save_path=path, console_display=False, evaluation_type=kind)


@pytest.fixture
def quick(monkeypatch):
    """Make waits between attempts of a model call short."""
    monkeypatch.setattr("tau2.llm.attempts.back_off", lambda digest, attempt: 0.001)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_recorded_run_is_the_same_and_asks_nobody(tmp_path, workers):
    with StubServer(model) as stub:
        play(with_model(stub, num_trials=2, workers=workers), tmp_path)
        asked = stub.requests
        found = replay(tmp_path)
        assert stub.requests == asked
    assert [entry.divergence for entry in found.entries] == [None] * 6
    assert sum(entry.calls for entry in found.entries) == asked
    assert found.damage == ()


def test_failures_retries_and_the_judge_s_second_chance_are_replayed(tmp_path, quick):
    outcomes = iter(
        [failing(503), failing(503), failing(503), failing(500), None, failing(429), None, None]
    )
    judged = iter([failing(503), failing(503), None])

    def moody(body):
        outcome = next(
            judged if "<conversation>" in str(body["messages"][-1]["content"]) else outcomes, None
        )
        return model(body) if outcome is None else outcome

    with StubServer(moody) as stub:
        results = play(
            with_model(stub, max_retries=2), tmp_path, [mock_task("create_task_1_nl_eval")]
        )
    assert results.simulations[0].reward_info.reward == 1.0
    assert len(list((tmp_path / "tape").iterdir())) >= 1
    assert replay(tmp_path).diverged == []


def test_a_simulation_that_failed_fails_again_in_the_same_way(tmp_path, quick):
    with StubServer(failing(503, "under water")) as stub:
        results = play(with_model(stub, max_retries=1), tmp_path, TASKS[:1])
    assert results.simulations[0].termination_reason == "infrastructure_error"
    (entry,) = replay(tmp_path).entries
    assert entry.divergence is None


def test_time_that_ran_out_runs_out_again_without_waiting(tmp_path, monkeypatch):
    replies = by_turn([MEETING, Hang()])
    with StubServer(replies) as stub:
        results = play(with_model(stub, timeout=0.8), tmp_path, TASKS[:1], "env")
    assert results.simulations[0].termination_reason == "timeout"
    waited = []
    sleep = asyncio.sleep
    monkeypatch.setattr(asyncio, "sleep", lambda seconds: waited.append(seconds) or sleep(seconds))
    assert replay(tmp_path).diverged == []
    assert set(waited) <= {0}


def test_a_changed_prompt_is_found_at_the_first_call_that_has_it(tmp_path, monkeypatch):
    with StubServer(model) as stub:
        play(with_model(stub), tmp_path)
    monkeypatch.setattr(
        agent_module, "AGENT_INSTRUCTION", agent_module.AGENT_INSTRUCTION + "\nAlways say please."
    )
    found = replay(tmp_path)
    assert len(found.diverged) == 3
    first = found.diverged[0]
    assert (first.task_id, first.trial, first.divergence.call) == ("create_task_1", 0, 1)
    assert first.divergence.call_name == "agent_response"
    assert "message 0 (system) content:" in first.divergence.details[0]
    assert "  + Always say please." in first.divergence.details


def test_a_changed_tool_result_is_found_at_the_call_that_hears_of_it(tmp_path, monkeypatch):
    with StubServer(model) as stub:
        play(with_model(stub), tmp_path, TASKS[:1])
    from tau2.domains.mock import tools

    real = tools.MockTools.create_task

    def other(self, *args, **kwargs):
        made = real(self, *args, **kwargs)
        made.description = "changed"
        return made

    other.__dict__.update(real.__dict__)
    other.__doc__ = real.__doc__
    monkeypatch.setattr(tools.MockTools, "create_task", other, raising=True)
    (entry,) = replay(tmp_path).entries
    assert entry.divergence is not None


def test_a_changed_grade_is_found_though_every_call_is_the_same(tmp_path):
    with StubServer(model) as stub:
        play(with_model(stub), tmp_path, TASKS[:1])
    (stored,) = (tmp_path / "simulations").glob("*.json")
    simulation = json.loads(stored.read_text())
    simulation["reward_info"]["reward"] = 0.25
    stored.write_text(json.dumps(simulation))
    (entry,) = replay(tmp_path).entries
    assert entry.divergence.call == 0
    assert "reward_info.reward: recorded 0.25, now 1.0" in entry.divergence.details


def test_a_call_that_is_no_longer_made_is_a_divergence(tmp_path, monkeypatch):
    with StubServer(model) as stub:
        play(with_model(stub), tmp_path, [mock_task("create_task_1_nl_eval")])
    monkeypatch.setattr("tau2.evaluator.evaluator_nl_assertions.ask_judge", lambda *_: VERDICT)
    (entry,) = replay(tmp_path).entries
    assert entry.divergence.what == "a recorded call was not made"
    assert entry.divergence.call == entry.calls


def test_what_was_not_recorded_says_so_and_what_needs_no_model_is_simply_played(tmp_path, cast):
    with StubServer(model) as stub:
        play(with_model(stub, record=False), tmp_path / "models", TASKS[:1])
        asked = stub.requests
        (entry,) = replay(tmp_path / "models").entries
        assert stub.requests == asked
    assert entry.divergence.what == NOT_RECORDED
    assert replay(tmp_path / "models").unrecorded == [entry]
    play(a_config(num_trials=2), tmp_path / "scripted", evaluation_type="all")
    found = replay(tmp_path / "scripted")
    assert len(found.identical) == len(found.entries) == 6


def test_an_agent_with_its_own_completion_function_is_recorded_like_any_other(tmp_path):
    calls = []

    def fn(messages, **_):
        calls.append(1)
        roles = [message["role"] for message in messages]
        call = {
            "id": "c1",
            "function": {"name": "create_task", "arguments": json.dumps(MEETING["arguments"])},
        }
        said = (
            {"content": None, "tool_calls": [call]}
            if "tool" not in roles
            else {"content": "It is done."}
        )
        return {"choices": [{"message": said}]}

    def make(tools, domain_policy, **options):
        return create_llm_agent(tools, domain_policy, **{**options, "completion_fn": fn})

    with registry.agents.adding(AgentSpec("own", make=make, needs_model=False)):
        play(a_config(agent="own", user="scripted_user", record=True), tmp_path, TASKS[:1], "all")
        made = len(calls)
        assert replay(tmp_path).diverged == []
        assert len(calls) == made > 0


def test_a_damaged_tape_is_named(tmp_path):
    with StubServer(model) as stub:
        play(with_model(stub), tmp_path, TASKS[:1])
    (file,) = (tmp_path / "tape").iterdir()
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(
        lines[0] + lines[1].replace(b"create_task", b"create_tusk") + b"".join(lines[2:])
    )
    found = replay(tmp_path)
    assert found.damage == (f"{file.name} line 2: not as it was written",)
    assert len(found.diverged) == 1


def test_a_replay_works_where_an_event_loop_runs_in_another_thread(tmp_path):
    with StubServer(model) as stub:
        play(with_model(stub), tmp_path, TASKS[:1])
    assert asyncio.run(asyncio.to_thread(replay, tmp_path)).diverged == []


def test_records_are_compared_without_when_and_how_long():
    run = {
        "id": "a",
        "duration": 1.0,
        "messages": [{"role": "user", "content": "x", "timestamp": "t"}],
        "info": {"error": "e", "error_traceback": "1"},
    }
    again = {
        **run,
        "id": "b",
        "duration": 2.0,
        "messages": [{"role": "user", "content": "x", "timestamp": "u"}],
    }
    assert first_difference(run, again, cut_short=False) is None
    other = {**again, "messages": [{"role": "user", "content": "y"}]}
    found = first_difference(run, other, cut_short=False)
    assert found.what == "message 0 (user) is another one"
    assert found.details == ('content: recorded "x", now "y"',)
    longer = {**run, "messages": run["messages"] * 2, "info": None}
    assert first_difference(run, longer, cut_short=True) is None
    assert first_difference(run, longer, cut_short=False).what == "messages: 1 recorded, 2 now"


@pytest.mark.parametrize("judge_works", [True, False])
def test_reviews_are_replayed_after_the_grade(tmp_path, quick, judge_works):
    def reviewing(body):
        if body["model"] == "reviewer":
            return '{"errors": [], "summary": "fine"}'
        return failing(503) if body["model"] == "judge" and not judge_works else model(body)

    with StubServer(reviewing) as stub:
        args = {"api_base": stub.base_url, "api_key": "not-a-word-42", "num_retries": 0}
        config = with_model(
            stub, auto_review=True, review_model="openai/reviewer", review_args=args, max_retries=1
        )
        play(config, tmp_path, [mock_task("create_task_1_nl_eval")])
        assert "reviewer" in {body["model"] for body in stub.bodies}
    (entry,) = replay(tmp_path).entries
    assert entry.divergence is None
