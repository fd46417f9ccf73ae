"""What each turn of a stored conversation changed."""

from __future__ import annotations

import pytest
from pydantic import BaseModel
from tests import shop
from tests.unit.report.conftest import a_run

from tau2.data_model.message import AssistantMessage, ToolCall, ToolMessage, UserMessage
from tau2.environment.db import DB
from tau2.environment.diff import MOST_CHANGES, Missing, turn_diffs
from tau2.environment.environment import Environment
from tau2.environment.toolkit import ToolKitBase, ToolType, is_tool
from tau2.runner.build import build_environment


def calls(*made: tuple[str, dict, str], by: str = "assistant") -> list:
    """Return a conversation of these calls: name, arguments, recorded result."""
    kind = AssistantMessage if by == "assistant" else UserMessage
    messages: list = [UserMessage(content="Hello")]
    for number, (name, arguments, result) in enumerate(made):
        call = ToolCall(id=str(number), name=name, arguments=arguments, requestor=by)
        error = result.startswith("Error")
        messages += [
            kind(tool_calls=[call]),
            ToolMessage(id=str(number), content=result, requestor=by, error=error),
        ]
    return messages


def diffs(messages, task=None, build=lambda _: shop.environment()):
    return turn_diffs(a_run(messages=messages), task, "shop", build=build)


CANCEL = ("cancel_order", {"order_id": "#S100", "reason": "no longer needed"}, "cancelled")


def test_a_change_lists_each_field():
    (diff,) = diffs(calls(("get_order", {"order_id": "#S100"}, "..."), CANCEL))
    assert (diff.index, diff.call.name, diff.problem) == (4, "cancel_order", None)
    (change,) = diff.changes
    assert (change.side, change.table, change.record, change.kind) == (
        "agent",
        "orders",
        "#S100",
        "changed",
    )
    assert [(one.field, one.old, one.new) for one in change.fields] == [
        ("status", "pending", "cancelled: no longer needed")
    ]


def test_changes_of_the_users_database_have_the_side_user():
    (diff,) = diffs(calls(("toggle_airplane_mode", {}, "Airplane mode is now OFF."), by="user"))
    (change,) = diff.changes
    assert (change.side, change.table, change.record) == ("user", "airplane_mode", "")
    assert diff.as_dict()["changes"][0]["fields"] == [{"field": "", "old": True, "new": False}]


def test_an_item_that_is_added_to_a_list_has_no_old_value():
    given = ("grant_app_permission", {"app_name": "maps", "permission": "sms"}, "Granted")
    (diff,) = diffs(calls(given, by="user"))
    (field,) = diff.changes[0].fields
    assert (field.field, field.old, field.new) == ("0", Missing.VALUE, "maps:sms")
    assert "old" not in diff.as_dict()["changes"][0]["fields"][0]


def test_a_turn_that_changes_nothing_is_left_out():
    assert diffs(calls(("reboot_device", {}, "Rebooted"), by="user")) == []
    assert diffs([UserMessage(content="Hello")]) == []


def test_each_call_has_a_diff_of_its_own():
    again = ("cancel_order", {"order_id": "#S200", "reason": "ordered by mistake"}, "cancelled")
    assert [diff.changes[0].record for diff in diffs(calls(CANCEL, again))] == ["#S100", "#S200"]


def test_an_unknown_domain_is_reported_as_a_problem():
    (diff,) = turn_diffs(
        a_run(messages=calls(CANCEL)), None, "no-such-domain", build=build_environment
    )
    assert diff.index == -1
    assert "no domain named 'no-such-domain'" in diff.problem


def test_a_call_without_its_result_is_reported_as_a_problem():
    (diff,) = diffs([UserMessage(content="Hi"), *calls(CANCEL)[1:2], UserMessage(content="And?")])
    assert "cannot be replayed" in diff.problem


def test_another_result_is_reported_and_the_replay_continues():
    other = ("cancel_order", {"order_id": "#S100", "reason": "no longer needed"}, "refused")
    more = ("cancel_order", {"order_id": "#S200", "reason": "no longer needed"}, "cancelled")
    first, second = diffs(calls(other, more))
    assert "returns another result" in first.problem
    assert (second.problem, len(second.changes)) == (None, 1)


def test_a_call_without_a_result_at_the_end_is_not_replayed():
    assert diffs(calls(CANCEL)[:2]) == []


def test_reference_actions_of_the_shipped_domains_have_diffs(monkeypatch):
    from tau2.runner.tasks import load_tasks

    task = next(task for task in load_tasks("mock") if task.id == "create_task_1")
    action = task.evaluation_criteria.actions[0]
    (diff,) = turn_diffs(
        a_run(messages=calls((action.name, action.arguments, "..."))),
        task,
        "mock",
        build=build_environment,
    )
    added = next(change for change in diff.changes if change.kind == "added")
    assert added.table == "tasks"
    assert {field.old for field in added.fields} == {Missing.VALUE}


class Item(BaseModel):
    item_id: str
    price: float


class StoreDB(DB):
    items: list[Item]
    by_id: dict[str, Item]


class StoreTools(ToolKitBase):
    @is_tool(ToolType.WRITE)
    def change(self) -> str:
        """Change one row, drop one, add one."""
        self.db.items[0].price = 2.0
        del self.db.items[1]
        self.db.items.append(Item(item_id="new", price=9.0))
        del self.db.by_id["a"]
        return "done"

    @is_tool(ToolType.WRITE)
    def rewrite(self) -> str:
        """Touch more records than anyone wants to read."""
        for number in range(MOST_CHANGES + 7):
            self.db.by_id[f"n{number}"] = Item(item_id=f"n{number}", price=1.0)
        return "done"

    @is_tool(ToolType.WRITE)
    def break_down(self) -> str:
        """Leave something that no database can hold."""
        self.db.items = None
        return "done"


def store(_: str) -> Environment:
    items = [Item(item_id="a", price=1.0), Item(item_id="b", price=1.0)]
    return Environment(
        "store", "", StoreTools(StoreDB(items=items, by_id={"a": Item(item_id="a", price=1.0)}))
    )


def tangled(_: str) -> Environment:
    """Return a store in which two tables hold one record.

    No copy-on-write tables can be made of it.
    """
    environment = store(_)
    environment.tools.db.by_id["a"] = environment.tools.db.items[1]
    return environment


@pytest.mark.parametrize("build", [store, tangled])
def test_rows_of_lists_are_named_by_their_id(build):
    (diff,) = diffs(calls(("change", {}, "done")), build=build)
    told = {(change.table, change.record): change for change in diff.changes}
    assert {key: change.kind for key, change in told.items()} == {
        ("items", "a"): "changed", ("items", "b"): "removed", ("items", "new"): "added",
        ("by_id", "a"): "removed",
    }  # fmt: skip
    assert [(one.field, one.old, one.new) for one in told["items", "a"].fields] == [
        ("price", 1.0, 2.0)
    ]


def test_changes_beyond_the_maximum_are_counted_as_left_out():
    (diff,) = diffs(calls(("rewrite", {}, "done")), build=store)
    assert (len(diff.changes), diff.left_out) == (MOST_CHANGES, 7)


@pytest.mark.parametrize("alone", [True, False])
def test_a_solo_agent_holds_the_users_tools(alone):
    call = ToolCall(id="0", name="toggle_airplane_mode", arguments={})
    messages: list = [] if alone else [UserMessage(content="Hello")]
    messages += [
        AssistantMessage(tool_calls=[call]),
        ToolMessage(id="0", content="Airplane mode is now OFF."),
    ]
    found = diffs(messages)
    assert len(found) == (1 if alone else 0)
