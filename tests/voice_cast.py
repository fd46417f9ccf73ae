"""A telephone for tests: a caller with a scripted text user, and an agent that a test speaks for.

    phone = Phone(["I lost my card.", "Yes.", "Thanks. ###STOP###"])
    phone.agent_says("Hello, how can I help?")
    phone.wait(until=lambda chunk: not chunk.contains_speech)

The caller speaks by the tone channel over a real line; the agent's chunks hold words and silence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tau2.data_model.message import AssistantMessage, ToolCall, ToolMessage, UserMessage
from tau2.participant.model_turns import ConversationState
from tau2.voice.audio.codec import decode, encode
from tau2.voice.audio.formats import TELEPHONE
from tau2.voice.effects.channel import Channel
from tau2.voice.effects.settings import EffectSettings
from tau2.voice.speech.engines.tone import ToneRecognizer, ToneSynthesizer
from tau2.voice.speech.protocols import Voice
from tau2.voice.user import VoiceStreamingUser

TICK = TELEPHONE.silence(200)
CHARACTERS_PER_TICK = 3


class TextScript:
    """A text user that says its lines in order and remembers what it was told and has said.

    A line is a text, or a tool call.
    """

    tools = None

    def __init__(self, lines: Sequence[str | ToolCall]) -> None:
        self.lines = list(lines)
        self.received: list[Any] = []

    def get_init_state(self, message_history: Any = None) -> ConversationState:
        return ConversationState()

    def generate_next_message(
        self, message: Any, state: ConversationState
    ) -> tuple[UserMessage, ConversationState]:
        said = sum(isinstance(one, UserMessage) for one in state.messages)
        line = self.lines[said]
        self.received.append(message.content)
        if isinstance(line, ToolCall):
            reply = UserMessage(tool_calls=[line], cost=0.0)
        else:
            reply = UserMessage(content=line, cost=0.001)
        state.messages += [message, reply]
        return reply, state

    @classmethod
    def is_stop(cls, message: UserMessage) -> bool:
        return "###STOP###" in (message.content or "")


def clean_line(seed: int) -> Channel:
    return Channel(EffectSettings(), seed=seed, sample_rate=8000)


class Phone:
    """A call in progress, tick by tick."""

    def __init__(
        self,
        text_user: Sequence[str | ToolCall] | Any,
        make_line: Callable[[int], Channel] = clean_line,
        **options: Any,
    ) -> None:
        script = TextScript(text_user) if isinstance(text_user, list) else text_user
        self.text_user: Any = script
        self.user = VoiceStreamingUser(self.text_user, ToneSynthesizer(), make_line, **options)
        self.state = self.user.get_init_state()
        self.chunks: list[UserMessage] = []
        self.results: list[ToolMessage] = []
        self._last: AssistantMessage | None = None

    def tick(self, words: str | None = None, audio: bytes = TICK) -> UserMessage:
        """Play one tick, in which the agent says `words`; None: nothing."""
        chunk, self.state = self.user.get_next_chunk(self.state, self._last, self.results)
        self._last = AssistantMessage(
            content=words or None,
            is_audio=True,
            audio_content=audio,
            contains_speech=words is not None,
        )
        self.results = []
        self.chunks.append(chunk)
        return chunk

    def agent_says(self, text: str) -> list[UserMessage]:
        """Have the agent speak, three characters a tick."""
        pieces = [
            text[start : start + CHARACTERS_PER_TICK]
            for start in range(0, len(text), CHARACTERS_PER_TICK)
        ]
        return [self.tick(piece) for piece in pieces]

    def agent_speaks(self, text: str, words: str | None = None) -> list[UserMessage]:
        """Have the agent say `text` aloud; `words` is what its transcript says, if it differs."""
        speech = ToneSynthesizer().synthesize(text, Voice())
        audio = encode(speech.samples, TELEPHONE)
        audio += TELEPHONE.silence(200 - TELEPHONE.milliseconds_of(audio) % 200)
        ticks = [audio[start : start + len(TICK)] for start in range(0, len(audio), len(TICK))]
        first, *rest = ticks
        transcript = text if words is None else words
        return [self.tick(f"{transcript} ", first), *(self.tick("", part) for part in rest)]

    def wait(
        self, ticks: int = 100, until: Callable[[UserMessage], bool] | None = None
    ) -> list[UserMessage]:
        """Have the agent be silent for a while, or until the caller's chunk is of some kind."""
        found = []
        for _ in range(ticks):
            found.append(self.tick())
            if until is not None and until(found[-1]):
                return found
        assert until is None, "the caller has not done what was waited for"
        return found

    def caller_speaks(self) -> list[UserMessage]:
        """Have the agent be silent until the caller has begun to speak and has finished."""
        begun = self.wait(until=lambda chunk: chunk.contains_speech)
        return begun[-1:] + self.wait(until=lambda chunk: not chunk.contains_speech)

    def recognized(self, first: int = 0, last: int | None = None) -> str:
        """Return what a recognizer hears of the caller between two ticks."""
        audio = b"".join(chunk.audio_content for chunk in self.chunks[first:last])
        return ToneRecognizer().transcribe(decode(audio, TELEPHONE), 8000).text


def words_of(chunks: Sequence[UserMessage]) -> str:
    """Return the words of chunks."""
    return "".join(chunk.content or "" for chunk in chunks)


def actions_of(chunks: Sequence[UserMessage]) -> list[str]:
    """Return what was decided, tick by tick."""
    return [chunk.turn_taking_action.action for chunk in chunks if chunk.turn_taking_action]
