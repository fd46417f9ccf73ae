"""Results in a notebook: a few lines, never the conversations."""

from __future__ import annotations

import pytest
from tests.cast import create_meeting, play, says

from tau2.data_model.simulation import AgentInfo, EnvironmentInfo, Info, Results, UserInfo
from tau2.user.base_user import STOP


@pytest.fixture
def an_info() -> Info:
    return Info(
        num_trials=1,
        max_steps=10,
        max_errors=10,
        agent_info=AgentInfo(implementation="cast_agent"),
        user_info=UserInfo(implementation="cast_user"),
        environment_info=EnvironmentInfo(domain_name="mock", policy=""),
    )


def results_of(*scripts, info):
    runs = [play("create_task_1", says(*script), says("Please.", STOP)) for script in scripts]
    return Results(info=info, tasks=[], simulations=runs)


def test_a_run_is_told_in_three_lines(an_info):
    results = results_of((create_meeting(), "Done."), ("No.",), info=an_info)
    assert repr(results).splitlines() == [
        "Results of mock, cast_agent × cast_user: 2 simulations of 1 task",
        "  average reward 0.500",
        "  ended by user_stop 2",
    ]
    assert str(results) == repr(results)


def test_an_empty_run_is_one_line(an_info):
    results = Results(info=an_info, tasks=[])
    assert repr(results).endswith("0 simulations of 0 tasks")
    assert "<table>" not in results._repr_html_()


def test_a_notebook_gets_a_table_with_escaped_names(an_info):
    results = results_of((create_meeting(), "Done."), info=an_info)
    results.simulations[0].task_id = "<script>\x1b[31m"
    page = results._repr_html_()
    assert "<td>&lt;script&gt;" in page
    assert "\x1b" not in page


def test_of_many_tasks_the_first_are_shown(an_info):
    results = results_of(("No.",), info=an_info)
    first = results.simulations[0]
    results.simulations = [first.model_copy(update={"task_id": f"t{n}"}) for n in range(25)]
    page = results._repr_html_()
    assert page.count("<tr>") == 21
    assert "and 5 more tasks" in page
