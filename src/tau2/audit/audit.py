"""Audit the tasks of a domain, those shipped or those of another data directory."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from tau2.audit import checks
from tau2.audit.agreement import check_agreement
from tau2.audit.compat import check_compat
from tau2.audit.finding import AuditReport
from tau2.audit.knowledge import (
    Library,
    check_documents,
    check_free_text,
    check_people,
)
from tau2.audit.trajectory import play_reference
from tau2.data_model.tasks import Task
from tau2.environment.domain import DomainSpec
from tau2.environment.task_setup import TaskSetup

logger = logging.getLogger(__name__)


def audit_domain(
    spec: DomainSpec,
    tasks: Sequence[Task],
    *,
    task_set: str = "",
    on_task: Callable[[Task], None] | None = None,
) -> AuditReport:
    """Audit tasks of a domain.

    A task that makes a check crash is a finding of that check, never an exception.
    """
    report = AuditReport(spec.name, task_set or spec.name)
    rules = spec.rules() if spec.rules is not None else ()
    library = Library(spec.documents() if spec.documents is not None else ())
    began = time.process_time()
    for task in tasks:
        audit_task(TaskSetup(checks.without_judge(task), spec.environment), rules, report, library)
        if on_task is not None:
            on_task(task)
    _duplicates(spec, tasks, report)
    report.tasks = len(tasks)
    report.seconds = time.process_time() - began
    return report


def audit_task(
    setup: TaskSetup,
    rules: Sequence[object],
    report: AuditReport,
    library: Library | None = None,
) -> None:
    """Run every check of one task and record what it says; `library` has its documents."""
    library = library or Library()
    task_id = setup.task.id
    try:
        episode = play_reference(setup)
    except Exception as problem:
        logger.debug("task %s cannot be played", task_id, exc_info=True)
        report.add(task_id, "reference", [f"cannot be played: {problem}"])
        return
    table: dict[str, Callable[[], list[str]]] = {
        "reference": lambda: checks.check_reference(episode),
        "floor": lambda: checks.check_floor(setup),
        "known": lambda: checks.check_known(setup, episode, library),
        "free_text": lambda: check_free_text(setup, library),
        "people": lambda: check_people(setup),
        "documents": lambda: check_documents(setup.task, library),
        "agreement": lambda: check_agreement(setup),
        "policy": lambda: checks.check_policy(setup, episode, rules),
        "order": lambda: checks.check_order(setup),
        "compat": lambda: check_compat(setup),
    }
    for name, check in table.items():
        try:
            problems = check()
        except Exception as problem:
            logger.debug("check %s of task %s crashed", name, task_id, exc_info=True)
            problems = [f"the check could not be made: {problem}"]
        report.add(task_id, name, problems)


def _duplicates(spec: DomainSpec, tasks: Sequence[Task], report: AuditReport) -> None:
    """Find duplicate tasks, and tasks of the test split that the training split repeats."""
    splits = spec.splits() if spec.splits is not None else {}
    opposite = {"test": "train", "train": "test"}
    split_of = {task_id: name for name in opposite for task_id in splits.get(name, ())}
    contents: dict[str, str] = {}
    works: dict[tuple[str, str | None], str] = {}
    for task in tasks:
        same = contents.setdefault(checks.content_of(task), task.id)
        split = split_of.get(task.id)
        work = checks.work_of(task)
        works.setdefault((work, split), task.id)
        across = works.get((work, opposite[split])) if split else None
        problems = []
        if same != task.id:
            problems.append(f"is the same as task {same}")
        if across:
            problems.append(f"takes the same work as task {across} of the other split")
        report.add(task.id, "duplicate", problems)
