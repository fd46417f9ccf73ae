"""Executable policy rules: what a policy forbids, checked on any trajectory.

A rule receives one successful writing call of the agent, the environment before it and the
conversation so far, and returns what is wrong, or None. Rules are for audits and reports; they are
no part of a reward.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from tau2.data_model.conventions import TRANSFER_TOOL
from tau2.data_model.message import (
    AssistantMessage,
    Message,
    MultiToolMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from tau2.environment.environment import Environment
from tau2.environment.history import Waiting

Check = Callable[[Environment, ToolCall, Sequence[Message]], str | None]
"""`check(environment, call, messages)`, both as before the call: what is wrong, or None."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing a policy forbids."""

    name: str
    check: Check


@dataclass(frozen=True, slots=True)
class Violation:
    """A call that breaks a rule."""

    rule: str
    message_index: int
    text: str


def check_trajectory(
    start: Environment, messages: Sequence[Message], rules: Sequence[Rule]
) -> list[Violation]:
    """Return every violation in a trajectory that began in `start`, which is not changed.

    Tool calls are executed again on a fork; a call that fails changes nothing and breaks no rule.
    """
    environment = start.fork()
    violations = []
    for index, message in enumerate(messages):
        if not isinstance(message, AssistantMessage | UserMessage):
            continue
        for call in message.calls:
            found = _violations_of(environment, call, messages[:index], rules)
            violations += [Violation(rule, index, text) for rule, text in found]
    return violations


def _violations_of(
    environment: Environment, call: ToolCall, before: Sequence[Message], rules: Sequence[Rule]
) -> list[tuple[str, str]]:
    toolkit = environment.user_tools if call.requestor == "user" else environment.tools
    judged = (
        call.requestor == "assistant"
        and toolkit is not None
        and toolkit.tool_mutates_state(call.name)
    )
    earlier = environment.fork() if judged else environment
    failed = environment.get_response(call).error
    if not judged or failed:
        return []
    return [
        (rule.name, text)
        for rule in rules
        if (text := rule.check(earlier, call, before)) is not None
    ]


_YES = re.compile(
    r"\b(yes|yeah|yep|yup|sure|ok|okay|confirm(ed)?|correct|right|agreed?|go ahead|please do|do "
    r"it|proceed|fine|"
    r"sounds good|that works|absolutely|of course)\b",
    re.IGNORECASE,
)
_NO = re.compile(
    r"^\W*(no\b(?! (problem|worries))|nope\b|not\b|wait\b|stop\b|hold on\b|don't\b|do not\b)",
    re.IGNORECASE,
)


def agrees(text: str) -> bool:
    """Return whether a customer's message agrees to what was proposed.

    One that begins with a refusal does not.
    """
    return _NO.search(text) is None and _YES.search(text) is not None


def confirmed_first(exempt: Collection[str] = ()) -> Rule:
    """Return the rule that the customer agrees to every write before it is made."""

    def check(_world: Environment, call: ToolCall, before: Sequence[Message]) -> str | None:
        if call.name in exempt:
            return None
        replies = [
            message.content
            for message in before
            if isinstance(message, UserMessage) and message.content
        ]
        has_proposed = any(
            isinstance(message, AssistantMessage) and message.content for message in before
        )
        if has_proposed and replies and agrees(replies[-1]):
            return None
        return f"{call.name} was called before the customer confirmed"

    return Rule("confirmed before writing", check)


def identified_first(lookups: Collection[str]) -> Rule:
    """Return the rule that one of `lookups` succeeded before every write."""

    def check(_world: Environment, call: ToolCall, before: Sequence[Message]) -> str | None:
        failed = {
            m.id
            for m in before
            if m.role == "tool" and getattr(m, "error", False) and hasattr(m, "id")
        }
        for message in before:
            for earlier in message.calls if isinstance(message, AssistantMessage) else ():
                if earlier.name in lookups and earlier.id not in failed:
                    return None
        return f"{call.name} was called before the customer was identified"

    return Rule("identified before writing", check)


def nothing_after_handing_over() -> Rule:
    """Return the rule that nothing is written after the customer was handed over."""

    def check(_world: Environment, call: ToolCall, before: Sequence[Message]) -> str | None:
        if any(earlier.name == TRANSFER_TOOL for earlier, _ in calls_done(before)):
            return f"{call.name} was called after the customer was handed over"
        return None

    return Rule("nothing after handing over", check)


def calls_done(before: Sequence[Message]) -> Iterator[tuple[ToolCall, ToolMessage]]:
    """Yield the agent's earlier calls that succeeded, with their results.

    Whatever has no partner is passed over.
    """
    waiting: Waiting[ToolCall] = Waiting()
    for message in before:
        if isinstance(message, AssistantMessage):
            waiting = Waiting()
            waiting.add((call.id, call) for call in message.calls)
        for result in (
            message.tool_messages if isinstance(message, MultiToolMessage) else (message,)
        ):
            if isinstance(result, ToolMessage):
                call = waiting.take(result.id) or waiting.take_first()
                if call is not None and not result.error:
                    yield call, result


def customer_words(before: Sequence[Message]) -> str:
    """Return everything the customer has said."""
    return "\n".join(
        message.content or "" for message in before if isinstance(message, UserMessage)
    )
