"""A hundred tasks of each domain tell agents of different strength apart."""

from __future__ import annotations

from itertools import combinations
from math import comb

import pytest
from tests.weak_agents import played, temptations_of

from tau2.registry import registry

KINDS = ("oracle", "hasty", "forgetful")
TASKS = 100
SIGNIFICANT = 0.05  # 95 % confidence
DOMAINS = ("retail", "airline", "telecom")


def chance(one: list[bool], other: list[bool]) -> float:
    """Return the probability of such a difference between equally strong agents.

    The exact test of McNemar, two-sided: tasks that only one of both passed are thrown coins.
    """
    only_one = sum(a and not b for a, b in zip(one, other, strict=True))
    only_other = sum(b and not a for a, b in zip(one, other, strict=True))
    thrown = only_one + only_other
    extreme = sum(comb(thrown, k) for k in range(max(only_one, only_other), thrown + 1))
    return min(1.0, 2 * extreme / 2**thrown)


@pytest.mark.parametrize("domain", DOMAINS)
def test_agents_of_different_strength_are_told_apart(domain: str) -> None:
    tasks = registry.domains.get(domain).tasks("base")[:TASKS]
    passed = {kind: played(domain, kind, tasks) for kind in KINDS}
    rates = {kind: sum(results) / len(results) for kind, results in passed.items()}
    assert rates["oracle"] == 1
    undecided = {
        (one, other): (rates, round(p, 3))
        for one, other in combinations(KINDS, 2)
        if (p := chance(passed[one], passed[other])) >= SIGNIFICANT
    }
    assert undecided == {}


@pytest.mark.parametrize("domain", DOMAINS)
def test_temptations_are_changes_that_work_and_are_wrong(domain: str) -> None:
    """An agent that gives in can do so, and does something that the reference does not hold."""
    tasks = {task.id: task for task in registry.domains.get(domain).tasks("base")}
    tempted = {i: found for i, found in temptations_of(domain).items() if found and i in tasks}
    assert len(tempted) >= len(tasks) / 12
    for task_id, found in tempted.items():
        done = [(a.name, a.arguments) for a in tasks[task_id].reference_actions]
        for temptation in found:
            assert temptation.skipped in {"consent", "check"}
            assert tuple(temptation.call) not in done


def test_chance_is_the_exact_sign_test() -> None:
    assert chance([True] * 4, [True] * 4) == 1
    assert chance([True] * 5, [False] * 5) == pytest.approx(2 / 32)
    assert chance([True] * 6, [False] * 6) < SIGNIFICANT
