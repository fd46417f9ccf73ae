"""Synthesized speech on disk: what was paid for once is not synthesized again.

One file per utterance, named by a digest of everything that decides how it sounds. A file that is
damaged counts as absent. Samples are kept in 16 bits, and rounded to 16 bits when they are
synthesized, so that a call sounds the same whether the cache is full or empty.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from tau2.config import cache_dir
from tau2.errors import needs_extra
from tau2.storage.cache_folder import CacheFolder
from tau2.voice.audio.codec import from_int16, to_int16
from tau2.voice.speech.protocols import Speech, SpokenWord, Synthesizer, Voice

with needs_extra("voice", "numpy"):
    import numpy as np

MOST_BYTES = 2**30
"""Of the whole folder; the utterances that were not used for longest are removed."""

_MAGIC = b"tau2 speech 1\n"
_SUFFIX = ".speech"
_DIGEST = 32  # bytes


class SpeechCache:
    """A folder of utterances. Threads and processes may share it."""

    def __init__(self, folder: Path | None = None, most_bytes: int = MOST_BYTES) -> None:
        """Use a folder, by default one in the cache of tau2; it is created when it is needed."""
        self.folder = folder or cache_dir() / "speech"
        self._files = CacheFolder(self.folder, _SUFFIX, most_bytes)

    def get(self, key: str) -> Speech | None:
        """Return the utterance of a key; None where there is none that is whole."""
        path = self._files.path(key)
        try:
            content = path.read_bytes()
        except OSError:  # absent, or not readable: it is synthesized again
            return None
        speech = _decoded(content)
        if speech is not None:
            self._files.touch(path)
        return speech

    def put(self, key: str, speech: Speech) -> None:
        """Keep an utterance. A disk that is full or read-only only costs the next synthesis."""
        with suppress(OSError):
            self._files.put(key, _encoded(speech))


class CachedSynthesizer:
    """A synthesizer that keeps what it synthesized."""

    def __init__(self, synthesizer: Synthesizer, cache: SpeechCache | None = None) -> None:
        """Ask `synthesizer` for what is not in `cache` yet."""
        self.name = synthesizer.name
        self.version = synthesizer.version
        self._synthesizer = synthesizer
        self._cache = cache or SpeechCache()

    def voices(self) -> Sequence[str]:
        """Return the names of the voices; the first is the default."""
        return self._synthesizer.voices()

    def synthesize(self, text: str, voice: Voice, *, seed: int = 0) -> Speech:
        """Return `text` as speech, from the cache if it is there. Raise SpeechFailed."""
        key = key_of_speech(self.name, self.version, voice, text, seed)
        kept = self._cache.get(key)
        if kept is not None:
            return kept
        speech = self._synthesizer.synthesize(text, voice, seed=seed)
        self._cache.put(key, speech)
        return replace(speech, samples=from_int16(to_int16(speech.samples)))


def key_of_speech(name: str, version: str, voice: Voice, text: str, seed: int) -> str:
    """Return the digest of everything that decides how an utterance sounds."""
    parts = [name, version, voice.name, voice.speed, voice.pitch, text, seed]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _encoded(speech: Speech) -> bytes:
    words = [[word.text, word.start, word.end] for word in speech.words]
    header = json.dumps({"sample_rate": speech.sample_rate, "words": words}).encode()
    body = header + b"\n" + to_int16(speech.samples).astype("<i2").tobytes()
    return _MAGIC + hashlib.sha256(body).digest() + body


def _decoded(content: bytes) -> Speech | None:
    """Return the utterance of a file; None where it is damaged."""
    start = len(_MAGIC) + _DIGEST
    body = content[start:]
    if content[: len(_MAGIC)] != _MAGIC:
        return None
    if hashlib.sha256(body).digest() != content[len(_MAGIC) : start]:
        return None
    header, _, samples = body.partition(b"\n")
    try:
        data = json.loads(header)
        words = [
            SpokenWord(str(text), float(begin), float(end)) for text, begin, end in data["words"]
        ]
        return Speech(from_int16(np.frombuffer(samples, "<i2")), int(data["sample_rate"]), words)
    except (ValueError, KeyError, TypeError):  # whole, but of another program
        return None
