"""The figures of one run that its page shows: pass^k with intervals, failures, cost and time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from tau2.data_model.outline import Outline
from tau2.data_model.simulation import SimulationRun
from tau2.metrics.agent_metrics import (
    average_reward,
    mean,
    pass_hat_by_task,
    shown_ks,
    successes_by_task,
)
from tau2.metrics.outcomes import Outcome, counted, counted_in, outcome_of, why_excluded
from tau2.metrics.resampling import Interval, cluster_bootstrap
from tau2.metrics.retrieval import RetrievalFigures, retrieval_figures
from tau2.metrics.summary import Expense, expenses
from tau2.metrics.voice import VoiceFigures, voice_figures
from tau2.storage.journal import Stored, read_journal
from tau2.storage.results import Results, journal_file, missing_units


@dataclass(frozen=True, slots=True)
class PassHatEstimate:
    """pass^k of one k."""

    k: int
    value: float
    interval: Interval | None
    """None for fewer than two tasks."""
    num_tasks: int

    def as_dict(self) -> dict[str, Any]:
        """Return all but k as JSON data."""
        return {
            "value": self.value,
            "interval": list(self.interval) if self.interval else None,
            "num_tasks": self.num_tasks,
        }


@dataclass(frozen=True, slots=True)
class Excluded:
    """A simulation that does not count, and why."""

    simulation_id: str
    task_id: str
    trial: int
    outcome: Outcome
    reason: str


@dataclass(frozen=True, slots=True)
class Rerun:
    """A unit that was played more than once."""

    task_id: str
    trial: int
    attempts: int
    reason: str


@dataclass(frozen=True, slots=True)
class Spread:
    """How a quantity is spread over simulations."""

    number: int
    mean: float
    median: float
    p90: float
    largest: float


@dataclass(frozen=True, slots=True)
class RunFigures:
    """Everything the overview of one run shows."""

    title: str
    domain: str
    num_trials: int
    num_simulations: int
    num_counted: int
    num_tasks: int
    """Tasks with a simulation that counts."""
    missing: int
    """Units that were asked for and have no simulation."""
    average_reward: float | None
    pass_hat: tuple[PassHatEstimate, ...]
    """Of many trials, not of every k (see `shown_ks`)."""
    confidence: float
    public_pass_1: float | None
    """pass^1 as the public package counts it, with environment faults as failures of the agent."""
    outcomes: dict[Outcome, int]
    endings: dict[str, int]
    excluded: tuple[Excluded, ...]
    reruns: tuple[Rerun, ...]
    agent_expense: Expense
    user_expense: Expense
    cost_per_pass: float | None
    """Cost of agent and user in all, divided by the passed simulations; None when unknown."""
    duration: Spread | None
    """Seconds per simulation that counts."""
    answer_time: Spread | None
    """Seconds of one answer of the agent's model."""
    messages: Spread | None
    voice: VoiceFigures | None = None
    """Of the calls; None for a run of text."""
    retrieval: RetrievalFigures | None = None
    """None where no task names the documents it needs."""

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as JSON data."""
        return {
            "run": self.title,
            "domain": self.domain,
            "num_simulations": self.num_simulations,
            "num_counted": self.num_counted,
            "num_missing": self.missing,
            "average_reward": self.average_reward,
            "pass_hat_k": [{"k": point.k, **point.as_dict()} for point in self.pass_hat],
            "public_pass_1": self.public_pass_1,
            "outcomes": {outcome.value: number for outcome, number in self.outcomes.items()},
            "excluded": [
                {
                    "task_id": entry.task_id,
                    "trial": entry.trial,
                    "outcome": entry.outcome.value,
                    "reason": entry.reason,
                }
                for entry in self.excluded
            ],
            "reruns": [
                {"task_id": one.task_id, "trial": one.trial, "attempts": one.attempts}
                for one in self.reruns
            ],
            **({"voice": self.voice.as_dict()} if self.voice is not None else {}),
            **({"retrieval": self.retrieval.as_dict()} if self.retrieval is not None else {}),
        }


def run_figures(
    results: Results,
    path: Path | None,
    title: str,
    *,
    confidence: float = 0.95,
    resamples: int = 4000,
    seed: int = 0,
) -> RunFigures:
    """Return the figures of a run.

    Args:
        results: The run.
        path: Where it lies; its journal is read for earlier attempts. None: not stored.
        title: Its name for readers.
        confidence: Of the intervals.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.
    """
    runs = results.outlines()
    counting = counted(runs)
    trials = results.info.num_trials
    as_published = successes_by_task(counted_in(results, as_published=True))
    outcomes = Counter(map(outcome_of, runs))
    agent, user = expenses(runs)
    return RunFigures(
        title=title,
        domain=results.info.environment_info.domain_name,
        num_trials=trials,
        num_simulations=len(runs),
        num_counted=len(counting),
        num_tasks=len({run.task_id for run in counting}),
        missing=len(missing_units(results)),
        average_reward=average_reward(counting),
        pass_hat=tuple(
            PassHatEstimate(
                k,
                sum(values) / len(values),
                cluster_bootstrap(values, confidence=confidence, resamples=resamples, seed=seed),
                len(values),
            )
            for k, values in _shown_pass_hats(counting, trials).items()
        ),
        confidence=confidence,
        public_pass_1=mean(pass_hat_by_task(as_published, 1).get(1, ())),
        outcomes={outcome: outcomes[outcome] for outcome in Outcome},
        endings=dict(Counter(run.termination_reason.value for run in runs).most_common()),
        excluded=tuple(
            Excluded(run.id, *run.unit, outcome_of(run), why_excluded(run))
            for run in runs
            if not outcome_of(run).counts
        ),
        reruns=tuple(_reruns(runs, path)),
        agent_expense=agent,
        user_expense=user,
        cost_per_pass=_per_pass(agent, user, outcomes[Outcome.PASSED]),
        duration=spread([run.duration for run in counting if run.duration is not None]),
        answer_time=spread(list(_answer_times(results.simulations))),
        messages=spread([float(run.num_messages) for run in counting]),
        voice=voice_figures(results.calls()),
        retrieval=retrieval_figures(runs),
    )


def _shown_pass_hats(runs: Iterable[Outline], num_trials: int) -> dict[int, list[float]]:
    by_k = pass_hat_by_task(successes_by_task(runs), num_trials)
    return {k: by_k[k] for k in shown_ks(by_k)}


def _reruns(runs: Iterable[Outline], path: Path | None) -> Iterable[Rerun]:
    """Yield the units that took several attempts, by the journal or by their own record."""
    journal = read_journal(journal_file(path)) if path is not None else None
    reasons: dict[tuple[str, int], dict[str, str]] = defaultdict(dict)
    for record in journal.records if journal is not None else ():
        if isinstance(record, Stored):
            reasons[record.unit][record.id] = record.termination
    for run in runs:
        unit = run.unit
        earlier = [reason for name, reason in reasons[unit].items() if name != run.id]
        failed = (run.info or {}).get("failed_after_attempts")
        retries = run.facts.retries
        if earlier:
            why = f"an earlier attempt ended: {', '.join(dict.fromkeys(earlier))}"
            yield Rerun(*unit, len(earlier) + 1, why)
        elif isinstance(failed, int) and failed != 1:
            yield Rerun(*unit, failed, "every attempt failed")
        elif retries:
            yield Rerun(*unit, retries + 1, "the simulated user said what it cannot know")


def _answer_times(runs: Iterable[SimulationRun]) -> Iterable[float]:
    for run in runs:
        for message in run.get_messages():
            seconds = getattr(message, "generation_time_seconds", None)
            if message.role == "assistant" and seconds is not None:
                yield seconds


def _per_pass(agent: Expense, user: Expense, passed: int) -> float | None:
    called = agent.model_calls + user.model_calls
    if agent.cost is None or user.cost is None or not passed or not called:
        return None
    return (agent.cost + user.cost) / passed


def spread(values: Sequence[float]) -> Spread | None:
    """Return mean, median, 90th percentile and largest; None for no values."""
    if not values:
        return None
    ordered = sorted(values)
    return Spread(
        number=len(ordered),
        mean=sum(ordered) / len(ordered),
        median=median(ordered),
        p90=ordered[round(0.9 * (len(ordered) - 1))],
        largest=ordered[-1],
    )
