"""The page of a spoken simulation: its timeline, its words, and its recording."""

from __future__ import annotations

import io
import json
import re
import wave
import zlib
from base64 import b64decode
from pathlib import Path

import pytest
from tests.calls import a_call, with_call
from tests.unit.report.conftest import a_run, some_results

from tau2.report.cleaner import Cleaner
from tau2.report.html import ReportedRun, report_page, run_figures, summary_line
from tau2.report.html.conversation import conversation_data

CALL = ("uuuu........bb......uuuuu....", "......aaaaaaaaaaaaaaaaxa..aaa")


def spoken(**fields):
    ticks = a_call(*CALL)
    with_call(ticks, 5, failed=True)
    ticks[5].user_transcript = "you you who you"
    return a_run("spoken", ticks=ticks, messages=None, **fields)


def data_of(run) -> dict:
    return conversation_data(run, None, (), Cleaner())


def test_the_timeline_has_what_was_drawn():
    call = data_of(spoken())["call"]

    assert call["seconds"] == 5.8
    assert [segment[:3] for segment in call["segments"]] == [
        [1, 0.0, 0.8], [0, 1.2, 4.8], [1, 2.4, 2.8], [1, 4.0, 5.0], [0, 5.2, 5.8]
    ]  # fmt: skip
    assert [segment[4] for segment in call["segments"]] == [
        "", "cut off", "backchannel", "interrupts", ""
    ]  # fmt: skip
    assert call["overlaps"] == [[2.4, 2.8], [4.0, 4.8]]
    assert call["tools"] == [[1.0, 'look(order="#W1")', True]]
    assert call["cuts"] == [[4.4, None]]
    assert call["audio"] is None


def test_the_conversation_is_in_the_order_of_time():
    messages = data_of(spoken())["messages"]

    assert [(one["who"], one["at"]) for one in messages] == [
        ("user", 0.0), ("agent", 1.0), ("agent", 1.2), ("user", 2.4), ("user", 4.0), ("agent", 5.2)
    ]  # fmt: skip
    assert messages[1]["calls"][0]["result"] == "pending"
    assert messages[0]["heard"] == [["you", 1], ["you", 1], ["who", 0], ["you", 1]]


def test_how_long_the_call_was_and_what_was_misheard_are_facts():
    facts = dict(data_of(spoken())["facts"])

    assert facts["call"] == "0:06"
    assert facts["agent heard"] == "25.0% of 4 words wrong"


def test_a_stored_timeline_of_effects_is_shown_instead_of_those_of_ticks():
    timeline = {
        "events": [
            {"effect_type": "burst_noise", "start_ms": 1000, "end_ms": 1600,
             "params": {"kind": "horn"}},
            {"effect_type": "background_noise", "start_ms": 0, "end_ms": None},
            {"effect_type": 3, "start_ms": 0}, "junk",
            {"effect_type": "odd", "start_ms": float("nan"), "end_ms": 1e300},
        ]
    }  # fmt: skip
    call = data_of(spoken(effect_timeline=timeline))["call"]

    assert call["effects"] == [[1, 1.0, 1.6, "burst noise: horn"]]
    assert call["always"] == ["background noise", "odd"]


def test_a_text_run_has_no_timeline():
    assert data_of(a_run())["call"] is None


# --- the page -------------------------------------------------------------------------------------


def stored(folder: Path, run, seconds: float = 5.8) -> ReportedRun:
    """Store a spoken run with its recording."""
    results = some_results(run)
    results.save(folder / "results.json")
    file = folder / "artifacts" / "task_spoken" / f"sim_{run.id}" / "audio" / "both.wav"
    file.parent.mkdir(parents=True)
    with wave.open(str(file), "wb") as opened:
        opened.setnchannels(2)
        opened.setsampwidth(2)
        opened.setframerate(8000)
        opened.writeframes(b"\1\0\1\0" * int(8000 * seconds))
    return ReportedRun(results, run_figures(results, None, "one", resamples=10), folder)


def embedded(html: str, name: str) -> bytes:
    found = re.search(f'id="{name}">([^<]+)<', html)
    assert found is not None
    return b64decode(found[1])


def conversation_in(html: str) -> dict:
    return json.loads(zlib.decompress(embedded(html, "d0-0")))


def test_the_recording_is_part_of_the_page(tmp_path):
    soundfile = pytest.importorskip("soundfile")
    page = report_page([stored(tmp_path, spoken())], folder=tmp_path)

    assert conversation_in(page.html)["call"]["audio"] == {"id": "a0-0"}
    with soundfile.SoundFile(io.BytesIO(embedded(page.html, "a0-0"))) as recording:
        assert (recording.format, recording.channels, recording.samplerate) == ("MP3", 2, 8000)
        assert recording.frames / 8000 == pytest.approx(5.8, abs=0.3)
    assert "1 recording" in summary_line(page)


def test_a_recording_beyond_the_limit_is_linked(tmp_path):
    below = tmp_path / "with space"
    page = report_page([stored(below, spoken())], audio_minutes=0.05, folder=tmp_path)

    link = conversation_in(page.html)["call"]["audio"]["src"]
    assert link == "with%20space/artifacts/task_spoken/sim_spoken-0/audio/both.wav"
    assert "1 recording linked" in summary_line(page)


def test_a_damaged_recording_is_said_and_costs_no_more(tmp_path):
    pytest.importorskip("soundfile")
    run = stored(tmp_path, spoken())
    (file,) = tmp_path.rglob("both.wav")
    file.write_bytes(b"RIFF junk")

    audio = conversation_in(report_page([run], folder=tmp_path).html)["call"]["audio"]

    assert "cannot be read" in audio["problem"]


def test_the_id_of_a_foreign_run_leads_nowhere(tmp_path):
    outside = tmp_path / "secret"
    run = stored(tmp_path / "run", spoken(id="../../../../secret"))
    outside.mkdir()

    assert conversation_in(report_page([run], folder=tmp_path).html)["call"]["audio"] is None


def test_the_overview_has_the_figures_of_calls(tmp_path):
    html = report_page([stored(tmp_path, spoken())], folder=tmp_path).html

    assert "<h3>Calls</h3>" in html
    assert "25.0% of 4 words wrong" in html
    assert "vocal tics ignored" in html


def test_only_a_page_with_calls_may_play_anything(tmp_path):
    text = some_results(a_run())
    silent = report_page([ReportedRun(text, run_figures(text, None, "text", resamples=10))])
    page = report_page([stored(tmp_path, spoken())], folder=tmp_path)

    assert "media-src" not in silent.html.partition("<style>")[0]
    assert "media-src 'self' file: blob:;" in page.html.partition("<style>")[0].replace(
        "&#39;", "'"
    )
