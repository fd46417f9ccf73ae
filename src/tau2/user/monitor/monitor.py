"""The monitor: hears a conversation message by message, and judges each message of the user."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import partial

from tau2.data_model.message import (
    AssistantMessage,
    Message,
    MultiToolMessage,
    ToolMessage,
    UserMessage,
)
from tau2.data_model.run_config import UserMonitorMode
from tau2.data_model.tasks import Task
from tau2.environment.environment import Environment
from tau2.participant.monitoring import MonitorSetup
from tau2.user.base_user import OUT_OF_SCOPE, STOP, TRANSFER
from tau2.user.monitor import ending
from tau2.user.monitor.facts import Known, Value, names_in, stated
from tau2.user.monitor.finding import Finding, FindingKind
from tau2.user.monitor.phone import Phone
from tau2.user.monitor.speech import AgentSpeech, agent_line
from tau2.user.monitor.tools import MonitoredTools
from tau2.user.monitor.wish import PATIENCE, Wish
from tau2.user.monitor.words import ends_with, plain, spoken, words

_KINDS_IN_WORDS = {
    "email": "the e-mail address", "id": "the id", "phone": "the phone number", "date": "the date",
    "code": "the number", "number": "the number", "amount": "the amount", "name": "the name",
    "city": "the city",
}  # fmt: skip
_LAST_DIGITS = re.compile(r"last_(?:four|4|digits)\W{1,4}(\d{4})\b")
"""Of a card in the customer's record: its owner can read them off it."""
_RECENT = 6  # messages of the agent among which a repetition is looked for


class UserMonitor:
    """Judges the messages of one simulated user.

    Every message of the conversation is given to `observe` in order. What a message costs does not
    depend on how many there were before.
    """

    def __init__(self, task: Task, tools: MonitoredTools | None = None) -> None:
        """Take what the user can know and is to want from the task."""
        self.task = task
        self.tools = tools or MonitoredTools()
        scenario = plain(str(task.user_scenario))
        self._scenario = scenario
        self._known = Known()
        self._known.learn(scenario, own=True)
        self._known.learn(" ".join(self.tools.cards))
        self._speech = AgentSpeech()
        self._wish = Wish(task)
        self._phone = Phone(self.tools.user, scenario)
        self._turn = 0
        self._history_length = len(task.history)
        self._agent = ""
        """What the agent said last."""
        self._agent_texts: list[tuple[str, ...]] = []
        self._called: dict[str, str] = {}
        """Id → name of calls without a result."""
        self._changed: list[str] = []
        """Names of the agent's successful calls."""
        self._own_texts = 0
        self._own_sayings: set[str] = set()
        """Different texts of the user's, as long as it has not said its wish."""
        self._closings = 0
        self._farewells = 0
        self._agreed = False
        self._wish_reported = False
        self._checked: tuple[int, str, list[Finding]] | None = None
        """The message that was checked last: its turn, its text, and what is wrong with it."""

    def observe(self, message: Message) -> list[Finding]:
        """Add the next message of the conversation; return what is wrong with it."""
        is_new = self._turn >= self._history_length
        findings = self.check(message) if isinstance(message, UserMessage) and is_new else []
        self._wish_reported |= any(found.kind is FindingKind.NO_WISH for found in findings)
        self._remember(message)
        return findings

    def check(self, message: UserMessage) -> list[Finding]:
        """Return what is wrong with a message if the user sends it next; nothing is remembered."""
        if message.is_tool_call() or not message.content:
            return []
        if self._checked is None or self._checked[:2] != (self._turn, message.content):
            self._checked = (self._turn, message.content, self._problems(message.content))
        return list(self._checked[2])

    def _problems(self, content: str) -> list[Finding]:
        raw = plain(content)
        text = spoken(raw)
        checks = (self._speech_problems, self._fact_problems, self._ending_problems)
        return [
            Finding(
                kind=kind, turn=self._turn, reason=reason, is_decisive=self._is_decisive(kind, raw)
            )
            for check in checks
            for kind, reason in check(raw, text)
        ]

    def _is_decisive(self, kind: FindingKind, raw: str) -> bool:
        """Return whether a problem ends the episode.

        Stubs of clients and tests hang up at once, or say one and the same thing; that shows
        nothing about a simulator.
        """
        if kind is FindingKind.NO_WISH:
            said = {*self._own_sayings, spoken(raw).strip()} - {""}
            return len(said) > 1
        return bool(self._own_texts) or raw.strip() != STOP

    def _speech_problems(self, raw: str, text: str) -> Iterator[tuple[FindingKind, str]]:
        if self._speech.repeated_in(text):
            yield FindingKind.REPEATS_AGENT, "the user says the agent's words again"
        line = agent_line(text)
        # A scenario may have its user say such words.
        if line is not None and line.casefold() not in self._scenario.casefold():
            yield FindingKind.SPEAKS_AS_AGENT, f"the user speaks as the agent: '{line}'"

    def _fact_problems(self, raw: str, text: str) -> Iterator[tuple[FindingKind, str]]:
        seen: set[str] = set()
        for value in (*stated(text), *names_in(text)):
            if value.key in seen or self._known.has(value):
                continue
            seen.add(value.key)
            yield self._unknown(value)
        switch = self._phone.wrong_state(text)
        if switch is not None:
            yield (
                FindingKind.CONTRADICTS_FACT,
                f"the user says the opposite of what its device shows about {switch}",
            )
        tool = self._phone.false_claim(text)
        if tool is not None:
            yield (
                FindingKind.CLAIMS_ACTION,
                f"the user says that it did or saw something on its device, without '{tool}'",
            )

    def _unknown(self, value: Value) -> tuple[FindingKind, str]:
        what = f"{_KINDS_IN_WORDS[value.kind]} '{value.shown}'"
        if value.kind in self._known.own_kinds:
            return (
                FindingKind.CONTRADICTS_FACT,
                f"the user states {what}, and its scenario gives another",
            )
        return FindingKind.INVENTS_FACT, f"the user states {what}, which it cannot know"

    def _ending_problems(self, raw: str, text: str) -> Iterator[tuple[FindingKind, str]]:
        token = ends_with(raw)
        if not self._wish.is_said and not self._wish_reported:
            yield from self._wish_problems(text, ends=token is not None)
        if token is None:
            yield from self._closing_problems(text)
        elif token == OUT_OF_SCOPE:
            first = not self._own_texts
            if ending.in_scope(self._agent, self._scenario, loops=self._loops(), first=first):
                yield (
                    FindingKind.OUT_OF_SCOPE,
                    "the user leaves as out of scope, and the scenario covers what was asked",
                )
        else:
            reason = self._too_early(token, text)
            if reason is not None:
                yield FindingKind.ENDS_EARLY, reason

    def _wish_problems(self, text: str, *, ends: bool) -> Iterator[tuple[FindingKind, str]]:
        if not ends and self._own_texts + 1 < PATIENCE:
            return
        if not self._wish.would_be_said(text):
            yield FindingKind.NO_WISH, "the user has not said what it wants"

    def _closing_problems(self, text: str) -> Iterator[tuple[FindingKind, str]]:
        if not ending.is_closing(text):
            return
        farewells = self._farewells + ending.is_farewell(text)
        if self._closings + 1 >= ending.MOST_CLOSINGS or farewells >= ending.MOST_FAREWELLS:
            yield (
                FindingKind.KEEPS_CLOSING,
                "the user says goodbye again and does not end the conversation",
            )

    def _too_early(self, token: str, text: str) -> str | None:
        if token == TRANSFER:
            handed = any("transfer" in name for name in self._changed)
            if not self._own_texts:
                return "the user leaves for a person before it has said anything"
            if ending.early_transfer(self._agent, handed_over=handed):
                return "the user leaves for a person, and nobody has offered one"
            return None
        if not self._own_texts:
            return "the user ends the conversation before it has said anything"
        if not self._left():
            return None
        reason = ending.early_end(text, self._agent, agreed_before=self._agreed)
        return None if reason is None else f"the user ends too early: {reason}"

    def _left(self) -> list[str]:
        return ending.outstanding(self.task.reference_actions, self._changed, self.tools.writes)

    def _loops(self) -> bool:
        """Return whether the agent's last message is one of its earlier ones."""
        *earlier, last = self._agent_texts or [()]
        return last in earlier

    def _remember(self, message: Message) -> None:
        self._turn += 1
        if isinstance(message, MultiToolMessage):
            for part in message.tool_messages:
                self._remember_result(part)
        elif isinstance(message, ToolMessage):
            self._remember_result(message)
        elif isinstance(message, AssistantMessage | UserMessage):
            for call in message.calls:
                self._called[call.id] = call.name
            if message.content and not message.is_tool_call():
                self._remember_text(message, plain(message.content))

    def _remember_text(self, message: AssistantMessage | UserMessage, text: str) -> None:
        if isinstance(message, AssistantMessage):
            self._agent = text
            self._speech.hear(text)
            self._known.learn(text)
            self._agent_texts = [*self._agent_texts[-_RECENT:], tuple(words(text))]
            return
        text = spoken(text)
        self._own_texts += 1
        if not self._wish.is_said:
            self._own_sayings.add(spoken(text).strip())
        self._wish.hear(text)
        # What was said once is no second finding.
        self._known.learn(text)
        for value in names_in(text):
            self._known.keys.add((value.kind, value.key))
        is_closing = ending.is_closing(text)
        self._closings = self._closings + 1 if is_closing else 0
        self._farewells = self._farewells + ending.is_farewell(text) if is_closing else 0
        self._agreed = ending.agrees(text, self._agent)

    def _remember_result(self, result: ToolMessage) -> None:
        name = self._called.pop(result.id, "")
        content = plain(result.content)
        if result.requestor == "user":
            self._known.learn(content)
            self._phone.saw(name, content, error=result.error)
        elif not result.error:
            self._changed.append(name)
            self._known.learn(" ".join(_LAST_DIGITS.findall(content)))


def monitor_setup(
    environment: Environment, task: Task, mode: UserMonitorMode = "act"
) -> MonitorSetup | None:
    """Return how an orchestrator monitors the user of an episode; None for "off"."""
    if mode == "off":
        return None
    tools = MonitoredTools.of(environment, task)
    return MonitorSetup(partial(UserMonitor, task, tools), acts=mode == "act")


def user_findings(
    messages: Iterable[Message],
    task: Task,
    environment: Environment | None = None,
) -> list[Finding]:
    """Return what is wrong with the user's messages of a conversation, in order.

    `environment` is any of the task's domain; names of tools and the customer's cards are read off
    it. Without it, what the user says of its own tools is not judged.
    """
    monitor = UserMonitor(task, MonitoredTools.of(environment, task))
    return [found for message in messages for found in monitor.observe(message)]
