"""Tools whose names stand in documents: unlocked, given, called, and logged in the database."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.library import UNLOCK, library, library_task
from tests.library import WAIVE as WAIVE_FINE

from tau2.data_model.message import ToolCall
from tau2.data_model.tasks import Action, InitializationData
from tau2.environment.discovery import parsed_arguments
from tau2.environment.task_check import task_problems
from tau2.environment.task_setup import TaskSetup
from tau2.errors import ArgumentError
from tau2.evaluator.evidence import make_gold


def call(env, name, by="assistant", **arguments):
    return env.get_response(ToolCall(id="c", name=name, arguments=arguments, requestor=by))


def unlock(env, name):
    return call(env, "unlock_discoverable_agent_tool", agent_tool_name=name)


def use(env, name, arguments="{}"):
    return call(env, "call_discoverable_agent_tool", agent_tool_name=name, arguments=arguments)


def give(env, name, **arguments):
    return call(env, "give_discoverable_user_tool", discoverable_tool_name=name, **arguments)


def read(env, name, arguments="{}"):
    return call(
        env,
        "call_discoverable_user_tool",
        by="user",
        discoverable_tool_name=name,
        arguments=arguments,
    )


WAIVE = '{"loan_id": "L1", "amount": 4, "reason": "first"}'


def called(env):
    return sorted(env.tools.db.agent_discoverable_tools)


def test_a_discoverable_tool_is_not_listed_and_is_unlocked_before_it_is_called():
    env = library()
    assert "waive_fine_17" not in {tool.name for tool in env.get_tools()}
    before = env.get_db_hash()
    refused = use(env, "waive_fine_17", WAIVE)
    assert (refused.error, refused.content) == (
        True,
        "Error: waive_fine_17 is not unlocked: call unlock_discoverable_agent_tool first",
    )
    shown = unlock(env, "waive_fine_17")
    assert shown.content == (
        "Unlocked: waive_fine_17\nWaive a part of a fine.\n\nParameters:\n"
        "- loan_id (string, required): The loan.\n"
        "- amount (number, required): Dollars.\n"
        '- reason (one of "first", "error", required): Why.'
    )
    assert env.get_db_hash() == before
    assert not use(env, "waive_fine_17", WAIVE).error
    assert env.tools.db.loans["L1"].fine == 5.0
    assert called(env) == ["waive_fine_17"]


def test_defaults_of_parameters_are_shown():
    shown = unlock(library(), "renew_loan_18").content
    assert "- weeks (integer, optional, default 1): For how many weeks." in shown


def test_a_direct_call_is_refused_and_shows_no_parameters():
    env = library()
    refused = call(env, "waive_fine_17", loan="L1")
    assert refused.error
    assert "not unlocked" in refused.content
    assert "amount" not in refused.content
    unlock(env, "waive_fine_17")
    refused = call(env, "waive_fine_17", loan_id="L1", amount=4, reason="first")
    assert refused.content == (
        "Error: waive_fine_17 is called through call_discoverable_agent_tool, not by its name"
    )
    assert call(env, "reserve_copy_31", by="user", title="Emma").error
    assert called(env) == []


def test_names_are_not_guessed_from_errors():
    env = library()
    for refused in (unlock(env, "waive_fine_18"), use(env, "waive_fine_1"), give(env, "reserve")):
        assert refused.error
        assert "there is no discoverable tool" in refused.content
        assert "17" not in refused.content.replace("waive_fine_18", "")
    assert unlock(env, "reserve_copy_31").error  # the reader's tool is not the desk's


def test_a_refused_write_is_not_logged_and_counts_as_an_error():
    env = library()
    unlock(env, "waive_fine_17")
    for arguments in (
        '{"loan_id": "L9", "amount": 4, "reason": "first"}',
        '{"loan_id": "L1", "reason": "first"}',
        '{"loan_id": "L1", "amount": 4, "reason": "mood"}',
        '{"loan_id": "L1", "amount": 4, "amount": 9, "reason": "first"}',
        '["L1"]',
        "{",
    ):
        assert use(env, "waive_fine_17", arguments).error
    assert called(env) == []
    assert env.tools.db.loans["L1"].fine == 9.0


def test_numbers_are_what_the_signature_says():
    env = library()
    unlock(env, "renew_loan_18")
    assert use(env, "renew_loan_18", '{"loan_id": "L1", "weeks": "2"}').content == (
        "Renewed for 2 weeks."
    )
    assert use(env, "renew_loan_18", {"loan_id": "L1", "weeks": 3}).content == (
        "Renewed for 3 weeks."
    )
    assert env.tools.db.loans["L1"].renewals == 5


def test_look_ups_are_logged_if_the_reference_makes_them():
    reference = Action(
        action_id="1",
        name="call_discoverable_agent_tool",
        arguments={"agent_tool_name": "history_of_19", "arguments": '{"loan_id": "L1"}'},
    )
    for task, log in ((library_task(), []), (library_task(reference), ["history_of_19"])):
        env = TaskSetup(task, library).start()
        unlock(env, "history_of_19")
        assert not use(env, "history_of_19", '{"loan_id": "L1"}').error
        assert called(env) == log
    env = library(read_log_allowlist=frozenset({"history_of_19"}))
    env.prepare(library_task())
    unlock(env, "history_of_19")
    use(env, "history_of_19", '{"loan_id": "L1"}')
    assert called(env) == ["history_of_19"]


def test_the_reference_is_executed_with_its_own_look_ups():
    unlocked = Action(
        action_id="0",
        name="unlock_discoverable_agent_tool",
        arguments={"agent_tool_name": "history_of_19"},
    )
    read_it = Action(
        action_id="1",
        name="call_discoverable_agent_tool",
        arguments={"agent_tool_name": "history_of_19", "arguments": '{"loan_id": "L1"}'},
    )
    gold = make_gold(TaskSetup(library_task(unlocked, read_it), library))
    assert gold.errors == []
    assert called(gold.environment) == ["history_of_19"]


@pytest.mark.parametrize(
    ("name", "arguments", "problem"),
    [
        ("unlock_discoverable_agent_tool", {"agent_tool_name": "waive"}, "tool named 'waive'"),
        ("give_discoverable_user_tool", {"discoverable_tool_name": "shelf"}, "named 'shelf'"),
        ("call_discoverable_agent_tool", {"agent_tool_name": "waive"}, "tool named 'waive'"),
        (
            "call_discoverable_agent_tool",
            {"agent_tool_name": "renew_loan_18", "arguments": '{"loan": "L1"}'},
            "invalid arguments for renew_loan_18: loan_id: field required",
        ),
    ],
)
def test_a_reference_that_can_only_be_refused_is_found_before_it_is_played(
    name, arguments, problem
):
    task = library_task(UNLOCK, WAIVE_FINE, Action(action_id="1", name=name, arguments=arguments))
    (found,) = task_problems([task], library())
    assert found.place == "evaluation_criteria.actions.2.arguments"
    assert problem in found.text


def test_a_reader_uses_what_was_given():
    env = library()
    assert "has not been given" in read(env, "reserve_copy_31", '{"title": "Emma"}').content
    assert give(env, "reserve_copy_31", arguments='{"titel": "Emma"}').error
    assert give(env, "reserve_copy_31", arguments='{"title": "Emma"}').content.startswith(
        "Given to the customer: reserve_copy_31\nReserve a book."
    )
    assert not give(env, "reserve_copy_31").error
    assert read(env, "reserve_copy_31", '{"title": ""}').error
    assert env.tools.db.user_discoverable_tool_calls == {}
    assert not read(env, "reserve_copy_31", '{"title": "Emma", "copies": 2}').error
    assert env.tools.db.reserved == ["Emma", "Emma"]
    (logged,) = env.tools.db.user_discoverable_tool_calls.values()
    assert logged.arguments == {"title": "Emma", "copies": 2}
    give(env, "shelf_of_32")
    read(env, "shelf_of_32", '{"title": "Emma"}')
    assert len(env.tools.db.user_discoverable_tool_calls) == 1


def test_both_sides_list_what_there_is():
    env = library()

    def listed():
        return call(env, "list_discoverable_agent_tools").content

    def given_tools():
        return call(env, "list_discoverable_user_tools", by="user").content

    assert (listed(), given_tools()) == ("Unlocked: none\nCalled: none", "Given to you: none")
    unlock(env, "waive_fine_17")
    use(env, "waive_fine_17", WAIVE)
    give(env, "reserve_copy_31")
    assert listed() == "Unlocked (1 tool):\n- waive_fine_17\nCalled (1 tool):\n- waive_fine_17"
    assert given_tools() == "Given to you (1 tool):\n- reserve_copy_31"


def test_a_fork_has_its_own_unlocks_and_one_database():
    env = library()
    unlock(env, "waive_fine_17")
    fork = env.fork()
    unlock(fork, "renew_loan_18")
    assert env.tools.unlocked == {"waive_fine_17"}
    assert not use(fork, "waive_fine_17", WAIVE).error
    give(fork, "shelf_of_32")
    assert not read(fork, "shelf_of_32", '{"title": "Emma"}').error
    assert env.tools.db.loans["L1"].fine == 9.0


def test_initial_data_leaves_one_database_on_both_sides():
    env = library()
    data = {"agent_data": {"loans": {"L3": {"title": "Ulysses"}}}, "user_data": {"reserved": ["A"]}}
    env.set_state(InitializationData(**data), None, [])
    assert env.tools.db is env.user_tools.db
    assert (env.tools.db.loans["L3"].title, env.tools.db.reserved) == ("Ulysses", ["A"])


# --- as the original -----------------------------------------------------------------------------


def test_as_the_original_integers_become_floats_and_refused_writes_are_logged():
    env = library(strict=True)
    unlock(env, "renew_loan_18")
    assert use(env, "renew_loan_18", '{"loan_id": "L1", "weeks": 2}').content == (
        "Renewed for 2.0 weeks."
    )
    env = library(strict=True)
    unlock(env, "waive_fine_17")
    refused = use(env, "waive_fine_17", '{"loan_id": "L9", "amount": 4, "reason": "first"}')
    assert (refused.error, refused.content) == (False, "Error: there is no loan L9")
    assert called(env) == ["waive_fine_17"]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("waive_fine_17", WAIVE),  # not unlocked
        ("renew_loan_18", "{"),
        ("renew_loan_18", "[]"),
        ("renew_loan_18", '{"loan": "L1"}'),
        ("nothing", "{}"),
        (5, "{}"),
    ],
)
def test_as_the_original_refusals_are_no_errors_and_leave_no_row(name, arguments):
    env = library(strict=True)
    unlock(env, "renew_loan_18")
    refused = use(env, name, arguments)
    assert (refused.error, refused.content[:6]) == (False, "Error:")
    assert called(env) == []


def test_as_the_original_other_exceptions_leave_as_errors_without_a_row():
    env = library(strict=True)
    unlock(env, "renew_loan_18")
    assert use(env, "renew_loan_18", '{"loan_id": "L9"}').error  # a KeyError of the tool
    assert called(env) == []
    assert give(env, 5).error
    assert not give(env, "reserve").error


def test_as_the_original_a_direct_call_works_and_is_not_logged():
    env = library(strict=True)
    assert call(env, "renew_loan_18", loan_id="L1", weeks=2).content == "Renewed for 2 weeks."
    assert called(env) == []


def test_as_the_original_a_customer_s_call_is_logged_whatever_comes_of_it():
    env = library(strict=True)
    log = env.tools.db.user_discoverable_tool_calls
    assert not read(env, "reserve_copy_31", '{"title": "Emma"}').error
    assert not call(env, "reserve_copy_31", by="user", title="Emma").error
    assert env.tools.db.reserved == []
    give(env, "reserve_copy_31")
    for wrong in ('{"titel": "Emma"}', "{}", "[1]", "{"):
        assert not read(env, "reserve_copy_31", wrong).error
    assert log == {}
    assert not read(env, "reserve_copy_31", '{"title": "", "copies": 2}').error
    assert [row.arguments for row in log.values()] == [{"title": "", "copies": 2.0}]
    assert not call(env, "reserve_copy_31", by="user", title="Emma").error
    assert (len(log), env.tools.db.reserved) == (2, ["Emma"])
    assert call(env, "reserve_copy_31", by="user", book="Emma").error


# --- whatever a model writes ---------------------------------------------------------------------

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
written = (
    st.text() | json_values.map(json.dumps) | json_values.map(lambda v: json.dumps(json.dumps(v)))
)


@given(written)
def test_arguments_are_an_object_or_a_refusal(text):
    try:
        value = parsed_arguments(text)
    except ArgumentError:
        return
    assert isinstance(value, dict)
    assert parsed_arguments(json.dumps(value)) == value


@given(json_values, json_values, st.booleans())
def test_no_call_raises_or_changes_more_than_it_says(name, arguments, strict):
    env = library(strict=strict)
    unlock(env, "renew_loan_18")
    before = env.get_db_hash()
    for tool in (unlock, use):
        result = tool(env, name) if tool is unlock else tool(env, name, arguments)
        assert isinstance(result.content, str)
    use(env, "renew_loan_18", arguments)
    give(env, name, arguments=arguments)
    read(env, name, arguments)
    assert env.get_db_hash() == before


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[" * 100_000, "nested too deep"),
        ('{"a": 1, "a": 2}', "'a' is given twice"),
        ('{"a": NaN}', "NaN"),
        ('{"a": 1e999}', "inf is not a number"),
        ('{"a": ' + "9" * 5000 + "}", "not valid JSON"),
        ("7", "a JSON object is needed, not a number"),
        ('"7"', "not a number"),
        ("null", "not null"),
    ],
)
def test_what_is_wrong_with_arguments_is_said(text, says):
    with pytest.raises(ArgumentError, match=says):
        parsed_arguments(text)
    assert parsed_arguments("  ") == {}
    assert parsed_arguments('"{\\"a\\": 1}"') == {"a": 1}
