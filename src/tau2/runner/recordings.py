"""The recordings of calls, in the folder of their run.

`<run>/artifacts/task_<task>/sim_<simulation>/audio/both.wav`: the user is on the left, the agent on
the right. `labels.txt` beside it says who says what when, as Audacity reads it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tau2.data_model.message import Tick
from tau2.data_model.simulation import SimulationRun, VoiceRunConfig
from tau2.data_model.utterances import TICK_SECONDS, Speaker, utterances
from tau2.runner.task_log import artifacts_folder, as_name
from tau2.storage.files import make_within

if TYPE_CHECKING:
    from tau2.voice.audio.recording import AudioTaps

logger = logging.getLogger(__name__)

AUDIO_NAME = "audio"
TAPS_NAME = "taps"
_MS_PER_SECOND = 1000
_NAMES: Mapping[Speaker, str] = {"user": "user", "assistant": "agent"}


def audio_folder(saved: Path, task_id: str, simulation_id: str) -> Path:
    """Return the folder of a call's audio, in the run that is saved at `saved`."""
    names = (f"task_{as_name(task_id)}", f"sim_{as_name(simulation_id)}")
    return artifacts_folder(saved).joinpath(*names, AUDIO_NAME)


def keep_recording(run: SimulationRun, saved: Path) -> None:
    """Write the recording of a call that was just played, and forget its audio.

    A disk that fails costs the recording, not the simulation. Raise MissingExtra.
    """
    from tau2.voice.audio.recording import (  # noqa: PLC0415  -- needs the extra
        LABELS,
        RECORDING,
        AudioTaps,
        Label,
        write_labels,
        write_recording,
    )

    ticks = run.ticks or []
    if not ticks:
        return
    folder = audio_folder(saved, run.task_id, run.id)
    tick_ms = round(_tick_seconds(ticks) * _MS_PER_SECOND)
    try:
        make_within(artifacts_folder(saved).parent, folder)
        write_recording(folder / RECORDING, _both_sides(ticks), tick_ms=tick_ms)
        write_labels(folder / LABELS, [Label(*label) for label in _labels(ticks)])
        if (folder / TAPS_NAME).is_dir():
            with AudioTaps(folder / TAPS_NAME) as taps:
                taps.add_call(_both_sides(ticks), tick_ms=tick_ms)
    except OSError as problem:
        logger.warning("%s: the call is not recorded: %s", folder, problem)
    for tick in ticks:
        for chunk in (tick.user_chunk, tick.agent_chunk):
            if chunk is not None:
                chunk.audio_content = None


def _tick_seconds(ticks: list[Tick]) -> float:
    return ticks[0].tick_duration_seconds or TICK_SECONDS


def _both_sides(ticks: list[Tick]) -> Iterator[tuple[bytes | None, bytes | None]]:
    for tick in ticks:
        user = tick.user_chunk.audio_content if tick.user_chunk is not None else None
        agent = tick.agent_chunk.audio_content if tick.agent_chunk is not None else None
        yield user, agent


def _labels(ticks: list[Tick]) -> Iterator[tuple[float, float, str]]:
    """Yield when each utterance is heard, in seconds, and what it says."""
    seconds = _tick_seconds(ticks)
    for speaker, name in _NAMES.items():
        for said in utterances(ticks, speaker):
            yield said.start * seconds, said.end * seconds, f"{name}: {said.text}"


def taps_of(
    config: VoiceRunConfig, saved: Path | None, task_id: str, simulation_id: str
) -> AudioTaps | None:
    """Return what keeps the audio of every stage of a call; None unless the run asks for it."""
    if saved is None or not (config.audio_taps or config.audio_debug):
        return None
    from tau2.voice.audio.recording import AudioTaps  # noqa: PLC0415  -- needs the extra

    return AudioTaps(audio_folder(saved, task_id, simulation_id) / TAPS_NAME)
