"""The oracle: executes the reference actions in the form of a conversation, without a model.

It shows what a task, its environment and its user allow at best, and it supplies demonstrations. It
asks who the customer is, looks things up, proposes changes, waits for consent, makes them, reports,
and asks whether there is anything else. It continues whatever the customer answers: every question
is asked at most twice.
"""

from __future__ import annotations

import copy
import re
from enum import StrEnum
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from tau2.agent.base_agent import HalfDuplexAgent, ValidAgentInputMessage
from tau2.agent.oracle_agent import phrases
from tau2.agent.oracle_agent.glossary import notes_in
from tau2.agent.oracle_agent.plan import (
    PlanStep,
    identifiers,
    info_to_communicate,
    plan_of,
    steps_done,
)
from tau2.data_model.conventions import STOP
from tau2.data_model.message import AssistantMessage, Message, ToolCall, ToolMessage, UserMessage
from tau2.data_model.tasks import Task
from tau2.environment.tool import Tool
from tau2.errors import AgentError
from tau2.participant.turns import flat
from tau2.participant.wording import action_in_words
from tau2.seeds import numbered_call_id

_LONGEST_USER_TEXT = 20_000  # characters of the customer's messages searched for details
_LONGEST_PROBLEM = 200  # characters of a tool's error that are reported
_MOST_QUESTIONS = 2  # times one question is asked
_FAREWELLS = 4  # times the oracle offers more help before it ends the conversation itself
_NOT_YET = re.compile(
    r"\b(?:not yet|one moment|hold on|how do i|which \w+ should|can't|cannot|don't know)\b"
)


class QuestionTopic(StrEnum):
    """What the oracle may ask a customer for."""

    IDENTITY = "identity"
    CONSENT = "consent"
    ACTION = "action"
    """To take the action of a plan step."""


class Question(BaseModel):
    """A question to the customer."""

    model_config = ConfigDict(frozen=True)

    topic: QuestionTopic
    step: int | None = None
    """Index of the plan step, for an ACTION."""


class OracleState(BaseModel):
    """Where an oracle stands in its plan."""

    cursor: int = 0
    """Index of the next step of the plan."""
    solo: bool = False
    question: Question | None = None
    """The question that was asked last and is not settled."""
    asked: int = 0
    """How often it was asked."""
    agreed: bool = False
    user_text: str = ""
    """The customer's messages so far, in lower case, one line each."""
    calls: int = 0
    running: PlanStep | None = None
    done: list[PlanStep] = Field(default_factory=list)
    failures: list[str] = Field(default_factory=list)
    misses: list[str] = Field(default_factory=list)
    """Look-ups that failed and were followed by nothing that worked."""
    notes: dict[str, str] = Field(default_factory=dict)
    transferred: bool = False
    reported: bool = False
    farewells: int = 0
    turns: int = 0
    """Messages written so far; the words of the paraphrasing oracle depend on it."""
    agreed_steps: int = 0
    """Index up to which the customer has agreed, where consent is asked for step by step."""
    blocked: bool = False
    """A question that had to be answered was not: nothing further is looked up or changed."""


class OracleAgent(HalfDuplexAgent[OracleState]):
    """Executes the reference actions of one task, with a user or, without one, solo."""

    blocking: ClassVar[bool] = False

    def __init__(self, tools: list[Tool], domain_policy: str, task: Task) -> None:
        """Give the oracle its task."""
        super().__init__(tools=tools, domain_policy=domain_policy)
        self.task = task
        self.plan = plan_of(task)
        self.to_communicate = info_to_communicate(task)
        self._wanted = identifiers(self.plan)
        self._identifying = next((step for step in self.plan if step.identity_arguments()), None)

    def get_init_state(self, message_history: list[Message] | None = None) -> OracleState:
        """Return the state after `message_history`.

        Steps done after the task's own history count as done.
        """
        history = list(message_history or [])
        state = OracleState(cursor=steps_done(self.plan, history[self._length_of_own_history() :]))
        for message in history:
            if isinstance(message, UserMessage):
                _note_text(state, message)
            elif isinstance(message, ToolMessage):
                state.notes |= notes_in(message.content, self._wanted)
            elif isinstance(message, AssistantMessage):
                state.calls += len(message.calls)
        state.done = [step for step in self.plan[: state.cursor] if step.changes_something]
        state.agreed = bool(state.done)
        state.transferred = any(step.is_transfer for step in self.plan[: state.cursor])
        return state

    def _length_of_own_history(self) -> int:
        return sum(
            isinstance(m, AssistantMessage)
            or (isinstance(m, UserMessage) and not m.is_tool_call())
            or (isinstance(m, ToolMessage) and m.requestor == "assistant")
            for m in self.task.history
        )

    def generate_next_message(
        self, message: ValidAgentInputMessage | None, state: OracleState
    ) -> tuple[AssistantMessage, OracleState]:
        """Return the next message of the plan and the state after it."""
        if message is None:
            state.solo = True
        for part in flat(message):
            if isinstance(part, UserMessage):
                _note_text(state, part)
            elif isinstance(part, ToolMessage):
                self._take_result(state, part)
        return self._move(state), state

    @classmethod
    def is_stop(cls, message: object) -> bool:
        """Return whether the message ends the conversation."""
        return isinstance(message, AssistantMessage) and STOP in (message.content or "")

    def _take_result(self, state: OracleState, result: ToolMessage) -> None:
        step = state.running
        state.running = None
        state.notes |= notes_in(result.content, self._wanted)
        if step is None:
            return
        if result.error:
            reason = (result.content or "").removeprefix("Error: ")[:_LONGEST_PROBLEM]
            failed = state.misses if step.looks_up else state.failures
            failed.append(f"{action_in_words(step.name)} ({reason})")
            return
        state.misses = []
        if step.changes_something or step.by_user:
            state.done.append(step)
        state.transferred = state.transferred or step.is_transfer

    def _move(self, state: OracleState) -> AssistantMessage:
        if state.cursor >= len(self.plan):
            return self._close(state)
        step = self.plan[state.cursor]
        if state.solo:
            return self._call(step, state)
        question = self._question(step, state)
        if question:
            return _say(question)
        state.question = None
        state.asked = 0
        if step.by_user:
            state.cursor += 1
            state.done.append(step)
            return self._move(state)
        return self._call(step, state)

    def _question(self, step: PlanStep, state: OracleState) -> str:
        """Return what has to be asked before a step, or nothing."""
        if step.by_user:
            return self._ask_for_action(step, state)
        if step.changes_something and not state.agreed:
            return self._ask_consent(state)
        if step is self._identifying:
            return self._ask_identity(step, state)
        return ""

    def _ask_identity(self, step: PlanStep, state: OracleState) -> str:
        missing = {
            key: value
            for key, value in step.identity_arguments().items()
            if value.lower() not in state.user_text
        }
        if not missing or not self._may_ask(Question(topic=QuestionTopic.IDENTITY), state):
            return ""
        if state.asked > 1:
            return phrases.ask_identity_again(missing)
        return phrases.ask_identity(step.identity_arguments())

    def _ask_consent(self, state: OracleState) -> str:
        consent = Question(topic=QuestionTopic.CONSENT)
        if state.question == consent:
            # Any reply counts: the oracle shows what the reference does, whoever plays the user.
            state.agreed = True
            return ""
        state.question = consent
        state.asked = 1
        return phrases.propose(
            [step for step in self.plan[state.cursor :] if step.changes_something], state.notes
        )

    def _ask_for_action(self, step: PlanStep, state: OracleState) -> str:
        question = Question(topic=QuestionTopic.ACTION, step=state.cursor)
        if state.question == question and not needs_more(state):
            return ""
        if not self._may_ask(question, state):
            return ""
        return phrases.ask_user_to_act(step, again=state.asked > 1)

    @staticmethod
    def _may_ask(question: Question, state: OracleState) -> bool:
        """Return whether a question may be asked (again), and count it."""
        state.asked = state.asked + 1 if state.question == question else 1
        state.question = question
        return state.asked <= _MOST_QUESTIONS

    def _call(self, step: PlanStep, state: OracleState) -> AssistantMessage:
        state.cursor += 1
        state.calls += 1
        state.running = step
        call = ToolCall(
            id=numbered_call_id(state.calls),
            name=step.name,
            arguments=copy.deepcopy(step.arguments),
        )
        return AssistantMessage(tool_calls=[call], cost=0.0)

    def _close(self, state: OracleState) -> AssistantMessage:
        if state.reported:
            state.farewells += 1
            if state.farewells >= _FAREWELLS:
                return _say(phrases.GOODBYE)
            return _say(phrases.still_done(state.farewells))
        state.reported = True
        text = phrases.report(
            [step for step in state.done if not step.by_user],
            state.failures,
            self.to_communicate,
            worked=bool(state.done),
        )
        if state.solo:
            return _say(f"{text} {STOP}")
        if state.transferred:
            announcement = phrases.transfer_sentence(self.domain_policy)
            has_news = state.done or state.failures or self.to_communicate
            return _say(f"{text} {announcement}" if has_news else announcement)
        return _say(f"{text} {phrases.ANYTHING_ELSE}")


def _say(text: str) -> AssistantMessage:
    return AssistantMessage(content=text, cost=0.0)


def needs_more(state: OracleState) -> bool:
    """Return whether the customer's last message says that a step was not taken."""
    return _NOT_YET.search(state.user_text.rpartition("\n")[2]) is not None


def _note_text(state: OracleState, message: UserMessage) -> None:
    line = " ".join((message.content or "").lower().split())
    state.user_text = f"{state.user_text}\n{line}"[-_LONGEST_USER_TEXT:]


def needs_task(task: Task | None, name: str) -> Task:
    """Return the task. Raise AgentError when there is none."""
    if task is None:
        raise AgentError(
            f"{name} executes the reference actions of one task; make it with task=..."
        )
    return task
