"""Audio files: WAV and FLAC by soundfile (libsndfile)."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tau2.errors import DataFileError, needs_extra
from tau2.storage.files import write_atomically
from tau2.utils.text import plural
from tau2.voice.audio.codec import to_int16

with needs_extra("voice", "numpy"):
    import numpy as np
with needs_extra("voice", "soundfile"):
    import soundfile

if TYPE_CHECKING:
    from tau2.voice.audio.formats import Samples

FileFormat = Literal["WAV", "FLAC"]

LARGEST_FILE = 256 * 2**20
"""Bytes of a file that is read."""
LONGEST_AUDIO = 3600.0
"""Seconds of a file that is read: a FLAC file of a few bytes may claim to be days long."""
MOST_CHANNELS = 8
MOST_SAMPLES = 1 << 28
"""Of all channels together, a gigabyte: an hour of eight channels at the highest rate has more."""
_RATES = range(1_000, 384_001)  # Hz
_BLOCK = 1 << 16  # frames


def audio_file(
    channels: Sequence[Samples], sample_rate: int, file_format: FileFormat = "WAV"
) -> bytes:
    """Return the content of a file with 16-bit samples, the same bytes for the same samples.

    Args:
        channels: Of one length; left before right.
        sample_rate: In Hz.
        file_format: FLAC is lossless and takes about half of the space.
    """
    frames = np.stack([to_int16(channel) for channel in channels], axis=1)
    buffer = io.BytesIO()
    soundfile.write(buffer, frames, sample_rate, format=file_format, subtype="PCM_16")
    return buffer.getvalue()


def write_audio(path: Path, channels: Sequence[Samples], sample_rate: int) -> None:
    """Write a file atomically: FLAC if its name ends in .flac, else WAV. See `audio_file`."""
    file_format: FileFormat = "FLAC" if path.suffix.lower() == ".flac" else "WAV"
    write_atomically(path, audio_file(channels, sample_rate, file_format))


def read_audio(
    source: Path | bytes,
    *,
    largest: int = LARGEST_FILE,
    longest: float = LONGEST_AUDIO,
) -> tuple[list[Samples], int]:
    """Return the channels of a WAV or FLAC file, and its sample rate in Hz.

    The file may come from anybody: no more than `largest` bytes and `longest` seconds are read.

    Args:
        source: A path, or the content of a file.
        largest: The most bytes of the file.
        longest: The most seconds of audio in it.

    Raises:
        DataFileError: It is not there, is no such file, is damaged, or is too large.
    """
    name = "audio data" if isinstance(source, bytes) else str(source)
    content = source if isinstance(source, bytes) else _content(source, largest)
    if len(content) > largest:
        raise DataFileError(f"{name} has more than {plural(largest, 'byte')}")
    # libsndfile reads some thirty formats; two are enough for what strangers send.
    if not (content[:4] == b"RIFF" and content[8:12] == b"WAVE") and content[:4] != b"fLaC":
        raise DataFileError(f"{name} is neither a WAV nor a FLAC file")
    try:
        with soundfile.SoundFile(io.BytesIO(content)) as opened:
            return _channels(opened, longest, name), opened.samplerate
    except soundfile.SoundFileError as problem:
        raise DataFileError(f"{name} cannot be read: {problem}") from problem


def _content(path: Path, largest: int) -> bytes:
    try:
        with path.open("rb") as opened:
            return opened.read(largest + 1)
    except OSError as problem:
        raise DataFileError(f"{path} cannot be read: {problem}") from problem


def _channels(opened: soundfile.SoundFile, longest: float, name: str) -> list[Samples]:
    if opened.channels > MOST_CHANNELS:
        raise DataFileError(f"{name} has {opened.channels} channels; {MOST_CHANNELS} are allowed")
    if opened.samplerate not in _RATES:
        raise DataFileError(f"{name} has a sample rate of {opened.samplerate} Hz")
    most = min(int(longest * opened.samplerate), MOST_SAMPLES // opened.channels)
    blocks = [np.zeros((0, opened.channels), np.float32)]
    count = 0
    # In blocks: the number of frames in the header is a claim.
    while len(block := opened.read(_BLOCK, dtype="float32", always_2d=True)):
        count += len(block)
        if count > most:
            raise DataFileError(f"{name} is longer than {most / opened.samplerate:g} s")
        blocks.append(block)
    frames = np.nan_to_num(np.concatenate(blocks), posinf=1.0, neginf=-1.0)
    return [np.ascontiguousarray(frames[:, channel]) for channel in range(opened.channels)]
