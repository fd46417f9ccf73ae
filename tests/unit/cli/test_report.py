"""`tau2 report`, as a user types it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

TASKS = ("--task-ids", "create_task_1", "update_task_1")
ORACLE = ("--domain", "mock", "--agent", "oracle_agent", "--user", "scripted_user", *TASKS)


@pytest.fixture
def runs(tau2):
    tau2("run", *ORACLE, "--save-to", "good")
    tau2("run", *ORACLE, "--agent", "lazy_agent", "--save-to", "bad")


def test_the_file_lies_in_the_runs_folder(tau2, runs):
    ended = tau2("report", "good")
    assert ended.code == 0
    file = Path("data/simulations/good/report.html")
    assert re.fullmatch(rf"wrote {file}: 2 conversations, \d+ kB\n", ended.out)
    assert file.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert tau2("view", "good").code == 0  # a report is no damage to its run


def test_several_runs_on_one_page_where_it_is_wanted(tau2, runs):
    assert tau2("report", "good", "bad", "-o", "both/page.html").code == 0
    html = Path("both/page.html").read_text(encoding="utf-8")
    assert "Side by side" in html
    assert str(Path.cwd()) not in html


def test_figures_as_json(tau2, runs):
    data = json.loads(tau2("report", "good", "bad", "--json", "--max-conversations", "3").out)
    assert (data["file"], data["conversations"], data["left_out"]) == ("report.html", 3, 1)
    assert [run["pass_hat_k"][0]["value"] for run in data["runs"]] == [1.0, 0.0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("goood",), "did you mean 'good'?"),
        (("good", "--max-conversations", "-1"), "cannot be negative"),
        (("good", "--confidence", "95"), "a share between 0.5 and 1"),
    ],
)
def test_mistakes_are_explained(tau2, runs, arguments, said):
    ended = tau2("report", *arguments)
    assert ended.code == 2
    assert said in ended.err


def test_a_browser_is_started_when_asked(tau2, runs, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda address: not opened.append(address))
    assert tau2("report", "good", "--open").code == 0
    assert opened[0].startswith("file://")
    monkeypatch.setattr("webbrowser.open", lambda _: False)
    assert "no browser can be started" in tau2("report", "good", "--open").err
