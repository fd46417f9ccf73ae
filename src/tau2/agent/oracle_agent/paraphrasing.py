"""The oracle with the manners of real agents, and with real agents' expectations.

It executes the same plan as the oracle. It writes as agent models do (lists, long summaries,
several questions at once, "reply yes"; see `manners`), and, unlike the oracle, it goes on only when
it is answered: it changes nothing without a clear consent, and it looks nobody up who does not say
who they are. So an episode earns its reward only if the user understands what such agents say.
"""

from __future__ import annotations

import re
from typing import ClassVar

from tau2.agent.oracle_agent.agent import (
    OracleAgent,
    OracleState,
    Question,
    QuestionTopic,
    needs_more,
)
from tau2.agent.oracle_agent.manners import Writer
from tau2.agent.oracle_agent.plan import PlanStep
from tau2.agent.oracle_agent.speech import Speaker
from tau2.data_model.message import AssistantMessage
from tau2.data_model.tasks import Task
from tau2.environment.tool import Tool
from tau2.seeds import derive_seed

_MOST_QUESTIONS = 3  # times one question is asked before the oracle goes on without the answer
_AGREES = re.compile(
    r"\b(?:yes|yep|yeah|sure|go ahead|proceed|confirm(?:ed)?|correct|that's (?:right|fine)|okay|"
    r"do it)\b"
)
_DISAGREES = re.compile(
    r"^(?:no\b|wait|stop|hold on|not |hmm, no|please don't|i'm afraid not|sorry)"
)


class ParaphrasingOracle(OracleAgent):
    """Executes the reference actions of one task, and asks for everything as a real agent would."""

    speaker_class: ClassVar[type[Speaker]] = Writer

    def __init__(
        self, tools: list[Tool], domain_policy: str, task: Task, seed: int | None = None
    ) -> None:
        """Give the oracle its task; `seed` decides its manner."""
        super().__init__(tools=tools, domain_policy=domain_policy, task=task, seed=seed)

    def set_seed(self, seed: int) -> None:
        """Draw the manner and the words from `seed`."""
        self.seed = derive_seed(seed, "paraphrasing_oracle", self.task.id)
        self.writer = Writer(self.seed)
        self.speaker = self.writer

    def _move(self, state: OracleState) -> AssistantMessage:
        if state.blocked:
            state.cursor = len(self.plan)
        return super()._move(state)

    def _ask_identity(self, step: PlanStep, state: OracleState) -> str:
        """Ask for what the customer can know of the first look-up, until it is said."""
        missing = {
            key: value
            for key, value in step.identity_arguments().items()
            if value.lower() in self._scenario and value.lower() not in state.user_text
        }
        if not missing:
            return ""
        if not self._asks(Question(topic=QuestionTopic.IDENTITY), state):
            return self._block(state)
        if state.asked > 1:
            return self.writer.ask(missing, again=True)
        return self.writer.ask(step.identity_arguments())

    def _ask_consent(self, state: OracleState) -> str:
        consent = Question(topic=QuestionTopic.CONSENT, step=state.cursor)
        end = state.cursor + 1 if self.writer.one_by_one else self._end_of_proposal(state)
        if state.question == consent and _agrees(state.last_line):
            state.agreed_steps = end
            return ""
        again = state.question == consent
        if not self._asks(consent, state):
            return self._block(state)
        if again:
            return self.writer.propose([], again=True)
        return self._proposal(state, end)

    def _ask_for_action(self, step: PlanStep, state: OracleState) -> str:
        question = Question(topic=QuestionTopic.ACTION, step=state.cursor)
        if state.question == question and not needs_more(state):
            return ""
        if not self._asks(question, state):
            return ""
        deed = self._deed(step, state)
        return self.writer.step(deed, before=self._report(state), again=state.asked > 1)

    @staticmethod
    def _asks(question: Question, state: OracleState) -> bool:
        """Return whether a question may be asked (again), and count it."""
        state.asked = state.asked + 1 if state.question == question else 1
        state.question = question
        return state.asked <= _MOST_QUESTIONS

    def _block(self, state: OracleState) -> str:
        """Give up on the plan: say that it cannot go on without an answer."""
        state.blocked = True
        return self.writer.transfer(self.writer.say("unanswered"))


def _agrees(reply: str) -> bool:
    return _DISAGREES.match(reply) is None and _AGREES.search(reply) is not None
