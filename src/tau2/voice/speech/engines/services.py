"""Speech by services: ElevenLabs, OpenAI and Cartesia.

A key comes from the environment. The address, how many requests are made at once (`concurrency`)
and in a minute (`per_minute`), and whether speech is kept on disk (`cache`) are options.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from tau2.errors import SpeechFailed, needs_extra
from tau2.llm.transport.endpoint import OPENAI_URL
from tau2.voice.audio.codec import from_int16
from tau2.voice.audio.formats import Samples
from tau2.voice.speech.cache import CachedSynthesizer
from tau2.voice.speech.heard import heard
from tau2.voice.speech.limits import checked_seconds, checked_text
from tau2.voice.speech.protocols import Speech, Synthesizer, Transcript, Voice
from tau2.voice.speech.service import ServiceSettings, SpeechService
from tau2.voice.speech.word_times import estimated_words, speech_of_written

with needs_extra("voice", "numpy"):
    import numpy as np

_SENT_SEED = 2**32 - 1


class _Asked(NamedTuple):
    """A request for speech."""

    path: str
    body: dict[str, Any]
    headers: dict[str, str]
    sample_rate: int
    """Of the answer, which is PCM with 16 bits."""


class _ServiceSynthesizer:
    """What the three synthesizers have in common."""

    name = ""
    _voices: tuple[str, ...] = ()

    def __init__(self, settings: ServiceSettings, model: str) -> None:
        self.version = f"{model}@{settings.base_url}"
        self._model = model
        self._service = SpeechService(settings)

    def voices(self) -> Sequence[str]:
        """Return the names of some voices; a service knows further ones."""
        return self._voices

    def synthesize(self, text: str, voice: Voice, *, seed: int = 0) -> Speech:
        """Return a written text as speech; the times of words are estimated. Raise SpeechFailed."""
        return speech_of_written(checked_text(text), lambda said: self._speech(said, voice, seed))

    def _speech(self, text: str, voice: Voice, seed: int) -> Speech:
        asked = self._request(text, voice, seed)
        if not text:
            return Speech(np.zeros(0, np.float32), asked.sample_rate)
        headers = {**asked.headers, "Content-Type": "application/json"}
        answer = self._service.post(asked.path, json.dumps(asked.body).encode(), headers)
        samples = _samples(answer, self.name)
        seconds = len(samples) / asked.sample_rate
        return Speech(samples, asked.sample_rate, estimated_words(text, seconds))

    def _request(self, text: str, voice: Voice, seed: int) -> _Asked:
        raise NotImplementedError


def _samples(answer: bytes, name: str) -> Samples:
    if not answer or len(answer) % 2 or answer[:1] in {b"{", b"<"}:
        raise SpeechFailed(f"{name} answered with {len(answer):,} bytes that are no audio")
    samples: Samples = from_int16(np.frombuffer(answer, "<i2"))
    if not np.any(samples):
        raise SpeechFailed(f"{name} answered with silence")
    return samples


class ElevenLabsSynthesizer(_ServiceSynthesizer):
    """ElevenLabs' text to speech."""

    name = "elevenlabs"
    _voices = ("EXAVITQu4vr4xnSDxMaL",)

    def _request(self, text: str, voice: Voice, seed: int) -> _Asked:
        return _Asked(
            f"/v1/text-to-speech/{quote(voice.name or self._voices[0], safe='')}"
            "?output_format=pcm_24000",
            {
                "text": text,
                "model_id": self._model,
                "seed": seed % _SENT_SEED,
                "voice_settings": {"speed": voice.speed},
            },
            {"xi-api-key": self._service.key},
            24000,
        )


class OpenAISynthesizer(_ServiceSynthesizer):
    """OpenAI's text to speech, or a server that speaks its protocol."""

    name = "openai"
    _voices = ("alloy", "ash", "coral", "echo", "fable", "nova", "onyx", "sage", "shimmer")

    def _request(self, text: str, voice: Voice, seed: int) -> _Asked:
        return _Asked(
            "/audio/speech",
            {
                "model": self._model,
                "input": text,
                "voice": voice.name or self._voices[0],
                "speed": voice.speed,
                "response_format": "pcm",
            },
            _bearer(self._service.key),
            24000,
        )


class CartesiaSynthesizer(_ServiceSynthesizer):
    """Cartesia's text to speech."""

    name = "cartesia"
    _voices = ("694f9389-aac1-45b6-b726-9d9369183238",)

    def _request(self, text: str, voice: Voice, seed: int) -> _Asked:
        return _Asked(
            "/tts/bytes",
            {
                "model_id": self._model,
                "transcript": text,
                "language": "en",
                "voice": {"mode": "id", "id": voice.name or self._voices[0]},
                "generation_config": {"speed": voice.speed},
                "output_format": {
                    "container": "raw",
                    "encoding": "pcm_s16le",
                    "sample_rate": 24000,
                },
            },
            {**_bearer(self._service.key), "Cartesia-Version": "2025-04-16"},
            24000,
        )


class OpenAIRecognizer:
    """OpenAI's transcription, or a server that speaks its protocol."""

    name = "openai"

    def __init__(self, settings: ServiceSettings, model: str, language: str) -> None:
        self.version = f"{model}@{settings.base_url}"
        self._model = model
        self._language = language
        self._service = SpeechService(settings)

    def transcribe(self, samples: Samples, sample_rate: int) -> Transcript:
        """Return what is said in `samples`, in written form. Raise SpeechFailed."""
        checked_seconds(samples, sample_rate)
        if len(samples) == 0:
            return Transcript("")
        fields = {"model": self._model, "response_format": "json", "language": self._language}
        from tau2.voice.audio.files import audio_file  # noqa: PLC0415  -- needs soundfile

        body, content_type = _form(fields, audio_file([samples], sample_rate))
        headers = {**_bearer(self._service.key), "Content-Type": content_type}
        answer = self._service.post("/audio/transcriptions", body, headers)
        try:
            text = json.loads(answer)["text"]
        except (ValueError, KeyError, TypeError) as error:
            raise SpeechFailed(f"{self.name} answered with no transcript") from error
        if not isinstance(text, str):
            raise SpeechFailed(f"{self.name} answered with a transcript that is no text")
        return Transcript(heard(text))


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"} if key else {}


def _form(fields: dict[str, str], audio: bytes) -> tuple[bytes, str]:
    """Return a form with fields and one file, and its content type."""
    boundary = uuid.uuid5(uuid.NAMESPACE_OID, repr(sorted(fields.items()))).hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    parts.append(
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="call.wav"\r\n'
        "Content-Type: audio/wav\r\n\r\n".encode()
    )
    body = b"".join([*parts, audio, f"\r\n--{boundary}--\r\n".encode()])
    return body, f"multipart/form-data; boundary={boundary}"


def elevenlabs(
    model: str = "eleven_v3",
    base_url: str = "https://api.elevenlabs.io",
    concurrency: int = 4,
    per_minute: float | None = None,
    cache: bool = True,
) -> Synthesizer:
    """Return ElevenLabs' text to speech; the key is in ELEVENLABS_API_KEY."""
    settings = ServiceSettings(
        "elevenlabs",
        base_url.rstrip("/"),
        "ELEVENLABS_API_KEY",
        concurrency=concurrency,
        per_minute=per_minute,
    )
    return _cached(ElevenLabsSynthesizer(settings, model), cache=cache)


def openai(
    model: str = "gpt-4o-mini-tts",
    base_url: str | None = None,
    concurrency: int = 4,
    per_minute: float | None = None,
    cache: bool = True,
) -> Synthesizer:
    """Return OpenAI's text to speech; the key is in OPENAI_API_KEY.

    OPENAI_BASE_URL or `base_url` names another server, which may need no key.
    """
    settings = _openai_settings(base_url, concurrency, per_minute)
    return _cached(OpenAISynthesizer(settings, model), cache=cache)


def openai_transcription(
    model: str = "gpt-4o-transcribe",
    base_url: str | None = None,
    concurrency: int = 4,
    per_minute: float | None = None,
    language: str = "en",
) -> OpenAIRecognizer:
    """Return OpenAI's transcription; see `openai` for key and address."""
    settings = _openai_settings(base_url, concurrency, per_minute)
    return OpenAIRecognizer(settings, model, language)


def cartesia(
    model: str = "sonic-3",
    base_url: str = "https://api.cartesia.ai",
    concurrency: int = 4,
    per_minute: float | None = None,
    cache: bool = True,
) -> Synthesizer:
    """Return Cartesia's text to speech; the key is in CARTESIA_API_KEY."""
    settings = ServiceSettings(
        "cartesia",
        base_url.rstrip("/"),
        "CARTESIA_API_KEY",
        concurrency=concurrency,
        per_minute=per_minute,
    )
    return _cached(CartesiaSynthesizer(settings, model), cache=cache)


def _openai_settings(
    base_url: str | None, concurrency: int, per_minute: float | None
) -> ServiceSettings:
    address = (base_url or os.environ.get("OPENAI_BASE_URL") or OPENAI_URL).rstrip("/")
    return ServiceSettings(
        "openai",
        address,
        "OPENAI_API_KEY",
        needs_key=address == OPENAI_URL,
        concurrency=concurrency,
        per_minute=per_minute,
    )


def _cached(synthesizer: Synthesizer, *, cache: bool) -> Synthesizer:
    return CachedSynthesizer(synthesizer) if cache else synthesizer
