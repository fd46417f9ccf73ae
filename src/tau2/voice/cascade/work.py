"""What a cascade wants done: recognition, a reply of the agent, synthesis.

A cascade does none of it itself. It names the work; a driver does it, at once on a virtual clock or
in a thread on a wall clock, and hands in the result.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

from tau2.data_model.message import AssistantMessage, Message
from tau2.errors import AgentError
from tau2.participant.drive import reply
from tau2.participant.protocols import AgentProtocol
from tau2.voice.audio.formats import Samples
from tau2.voice.speech.limits import MOST_CHARACTERS
from tau2.voice.speech.protocols import Recognizer, Speech, Synthesizer, Transcript, Voice


@dataclass(frozen=True, slots=True)
class Recognize:
    """Find out what is said; the result is a Transcript."""

    samples: Samples
    sample_rate: int


@dataclass(frozen=True, slots=True)
class Think:
    """Have the agent reply to a message; the result is a Thought."""

    agent: AgentProtocol
    message: Message | None
    """None asks for the first message of a conversation."""
    state: Any


@dataclass(frozen=True, slots=True)
class Synthesize:
    """Say a text; the result is Speech."""

    text: str


Job: TypeAlias = Recognize | Think | Synthesize


@dataclass(frozen=True, slots=True)
class Thought:
    """A reply of the agent, and its state with it."""

    message: AssistantMessage
    state: Any


JobResult: TypeAlias = Transcript | Thought | Speech


@dataclass(frozen=True, slots=True)
class Work:
    """A job and the number under which its result is handed in."""

    id: int
    job: Job


@dataclass(frozen=True, slots=True)
class Engines:
    """The speech engines that do the work; a reply is the agent's own work."""

    recognizer: Recognizer
    synthesizer: Synthesizer
    voice: Voice = field(default_factory=Voice)

    def perform(self, job: Job) -> JobResult:
        """Do a job, blocking.

        Raises:
            SpeechFailed: a speech engine failed.
            ModelUnavailable: the agent's model did.
            AgentError: the agent's turn is no message of an agent, or is too long to be spoken.
        """
        match job:
            case Recognize():
                return self.recognizer.transcribe(job.samples, job.sample_rate)
            case Synthesize():
                return self.synthesizer.synthesize(_speakable(job.text), self.voice)
            case Think():
                message, state = reply(job.agent, job.message, job.state)
                return Thought(checked_reply(message), state)


def _speakable(text: str) -> str:
    """Return what an agent says. Raise AgentError where no engine would speak for so long."""
    if len(text) > MOST_CHARACTERS:
        raise AgentError(
            f"the agent says {len(text):,} characters at once; {MOST_CHARACTERS:,} can be spoken"
        )
    return text


def checked_reply(message: object) -> AssistantMessage:
    """Return a message of an agent. Raise AgentError for another one, or one without content."""
    if not isinstance(message, AssistantMessage):
        raise AgentError(f"the agent must answer with text, not {type(message).__name__}")
    if not message.has_text_content() and not message.is_tool_call():
        raise AgentError("the agent sent an empty message")
    return message
