"""Whether stored trajectories earn the rewards that are claimed: each is replayed and graded again.

Judge models are not asked again: their verdicts stand, everything else of such a task is verified,
and the claimed reward must be the product of its parts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import isclose, prod

from tau2.data_model.simulation import RewardInfo, SimulationRun
from tau2.data_model.tasks import RewardType
from tau2.errors import UnknownName
from tau2.evaluator.evaluator import EvaluationType, needs_judge
from tau2.evaluator.evidence import ReplayRule
from tau2.runner.regrade import notes_of, regrade
from tau2.runner.tasks import current_tasks
from tau2.storage.results import Results
from tau2.storage.stored_simulations import chosen, one_by_one

_CLOSE = 1e-6


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A simulation that does not earn what it claims."""

    simulation_id: str
    task_id: str
    trial: int
    claimed: float | None
    found: float | None
    reason: str

    def __str__(self) -> str:
        return f"task {self.task_id} trial {self.trial} claims {self.claimed}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What verification says of one run."""

    checked: int
    """Simulations that were replayed and graded."""
    judged: int
    """Of these, the ones with verdicts of a judge, which are not checked."""
    skipped: int
    """Simulations without a score: there is nothing to verify."""
    mismatches: tuple[Mismatch, ...]
    changed_tasks: tuple[str, ...]
    """Tasks that are not, or no longer, those of the domain."""

    @property
    def holds(self) -> bool:
        """Whether every claimed reward is earned on the domain's own tasks."""
        return not self.mismatches and not self.changed_tasks


def verify(
    results: Results,
    *,
    replay: ReplayRule = ReplayRule.EFFECTS,
    on_graded: Callable[[], None] = lambda: None,
) -> Verdict:
    """Replay and grade every scored simulation.

    By default a trajectory is verified by its effects; with `ReplayRule.STRICT` every tool result
    must also be as it was recorded. Raise UnknownName when the run's domain is not registered.
    """
    again = partial(_compared, results, replay=replay, on_graded=on_graded)
    judged_tasks = {task.id for task in results.tasks if needs_judge(task, EvaluationType.ALL)}
    scored = chosen(results.simulations, lambda run: run.is_scored)
    judged = chosen(scored, lambda run: run.task_id in judged_tasks)
    plain = chosen(scored, lambda run: run.task_id not in judged_tasks)
    mismatches = [
        *again(plain, EvaluationType.ALL),
        *again(judged, EvaluationType.ALL_IGNORE_BASIS),
    ]
    return Verdict(
        checked=len(scored),
        judged=len(judged),
        skipped=len(results.simulations) - len(scored),
        mismatches=tuple(mismatches),
        changed_tasks=tuple(_changed_tasks(results)),
    )


def _compared(
    results: Results,
    runs: Sequence[SimulationRun],
    kind: EvaluationType,
    *,
    replay: ReplayRule,
    on_graded: Callable[[], None],
) -> Iterator[Mismatch]:
    rewards: list[RewardInfo | None] = []
    regrade(
        results.model_copy(update={"simulations": runs}),
        replay=replay,
        evaluation_type=kind,
        on_graded=on_graded,
        keep=lambda graded: rewards.append(graded.reward_info),
    )
    bases = {
        task.id: frozenset(task.evaluation_criteria.reward_basis)
        for task in results.tasks
        if task.evaluation_criteria
    }
    for run, found in zip(one_by_one(runs), rewards, strict=True):
        claimed = run.reward_info
        if not run.get_messages():
            reason = "it has no messages, so nothing earned its reward"
        elif claimed is None or found is None:
            continue
        elif kind is EvaluationType.ALL:
            reason = _other_reward(claimed, found)
        else:
            reason = _other_parts(claimed, found, bases.get(run.task_id, frozenset()))
        if reason:
            earned = found.reward if found and kind is EvaluationType.ALL else None
            yield Mismatch(run.id, *run.unit, claimed.reward if claimed else None, earned, reason)


def _other_reward(claimed: RewardInfo, found: RewardInfo) -> str:
    if isclose(claimed.reward, found.reward, abs_tol=_CLOSE):
        return ""
    lost = [basis.value for basis, score in (found.reward_breakdown or {}).items() if score < 1]
    why = f" (lost on {', '.join(lost)})" if lost else ""
    notes = "".join(f"; {note}" for note in notes_of(found))
    return f"replayed, it earns {found.reward:.2f}{why}{notes}"


def _other_parts(
    claimed: RewardInfo, found: RewardInfo, basis_of_task: frozenset[RewardType]
) -> str:
    """Compare part by part; the judge's part stands, but the whole must be the product."""
    parts = claimed.reward_breakdown
    if not parts:
        return "" if claimed.reward == 0 else "it claims a reward without saying what it rests on"
    if parts.keys() != basis_of_task:
        return "it does not rest on what its task is graded on"
    for basis, score in parts.items():
        theirs = (found.reward_breakdown or {}).get(basis)
        if (
            basis is not RewardType.NL_ASSERTION
            and theirs is not None
            and not isclose(score, theirs, abs_tol=_CLOSE)
        ):
            return f"replayed, {basis.value} is {theirs:.2f}, not {score:.2f}"
    if not isclose(claimed.reward, prod(parts.values()), abs_tol=_CLOSE):
        return "its reward is not the product of its parts"
    return ""


def _changed_tasks(results: Results) -> Iterator[str]:
    """Yield the tasks that the domain does not have in this form.

    A history's time stamps are no part of a task.
    """
    try:
        current = current_tasks(results)
    except UnknownName:
        current = []  # none of them is the domain's
    known = {task.id: task.content() for task in current}
    for task in results.tasks:
        if known.get(task.id) != task.content():
            yield task.id
