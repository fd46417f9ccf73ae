from __future__ import annotations

import io

from rich.console import Console
from tests.unit.report.conftest import a_priced_run, a_run, some_results

from tau2.report.terminal.progress import (
    LiveProgress,
    NoProgress,
    NotebookProgress,
    PlainProgress,
    Tally,
    outcome,
    progress_for,
    span,
)
from tau2.runner.events import (
    RunEnded,
    RunStarted,
    SimulationRetried,
    SimulationStarted,
    SimulationStored,
)


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def begun(total: int = 4, already_done: int = 0) -> RunStarted:
    return RunStarted(total, already_done, None, "shop: a x u")


def test_the_pace_so_far_tells_what_is_left():
    clock = Clock()
    tally = Tally(clock)
    tally.begin(begun(total=10, already_done=4))
    assert tally.remaining is None
    clock.now += 6
    tally.add(SimulationStored(a_run(), 6, 10))
    assert tally.remaining == 12.0
    assert "ETA 0:00:12" in tally.figures()


def test_rewards_costs_and_troubles_are_counted():
    tally = Tally(Clock())
    tally.begin(begun())
    assert tally.figures() == ["reward -", "0:00:00"]
    tally.add(SimulationStored(a_priced_run(0.25), 1, 4))
    tally.add(SimulationStored(a_run(reward=0.0), 2, 4))
    assert "reward 0.500" in tally.figures()
    assert "cost $0.2500" in tally.figures()
    tally.add(SimulationStored(a_priced_run(None), 3, 4))
    assert "cost at least $0.2500" in tally.figures()
    tally.add(SimulationStored(a_run(reward=None), 4, 4))
    assert "1 not scored" in tally.figures()


def test_an_unknown_cost_is_said_to_be_unknown():
    tally = Tally(Clock())
    tally.begin(begun())
    tally.add(SimulationStored(a_priced_run(None), 1, 4))
    assert "cost unknown" in tally.figures()


def test_a_short_run_has_a_line_for_everything(screen):
    progress = PlainProgress(screen, Clock())
    progress.started(begun(already_done=1))
    progress.stored(SimulationStored(a_run("good"), 2, 4))
    progress.retried(SimulationRetried("bad", 0, 1, "no route\nto host"))
    progress.stored(SimulationStored(a_run("bad", 0.0, trial=2), 3, 4))
    progress.stored(SimulationStored(a_run("ugly", None), 4, 4))
    progress.ended(RunEnded(some_results(a_run()), None))
    assert screen.file.getvalue().splitlines() == [
        "shop: a x u: 4 simulations, 1 already done",
        "[2/4] ✓ good: 1.00, 4 messages, 1.0 s",
        "  bad: trying again: no route to host",
        "[3/4] ✗ bad trial 2: 0.00 (DB), 4 messages, 1.0 s",
        "[4/4] ! ugly: not scored, it was never graded",
    ]


def test_a_long_run_has_a_line_every_half_minute_and_at_the_end(screen):
    clock = Clock()
    progress = PlainProgress(screen, clock)
    progress.started(begun(total=1000))
    for done in range(1, 1001):
        progress.stored(SimulationStored(a_run(), done, 1000))
        clock.now += 0.1
    progress.close()
    lines = screen.file.getvalue().splitlines()
    assert lines[-1] == "[1000/1000] reward 1.000, 0:01:40"
    assert len(lines) == 6  # the title, the first, three times 30 s, and the last one
    assert lines[1].startswith("[1/1000] reward 1.000, 0:00:00, ETA")
    assert ", 0:00:30, ETA 0:01:10" in lines[2]


def test_while_nothing_is_finished_the_oldest_in_flight_is_named(screen):
    clock = Clock()
    progress = PlainProgress(screen, clock)
    progress.started(begun(total=100))
    progress.playing(SimulationStarted("slow", 0))
    clock.now += 10
    progress.playing(SimulationStarted("quick", 0))
    progress.still()
    clock.now += 21
    progress.retried(SimulationRetried("quick", 0, 1, "429 too many requests"))
    progress.still()
    progress.still()
    progress.close()
    assert screen.file.getvalue().splitlines()[1:] == [
        (
            "[0/100] reward -, 0:00:31, 2 in flight (oldest: slow, 0:00:31), 1 retried, "
            "retried 1 × 429 too many requests"
        )
    ]


def test_a_task_whose_id_is_a_number_is_called_a_task():
    tally = Tally(Clock())
    tally.begin(begun())
    tally.play(SimulationStarted("7", 0))
    assert tally.in_flight == "1 in flight (oldest: task 7, 0:00:00)"
    assert "task 7: 1.00" in outcome(a_run("7")).plain


def test_a_finished_simulation_is_no_longer_in_flight():
    tally = Tally(Clock())
    tally.begin(begun())
    tally.play(SimulationStarted("good", 0))
    assert tally.in_flight == "1 in flight (oldest: good, 0:00:00)"
    tally.add(SimulationStored(a_run("good"), 1, 4))
    assert tally.in_flight == ""


def test_tokens_are_told_per_second():
    clock = Clock()
    tally = Tally(clock)
    tally.begin(begun())
    tally.add(SimulationStored(a_priced_run(0.25), 1, 4))
    clock.now += 2
    assert f"{tally.tokens / 2:,.0f} tokens/s" in tally.figures()
    assert tally.tokens > 0


def test_a_terminal_gets_a_bar_that_disappears():
    terminal = Console(file=io.StringIO(), width=80, force_terminal=True)
    progress = progress_for(terminal)
    assert isinstance(progress, LiveProgress)
    progress.started(begun())
    progress.stored(SimulationStored(a_run("[red]odd[/red]"), 1, 4))
    progress.retried(SimulationRetried("t", 0, 1, "e"))
    progress.ended(RunEnded(some_results(a_run()), None))
    progress.close()
    drawn = terminal.file.getvalue()
    assert "shop: a x u" in drawn
    assert "[red]odd[/red]: 1.00" in drawn
    assert "1 retried" in drawn
    assert "retried 1 × e" in drawn
    assert drawn.endswith("\x1b[2K")  # the last thing it does is to wipe its lines


def test_elsewhere_there_are_lines(screen):
    assert isinstance(progress_for(screen), PlainProgress)


def test_progress_that_nobody_watches_shows_nothing():
    progress = NoProgress()
    progress.started(begun())
    progress.stored(SimulationStored(a_run(), 1, 4))
    progress.retried(SimulationRetried("t", 0, 1, "e"))
    progress.ended(RunEnded(some_results(a_run()), None))
    progress.close()


def test_durations_are_written_with_hours():
    assert span(3725.4) == "1:02:05"


def test_a_notebook_has_one_text_that_is_replaced():
    clock = Clock()
    shown: list[str] = []
    progress = NotebookProgress(clock, shown.append)
    progress.started(begun(total=1000))
    for done in range(1, 1001):
        clock.now += 0.01
        progress.stored(SimulationStored(a_run(f"task_{done}"), done, 1000))
    progress.ended(RunEnded(some_results(a_run()), None))
    assert len(shown) < 60, "a drawing for each quarter of a second"
    assert "1,000/1,000" in shown[-1]
    assert "reward 1.000" in shown[-1]
    assert max(len(text.splitlines()) for text in shown) < 10
