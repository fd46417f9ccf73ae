"""The bank's tasks and documents, read from the data folder: the public layout, or our own.

The public folder holds one file for each task (`tasks/task_*.json`) and each document
(`documents/*.json`). Ours holds `tasks.json`, `split_tasks.json` and `documents.json`.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from functools import lru_cache, partial
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from tau2.config import domain_dir, is_foreign_data
from tau2.data_model.tasks import Task
from tau2.environment.cow import clone
from tau2.environment.db import describe_validation_error, read_data_file
from tau2.environment.domain import (
    Splits,
    load_domain_splits,
    load_domain_tasks,
    parse_tasks,
)
from tau2.errors import DataFileError
from tau2.knowledge.documents import Document, DocumentSet
from tau2.utils.json_types import JsonValue

logger = logging.getLogger(__name__)

DOMAIN = "banking_knowledge"
_Stamp = tuple[int, int]


def _stamp(path: Path) -> _Stamp:
    """Return what changes when a file is rewritten, or a file of a folder is added or removed."""
    try:
        status = path.stat()
    except OSError as error:
        raise DataFileError(f"{path}: cannot be read ({error.strerror or error})") from error
    return status.st_mtime_ns, status.st_size


def _task_files() -> list[Path]:
    """Return the files of the public layout in the order of their names; none in ours."""
    return sorted((domain_dir(DOMAIN) / "tasks").glob("task_*.json"))


@lru_cache(maxsize=4)
def _public_tasks(files: tuple[tuple[Path, _Stamp], ...]) -> dict[str, Task]:
    """Return the tasks of the files that hold one; others are left out with a warning."""
    raw: list[JsonValue] = []
    for path, _ in files:
        try:
            data = read_data_file(path)
            if isinstance(data, dict):
                data.pop("annotations", None)  # notes of the authors, which nothing reads
            Task.model_validate(data)
        except DataFileError as error:
            logger.warning("%s; the task is left out", error)
        except ValidationError as error:
            problem = describe_validation_error(error, path)
            logger.warning("%s; the task is left out", problem.splitlines()[0])
        else:
            raw.append(data)
    tasks = parse_tasks(raw, files[0][0].parent, tolerant=is_foreign_data())
    return {task.id: task for task in tasks}


def _tasks_of(files: list[Path]) -> dict[str, Task]:
    return _public_tasks(tuple((path, _stamp(path)) for path in files))


def get_tasks(
    task_split_name: str | None = "base", task_ids: Collection[str] | None = None
) -> list[Task]:
    """Return the tasks of a split (None: all), or some of them.

    The public data has no splits: every name stands for all of its tasks.

    Raises:
        UnknownName: (a ValueError) there is no such split.
        DataFileError: a file is missing or is not as it should be.
    """
    files = _task_files()
    if not files:
        return load_domain_tasks(DOMAIN, task_split_name, task_ids)
    tasks = _tasks_of(files)
    wanted = tasks if task_ids is None else dict.fromkeys(task_ids)
    return [clone(tasks[task_id]) for task_id in wanted if task_id in tasks]


def get_tasks_split() -> Splits:
    """Return split name → task ids."""
    files = _task_files()
    return {"base": list(_tasks_of(files))} if files else load_domain_splits(DOMAIN)


@lru_cache(maxsize=4)
def _documents(path: Path, _of: _Stamp) -> DocumentSet:
    try:
        if path.is_dir():
            raw = [read_data_file(file) for file in sorted(path.glob("*.json"))]
        else:
            raw = read_data_file(path)
        documents = TypeAdapter(list[Document]).validate_python(raw)
    except ValidationError as error:
        raise DataFileError(describe_validation_error(error, path)) from error
    # Environments that are pickled take the path along, and not the documents.
    return DocumentSet(documents, source=partial(_documents_in, path))


def _documents_in(path: Path) -> DocumentSet:
    return _documents(path, _stamp(path))


def get_documents() -> DocumentSet:
    """Return the knowledge base, read once per process.

    Raises:
        DataFileError: it is missing, or is not as it should be.
    """
    folder = domain_dir(DOMAIN) / "documents"
    path = folder if folder.is_dir() else domain_dir(DOMAIN) / "documents.json"
    return _documents_in(path)
