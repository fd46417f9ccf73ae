"""The pages of runs: listed, followed while they are played, and opened as reports."""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from pathlib import Path

import pytest
from tests.unit.report.conftest import a_run, some_results
from tests.unit.service.browsing import Browser

from tau2 import TextRunConfig
from tau2.errors import UnknownName
from tau2.runner import run_tasks
from tau2.runner.events import SimulationStored
from tau2.runner.tasks import configured_tasks
from tau2.service.runs import RunsFolder, State, _Tail
from tau2.storage.journal import JOURNAL_NAME
from tau2.storage.lock import RunLock

CONFIG = TextRunConfig(
    domain="mock", agent="oracle_agent", user="scripted_user", num_tasks=3, max_concurrency=1
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with a run that is done, one that was stopped, and one that cannot be read."""
    place = tmp_path_factory.mktemp("runs")

    def copy_when_two_are_stored(event) -> None:
        if isinstance(event, SimulationStored) and event.done == 2:
            ignored = shutil.ignore_patterns("run.lock", "run.owner")
            shutil.copytree(place / "done", place / "stopped", ignore=ignored)

    run_tasks(
        CONFIG, configured_tasks(CONFIG), save_dir=place / "done", sink=copy_when_two_are_stored
    )
    (place / "broken").mkdir()
    (place / "broken" / "results.json").write_text("<b>no json</b>")
    for age, name in enumerate(("stopped", "done", "broken"), 1):
        os.utime(place / name / "results.json", (1e9 - age, 1e9 - age))
    return place


@pytest.fixture
def browser(folder) -> Browser:
    return Browser(["mock"], folder)


def test_runs_are_listed_newest_first_with_how_far_they_are(browser):
    page = browser.get("-", "runs").text
    places = [page.index(f"/secret/-/runs/{name}") for name in ("stopped", "done", "broken")]
    assert places == sorted(places)
    assert "stopped before its end" in page
    assert "2 of 3" in page
    assert "oracle_agent × scripted_user" in page
    assert "gpt" not in page, "no model is called"
    assert "cannot be read" in page


def test_a_run_has_a_page_with_its_figures_and_latest_simulations(browser):
    page = browser.get("-", "runs", "done").text
    assert "1.000 over 3 simulations" in page
    assert page.index("create_task_1_nl_eval") < page.index('<td class="id">create_task_1</td>')
    part = browser.get("-", "runs", "done", part="live").text
    assert "<html" not in part
    assert "1.000 over 3 simulations" in part


def test_a_run_is_followed_while_it_is_played(tmp_path):
    runs = RunsFolder(tmp_path)
    seen = []

    def look(event) -> None:
        if isinstance(event, SimulationStored):
            seen.append(runs.line("live"))

    run_tasks(CONFIG, configured_tasks(CONFIG), save_dir=tmp_path / "live", sink=look)
    assert [(line.state, line.done, line.total) for line in seen] == [
        (State.PLAYING, number, 3) for number in (1, 2, 3)
    ]
    after = runs.line("live")
    assert (after.state, after.done, after.average) == (State.DONE, 3, 1.0)


def test_a_run_whose_process_was_killed_is_not_under_way(folder, tmp_path):
    shutil.copytree(folder / "stopped", tmp_path / "killed")
    lock = tmp_path / "killed" / "run.lock"
    lock.touch()  # a killed process leaves the file, but holds it no more
    assert RunsFolder(tmp_path).line("killed").state is State.STOPPED
    lock.unlink()
    with RunLock(lock):
        assert RunsFolder(tmp_path).line("killed").state is State.PLAYING


def test_a_run_that_ended_with_simulations_missing_is_not_done(folder, tmp_path):
    shutil.copytree(folder / "done", tmp_path / "short")
    stored = tmp_path / "short" / "results.json"
    data = json.loads(stored.read_text())
    del data["simulation_index"][0]
    stored.write_text(json.dumps(data))
    line = RunsFolder(tmp_path).line("short")
    assert (line.state, line.progress) == (State.STOPPED, "2 of 3")


def test_of_a_journal_only_what_was_appended_is_read(folder, tmp_path):
    whole = (folder / "stopped" / JOURNAL_NAME).read_bytes()
    lines = whole.splitlines(keepends=True)
    journal = tmp_path / JOURNAL_NAME
    tail = _Tail(journal)
    tail.read_on()
    assert tail.simulations == []
    journal.write_bytes(b"".join(lines[:-1]) + lines[-1][:30])
    tail.read_on()
    assert len(tail.simulations) == 1, "the last line is still being written"
    with journal.open("ab") as file:
        file.write(lines[-1][30:])
    tail.read_on()
    assert len(tail.simulations) == 2
    journal.write_bytes(lines[0])
    tail.read_on()
    assert tail.simulations == [], "it was replaced by a shorter one"


def test_names_of_runs_and_tasks_are_text(tmp_path):
    hostile = "<img src=x onerror=alert(1)>"
    some_results(a_run(hostile, id="one")).save(tmp_path / "a<b>", "dir")
    browser = Browser(["mock"], tmp_path)
    for parts in (("-", "runs"), ("-", "runs", "a<b>")):
        page = browser.get(*parts).text
        assert "<img src=x" not in page
        assert "a<b>" not in page
        assert "a&lt;b&gt;" in page


@pytest.mark.skipif(os.name == "nt", reason="names are bytes on POSIX only")
def test_what_is_no_run_hides_no_run(tmp_path):
    some_results(a_run("one", id="one")).save(tmp_path / os.fsdecode(b"na\xffme"), "dir")
    (tmp_path / "broken.json").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.json")
    browser = Browser(["mock"], tmp_path)
    page = browser.get("-", "runs").text
    assert "1 in " in page
    assert "na\ufffdme" in page
    assert browser.get("-", "runs", "na\ufffdme").status_code == 200


def test_a_record_may_be_longer_than_what_is_read_at_a_time(folder, tmp_path, monkeypatch):
    shutil.copy(folder / "stopped" / JOURNAL_NAME, tmp_path)
    monkeypatch.setattr("tau2.service.runs._MOST_READ", 7)
    tail = _Tail(tmp_path / JOURNAL_NAME)
    tail.read_on()
    assert len(tail.simulations) == 2


def test_the_report_of_a_run_is_opened_under_its_own_policy(browser):
    answer = browser.get("-", "runs", "done", "report")
    assert answer.status_code == 200
    assert "Tasks and trials" in answer.text
    policy = answer.headers["content-security-policy"]
    assert policy.count("sha256-") == 2
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-frame-options"] == "DENY"


def test_a_report_that_takes_long_is_waited_for_by_a_page(folder, monkeypatch):
    go_on = threading.Event()

    def slow(_self, _file, _name) -> tuple[str, str]:
        go_on.wait(10)
        return "<p>made</p>", "default-src 'none'"

    monkeypatch.setattr(RunsFolder, "_made", slow)
    monkeypatch.setattr("tau2.service.app._REPORT_SECONDS", 0.01)
    browser = Browser(["mock"], folder)
    first = browser.get("-", "runs", "done", "report")
    assert first.status_code == 202
    assert 'http-equiv="refresh"' in first.text
    go_on.set()


def test_what_there_is_not_is_said(browser, folder):
    assert browser.get("-", "runs", "..").status_code == 404
    answer = browser.get("-", "runs", "don")
    assert answer.status_code == 404
    assert "did you mean" in answer.text
    assert Browser(["mock"]).get("-", "runs").status_code == 404
    with pytest.raises(UnknownName):
        RunsFolder(folder / "nowhere").line("done")


def test_a_folder_of_many_runs_is_read_a_page_at_a_time(tmp_path):
    some_results(a_run()).save(tmp_path / "run_000", "dir")
    source = (tmp_path / "run_000" / "results.json").read_bytes()
    for number in range(1, 300):
        (tmp_path / f"run_{number:03}").mkdir()
        (tmp_path / f"run_{number:03}" / "results.json").write_bytes(source)
    runs = RunsFolder(tmp_path)
    lines, total = runs.lines(1)
    assert (len(lines), total) == (50, 300)
    before = time.process_time()
    assert runs.lines(1) == (lines, total)
    assert time.process_time() - before < 0.5, "nothing changed, so nothing is read again"
