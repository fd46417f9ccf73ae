"""Grading stored conversations again, with the tasks they were played on or those of today."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tau2.blame import with_blame
from tau2.data_model.message import AssistantMessage, UserMessage
from tau2.data_model.outline import BLAME
from tau2.data_model.simulation import NO_SCORE, RewardInfo, SimulationRun, Unit
from tau2.data_model.tasks import Task
from tau2.environment.task_setup import TaskSetup
from tau2.errors import ModelError
from tau2.evaluator.evaluator import EvaluationType, grade
from tau2.evaluator.evidence import Judge, ReplayRule
from tau2.llm.attempt_context import AttemptContext, use_attempt
from tau2.metrics.agent_metrics import is_successful, mean
from tau2.runner.resolve import ResolvedRun, environment_of_record, is_solo_agent, policy_rules
from tau2.storage.results import Results
from tau2.storage.stored_simulations import one_by_one

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Regraded:
    """One simulation, before and after."""

    simulation_id: str
    task_id: str
    trial: int
    before: float | None
    """None when it had no score."""
    after: float | None
    """None when it has none."""
    reason: str
    """What the new reward rests on: the components below full credit, or why there is none."""

    @property
    def is_flip(self) -> bool:
        """Whether a pass became a failure or the other way round."""
        return None not in (self.before, self.after) and _passed(self.before) != _passed(self.after)

    @property
    def is_change(self) -> bool:
        """Whether the reward is another one."""
        return self.before != self.after


@dataclass(frozen=True, slots=True)
class Regrading:
    """A run, graded again."""

    results: Results
    entries: list[Regraded] = field(default_factory=list)
    missing_tasks: tuple[str, ...] = ()
    """Tasks of the run that the domain no longer has: graded as they were stored."""

    @property
    def average_before(self) -> float | None:
        """Return the mean stored reward; None when nothing had a score."""
        return mean(entry.before for entry in self.entries if entry.before is not None)

    @property
    def average_after(self) -> float | None:
        """Return the mean reward now; None when nothing has a score."""
        return mean(entry.after for entry in self.entries if entry.after is not None)

    @property
    def flips(self) -> list[Regraded]:
        """Return what passed before and fails now, or the other way round."""
        return [entry for entry in self.entries if entry.is_flip]

    @property
    def changes(self) -> list[Regraded]:
        """Return every simulation whose reward is another one."""
        return [entry for entry in self.entries if entry.is_change]


def _passed(reward: float | None) -> bool:
    return reward is not None and is_successful(reward)


def regrade(
    results: Results,
    *,
    fresh_tasks: Sequence[Task] | None = None,
    replay: ReplayRule = ReplayRule.EFFECTS,
    judge: Judge | None = None,
    evaluation_type: EvaluationType = EvaluationType.ALL,
    on_graded: Callable[[], None] = lambda: None,
    keep: Callable[[SimulationRun], None] | None = None,
) -> Regrading:
    """Return a run with every conversation replayed and graded anew; nothing is written.

    Args:
        results: The stored run; simulations with an infrastructure failure stay as they are.
        fresh_tasks: Tasks that take the place of the stored ones of the same id.
        replay: What a replayed trajectory has to agree with. By default only the databases count,
            so that a trajectory of another version, or of the original, earns what it earned.
        judge: The model for natural-language assertions; default: the configured one.
        evaluation_type: Which checks are run.
        on_graded: Called after each simulation.
        keep: Receives each graded simulation, in place of the results that are returned; these
            have none then, so that a run of any size takes the memory of one simulation.

    Raises:
        UnknownName: the run's domain is not registered.
    """
    fresh = {task.id: task for task in fresh_tasks or ()}
    stored = {task.id: task for task in results.tasks}
    grader = _Grader(
        results,
        stored | {name: task for name, task in fresh.items() if name in stored},
        replay,
        judge,
    )
    runs: list[SimulationRun] = []
    entries = []
    for run in one_by_one(results.simulations):
        graded, entry = grader.again(run, evaluation_type)
        (runs.append if keep is None else keep)(graded)
        entries.append(entry)
        on_graded()
    missing = tuple(name for name in stored if fresh and name not in fresh)
    tasks = [grader.tasks[task.id] for task in results.tasks]
    return Regrading(
        results.model_copy(update={"simulations": runs, "tasks": tasks}), entries, missing
    )


class _Grader:
    def __init__(
        self, results: Results, tasks: dict[str, Task], replay: ReplayRule, judge: Judge | None
    ) -> None:
        self.tasks = tasks
        self.replay = replay
        self.judge = judge
        self.domain = results.info.environment_info.domain_name
        self.make_environment = environment_of_record(results.info)
        self.solo = is_solo_agent(results.info.agent_info.implementation)

    def again(
        self, run: SimulationRun, evaluation_type: EvaluationType
    ) -> tuple[SimulationRun, Regraded]:
        """Grade one simulation; one that cannot be graded keeps what it had, and says why."""
        before = run.reward_info.reward if run.is_scored and run.reward_info else None
        if run.termination_reason in NO_SCORE or not run.get_messages():
            return run, _entry(
                run, before, before, f"left as it is: {run.termination_reason.value}"
            )
        if run.task_id not in self.tasks:
            return run, _entry(run, before, before, "left as it is: the run does not hold its task")
        task = self.tasks[run.task_id]
        solo = self.solo or _opens_with_call(run)
        setup = TaskSetup(task, lambda: self.make_environment(solo_mode=solo))
        try:
            info = grade(run, setup, evaluation_type, judge=self.judge, replay=self.replay)
        except ModelError as problem:
            return run, _entry(run, before, before, f"left as it is: the judge failed: {problem}")
        graded = run.model_copy(update={"reward_info": info})
        if BLAME in (run.info or {}):
            graded = with_blame(graded, setup, policy_rules(self.domain))
        return graded, _entry(run, before, info.reward, _why(info))


def _opens_with_call(run: SimulationRun) -> bool:
    """Return whether nobody but the agent took part: it begins with a tool call of the agent.

    The name of somebody else's agent does not say whether it needs a user.
    """
    messages = run.get_messages()
    opening = messages[0]
    if not isinstance(opening, AssistantMessage) or not opening.is_tool_call():
        return False
    return not any(isinstance(message, UserMessage) for message in messages)


def _entry(run: SimulationRun, before: float | None, after: float | None, reason: str) -> Regraded:
    return Regraded(run.id, *run.unit, before, after, reason)


def _why(info: RewardInfo) -> str:
    parts = info.reward_breakdown or {}
    lost = [basis.value for basis, score in parts.items() if not is_successful(score)]
    return "; ".join([*(["lost on " + ", ".join(lost)] if lost else []), *notes_of(info)])


def notes_of(info: RewardInfo) -> list[str]:
    """Return why a reward is what it is, in words: errors and notes of the whole and of its parts.

    Where several checks were run, each part's remarks lie under the part's name.
    """
    remarks = info.info or {}
    notes = [str(remarks[key]) for key in ("error", "note") if remarks.get(key)]
    parts = (part for part in remarks.values() if isinstance(part, Mapping))
    return [*notes, *(str(part["error"]) for part in parts if part.get("error"))]


def regrade_ungraded(
    simulations: Sequence[SimulationRun],
    run: ResolvedRun,
    tasks: Sequence[Task],
    evaluation_type: EvaluationType,
) -> dict[Unit, SimulationRun]:
    """Grade stored conversations that lack a score; return those that have one now, by unit."""
    known = {task.id: task for task in tasks}
    graded = {}
    for simulation in simulations:
        if simulation.task_id not in known:
            continue
        unit = simulation.unit
        setup = TaskSetup(known[simulation.task_id], run.environment)
        try:
            with use_attempt(AttemptContext(*unit, simulation.seed, simulation.id)):
                reward = grade(simulation, setup, evaluation_type, judge=run.judge)
        except ModelError as problem:
            logger.info("grading %s again: %s", simulation.id, problem, exc_info=True)
            continue
        info = {
            key: value
            for key, value in (simulation.info or {}).items()
            if key not in {"error", "error_type"}
        }
        again = simulation.model_copy(update={"reward_info": reward, "info": info or None})
        graded[unit] = with_blame(again, setup, policy_rules(run.config.domain))
    return graded
