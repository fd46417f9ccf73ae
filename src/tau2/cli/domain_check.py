"""Problems in the files of a domain: missing files, wrong form, names that do not exist."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from tau2 import config
from tau2.data_model.tasks import Task
from tau2.environment.db import read_data_file
from tau2.environment.domain import load_splits, load_tasks_file, parse_tasks
from tau2.environment.environment import Environment
from tau2.environment.task_check import form_problems, task_problems
from tau2.errors import Tau2Error, UnknownName
from tau2.registry import registry
from tau2.utils.text import first_of

ResultT = TypeVar("ResultT")

# What loaders raise for files of the wrong content.
_BROKEN = (Tau2Error, OSError, ValueError, LookupError, TypeError)
_SPLITS_NAME = "split_tasks.json"


@dataclass(slots=True)
class DomainCheck:
    """What was found of one domain."""

    name: str
    tasks: Sequence[Task] | None = None
    splits: dict[str, list[str]] | None = None
    environment: Environment | None = None
    problems: list[str] = field(default_factory=list)
    note: str = ""

    def attempt(self, load: Callable[[], ResultT]) -> ResultT | None:
        """Return what `load` returns; note the problem when it cannot."""
        try:
            return load()
        except _BROKEN as problem:
            kind = "" if isinstance(problem, Tau2Error) else f"{type(problem).__name__}: "
            lines = f"{kind}{problem}".splitlines()
            self.problems += [line for line in lines if line and line not in self.problems]
            return None


def domain_names() -> list[str]:
    """Return the domains with code, and the folders of the data directory."""
    folder = config.data_dir() / "tau2" / "domains"
    found = [entry.name for entry in folder.iterdir() if entry.is_dir()] if folder.is_dir() else []
    return sorted({*registry.get_domains(), *(name for name in found if name[0] not in "._")})


def check_domain(name: str, *, must_exist: bool) -> DomainCheck:
    """Return what is wrong with one domain; without files it is a problem only if it must exist."""
    from tau2.runner.resolve import readable_environment

    check = DomainCheck(name)
    folder = config.domain_dir(name)
    if name not in registry.get_domains():
        _check_files(check, folder)
        return check
    check.environment = check.attempt(lambda: readable_environment(name)())
    if check.environment is None and not folder.is_dir() and not must_exist:
        check.problems = []
        check.note = "no files here"
        return check
    check.tasks = check.attempt(lambda: registry.get_tasks_loader(name)(None))
    check.problems += _form_problems(check, _tasks_file(folder))
    splits = check.attempt(lambda: registry.get_task_splits_loader(name))
    check.splits = check.attempt(splits) if splits is not None else None
    check.problems += _split_problems(check, folder)
    if check.environment is not None:
        file = _tasks_file(folder)
        for problem in task_problems(check.tasks or (), check.environment):
            check.problems.append(f"{file}: {problem}")
    return check


def _check_files(check: DomainCheck, folder: Path) -> None:
    """Check what can be checked without the domain's code."""
    check.note = "no code for it here; only the form of its files is checked"
    if not folder.is_dir():
        check.problems.append(str(UnknownName("domain", check.name, domain_names())))
        return
    for pattern in ("db.*", "user_db.*"):
        for file in folder.glob(pattern):
            check.attempt(lambda file=file: read_data_file(file))  # type: ignore[misc]  # bound
    tasks = _tasks_file(folder)
    check.tasks = check.attempt(lambda: load_tasks_file(tasks))
    check.problems += _form_problems(check, tasks)
    if (folder / _SPLITS_NAME).is_file():
        check.splits = check.attempt(lambda: load_splits(folder / _SPLITS_NAME))
    check.problems += _split_problems(check, folder)


def _form_problems(check: DomainCheck, file: Path) -> Iterator[str]:
    """Yield the unknown fields of somebody else's file, which loading it only warns of."""
    if check.tasks is None or not config.is_foreign_data() or not file.is_file():
        return
    tasks = check.attempt(lambda: parse_tasks(read_data_file(file), file, tolerant=True))
    for problem in form_problems(tasks or ()):
        yield f"{file}: {problem}"


def _tasks_file(folder: Path) -> Path:
    """Return the file of the tasks, for messages and for domains without code."""
    return next((file for file in sorted(folder.glob("tasks*.json"))), folder / "tasks.json")


def _split_problems(check: DomainCheck, folder: Path) -> Iterator[str]:
    if check.tasks is None:
        return
    known = {task.id for task in check.tasks}
    for split, ids in (check.splits or {}).items():
        missing = [task_id for task_id in ids if task_id not in known]
        if missing:
            named = first_of(map(repr, missing), 1)
            yield f"{folder / _SPLITS_NAME}: split {split}: there is no task {named}"
