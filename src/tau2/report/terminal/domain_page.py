"""A domain as a page: its policy, its tools, its tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from tau2.data_model.tasks import Task
from tau2.environment.tool import Tool
from tau2.report.safe_text import one_line, plain
from tau2.report.terminal.boxes import Indented
from tau2.report.terminal.tables import Facts, new_table
from tau2.utils.text import natural_key, plural


@dataclass(frozen=True, slots=True)
class DomainPage:
    """What is shown of a domain."""

    name: str
    policy: str
    tools: Sequence[tuple[Tool, str]]
    """Each tool of the agent and its type."""
    user_tools: Sequence[tuple[Tool, str]]
    tasks: Sequence[Task]
    splits: dict[str, list[str]] = field(default_factory=dict)
    discoverable: Sequence[tuple[Tool, str]] = ()
    """The tools of the agent that are not listed, with their types."""
    user_discoverable: Sequence[tuple[Tool, str]] = ()
    variants: Mapping[str, str] = field(default_factory=dict)
    """Retrieval variants: name → what it gives the agent."""
    variant: str | None = None
    """The one whose policy and tools these are."""

    def as_dict(self, parts: Sequence[str]) -> dict[str, Any]:
        """Return the asked parts as JSON data."""
        whole = {
            "policy": self.policy,
            "tools": [_tool_data(*entry) for entry in self.tools],
            "user_tools": [_tool_data(*entry) for entry in self.user_tools],
            "tasks": [_task_data(task) for task in self.tasks],
            "splits": self.splits,
            **self._of_documents(),
        }
        keys = {
            "policy": ("policy", "retrieval_config", "variants"),
            "tools": ("tools", "user_tools", "discoverable_tools", "discoverable_user_tools"),
            "tasks": ("tasks", "splits"),
        }
        names = [key for part in parts for key in keys[part] if key in whole]
        return {"domain": self.name} | {key: whole[key] for key in names}

    def _of_documents(self) -> dict[str, Any]:
        """Return what domains with documents alone have."""
        data: dict[str, Any] = {}
        if self.variants:
            data |= {"retrieval_config": self.variant, "variants": dict(self.variants)}
        for name, tools in (
            ("discoverable_tools", self.discoverable),
            ("discoverable_user_tools", self.user_discoverable),
        ):
            if tools:
                data[name] = [_tool_data(*entry) for entry in tools]
        return data


def _tool_data(tool: Tool, kind: str) -> dict[str, Any]:
    return {"type": kind, **tool.openai_schema["function"]}


def _task_data(task: Task) -> dict[str, Any]:
    criteria = task.evaluation_criteria
    return {
        "id": task.id,
        "purpose": task.description.purpose if task.description else None,
        "reference_actions": [action.name for action in task.reference_actions],
        "reward_basis": [basis.value for basis in criteria.reward_basis] if criteria else [],
    }


def overview(page: DomainPage) -> RenderableType:
    """Return the domain on a few lines."""
    table = Facts()
    table.add_row("domain", plain(one_line(page.name, 200)))
    table.add_row("policy", plural(len(page.policy.split()), "word"))
    table.add_row("agent's tools", _counted(page.tools))
    table.add_row("user's tools", _counted(page.user_tools))
    for owner, tools in (("agent's", page.discoverable), ("user's", page.user_discoverable)):
        if tools:
            table.add_row(f"{owner} discoverable", _counted(tools))
    if page.variants:
        variants = f"{len(page.variants)}, of which this is {page.variant}"
        table.add_row("retrieval variants", plain(one_line(variants, 200)))
    sizes = ", ".join(f"{one_line(name)} {len(ids)}" for name, ids in page.splits.items())
    table.add_row("tasks", plain(f"{len(page.tasks)}" + (f" (splits: {sizes})" if sizes else "")))
    return table


def _counted(tools: Sequence[tuple[Tool, str]]) -> str:
    kinds = [kind for _, kind in tools]
    parts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
    return f"{len(tools)} ({parts})" if tools else "none"


def variants_view(page: DomainPage) -> RenderableType:
    """Return every retrieval variant with what it gives the agent; the shown one is marked."""
    about = "what it gives the agent"
    table = new_table("retrieval variant", about, fold=(about,))
    for name, text in page.variants.items():
        mark = " (shown)" if name == page.variant else ""
        table.add_row(plain(one_line(name, 80) + mark), plain(one_line(text, 400)))
    return Group(Text(""), table)


def tools_view(page: DomainPage) -> RenderableType:
    """Return every tool with its signature, type and description."""
    parts: list[RenderableType] = []
    for title, tools in (
        ("Tools of the agent", page.tools),
        ("Tools of the user", page.user_tools),
        ("Discoverable tools of the agent, which are not listed", page.discoverable),
        ("Discoverable tools of the user, which are not listed", page.user_discoverable),
    ):
        if tools:
            parts.append(Text(f"\n{title}", style="bold underline"))
            parts += [_tool_view(*entry) for entry in tools]
    return Group(*parts)


def _tool_view(tool: Tool, kind: str) -> RenderableType:
    head = plain(f"\n{signature(tool)}", style="bold").append(f"  [{kind}]", style="dim")
    parameters = [
        Indented(
            plain(f"{name}: {one_line(parameter.description, 400)}", style="dim"),
            4,
        )
        for name, parameter in tool.params.model_fields.items()
        if parameter.description
    ]
    return Group(head, Indented(plain(tool.description), 2), *parameters)


def signature(tool: Tool) -> str:
    """Return `name(parameter: type, ...)`; what may be left out has a default."""
    schema = tool.openai_schema["function"]["parameters"]
    required = set(schema.get("required", ()))
    definitions = schema.get("$defs", {})
    parts = [
        f"{name}: {_type(part, definitions)}"
        + ("" if name in required else f" = {part.get('default')!r}")
        for name, part in schema.get("properties", {}).items()
    ]
    return f"{tool.name}({', '.join(parts)})"


_NAMES = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "null": "None",
    "object": "dict",
}


def _type(schema: dict[str, Any], definitions: dict[str, Any]) -> str:
    """Return a JSON schema as the Python type it stands for."""
    if "anyOf" in schema:
        return " | ".join(_type(part, definitions) for part in schema["anyOf"])
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        target = definitions.get(name, {})
        return _type(target, definitions) if "enum" in target else name
    if "enum" in schema:
        return " | ".join(repr(value) for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list[{_type(schema.get('items', {}), definitions)}]"
    return _NAMES.get(str(schema.get("type")), "Any")


def tasks_view(page: DomainPage) -> RenderableType:
    """Return every split with its size, and every task on a line."""
    splits = new_table("split", "tasks", right=("tasks",))
    for name, ids in page.splits.items():
        splits.add_row(plain(name), str(len(ids)))
    tasks = new_table(
        "task",
        "actions",
        "graded on",
        "purpose",
        right=("actions",),
        names=("task",),
        fold=("purpose",),
    )
    for task in sorted(page.tasks, key=lambda task: natural_key(task.id)):
        data = _task_data(task)
        tasks.add_row(
            plain(one_line(task.id, 200)),
            str(len(data["reference_actions"])),
            plain(", ".join(data["reward_basis"])),
            plain(one_line(data["purpose"] or "", 200)),
        )
    return Group(Text(""), splits, Text(""), tasks)
