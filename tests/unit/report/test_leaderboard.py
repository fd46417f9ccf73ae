"""Stored runs, ranked."""

from __future__ import annotations

import pytest
from tests.unit.report.conftest import a_priced_run, a_run, shown, some_results

from tau2.submission.leaderboard import board_view, boards, ranks, standing, stored_standings


def a_standing(name: str, rewards: list[float], trials: int = 1, domain: str = "shop"):
    runs = [
        a_run(f"t{place}", reward, trial)
        for place, reward in enumerate(rewards)
        for trial in range(trials)
    ]
    results = some_results(*runs, num_trials=trials)
    results.info.environment_info.domain_name = domain
    return standing(results, name, resamples=100)


def test_the_best_leads_and_equals_share_a_rank():
    (board,) = boards(
        [a_standing("c", [0.0, 0.0]), a_standing("b", [1.0, 0.0]), a_standing("a", [0.0, 1.0])]
    )
    assert [(rank, one.run) for rank, one in ranks(board)] == [(1, "a"), (1, "b"), (3, "c")]


def test_domains_are_ranked_apart_and_the_limit_is_said():
    entries = [a_standing(name, [1.0, 0.0]) for name in "ab"] + [
        a_standing("c", [1.0], domain="bank")
    ]
    bank, shop = boards(entries, limit=1)
    assert (bank.domain, bank.hidden, shop.domain, shop.hidden) == ("bank", 0, "shop", 1)


def test_a_run_with_too_few_trials_is_not_ranked():
    (board,) = boards([a_standing("few", [1.0]), a_standing("enough", [1.0], trials=2)], "pass_2")
    assert ([one.run for one in board.standings], [one.run for one in board.unranked]) == (
        ["enough"],
        ["few"],
    )


def test_the_cheapest_leads_by_cost_and_unknown_costs_are_not_ranked():
    costs = {"cheap": 0.1, "dear": 2.0, "unknown": None}
    entries = [
        standing(some_results(a_priced_run(cost, task_id="a")), name)
        for name, cost in costs.items()
    ]
    entries.append(standing(some_results(a_run("a")), "no model", resamples=10))
    (board,) = boards(entries, "cost")
    assert [one.run for one in board.standings] == ["cheap", "dear"]
    assert {one.run for one in board.unranked} == {"no model", "unknown"}


def test_figures_come_with_denominator_and_interval(screen):
    entry = standing(
        some_results(a_run("a"), a_run("b", 0.0), a_run("c", None)), "first", resamples=100
    )
    (board,) = boards([entry])
    out = shown(screen, board_view(board))
    assert "0.500" in out
    assert "2/3" in out
    (data,) = board.as_dict()["standings"]
    assert (data["num_counted"], data["num_simulations"], data["pass_1"]["num_tasks"]) == (2, 3, 2)
    assert data["pass_1"]["interval"][0] <= 0.5 <= data["pass_1"]["interval"][1]


def test_runs_of_different_tasks_are_marked(screen):
    (board,) = boards([a_standing("a", [1.0]), a_standing("b", [1.0, 1.0])])
    assert not board.same_tasks
    assert "scored on different tasks" in shown(screen, board_view(board))


@pytest.mark.parametrize("domain", [None, "shop", "bank"])
def test_runs_are_found_in_folders_and_broken_ones_named(tmp_path, domain):
    some_results(a_run("a")).save(tmp_path / "one", "dir")
    some_results(a_run("a")).save(tmp_path / "two.json", "json")
    (tmp_path / "broken.json").write_text("{")
    found, problems = stored_standings([tmp_path], domain, resamples=10)
    assert {one.run for one in found} == (set() if domain == "bank" else {"one", "two.json"})
    assert len(problems) == 1
    assert "broken.json" in problems[0]
