"""The recording of a call: one stereo file, labels beside it, and taps into every stage.

The user is on the left, the agent on the right. The same ticks give the same bytes.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from tau2.errors import needs_extra
from tau2.storage.files import PART, write_atomically
from tau2.voice.audio.codec import decode, to_int16
from tau2.voice.audio.files import FileFormat, audio_file
from tau2.voice.audio.formats import TELEPHONE, AudioFormat

with needs_extra("voice", "soundfile"):
    import soundfile

if TYPE_CHECKING:
    from tau2.voice.audio.formats import Samples

logger = logging.getLogger(__name__)

RECORDING = "both.wav"
"""The name of a recording in the folder of its call."""
LABELS = "labels.txt"
"""The name of the labels beside it."""

TAPS = (
    "agent_input",
    "tts_output",
    "post_noise",
    "post_telephony",
    "user_output",
    "speech_only",
    "background_noise_only",
    "burst_noise_only",
    "out_of_turn_speech_only",
    "agent_user-input",
    "agent_output",
)
"""The stages whose audio can be kept.

Of the user: what it hears of the agent, its voice (one utterance after the other), the sum with all
noise, what the telephone makes of that, what the line delivers, and the parts of the sum. Of the
agent: what it hears of the user, and what it says.
"""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


@dataclass(frozen=True, slots=True)
class Label:
    """What happens during a part of a recording."""

    start: float
    """In seconds."""
    end: float
    """In seconds."""
    text: str


def recording(
    ticks: Iterable[tuple[bytes | None, bytes | None]],
    *,
    tick_ms: int = 200,
    audio_format: AudioFormat = TELEPHONE,
    file_format: FileFormat = "WAV",
) -> bytes:
    """Return the content of the stereo file of a call, 16 bits a sample.

    Args:
        ticks: For each tick, what the user and what the agent said. Silence may be None or "",
            and a shorter chunk is filled up with silence; a longer one is cut at the tick's end.
        tick_ms: How long a tick is.
        audio_format: Of the chunks.
        file_format: WAV, which every browser plays, or FLAC.
    """
    both = _whole_ticks(ticks, audio_format.silence(tick_ms))
    channels = [decode(b"".join(side), audio_format) for side in both]
    return audio_file(channels, audio_format.sample_rate, file_format)


def write_recording(
    path: Path,
    ticks: Iterable[tuple[bytes | None, bytes | None]],
    *,
    tick_ms: int = 200,
    audio_format: AudioFormat = TELEPHONE,
) -> None:
    """Write the stereo file of a call atomically: FLAC if its name ends in .flac, else WAV.

    For the arguments see `recording`.
    """
    file_format: FileFormat = "FLAC" if path.suffix.lower() == ".flac" else "WAV"
    content = recording(ticks, tick_ms=tick_ms, audio_format=audio_format, file_format=file_format)
    write_atomically(path, content)


def _whole_ticks(
    ticks: Iterable[tuple[bytes | None, bytes | None]], silence: bytes
) -> tuple[list[bytes], list[bytes]]:
    """Return the chunks of the user and of the agent, each one tick long."""
    both: tuple[list[bytes], list[bytes]] = ([], [])
    for chunks in ticks:
        for side, chunk in zip(both, chunks, strict=True):
            data = chunk or b""
            side.append(data[: len(silence)] + silence[len(data) :])
    return both


def labels_text(labels: Iterable[Label]) -> str:
    """Return a label track as Audacity reads it: start, end and text in a line, by tabs.

    Sorted by time. Control characters in a text become spaces.
    """
    ordered = sorted(labels, key=lambda label: (label.start, label.end, label.text))
    return "".join(
        f"{label.start:.6f}\t{label.end:.6f}\t{_CONTROL.sub(' ', label.text)}\n"
        for label in ordered
    )


def write_labels(path: Path, labels: Sequence[Label]) -> None:
    """Write a label track atomically; see `labels_text`."""
    write_atomically(path, labels_text(labels).encode("utf-8", "replace"))


class AudioTaps:
    """Keeps the audio of the stages of a call, one WAV file for each stage.

    Files grow on disk while the call lasts and get their names when it ends: `close`, or the end
    of a `with` block. A stage that received nothing has no file. A disk that fails costs the rest
    of the taps, with a warning, and never the call.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: dict[str, soundfile.SoundFile] = {}
        self._has_failed = False

    def add(self, stage: str, samples: Samples, sample_rate: int) -> None:
        """Add what passed a stage, one of TAPS. The rate in Hz is the same for all of a stage."""
        if stage not in TAPS:
            raise ValueError(f"unknown tap {stage!r}; there are {', '.join(TAPS)}")
        if self._has_failed:
            return
        with self._failing_softly():
            if stage not in self._files:
                self.folder.mkdir(parents=True, exist_ok=True)
                self._files[stage] = soundfile.SoundFile(
                    self._part(stage), "w", sample_rate, 1, "PCM_16", format="WAV"
                )
            self._files[stage].write(to_int16(samples))

    def add_bytes(self, stage: str, data: bytes, audio_format: AudioFormat = TELEPHONE) -> None:
        """Add bytes that passed a stage."""
        self.add(stage, decode(data, audio_format), audio_format.sample_rate)

    def add_call(
        self,
        ticks: Iterable[tuple[bytes | None, bytes | None]],
        *,
        tick_ms: int = 200,
        audio_format: AudioFormat = TELEPHONE,
    ) -> None:
        """Add what both sides of a call heard, and what the agent said; see `recording`.

        Each hears the other's tick one tick later.
        """
        silence = audio_format.silence(tick_ms)
        user, agent = _whole_ticks(ticks, silence)
        self.add_bytes("agent_output", b"".join(agent), audio_format)
        self.add_bytes("agent_input", b"".join([silence, *agent][: len(agent)]), audio_format)
        self.add_bytes("agent_user-input", b"".join([silence, *user][: len(user)]), audio_format)

    def close(self) -> None:
        """Finish the files. Twice is once."""
        for stage, opened in self._files.items():
            with self._failing_softly():
                opened.close()
                self._part(stage).replace(self.folder / f"{stage}.wav")
        self._files.clear()

    def _part(self, stage: str) -> Path:
        return self.folder / f".{stage}.wav{PART}"

    @contextmanager
    def _failing_softly(self) -> Iterator[None]:
        try:
            yield
        except (OSError, soundfile.SoundFileError) as problem:
            self._has_failed = True
            logger.warning("%s: the audio of stages is not kept: %s", self.folder, problem)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
