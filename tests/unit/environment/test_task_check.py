"""Tasks that name what there is not are found before anything is played, all at once."""

from __future__ import annotations

import json

import pytest
from tests.cast import a_task, calls, create_meeting, mock_task

from tau2.data_model.message import AssistantMessage, ToolCall, ToolMessage
from tau2.data_model.tasks import (
    EnvAssertion,
    EnvFunctionCall,
    InitializationData,
    InitialState,
    RewardType,
    Task,
)
from tau2.data_model.unknown_fields import unknown_fields
from tau2.domains.mock.environment import get_environment
from tau2.environment.domain import load_split, load_tasks_file, parse_tasks
from tau2.environment.task_check import form_problems, grouped, task_problems
from tau2.errors import DataFileError
from tau2.registry import registry


def raw_task(**changes) -> dict:
    return mock_task("create_task_1").model_dump(mode="json", exclude_unset=True) | changes


def problems_of(task: Task) -> list[str]:
    return [f"{one.place}: {one.text}" for one in task_problems([task], get_environment())]


def call_of(name: str, **arguments) -> EnvFunctionCall:
    return EnvFunctionCall(env_type="assistant", func_name=name, arguments=arguments)


# --- fields
# -------------------------------------------------------------------------


def edited(path: str, name: str) -> dict:
    """Return a task with one more field at `path`."""
    raw = raw_task()
    raw["user_scenario"]["instructions"] = {
        "domain": "mock",
        "reason_for_call": "A meeting.",
        "task_instructions": "Add it.",
    }
    raw["initial_state"] = {
        "initialization_actions": [{"env_type": "user", "func_name": "x", "arguments": {}}],
        "message_history": [
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "1", "name": "get_users", "arguments": {"free": {}}}],
            }
        ],
    }
    place = raw
    for part in path.split(".") if path else ():
        place = place[int(part) if part.isdigit() else part]
    place[name] = 1
    return raw


@pytest.mark.parametrize(
    ("path", "name", "nearest"),
    [
        ("", "evaluation_criterea", "evaluation_criteria"),
        ("user_scenario", "instruction", "instructions"),
        ("user_scenario.instructions", "known_inf", "known_info"),
        ("evaluation_criteria", "communicate_inf", "communicate_info"),
        ("evaluation_criteria.actions.0", "compare_arg", "compare_args"),
        ("initial_state", "initialisation_data", "initialization_data"),
        ("initial_state.initialization_actions.0", "function_name", "func_name"),
        ("initial_state.message_history.0", "tool_call", "tool_calls"),
        ("initial_state.message_history.0.tool_calls.0", "argument", "arguments"),
    ],
)
def test_an_unknown_field_is_named_at_any_depth(path, name, nearest):
    raw = edited(path, name)
    where = f"{path}.{name}" if path else name
    expected = (
        f"tasks.json: task create_task_1: {where}: no field named '{name}'; "
        f"did you mean '{nearest}'?"
    )
    with pytest.raises(DataFileError) as refused:
        parse_tasks([raw], "tasks.json")
    assert str(refused.value) == expected
    assert [found.path for found in Task.model_validate(raw).unknown_fields] == [where]
    assert parse_tasks([raw], "tasks.json", tolerant=True)[0].id == "create_task_1"


def test_data_of_free_form_may_have_any_key():
    raw = edited("initial_state", "ticket")
    del raw["initial_state"]["ticket"]
    raw["initial_state"]["initialization_data"] = {"agent_data": {"anything": {"goes": 1}}}
    assert unknown_fields(Task, raw) == []


def test_a_task_made_in_a_program_ignores_a_field_and_tells_of_it():
    task = Task(**raw_task(colour="red"))
    assert task == Task(**raw_task())
    assert task.model_dump() == Task(**raw_task()).model_dump()
    assert [str(problem) for problem in form_problems([task])] == [
        (
            "task create_task_1: colour: no field named 'colour'; "
            "known: description, evaluation_criteria, "
            "id, initial_state, issues, required_documents, ticket, user_scenario, user_tools"
        )
    ]


def test_all_problems_are_told_at_once_and_cut():
    raw = [raw_task(id=f"t{n}", colour=1) for n in range(30)] + [raw_task(id="t0")]
    with pytest.raises(DataFileError) as refused:
        parse_tasks(raw, "f.json")
    lines = str(refused.value).splitlines()
    assert lines[0] == "f.json: task t0: this id is used twice"
    assert len(lines) == 21
    assert lines[-1] == "f.json: and 11 more problems"


# --- names
# --------------------------------------------------------------------------


def test_tasks_that_are_right_have_no_problems():
    for name in ("mock", "airline"):
        environment = registry.get_env_constructor(name)()
        tasks = registry.get_tasks_loader(name)(None)
        assert list(task_problems(tasks, environment)) == []


@pytest.mark.parametrize(
    ("task", "problem"),
    [
        (
            a_task(calls("create_tsk", user_id="user_1")),
            (
                "evaluation_criteria.actions.0.name: "
                "no tool of the agent named 'create_tsk'; did you "
                "mean 'create_task'?"
            ),
        ),
        (
            a_task(calls("create_task", user="user_1", title="x")),
            "evaluation_criteria.actions.0.arguments: the argument 'user_id' is missing",
        ),
        (
            a_task(calls("create_task", user_id="u", title="x", descripton="d")),
            (
                "evaluation_criteria.actions.0.arguments.descripton: "
                "no argument named 'descripton'; "
                "did you mean 'description'?"
            ),
        ),
        (
            a_task(state=InitialState(initialization_actions=[call_of("create_tasks")])),
            (
                "initial_state.initialization_actions.0.func_name: no assistant function named "
                "'create_tasks'; did you mean 'create_task'?"
            ),
        ),
        (
            a_task(state=InitialState(initialization_actions=[call_of("create_task", title="x")])),
            "initial_state.initialization_actions.0.arguments: the argument 'user_id' is missing",
        ),
        (
            a_task(
                basis=[RewardType.ENV_ASSERTION],
                assertions=[
                    EnvAssertion(
                        env_type="assistant",
                        func_name="assert_task_status",
                        arguments={"task_id": "task_1", "status": "done"},
                    )
                ],
            ),
            "evaluation_criteria.env_assertions.0.arguments.status: no argument named 'status'",
        ),
        (
            a_task(
                state=InitialState(initialization_data=InitializationData(agent_data={"task": {}}))
            ),
            (
                "initial_state.initialization_data.agent_data.task: "
                "no field named 'task'; did you mean "
                "'tasks'?"
            ),
        ),
        (
            a_task(
                state=InitialState(
                    message_history=[
                        AssistantMessage(
                            content=None,
                            tool_calls=[ToolCall(id="1", name="list_users", arguments={})],
                        ),
                        ToolMessage(id="1", content="[]"),
                    ]
                )
            ),
            (
                "initial_state.message_history.0.tool_calls.0.name: no tool of the agent named "
                "'list_users'"
            ),
        ),
        (
            a_task().model_copy(update={"user_tools": ["phone"]}),
            "user_tools.0: no tool of the user named 'phone'",
        ),
    ],
)
def test_a_name_that_the_environment_lacks_is_a_problem(task, problem):
    assert any(found.startswith(problem) for found in problems_of(task)), problems_of(task)


def test_compared_arguments_must_exist():
    task = a_task(create_meeting())
    task.evaluation_criteria.actions[0].compare_args = ["titel"]
    assert problems_of(task) == [
        (
            "evaluation_criteria.actions.0.compare_args.titel: "
            "no argument named 'titel'; did you mean "
            "'title'?"
        )
    ]


def test_a_recorded_call_that_failed_may_name_anything():
    history = [
        AssistantMessage(
            content=None, tool_calls=[ToolCall(id="1", name="no_such", arguments={"x": 1})]
        ),
        ToolMessage(id="1", content="Error", error=True),
    ]
    assert problems_of(a_task(state=InitialState(message_history=history))) == []


@pytest.mark.parametrize(
    ("basis", "parts", "is_right"),
    [
        ([RewardType.DB], {}, True),  # the right answer may be to do nothing
        ([RewardType.DB, RewardType.COMMUNICATE], {}, True),
        ([RewardType.DB, RewardType.NL_ASSERTION], {}, True),
        ([RewardType.COMMUNICATE], {}, False),
        ([RewardType.COMMUNICATE], {"told": ["12"]}, True),
        ([RewardType.COMMUNICATE, RewardType.NL_ASSERTION], {"told": ["12"]}, True),
        ([RewardType.COMMUNICATE, RewardType.NL_ASSERTION], {}, False),
        ([RewardType.ACTION], {}, False),
        ([RewardType.NL_ASSERTION], {}, False),
        ([RewardType.NL_ASSERTION], {"sentences": ["It was polite."]}, True),
        ([RewardType.ENV_ASSERTION], {}, False),
        ([RewardType.DB, RewardType.ENV_ASSERTION], {}, False),
        ([], {}, False),
    ],
)
def test_a_reward_basis_needs_something_to_grade(basis, parts, is_right):
    found = problems_of(a_task(basis=basis, **parts))
    assert (found == []) is is_right
    assert all(text.startswith("evaluation_criteria.reward_basis") for text in found)


def test_problems_are_counted_by_kind():
    tasks = [Task(**raw_task(id=str(n), colour=1)) for n in range(3)]
    text = grouped(list(form_problems(tasks)), "f.json")
    assert text.startswith("f.json: 3 problems in 3 tasks: 3 × colour: no field named 'colour'")


# --- files
# --------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path):
    tasks = tmp_path / "tasks.json"
    tasks.write_text(json.dumps([raw_task(colour=1)]))
    splits = tmp_path / "split_tasks.json"
    splits.write_text(json.dumps({"base": ["create_task_1", "create_task_9"]}))
    return tasks, splits


def test_our_own_files_are_refused(files):
    tasks, splits = files
    with pytest.raises(DataFileError, match="colour"):
        load_tasks_file(tasks)
    tasks.write_text(json.dumps([raw_task()]))
    with pytest.raises(
        DataFileError,
        match="split base: no task named 'create_task_9'; did you mean 'create_task_1'",
    ):
        load_split(tasks, splits, "base")


def test_somebody_elses_files_are_read_with_one_warning(files, tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("TAU2_DATA_DIR", str(tmp_path))
    for _ in range(2):
        assert [task.id for task in load_split(*files, "base")] == ["create_task_1"]
    warned = [record.getMessage() for record in caplog.records]
    assert len(warned) == 2
    assert "1 problem in 1 task: 1 × colour" in warned[0]
    assert "split base: no task named 'create_task_9'" in warned[1]
