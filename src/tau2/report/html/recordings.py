"""The recordings of calls in a page: so many minutes are part of it, the others are linked."""

from __future__ import annotations

import base64
import io
import os
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from markupsafe import Markup

from tau2.data_model.simulation import SimulationRun
from tau2.errors import DataFileError, needs_extra
from tau2.metrics.timeline import tick_seconds_of
from tau2.report.recordings import recording_of

DEFAULT_AUDIO_MINUTES = 30.0
"""Of recordings in a page: about 4 MB."""

_FRAMES = 1 << 16  # read at a time


class Recordings:
    """Gathers the recordings of a page; those that are added first are kept in it."""

    def __init__(self, folder: Path | None, most_seconds: float) -> None:
        """Keep at most so many seconds; link the others from a page in `folder`."""
        self.packed: dict[str, Markup] = {}
        """Id of an element → an MP3 file in base64."""
        self.linked = 0
        self._folder = folder
        self._left = most_seconds

    def add(self, name: str, run: SimulationRun, path: Path | None) -> dict[str, str] | None:
        """Return how a page plays a call: {"id": element}, {"src": address}, or a {"problem"}.

        None where there is no recording, or the page cannot reach it.

        Args:
            name: The id of the element that would hold the recording.
            run: A simulation with ticks.
            path: Where its run is stored.
        """
        file = recording_of(path, run) if path is not None else None
        if file is None:
            return None
        ticks = run.ticks or []
        seconds = len(ticks) * tick_seconds_of(ticks)
        # To compress a recording needs an optional package; links need none.
        if seconds <= self._left and find_spec("soundfile") is not None:
            self._left -= seconds
            try:
                content = compressed(file)
            except DataFileError as problem:
                return {"problem": str(problem)}
            encoded = base64.b64encode(content).decode()
            self.packed[name] = Markup(encoded)  # noqa: S704  -- letters and digits alone
            return {"id": name}
        if self._folder is None:
            return None
        self.linked += 1
        relative = Path(os.path.relpath(file.resolve(), self._folder.resolve()))
        return {"src": quote(relative.as_posix())}


def compressed(file: Path) -> bytes:
    """Return an audio file as MP3, about 2 kB a second for a call.

    Raise DataFileError for a file that is no audio.
    """
    with needs_extra("voice", "soundfile"):
        import soundfile  # noqa: PLC0415  -- only where a recording is embedded

    buffer = io.BytesIO()
    try:
        with (
            soundfile.SoundFile(file) as source,
            soundfile.SoundFile(
                buffer,
                "w",
                source.samplerate,
                source.channels,
                "MPEG_LAYER_III",
                format="MP3",
                compression_level=0.5,
                bitrate_mode="VARIABLE",
            ) as target,
        ):
            while len(block := source.read(_FRAMES, dtype="float32")):
                target.write(block)
    except soundfile.SoundFileError as problem:
        raise DataFileError(f"{file}: this recording cannot be read: {problem}") from problem
    return buffer.getvalue()
