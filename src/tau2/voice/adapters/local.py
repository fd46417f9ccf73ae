"""The provider `local`: any text agent behind recognition and synthesis, in this process.

It lives on a virtual clock: a tick takes as long as it computes, and how long the agent would think
is modelled. Same agent, engines, audio and seed: same ticks.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

from tau2.data_model.audio import LocalConfig
from tau2.data_model.conventions import STOP
from tau2.data_model.message import ToolMessage
from tau2.errors import ConfigError, VoiceSessionFailed
from tau2.participant.protocols import AgentProtocol
from tau2.voice.adapters.protocol import AgentSetup, TickResult, Truncation
from tau2.voice.adapters.registry import AdapterContext
from tau2.voice.audio.codec import decode, encode
from tau2.voice.cascade.cascade import Cascade, TextForm
from tau2.voice.cascade.engines import best_engines
from tau2.voice.cascade.playback import Cut
from tau2.voice.cascade.settings import CascadeSettings, Latency, SpeechDetection
from tau2.voice.cascade.work import Engines
from tau2.voice.speech.heard import masked, masks_in
from tau2.voice.speech.protocols import (
    Recognizer,
    Synthesizer,
    Voice,
    VoiceActivityDetector,
)

_MS_PER_SECOND = 1000


class LocalAdapter:
    """A VoiceAdapter over a cascade.

    Beside what every adapter raises, `run_tick` passes on what the text agent raises: a failure of
    its model is one of infrastructure, another one is the agent's own.
    """

    def __init__(
        self,
        make_agent: Callable[[], AgentProtocol],
        *,
        recognizer: Recognizer,
        synthesizer: Synthesizer,
        detector: VoiceActivityDetector,
        voice: Voice | None = None,
        settings: CascadeSettings | None = None,
        to_written: TextForm = str.strip,
        to_spoken: TextForm = str.strip,
    ) -> None:
        """Prepare a session that `connect` opens.

        Args:
            make_agent: Returns the text agent; it has its tools and its policy already.
            recognizer: Hears the user.
            synthesizer: Speaks for the agent.
            detector: Finds the user's speech.
            voice: Of the agent; default: the synthesizer's.
            settings: Turn taking and latency.
            to_written: Brings recognized text into the form in which agents read it.
            to_spoken: Brings a message into the form in which it is read aloud.
        """
        self._make_agent = make_agent
        self._detector = detector
        self._settings = settings or CascadeSettings()
        self._to_written = to_written
        self._to_spoken = to_spoken
        self._engines = Engines(recognizer, synthesizer, voice or Voice())
        self._setup: AgentSetup | None = None
        self._cascade: Cascade | None = None

    @property
    def cascade(self) -> Cascade:
        """The call. Raise VoiceSessionFailed before `connect` and after `disconnect`."""
        if self._cascade is None:
            raise VoiceSessionFailed("the local session is not open")
        return self._cascade

    def connect(self, setup: AgentSetup) -> None:
        """Begin a call. The system prompt and the tools are those of the text agent."""
        agent = self._make_agent()
        self._setup = setup
        schemas = json.dumps([tool.openai_schema for tool in setup.tools])
        masks = masks_in(f"{setup.system_prompt}\n{schemas}")
        self._cascade = Cascade(
            agent,
            self._detector,
            self._settings,
            setup.audio_format.sample_rate,
            seed=setup.seed or 0,
            greeting=setup.greeting,
            to_written=lambda text: masked(self._to_written(text), masks),
            to_spoken=self._to_spoken,
        )

    def run_tick(self, user_audio: bytes, tick: int) -> TickResult:
        """Hear one tick of the user's audio, and return the tick of the agent's that follows."""
        cascade = self.cascade
        assert self._setup is not None, "an open session has a setup"
        audio_format = self._setup.audio_format
        cascade.hear(decode(user_audio, audio_format))
        while work := cascade.take_work():
            for item in work:
                cascade.finish(item.id, self._engines.perform(item.job))
        length = audio_format.bytes_of(self._setup.tick_ms) // audio_format.bytes_per_sample
        played = cascade.speak(length)
        happened = cascade.happened()
        return TickResult(
            audio=encode(played.samples, audio_format),
            contains_speech=played.contains_speech,
            transcript=_with_stop(played.words) if happened.ends_conversation else played.words,
            item_ids=played.utterances,
            tool_calls=happened.calls,
            activity=happened.activity,
            # What this machine did costs nothing; the model behind the agent may.
            usage=[
                replace(usage, is_billable=usage.component == "llm") for usage in happened.usage
            ],
            truncations=[_truncation(cut) for cut in happened.cuts],
        )

    def send_tool_result(self, call_id: str, result: str, *, is_error: bool = False) -> None:
        """Hand over the result of a call.

        Raise VoiceSessionFailed if there is no such call, or it has a result.
        """
        message = ToolMessage(id=call_id, content=result, requestor="assistant", error=is_error)
        try:
            self.cascade.give_results([message])
        except ValueError as problem:
            raise VoiceSessionFailed(str(problem)) from problem

    def disconnect(self) -> None:
        """End the call."""
        self._cascade = None


def make_adapter(context: AdapterContext) -> LocalAdapter:
    """Return the adapter of a run's configuration.

    Engines that it does not name are the best that are installed, or the tone channel.

    Raises:
        ConfigError: there is no text agent to speak for.
        UnknownName: there is no engine of a name.
        MissingExtra: an engine's package is not installed.
    """
    if context.make_text_agent is None:
        raise ConfigError("voice provider 'local' needs a text agent behind the voice")
    local = context.config.local_config or LocalConfig()
    named = best_engines(local.recognizer, local.synthesizer, local.detector)
    silence_ms = min(SpeechDetection().silence_ms, local.end_of_turn_seconds * _MS_PER_SECOND)
    return LocalAdapter(
        context.make_text_agent,
        recognizer=named.recognizer,
        synthesizer=named.synthesizer,
        detector=named.detector,
        voice=Voice(local.voice.name, local.voice.speed, local.voice.pitch),
        settings=CascadeSettings(
            detection=SpeechDetection(silence_ms=silence_ms),
            latency=Latency(local.latency_seconds, local.latency_spread),
            merge_ms=local.end_of_turn_seconds * _MS_PER_SECOND - silence_ms,
        ),
        to_written=named.to_written,
        to_spoken=named.to_spoken,
    )


def _with_stop(words: str) -> str:
    """Return the last words of a conversation, marked as such."""
    return f"{words.rstrip()} {STOP}".lstrip()


def _truncation(cut: Cut) -> Truncation:
    return Truncation(
        cut.utterance.id,
        round(cut.played_seconds * _MS_PER_SECOND, 3),
        round(cut.dropped_seconds * _MS_PER_SECOND, 3),
    )
