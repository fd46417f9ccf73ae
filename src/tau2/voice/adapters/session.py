"""One session with a provider in real time: a transport, a translator and an engine, tick by tick.

A tick lasts as long as its audio: the user's audio is sent in packets of 20 ms, and what the
provider sends in the meantime goes to the engine. A caller that is late (because a model of the
user took its time) does not make the next ticks shorter: the provider needs that time to answer.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from tau2.errors import VoiceSessionFailed
from tau2.voice.adapters.continuous import peak
from tau2.voice.adapters.engine import Engine, TickEngine
from tau2.voice.adapters.events import AdapterEvent, AgentAudio, SessionEvent, Usage, UserActivity
from tau2.voice.adapters.protocol import AgentSetup, TickResult
from tau2.voice.adapters.wire import CONNECT_SECONDS, Translator, Transport
from tau2.voice.audio.formats import AudioFormat

if TYPE_CHECKING:
    from tau2.voice.audio.codec import AudioConverter

PACKET_MS = 20
"""What a telephone line sends at once."""

STALL_SECONDS = 30.0
"""How long a provider may owe an answer and send nothing."""

MOST_FRAMES = 20_000
"""In one tick: what a provider sends in a few minutes, for a caller that was late."""

_MS_PER_SECOND = 1000

MakeEngine = Callable[[int, AudioFormat], Engine]


class TurnByHand:
    """Finds the turns of the user by level, for sessions in which the provider does not.

    Args:
        audio_format: Of the audio that is sent.
        silence_ms: How much silence ends a turn.
    """

    _LOUD = 0.02
    _FEWEST_MS = 100.0

    def __init__(self, audio_format: AudioFormat, silence_ms: float) -> None:
        self._format = audio_format
        self._silence_ms = silence_ms
        self._loud_ms = 0.0
        self._quiet_ms = 0.0
        self.is_speaking = False

    def hear(self, audio: bytes) -> str | None:
        """Return "speech_started" or "speech_stopped" when that happens; None otherwise."""
        length = self._format.milliseconds_of(audio)
        if peak(audio, self._format) >= self._LOUD:
            self._loud_ms += length
            self._quiet_ms = 0.0
        else:
            self._quiet_ms += length
        if not self.is_speaking and self._loud_ms >= self._FEWEST_MS:
            self.is_speaking = True
            return "speech_started"
        if self.is_speaking and self._quiet_ms >= self._silence_ms:
            self.is_speaking = False
            self._loud_ms = 0.0
            return "speech_stopped"
        if self._quiet_ms >= self._silence_ms:
            self._loud_ms = 0.0
        return None


class WireAdapter:
    """A `VoiceAdapter` over any transport and translator."""

    def __init__(
        self,
        make_transport: Callable[[], Transport],
        make_translator: Callable[[], Translator],
        make_engine: MakeEngine = TickEngine,
        *,
        silence_ms: float | None = None,
        sends_at_once: bool = False,
        charges_minutes: bool = False,
        stall_seconds: float = STALL_SECONDS,
        ready_seconds: float = CONNECT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare a session.

        Args:
            make_transport: Returns a connection that is not open yet.
            make_translator: Returns the translator of a new session.
            make_engine: Returns the engine for ticks of so many milliseconds and a format.
            silence_ms: How much silence ends the user's turn, if the provider does not detect it.
            sends_at_once: Send a tick's audio at its beginning instead of in packets.
            charges_minutes: Count the seconds of audio that are sent.
            stall_seconds: How long a provider may owe an answer and send nothing.
            ready_seconds: How long it may take to accept the session.
            clock: Time of the machine, in seconds of any origin.
        """
        self._make_transport = make_transport
        self._make_translator = make_translator
        self._make_engine = make_engine
        self._silence_ms = silence_ms
        self._sends_at_once = sends_at_once
        self._charges_minutes = charges_minutes
        self._stall_seconds = stall_seconds
        self._ready_seconds = ready_seconds
        self._clock = clock
        self._transport: Transport | None = None

    # -- the session ----------------------------------------------------------------------------

    def connect(self, setup: AgentSetup) -> None:
        """Open a session. Raise VoiceSessionFailed."""
        self.disconnect()
        translator = self._make_translator()
        self.translator = translator
        self.engine = self._make_engine(setup.tick_ms, setup.audio_format)
        self._to_wire = _converter(setup.audio_format, translator.wire_input)
        self._from_wire = _converter(translator.wire_output, setup.audio_format)
        self._setup = setup
        self._sent_ms = 0.0
        self._turns = None
        if self._silence_ms is not None:
            self._turns = TurnByHand(setup.audio_format, self._silence_ms)
        transport = self._make_transport()
        transport.connect()
        self._transport = transport
        try:
            translator.open(setup)
            self.flush()
            self._await_ready()
        except BaseException:
            self.disconnect()
            raise
        self._due = self._clock()
        self._last_sign = self._due

    def _await_ready(self) -> None:
        until = self._clock() + self._ready_seconds
        while not self.translator.is_ready:
            left = until - self._clock()
            if left <= 0 or not self._take_next(left):
                raise VoiceSessionFailed(
                    f"the provider did not accept the session within {self._ready_seconds:g} s"
                )

    def disconnect(self) -> None:
        """Close the session. Twice is once."""
        transport = self._transport
        self._transport = None
        if transport is not None:
            transport.close()

    # -- ticks ----------------------------------------------------------------------------------

    def run_tick(self, user_audio: bytes, tick: int) -> TickResult:
        """Send one tick of the user's audio and return one tick of the agent's."""
        started = max(self._due, self._clock() - self._seconds(self._setup.tick_ms))
        self._due = started + self._seconds(self._setup.tick_ms)
        self._frames = 0
        for number, packet in enumerate(self._packets(user_audio)):
            self._receive_until(started + self._seconds(number * PACKET_MS))
            self._send_audio(packet)
        self._receive_until(self._due)
        if self._turns is not None:
            self._turn_by_hand(self._turns, user_audio)
        self._check_stall()
        result = self.engine.tick()
        self._sent_ms += self._setup.audio_format.milliseconds_of(user_audio)
        if self._charges_minutes:
            meters = {"audio_input_seconds": self._seconds(self._sent_ms)}
            result.usage.append(Usage(meters, is_cumulative=True))
        for truncation in result.truncations:
            self.translator.truncate(truncation)
        for request in self.engine.refused:
            self.translator.answer(request.call.id, f"Error: {request.problem}", is_error=True)
        self.engine.refused.clear()
        self.flush()
        return result

    def _turn_by_hand(self, turns: TurnByHand, user_audio: bytes) -> None:
        match turns.hear(user_audio):
            case "speech_started":
                self.engine.apply(UserActivity("speech_started"))
                self.translator.interrupt()
            case "speech_stopped":
                self.engine.apply(UserActivity("speech_stopped"))
                self.translator.commit()

    @staticmethod
    def _seconds(milliseconds: float) -> float:
        return milliseconds / _MS_PER_SECOND

    def _packets(self, audio: bytes) -> Iterator[bytes]:
        if self._sends_at_once:
            yield audio
            return
        size = self._setup.audio_format.bytes_of(PACKET_MS)
        for begin in range(0, len(audio), size):
            yield audio[begin : begin + size]

    def _send_audio(self, packet: bytes) -> None:
        data = packet if self._to_wire is None else self._to_wire.process(packet)
        if data:
            self.translator.send_audio(data)
        self.flush()

    def send_tool_result(self, call_id: str, result: str, *, is_error: bool = False) -> None:
        """Hand over the result of a call; the agent goes on once all calls of a batch have one."""
        self.translator.answer(call_id, result, is_error=is_error)
        self.flush()

    # -- frames ---------------------------------------------------------------------------------

    def _open_transport(self) -> Transport:
        if self._transport is None:
            raise VoiceSessionFailed("the session with the voice provider is not open")
        return self._transport

    def flush(self) -> None:
        """Send what the translator has put out."""
        transport = self._open_transport()
        frames = self.translator.outbox[:]
        self.translator.outbox.clear()
        for frame in frames:
            transport.send(frame)

    def _receive_until(self, moment: float) -> None:
        """Take frames until that time; at least those that are here already.

        Raise VoiceSessionFailed for a provider that sends faster than its frames can be read: the
        tick would never end.
        """
        while self._take_next(moment - self._clock()):
            self._frames += 1
            if self._frames > MOST_FRAMES:
                raise VoiceSessionFailed("the provider sent more frames than a tick can hold")

    def _take_next(self, seconds: float) -> bool:
        """Take the next frame of the next so many seconds. Return whether one came."""
        frame = self._open_transport().receive(seconds)
        if frame is None:
            return False
        self._last_sign = self._clock()
        for event in self.translator.receive(frame):
            for converted in self._converted(event):
                self.engine.apply(converted)
        self.flush()
        return True

    def _converted(self, event: AdapterEvent) -> list[AdapterEvent]:
        """Return an event with its audio in our format."""
        converter = self._from_wire
        if converter is None:
            return [event]
        if isinstance(event, AgentAudio):
            return [AgentAudio(converter.process(event.data), event.item_id)]
        if isinstance(event, SessionEvent) and event.kind == "item_done":
            # What the resampler holds back is the end of this utterance.
            return [AgentAudio(converter.flush(), event.item_id), event]
        if isinstance(event, SessionEvent) and event.kind == "cancelled":
            converter.flush()
        return [event]

    def _check_stall(self) -> None:
        silent = self._clock() - self._last_sign
        if not self.translator.is_expecting:
            # It owes nothing; the time counts from when it does.
            self._last_sign = self._clock()
        elif silent > self._stall_seconds:
            raise VoiceSessionFailed(
                f"the provider owes an answer and has sent nothing for {silent:.0f} s"
            )


def _converter(source: AudioFormat, target: AudioFormat) -> AudioConverter | None:
    """Return what turns one format into another; None if they are the same."""
    if source == target:
        return None
    from tau2.voice.audio.codec import AudioConverter  # noqa: PLC0415  -- needs numpy and soxr

    return AudioConverter(source, target)
