"""Synthesized speech on disk: the same bytes as without, and damage is no speech."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tau2.errors import SpeechFailed
from tau2.voice.speech.cache import CachedSynthesizer, SpeechCache, key_of_speech
from tau2.voice.speech.engines.tone import ToneSynthesizer
from tau2.voice.speech.protocols import Speech, Voice


class Counting:
    """The tone channel, counting what it synthesizes."""

    name = "counting"
    version = "1"

    def __init__(self) -> None:
        self.texts: list[str] = []

    def voices(self) -> Sequence[str]:
        return ("tone",)

    def synthesize(self, text: str, voice: Voice, *, seed: int = 0) -> Speech:
        if text == "fail":
            raise SpeechFailed("no speech")
        self.texts.append(text)
        return ToneSynthesizer().synthesize(text, voice, seed=seed)


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_an_utterance_is_synthesized_once_and_sounds_the_same(tmp_path: Path) -> None:
    inner = Counting()
    engine = CachedSynthesizer(inner, SpeechCache(tmp_path))
    first = engine.synthesize("Hello there", Voice())
    second = CachedSynthesizer(inner, SpeechCache(tmp_path)).synthesize("Hello there", Voice())
    assert inner.texts == ["Hello there"]
    assert first.samples.tobytes() == second.samples.tobytes()
    assert first.samples.dtype == np.float32
    assert list(first.words) == list(second.words)
    assert second.sample_rate == first.sample_rate
    plain = ToneSynthesizer().synthesize("Hello there", Voice()).samples
    assert float(np.max(np.abs(plain - second.samples))) < 1 / 32768


def test_everything_that_decides_how_it_sounds_is_in_the_key() -> None:
    keys = {
        key_of_speech(name, version, voice, text, seed)
        for name in ("a", "b")
        for version in ("1", "2")
        for voice in (Voice(), Voice("x"), Voice(speed=1.1), Voice(pitch=1))
        for text in ("one", "two")
        for seed in (0, 1)
    }
    assert len(keys) == 2 * 2 * 4 * 2 * 2


@pytest.mark.parametrize("place", [0, 20, 60, -1])
def test_a_damaged_file_is_synthesized_again(tmp_path: Path, place: int) -> None:
    inner = Counting()
    engine = CachedSynthesizer(inner, SpeechCache(tmp_path))
    engine.synthesize("Hello", Voice())
    (path,) = files(tmp_path)
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    engine.synthesize("Hello", Voice())
    path.write_bytes(b"")
    engine.synthesize("Hello", Voice())
    assert inner.texts == ["Hello"] * 3


def test_what_was_not_used_for_longest_is_removed(tmp_path: Path) -> None:
    inner = Counting()
    engine = CachedSynthesizer(inner, SpeechCache(tmp_path, most_bytes=30_000))
    for second, text in enumerate(["one fish", "two fish", "old fish"]):
        engine.synthesize(text, Voice())
        key = key_of_speech("counting", "1", Voice(), text, 0)
        os.utime(tmp_path / key[:2] / f"{key}.speech", (second, second))
    assert len(files(tmp_path)) == 3
    engine.synthesize("one fish", Voice())  # it is used again
    assert len(inner.texts) == 3
    engine.synthesize("new fish", Voice())
    kept = {path.stem for path in files(tmp_path)}
    assert key_of_speech("counting", "1", Voice(), "one fish", 0) in kept
    assert key_of_speech("counting", "1", Voice(), "two fish", 0) not in kept
    assert sum(path.stat().st_size for path in files(tmp_path)) <= 30_000


def test_what_cannot_be_kept_is_spoken_all_the_same(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    engine = CachedSynthesizer(Counting(), SpeechCache(blocked / "speech"))
    assert engine.synthesize("Hello", Voice()).seconds > 0
    small = CachedSynthesizer(Counting(), SpeechCache(tmp_path / "small", most_bytes=10))
    assert small.synthesize("Hello", Voice()).seconds > 0
    assert not (tmp_path / "small").exists()


def test_a_failure_is_not_kept(tmp_path: Path) -> None:
    engine = CachedSynthesizer(Counting(), SpeechCache(tmp_path))
    with pytest.raises(SpeechFailed):
        engine.synthesize("fail", Voice())
    assert files(tmp_path) == []


def test_it_lies_in_the_cache_of_tau2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAU2_CACHE_DIR", str(tmp_path))
    CachedSynthesizer(Counting()).synthesize("Hello", Voice())
    assert files(tmp_path / "speech")
