"""What the pages show of a domain, loaded when it is first asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from tau2.data_model.message import ToolCall, ToolMessage, ToolRequestor
from tau2.data_model.tasks import Action, Task
from tau2.environment.diff import RecordChange, changes_between
from tau2.environment.environment import Environment
from tau2.environment.task_setup import TaskSetup
from tau2.environment.tool import Tool
from tau2.errors import UnknownName
from tau2.registry import registry
from tau2.runner.resolve import readable_environment
from tau2.service.descriptions import domain_description

SIDES: Mapping[str, ToolRequestor] = {"agent": "assistant", "user": "user"}
_MOST_EXAMPLES = 3


class DomainDocs:
    """One domain, and a scratch environment in which its tools can be tried."""

    def __init__(self, name: str) -> None:
        """Point at a domain. Raise UnknownName for one that is not registered."""
        self.name = name
        self._fresh = readable_environment(name)
        self._scratch: Environment | None = None
        self.scratch_task: str | None = None
        """The task whose initial state was the start; None: the domain's own state."""

    @cached_property
    def environment(self) -> Environment:
        """An untouched environment, for reading."""
        environment: Environment = self._fresh()
        return environment

    @property
    def about(self) -> str:
        """One sentence on the domain."""
        return domain_description(self.name)

    def tools(self, side: str) -> dict[str, Tool]:
        """Return the tools of the agent or of the user."""
        kit = self.environment.user_tools if side == "user" else self.environment.tools
        return dict(sorted(kit.get_tools().items())) if kit is not None else {}

    def discoverable(self, side: str) -> dict[str, Tool]:
        """Return the tools of the agent or of the user that are not listed."""
        kit = self.environment.user_tools if side == "user" else self.environment.tools
        return dict(sorted(kit.get_discoverable_tools().items())) if kit is not None else {}

    @property
    def variants(self) -> Mapping[str, str]:
        """Retrieval variants: name → what it gives the agent; empty where there are none."""
        return registry.domains.get(self.name).variants if self.name in registry.domains else {}

    @property
    def variant(self) -> str | None:
        """The variant whose policy and tools are shown: the domain's default."""
        return registry.domains.get(self.name).variant(None) if self.variants else None

    def tool(self, side: str, name: str) -> Tool:
        """Return one tool. Raise UnknownName."""
        tools = self.tools(side) if side in SIDES else {}
        if name not in tools:
            raise UnknownName(f"tool of the {side}", name, tools)
        return tools[name]

    def kind(self, side: str, name: str) -> str:
        """Return whether a tool reads, writes, or does neither."""
        kit = self.environment.user_tools if side == "user" else self.environment.tools
        return str(kit.tool_type(name).value) if kit is not None else ""

    @cached_property
    def tasks(self) -> dict[str, Task]:
        """Every task of the domain by its id."""
        if self.name not in registry.get_task_sets():
            return {}
        tasks: Sequence[Task] = registry.get_tasks_loader(self.name)(None)
        return {task.id: task for task in tasks}

    def examples(self, side: str, name: str) -> list[Action]:
        """Return up to three different calls of a tool from the references of the tasks."""
        found: dict[str, Action] = {}
        for task in self.tasks.values():
            for action in task.reference_actions:
                if (
                    action.name == name
                    and action.requestor == SIDES[side]
                    and len(found) < _MOST_EXAMPLES
                ):
                    found.setdefault(action.get_func_format(), action)
        return list(found.values())

    def task(self, task_id: str) -> Task:
        """Return one task. Raise UnknownName."""
        if task_id not in self.tasks:
            raise UnknownName(f"task of {self.name}", task_id, self.tasks)
        return self.tasks[task_id]

    def find_tasks(self, text: str = "", split: str = "") -> list[Task]:
        """Return the tasks of a split (all for "") that mention a text.

        Id, purpose and scenario are searched; the case of letters makes no difference.
        """
        wanted = text.casefold()
        ids = frozenset(self.splits.get(split, ()))
        tasks = [task for task in self.tasks.values() if not split or task.id in ids]
        if not wanted:
            return tasks
        found = []
        for task in tasks:
            purpose = task.description.purpose if task.description else ""
            if wanted in f"{task.id} {purpose} {task.user_scenario}".casefold():
                found.append(task)
        return found

    @cached_property
    def splits(self) -> dict[str, list[str]]:
        """Every split with the ids of its tasks."""
        load = registry.get_task_splits_loader(self.name)
        return load() if load is not None else {}

    def splits_of(self, task: Task) -> list[str]:
        """Return the names of the splits that hold a task."""
        return [name for name, ids in self.splits.items() if task.id in ids]

    def restart(self, task_id: str | None = None) -> None:
        """Begin with a fresh scratch environment, in the initial state of a task if one is named.

        Raise UnknownName for a task that the domain does not have.
        """
        if task_id is None:
            self._scratch = self._fresh()
        else:
            self._scratch = TaskSetup(self.task(task_id), self._fresh).start()
        self.scratch_task = task_id

    def call(
        self, side: str, name: str, arguments: dict[str, Any]
    ) -> tuple[ToolMessage, list[RecordChange]]:
        """Call a tool in the scratch environment; return its result, and what it changed."""
        if self._scratch is None:
            self.restart()
        assert self._scratch is not None, "restart has just made it"
        before = self._scratch.fork()
        call = ToolCall(id="try", name=name, arguments=arguments, requestor=SIDES[side])
        result = self._scratch.get_response(call)
        return result, list(changes_between(before, self._scratch))
