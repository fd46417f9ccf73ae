"""The environment: tools of the agent and of the user, the policy, and the shared state."""

from __future__ import annotations

import json
import logging
from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import date, datetime
from enum import Enum
from typing import TypeVar

from pydantic import BaseModel

from tau2.data_model.malformed import malformed_reason
from tau2.data_model.message import (
    Message,
    ToolCall,
    ToolMessage,
    ToolRequestor,
    UserMessage,
)
from tau2.data_model.simulation import EnvironmentInfo
from tau2.data_model.tasks import EnvAssertion, EnvFunctionCall, InitializationData, Task
from tau2.environment.cow import Table, clone
from tau2.environment.db import DB
from tau2.environment.history import decoded, paired_calls
from tau2.environment.tool import AnnotatedText, Tool, ToolResult
from tau2.environment.toolkit import ToolKitBase, get_tool_signatures
from tau2.errors import ArgumentError, ModelError, ReplayMismatch, ToolError, UnknownName
from tau2.utils.json_types import JsonObject, JsonValue
from tau2.utils.own_code import BUGS, place_in_own_code
from tau2.utils.text import error_text

__all__ = ["Environment", "EnvironmentInfo"]

logger = logging.getLogger(__name__)


def _place_of_bug(problem: Exception) -> JsonObject | None:
    """Return where a tool of somebody's own is wrong, for the record; a model is not told.

    Tools refuse calls with a ValueError, too: that is no bug.
    """
    if type(problem) is ValueError or not isinstance(problem, BUGS):
        return None
    place = place_in_own_code(problem)
    return None if place is None else {"raised_at": place}


T = TypeVar("T")
EnvT = TypeVar("EnvT", bound="Environment")


class Environment:
    """A company's tools over its data, the customer's own tools, and the policy.

    Attributes:
        domain_name: a label of the record.
        policy: a text for the agent.
        tools: the agent's toolkit, or None.
        user_tools: the customer's toolkit, or None.
        solo_mode: the agent also has the user's tools and there is no user.
        strict_compat: reproduce the original where published scores depend on it: arguments are
            passed unchecked.
        world_id: a hashable name of the initial state; environments with equal ids share cached
            gold environments. None (the default): nothing is shared.
    """

    world_id: Hashable | None = None

    def __init__(
        self,
        domain_name: str,
        policy: str,
        tools: ToolKitBase | None = None,
        user_tools: ToolKitBase | None = None,
        solo_mode: bool = False,
        *,
        strict_compat: bool = False,
        world_id: Hashable | None = None,
    ) -> None:
        """Keep the parts and synchronise them once."""
        self.domain_name = domain_name
        self.policy = policy
        self.tools = tools
        self.user_tools = user_tools
        self.solo_mode = False
        self.strict_compat = strict_compat
        self.world_id = world_id
        if solo_mode:
            self.set_solo_mode(True)
        self.sync_tools()

    def get_domain_name(self) -> str:
        """Return the domain's name."""
        return self.domain_name

    def get_policy(self) -> str:
        """Return the text the agent must follow."""
        return self.policy

    def get_tools(self) -> list[Tool]:
        """Return the agent's tools. Raise ValueError when there are none."""
        if self.tools is None:
            raise ToolError("Tools not available")
        return list(self.tools.get_tools().values())

    def get_user_tools(self, include: list[str] | None = None) -> list[Tool]:
        """Return the user's tools, or those in `include`.

        Raise ValueError when there are none, or not that one.
        """
        if self.user_tools is None:
            raise ToolError("User tools not available")
        return list(self.user_tools.get_tools(include=include).values())

    def get_tools_description(self, env_type: ToolRequestor) -> str | None:
        """Return a numbered list of one side's tools, sorted by name, or None without tools."""
        toolkit = self.user_tools if env_type == "user" else self.tools
        if toolkit is None:
            return None
        tools = sorted(toolkit.get_tools().values(), key=lambda tool: tool.name)
        return "\n".join(
            f"{number}. {tool.name}\n{tool.description}" for number, tool in enumerate(tools, 1)
        )

    def get_info(self, include_tool_info: bool = False) -> EnvironmentInfo:
        """Return what a results file records."""
        signatures = (
            get_tool_signatures(self.tools)
            if include_tool_info and self.tools is not None
            else None
        )
        return EnvironmentInfo(
            domain_name=self.domain_name, policy=self.policy, tool_defs=signatures
        )

    def set_solo_mode(self, solo_mode: bool) -> None:
        """Switch whether the agent also has the user's tools.

        Raise ValueError when names overlap.
        """
        self.solo_mode = solo_mode
        if solo_mode:
            self.validate_solo_mode()

    def validate_solo_mode(self) -> None:
        """Raise ValueError when the agent's and the user's tools share a name."""
        mine = set(self.tools.tools) if self.tools is not None else set()
        theirs = set(self.user_tools.tools) if self.user_tools is not None else set()
        if mine & theirs:
            raise ToolError(f"Tool names overlap: {', '.join(sorted(mine & theirs))}")

    def use_tool(self, tool_name: str, **kwargs: object) -> ToolResult:
        """Call one of the agent's tools with raw arguments."""
        if self.tools is None:
            raise ToolError("Tools not available")
        return self.tools.use_tool(tool_name, **kwargs)

    def use_user_tool(self, tool_name: str, **kwargs: object) -> ToolResult:
        """Call one of the user's tools with raw arguments."""
        if self.user_tools is None:
            raise ToolError("User tools not available")
        return self.user_tools.use_tool(tool_name, **kwargs)

    def toolkit_for(self, tool_name: str, requestor: str) -> ToolKitBase:
        """Return the toolkit that answers this call.

        Raise ToolError when the requestor has no tools.
        """
        if requestor == "user":
            if self.solo_mode:
                raise ToolError("User tool calls are not allowed in solo mode")
            toolkit = self.user_tools
        elif self.solo_mode and self.user_tools is not None and self.user_tools.has_tool(tool_name):
            toolkit = self.user_tools
        else:
            toolkit = self.tools
        if toolkit is None:
            raise ToolError(
                "User tools not available" if requestor == "user" else "Tools not available"
            )
        return toolkit

    def looks_outside(self, call: ToolCall) -> bool:
        """Return whether a call looks up what is outside of the databases, such as documents."""
        try:
            return self.toolkit_for(call.name, call.requestor).looks_outside(call.name)
        except ToolError:
            return False

    def make_tool_call(
        self, tool_name: str, requestor: ToolRequestor = "assistant", **kwargs: object
    ) -> ToolResult:
        """Call a tool with raw arguments on behalf of `requestor`; errors of the tool propagate."""
        return self.toolkit_for(tool_name, requestor).use_tool(tool_name, **kwargs)

    def get_response(self, message: ToolCall) -> ToolMessage:
        """Execute a participant's tool call.

        Any failure becomes an error result, never an exception, but for that of a model or an
        endpoint that a tool asks.

        This is the one place where arguments from a model are checked and coerced against the
        tool's schema.

        Raises:
            ModelError: what a tool asks failed, such as an endpoint of embeddings.
        """
        error = False
        metadata = None
        try:
            toolkit = self.toolkit_for(message.name, message.requestor)
            if (unreadable := malformed_reason(message.arguments)) is not None:
                raise ArgumentError(
                    f"{unreadable}; call {message.name} again with corrected arguments"
                )
            # A tool may keep its arguments in the database; the recorded message must not change.
            arguments = clone(message.arguments)
            if not self.strict_compat and toolkit.has_tool(message.name):
                arguments = toolkit.coerce(message.name, arguments)
            result = toolkit.use_tool(message.name, **arguments)
            content = self.to_json_str(result)
            if isinstance(result, AnnotatedText):
                content = str(result)
                metadata = result.metadata
            self.sync_tools()
        except ModelError:
            # It is no answer of the tool, and nobody in the conversation is to blame for it.
            raise
        except Exception as problem:  # whatever a tool raises is an error result
            if not isinstance(problem, ToolError):
                logger.debug("tool %s failed", message.name, exc_info=True)
                metadata = _place_of_bug(problem)
            text = error_text(problem, 1_000_000)
            if isinstance(problem, KeyError) and not isinstance(problem, ToolError):
                text = f"{type(problem).__name__}: {problem}"
            content = f"Error: {text}"
            error = True
        return ToolMessage.model_construct(
            id=message.id, role="tool", content=content, requestor=message.requestor, error=error,
            turn_idx=None, timestamp=datetime.now().isoformat(),  # noqa: DTZ005  -- public format
            metadata=metadata,
        )  # fmt: skip

    @property
    def blocking(self) -> bool:
        """Whether a tool may wait for an endpoint, or take long, so that it needs a thread."""
        return any(getattr(kit, "blocking", False) is True for kit in (self.tools, self.user_tools))

    def prepare(self, task: Task) -> None:
        """Adapt to a task that is about to be played or graded; by default the toolkits do.

        A domain overrides this when something outside of its databases depends on the task: what
        the policy shows, or which calls are logged. It is called before an agent is made and again
        before the initial state is set, on the environment that is played as well as on those that
        are graded, replayed and resumed: so a second call with the same task must change nothing,
        and one with another task must leave nothing of the first.
        """
        for toolkit in (self.tools, self.user_tools):
            if isinstance(toolkit, ToolKitBase):
                toolkit.prepare(task)

    def prepares(self) -> bool:
        """Return whether `prepare` does anything: whether it is overridden, here or in a toolkit.

        What it does may depend on any field of the task.
        """
        kits = [kit for kit in (self.tools, self.user_tools) if isinstance(kit, ToolKitBase)]
        return type(self).prepare is not Environment.prepare or any(
            type(kit).prepare is not ToolKitBase.prepare for kit in kits
        )

    def sync_tools(self) -> None:
        """Bring the two sides' states into agreement; a domain overrides this."""

    def run_env_function_call(self, env_function_call: EnvFunctionCall) -> ToolResult:
        """Call any function of a toolkit and synchronise.

        Raise ToolError when there is no such function.
        """
        call = env_function_call
        toolkit = self.user_tools if call.env_type == "user" else self.tools
        function = getattr(toolkit, call.func_name, None)
        if call.func_name.startswith("_") or not callable(function):
            known = (
                [n for n in dir(toolkit) if not n.startswith("_")] if toolkit is not None else []
            )
            raise UnknownName(f"{call.env_type} function", call.func_name, known)
        result = function(**clone(call.arguments))
        self.sync_tools()
        return result

    def run_env_function_calls(self, env_function_calls: Sequence[EnvFunctionCall]) -> None:
        """Call functions of the toolkits in order."""
        for call in env_function_calls:
            self.run_env_function_call(call)

    def run_env_assertion(
        self,
        assertion: EnvAssertion,
        raise_assertion_error: bool = True,
    ) -> bool:
        """Return whether an assertion holds.

        Raise AssertionError when it does not and that is asked for.
        """
        result = self.run_env_function_call(assertion)
        if not isinstance(result, bool):
            raise ToolError(
                f"{assertion.func_name} is no assertion: it returned {type(result).__name__}, "
                "not bool"
            )
        met = result == assertion.assert_value
        if raise_assertion_error and not met:
            raise AssertionError(
                assertion.message or f"{assertion.func_name}({assertion.arguments}) was {result}"
            )
        return met

    def get_db_hash(self) -> str | None:
        """Return the canonical hash of the agent's database."""
        return self.tools.get_db_hash() if self.tools is not None else None

    def get_user_db_hash(self) -> str | None:
        """Return the canonical hash of the user's database."""
        return self.user_tools.get_db_hash() if self.user_tools is not None else None

    def check_db(self, reference: DB) -> bool:
        """Return whether the agent's database has the content of `reference`."""
        return self.tools is not None and same_db(self.tools.db, reference)

    def check_user_db(self, reference: DB) -> bool:
        """Return whether the user's database has the content of `reference`."""
        return self.user_tools is not None and same_db(self.user_tools.db, reference)

    def same_state(self, other: Environment) -> bool:
        """Return whether both environments hold the same data, semantically."""
        return all(
            same_db(
                mine.db if mine is not None else None, theirs.db if theirs is not None else None
            )
            for mine, theirs in ((self.tools, other.tools), (self.user_tools, other.user_tools))
        )

    def _databases(self) -> list[object]:
        return [
            kit.db
            for kit in (self.tools, self.user_tools)
            if kit is not None and kit.db is not None
        ]

    def is_pristine(self) -> bool:
        """Return whether every database holds what the domain's files hold."""
        return all(isinstance(db, DB) and db.is_pristine() for db in self._databases())

    def references(self) -> tuple[DB | None, ...]:
        """Return the reference database behind each database; None for one that has none."""
        return tuple(db.reference if isinstance(db, DB) else None for db in self._databases())

    def fork(self: EnvT) -> EnvT:
        """Return an independent environment in the same state.

        Toolkits that share a database share its copy, too.
        """
        copy: EnvT = self.__class__.__new__(self.__class__)
        shared: dict[int, object] = {}
        for name, value in self.__dict__.items():
            if isinstance(value, ToolKitBase):
                if id(value) not in shared:
                    is_plain = type(value).fork is ToolKitBase.fork
                    shared[id(value)] = value.fork_with(shared) if is_plain else value.fork()
                    share_databases(value, shared[id(value)], shared)
                copy.__dict__[name] = shared[id(value)]
            else:
                copy.__dict__[name] = value.fork() if isinstance(value, DB) else clone_plain(value)
        share_databases(self, copy, shared)
        return copy

    def set_state(
        self,
        initialization_data: InitializationData | None,
        initialization_actions: Sequence[EnvFunctionCall] | None,
        message_history: Sequence[Message],
        strict: bool = True,
    ) -> None:
        """Bring the environment to the state after `message_history`.

        Data is merged, actions are called, then every recorded call of a tool that changes the
        state is executed again.

        Raises:
            ReplayMismatch: (a ValueError) a call without its result, or, when `strict`, a result
                that differs.
        """
        if self.solo_mode and any(isinstance(message, UserMessage) for message in message_history):
            raise ReplayMismatch(
                "there is no user in solo mode, but the history holds user messages"
            )
        self._merge(initialization_data)
        self.run_env_function_calls(initialization_actions or ())
        for call, recorded in paired_calls(message_history):
            self._replay(call, recorded, strict=strict)
        self.sync_tools()

    def _merge(self, data: InitializationData | None) -> None:
        if data is None:
            return
        kits = (self.tools, self.user_tools)
        is_shared = len({id(kit.db) for kit in kits if kit is not None}) == 1
        for toolkit, patch, side in (
            (self.tools, data.agent_data, "agent"),
            (self.user_tools, data.user_data, "user"),
        ):
            if patch is None:
                continue
            if toolkit is None:
                raise ToolError(
                    f"the task has {side}_data, but the environment has no {side} tools"
                )
            toolkit.update_db(patch)
            if is_shared:
                for kit in kits:
                    if kit is not None:
                        kit.db = toolkit.db
        if (
            self.strict_compat
            and data.agent_data is not None
            and self.tools is not None
            and self.user_tools is not None
        ):
            # The original leaves both sides on the agent's database here; recorded hashes show it.
            self.user_tools.db = self.tools.db

    def repeat_calls(self, calls: Iterable[ToolCall]) -> None:
        """Make recorded calls again, where they can change the state; what they return is not used.

        Calls of tools that the environment does not have are left out.
        """
        for call in calls:
            self._repeat(call)
        self.sync_tools()

    def _repeat(self, call: ToolCall) -> ToolMessage | None:
        """Make a recorded call again; None for one that cannot have changed the state."""
        try:
            toolkit = self.toolkit_for(call.name, call.requestor)
        except ToolError:
            return None
        if not toolkit.has_tool(call.name) or not toolkit.tool_mutates_state(call.name):
            return None
        return self.get_response(call)

    def _replay(self, call: ToolCall, recorded: ToolMessage, *, strict: bool) -> None:
        got = self._repeat(call)
        if got is None:
            return
        if decoded(got.content) == decoded(recorded.content) and got.error == recorded.error:
            return
        text = (
            f"{call.name}({call.arguments}) returned {got.content!r} on replay, "
            f"but {recorded.content!r} was recorded"
        )
        if strict and not (got.error and recorded.error):
            raise ReplayMismatch(text)
        logger.warning("replay differs: %s", text)

    @classmethod
    def to_json_str(cls, resp: ToolResult) -> str:
        """Return a tool's result as the text a participant reads.

        Text stays as it is. Numbers and truth values outside of models become text (`{"a": 1}` →
        `{"a": "1"}`), as in published trajectories; inside models they stay.

        Raises:
            ToolError: (a ValueError) for a value of another type.
        """
        return resp if isinstance(resp, str) else json.dumps(_presented(resp), default=str)


def _presented(value: object) -> JsonValue:
    if isinstance(value, BaseModel):
        return value.model_dump(warnings=False)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, Enum):
        return _presented(value.value)
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, Mapping):
        return {key: _presented(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_presented(item) for item in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    raise ToolError(f"Unsupported type: {type(value)}")


def same_db(mine: object, theirs: object) -> bool:
    """Return whether two databases (or their absence) hold the same data."""
    if isinstance(mine, DB) and isinstance(theirs, DB):
        return mine.same_as(theirs)
    return bool(mine == theirs)


def clone_plain(value: T) -> T:
    """Return a copy of a container or model; anything else (a function, a lock) as it is."""
    if isinstance(value, dict | list | set | BaseModel | Table):
        return clone(value)
    return value


def share_databases(parent: object, child: object, shared: dict[int, object]) -> None:
    """Make attributes of `child` that were copied from one database of `parent` one object again.

    `shared` maps the id of a database of the parent to its copy.
    """
    for name, value in vars(parent).items():
        if isinstance(value, DB) or (name == "db" and value is not None):
            vars(child)[name] = shared.setdefault(id(value), vars(child)[name])
