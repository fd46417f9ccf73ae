"""What a run says about the agent: average reward, pass^k, costs and termination reasons.

pass^k is the estimator of the tau-bench paper (Yao et al. 2024, arXiv:2406.12045): over tasks, the
mean probability that k trials drawn without replacement from the n played all succeed, C(c, k) /
C(n, k). Simulations that say nothing about the agent (failures of the infrastructure, the simulated
user or the environment itself, ungraded ones) are no trials; the metrics say how many were left
out.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from math import comb

from pydantic import BaseModel, Field, field_serializer, field_validator

from tau2.data_model.outline import Outline
from tau2.data_model.review import mistakes
from tau2.metrics.outcomes import Simulation, counted_of, is_successful, outcome_of
from tau2.storage.results import Results

_ALL_SHOWN = 16

__all__ = [
    "AgentMetrics",
    "average_reward",
    "compute_metrics",
    "is_successful",
    "mean",
    "pass_hat_by_task",
    "pass_hat_k",
    "successes_by_task",
]


def pass_hat_k(num_trials: int, success_count: int, k: int) -> float:
    """Return C(c, k) / C(n, k). Raise ValueError when there are fewer than k trials."""
    if num_trials < k:
        raise ValueError(f"pass^{k} needs at least {k} trials, there are {num_trials}")
    return comb(success_count, k) / comb(num_trials, k)


class AgentMetrics(BaseModel):
    """The metrics of a run."""

    avg_reward: float
    """NaN, and null in JSON, when nothing was scored."""
    pass_hat_ks: dict[int, float]
    """k → pass^k."""
    pass_hat_k_tasks: dict[int, int] = Field(default_factory=dict)
    """k → how many tasks it is a mean over: those with at least k trials."""
    avg_agent_cost: float | None = None
    avg_user_cost: float | None = None
    num_tasks: int = 0
    num_simulations: int = 0
    num_scored: int = 0
    """Simulations that say something about the agent; the denominator of `avg_reward`."""
    num_unscored: int = 0
    terminations: dict[str, int] = Field(default_factory=dict)
    outcomes: dict[str, int] = Field(default_factory=dict)
    """How many passed, and whose failure the others were; only the agent's counts against it."""
    read_actions: int = 0
    correct_read_actions: int = 0
    write_actions: int = 0
    correct_write_actions: int = 0
    db_matches: int = 0
    db_checks: int = 0
    num_reviewed: int = 0
    """Simulations that a model has reviewed."""
    review_mistakes: dict[str, int] = Field(default_factory=dict)
    """Role and severity (`agent_critical`, `user_minor` ...) → mistakes that reviews have found."""

    @field_validator("avg_reward", mode="before")
    @classmethod
    def _read_null(cls, value: object) -> object:
        return math.nan if value is None else value

    @field_serializer("avg_reward", when_used="json")
    def _write_null(self, value: float) -> float | None:
        return None if math.isnan(value) else value

    def as_dict(self) -> dict[str, float | None]:
        """Return the headline figures as one flat row."""
        row: dict[str, float | None] = {
            "avg_reward": self.avg_reward if self.num_scored else None,
            "avg_agent_cost": self.avg_agent_cost,
        }
        return row | {f"pass_hat_{k}": value for k, value in self.pass_hat_ks.items()}


def successes_by_task(runs: Iterable[Simulation]) -> dict[str, list[bool]]:
    """Return task id → whether each scored trial succeeded."""
    table: dict[str, list[bool]] = defaultdict(list)
    for run in runs:
        if run.is_scored and run.reward is not None:
            table[run.task_id].append(is_successful(run.reward))
    return dict(table)


def pass_hat_by_task(
    successes: Mapping[str, list[bool]], most_trials: int
) -> dict[int, list[float]]:
    """Return k → pass^k of each task, for every k that all tasks with trials reach."""
    reachable = min([max(1, most_trials), *map(len, successes.values())]) if successes else 0
    curves = [_pass_hats(len(trials), sum(trials), reachable) for trials in successes.values()]
    return {k: [curve[k - 1] for curve in curves] for k in range(1, reachable + 1)}


def _pass_hats(num_trials: int, success_count: int, most: int) -> list[float]:
    """Return pass^1 to pass^most of one task: what `pass_hat_k` returns, in steps.

    Of thousands of trials, each binomial coefficient by itself would take milliseconds.
    """
    if success_count == num_trials:
        return [1.0] * most
    curve = []
    chosen = possible = 1  # C(c, k) and C(n, k)
    for k in range(1, most + 1):
        chosen = chosen * (success_count - k + 1) // k if k <= success_count else 0
        possible = possible * (num_trials - k + 1) // k
        curve.append(chosen / possible)
    return curve


def shown_ks(ks: Collection[int]) -> list[int]:
    """Return the k of which pass^k is shown: the first 16, then powers of two, and the largest."""
    others = {2**exponent for exponent in range(30)} | {max(ks, default=0)}
    return [k for k in sorted(ks) if k <= _ALL_SHOWN or k in others]


def average_reward(runs: Iterable[Simulation]) -> float | None:
    """Return the mean reward of simulations; None when none has one."""
    return mean(run.reward for run in runs if run.reward is not None)


def mean(values: Iterable[float]) -> float | None:
    """Return the mean; None of no values."""
    known = list(values)
    return sum(known) / len(known) if known else None


def compute_metrics(results: Results, *, as_published: bool | None = None) -> AgentMetrics:
    """Return the metrics of a run.

    `as_published` counts environment faults as failures of the agent (see `counted_in`).
    """
    return metrics_of(results, results.outlines(), as_published=as_published)


def metrics_of(
    results: Results, runs: Sequence[Outline], *, as_published: bool | None = None
) -> AgentMetrics:
    """Do what `compute_metrics` does, with the outlines of the run."""
    scored = counted_of(results.info, runs, as_published=as_published)
    table = pass_hat_by_task(successes_by_task(scored), results.info.num_trials)
    actions = [run.facts.actions for run in scored if run.facts.actions is not None]
    matches = [run.facts.db_match for run in scored if run.facts.db_match is not None]
    reviews = [run.facts.mistakes for run in runs if run.facts.mistakes is not None]
    average = average_reward(scored)
    return AgentMetrics(
        avg_reward=math.nan if average is None else average,
        pass_hat_ks={k: sum(values) / len(values) for k, values in table.items()},
        pass_hat_k_tasks={k: len(values) for k, values in table.items()},
        avg_agent_cost=_mean_cost([run.agent_cost for run in scored]),
        avg_user_cost=_mean_cost([run.user_cost for run in scored]),
        num_tasks=len(results.tasks),
        num_simulations=len(runs),
        num_scored=len(scored),
        num_unscored=len(runs) - len(scored),
        terminations=dict(Counter(run.termination_reason.value for run in runs)),
        outcomes=dict(Counter(outcome_of(run).value for run in runs)),
        read_actions=sum(one.read for one in actions),
        correct_read_actions=sum(one.correct_read for one in actions),
        write_actions=sum(one.write for one in actions),
        correct_write_actions=sum(one.correct_write for one in actions),
        db_matches=sum(matches),
        db_checks=len(matches),
        num_reviewed=len(reviews),
        review_mistakes=_added(reviews),
    )


def _mean_cost(costs: Sequence[float | None]) -> float | None:
    """Return the mean; None when any cost is unknown or there is none."""
    known = [cost for cost in costs if cost is not None]
    return mean(known) if len(known) == len(costs) else None


def _added(reviews: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Add up what reviews found, by role and severity."""
    total = Counter(mistakes(()))  # every kind with 0
    for review in reviews:
        total.update(review)
    return dict(total)
