"""The figures of a report: what counts, over what, and how sure it is."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace as Figure

import pytest
from tests.unit.report.conftest import a_priced_run, a_run, some_results

from tau2.data_model.simulation import DBCheck, RewardInfo
from tau2.metrics.agent_metrics import shown_ks
from tau2.metrics.figures import run_figures, spread
from tau2.metrics.outcomes import Outcome
from tau2.report.html.chart import pass_hat_chart
from tau2.storage.journal import Stored, write_journal
from tau2.storage.results import journal_file


def figures(*runs, num_trials=1, path=None, **options):
    return run_figures(
        some_results(*runs, num_trials=num_trials), path, "first", resamples=200, **options
    )


def faulty(task_id: str = "b"):
    differs = DBCheck(db_match=False, db_reward=0.0)
    return a_run(
        task_id,
        0.0,
        reward_info=RewardInfo(reward=0.0, db_check=differs, info={"gold_errors": ["x"]}),
    )


def test_only_the_agents_failures_count_against_it():
    found = figures(
        a_run("a", 1.0),
        faulty(),
        a_run("c", 0.0),
        a_run("d", None),
        a_run("e", 0.0, termination_reason="user_error"),
    )
    assert (found.num_simulations, found.num_counted, found.num_tasks) == (5, 2, 2)
    assert found.average_reward == 0.5
    assert [point.value for point in found.pass_hat] == [0.5]
    assert found.public_pass_1 == pytest.approx(1 / 3)
    assert found.outcomes == dict.fromkeys(Outcome, 1)


def test_what_does_not_count_is_named_with_its_reason():
    found = figures(
        a_run("a", None, info={"error": "503", "error_type": "ModelUnavailable"}), faulty()
    )
    assert [(one.task_id, one.outcome.value, one.reason) for one in found.excluded] == [
        ("a", "infrastructure failure", "ModelUnavailable: 503"),
        ("b", "environment or reference fault", "a reference action failed: x"),
    ]


def test_pass_hat_k_goes_as_far_as_every_task_has_trials():
    runs = [a_run("a", float(trial < 3), trial) for trial in range(4)]
    runs += [a_run("b", 1.0, trial) for trial in range(3)]
    points = figures(*runs, num_trials=4).pass_hat
    assert [point.k for point in points] == [1, 2, 3]
    assert points[1].value == pytest.approx((3 / 6 + 1) / 2)
    assert points[0].interval.low <= points[0].value <= points[0].interval.high


def test_one_task_has_no_interval_and_nothing_has_no_figure():
    assert figures(a_run("a", 1.0)).pass_hat[0].interval is None
    nothing = figures(a_run("a", None))
    assert (nothing.pass_hat, nothing.average_reward, nothing.duration) == ((), None, None)


def test_the_cost_of_a_pass_counts_failures_too():
    found = figures(a_priced_run(0.5, task_id="a"), a_priced_run(1.5, task_id="b", reward=0.0))
    assert found.cost_per_pass == pytest.approx(2.0)
    assert figures(a_priced_run(None, task_id="a")).cost_per_pass is None


def test_a_unit_that_was_played_again_is_told_from_the_journal(tmp_path):
    kept = a_run("a", 1.0)
    line = {"task_id": "a", "trial": 0, "seed": 5, "size": 1, "sha256": "0"}
    records = [Stored(**line, id="earlier", termination="infrastructure_error"),
               Stored(**line, id=kept.id, termination="user_stop", reward=1.0,
                      replaces="earlier")]  # fmt: skip
    some_results(kept).save(tmp_path, "dir")
    write_journal(journal_file(tmp_path), records)
    (again,) = figures(kept, path=tmp_path).reruns
    assert (again.task_id, again.attempts) == ("a", 2)
    assert "infrastructure_error" in again.reason


def test_a_unit_that_failed_every_time_says_how_often():
    (again,) = figures(a_run("a", None, info={"error": "503", "failed_after_attempts": 4})).reruns
    assert again.attempts == 4


def test_a_run_under_way_says_what_is_missing():
    assert figures(a_run("a", 1.0), num_trials=3).missing == 2


def test_spread():
    found = spread([3.0, 1.0, 2.0, 10.0])
    assert (found.mean, found.median, found.p90, found.largest) == (4.0, 2.5, 10.0, 10.0)
    assert spread([]) is None


def test_the_figures_as_json():
    data = figures(a_run("a", 1.0), a_run("b", None)).as_dict()
    assert data["pass_hat_k"] == [{"k": 1, "value": 1.0, "interval": None, "num_tasks": 1}]
    assert data["outcomes"]["infrastructure failure"] == 1


@pytest.mark.parametrize("trials", [1, 16, 17, 100, 2_000, 50_000])
def test_the_labels_below_the_chart_do_not_touch(trials):
    points = [Figure(k=k, value=0.5, interval=None) for k in shown_ks(range(1, trials + 1))]
    chart = pass_hat_chart([Figure(title="many", pass_hat=points)])
    for (k, x), (_, after) in pairwise(chart.ticks):
        assert after - x >= 6 * len(f"k={k}")
    dots = [dot.x for dot in chart.curves[0].dots]
    assert dots == sorted(dots)
    assert chart.left < dots[0] <= dots[-1] < chart.right
