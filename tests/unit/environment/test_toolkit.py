"""Toolkits: marked methods are tools, inherited and overridden like methods."""

from __future__ import annotations

import sqlite3
import threading

import pytest

from tau2.domains.mock.data_model import MockDB
from tau2.environment.toolkit import (
    GenericToolKit,
    ToolKitBase,
    ToolType,
    get_tool_signatures,
    get_tool_types,
    is_discoverable_tool,
    is_tool,
)
from tau2.errors import ConfigError, ToolError, UnknownName


class Base(ToolKitBase):
    @is_tool(ToolType.READ)
    def look(self) -> str:
        """Look."""
        return "nothing"

    @is_tool(ToolType.WRITE)
    def write(self, text: str) -> str:
        """Write."""
        return text

    @is_tool(ToolType.GENERIC, mutates_state=True)
    def spin(self) -> str:
        """Spin."""
        return "round"


class Child(Base):
    @is_tool(ToolType.READ)
    def look(self) -> str:
        """Look closer."""
        return "dust"

    def write(self, text: str) -> str:  # no tool any more
        return text

    @is_discoverable_tool(ToolType.WRITE)
    def open_vault_1234(self) -> str:
        """Open."""
        return "open"


def test_methods_are_inherited_and_overridden():
    kit = Child()
    assert list(kit.get_tools()) == ["look", "spin"]
    assert kit.get_tools()["look"].short_desc == "Look closer."
    assert kit.use_tool("look") == "dust"
    with pytest.raises(ToolError, match="Tool 'write' not found"):
        kit.use_tool("write", text="x")


def test_a_discoverable_tool_is_not_listed_but_can_be_called():
    kit = Child()
    assert kit.has_tool("open_vault_1234")
    assert kit.is_discoverable("open_vault_1234")
    assert list(kit.get_discoverable_tools()) == ["open_vault_1234"]
    assert kit.use_tool("open_vault_1234") == "open"
    assert not kit.has_discoverable_tool("look")


def test_only_write_tools_change_the_state_unless_marked_otherwise():
    kit = Base()
    assert [kit.tool_mutates_state(name) for name in ("look", "write", "spin")] == [
        False,
        True,
        True,
    ]
    assert kit.tool_mutates_state("set_something_up")
    assert kit.tool_type("write") is ToolType.WRITE
    assert get_tool_types(kit)["spin"] == "generic"
    with pytest.raises(ToolError, match="not found"):
        kit.tool_type("nothing")


def test_a_subset_of_tools():
    assert list(Base().get_tools(include=["spin"])) == ["spin"]
    assert Base().get_tools(include=[]) == {}
    with pytest.raises(UnknownName, match="did you mean 'look'"):
        Base().get_tools(include=["lok"])


def test_statistics_and_signatures():
    assert Child().get_statistics()["num_tools"] == 3
    assert get_tool_signatures(Base())["write"].params["required"] == ["text"]


def test_the_generic_toolkit_thinks_and_calculates():
    kit = GenericToolKit()
    assert kit.use_tool("think", thought="hm") == ""
    assert kit.use_tool("calculate", expression="1 + 1") == "2.0"


def test_an_update_needs_a_database():
    with pytest.raises(ToolError, match="no database"):
        Base().update_db({})
    with pytest.raises(ToolError, match="is not a DB"):
        Base({"a": 1}).update_db({})
    kit = Base(MockDB())
    before = kit.db
    kit.update_db({"users": {"u": {"user_id": "u", "name": "U"}}})
    assert set(kit.db.users) == {"u"}
    assert kit.db is not before
    assert not before.users


def test_the_state_of_a_fork_is_independent():
    kit = Base({"a": [1]})
    kit.counter = [0]
    child = kit.fork()
    child.db["a"].append(2)
    child.counter[0] = 9
    assert (kit.db, kit.counter) == ({"a": [1]}, [0])


def test_what_cannot_be_copied_is_shared_except_the_database():
    kit = Base()
    kit.lock = threading.Lock()
    assert kit.fork().lock is kit.lock
    kit.db = sqlite3.connect(":memory:")
    with pytest.raises(ConfigError, match=r"Base\.db \(Connection\) cannot be copied"):
        kit.fork()
    kit.db.close()
