"""The oracle: carries out the reference solution in the form of a conversation, without a model.

It shows what a task, its world and its user allow at best, and it supplies demonstrations. It asks
who the customer is, looks things up, proposes, waits for consent, writes, reports, and asks whether
there is anything else. Whatever the customer answers, it goes on: every question is put at most
twice.
"""

from __future__ import annotations

import copy
import re
from typing import ClassVar

from pydantic import BaseModel, Field

from tau2.agent.base_agent import HalfDuplexAgent, ValidAgentInputMessage
from tau2.agent.oracle_agent import phrases
from tau2.agent.oracle_agent.glossary import notes_in
from tau2.agent.oracle_agent.plan import Step, identifiers, plan_of, steps_done, told_of
from tau2.data_model.conventions import STOP
from tau2.data_model.message import AssistantMessage, Message, ToolCall, ToolMessage, UserMessage
from tau2.data_model.tasks import Task
from tau2.environment.tool import Tool
from tau2.errors import AgentError
from tau2.participant.turns import flat
from tau2.participant.wording import deed

_MOST_HEARD = 20_000  # characters of the customer's words that are searched for details
_LONGEST_PROBLEM = 200  # characters of a tool's error that the customer is told
_QUESTIONS = 2  # times one thing is asked for
_FAREWELLS = 4  # times the oracle offers more help before it ends the conversation itself
_NOT_DONE = re.compile(
    r"\b(?:not yet|one moment|hold on|how do i|which \w+ should|can't|cannot|don't know)\b"
)


class OracleState(BaseModel):
    """Where an oracle stands in its plan."""

    cursor: int = 0
    solo: bool = False
    waiting_for: str = ""
    """What was asked last: identity, consent, or the customer's deed."""
    asked: int = 0
    """How often it was asked."""
    agreed: bool = False
    heard: str = ""
    """The customer's words so far, in lower case."""
    calls: int = 0
    running: Step | None = None
    done: list[Step] = Field(default_factory=list)
    failures: list[str] = Field(default_factory=list)
    misses: list[str] = Field(default_factory=list)
    """Look-ups that failed and were followed by nothing that worked."""
    notes: dict[str, str] = Field(default_factory=dict)
    transferred: bool = False
    reported: bool = False
    farewells: int = 0


class OracleAgent(HalfDuplexAgent):
    """Plays the reference actions of one task.

    Works with a user and, when spoken to by nobody, solo.
    """

    blocking: ClassVar[bool] = False

    def __init__(self, tools: list[Tool], domain_policy: str, task: Task) -> None:
        """Give the oracle its task."""
        super().__init__(tools=tools, domain_policy=domain_policy)
        self.task = task
        self.plan = plan_of(task)
        self.told = told_of(task)
        self._wanted = identifiers(self.plan)
        self._identifying = next((step for step in self.plan if step.asked_of_user()), None)

    def get_init_state(self, message_history: list[Message] | None = None) -> OracleState:
        """Return the state after `message_history`.

        Steps done after the task's own history count as done.
        """
        history = list(message_history or [])
        state = OracleState(cursor=steps_done(self.plan, history[self._length_of_own_history() :]))
        for message in history:
            if isinstance(message, UserMessage):
                _listen(state, message)
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
        """Return the next move of the plan and the state after it."""
        if message is None:
            state.solo = True
        for part in flat(message):
            if isinstance(part, UserMessage):
                _listen(state, part)
            elif isinstance(part, ToolMessage):
                self._take_result(state, part)
        return self._move(state), state

    @classmethod
    def is_stop(cls, message: object) -> bool:
        """Return whether the oracle ended the conversation itself."""
        return isinstance(message, AssistantMessage) and STOP in (message.content or "")

    def _take_result(self, state: OracleState, result: ToolMessage) -> None:
        step, state.running = state.running, None
        state.notes |= notes_in(result.content, self._wanted)
        if step is None:
            return
        if result.error:
            problem = (result.content or "").removeprefix("Error: ")[:_LONGEST_PROBLEM]
            (state.misses if step.looks_up else state.failures).append(
                f"{deed(step.name)} ({problem})"
            )
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
        state.waiting_for, state.asked = "", 0
        if step.by_user:
            state.cursor += 1
            state.done.append(step)
            return self._move(state)
        return self._call(step, state)

    def _question(self, step: Step, state: OracleState) -> str:
        """Return what has to be asked before a step, or nothing."""
        if step.by_user:
            return self._ask_deed(step, state)
        if step.changes_something and not state.agreed:
            return self._ask_consent(state)
        if step is self._identifying:
            return self._ask_identity(step, state)
        return ""

    def _ask_identity(self, step: Step, state: OracleState) -> str:
        missing = {
            key: value
            for key, value in step.asked_of_user().items()
            if value.lower() not in state.heard
        }
        if not missing or not self._may_ask("identity", state):
            return ""
        return (
            phrases.ask_identity(step.asked_of_user())
            if state.asked == 1
            else phrases.ask_identity_again(missing)
        )

    def _ask_consent(self, state: OracleState) -> str:
        if state.waiting_for == "consent":
            state.agreed = True
            return ""
        state.waiting_for, state.asked = "consent", 1
        return phrases.propose(
            [step for step in self.plan[state.cursor :] if step.changes_something], state.notes
        )

    def _ask_deed(self, step: Step, state: OracleState) -> str:
        answered = state.waiting_for == f"deed {state.cursor}"
        last_words = state.heard.rpartition("\n")[2]
        if answered and not _NOT_DONE.search(last_words):
            return ""
        if not self._may_ask(f"deed {state.cursor}", state):
            return ""
        return phrases.ask_user_to_act(step, again=state.asked > 1)

    @staticmethod
    def _may_ask(what: str, state: OracleState) -> bool:
        """Return whether a question may be put (again), and count it."""
        state.asked = state.asked + 1 if state.waiting_for == what else 1
        state.waiting_for = what
        return state.asked <= _QUESTIONS

    def _call(self, step: Step, state: OracleState) -> AssistantMessage:
        state.cursor += 1
        state.calls += 1
        state.running = step
        call = ToolCall(
            id=f"call_{state.calls}", name=step.name, arguments=copy.deepcopy(step.arguments)
        )
        return AssistantMessage(tool_calls=[call], cost=0.0)

    def _close(self, state: OracleState) -> AssistantMessage:
        if state.reported:
            state.farewells += 1
            return _say(
                phrases.GOODBYE
                if state.farewells >= _FAREWELLS
                else phrases.still_done(state.farewells)
            )
        state.reported = True
        text = phrases.report(
            [step for step in state.done if not step.by_user],
            state.failures,
            self.told,
            worked=bool(state.done),
        )
        if state.solo:
            return _say(f"{text} {STOP}")
        if state.transferred:
            said = text if state.done or state.failures or self.told else ""
            return _say(f"{said} {phrases.transfer_sentence(self.domain_policy)}".strip())
        return _say(f"{text} {phrases.ANYTHING_ELSE}")


def _say(text: str) -> AssistantMessage:
    return AssistantMessage(content=text, cost=0.0)


def _listen(state: OracleState, message: UserMessage) -> None:
    state.heard = f"{state.heard}\n{' '.join((message.content or '').lower().split())}"[
        -_MOST_HEARD:
    ]


def needs_task(task: Task | None, name: str) -> Task:
    """Return the task. Raise AgentError when there is none."""
    if task is None:
        raise AgentError(f"{name} plays the reference solution of one task; make it with task=...")
    return task
