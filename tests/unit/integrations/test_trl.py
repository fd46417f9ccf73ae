"""The classes that TRL derives its tools from, without TRL."""

from __future__ import annotations

import inspect
from typing import Any, Literal, Optional, get_type_hints

import pytest
from pydantic import BaseModel
from tests.cast import ON_THE_LIST
from tests.integrations.oracle import SEED, script_of

from tau2.environment.tool import as_tool
from tau2.errors import UnknownName
from tau2.integrations import EpisodeFailed, EpisodeOutcome
from tau2.integrations.toolbox import domain_tools
from tau2.integrations.trl import (
    environment_class,
    environment_factories,
    environment_factory,
    method_of,
    plain,
    rows,
)
from tau2.rollout import RolloutSetup

# Named here, since installed plug-ins may register further domains.
DOMAINS = ("airline", "mock", "retail", "telecom")


class Item(BaseModel):
    """Something on a list."""

    name: str
    count: int


def order(items: list[Item], note: str | None = None) -> str:
    """Order things.

    Args:
        items: What is
            wanted.
        note: For the cook.
    """
    return f"{items} {note}"


def test_a_row_is_played_with_methods():
    environment = environment_factory("mock", user="scripted_user")()
    (row,) = rows("mock", count=1, seed=SEED)
    assert [message["role"] for message in row["prompt"]] == ["system", "user"]
    assert "respond_user" in row["prompt"][0]["content"]
    assert environment.reset(**row)
    assert "Important Meeting" in environment.create_task(**ON_THE_LIST)
    assert environment.get_reward() == environment.get_reward() == 1.0
    environment.reset(**row)
    assert environment.get_reward() == 0.0


def test_a_script_ends_in_the_same_worlds():
    script = script_of("retail")
    environment = environment_factory("retail", **script.options)()
    environment.reset(task_id=script.task_id, seed=script.seed, prompt=[])
    for move in script.moves:
        for call in move.tool_calls or ():
            getattr(environment, call.name)(**call.arguments)
        if not move.tool_calls:
            environment.respond_user(text=move.content)
    assert environment.get_reward() == script.reward
    assert script.ends_as(environment._outcome)


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_domains_class_has_its_tools_and_nothing_else(domain):
    kind = environment_class(RolloutSetup(domain))
    shown = {
        name for name, _ in inspect.getmembers(kind, inspect.isfunction) if not name.startswith("_")
    }
    tools = {tool.name: tool for tool in domain_tools(RolloutSetup(domain))}
    assert shown - {"reset", "get_reward"} == set(tools)
    for name, tool in tools.items():
        method, required = getattr(kind, name), set(tool.parameters.get("required", []))
        parameters = dict(inspect.signature(method).parameters)
        parameters.pop("self")
        assert list(parameters) == list(tool.parameters.get("properties", {}))
        assert {
            key for key, value in parameters.items() if value.default is value.empty
        } == required
        assert set(get_type_hints(method)) == {*parameters, "return"}
        assert tool.short_desc.split() == method.__doc__.split()[: len(tool.short_desc.split())]


def test_a_method_is_described_on_one_line_per_argument():
    method = method_of(as_tool(order))
    assert method.__doc__.splitlines()[2:5] == [
        "Args:",
        "    items: What is wanted. Fields: name, count.",
        "    note: For the cook.",
    ]
    assert get_type_hints(method) == {"items": list[dict], "note": Optional[str], "return": str}  # noqa: UP045


@pytest.mark.parametrize(
    ("hint", "made"),
    [
        (str, str),
        (list[Item], list[dict]),
        (dict[str, Item], dict[str, dict]),
        (Literal["a", 1], Literal["a", 1]),
        (Item | None, Optional[dict]),  # noqa: UP045  -- as `plain` returns it
        (bytes, Any),
        (tuple[int, int], Any),
        (Any, Any),
    ],
)
def test_type_hints_become_plain(hint, made):
    assert plain(hint) == made


def test_a_failed_episode_is_skipped_or_raised():
    failed = EpisodeOutcome(
        reward=None,
        reason="infrastructure_error",
        truncated=True,
        infra_failed=True,
        user_failed=False,
        error="down",
        db_hash=None,
        user_db_hash=None,
    )
    skipping, raising = (
        environment_factory("mock")(),
        environment_factory("mock", on_failure="raise")(),
    )
    skipping._outcome = raising._outcome = failed
    assert skipping.get_reward() is None
    with pytest.raises(EpisodeFailed, match="down"):
        raising.get_reward()


def test_wrong_names_are_found_out_at_once():
    with pytest.raises(UnknownName):
        environment_factory("no_such_domain")
    with pytest.raises(UnknownName):
        rows("mock", "no_such_split")
    factories = environment_factories(["mock", "retail"])
    assert {factory().__class__.__name__ for factory in factories.values()} == {
        "TauMockEnvironment",
        "TauRetailEnvironment",
    }
