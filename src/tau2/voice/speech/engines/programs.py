"""Text to speech by programs of the operating system: espeak-ng and flite.

They sound like machines and are understood worse than a neural voice, and they are in every
distribution. A program is started for each utterance, with a list of arguments and without a shell.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from tau2.errors import MissingExtra, SpeechFailed, needs_extra
from tau2.voice.audio.formats import Samples
from tau2.voice.speech.limits import checked_text
from tau2.voice.speech.protocols import Speech, Voice
from tau2.voice.speech.word_times import estimated_words, speech_of_written

with needs_extra("voice", "numpy"):
    import numpy as np

_SECONDS = 30
"""For one utterance."""
_MOST_BYTES = 100 * 2**20
"""Of the file that a program writes."""
_VOICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_+-]{0,40}")
_QUIET_RATE = 16000


class _ProgramSynthesizer:
    """What the programs have in common."""

    name = ""
    _programs: tuple[str, ...] = ()
    _version_argument = "--version"
    _voices: tuple[str, ...] = ()

    def __init__(self) -> None:
        """Find the program. Raise MissingExtra where it is not installed."""
        found = next(filter(None, map(shutil.which, self._programs)), None)
        if found is None:
            raise MissingExtra(
                f"{self.name} is not installed; on Debian and Ubuntu: apt install "
                f"{self._programs[0]}"
            )
        self._program = found
        self.version = _version(found, self._version_argument)

    def voices(self) -> Sequence[str]:
        """Return the names of some voices; the first is the default."""
        return self._voices

    def synthesize(self, text: str, voice: Voice, *, seed: int = 0) -> Speech:
        """Return a written text as speech; the times of words are estimated. Raise SpeechFailed."""
        name = voice.name or self._voices[0]
        if not _VOICE.fullmatch(name):
            raise SpeechFailed(f"{self.name} has no voice {name[:60]!r}")
        return speech_of_written(checked_text(text), lambda said: self._speech(said, voice, name))

    def _speech(self, text: str, voice: Voice, name: str) -> Speech:
        if not text:
            return Speech(np.zeros(0, np.float32), _QUIET_RATE)
        with tempfile.TemporaryDirectory(prefix="tau2-speech-") as folder:
            source = Path(folder) / "text.txt"
            target = Path(folder) / "speech.wav"
            source.write_text(text, encoding="utf-8")
            _run([self._program, *self._arguments(voice, name, source, target)], self.name)
            samples, rate = _read(target, self.name)
        return Speech(samples, rate, estimated_words(text, len(samples) / rate))

    def _arguments(self, voice: Voice, name: str, source: Path, target: Path) -> list[str]:
        raise NotImplementedError


class EspeakSynthesizer(_ProgramSynthesizer):
    """espeak-ng: a formant synthesizer of many languages and accents."""

    name = "espeak"
    _programs = ("espeak-ng", "espeak")
    _voices = ("en-us", "en-gb", "en-gb-scotland", "en-029")
    _words_per_minute = 165
    _usual_pitch = 50
    _pitch_of_semitone = 4

    def _arguments(self, voice: Voice, name: str, source: Path, target: Path) -> list[str]:
        speed = min(400, max(80, round(self._words_per_minute * voice.speed)))
        pitch = min(99, max(0, round(self._usual_pitch + self._pitch_of_semitone * voice.pitch)))
        options = ["-v", name, "-s", str(speed), "-p", str(pitch)]
        return [*options, "-f", str(source), "-w", str(target)]


class FliteSynthesizer(_ProgramSynthesizer):
    """flite: small statistical voices of American English and one of a Scotsman."""

    name = "flite"
    _programs = ("flite",)
    _voices = ("slt", "awb", "rms", "kal16", "kal")
    _hertz = 180
    """Of the voice slt; other voices take the same shift."""

    def _arguments(self, voice: Voice, name: str, source: Path, target: Path) -> list[str]:
        stretch = min(3.0, max(0.3, 1 / voice.speed))
        options = ["-voice", name, "--setf", f"duration_stretch={stretch:.4f}"]
        if voice.pitch:
            options += ["--setf", f"int_f0_target_mean={self._hertz * 2 ** (voice.pitch / 12):.2f}"]
        return [*options, "-f", str(source), "-o", str(target)]


def _run(command: Sequence[str], name: str) -> None:
    try:
        done = subprocess.run(  # noqa: S603  -- a list of arguments, no shell
            command, capture_output=True, timeout=_SECONDS, check=False, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired as error:
        raise SpeechFailed(f"{name} did not finish within {_SECONDS} s") from error
    except OSError as error:
        raise SpeechFailed(f"{name} could not be started: {error}") from error
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip()[:200]
        raise SpeechFailed(f"{name} failed with status {done.returncode}: {said}")


def _read(path: Path, name: str) -> tuple[Samples, int]:
    with needs_extra("voice", "soundfile"):
        import soundfile  # noqa: PLC0415  -- of an extra
    try:
        size = path.stat().st_size
        if size > _MOST_BYTES:
            raise SpeechFailed(f"{name} wrote {size:,} bytes for one utterance")
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, soundfile.LibsndfileError) as error:
        raise SpeechFailed(f"{name} wrote no audio: {error}") from error
    if len(samples) == 0:
        raise SpeechFailed(f"{name} wrote no audio")
    mono: Samples = np.ascontiguousarray(samples.mean(axis=1), np.float32)
    return mono, int(rate)


@lru_cache(maxsize=8)
def _version(program: str, argument: str) -> str:
    """Return the first line that a program says of its version; "unknown" where it says none."""
    try:
        done = subprocess.run(  # noqa: S603  -- likewise
            [program, argument],
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):  # it will fail with a reason when it is to speak
        return "unknown"
    lines = (done.stdout or done.stderr).decode("utf-8", "replace").strip().splitlines()
    return lines[0][:100] if lines else "unknown"
