"""A bug in the caller's own code is no failure of the infrastructure."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.cast import Agent, AsyncAgent, User, mock_task, says
from tests.unit.runner.conftest import SOLVES, a_config

from tau2.data_model.simulation import TerminationReason
from tau2.errors import CallerCodeError
from tau2.llm import complete
from tau2.runner import run_single_task, run_tasks
from tau2.runner.caller_code import place_of_bug

TASKS = [mock_task("create_task_1"), mock_task("update_task_1")]


class Broken(Agent):
    """An agent with a bug."""

    def generate_next_message(self, message: Any, state: Any) -> Any:
        return {}["missing"]


class BrokenLater(AsyncAgent):
    """An agent whose bug is in what the standard library was asked for."""

    async def agenerate_next_message(self, message: Any, state: Any) -> Any:
        return json.loads("not JSON")


class BrokenModel(Agent):
    """An agent whose own completion function has a bug."""

    def generate_next_message(self, message: Any, state: Any) -> Any:
        def mine(**_: Any) -> Any:
            return None + 1  # type: ignore[operator]

        return complete("m", [message], completion_fn=mine), state


@pytest.mark.parametrize(
    ("make", "kind", "function"),
    [(Broken, "KeyError", "Broken.generate"), (BrokenLater, "JSONDecodeError", "BrokenLater."),
     (BrokenModel, "TypeError", "mine")],
)  # fmt: skip
def test_it_is_said_once_with_its_place_and_stops_the_run(
    cast: Any, tmp_path: Any, make: Any, kind: str, function: str
) -> None:
    made = []

    def agent(**_: Any) -> Agent:
        made.append(make())
        return made[-1]

    cast(agent=agent)
    with pytest.raises(CallerCodeError, match=kind) as caught:
        run_tasks(
            a_config(max_retries=3, num_trials=3, max_concurrency=1),
            TASKS,
            save_dir=tmp_path,
            console_display=False,
        )
    assert "test_caller_code.py:" in str(caught.value)
    assert function in str(caught.value)
    assert len(made) == 1


def test_with_keep_going_each_is_recorded_without_a_score(cast: Any) -> None:
    agents = iter([Broken(), Agent(SOLVES)])
    cast(agent=lambda **_: next(agents))
    config = a_config(keep_going=True, max_concurrency=1)
    results = run_tasks(config, TASKS, console_display=False)
    first, second = results.simulations
    assert first.termination_reason is TerminationReason.UNEXPECTED_ERROR
    assert not first.is_scored
    assert "test_caller_code.py:" in first.info["bug_place"]
    assert second.is_scored


def test_a_single_task_raises_it_too(cast: Any) -> None:
    cast(agent=lambda **_: Broken())
    with pytest.raises(CallerCodeError, match="KeyError"):
        run_single_task(a_config(), TASKS[0])


@pytest.mark.parametrize("problem", [OSError("disk"), TimeoutError("slow"), RuntimeError("odd")])
def test_what_may_be_the_infrastructure_is_attempted_again(cast: Any, problem: Exception) -> None:
    agents = iter([Agent(says(problem)), Agent(SOLVES)])
    cast(agent=lambda **_: next(agents))
    run = run_single_task(a_config(max_retries=1), TASKS[0])
    assert run.is_scored


def test_errors_of_client_libraries_and_of_this_package_are_no_bugs() -> None:
    class BadRequestError(ValueError):
        status_code = 400

    def place(raising: Any) -> str | None:
        try:
            raising()
        except (ValueError, AssertionError) as problem:
            return place_of_bug(problem)
        return None

    def library() -> None:
        raise BadRequestError("from the server")

    def ours() -> None:
        from tau2.data_model.message import ToolCall

        ToolCall.from_string("nothing")

    def theirs() -> None:
        raise AssertionError("mine")

    assert place(library) is None
    assert place(ours) is None
    assert "theirs" in str(place(theirs))


def test_a_users_bug_counts_as_well(cast: Any) -> None:
    class BrokenUser(User):
        def generate_next_message(self, message: Any, state: Any) -> Any:
            return message.no_such_field, state

    cast(user=lambda **_: BrokenUser())
    with pytest.raises(CallerCodeError, match=r"AttributeError.*no_such_field"):
        run_single_task(a_config(), TASKS[0])
