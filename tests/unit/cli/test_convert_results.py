from __future__ import annotations

from pathlib import Path

import pytest

from tau2.data_model.simulation import Results

PLAY = ("run", "--domain", "mock", "--agent", "oracle_agent", "--user", "scripted_user", "--save-to", "first")
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
    assert [path.name for path in RUN.iterdir()] == ["results.json"]


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
