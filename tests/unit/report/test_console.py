from __future__ import annotations

import io
import os
from pathlib import Path

from tests.planted import ESCAPES, NAME_WITH_LINES, forged_in, raw_in
from tests.unit.report.conftest import a_run, some_results

from tau2.report.terminal.console import (
    DISPLAYS,
    ConsoleSink,
    quiet,
    result_line,
    save_name,
    terminal,
)
from tau2.report.terminal.progress import LiveProgress, NoProgress
from tau2.runner.events import (
    RunDamaged,
    RunEnded,
    RunPreparing,
    RunStarted,
    RunStopping,
    SimulationRetried,
    SimulationStored,
)
from tau2.utils.terminal import Terminal


def events(folder=None):
    run = a_run("buy")
    yield RunStarted(1, 0, folder, "shop: a x u")
    yield SimulationStored(run, 1, 1)
    yield RunEnded(some_results(run), folder)


def test_a_run_is_shown_from_its_events(screen):
    sink = ConsoleSink(screen)
    for event in events(Path("somewhere/run")):
        sink(event)
    text = screen.file.getvalue()
    assert text.startswith("shop: a x u: 1 simulation\n[1/1] ✓ buy")
    assert "average reward  1.000  over 1 of 1 simulation" in text
    assert "saved to somewhere/run" in text
    assert sink.summary.num_scored == 1


def test_a_run_in_memory_says_so(screen):
    sink = ConsoleSink(screen, progress=NoProgress())
    for event in events():
        sink(event)
    assert "not saved: no folder was given" in screen.file.getvalue()


def test_quiet_keeps_the_summary_and_shows_nothing(capsys):
    sink = quiet()
    for event in events(Path("runs/r")):
        sink(event)
    sink.close()
    assert capsys.readouterr().out == ""
    assert (
        result_line(sink.summary) == "average reward 1.000 over 1 of 1 simulation; saved to runs/r"
    )


def test_a_result_without_a_score_is_no_zero():
    sink = quiet()
    sink(RunEnded(some_results(a_run("a", None)), None))
    assert result_line(sink.summary).startswith("no scored simulation among 1 simulation;")


def test_the_display_is_found_by_name():
    from tau2.registry import registry

    assert registry.displays.get("console") in DISPLAYS
    assert isinstance(registry.displays.get("console").make(), ConsoleSink)


def test_a_run_is_named_by_its_folder_where_runs_are_saved(workplace):
    assert save_name(Path("data/simulations/first")) == "first"
    assert save_name(workplace / "other") == str(workplace / "other")


def test_a_reader_that_leaves_does_not_stop_the_work(monkeypatch):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as closed:
        console = terminal()
        console.file = closed
        console.print("nobody reads this")
        console.print("nor this")
    assert console.quiet


def test_a_stream_without_unicode_gets_what_it_can_show(monkeypatch):
    narrow = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", narrow)
    sink = ConsoleSink()
    for event in events():
        sink(event)
    narrow.flush()
    assert b"[1/1] passed buy: 1.00" in narrow.buffer.getvalue()


def test_a_live_display_shows_nothing_hostile():
    """The bar, its lines and the notes above it: only the console's own sequences are there."""
    console = Terminal(file=io.StringIO(), force_terminal=True, width=120, markup=False)
    sink = ConsoleSink(console, progress=LiveProgress(console))
    run = a_run(NAME_WITH_LINES, info={"error": NAME_WITH_LINES})
    for event in (
        RunStarted(2, 0, Path(NAME_WITH_LINES), NAME_WITH_LINES),
        RunDamaged((NAME_WITH_LINES,)),
        SimulationRetried(NAME_WITH_LINES, 0, 1, NAME_WITH_LINES),
        SimulationStored(run, 1, 2),
        RunStopping(1),
        RunEnded(some_results(run), Path("runs") / NAME_WITH_LINES.replace("/", "")),
    ):
        sink(event)
    sink.close()
    text = console.file.getvalue()
    assert set(raw_in(text)) <= {"U+001B", "U+000D"}  # of the console: colours, and the cursor
    assert "[bold]b[/bold]" in text
    assert not [sequence for sequence in ESCAPES.values() if sequence in text]
    assert not forged_in(text)


def test_what_a_quiet_run_has_to_say_is_not_among_its_results(capsys):
    sink = quiet()
    sink(RunPreparing("starting Ray"))
    assert capsys.readouterr() == ("", "starting Ray\n")
