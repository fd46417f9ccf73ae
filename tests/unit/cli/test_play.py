from __future__ import annotations

import sys

import pytest

from tau2.data_model.simulation import Results
from tau2.errors import ConfigError

CALL = "create_task(user_id=user_1, title='Important Meeting')"
TASK = ("--domain", "mock", "--task-id", "create_task_1", "--as", "agent")


@pytest.fixture
def types(monkeypatch):
    """Have lines typed, and then the end of input, or Ctrl-C."""

    def typing(*lines: str, then: type[BaseException] = EOFError) -> None:
        waiting = list(lines)

        def read(prompt: str = "") -> str:
            sys.stdout.write(prompt)
            if not waiting:
                raise then
            return waiting.pop(0)

        monkeypatch.setattr("builtins.input", read)

    return typing


def test_without_arguments_the_answers_in_brackets_need_no_key(tau2, types):
    types("", "", "", CALL, "It is on your list. Anything else?")
    ended = tau2("play")
    assert ended.code == 0
    assert "you are the agent" in ended.out
    assert "reward 1.00" in ended.out
    assert "look at it with: tau2 view " in ended.out


def test_a_wrong_answer_is_asked_again(tau2, types):
    types("mok", "mock", "agent", "create_task_1", "/quit")
    assert "did you mean 'mock'?" in tau2("play").out


def test_what_was_played_is_a_run_like_any_other(tau2, types):
    types(CALL, "It is on your list. Anything else?")
    tau2("play", *TASK, "--save-to", "mine", "--seed", "5")
    results = Results.load("data/simulations/mine")
    assert results.info.agent_info.implementation == "person"
    assert results.info.user_info.implementation == "scripted_user"
    assert [(run.task_id, run.trial, run.seed) for run in results.simulations] == [
        ("create_task_1", 0, 5)
    ]
    assert "mock: person x scripted_user" in tau2("view", "mine").out
    assert "✓ DB" in tau2("view", "mine", "--task-id", "create_task_1").out


def test_a_name_that_is_taken_is_refused_before_anything_is_played(tau2, types):
    types(CALL, "It is on your list. Anything else?")
    tau2("play", *TASK, "--save-to", "mine")
    types("hello")
    ended = tau2("play", *TASK, "--save-to", "mine")
    assert ended.code == 2
    assert "holds a run already" in ended.err


def test_the_customer_may_be_played_and_nothing_kept(tau2, types, workplace):
    types("Please mark task_1 as completed for user_1", "yes", "/done")
    ended = tau2(
        "play", "--domain", "mock", "--task-id", "update_task_1", "--as", "user", "--no-save"
    )
    assert "not saved, as asked" in ended.out
    assert "ended: user_stop" in ended.out
    assert not list(workplace.glob("**/results.json"))


@pytest.mark.parametrize(("then", "code"), [(EOFError, 0), (KeyboardInterrupt, 130)])
def test_leaving_in_the_middle_says_what_happened(tau2, types, then, code):
    types("hello", then=then)
    ended = tau2("play", *TASK)
    assert ended.code == code
    assert "left after 1 move, before the end: not graded and not saved" in ended.out


def test_an_input_without_answers_names_the_options(tau2, types):
    types()
    ended = tau2("play")
    assert ended.code == 2
    assert "--domain, --task-id and --as" in ended.err


def test_names_are_checked(tau2, types):
    types()
    assert "did you mean 'oracle_agent'?" in tau2("play", *TASK, "--agent", "oracle_agnt").err
    assert (
        "did you mean 'create_task_1'?"
        in tau2("play", "--domain", "mock", "--as", "user", "--task-id", "create_task_11").err
    )


def test_a_task_for_a_judge_that_cannot_be_asked_is_graded_without(tau2, types, monkeypatch):
    def no_judge(*_args):
        raise ConfigError("no key")

    monkeypatch.setattr("tau2.rollout.model_checks.require_judge", no_judge)
    types("/done")
    ended = tau2("play", *TASK, "--no-save")
    assert ended.code == 0
    assert "no judge model can be asked here" in ended.out
