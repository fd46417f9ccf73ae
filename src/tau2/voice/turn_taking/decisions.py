"""Who answers the questions that the turn-taking policy leaves open: a rule, or a model.

A rule draws at random, but from the seed and the tick alone: the same tick of the same call is
answered the same, whatever was asked before.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Protocol

from tau2.data_model.message import SystemMessage, UserMessage
from tau2.seeds import derive_seed
from tau2.utils.json_types import JsonMapping
from tau2.voice.turn_taking.language import LanguagePack
from tau2.voice.turn_taking.policy import Question

_SENTENCE_END = re.compile(r"[.?!][\"')\]]*(\s|$)")


@dataclass(frozen=True, slots=True)
class Scene:
    """What is known when a question is asked."""

    tick: int
    tick_seconds: float
    other_talk_seconds: float
    """How long the other has been talking."""
    without_backchannel_seconds: float
    """How much of it since one's last backchannel."""
    heard: str
    """What the other has said since one's last turn."""
    conversation: str
    """All of the call so far, as text."""
    persona: str = ""
    """How the caller behaves."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """An answer, and what it took."""

    yes: bool
    cost: float | None = None
    """US dollars; None where nothing was paid or the price is not known."""
    seconds: float = 0.0
    """How long the model took, on the wall clock; 0 for a rule."""


class Decider(Protocol):
    """Answers questions of the policy."""

    @property
    def is_model(self) -> bool:
        """Whether an answer takes a model call, so that it should not be asked for each tick."""

    def answer(self, question: Question, scene: Scene) -> Verdict:
        """Return the answer."""


@dataclass(frozen=True, slots=True)
class RuleDecider:
    """Decides by rule, without a model."""

    seed: int
    backchannel_rate: float = 0.1
    """Backchannels a second, once the shortest time has passed."""
    backchannel_max: float = 12.0
    """Seconds of talk without one after which there is always one."""
    interruption_rate: float = 0.1
    """Interruptions a second, once there is something to answer."""
    interruption_min: float = 4.0
    """Seconds of talk before which the caller listens in any case."""
    patience: float = 12.0
    """Seconds of talk after which it breaks in without having been asked anything."""
    interval: float = 2.0
    """Seconds between two questions whether to interrupt."""
    is_model: bool = False

    def answer(self, question: Question, scene: Scene) -> Verdict:
        """Return whether an event of a Poisson process falls into this tick or interval.

        A caller breaks in on who goes on after a question, or after sentences without end.
        """
        if question is Question.BACKCHANNEL:
            if scene.without_backchannel_seconds >= self.backchannel_max:
                return Verdict(yes=True)
            return Verdict(
                self._happens(question, scene, self.backchannel_rate, scene.tick_seconds)
            )
        sentences = goes_on_after(scene.heard)
        is_long = bool(sentences) and scene.other_talk_seconds >= self.patience
        if scene.other_talk_seconds < self.interruption_min or not ("?" in sentences or is_long):
            return Verdict(yes=False)
        return Verdict(self._happens(question, scene, self.interruption_rate, self.interval))

    def _happens(self, question: Question, scene: Scene, rate: float, seconds: float) -> bool:
        own_seed = derive_seed(self.seed, question.value, scene.tick)
        draw = random.Random(own_seed)  # noqa: S311  -- reproducible behaviour, not a secret
        return draw.random() < 1 - math.exp(-rate * seconds)


def goes_on_after(heard: str) -> str:
    """Return the whole sentences that were heard; "" unless another one has begun."""
    ends = list(_SENTENCE_END.finditer(heard))
    if not ends or not heard[ends[-1].end() :].strip():
        return ""
    return heard[: ends[-1].end()]


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """What a model said, and its cost in US dollars if known."""

    text: str
    cost: float | None = None


Ask = Callable[[str, str], ModelAnswer]
"""Sends a system prompt and a prompt to the decision model and returns what it said."""

_SYSTEM = (
    "You decide for the caller of a telephone call, second by second, whether to make a sound "
    "while the agent is still talking. Answer with one word: {yes} or {no}."
)
_QUESTIONS = {
    Question.INTERRUPT: (
        "Would this caller break in now? Answer {yes} only when the caller has understood enough "
        "to reply, has to correct the agent, or has lost patience with a long speech."
    ),
    Question.BACKCHANNEL: (
        "Would this caller make a short sound of attention now, such as {backchannel}? Answer "
        "{yes} only at the end of a thought of the agent, and seldom twice in a row."
    ),
}


@dataclass(frozen=True, slots=True)
class ModelDecider:
    """Decides by a model that is shown the call so far."""

    ask: Ask
    pack: LanguagePack
    is_model: bool = True

    def answer(self, question: Question, scene: Scene) -> Verdict:
        """Return the model's answer; one that says neither yes nor no counts as no."""
        words = {
            "yes": self.pack.yes_words[0].upper(),
            "no": self.pack.no_words[0].upper(),
            "backchannel": " or ".join(f'"{phrase}"' for phrase in self.pack.backchannels),
        }
        parts = [scene.persona, scene.conversation, _QUESTIONS[question].format(**words)]
        prompt = "\n\n".join(part for part in parts if part)
        began = perf_counter()
        said = self.ask(_SYSTEM.format(**words), prompt)
        seconds = perf_counter() - began
        return Verdict(self.pack.answer(said.text) is True, said.cost, seconds)


@dataclass(frozen=True, slots=True)
class SplitDecider:
    """Has each question answered by someone else."""

    interrupt: Decider
    backchannel: Decider

    @property
    def is_model(self) -> bool:
        """Whether any answer takes a model call."""
        return self.interrupt.is_model or self.backchannel.is_model

    def answer(self, question: Question, scene: Scene) -> Verdict:
        """Return the answer of who is responsible."""
        asked = self.interrupt if question is Question.INTERRUPT else self.backchannel
        return asked.answer(question, scene)


def asked_model(model: str, model_args: JsonMapping | None = None) -> Ask:
    """Return what asks a model by name, as every other role of a run is asked."""

    def ask(system: str, prompt: str) -> ModelAnswer:
        from tau2.llm import complete  # noqa: PLC0415  -- loaded when a model is asked

        said = complete(
            model=model,
            messages=[SystemMessage(content=system), UserMessage(content=prompt)],
            call_name="user_decision",
            **(model_args or {}),
        )
        return ModelAnswer(said.content or "", said.cost)

    return ask
