"""An oracle with ears: it knows what the reference does, and takes what the customer says as heard.

Of the values in its calls, those that stand in the scenario and that no tool has shown are the
customer's to tell. Each is looked for in what was heard, and is used as it was heard, right or
wrong. What was not heard is asked for, then asked for again, then asked to be spelled. A look-up
that fails is tried again with the value told anew, and before a change its values are read back and
corrected. So on a clear line it earns what the oracle earns, and on a bad line it fails as other
agents do.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, ClassVar

from pydantic import Field

from tau2.agent.base_agent import ValidAgentInputMessage
from tau2.agent.oracle_agent.agent import OracleAgent, OracleState, Question, QuestionTopic
from tau2.agent.oracle_agent.plan import PlanStep
from tau2.agent.oracle_agent.speech import field_in_words
from tau2.agent.oracle_agent.voting import voted
from tau2.data_model.message import AssistantMessage, Message, ToolMessage, UserMessage
from tau2.data_model.tasks import Task
from tau2.environment.tool import Tool
from tau2.errors import AgentError
from tau2.participant.turns import flat
from tau2.participant.wording import joined, listing
from tau2.utils.json_types import JsonValue
from tau2.voice.found_values import FoundValue, find_value
from tau2.voice.speech.heard import heard

_MOST_QUESTIONS = 4  # times a value is asked for before the oracle gives up on it
_SPELLED_FROM = 3  # question with which it is asked to be spelled
_MOST_RETRIES = 3  # times a step is taken again after its call failed
_MOST_CORRECTIONS = 4  # times a proposal is made again after the customer corrected it
_MOST_UNCLEAR = 2  # times it is made again after an answer that says neither yes nor no
_LEAST_HEARD = 0.6  # share of a value below which it was not said
_LEAST_CORRECTED = 0.7  # the same of a value in an answer to a proposal
_ENOUGH_HEARINGS = 3  # different ones, after which what most agree on counts
_SHORT = 3  # characters up to which a value has to be heard as it is: another word is as similar
_ENOUGH_QUESTIONS = 2  # after which a change is proposed without a value that others stand beside
_MOST_LINES = 40  # latest messages of the customer that are searched
_SHORTEST = 2  # characters of a value that can be told
_INFERRED = frozenset({"state", "country"})  # the zip code tells them
_ADDRESS = frozenset({"address1", "address2", "city", "state", "zip", "country"})
_AGREES = re.compile(
    r"\b(?:yes|yep|yeah|sure|go ahead|proceed|confirm|correct|right|fine|okay|ok|please do|do it|"
    r"do that|good|works|agree)\b"
)
_DISAGREES = re.compile(
    r"^\W*(?:(?:hmm,? )?no\b|nope|not\b|stop|hold on|please don't|i'm afraid not|wait|sorry|almost|"
    r"hmm|that(?:'s| is| isn't| is not)\b.{0,12}\b(?:not|wrong|asked)|wrong\b)|"
    r"\bnot (?:quite |the )?(?:right|correct)\b|\bisn't (?:right|correct)\b|\bmistake\b"
)


class HearingState(OracleState):
    """Where a hearing oracle stands, and what it has heard."""

    lines: list[str] = Field(default_factory=list)
    """The customer's latest messages, in lower case."""
    heard: dict[str, str] = Field(default_factory=dict)
    """Value of the reference → what was heard in its place."""
    heard_before: dict[str, str] = Field(default_factory=dict)
    """The same of values that turned out wrong and were not told again."""
    hearings: dict[str, list[str]] = Field(default_factory=dict)
    """Value → everything that was heard in its place and proposed."""
    refused: dict[str, list[str]] = Field(default_factory=dict)
    """Value → what was proposed in its place and corrected."""
    known: list[str] = Field(default_factory=list)
    """Values that a tool has shown."""
    forgotten: dict[str, int] = Field(default_factory=dict)
    """Value → number of messages that are not searched for it any more."""
    messages: int = 0
    """Of the customer's so far."""
    offered: list[int] = Field(default_factory=list)
    """Steps before which the customer was asked for further wishes."""
    questions: dict[str, int] = Field(default_factory=dict)
    """Value → how often it was asked for."""
    retries: dict[int, int] = Field(default_factory=dict)
    """Step → how often its call failed."""
    corrections: int = 0
    """Of the present proposal."""


class HearingOracle(OracleAgent):
    """Executes the reference actions with the values that it hears."""

    state_class: ClassVar[type[OracleState]] = HearingState

    def __init__(
        self, tools: list[Tool], domain_policy: str, task: Task, seed: int | None = None
    ) -> None:
        """Give the oracle its task; `seed` decides its manner and its words."""
        super().__init__(tools=tools, domain_policy=domain_policy, task=task, seed=seed)
        scenario = str(task.user_scenario)
        fixed = set(_fixed_values([tool.parameters for tool in tools]))
        self._told = {
            value
            for step in self.plan
            if not step.by_user
            for name, value in _texts(step.arguments)
            if value not in fixed and name not in _INFERRED and _is_in(scenario, value)
        }
        """Values that only the customer can tell."""

    def get_init_state(self, message_history: list[Message] | None = None) -> OracleState:
        """Return the state after `message_history`."""
        state = _hearing(super().get_init_state(message_history))
        for message in message_history or ():
            self._note(state, message)
        return state

    def generate_next_message(
        self, message: ValidAgentInputMessage | None, state: OracleState
    ) -> tuple[AssistantMessage, OracleState]:
        """Return the next message of the plan and the state after it."""
        for part in flat(message):
            self._note(_hearing(state), part)
        return super().generate_next_message(message, state)

    def _note(self, state: HearingState, message: Message) -> None:
        if isinstance(message, UserMessage) and message.content:
            state.messages += 1
            line = " ".join(message.content.split())
            state.lines = [*state.lines, line][-_MOST_LINES:]
        elif isinstance(message, ToolMessage) and not message.error:
            shown = message.content or ""
            state.known += [one for one in sorted(self._told) if one in shown]

    # What is heard.

    def _untold(self, step: PlanStep, state: HearingState) -> dict[str, str]:
        """Return value → name of its argument, for the values of a step that were not heard."""
        wanted = self._values_to_hear(step, state)
        identifies = bool(step.identity_arguments())
        for value in wanted.keys() - state.heard.keys():
            # Before it was asked for, a zip code may be that of another address.
            is_asked = not identifies or state.questions.get(value, 0) > 0
            found = self._find(value, state, None if is_asked else 1)
            if found is not None:
                state.heard[value] = found
        return {value: name for value, name in wanted.items() if value not in state.heard}

    def _values_to_hear(self, step: PlanStep, state: HearingState) -> dict[str, str]:
        """Return value → name of its argument, for what the customer tells of a step."""
        if step.by_user:
            return {}
        return {
            value: name
            for name, value in _texts(step.arguments)
            if value in self._told and value not in state.known
        }

    @staticmethod
    def _find(value: str, state: HearingState, least: float | None = None) -> str | None:
        """Return what was heard of a value where most of it was, in the latest such message."""
        kept = state.messages - state.forgotten.get(value, 0)
        found = [
            one
            for line in state.lines[-kept:]
            if kept > 0 and (one := _heard_in(line, value, least)) is not None
        ]
        return max(reversed(found), key=lambda one: one.share).text if found else None

    @staticmethod
    def _forget(values: Iterable[str], state: HearingState) -> None:
        """Take note that values were heard wrongly, so that they have to be told again."""
        for value in values:
            if value in state.heard:
                state.heard_before[value] = state.heard.pop(value)
            state.forgotten[value] = state.messages

    def _step(self, at: int, state: OracleState) -> PlanStep:
        """Return a step with the values that were heard."""
        step = self.plan[at]
        hearing = _hearing(state)
        self._untold(step, hearing)
        heard = {one: hearing.heard.get(one, "") for one in self._values_to_hear(step, hearing)}
        if not heard:
            return step
        return step.model_copy(update={"arguments": _replaced(step.arguments, heard)})

    # What is asked.

    def _move(self, state: OracleState) -> AssistantMessage:
        """Go on; a step whose values nobody tells is left out."""
        hearing = _hearing(state)
        if state.cursor < len(self.plan) and not state.solo:
            untold = self._untold(self.plan[state.cursor], hearing)
            if untold and self._most_asked(untold, hearing) >= _MOST_QUESTIONS:
                before = hearing.heard_before
                hearing.heard |= {one: before[one] for one in untold if one in before}
                if not self._has_any(self.plan[state.cursor], hearing):
                    state.cursor += 1
                    state.question = None
                    return self._move(state)
        return super()._move(state)

    @staticmethod
    def _most_asked(values: Iterable[str], state: HearingState) -> int:
        """Return how often the value was asked for that was asked for most."""
        return max((state.questions.get(value, 0) for value in values), default=0)

    def _has_any(self, step: PlanStep, state: HearingState) -> bool:
        """Return whether any of the values that the customer tells for a step was heard."""
        return not state.heard.keys().isdisjoint(self._values_to_hear(step, state))

    def _question(self, step: PlanStep, state: OracleState) -> str:
        hearing = _hearing(state)
        untold = self._untold(self.plan[state.cursor], hearing)
        asked = self._most_asked(untold, hearing)
        enough = _ENOUGH_QUESTIONS if self._has_any(step, hearing) else _MOST_QUESTIONS
        if not untold or (asked >= enough and step.changes_something) or asked >= _MOST_QUESTIONS:
            return super()._question(step, state)
        news = self._news(state) if step.changes_something else ""
        if self._is_another_wish(step, state):
            hearing.offered.append(state.cursor)
            return self._offer_more(news, state)
        hearing.questions |= dict.fromkeys(untold, asked + 1)
        return joined([news, self._asking(step, list(untold.values()), asked + 1)])

    def _is_another_wish(self, step: PlanStep, state: OracleState) -> bool:
        """Return whether a change is one that the customer has not brought up yet."""
        hearing = _hearing(state)
        if not step.changes_something or state.cursor in hearing.offered:
            return False
        told = self._values_to_hear(step, hearing)
        unanswered = self._most_asked(told, hearing) > 0 and not self._has_any(step, hearing)
        return unanswered or not self._is_wanted(state.cursor, state)

    def _asking(self, step: PlanStep, names: list[str], asked: int) -> str:
        """Return the question for values, asked for the first time, again, or to be spelled."""
        wanted = listing([f"your {name}" for name in _called(names)])
        if asked >= _SPELLED_FROM:
            return self.speaker.say("ask_spelling", wanted=wanted)
        if step.form_fields():
            return self.speaker.ask_fields(names, again=asked > 1)
        if step.identity_arguments():
            return self.speaker.ask(names, again=asked > 1)
        return self.speaker.say("ask_value" if asked == 1 else "ask_field_again", wanted=wanted)

    def _ask_identity(self, step: PlanStep, state: OracleState) -> str:
        """Ask nothing: what the customer can tell was heard."""
        return ""

    def _ask_fields(self, step: PlanStep, state: OracleState) -> str:
        """Ask nothing: what the customer can tell was heard."""
        return ""

    def _ask_consent(self, state: OracleState) -> str:
        """Read back what is about to be done until the customer agrees, or does not correct it."""
        hearing = _hearing(state)
        consent = Question(topic=QuestionTopic.CONSENT, step=state.cursor)
        if state.question != consent:
            hearing.corrections = 0
            return super()._ask_consent(state)
        steps = self.plan[state.cursor : self._end_of_proposal(state)]
        told = {one for step in steps for one in self._values_to_hear(step, hearing)}
        is_corrected = self._is_corrected(told, hearing)
        is_clear = not told or is_corrected or _AGREES.search(state.last_line) is not None
        most = _MOST_CORRECTIONS if is_corrected else _MOST_UNCLEAR
        if (is_clear and not is_corrected) or hearing.corrections >= most:
            return super()._ask_consent(state)
        hearing.corrections += 1
        if is_corrected:
            return self._read_back_again(told, state)
        return self._proposal(state, self._end_of_proposal(state))

    @staticmethod
    def _is_corrected(told: Collection[str], state: HearingState) -> bool:
        """Return whether the customer's answer to a proposal says that its values are not right."""
        line = state.lines[-1] if state.lines else ""
        said = {one: _heard_in(line, one) for one in told}
        differs = any(
            found is not None
            and found.share >= _LEAST_CORRECTED
            and found.text != state.heard.get(one)
            for one, found in said.items()
        )
        return differs or (bool(told) and _DISAGREES.search(line.lower()) is not None)

    def _read_back_again(self, told: Collection[str], state: OracleState) -> str:
        """Take the correction in the customer's last message, and propose again."""
        hearing = _hearing(state)
        line = hearing.lines[-1] if hearing.lines else ""
        corrected = {
            value: self._corrected(value, found.text, hearing)
            for value in told
            if (found := _heard_in(line, value)) is not None
        }
        hearing.heard |= corrected
        if not corrected:
            self._forget(told, hearing)
            return self._question(self.plan[state.cursor], state)
        proposal = self._proposal(state, self._end_of_proposal(state))
        return joined([self.speaker.say("correction"), proposal])

    @staticmethod
    def _corrected(value: str, text: str, state: HearingState) -> str:
        """Return what to propose for a value that was told again, and heard as `text`.

        Of three different hearings and more, what most agree on counts; what the customer has said
        no to is not proposed again where there is something else.
        """
        before = state.heard.get(value)
        hearings = state.hearings.setdefault(value, [before] if before else [])
        hearings.append(text)
        refused = state.refused.setdefault(value, [])
        if before is not None and before != text:
            refused.append(before)
        different = list(dict.fromkeys(hearings))
        most = voted(different)
        is_better = text in refused or len(different) >= _ENOUGH_HEARINGS
        return most if is_better and most not in refused else text

    def _end_of_proposal(self, state: OracleState) -> int:
        """Return the index after the changes that are proposed together: what is known of each."""
        hearing = _hearing(state)
        end = state.cursor + 1
        while end < super()._end_of_proposal(state) and not self._untold(self.plan[end], hearing):
            end += 1
        return end

    # What failed.

    def _take_result(self, state: OracleState, result: ToolMessage) -> None:
        """Take a step again whose call failed, once its values were told again."""
        hearing = _hearing(state)
        at = state.cursor - 1
        told = self._values_to_hear(self.plan[at], hearing) if at >= 0 else {}
        failed = state.running is not None and result.error
        if not failed or not told:
            super()._take_result(state, result)
            return
        is_told_out = self._most_asked(told, hearing) >= _MOST_QUESTIONS
        if is_told_out or hearing.retries.get(at, 0) >= _MOST_RETRIES:
            super()._take_result(state, result)
            if self.plan[at].looks_up:
                # Nothing that this look-up would have shown can be known.
                state.problems.append(self.speaker.say("unanswered"))
                state.cursor = len(self.plan)
            return
        hearing.retries[at] = hearing.retries.get(at, 0) + 1
        hearing.questions |= {one: max(1, hearing.questions.get(one, 0)) for one in told}
        self._forget(told, hearing)
        state.running = None
        state.cursor = at
        state.agreed_steps = min(state.agreed_steps, at)


def _called(names: Iterable[str]) -> list[str]:
    """Return what people call the arguments with these names; parts of an address are one."""
    parts = _ADDRESS if len(_ADDRESS.intersection(names)) > 1 else frozenset()
    called = ["full address" if name in parts else field_in_words(name) for name in names]
    return list(dict.fromkeys(called))


def _hearing(state: OracleState) -> HearingState:
    if not isinstance(state, HearingState):
        raise AgentError("a hearing oracle needs the state that it made itself")
    return state


def _heard_in(line: str, value: str, least: float | None = None) -> FoundValue | None:
    """Return what was heard of a value in a message, if it was at least so much of it."""
    if least is None:
        least = 1 if len(value) <= _SHORT else _LEAST_HEARD
    found = [find_value(text, value, least) for text in (line, heard(line))]
    return max(found, key=lambda one: one.share if one is not None else 0)


def _texts(value: JsonValue, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield (name of the argument, value) of every text in the arguments of a call."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, name)


def _replaced(value: Any, heard: Mapping[str, str]) -> Any:
    """Return arguments with the values that were heard in place of the reference's."""
    if isinstance(value, str):
        return heard.get(value, value)
    if isinstance(value, dict):
        return {key: _replaced(item, heard) for key, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item, heard) for item in value]
    return value


def _fixed_values(schema: JsonValue) -> Iterator[str]:
    """Yield the values that a schema lists."""
    if isinstance(schema, dict):
        listed = schema.get("enum")
        yield from (
            one for one in (listed if isinstance(listed, list) else ()) if isinstance(one, str)
        )
        if isinstance(schema.get("const"), str):
            yield str(schema["const"])
        for item in schema.values():
            yield from _fixed_values(item)
    elif isinstance(schema, list):
        for item in schema:
            yield from _fixed_values(item)


def _is_in(scenario: str, value: str) -> bool:
    """Return whether a scenario says a value."""
    if len(value) < _SHORTEST:
        return False
    found = find_value(scenario, value, 1)
    return found is not None
