"""What a run says about the agent: average reward, pass^k, costs and endings.

pass^k is the estimator of the tau-bench paper: over tasks, the mean probability that k trials drawn
without replacement from the n played all succeed, C(c, k) / C(n, k). Simulations that say nothing
about the agent (failures of the infrastructure, the simulated user or the world itself, ungraded
ones) are no trials; how many were left out is part of the metrics.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from math import comb

from pydantic import BaseModel, Field

from tau2.data_model.review import mistakes
from tau2.data_model.simulation import SimulationRun
from tau2.metrics.outcomes import counted_in, is_successful, outcome_of
from tau2.storage.results import Results

__all__ = [
    "AgentMetrics",
    "compute_metrics",
    "is_successful",
    "pass_hat_k",
    "pass_hat_table",
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
    """Side and severity (`agent_critical`, `user_minor` ...) → mistakes that reviews have found."""

    def as_dict(self) -> dict[str, float | None]:
        """Return the headline figures as one flat row."""
        row: dict[str, float | None] = {
            "avg_reward": self.avg_reward,
            "avg_agent_cost": self.avg_agent_cost,
        }
        return row | {f"pass_hat_{k}": value for k, value in self.pass_hat_ks.items()}


def successes_by_task(runs: Iterable[SimulationRun]) -> dict[str, list[bool]]:
    """Return task id → whether each scored trial succeeded."""
    table: dict[str, list[bool]] = defaultdict(list)
    for run in runs:
        if run.is_scored and run.reward_info is not None:
            table[run.task_id].append(is_successful(run.reward_info.reward))
    return dict(table)


def pass_hat_table(
    successes: Mapping[str, list[bool]], most_trials: int
) -> dict[int, tuple[float, int]]:
    """Return k → (pass^k, number of tasks it is a mean over), for every k that all tasks with trials reach."""
    if not successes:
        return {}
    reachable = min(most_trials, *(len(trials) for trials in successes.values()))
    table = {}
    for k in range(1, reachable + 1):
        values = [pass_hat_k(len(trials), sum(trials), k) for trials in successes.values()]
        table[k] = (sum(values) / len(values), len(values))
    return table


def compute_metrics(results: Results, *, as_published: bool | None = None) -> AgentMetrics:
    """Return the metrics of a run.

    `as_published` counts faults of the world as failures (see `counted_in`).
    """
    runs = results.simulations
    scored = counted_in(results, as_published=as_published)
    rewards = [run.reward_info.reward for run in scored if run.reward_info]
    table = pass_hat_table(successes_by_task(scored), max(1, results.info.num_trials))
    shares = [run.reward_info.partial_action_reward for run in scored if run.reward_info]
    checks = [
        run.reward_info.db_check for run in scored if run.reward_info and run.reward_info.db_check
    ]
    reviews = [review for run in runs if (review := run.review or run.user_only_review) is not None]
    return AgentMetrics(
        avg_reward=sum(rewards) / len(rewards) if rewards else 0.0,
        pass_hat_ks={k: value for k, (value, _) in table.items()},
        pass_hat_k_tasks={k: tasks for k, (_, tasks) in table.items()},
        avg_agent_cost=_mean(run.agent_cost for run in scored),
        avg_user_cost=_mean(run.user_cost for run in scored),
        num_tasks=len(results.tasks),
        num_simulations=len(runs),
        num_scored=len(scored),
        num_unscored=len(runs) - len(scored),
        terminations=dict(Counter(run.termination_reason.value for run in runs)),
        outcomes=dict(Counter(outcome_of(run).value for run in runs)),
        read_actions=_total(shares, "read", "count"),
        correct_read_actions=_total(shares, "read", "correct"),
        write_actions=_total(shares, "write", "count"),
        correct_write_actions=_total(shares, "write", "correct"),
        db_matches=sum(check.db_match for check in checks),
        db_checks=len(checks),
        num_reviewed=len(reviews),
        review_mistakes=mistakes(reviews),
    )


def _mean(values: Iterable[float | None]) -> float | None:
    """Return the mean, or None when any value is unknown or there is none."""
    known = list(values)
    if not known or any(value is None for value in known):
        return None
    return sum(value for value in known if value is not None) / len(known)


def _total(
    shares: Iterable[dict[str, dict[str, float] | None] | None], group: str, key: str
) -> int:
    return int(sum(part[key] for share in shares if share and (part := share.get(group))))
