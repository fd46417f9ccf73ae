"""Results on disk: both formats come back whole, and a failed write changes nothing."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import pytest
from tests.cast import create_meeting, mock_task, play, says

from tau2.data_model.simulation import Results, SimulationRun, TerminationReason
from tau2.errors import DataFileError
from tau2.storage.results import (
    save_simulation,
    simulation_file,
    simulations_folder,
    write_atomically,
)

FORMATS = pytest.mark.parametrize("form", ["json", "dir"])


def some_results(*trials: int, task_id: str = "create_task_1", ids: str = "sim") -> Results:
    run = play(task_id, agent=says(create_meeting(), "Done."), user=says("Add it."))
    runs = [run.model_copy(update={"id": f"{ids}-{trial}", "trial": trial}) for trial in trials]
    info = {
        "num_trials": max(1, len(trials)),
        "max_steps": 100,
        "max_errors": 10,
        "user_info": {"implementation": "scripted"},
        "agent_info": {"implementation": "scripted"},
        "environment_info": {"domain_name": "mock", "policy": "Be kind."},
    }
    return Results.model_validate(
        {"info": info, "tasks": [mock_task(task_id)], "simulations": runs}
    )


@FORMATS
def test_results_come_back_as_they_were(tmp_path, form):
    results = some_results(0, 1)
    results.save(tmp_path / "run" / "results.json", form)
    for path in (tmp_path / "run", tmp_path / "run" / "results.json"):
        back = Results.load(path)
        assert back.model_dump(exclude={"simulation_index"}) == results.model_dump(
            exclude={"simulation_index"}
        )
        assert list(Results.iter_simulations(path)) == results.simulations
        assert Results.load_metadata(path).simulations == []


@FORMATS
def test_saving_again_replaces_what_was_there(tmp_path, form):
    some_results(0, 1, 2).save(tmp_path / "results.json", form)
    some_results(0).save(tmp_path / "results.json", form)
    assert [run.id for run in Results.load(tmp_path).simulations] == ["sim-0"]


def test_empty_results_in_one_file_hide_a_folder(tmp_path):
    some_results(0).save(tmp_path / "results.json", "dir")
    some_results().save(tmp_path / "results.json", "json")
    assert Results.load(tmp_path).simulations == []


def test_two_runs_in_one_folder_do_not_mix(tmp_path):
    some_results(0, ids="a").save(tmp_path / "a.json", "dir")
    some_results(0, 1, ids="b").save(tmp_path / "b.json", "dir")
    assert [run.id for run in Results.load(tmp_path / "a.json").simulations] == ["a-0"]
    assert [run.id for run in Results.load(tmp_path / "b.json").simulations] == ["b-0", "b-1"]


def test_an_older_run_keeps_its_simulations_in_the_common_folder(tmp_path):
    some_results(0).save(tmp_path / "results.json", "dir")
    (tmp_path / "results.json").rename(tmp_path / "old.json")
    assert [run.id for run in Results.load(tmp_path / "old.json").simulations] == ["sim-0"]


def test_the_index_has_a_line_per_simulation(tmp_path):
    some_results(0, 1).save(tmp_path / "results.json", "dir")
    index = json.loads((tmp_path / "results.json").read_text())["simulation_index"]
    assert [(line["id"], line["reward"], line["termination_reason"]) for line in index] == [
        ("sim-0", 1.0, "user_stop"), ("sim-1", 1.0, "user_stop"),
    ]  # fmt: skip


def test_a_simulation_that_the_index_lists_must_be_there(tmp_path):
    some_results(0, 1).save(tmp_path / "results.json", "dir")
    (tmp_path / "simulations" / "sim-1.json").unlink()
    with pytest.raises(DataFileError, match="Missing simulation files: sim-1"):
        Results.load(tmp_path)


def test_without_an_index_every_file_counts(tmp_path):
    results = some_results(0)
    results.save_metadata(tmp_path / "results.json")
    for run in some_results(0, 1).simulations:
        save_simulation(run, tmp_path / "simulations")
    assert [run.id for run in Results.load(tmp_path).simulations] == ["sim-0", "sim-1"]


def test_older_shapes_are_read(tmp_path):
    raw = json.loads(some_results(0).model_dump_json())
    raw["format_version"] = "0.1"
    raw["tasks"][0]["id"] = 7
    raw["tasks"][0]["annotations"] = ["kept by nobody"]
    run = raw["simulations"][0]
    run["task_id"] = 7
    for message in run["messages"]:
        if message["role"] == "assistant" and not message["tool_calls"]:
            message["tool_calls"] = []
    for gone in ("trial", "mode", "policy", "agent_usage", "user_usage", "info"):
        del run[gone]
    for gone in ("git_commit", "engine_version", "judge", "text_streaming_config"):
        del raw["info"][gone]
    (tmp_path / "results.json").write_text(json.dumps(raw))
    back = Results.load(tmp_path)
    assert (back.tasks[0].id, back.simulations[0].task_id, back.simulations[0].trial) == (
        "7",
        "7",
        None,
    )
    assert back.average_reward() == 1.0


def test_settings_of_another_version_are_left_out(tmp_path):
    raw = json.loads(some_results(0).model_dump_json())
    raw["info"]["audio_native_config"] = {"model": "m", "from_the_future": 1}
    raw["info"]["user_info"]["persona_config"] = {"verbosity": "minimal", "from_the_future": 1}
    (tmp_path / "results.json").write_text(json.dumps(raw), encoding="utf-8-sig")
    info = Results.load(tmp_path).info
    assert info.audio_native_config.model == "m"
    assert info.user_info.persona_config.verbosity == "minimal"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "not valid JSON"),
        ("[]", "an object is expected"),
        ("{}", "info: Field required"),
        ('{"info": 3}', "info"),
        ('{"tasks": 3, "simulations": 4}', "info"),
        ("\udcff", "not valid JSON"),
    ],
)
def test_a_broken_file_is_named_with_its_place(tmp_path, content, words):
    path = tmp_path / "results.json"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(DataFileError, match=words) as problem:
        Results.load(path)
    assert str(path) in str(problem.value)


def test_a_broken_simulation_is_named_with_its_place(tmp_path):
    some_results(0).save(tmp_path / "results.json", "dir")
    file = tmp_path / "simulations" / "sim-0.json"
    file.write_text(file.read_text().replace("user_stop", "user_hop"))
    with pytest.raises(DataFileError, match=r"sim-0\.json: termination_reason"):
        Results.load(tmp_path)


@pytest.mark.parametrize("name", ["", ".hidden", "../up", "a/b", "a\\b", "x" * 300, "nul\0"])
def test_an_id_that_could_leave_the_folder_is_refused(tmp_path, name):
    with pytest.raises(DataFileError, match="cannot be a file name"):
        simulation_file(tmp_path, name)


@pytest.mark.parametrize("broken", ["open", "write", "fsync", "replace"])
def test_a_failed_write_leaves_the_old_content_and_no_temporary_file(tmp_path, monkeypatch, broken):
    path = tmp_path / "results.json"
    write_atomically(path, "old")

    def fail(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, broken, fail)
    with pytest.raises(OSError, match=r"No space.*results\.json"):
        write_atomically(path, "new")
    monkeypatch.undo()
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["results.json"]


def test_the_folder_of_a_run():
    assert simulations_folder(Path("x")) == Path("x/simulations")
    assert simulations_folder(Path("x/results.json")) == Path("x/simulations")
    assert simulations_folder(Path("x/other.json")) == Path("x/other.simulations")


def test_infrastructure_failures_are_left_out_of_the_average():
    results = some_results(0, 1, 2)
    results.simulations[1].termination_reason = TerminationReason.INFRASTRUCTURE_ERROR
    results.simulations[1].reward_info = None
    results.simulations[2].reward_info = results.simulations[2].reward_info.model_copy(
        update={"reward": 0.0}
    )
    assert results.average_reward() == 0.5
    results.simulations[2].termination_reason = TerminationReason.USER_ERROR
    assert results.average_reward() == 1.0


@FORMATS
@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_a_constant_that_json_has_not_is_named_with_its_place(tmp_path, form, constant):
    some_results(0).save(tmp_path / "results.json", form)
    file = tmp_path / ("results.json" if form == "json" else "simulations/sim-0.json")
    text = file.read_text()
    where = "simulations.0." if form == "json" else ""
    for field, old in (("reward_info.reward", '"reward": 1.0'), ("agent_cost", None)):
        replaced = text.replace(
            old or '"agent_cost": 0.0', f'"{field.split(".")[-1]}": {constant}', 1
        )
        assert replaced != text
        file.write_text(replaced)
        with pytest.raises(DataFileError, match=rf"{file.name}.*: {where}{field}: {constant} "):
            Results.load(tmp_path)


def test_a_constant_in_the_index_is_named(tmp_path):
    some_results(0).save(tmp_path / "results.json", "dir")
    file = tmp_path / "results.json"
    file.write_text(file.read_text().replace('"reward": 1.0', '"reward": NaN', 1))
    with pytest.raises(DataFileError, match=r"simulation_index\.0\.reward: NaN "):
        Results.load(tmp_path)


@FORMATS
def test_a_reward_too_large_for_a_float_is_no_reward(tmp_path, form):
    some_results(0).save(tmp_path / "results.json", form)
    for file in tmp_path.rglob("*.json"):
        file.write_text(file.read_text().replace('"reward": 1.0', '"reward": 1e999'))
    with pytest.raises(DataFileError, match="finite number"):
        Results.load(tmp_path)


def test_a_text_may_speak_of_not_a_number(tmp_path):
    results = some_results(0)
    results.simulations[0].messages[0].content = "NaN, or Infinity?"
    results.save(tmp_path / "results.json", "dir")
    assert Results.load(tmp_path).simulations[0].messages[0].content == "NaN, or Infinity?"


def test_what_was_not_finite_is_stored_as_nothing(tmp_path):
    results = some_results(0)
    odd = {"speed": math.inf, "half": "\ud800", "made": object()}
    results.simulations[0].info = {"odd": odd}
    results.save(tmp_path / "results.json", "json")
    assert Results.load(tmp_path).simulations[0].info["odd"]["speed"] is None


def test_the_average_of_nothing_is_no_number_and_says_so():
    nothing = some_results(0)
    nothing.simulations[0].reward_info = None
    with pytest.warns(UserWarning, match="no scored simulation among 1 simulation"):
        assert math.isnan(nothing.average_reward())
    with pytest.warns(UserWarning, match="among 0 simulations"):
        assert math.isnan(some_results().average_reward())


def test_a_table_has_the_public_columns():
    frame = some_results(0, 1).to_df()
    assert list(frame["simulation_id"]) == ["sim-0", "sim-1"]
    assert set(frame["info_domain"]) == {"mock"}
    assert list(frame["task_num_actions"]) == [1, 1]


def test_a_table_survives_a_task_without_criteria():
    results = some_results(0)
    results.tasks[0].evaluation_criteria = None
    assert results.to_df()["reward"].tolist() == [1.0]


def test_ticks_flatten_in_the_order_of_time():
    run = some_results(0).simulations[0]
    ticks = [
        {
            "tick_id": 1,
            "timestamp": "2",
            "user_chunk": {"role": "user", "content": "Hi", "timestamp": "2"},
        },
        {
            "tick_id": 0,
            "timestamp": "1",
            "agent_chunk": {"role": "assistant", "content": "Hello", "timestamp": "1"},
        },
    ]
    raw = run.model_dump() | {"messages": None, "ticks": ticks}
    flat = SimulationRun.model_validate(raw).get_messages()
    assert [(message.content, message.turn_idx) for message in flat] == [("Hello", 0), ("Hi", 1)]
