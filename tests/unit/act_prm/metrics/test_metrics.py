"""Numbers, files, plots, and Weights & Biases."""

import json
import xml.etree.ElementTree as ET

import pytest
from tests.unit.act_prm.replay_buffer.test_groups import trajectory

from act_prm.metrics import MetricsFile, group_metrics, means, read_metrics, reward_curve
from act_prm.metrics.reporting import NoReporter, Reporter
from act_prm.replay_buffer import make_group
from tau2.errors import DataFileError


def test_groups_in_numbers():
    groups = [
        make_group(
            [trajectory(0.0, 1.0), trajectory(0.0)], discount=1.0, mean_center=True, infra_failed=1
        ),
        make_group([trajectory(0.0)] * 2, discount=1.0, mean_center=True, user_failed=2),
    ]
    groups[0].trajectories[0].info["correct"] = 1
    found = group_metrics(groups)
    assert (found["final_reward"], found["best_of_group"], found["correct"]) == (0.25, 0.5, 0.25)
    assert (found["n_groups"], found["n_groups_without_signal"], found["n_trajectories"]) == (
        2,
        1,
        4,
    )
    assert (found["n_infra_failed"], found["n_user_failed"], found["turns"]) == (1, 2, 1.25)
    assert group_metrics([])["final_reward"] == 0.0


def test_means_are_of_those_that_have_it():
    assert means([{"a": 1.0}, {"a": 3.0, "b": 5.0}]) == {"a": 2.0, "b": 5.0}


def test_rows_are_on_disk_at_once_and_can_be_cut(tmp_path):
    metrics = MetricsFile(tmp_path)
    for batch in range(3):
        metrics.log({"batch": batch})
        assert read_metrics(tmp_path)[-1] == {"batch": batch}
    metrics.cut(1)
    metrics.log({"batch": 9})
    assert [row["batch"] for row in read_metrics(tmp_path)] == [0, 9]
    assert MetricsFile(tmp_path).rows == 2


def test_a_last_line_that_was_cut_off_is_left_out_and_other_damage_named(tmp_path):
    MetricsFile(tmp_path).log({"batch": 1})
    file = tmp_path / "metrics.jsonl"
    file.write_text(file.read_text() + '{"bat')
    assert read_metrics(tmp_path) == [{"batch": 1}]
    file.write_text("{\n" + file.read_text())
    with pytest.raises(DataFileError, match=r"metrics\.jsonl, line 1"):
        read_metrics(tmp_path)


def test_the_curve_is_a_picture_of_its_own(tmp_path):
    rows = [{"batch": at, "train/final_reward": at / 10} for at in range(1, 9)]
    rows.append({"batch": 4, "eval/final_reward": 0.5})
    assert reward_curve(tmp_path / "curve.svg", rows)
    root = ET.fromstring((tmp_path / "curve.svg").read_text())
    kinds = [one.tag.rpartition("}")[2] for one in root]
    assert (kinds.count("polyline"), kinds.count("circle")) == (2, 1)
    assert len(root.findall("{*}polyline")[0].get("points").split()) == 8
    assert "http" not in (tmp_path / "curve.svg").read_text().replace(
        "http://www.w3.org/2000/svg", ""
    )


def test_without_rewards_there_is_no_curve(tmp_path):
    assert not reward_curve(
        tmp_path / "curve.svg", [{"batch": 1, "train/final_reward": float("nan")}]
    )
    assert not (tmp_path / "curve.svg").exists()


def test_the_default_reporter_shows_nothing(capsys):
    reporter: Reporter = NoReporter()
    reporter.begin("rl", 0, 1)
    reporter.batch(1, 1, json.loads("{}"))
    reporter.part("episodes", 0, 1)
    reporter.note("hello")
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "")
