"""A telephone call between a scripted caller and a scripted agent, over the tone channel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from tau2.data_model.message import AssistantMessage, Message, ToolCall, ToolMessage
from tau2.voice.adapters.events import Usage, UserActivity
from tau2.voice.cascade.cascade import Cascade
from tau2.voice.cascade.playback import Cut
from tau2.voice.cascade.settings import CascadeSettings, Latency
from tau2.voice.cascade.work import Engines, Work
from tau2.voice.speech.engines.energy import EnergyDetector
from tau2.voice.speech.engines.tone import ToneRecognizer, ToneSynthesizer
from tau2.voice.speech.protocols import Voice

RATE = 8000
TICK = 1600
TICK_SECONDS = 0.2
PROMPT = CascadeSettings(latency=Latency(0.2))
"""An agent that answers quickly."""


@dataclass
class ScriptedAgent:
    """Answers by a function of what it receives; its state is all that it has seen."""

    answer: Callable[[Message], AssistantMessage | str]
    asked: list[Message] = field(default_factory=list)
    states: list[list[Message]] = field(default_factory=list)
    """What it knew after each of its messages."""

    def get_init_state(self, message_history: list[Message] | None = None) -> list[Message]:
        return list(message_history or [])

    def generate_next_message(
        self, message: Message, state: list[Message]
    ) -> tuple[AssistantMessage, list[Message]]:
        self.asked.append(message)
        reply = self.answer(message)
        if isinstance(reply, str):
            reply = AssistantMessage(content=reply)
        state += [message, reply]
        self.states.append(list(state))
        return reply, state

    def is_stop(self, message: AssistantMessage) -> bool:
        return "###STOP###" in (message.content or "")


def echo(message: Message) -> str:
    """Answer with what was heard."""
    return f"You said {message.content}"


def calls(*names: str, content: str | None = None) -> AssistantMessage:
    """Return a message that calls tools, whose arguments are empty."""
    return AssistantMessage(
        content=content, tool_calls=[ToolCall(name=name, arguments={}) for name in names]
    )


@dataclass
class Line:
    """A call, tick by tick."""

    cascade: Cascade
    engines: Engines
    audio: list[np.ndarray] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    """What the agent says in each tick."""
    activity: list[UserActivity] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    cuts: list[Cut] = field(default_factory=list)
    usage: list[Usage] = field(default_factory=list)
    is_over: bool = False
    answer_calls: bool = True

    @property
    def said(self) -> str:
        return "".join(self.words).strip()

    @property
    def heard(self) -> list[str]:
        """What the agent's recognizer understood, utterance by utterance."""
        return [event.text for event in self.activity if event.kind == "transcript"]

    def tick(self, samples: np.ndarray) -> None:
        self.cascade.hear(samples)
        while work := self.cascade.take_work():
            for item in work:
                self.finish(item)
        played = self.cascade.speak(len(samples))
        happened = self.cascade.happened()
        self.audio.append(played.samples)
        self.words.append(played.words)
        self.activity += happened.activity
        self.calls += happened.calls
        self.cuts += happened.cuts
        self.usage += happened.usage
        self.is_over |= happened.ends_conversation
        if self.answer_calls and happened.calls:
            self.cascade.give_results([result(call) for call in happened.calls])

    def finish(self, work: Work) -> None:
        """Do a piece of work; a test may put a function in its place that fails."""
        self.cascade.finish(work.id, self.engines.perform(work.job))

    def silence(self, seconds: float) -> None:
        """Have the caller say nothing."""
        for _ in range(round(seconds / TICK_SECONDS)):
            self.tick(np.zeros(TICK, np.float32))

    def say(self, text: str) -> None:
        """Have the caller say a text, up to the end of a tick."""
        samples = ToneSynthesizer().synthesize(text, Voice()).samples
        padding = -len(samples) % TICK
        for piece in np.split(np.pad(samples, (0, padding)), (len(samples) + padding) // TICK):
            self.tick(piece.astype(np.float32))

    def until_agent_says(self, word: str, most_seconds: float = 20.0) -> None:
        """Wait silently until a word is said to its end."""
        for _ in range(round(most_seconds / TICK_SECONDS)):
            if word in self.said:
                return
            self.silence(TICK_SECONDS)
        raise AssertionError(f"{word!r} was not said, but {self.said!r}")


def result(call: ToolCall, content: str = "done") -> ToolMessage:
    return ToolMessage(id=call.id, content=content, requestor="assistant")


def line(
    agent: ScriptedAgent,
    *,
    greeting: str | None = None,
    settings: CascadeSettings = PROMPT,
    seed: int = 0,
) -> Line:
    """Return a call to an agent that has not begun."""
    cascade = Cascade(agent, EnergyDetector(), settings, RATE, seed=seed, greeting=greeting)
    return Line(cascade, Engines(ToneRecognizer(), ToneSynthesizer()))


def contents(history: Sequence[Message]) -> list[str | None]:
    """Return who said what, in the agent's memory."""
    return [f"{message.role}: {message.content}" for message in history]
