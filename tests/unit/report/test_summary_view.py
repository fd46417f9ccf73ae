from __future__ import annotations

import re

from tests.unit.report.conftest import a_run, shown, some_results

from tau2.metrics.summary import summarize
from tau2.report.terminal.summary import hidden_rows, shown_rows, summary_view


def test_the_summary_of_a_run(screen):
    runs = [
        a_run("buy", 1.0, 0),
        a_run("buy", 0.0, 1),
        a_run("sell", 1.0, 0),
        a_run("sell", None, 1),
    ]
    text = shown(screen, summary_view(summarize(some_results(*runs, num_trials=2))))
    assert "buy     0.50     1/2         4  DB" in text
    assert "sell    1.00     1/1         4  not scored" in text
    average = " ".join(text.partition("average reward")[2].partition("pass^1")[0].split())
    assert average.startswith("0.667 over 3 of 4 simulations (the rest not scored), 95 % interval ")
    assert re.search(
        r"pass\^1 +0\.750 +over 2 tasks, 95 % interval 0\.\d{3} … 1\.\d{3}", " ".join(text.split())
    )
    assert "ended by        user_stop 3, infrastructure_error 1" in text
    assert "  sell trial 1" in [line.rstrip() for line in text.splitlines()]


def test_one_task_is_no_plural(screen):
    text = shown(screen, summary_view(summarize(some_results(a_run()))))
    assert "over 1 task " in text or "over 1 task\n" in text


def test_when_nothing_was_scored_there_is_no_average(screen):
    text = shown(screen, summary_view(summarize(some_results(a_run("a", None)))))
    assert "no scored simulation" in text


def test_simulations_that_failed_alike_are_named_together(screen):
    runs = [
        a_run(f"task_{n}", None, info={"error": "no route", "error_type": "Gone"})
        for n in range(14)
    ]
    text = shown(screen, summary_view(summarize(some_results(*runs))))
    assert text.count("Gone: no route") == 1
    assert "(+4 more)" in " ".join(text.split())


def test_of_many_tasks_those_that_lost_something_are_shown():
    runs = [a_run(f"good_{n}") for n in range(50)] + [a_run(f"bad_{n}", 0.0) for n in range(5)]
    rows = summarize(some_results(*runs)).rows
    names = [row.task_id for row in shown_rows(rows)]
    assert len(names) == 30
    assert names[:5] == [f"bad_{n}" for n in range(5)]
    assert names[-2:] == ["good_23", "good_24"]
    assert hidden_rows(rows) == "25 more tasks: 25 with full reward"


def test_too_many_failures_are_counted(screen):
    rows = summarize(some_results(*[a_run(f"bad_{n}", 0.0) for n in range(40)])).rows
    assert hidden_rows(rows) == "10 more tasks: 0 with full reward, 10 without"
    assert hidden_rows(rows[:3]) == ""


def test_a_long_name_is_whole_in_every_width(screen):
    name = "task_" + "x" * 60
    view = summary_view(summarize(some_results(a_run(name, 0.0))))
    assert f"\n{name}\n" in shown(screen, view)
    screen.width = 200
    assert f"{name}    0.00" in shown(screen, view)


def test_markup_in_names_is_text(screen):
    text = shown(screen, summary_view(summarize(some_results(a_run("[red]a[/red]")))))
    assert "[red]a[/red]" in text
