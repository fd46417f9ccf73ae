"""Counts of nothing, one and two, as people write them."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from rich.console import Group
from tests.unit.report.conftest import a_run, shown, some_results

import tau2
from tau2.metrics.summary import summarize
from tau2.report.display import MarkdownDisplay
from tau2.report.terminal.conversation import conversation_view
from tau2.report.terminal.listing import simulations_table
from tau2.report.terminal.progress import PlainProgress
from tau2.report.terminal.summary import hidden_rows, summary_view
from tau2.runner.events import RunEnded, RunStarted, SimulationStored

ONE_OF_MANY = re.compile(r"(?<![\d.,])1 (?:more )?(?!s\b)[a-z]+[^s\W]s\b")
MANY_OF_ONE = re.compile(
    r"(?<![\d.,])[02] (?:more )?(?:simulation|task|trial|message|character|reward|run)\b"
)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_every_count_agrees_with_its_noun(number, screen):
    runs = [a_run(f"task_{n}", 0.0, termination_reason="max_steps") for n in range(number)]
    results = some_results(*runs)
    progress = PlainProgress(screen)
    progress.started(RunStarted(number, 0, None, "shop: a x u"))
    for done, run in enumerate(runs, 1):
        progress.stored(SimulationStored(run, done, number))
    progress.ended(RunEnded(results, None))
    views = [summary_view(summarize(results)), simulations_table(runs)]
    views += [conversation_view(run) for run in runs]
    text = shown(screen, Group(*views)) + hidden_rows(summarize(results).rows, 0)
    text += "".join(map(MarkdownDisplay.display_simulation, runs))
    assert ONE_OF_MANY.findall(text) == []
    assert MANY_OF_ONE.findall(text) == []


def test_the_patterns_find_what_they_are_for():
    assert ONE_OF_MANY.search("over 1 tasks")
    assert ONE_OF_MANY.search("… and 1 more simulations")
    assert not ONE_OF_MANY.search("1 task, 21 tasks, 1 pass, 0.1 seconds, 1.1 s")
    assert MANY_OF_ONE.search("2 simulation of")


def test_no_text_leaves_the_plural_to_its_reader():
    package = Path(tau2.__file__).parent
    for file in package.rglob("*.py"):
        if "domains" in file.parts:
            continue  # what tools answer is data of a domain
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not re.search(r"[a-z]\(s\)", node.value), (file, node.value[:80])
