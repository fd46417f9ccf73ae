"""Tables in narrow and wide terminals, and in pipes."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from tau2.report.terminal.boxes import Box
from tau2.report.terminal.tables import Facts, new_table
from tau2.utils.terminal import terminal

NAMES = ("create_a_task_with_a_rather_long_name_1", "create_a_task_with_a_rather_long_name_2")


def a_table():
    table = new_table(
        *("task", "reward", "messages", "cost", "why"),
        right=("reward", "messages", "cost"),
        names=("task",),
        fold=("why",),
        spare=("cost", "messages"),
    )
    for name in NAMES:
        table.add_row(name, "0.50", "12", "$1.00", "the agent never called update_task_status")
    return table


def lines(view, width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, markup=False, emoji=False)
    console.print(view)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 160])
def test_names_are_whole_and_no_line_is_too_wide(width):
    shown = lines(a_table(), width)
    assert max(map(len, shown)) <= width
    assert all(line == line.rstrip() for line in shown)
    joined = "".join(shown) if width < len(NAMES[0]) else "\n".join(shown)
    assert all(name in joined for name in NAMES)


def test_a_wide_table_shows_every_column_on_one_line():
    header, first, _ = lines(a_table(), 160)
    assert header.split() == ["task", "reward", "messages", "cost", "why"]
    assert first.split()[:4] == [NAMES[0], "0.50", "12", "$1.00"]


def test_texts_give_way_first_then_names_then_columns_that_can_be_spared():
    assert lines(a_table(), 100)[0].split() == ["task", "reward", "messages", "cost", "why"]
    header, columns, *_, last = lines(a_table(), 71)
    assert (header, columns.split()) == ("task", ["reward", "messages", "cost", "why"])
    assert "no room for" not in last
    narrower = lines(a_table(), 30)
    assert narrower[1].split() == ["reward", "why"]
    assert narrower[-1] == "(no room for: messages, cost)"


def test_a_narrow_column_stays_where_a_wide_one_has_made_room():
    table = new_table("a", "narrow", "wide", spare=("narrow", "wide"))
    table.add_row("x" * 10, "1", "y" * 40)
    assert lines(table, 30)[0].split() == ["a", "narrow"]
    assert lines(table, 30)[-1] == "(no room for: wide)"


def test_where_a_name_has_no_room_beside_the_rest_it_stands_above_it():
    header, columns, name, figures, *_ = lines(a_table(), 44)
    assert (header, name) == ("task", NAMES[0])
    assert columns.startswith("  reward")
    assert figures.startswith("    0.50")


def test_a_column_without_figures_is_left_out_without_a_word():
    table = new_table("name", "cost", names=("name",), spare=("cost",))
    table.add_row("x" * 38, "-")
    assert lines(table, 40) == ["name", "x" * 38]


def test_facts_are_wrapped_beside_their_labels():
    facts = Facts()
    facts.add_row("outcomes", "passed 12, agent failure 3")
    assert lines(facts, 28) == ["outcomes  passed 12, agent", "          failure 3"]


def test_in_a_pipe_nothing_is_wrapped_or_boxed(capsys, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    console = terminal()
    console.print(a_table())
    console.print(Box("word " * 100, "a title"))
    table = capsys.readouterr().out.splitlines()
    assert table[1].startswith(f"{NAMES[0]}    0.50")
    assert [line.rstrip() for line in table[3:]] == ["a title", "  " + ("word " * 100).rstrip()]


def test_a_width_that_is_asked_for_holds_in_a_pipe(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    terminal().print(a_table())
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 60
