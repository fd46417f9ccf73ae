"""Tools cross process borders with their schema, and with their function where it can travel."""

from __future__ import annotations

import multiprocessing
import pickle
import threading

import pytest

from tau2.environment.tool import Tool, as_tool
from tau2.environment.toolkit import ToolKitBase, is_tool
from tau2.errors import ToolError
from tau2.registry import registry

DOMAINS = ("mock", "retail", "airline", "telecom")


def double(number: int, plus: int = 0) -> int:
    """Double a number.

    Args:
        number: What to double.
    """
    return 2 * number + plus


class Shelf(ToolKitBase):
    """Tools that hold something which no pickle can take along."""

    def __init__(self) -> None:
        super().__init__(None)
        self.lock = threading.Lock()

    @is_tool()
    def count(self, what: str) -> int:
        """Count."""
        return len(what)


def described(tools: list[Tool]) -> list[tuple[str, str]]:
    return [(tool.name, tool(3) if tool.name == "double" else "") for tool in tools]


def sent(tool: Tool) -> Tool:
    return pickle.loads(pickle.dumps(tool))


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_tools_of_a_domain_arrive_with_their_database(domain):
    environment = registry.get_env_constructor(domain)()
    tools = environment.get_tools()
    if environment.user_tools is not None:
        tools += environment.get_user_tools()
    arrived = pickle.loads(pickle.dumps(tools))
    assert arrived == tools
    assert [tool.model_dump() for tool in arrived] == [tool.model_dump() for tool in tools]
    kit = arrived[0]._func.__self__
    assert kit.get_db_hash() == environment.tools.get_db_hash()
    assert kit.db is not environment.tools.db


def test_what_a_view_has_changed_arrives_and_nothing_is_shared():
    environment = registry.get_env_constructor("retail")()
    db = environment.tools.db
    order_id = next(iter(db.orders))
    db.orders[order_id].status = "cancelled"
    del db.users[next(iter(db.users))]
    arrived = pickle.loads(pickle.dumps(db))
    assert arrived.get_hash() == db.get_hash()
    assert arrived.same_as(db)
    db.orders[order_id].status = "pending"
    assert arrived.orders[order_id].status == "cancelled"
    again = pickle.loads(pickle.dumps(arrived.fork()))
    assert again.get_hash() == arrived.get_hash()


def test_a_list_of_records_arrives_with_its_changes():
    environment = registry.get_env_constructor("telecom")()
    db = environment.tools.db
    record = db.lines[0]
    record.suspension_start_date = None
    db.lines.append(record.model_copy(update={"line_id": "L_new"}))
    arrived = pickle.loads(pickle.dumps(db))
    assert arrived.get_hash() == db.get_hash()
    assert arrived.lines[-1].line_id == "L_new"


def test_a_function_of_a_module_arrives_by_name_and_another_one_by_value():
    step = 5
    local = as_tool(lambda number: number + step)
    assert sent(as_tool(double))(4) == 8
    assert sent(local)(1) == 6
    assert sent(local).openai_schema == local.openai_schema
    bound = sent(Tool(double, plus=1, info={"kind": "arithmetic"}, use_short_desc=True))
    assert bound(4) == 9
    assert list(bound.parameters["properties"]) == ["number"]
    assert (bound.info, bound.use_short_desc) == ({"kind": "arithmetic"}, True)


def test_what_cannot_travel_arrives_as_a_schema_that_says_so():
    tool = Shelf().get_tool("count")
    arrived = sent(tool)
    assert arrived == tool
    assert arrived.coerce({"what": 1}) == {"what": "1"}
    with pytest.raises(ToolError, match="'count' came from another process"):
        arrived("abc")
    assert sent(arrived) == tool


def test_a_spawned_process_receives_tools_and_sends_them_back():
    environment = registry.get_env_constructor("mock")()
    tools = [*environment.get_tools(), as_tool(double)]
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(described, (tools,)) == described(tools)
        assert pool.apply(list, (tools,)) == tools
