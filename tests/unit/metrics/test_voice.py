"""The figures of spoken runs, and where they are shown."""

from __future__ import annotations

import io

from rich.console import Console
from tests.calls import a_call
from tests.unit.report.conftest import a_run, some_results

from tau2.data_model.audio import AudioNativeConfig, LocalConfig
from tau2.metrics.summary import participants, summarize
from tau2.metrics.voice import voice_figures
from tau2.report.terminal.summary import summary_view

CALL = ("uuuu..........uuuu......", "......aaaaaaaaaaa...aaaa")


def spoken(task_id: str, heard: str, reward: float):
    ticks = a_call(*CALL)
    for tick, words in zip(ticks, ("My", " order", " is", " W23."), strict=False):
        assert tick.user_chunk is not None
        tick.user_chunk.content = words
    ticks[5].user_transcript = heard
    return a_run(task_id, reward, ticks=ticks)


def test_failures_of_hearing_and_others_are_told_apart():
    figures = voice_figures(
        [
            spoken("deaf", "my order is w two four", 0.0),
            spoken("dull", "my order is w two three", 0.0),
            spoken("fine", "my order is w two three", 1.0),
            a_run("text", 0.0),
        ]
    )

    assert figures is not None
    assert figures.num_calls == 3
    assert (figures.failures_misheard, figures.failures_heard) == (1, 1)
    lines = figures.lines()
    assert lines["agent heard"] == "5.6% of 18 words wrong, 2 of 3 values right"
    assert lines["lost"] == "2 failures: 1 with a misheard value, 1 with every value heard"
    assert lines["latency"] == "0.40 s to answer, 0.60 s to yield"
    assert lines["interruptions"] == "by the agent 0, by the user 3 (the agent yielded to 3)"


def test_what_was_metered_is_added_up():
    usage = {
        "records": [
            {"component": "tts", "audio_output_seconds": 30.0, "characters": 250},
            {"component": "stt", "audio_input_seconds": 60.0},
            {"input_audio_tokens": 400, "output_audio_tokens": 600},
            {"characters": float("nan"), "audio_output_seconds": "no"}, "junk",
        ]
    }  # fmt: skip
    run = a_run(ticks=a_call(*CALL), info={"voice": {"usage": usage}})

    figures = voice_figures([run, run])

    assert figures is not None
    assert figures.lines()["speech"] == (
        "2.0 minutes heard, 1.0 minutes spoken, 2,000 audio tokens, 500 characters synthesized"
    )


def test_the_agent_of_a_call_is_who_speaks_for_it():
    results = some_results(a_run())
    results.info.audio_native_config = AudioNativeConfig(provider="openai", model="gpt-realtime")
    assert participants(results)[0] == "openai (gpt-realtime)"

    local = LocalConfig(agent="llm_agent", llm="a-model")
    results.info.audio_native_config = AudioNativeConfig(provider="local", local_config=local)
    assert participants(results)[0] == "local: llm_agent (a-model)"


def test_a_text_run_has_none():
    assert voice_figures([a_run()]) is None
    assert "voice" not in summarize(some_results(a_run())).as_dict()


def test_the_summary_shows_them_within_eighty_columns():
    summary = summarize(some_results(spoken("one", "my order is w two four", 0.0)))
    console = Console(file=io.StringIO(), width=80)
    console.print(summary_view(summary))
    shown = console.file.getvalue()

    assert "0.40 s to answer" in shown
    assert "0 of 1 value right" in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert summary.as_dict()["voice"]["agent_heard"]["misheard_values"] == 1
