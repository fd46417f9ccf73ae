"""A run in figures, as its table, its JSON form and its progress show them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tau2.data_model.audio import AudioNativeConfig
from tau2.data_model.outline import Outline, Usage
from tau2.data_model.simulation import Info, SessionUsage, TerminationReason
from tau2.metrics.agent_metrics import (
    average_reward,
    metrics_of,
    pass_hat_by_task,
    shown_ks,
    successes_by_task,
)
from tau2.metrics.endings import EarlyEnding, early_endings
from tau2.metrics.outcomes import (
    TOOL_BUGS,
    Simulation,
    blamed,
    counted_of,
    lost_on,
    run_passed,
    why_unscored,
)
from tau2.metrics.resampling import Interval, mean_interval
from tau2.metrics.retrieval import RetrievalFigures, retrieval_figures
from tau2.metrics.voice import VoiceFigures, voice_figures
from tau2.storage.results import Results, collector_paused
from tau2.utils.text import natural_key, plural

_MOST_TOOL_BUGS = 10


@dataclass(frozen=True, slots=True)
class Expense:
    """What one participant used in all simulations."""

    known_cost: float
    """US dollars of the simulations whose price is known."""
    unpriced: int
    """Simulations with model calls whose price is not known."""
    priced: int
    """Simulations with model calls whose price is known."""
    prompt_tokens: int
    completion_tokens: int
    model_calls: int
    cached_tokens: int = 0
    """Of the prompt tokens, those that the provider read from its cache."""
    without_calls: int = 0
    """Simulations that are known to have made no model call."""
    unmeasured: int = 0
    """Simulations that do not say what they used, or that a failed call ended."""

    @property
    def cost(self) -> float | None:
        """The cost of all simulations, or None when any price is unknown."""
        return None if self.unpriced else self.known_cost

    def __str__(self) -> str:
        if not self.model_calls and not self.known_cost:
            known = self.without_calls or not self.unmeasured
            return "no model calls" if known else "no usage recorded"
        tokens = f"{self.prompt_tokens:,} + {self.completion_tokens:,} tokens"
        if self.cached_tokens:
            tokens += f" ({self.cached_tokens:,} cached)"
        if not self.unpriced:
            return f"${self.known_cost:.4f}, {tokens}"
        if not self.priced:
            return f"cost unknown, {tokens}"
        unpriced = plural(self.unpriced, "simulation")
        return f"at least ${self.known_cost:.4f} (price unknown in {unpriced}), {tokens}"


@dataclass(frozen=True, slots=True)
class TaskRow:
    """How one task went, over its trials."""

    task_id: str
    trials: int
    scored: int
    passed: int
    reward: float | None
    """Mean over the scored trials; None when there is none."""
    messages: float
    """Mean number of messages."""
    lost_on: tuple[str, ...]
    """What took the reward: components of it, or how the episode ended."""
    blame: tuple[str, ...]
    """Whose failures they are, as far as verdicts are stored."""

    @property
    def is_perfect(self) -> bool:
        """Whether every trial was scored and passed."""
        return self.passed == self.trials


@dataclass(frozen=True, slots=True)
class Unscored:
    """A simulation that says nothing about the agent."""

    task_id: str
    trial: int
    reason: str


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What is shown of a run."""

    domain: str
    agent: str
    user: str
    judge: str | None
    seed: int | None
    num_trials: int
    num_simulations: int
    num_scored: int
    average_reward: float | None
    """None when nothing was scored."""
    pass_hat_k: dict[int, tuple[float, int]]
    """k → (pass^k, number of tasks it is a mean over)."""
    terminations: dict[str, int]
    outcomes: dict[str, int]
    blame: dict[str, int]
    """Side (agent, user, task, infrastructure) → failed simulations; see `tau2 blame`."""
    agent_expense: Expense
    user_expense: Expense
    cut_short: dict[str, int]
    """How many messages of models were not whole, by "length" and "content_filter"."""
    rows: tuple[TaskRow, ...]
    unscored: tuple[Unscored, ...]
    saved_to: Path | None
    interrupted: bool
    tool_bugs: tuple[tuple[str, int], ...] = ()
    """What tools raised that only wrong code raises, and where, with the number of simulations."""
    average_interval: Interval | None = None
    """The 95 % interval of the average reward; None for fewer than two tasks."""
    pass_hat_intervals: Mapping[int, Interval] = field(default_factory=dict)
    """k → the 95 % interval of pass^k, where there are two tasks."""
    early_endings: tuple[EarlyEnding, ...] = ()
    """Why episodes did not end regularly, and which messages were not whole."""
    wall_seconds: float | None = None
    """How long the run took, where it was watched from its beginning."""
    voice: VoiceFigures | None = None
    """Of the calls; None for a run of text."""
    retrieval: RetrievalFigures | None = None
    """None where no task names the documents it needs."""
    variant: str | None = None
    """The retrieval variant; None where the domain has none."""
    protocol: str | None = None
    """The published comparison whose settings were used."""
    departures: tuple[str, ...] = ()
    """Where the run departs from its protocol, in words."""

    @property
    def is_complete(self) -> bool:
        """Whether every simulation was played and scored."""
        return not self.unscored and not self.interrupted

    @property
    def followed(self) -> str:
        """The protocol of the run, and where the run departs from it; empty without a protocol."""
        if self.protocol is None:
            return ""
        if not self.departures:
            return f"{self.protocol}, followed"
        number = plural(len(self.departures), "departure")
        return f"{self.protocol}, with {number}: {'; '.join(self.departures)}"

    def as_dict(self) -> dict[str, Any]:
        """Return the summary as JSON data."""
        return {
            "domain": self.domain,
            "agent": self.agent,
            "user": self.user,
            "judge": self.judge,
            **({"retrieval_config": self.variant} if self.variant is not None else {}),
            "seed": self.seed,
            "num_trials": self.num_trials,
            "num_simulations": self.num_simulations,
            "num_scored": self.num_scored,
            "average_reward": self.average_reward,
            "average_reward_interval": _interval(self.average_interval),
            "pass_hat_k": {
                str(k): {
                    "value": value,
                    "interval": _interval(self.pass_hat_intervals.get(k)),
                    "num_tasks": tasks,
                }
                for k, (value, tasks) in self.pass_hat_k.items()
            },
            "terminations": self.terminations,
            "early_endings": [ending.as_dict() for ending in self.early_endings],
            "outcomes": self.outcomes,
            "blame": self.blame,
            "cut_short": self.cut_short,
            "agent_cost": self.agent_expense.cost,
            "user_cost": self.user_expense.cost,
            "agent_tokens": _tokens(self.agent_expense),
            "user_tokens": _tokens(self.user_expense),
            "tasks": [
                {
                    "task_id": row.task_id,
                    "reward": row.reward,
                    "passed": row.passed,
                    "scored": row.scored,
                    "trials": row.trials,
                    "lost_on": list(row.lost_on),
                    "blame": list(row.blame),
                }
                for row in self.rows
            ],
            "not_scored": [
                {"task_id": one.task_id, "trial": one.trial, "reason": one.reason}
                for one in self.unscored
            ],
            **({"tool_bugs": dict(self.tool_bugs)} if self.tool_bugs else {}),
            "saved_to": str(self.saved_to) if self.saved_to else None,
            "interrupted": self.interrupted,
            "wall_seconds": None if self.wall_seconds is None else round(self.wall_seconds, 3),
            **({"voice": self.voice.as_dict()} if self.voice is not None else {}),
            **({"retrieval": self.retrieval.as_dict()} if self.retrieval is not None else {}),
            **({"protocol": self._protocol_data()} if self.protocol is not None else {}),
        }

    def _protocol_data(self) -> dict[str, Any]:
        return {"name": self.protocol, "departures": list(self.departures)}


def _interval(interval: Interval | None) -> list[float] | None:
    return None if interval is None else list(interval)


def _tokens(expense: Expense) -> dict[str, int]:
    return {
        "prompt": expense.prompt_tokens,
        "completion": expense.completion_tokens,
        "cached": expense.cached_tokens,
        "calls": expense.model_calls,
    }


def summarize(
    results: Results, folder: Path | None = None, *, interrupted: bool = False
) -> RunSummary:
    """Return the figures of a run. Conversations are read of calls only."""
    with collector_paused():
        return _summary(results, results.outlines(), folder, interrupted=interrupted)


def _summary(
    results: Results, runs: Sequence[Outline], folder: Path | None, *, interrupted: bool
) -> RunSummary:
    info = results.info
    metrics = metrics_of(results, runs)
    agent, user = participants_in(info, runs)
    agent_expense, user_expense = expenses(runs)
    counting = counted_of(info, runs)
    judged = any(run.facts.is_judged for run in runs)
    return RunSummary(
        domain=info.environment_info.domain_name,
        agent=agent,
        user=user,
        judge=info.judge if judged else None,
        variant=info.retrieval_config,
        seed=info.seed,
        num_trials=info.num_trials,
        num_simulations=len(runs),
        num_scored=metrics.num_scored,
        average_reward=metrics.avg_reward if metrics.num_scored else None,
        pass_hat_k={
            k: (value, metrics.pass_hat_k_tasks[k]) for k, value in metrics.pass_hat_ks.items()
        },
        terminations=metrics.terminations,
        outcomes=metrics.outcomes,
        blame=dict(Counter(side for run in runs if (side := blamed(run)) is not None)),
        agent_expense=agent_expense,
        user_expense=user_expense,
        cut_short=_cut_short(runs),
        rows=tuple(task_rows(runs)),
        unscored=tuple(Unscored(*run.unit, why_unscored(run)) for run in runs if not run.is_scored),
        saved_to=folder,
        interrupted=interrupted,
        tool_bugs=tool_bugs(runs),
        average_interval=_average_interval(counting),
        pass_hat_intervals=_pass_hat_intervals(counting, info.num_trials),
        early_endings=tuple(early_endings(results.simulations, runs)),
        voice=voice_figures(results.calls(runs)),
        retrieval=retrieval_figures(runs),
        protocol=info.protocol,
        departures=tuple(info.protocol_departures or ()),
    )


def tool_bugs(runs: Iterable[Simulation]) -> tuple[tuple[str, int], ...]:
    """Return what tools raised, the most frequent first, with the number of simulations."""
    counts = Counter[str]()
    for run in runs:
        raised = (run.info or {}).get(TOOL_BUGS)
        counts.update(raised.split("\n") if isinstance(raised, str) else ())
    return tuple(counts.most_common(_MOST_TOOL_BUGS))


def _average_interval(runs: Iterable[Simulation]) -> Interval | None:
    """Return the interval of the average reward: that of a ratio, for tasks are the clusters."""
    sums: dict[str, float] = defaultdict(float)
    numbers: Counter[str] = Counter()
    for run in runs:
        if run.reward is not None:
            sums[run.task_id] += run.reward
            numbers[run.task_id] += 1
    if not numbers:
        return None
    average = sum(sums.values()) / numbers.total()
    size = numbers.total() / len(numbers)
    # The ratio, linearized: values whose mean is the average, one per task (Cochran, 1977).
    return mean_interval(
        [average + (sums[task] - average * number) / size for task, number in numbers.items()]
    )


def _pass_hat_intervals(runs: Iterable[Simulation], num_trials: int) -> dict[int, Interval]:
    values = pass_hat_by_task(successes_by_task(runs), num_trials)
    intervals = {k: mean_interval(values[k]) for k in shown_ks(values)}
    return {k: interval for k, interval in intervals.items() if interval is not None}


def _cut_short(runs: Iterable[Simulation]) -> dict[str, int]:
    usages = [usage for run in runs for usage in (run.agent_usage, run.user_usage) if usage]
    counts = {
        "length": sum(usage.cut_off for usage in usages),
        "content_filter": sum(usage.content_filtered for usage in usages),
    }
    return {reason: number for reason, number in counts.items() if number}


def participants(results: Results) -> tuple[str, str]:
    """Return the names of a run's agent and user, each with its model where one was called."""
    return participants_in(results.info, results.outlines())


def participants_in(info: Info, runs: Sequence[Outline]) -> tuple[str, str]:
    """Do what `participants` does, with the outlines of the run."""
    if info.audio_native_config is not None:
        return _speaking_agent(info.audio_native_config), info.user_info.implementation
    return (
        _name(info.agent_info.implementation, info.agent_info.llm, [r.agent_usage for r in runs]),
        _name(info.user_info.implementation, info.user_info.llm, [r.user_usage for r in runs]),
    )


def _speaking_agent(config: AudioNativeConfig) -> str:
    """Return who speaks for the agent: "openai (gpt-realtime)", "local: oracle_agent"."""
    local = config.local_config
    if local is None:
        return f"{config.provider} ({config.model})" if config.model else config.provider
    text_agent = f"{local.agent} ({local.llm})" if local.llm else local.agent
    return f"{config.provider}: {text_agent}"


def _name(
    implementation: str, model: str | None, usages: Iterable[SessionUsage | Usage | None]
) -> str:
    stored = list(usages)
    measured = [usage for usage in stored if usage is not None]
    # Simulations that were stored without usage may have called the model.
    called = any(usage.model_calls for usage in measured) or (bool(stored) and not measured)
    return f"{implementation} ({model})" if model and called else implementation


def expenses(runs: Iterable[Simulation]) -> tuple[Expense, Expense]:
    """Return what the agent and the user of these simulations used."""
    played = list(runs)
    return (
        expense(_session(run, run.agent_cost, run.agent_usage, _AGENT_FAILED) for run in played),
        expense(_session(run, run.user_cost, run.user_usage, _USER_FAILED) for run in played),
    )


_AGENT_FAILED = frozenset(
    {TerminationReason.AGENT_ERROR, TerminationReason.CONTEXT_WINDOW_EXCEEDED}
)
_USER_FAILED = frozenset({TerminationReason.USER_ERROR})


def _session(
    run: Simulation,
    cost: float | None,
    usage: SessionUsage | Usage | None,
    failures: frozenset[TerminationReason],
) -> tuple[float | None, SessionUsage | Usage | None]:
    """Return cost and usage of a role; the cost is unknown where its first call failed.

    A call that failed leaves no usage: an episode that ended with it was not free of calls.
    """
    called = usage is not None and usage.model_calls
    is_unknown = run.termination_reason in failures and not called
    return None if is_unknown else cost, usage


def expense(sessions: Iterable[tuple[float | None, SessionUsage | Usage | None]]) -> Expense:
    """Add up the cost and usage of sessions; a session without model calls costs nothing."""
    known = 0.0
    unpriced = priced = prompt = completion = calls = cached = without_calls = unmeasured = 0
    for cost, recorded in sessions:
        usage = recorded or Usage()
        prompt += usage.prompt_tokens
        completion += usage.completion_tokens
        calls += usage.model_calls
        cached += usage.cached_tokens
        known += cost or 0.0
        unpriced += bool(usage.model_calls) and cost is None
        priced += bool(usage.model_calls) and cost is not None
        # Messages of unknown cost without usage are those of somebody's own agent.
        unmeasured += not usage.model_calls and cost is None
        without_calls += not usage.model_calls and cost is not None
    return Expense(
        *(known, unpriced, priced, prompt, completion, calls),
        cached_tokens=cached,
        without_calls=without_calls,
        unmeasured=unmeasured,
    )


def task_rows(runs: Iterable[Outline]) -> list[TaskRow]:
    """Return one row per task that was played, in the natural order of their ids."""
    by_task: dict[str, list[Outline]] = defaultdict(list)
    for run in runs:
        by_task[run.task_id].append(run)
    return [_row(name, by_task[name]) for name in sorted(by_task, key=natural_key)]


def _row(task_id: str, runs: Sequence[Outline]) -> TaskRow:
    scored = [run for run in runs if run.is_scored]
    return TaskRow(
        task_id=task_id,
        trials=len(runs),
        scored=len(scored),
        passed=sum(map(run_passed, scored)),
        reward=average_reward(scored),
        messages=sum(run.num_messages for run in runs) / len(runs),
        lost_on=tuple(dict.fromkeys(cause for run in runs for cause in lost_on(run))),
        blame=tuple(dict.fromkeys(side for run in runs if (side := blamed(run)) is not None)),
    )
