"""A report card of a simulated user: what its conversations with the reference agent show.

The reference agent knows the solution of every task, so whatever goes wrong is the user's doing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from math import sqrt
from statistics import mean, stdev
from typing import Any

from tau2.data_model.message import ToolMessage, UserMessage
from tau2.data_model.simulation import SimulationRun, TerminationReason
from tau2.data_model.tasks import Task
from tau2.environment.environment import Environment
from tau2.metrics.distributions import student_quantile
from tau2.user.monitor import Finding, FindingKind, user_findings
from tau2.user.monitor.facts import names_in, stated
from tau2.user.monitor.wish import stated_share
from tau2.user.monitor.words import plain, spoken, words

MOST_SHOWN = 60
"""Findings that a card keeps with their texts."""

_INVENTED = frozenset({FindingKind.INVENTS_FACT, FindingKind.CONTRADICTS_FACT})
_NO_END = frozenset({TerminationReason.MAX_STEPS, TerminationReason.TIMEOUT})
_INFRASTRUCTURE = frozenset(
    {TerminationReason.INFRASTRUCTURE_ERROR, TerminationReason.UNEXPECTED_ERROR}
)


@dataclass(frozen=True, slots=True)
class RecordedUsers:
    """How simulated users in recorded conversations spoke."""

    conversations: int
    words_per_turn: float
    facts_per_turn: float
    turns: float
    """Texts of the user in one conversation."""
    source: str


_SOURCE = "published results of tau2-bench, {}; counted by us, tokens that end left out"
RECORDED = {
    "airline": RecordedUsers(
        285, 37.1, 0.81, 6.0, _SOURCE.format("user models gpt-4.1, gpt-4o and gpt-oss-120b")
    ),
    "retail": RecordedUsers(75, 74.8, 1.56, 4.2, _SOURCE.format("user model gpt-4.1")),
    "telecom": RecordedUsers(50, 30.9, 0.16, 9.1, _SOURCE.format("user models gpt-4.1, gpt-4o")),
}
"""Figures of recorded conversations of public tasks, by domain: means over texts."""


@dataclass(frozen=True, slots=True)
class ShownFinding:
    """A finding with the text that it is about."""

    task_id: str
    turn: int
    kind: str
    reason: str
    text: str


@dataclass(slots=True)
class UserFigures:
    """What the conversations of one user in one domain show."""

    conversations: int = 0
    left_out: int = 0
    """Conversations that an infrastructure failure ended."""
    wish_coverage: float = 0.0
    """Mean share of the sentences of a scenario's wish that were said."""
    wish_missing: float = 0.0
    """Share of conversations in which the wish was never said."""
    facts_invented: float = 0.0
    """Share of conversations with an invented or contradicted fact."""
    actions_omitted: float = 0.0
    """Share of the user's actions in the references that it did not do."""
    premature_ends: float = 0.0
    missed_ends: float = 0.0
    """Share of conversations that a limit ended, or goodbyes without an end."""
    failures: float = 0.0
    """Share of conversations with any finding."""
    words_per_turn: float = 0.0
    facts_per_turn: float = 0.0
    turns: float = 0.0
    score: float = 0.0
    """Mean reward of the reference agent."""
    floor: float | None = None
    """Mean reward of the baseline agent."""
    by_kind: dict[str, int] = field(default_factory=dict)
    shown: list[ShownFinding] = field(default_factory=list)


def figures_of(
    runs: Iterable[SimulationRun], tasks: Sequence[Task], environment: Environment
) -> UserFigures:
    """Return the figures of conversations between the reference agent and a user."""
    known = {task.id: task for task in tasks}
    figures = UserFigures()
    seen = _Seen()
    for run in runs:
        if run.termination_reason in _INFRASTRUCTURE or run.task_id not in known:
            figures.left_out += 1
            continue
        seen.add(run, known[run.task_id], environment)
    seen.fill(figures)
    return figures


@dataclass(slots=True)
class _Seen:
    """What is counted while conversations are read."""

    coverage: list[float] = field(default_factory=list)
    rewards: list[float] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    facts: list[int] = field(default_factory=list)
    kinds: list[set[FindingKind]] = field(default_factory=list)
    silent: list[bool] = field(default_factory=list)
    no_ends: int = 0
    wanted: int = 0
    done: int = 0
    by_kind: Counter[str] = field(default_factory=Counter)
    shown: list[ShownFinding] = field(default_factory=list)

    def add(self, run: SimulationRun, task: Task, environment: Environment) -> None:
        messages = run.get_messages()
        findings = user_findings(messages, task, environment)
        texts = [
            spoken(plain(message.content))
            for message in messages[len(task.history) :]
            if isinstance(message, UserMessage) and message.content and not message.is_tool_call()
        ]
        self.coverage.append(stated_share(task, texts))
        self.rewards.append(run.reward_info.reward if run.reward_info is not None else 0.0)
        spoke = [text for text in texts if words(text)]
        self.silent.append(not spoke)
        self.lengths += [len(words(text)) for text in spoke]
        self.facts += [len({value.key for value in (*stated(t), *names_in(t))}) for t in spoke]
        self.kinds.append({finding.kind for finding in findings})
        self.by_kind.update(finding.kind.value for finding in findings)
        self.no_ends += (
            run.termination_reason in _NO_END or FindingKind.KEEPS_CLOSING in self.kinds[-1]
        )
        self._add_actions(run, task)
        self._show(run, findings)

    def _add_actions(self, run: SimulationRun, task: Task) -> None:
        wanted = Counter(a.name for a in task.reference_actions if a.requestor == "user")
        messages = run.get_messages()
        failed = {m.id for m in messages if isinstance(m, ToolMessage) and m.error}
        called = Counter(
            call.name
            for message in messages
            for call in message.calls
            if call.requestor == "user" and call.id not in failed
        )
        self.wanted += wanted.total()
        self.done += sum(min(count, called[name]) for name, count in wanted.items())

    def _show(self, run: SimulationRun, findings: Sequence[Finding]) -> None:
        for finding in findings[: MOST_SHOWN - len(self.shown)]:
            text = getattr(run.get_messages()[finding.turn], "content", None) or ""
            self.shown.append(
                ShownFinding(run.task_id, finding.turn, finding.kind.value, finding.reason, text)
            )

    def fill(self, figures: UserFigures) -> None:
        figures.conversations = len(self.kinds)
        if not self.kinds:
            return

        def share(kinds: frozenset[FindingKind]) -> float:
            return mean(bool(kinds & found) for found in self.kinds)

        figures.wish_coverage = mean(self.coverage)
        # The monitor looks at what a user says; one that says nothing has not said its wish either.
        figures.wish_missing = mean(
            silent or FindingKind.NO_WISH in found
            for silent, found in zip(self.silent, self.kinds, strict=True)
        )
        figures.facts_invented = share(_INVENTED)
        figures.actions_omitted = 1 - self.done / self.wanted if self.wanted else 0.0
        figures.premature_ends = share(frozenset({FindingKind.ENDS_EARLY}))
        figures.missed_ends = self.no_ends / len(self.kinds)
        figures.failures = share(frozenset(FindingKind))
        figures.words_per_turn = mean(self.lengths) if self.lengths else 0.0
        figures.facts_per_turn = mean(self.facts) if self.facts else 0.0
        figures.turns = len(self.lengths) / len(self.kinds)
        figures.score = mean(self.rewards)
        figures.by_kind = dict(self.by_kind.most_common())
        figures.shown = self.shown


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """How an agent's score changes with the user: this one against the scripted one."""

    difference: float
    low: float | None
    """Of a 95 % interval over tasks; None with fewer than two tasks."""
    high: float | None


def sensitivity(own: Sequence[SimulationRun], other: Sequence[SimulationRun]) -> Sensitivity:
    """Return the mean difference of rewards, task by task, with its interval (Student's t)."""
    mine = _by_task(own)
    theirs = _by_task(other)
    differences = [mine[task] - theirs[task] for task in mine if task in theirs]
    if not differences:
        return Sensitivity(0.0, None, None)
    middle = mean(differences)
    if len(differences) == 1:
        return Sensitivity(middle, None, None)
    freedom = len(differences) - 1
    half = student_quantile(0.975, freedom) * stdev(differences) / sqrt(len(differences))
    return Sensitivity(middle, max(-1.0, middle - half), min(1.0, middle + half))


def _by_task(runs: Sequence[SimulationRun]) -> dict[str, float]:
    rewards: dict[str, list[float]] = {}
    for run in runs:
        if run.termination_reason not in _INFRASTRUCTURE and run.reward_info is not None:
            rewards.setdefault(run.task_id, []).append(run.reward_info.reward)
    return {task: mean(values) for task, values in rewards.items()}


@dataclass(frozen=True, slots=True)
class Criterion:
    """One demand on a simulated user."""

    name: str
    value: float
    limit: float
    at_least: bool
    """Whether the value must reach the limit; otherwise it must not exceed it."""

    @property
    def is_met(self) -> bool:
        """Whether the user meets it."""
        return self.value >= self.limit if self.at_least else self.value <= self.limit


@dataclass(frozen=True, slots=True)
class DomainCard:
    """A user in one domain."""

    domain: str
    user: UserFigures
    scripted: UserFigures
    """The scripted user on the same tasks."""
    sensitivity: Sensitivity
    recorded: RecordedUsers | None

    @property
    def criteria(self) -> list[Criterion]:
        """What is demanded of a user on which an agent may be measured."""
        user = self.user
        return [
            Criterion("wish coverage", user.wish_coverage, 0.8, at_least=True),
            Criterion("wish never said", user.wish_missing, 0.01, at_least=False),
            Criterion("facts invented", user.facts_invented, 0.02, at_least=False),
            Criterion("actions omitted", user.actions_omitted, 0.05, at_least=False),
            Criterion("premature ends", user.premature_ends, 0.01, at_least=False),
            Criterion("missed ends", user.missed_ends, 0.1, at_least=False),
            Criterion("any failure", user.failures, 0.05, at_least=False),
            Criterion("score of the reference agent", user.score, 0.95, at_least=True),
            Criterion("score lost", abs(self.sensitivity.difference), 0.05, at_least=False),
        ]


@dataclass(frozen=True, slots=True)
class UserCard:
    """The report card of a simulated user."""

    user: str
    model: str | None
    prompt_form: str | None
    seed: int
    engine_version: str
    domains: list[DomainCard]

    @property
    def is_certified(self) -> bool:
        """Whether every demand is met in every domain."""
        return all(one.is_met for domain in self.domains for one in domain.criteria)

    def as_dict(self) -> dict[str, Any]:
        """Return the card as JSON data."""
        data = asdict(self)
        data["is_certified"] = self.is_certified
        for domain, plain_domain in zip(self.domains, data["domains"], strict=True):
            plain_domain["criteria"] = [
                {**asdict(one), "is_met": one.is_met} for one in domain.criteria
            ]
        return data
