from __future__ import annotations

import os
from pathlib import Path

import pytest

from tau2.data_model.simulation import Results
from tau2.storage import results as results_io
from tau2.storage.lock import RunLock

PLAY = (
    "run",
    "--domain",
    "mock",
    "--agent",
    "oracle_agent",
    "--user",
    "scripted_user",
    "--save-to",
    "first",
)
RUN = Path("data/simulations/first")


@pytest.fixture
def stored(tau2):
    tau2(*PLAY, "--task-ids", "create_task_1", "update_task_1")
    return Results.load(RUN)


def test_there_and_back_again(tau2, stored):
    assert tau2("convert-results", str(RUN), "--to", "json").code == 0
    assert not (RUN / "simulations").exists()
    assert Results.load(RUN).simulations == stored.simulations
    assert tau2("convert-results", str(RUN), "--to", "dir").code == 0
    assert len(list((RUN / "simulations").glob("*.json"))) == 2
    assert Results.load(RUN).simulations == stored.simulations


def test_what_is_replaced_is_kept_unless_told_otherwise(tau2, stored):
    tau2("convert-results", str(RUN), "--to", "json")
    assert (RUN / "results.json.bak").is_file()
    assert (RUN / "simulations.bak").is_dir()
    tau2("convert-results", str(RUN), "--to", "dir")
    assert (RUN / "results.json.bak2").is_file()


def test_without_a_backup_nothing_else_is_left(tau2, stored):
    tau2("convert-results", str(RUN), "--to", "json", "--no-backup")
    assert sorted(path.name for path in RUN.iterdir()) == [
        "config.json",
        "journal.jsonl",
        "results.json",
    ]


@pytest.mark.parametrize("form", ["json", "dir"])
def test_a_converted_run_is_continued_as_the_same_run(tau2, stored, form):
    tau2("convert-results", str(RUN), "--to", "json")
    tau2("convert-results", str(RUN), "--to", form)
    ended = tau2(
        *PLAY, "--task-ids", "create_task_1", "update_task_1", "--num-trials", "2", "--auto-resume"
    )
    assert ended.code == 0
    assert len(Results.load(RUN).simulations) == 4
    assert stored.simulations[0] in Results.load(RUN).simulations
    assert not (RUN / "damaged").exists()


def test_damage_is_not_converted_into_sound_looking_results(tau2, stored):
    file = next((RUN / "simulations").glob("*.json"))
    file.write_text(file.read_text().replace("user_stop", "agent_stop"))
    ended = tau2("convert-results", str(RUN), "--to", "json")
    assert ended.code == 2
    assert f"{file.name}: it has" in ended.err
    assert file.exists()


def test_a_run_that_is_being_written_is_not_converted(tau2, stored):
    with RunLock(RUN / "run.lock"):
        ended = tau2("convert-results", str(RUN), "--to", "json")
    assert ended.code == 2
    assert f"process {os.getpid()} on" in ended.err


def test_a_conversion_that_broke_off_is_repeated(tau2, stored, monkeypatch):
    tau2("convert-results", str(RUN), "--to", "json")
    with monkeypatch.context() as broken:
        broken.setattr(results_io, "save_metadata", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            stored.save(RUN, "dir")
    assert Results.load(RUN).simulations == stored.simulations
    assert tau2("convert-results", str(RUN), "--to", "dir").code == 0
    assert Results.load(RUN).simulations == stored.simulations


def test_the_same_format_changes_nothing(tau2, stored):
    before = (RUN / "results.json").read_bytes()
    ended = tau2("convert-results", str(RUN), "--to", "dir")
    assert ended.code == 0
    assert "already" in ended.out
    assert (RUN / "results.json").read_bytes() == before


def test_simulations_of_another_run_are_not_mixed_in(tau2, stored, tmp_path):
    lone = RUN / "lone.json"
    stored.save(lone, "json")
    assert tau2("convert-results", str(lone), "--to", "dir").code == 0
    assert Results.load(lone).simulations == stored.simulations
    assert len(list((RUN / "simulations").iterdir())) == 2


def test_a_folder_that_is_taken_is_not_written_into(tau2, stored):
    tau2("convert-results", str(RUN), "--to", "json")
    (RUN / "simulations").mkdir()
    (RUN / "simulations" / "other.json").write_text("{}")
    ended = tau2("convert-results", str(RUN), "--to", "dir")
    assert ended.code == 2
    assert "another run" in ended.err


def test_a_path_without_results_is_an_error(tau2):
    assert tau2("convert-results", "nowhere", "--to", "json").code == 2


def test_a_broken_file_is_left_alone(tau2, stored):
    (RUN / "results.json").write_text("{")
    ended = tau2("convert-results", str(RUN), "--to", "json")
    assert ended.code == 2
    assert "not valid JSON" in ended.err
    assert (RUN / "simulations").is_dir()


def test_a_run_is_named_as_everywhere(tau2, stored):
    assert tau2("convert-results", "latest", "--to", "json").code == 0
    assert not (RUN / "simulations").exists()
    assert "no run in data/simulations named 'nowhere'" in tau2("convert-results", "nowhere").err
