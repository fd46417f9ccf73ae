"""The oracle: executes the reference actions in the form of a conversation, without a model.

It shows what a task, its environment and its user allow at best, and it supplies demonstrations. It
asks who the customer is, looks things up, proposes changes, waits for consent, makes them, reports,
and asks whether there is anything else. What the customer has not spoken of yet is not proposed: it
asks first whether there is anything else, and says that something is not possible where the
reference does nothing about it. It continues whatever the customer answers: every question is asked
at most twice.
"""

from __future__ import annotations

import copy
import re
from enum import StrEnum
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from tau2.agent.base_agent import HalfDuplexAgent, ValidAgentInputMessage
from tau2.agent.oracle_agent import speech
from tau2.agent.oracle_agent.glossary import notes_in
from tau2.agent.oracle_agent.plan import (
    PlanStep,
    identifiers,
    info_to_communicate,
    plan_of,
    steps_done,
)
from tau2.agent.oracle_agent.reading import Reader, documents_in
from tau2.agent.oracle_agent.records import (
    add_records,
    kinds_of_facts,
    parsed,
    total_of_order,
)
from tau2.agent.oracle_agent.speech import Speaker
from tau2.data_model.conventions import STOP
from tau2.data_model.message import AssistantMessage, Message, ToolCall, ToolMessage, UserMessage
from tau2.data_model.tasks import Task
from tau2.environment.tool import Tool
from tau2.errors import AgentError
from tau2.participant.turns import flat
from tau2.participant.wording import joined
from tau2.seeds import derive_seed, numbered_call_id
from tau2.utils.json_types import JsonObject

_LONGEST_USER_TEXT = 20_000  # characters of the customer's messages searched for details
_LONGEST_PROBLEM = 200  # characters of a tool's error that are reported
_MOST_QUESTIONS = 2  # times one question is asked
_FAREWELLS = 7  # times the oracle offers more help before it ends the conversation itself
_NOT_YET = re.compile(
    r"\b(?:not yet|one moment|hold on|how do i|which \w+ should|can't|cannot|don't know)\b"
)
_ASKS = re.compile(r"\?|\b(?:how|what|which|know|hear|tell|ask|wonder)\b")
_ACCEPTS = re.compile(
    r"^(?:no\b|nope|nothing|thanks?\b|thank you|ok(?:ay)?\b|great|perfect|all right|alright|fine\b|"
    r"i (?:see|understand)\b)(?!.{60})(?!.*\b(?:want|would like|need|ask|wish)\b)"
)
"""How a message begins that wants nothing."""
_IF_REFUSED = re.compile(
    r"\bif (?:the agent|that|this|it)\b[^.]{0,60}\b(?:refus|not|cannot|can't|no longer|says no)",
    re.IGNORECASE,
)
"""In a scenario: what the customer wants once something was refused."""
_STATES_INFO = r"(?<![\w.]){}(?!\w)"


class QuestionTopic(StrEnum):
    """What the oracle may ask a customer for."""

    IDENTITY = "identity"
    VERIFICATION = "verification"
    """Further facts that show who the customer is."""
    FIELDS = "fields"
    """Of a form."""
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
    user_text: str = ""
    """The customer's messages so far, in lower case, one line each."""
    opening: str = ""
    """The customer's first message."""
    searched: list[str] = Field(default_factory=list)
    """The searches of the knowledge base so far."""
    read: list[str] = Field(default_factory=list)
    """The documents that the task requires and that a search has shown."""
    searching: str = ""
    """The tool whose result is awaited, if it searches."""
    broken: list[str] = Field(default_factory=list)
    """Tools that failed to search; they are left alone."""
    calls: int = 0
    running: PlanStep | None = None
    done: list[PlanStep] = Field(default_factory=list)
    news: list[str] = Field(default_factory=list)
    """What was done and is not reported yet, as it follows "I have"."""
    news_after: list[str] = Field(default_factory=list)
    """What happens next because of that."""
    problems: list[str] = Field(default_factory=list)
    """What failed and is not reported yet."""
    acted: bool = False
    """Whether something was done since the oracle last asked for further wishes."""
    notes: dict[str, str] = Field(default_factory=dict)
    """Id → what it stands for."""
    records: dict[str, JsonObject] = Field(default_factory=dict)
    """Id → the record that a tool showed."""
    kinds: dict[str, str] = Field(default_factory=dict)
    """Information to communicate → what it is, as far as a tool showed it."""
    given_back: float = 0.0
    """Dollars that the customer gets back for what was done."""
    sums: list[str] = Field(default_factory=list)
    """Sums that a customer may want to hear about what was done."""
    told: list[str] = Field(default_factory=list)
    """Information that was communicated."""
    refusals: int = 0
    """How often in a row something was refused."""
    has_refused: bool = False
    """Whether anything was refused so far."""
    transferred: bool = False
    farewells: int = 0
    turns: int = 0
    """Messages written so far; the words depend on it."""
    agreed_steps: int = 0
    """Index up to which the customer has agreed."""
    blocked: bool = False
    """A question that had to be answered was not: nothing further is looked up or changed."""

    @property
    def last_line(self) -> str:
        """The customer's last message, in lower case."""
        return self.user_text.rpartition("\n")[2]


class OracleAgent(HalfDuplexAgent[OracleState]):
    """Executes the reference actions of one task, with a user or, without one, solo."""

    blocking: ClassVar[bool] = False
    speaker_class: ClassVar[type[Speaker]] = Speaker
    state_class: ClassVar[type[OracleState]] = OracleState

    def __init__(
        self, tools: list[Tool], domain_policy: str, task: Task, seed: int | None = None
    ) -> None:
        """Give the oracle its task; `seed` decides its manner and its words."""
        super().__init__(tools=tools, domain_policy=domain_policy)
        self.task = task
        self.plan = plan_of(task)
        self.to_communicate = info_to_communicate(task)
        self._wanted = identifiers(self.plan)
        self._scenario = str(task.user_scenario).lower()
        self.reader = Reader(tools, task.required_documents or (), self.plan)
        self._identifying = next((step for step in self.plan if step.identity_arguments()), None)
        self.set_seed(seed or 0)

    def set_seed(self, seed: int) -> None:
        """Draw the manner and the words from `seed`."""
        self.seed = derive_seed(seed, "oracle_agent", self.task.id)
        self.speaker = self.speaker_class(self.seed)

    def get_init_state(self, message_history: list[Message] | None = None) -> OracleState:
        """Return the state after `message_history`.

        Steps done after the task's own history count as done, and as agreed to.
        """
        history = list(message_history or [])
        state = self.state_class(
            cursor=steps_done(self.plan, history[self._length_of_own_history() :])
        )
        for message in history:
            if isinstance(message, UserMessage):
                _note_text(state, message)
            elif isinstance(message, ToolMessage):
                self._note_result(state, parsed(message.content), message.content)
                self._note_read(state, message.content)
            elif isinstance(message, AssistantMessage):
                state.turns += 1
                state.calls += len(message.calls)
                state.searched += self.reader.searches_in(message.calls)
                self._note_told(state, message.content or "")
        state.agreed_steps = state.cursor
        state.done = [step for step in self.plan[: state.cursor] if step.changes_something]
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
        state.turns += 1
        self.speaker.turn(state.turns)
        for part in flat(message):
            if isinstance(part, UserMessage):
                _note_text(state, part)
            elif isinstance(part, ToolMessage):
                self._take_result(state, part)
        reply = self._move(state)
        self._note_told(state, reply.content or "")
        return reply, state

    @classmethod
    def is_stop(cls, message: object) -> bool:
        """Return whether the message ends the conversation."""
        return isinstance(message, AssistantMessage) and STOP in (message.content or "")

    # What was seen.

    def _take_result(self, state: OracleState, result: ToolMessage) -> None:
        step = state.running
        state.running = None
        self._note_read(state, result.content)
        if state.searching and result.error:
            state.broken.append(state.searching)
        state.searching = ""
        content = parsed(result.content)
        if step is not None and result.error:
            if not step.looks_up:
                reason = (result.content or "").removeprefix("Error: ")[:_LONGEST_PROBLEM]
                state.problems.append(
                    self.speaker.say(
                        "problem", deed=self._deed(step, state), reason=reason.rstrip(". ")
                    )
                )
        elif step is not None:
            self._take_success(state, step, content)
        self._note_result(state, content, result.content)

    def _take_success(self, state: OracleState, step: PlanStep, content: object) -> None:
        state.transferred = state.transferred or step.is_transfer
        if step.by_user:
            state.done.append(step)
        if not step.changes_something:
            return
        # With the records as they were before: "two more bags" says what changes.
        shown = content if isinstance(content, dict) else None
        details = speech.details_of(step, state.records, state.notes, shown)
        state.done.append(step)
        state.given_back += details.given_back()
        state.sums += [f"{state.given_back:.2f}", f"{total_of_order(shown):.2f}"]
        state.news.append(self.speaker.done(step, details))
        state.news_after.append(self.speaker.after(step, details))
        state.acted = True

    def _note_result(self, state: OracleState, content: object, text: str | None) -> None:
        state.notes |= notes_in(text, self._wanted)
        add_records(state.records, content, self._wanted)
        state.kinds |= kinds_of_facts(content, self.to_communicate)

    def _note_read(self, state: OracleState, text: str | None) -> None:
        shown = documents_in(text, self.reader.required)
        state.read += [document for document in shown if document not in state.read]

    def _note_told(self, state: OracleState, text: str) -> None:
        for info in self.to_communicate:
            if info not in state.told and re.search(_STATES_INFO.format(re.escape(info)), text):
                state.told.append(info)

    def _deed(self, step: PlanStep, state: OracleState) -> str:
        details = speech.details_of(step, state.records, state.notes)
        return self.speaker.deed(step, details, state.notes)

    # What comes next.

    def _move(self, state: OracleState) -> AssistantMessage:
        if state.opening or state.solo:
            search = self.reader.next_search(
                state.opening, state.searched, state.read, state.broken
            )
            if search is not None:
                state.searched.append(search.key)
                state.searching = search.tool
                return _calling(search.tool, search.arguments, state)
        if state.cursor >= len(self.plan):
            return self._close(state)
        step = self._step(state.cursor, state)
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
            state.acted = True
            return self._move(state)
        return self._call(step, state)

    def _step(self, at: int, state: OracleState) -> PlanStep:
        """Return the step of the plan at an index, as it is taken."""
        del state
        return self.plan[at]

    def _question(self, step: PlanStep, state: OracleState) -> str:
        """Return what has to be asked before a step, or nothing."""
        if step.by_user:
            return self._ask_for_action(step, state)
        asked = self._ask_fields(step, state)
        if asked:
            return asked
        if step.changes_something and state.cursor >= state.agreed_steps:
            return self._ask_consent(state)
        if self.plan[state.cursor] is self._identifying:
            return self._ask_identity(step, state)
        if step.prepares:
            return self._ask_verification(step, state)
        if step.is_transfer:
            # The announcement of a transfer stands alone: what is to be said is said before.
            news = self._news(state, late=True)
            return self.speaker.go_on(news) if news else ""
        return ""

    def _offer_more(self, news: str, state: OracleState) -> str:
        """Return what is new, or what there is to say otherwise, and ask for further wishes."""
        acted = state.acted
        state.acted = False
        text = news or self._nothing_new(state, acted=acted)
        return self.speaker.close(text, good=bool(news))

    def _is_wanted(self, at: int, state: OracleState) -> bool:
        return speech.is_wanted(self.plan[at], state.user_text)

    def _ask_identity(self, step: PlanStep, state: OracleState) -> str:
        missing = {
            key: value
            for key, value in step.identity_arguments().items()
            if value.lower() not in state.user_text
        }
        if not missing or not self._may_ask(Question(topic=QuestionTopic.IDENTITY), state):
            return ""
        if state.asked > 1:
            return self.speaker.ask(missing, again=True)
        return self.speaker.ask(step.identity_arguments())

    def _ask_verification(self, step: PlanStep, state: OracleState) -> str:
        """Ask for what shows who the customer is, as long as it was not said."""
        wanted = step.verifying_facts(self._scenario)
        missing = {
            key: value for key, value in wanted.items() if value.lower() not in state.user_text
        }
        question = Question(topic=QuestionTopic.VERIFICATION, step=state.cursor)
        if not missing or not self._may_ask(question, state):
            return ""
        return self.speaker.ask(missing, again=state.asked > 1)

    def _ask_fields(self, step: PlanStep, state: OracleState) -> str:
        """Ask for what a step enters on a form, as long as the customer has not told it."""
        if state.cursor < state.agreed_steps:
            return ""
        missing = [
            name
            for name, value in step.form_fields().items()
            if value.lower() not in state.user_text
        ]
        question = Question(topic=QuestionTopic.FIELDS, step=state.cursor)
        if not missing or not self._may_ask(question, state):
            return ""
        return self.speaker.ask_fields(missing, again=state.asked > 1)

    def _ask_consent(self, state: OracleState) -> str:
        consent = Question(topic=QuestionTopic.CONSENT, step=state.cursor)
        if state.question == consent:
            # Any reply counts: the oracle shows what the reference does, whoever plays the user.
            state.agreed_steps = self._end_of_proposal(state)
            return ""
        state.question = consent
        state.asked = 1
        return self._proposal(state, self._end_of_proposal(state))

    def _end_of_proposal(self, state: OracleState) -> int:
        """Return the index after the changes that are proposed together.

        What has to be looked up first is proposed once it was.
        """
        end = state.cursor + 1
        while (
            end < len(self.plan)
            and self.plan[end].changes_something
            and self._is_wanted(end, state)
        ):
            end += 1
        return end

    def _proposal(self, state: OracleState, end: int) -> str:
        changes = []
        for at in range(state.cursor, end):
            step = self._step(at, state)
            details = speech.details_of(step, state.records, state.notes)
            changes.append((self._deed(step, state), self.speaker.terms(step, details)))
        return self.speaker.propose(changes, before=self._news(state))

    def _ask_for_action(self, step: PlanStep, state: OracleState) -> str:
        question = Question(topic=QuestionTopic.ACTION, step=state.cursor)
        if state.question == question and not needs_more(state):
            return ""
        if not self._may_ask(question, state):
            return ""
        deed = self._deed(step, state)
        return self.speaker.step(deed, before=self._report(state), again=state.asked > 1)

    @staticmethod
    def _may_ask(question: Question, state: OracleState) -> bool:
        """Return whether a question may be asked (again), and count it."""
        state.asked = state.asked + 1 if state.question == question else 1
        state.question = question
        return state.asked <= _MOST_QUESTIONS

    def _call(self, step: PlanStep, state: OracleState) -> AssistantMessage:
        state.cursor += 1
        state.running = step
        return _calling(step.name, copy.deepcopy(step.arguments), state)

    # What is reported.

    def _report(self, state: OracleState) -> str:
        """Return what was done or failed since the last report; it counts as reported."""
        text = joined([self.speaker.report(state.news, state.news_after), *state.problems])
        state.news = []
        state.news_after = []
        state.problems = []
        if text:
            state.refusals = 0
        return text

    def _news(self, state: OracleState, *, late: bool = False) -> str:
        """Return the report, and the information that the customer has asked for.

        All information, if it is `late`.
        """
        report = self._report(state)
        self._note_told(state, report)
        return joined([report, self._facts(state, late=late)])

    def _facts(self, state: OracleState, *, late: bool) -> str:
        """Return the information that was asked for, or that nobody asks for any more."""
        late = late or state.solo or state.transferred or state.farewells > 1
        over = state.cursor >= len(self.plan)
        later = set() if late else self._amounts_to_come(state)
        facts = {
            info: state.kinds.get(info, "")
            for info in self.to_communicate
            if info not in state.told
            and info not in later
            and (late or self._is_asked_for(info, state) or (over and info in state.sums))
        }
        return self.speaker.facts(facts, state.last_line) if facts else ""

    def _amounts_to_come(self, state: OracleState) -> set[str]:
        """Return the amounts that belong to changes which are still to be made."""
        return {
            amount.removeprefix("$")
            for step in self.plan[state.cursor :]
            if step.changes_something
            for amount in speech.details_of(step, state.records, state.notes).amounts()
        }

    @staticmethod
    def _is_asked_for(info: str, state: OracleState) -> bool:
        return speech.is_asked_for(info, state.kinds.get(info, ""), state.user_text)

    def _close(self, state: OracleState) -> AssistantMessage:
        news = self._news(state)
        if state.solo:
            return _say(f"{news or self.speaker.say('finished')} {STOP}")
        if state.transferred and not state.farewells:
            state.farewells += 1
            announcement = speech.transfer_sentence(self.domain_policy)
            return _say(self.speaker.transfer(joined([news, announcement])))
        state.farewells = 1 if news else state.farewells + 1
        if state.farewells > _FAREWELLS:
            return _say(f"{self.speaker.say('goodbye')} {STOP}")
        if news and not state.has_refused and self._waits_for_refusal(state):
            state.has_refused = True
            news = joined([news, self.speaker.say("refuse_rest")])
        return _say(self._offer_more(news, state))

    def _waits_for_refusal(self, state: OracleState) -> bool:
        """Return whether the customer asks for what remains only after something was refused."""
        remain = any(info not in state.told for info in self.to_communicate)
        return (
            bool(remain and state.done)
            and _IF_REFUSED.search(str(self.task.user_scenario)) is not None
        )

    @staticmethod
    def _is_about(step: PlanStep, state: OracleState) -> bool:
        """Return whether the customer's last message is about something that was done."""
        line = state.last_line
        anchors = speech.details_of(step, state.records, state.notes).anchors()
        named = any(all(word.lower() in line for word in anchor) for anchor in anchors)
        return named and speech.is_wanted(step, line)

    def _nothing_new(self, state: OracleState, *, acted: bool) -> str:
        """Return the answer to a message about which nothing remains to be done.

        `acted` says that it is the first after something was done.
        """
        asked = {info: state.kinds.get(info, "") for info in state.told}
        if asked and _ASKS.search(state.last_line) and speech.asked_kind(state.last_line):
            return self.speaker.facts(asked, state.last_line)
        if _ACCEPTS.match(state.last_line) and (state.has_refused or not state.done):
            return self.speaker.say("understood")
        if acted or _ACCEPTS.match(state.last_line):
            return self.speaker.say("finished")
        if any(self._is_about(step, state) for step in state.done):
            return self.speaker.say("already")
        state.refusals += 1
        state.has_refused = True
        return self.speaker.say("refuse" if state.refusals == 1 else "refuse_again")


def _calling(name: str, arguments: JsonObject, state: OracleState) -> AssistantMessage:
    state.calls += 1
    call = ToolCall(id=numbered_call_id(state.calls), name=name, arguments=arguments)
    return AssistantMessage(tool_calls=[call], cost=0.0)


def _say(text: str) -> AssistantMessage:
    return AssistantMessage(content=text, cost=0.0)


def needs_more(state: OracleState) -> bool:
    """Return whether the customer's last message says that a step was not taken."""
    return _NOT_YET.search(state.last_line) is not None


def _note_text(state: OracleState, message: UserMessage) -> None:
    line = " ".join((message.content or "").lower().split())
    state.opening = state.opening or line
    state.user_text = f"{state.user_text}\n{line}"[-_LONGEST_USER_TEXT:]


def needs_task(task: Task | None, name: str) -> Task:
    """Return the task. Raise AgentError when there is none."""
    if task is None:
        raise AgentError(
            f"{name} executes the reference actions of one task; make it with task=..."
        )
    return task
