"""The buffer: its size, and its files."""

import importlib.util
import json

import pytest

from act_prm.replay_buffer import EpisodeStep, ReplayBuffer, Trajectory, make_group
from act_prm.replay_buffer.buffer import append_steps, cut_steps, read_steps, write_steps
from tau2.errors import ConfigError, DataFileError


def step(number=0):
    call = {"name": "find", "arguments": {"id": number, "note": None}}
    return EpisodeStep(
        state=[{"role": "user", "content": "hé"}],
        action={"role": "assistant", "content": "", "tool_calls": [call]},
        next_obs=[{"role": "tool", "output": "{}"}],
        tools=[{"name": "find", "parameters": {"properties": {}}}],
        state_action_tokens=[1, 2],
        state_len=1,
        old_logprobs=[-0.5],
        reward=0.5,
        timestep=number,
        unique_data_sample_id="task",
        info={"seed": 4},
    )


def test_the_oldest_steps_leave_first():
    buffer = ReplayBuffer(max_size=2)
    buffer.add_episode_step(step(0))
    buffer.add_trajectory(Trajectory([step(1)]))
    buffer.add_group(make_group([Trajectory([step(2)])], discount=1.0, mean_center=False))
    assert [one.timestep for one in buffer] == [1, 2]
    assert (len(buffer), buffer.added) == (2, 3)
    assert [one.timestep for one in buffer.newest(1)] == [2]
    buffer.clear()
    assert not buffer.steps


def test_the_size_of_the_default_configuration_is_taken():
    assert len(ReplayBuffer(1e10)) == 0
    with pytest.raises(ConfigError, match="at least one step"):
        ReplayBuffer(0)


def test_every_field_comes_back_from_a_file(tmp_path):
    file = tmp_path / "deep" / "steps.jsonl"
    write_steps(file, [step(0), step(1)])
    append_steps(file, [step(2)])
    assert read_steps(file) == [step(0), step(1), step(2)]
    assert read_steps(file, 1) == [step(0)]
    assert cut_steps(file, 2) == 2
    assert read_steps(file) == [step(0), step(1)]
    assert cut_steps(tmp_path / "none", 2) == 0


def test_a_damaged_file_is_named_with_its_line(tmp_path):
    file = tmp_path / "steps.jsonl"
    write_steps(file, [step()])
    file.write_text(file.read_text() + "{}\n")
    with pytest.raises(DataFileError, match=r"steps\.jsonl, line 2: not a step"):
        read_steps(file)


def test_a_saved_dataset_keeps_arguments_as_texts(tmp_path, monkeypatch):
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None
    )  # as where `datasets` is not installed
    buffer = ReplayBuffer()
    buffer.add_episode_step(step(3))
    folder = buffer.save_to_hf_dataset(tmp_path / "saved")
    [row] = [json.loads(line) for line in (folder / "steps.jsonl").read_text().splitlines()]
    assert json.loads(row["action"])["tool_calls"][0]["arguments"] == {"id": 3, "note": None}
    assert EpisodeStep.of_row(row) == step(3)


def test_the_dataset_of_the_real_package(tmp_path):
    datasets = pytest.importorskip("datasets", reason="datasets is not installed")
    buffer = ReplayBuffer()
    buffer.add_episode_step(step(3))
    folder = buffer.save_to_hf_dataset(tmp_path / "saved")
    [row] = datasets.load_from_disk(str(folder)).to_list()
    assert EpisodeStep.of_row(row) == step(3)
