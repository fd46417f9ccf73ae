"""Two runs of the same tasks: who is better, and how sure is that?"""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tau2.data_model.run_config import TextRunConfig
from tau2.data_model.simulation import TerminationReason
from tau2.errors import ConfigError
from tau2.metrics import comparison
from tau2.metrics.comparison import compare, difference, flips, plan
from tau2.metrics.distributions import sign_test, student_cdf, student_quantile
from tau2.metrics.resampling import cluster_bootstrap, permutation_test
from tau2.runner import get_tasks, run_tasks


def played(agent: str, *, trials: int = 2, seed: int = 1):
    config = TextRunConfig(
        domain="mock", agent=agent, user="scripted_user", num_trials=trials, seed=seed
    )
    return run_tasks(config, get_tasks("mock", num_tasks=4), console_display=False)


def test_the_better_run_is_found_with_every_flip_named():
    found = compare(played("lazy_agent"), played("oracle_agent"))
    first = found.differences[0]
    assert (first.a, first.b, first.difference) == (0.0, 1.0, 1.0)
    assert [entry.k for entry in found.differences] == [1, 2]
    assert found.pairing.same_seed == found.pairing.units == 8
    assert sum(found.flips.gained.values()) == 8
    assert found.flips.lost == {}
    assert first.test.p_value == 2 / 2**4


def test_a_run_is_no_better_than_itself():
    results = played("oracle_agent")
    found = compare(results, results)
    assert found.differences[0].difference == 0
    assert found.differences[0].test.p_value == 1.0
    assert found.flips.p_value == 1.0


def test_units_that_only_one_run_scored_are_left_out_and_counted():
    a, b = played("oracle_agent"), played("oracle_agent", trials=3)
    a.simulations[0].termination_reason = TerminationReason.INFRASTRUCTURE_ERROR
    pairing = compare(a, b).pairing
    assert pairing.unscored == ((a.simulations[0].task_id, 0),)
    assert (pairing.only_a, pairing.only_b, pairing.units) == (0, 4, 7)


def test_runs_with_other_seeds_are_paired_and_it_is_said():
    assert compare(played("oracle_agent"), played("oracle_agent", seed=2)).pairing.same_seed == 0


def test_a_changed_task_is_named():
    a, b = played("oracle_agent"), played("oracle_agent")
    b.tasks = [b.tasks[0].model_copy(update={"ticket": "another"}), *b.tasks[1:]]
    assert compare(a, b).pairing.changed_tasks == (b.tasks[0].id,)


def test_runs_of_different_domains_are_refused():
    a, b = played("oracle_agent"), played("oracle_agent")
    b.info.environment_info.domain_name = "elsewhere"
    with pytest.raises(ConfigError, match="mock and elsewhere"):
        compare(a, b)


def test_runs_without_a_common_unit_are_refused():
    a, b = played("oracle_agent"), played("oracle_agent")
    a.simulations, b.simulations = a.simulations[:1], b.simulations[1:]
    with pytest.raises(ConfigError, match="no task and trial in common"):
        compare(a, b)


@given(st.lists(st.fractions(-1, 1, max_denominator=6), max_size=9))
def test_the_permutation_test_counts_every_sign_pattern(values):
    seen = abs(sum(values))
    sums = [
        abs(sum(s * v for s, v in zip(signs, values, strict=True)))
        for signs in product((1, -1), repeat=len(values))
    ]
    above, equal = sum(total > seen for total in sums), sum(total == seen for total in sums)
    found = permutation_test(values)
    assert found.exact
    assert found.p_value == pytest.approx((above + equal) / len(sums))
    if any(values):
        assert found.mid_p == pytest.approx((above + equal / 2) / len(sums))


def test_too_many_patterns_are_drawn_instead_and_agree(monkeypatch):
    values = [Fraction(step, 6) for step in (5, -1, 2, 3, 3, -4, 6, 1, 0, 2, -5, 6)]
    counted = permutation_test(values)
    monkeypatch.setattr("tau2.metrics.resampling._MOST_BITS", 0)
    drawn = permutation_test(values)
    assert not drawn.exact
    assert drawn.p_value == pytest.approx(counted.p_value, abs=0.01)
    assert drawn == permutation_test(values)


def test_one_task_has_no_interval():
    assert cluster_bootstrap([0.5]) is None
    assert difference({"only": [(False, True)]}).interval is None


def test_the_interval_is_the_same_every_time_and_holds_the_mean():
    values = [0.25, -0.5, 1.0, 0.0, 0.75, 0.25]
    found = cluster_bootstrap(values, seed=3)
    assert found == cluster_bootstrap(values, seed=3)
    assert found.low < sum(values) / 6 < found.high


def test_flips_by_task():
    found = flips(
        {
            "a": [(True, False), (True, True)],
            "b": [(False, True), (False, True)],
            "c": [(True, True)],
        }
    )
    assert found.lost == {"a": 1}
    assert found.gained == {"b": 2}
    assert found.p_value == sign_test(2, 1) == 1.0


def test_the_plan_follows_the_formula():
    coin = {str(task): [(True, False), (False, True)] for task in range(100)}
    found = plan(coin, margin=0.03)
    # variance of a trial 1/2 per run: 1.96² · (0.5 + 0.5) / (100 · 0.03²) = 42.7
    assert found.trials == 43
    assert not found.is_bound
    assert "±3 points takes 43 trials of each of these tasks" in str(found)


def test_with_single_trials_the_plan_is_a_bound():
    found = plan({"a": [(True, False)], "b": [(False, True)]})
    assert found.is_bound
    assert "at most" in str(found)


def test_the_t_quantile_agrees_with_the_table():
    assert student_quantile(0.975, 10) == pytest.approx(2.228139, abs=1e-6)
    assert student_quantile(0.025, 10) == pytest.approx(-2.228139, abs=1e-6)
    assert student_quantile(0.995, 1) == pytest.approx(63.656741, abs=1e-4)
    with pytest.raises(ValueError, match="between 0 and 1"):
        student_quantile(1.0, 3)


@pytest.mark.slow
@given(st.floats(-50, 50), st.integers(1, 500))
def test_the_t_distribution_agrees_with_scipy(value, freedom):
    stats = pytest.importorskip("scipy.stats", reason="scipy is not installed")
    assert student_cdf(value, freedom) == pytest.approx(
        stats.t.cdf(value, freedom), abs=1e-8
    )  # scipy rounds near 0


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_sign_test_agrees_with_statsmodels_and_scipy(wins, losses):
    stats = pytest.importorskip("scipy.stats", reason="scipy is not installed")
    tables = pytest.importorskip(
        "statsmodels.stats.contingency_tables", reason="statsmodels is not installed"
    )
    assert sign_test(wins, losses) == pytest.approx(
        tables.mcnemar([[5, wins], [losses, 7]], exact=True).pvalue
    )
    if wins + losses:
        assert sign_test(wins, losses) == pytest.approx(stats.binomtest(wins, wins + losses).pvalue)


def test_the_permutation_test_agrees_with_scipy():
    stats = pytest.importorskip("scipy.stats", reason="scipy is not installed")
    import numpy as np

    values = [Fraction(step, 4) for step in (3, -1, 2, 4, 4, -2, 1, 0, 2, -3, 4)]
    theirs = stats.permutation_test(
        (np.array([float(value) for value in values]),),
        np.sum,
        permutation_type="samples",
        n_resamples=np.inf,
    )
    assert permutation_test(values).p_value == pytest.approx(theirs.pvalue)


def test_the_interval_agrees_with_scipys_bootstrap():
    stats = pytest.importorskip("scipy.stats", reason="scipy is not installed")
    import numpy as np

    values = [((7 * place) % 11 - 5) / 5 for place in range(200)]
    theirs = stats.bootstrap(
        (np.array(values),),
        np.mean,
        method="percentile",
        n_resamples=20_000,
        rng=np.random.default_rng(1),
    ).confidence_interval
    mine = cluster_bootstrap(values, resamples=20_000)
    assert mine.low == pytest.approx(theirs.low, abs=0.006)
    assert mine.high == pytest.approx(theirs.high, abs=0.006)


def test_nothing_in_the_module_is_left_out_of_the_json_form():
    data = compare(played("lazy_agent"), played("oracle_agent")).as_dict()
    assert set(data) == {"confidence", "pairing", "pass_hat_k", "flips", "plan", "retrieval"}
    assert data["plan"]["sentence"] == str(
        comparison.plan(
            {
                "a": [(False, True)] * 2,
                "b": [(False, True)] * 2,
                "c": [(False, True)] * 2,
                "d": [(False, True)] * 2,
            }
        )
    )
