"""Repair of a stored run: what it is, and files moved to where they belong.

Damaged content is never deleted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import file_digest
from pathlib import Path

from pydantic import ValidationError

from tau2.data_model.outline import Facts
from tau2.data_model.simulation import Info, ResultsFormat
from tau2.data_model.tasks import Task
from tau2.errors import DataFileError
from tau2.storage.compatibility import task_digest
from tau2.storage.files import PART, free_path, move_into, write_atomically
from tau2.storage.inspection import Inspection
from tau2.storage.journal import Finished, Opened, Stored, write_journal
from tau2.storage.results import (
    Results,
    companion,
    content_of,
    decode_simulation,
    digest,
    journal_file,
    results_file,
    save_content,
    simulation_file,
    simulations_folder,
)
from tau2.storage.stored_simulations import one_by_one

DAMAGED_NAME = "damaged"

_WORTH_REWRITING = 256  # files that were read; a journal is not written anew for fewer


def known_run(inspection: Inspection, tasks: Sequence[Task], path: Path) -> Results:
    """Return a stored run without its simulations.

    If the results file is not as it was written, the settings are taken from the journal, and each
    task from where its digest is the recorded one: the file, or the tasks that are asked for now.
    """
    opened = inspection.opened
    content = inspection.content
    if content is not None and (inspection.is_as_recorded or opened is None):
        return content.metadata
    assert opened is not None, "a run that nothing describes was refused before"
    stored = {task.id: task for task in content.metadata.tasks} if content is not None else {}
    given = {task.id: task for task in tasks}
    tasks_of_run = []
    for task_id, wanted in opened.tasks.items():
        versions = [task for task in (stored.get(task_id), given.get(task_id)) if task is not None]
        exact = next((task for task in versions if task_digest(task) == wanted), None)
        if exact is None:
            fate = "is lost; its simulations are kept"
            if versions:
                fate = "is taken in its present version, which differs from the recorded one"
            inspection.found("results", results_file(path).name, f"task {task_id!r} {fate}")
        tasks_of_run += [exact] if exact is not None else versions[:1]
    return Results(timestamp=opened.time, info=_info(opened.info, path), tasks=tasks_of_run)


def _info(raw: object, path: Path) -> Info:
    try:
        return Info.model_validate(raw)
    except ValidationError as problem:
        first = problem.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise DataFileError(f"{journal_file(path)}: info.{place}: {first['msg']}") from problem


def changed_tasks(
    inspection: Inspection, stored: Sequence[Task], tasks: Sequence[Task]
) -> list[str]:
    """Return the ids of stored tasks that are asked for in another version."""
    recorded = inspection.opened.tasks if inspection.opened is not None else {}
    now = {task.id: task for task in tasks}
    return [
        task.id
        for task in stored
        if task.id in now
        and task_digest(now[task.id]) != recorded.get(task.id)
        and task.content() != now[task.id].content()
    ]


def repair(inspection: Inspection, path: Path) -> None:
    """Put damaged content aside, remove what a crash left, and write simulations to files."""
    aside = companion(path, DAMAGED_NAME)
    for name, content in inspection.damaged_content.items():
        write_atomically(free_path(aside, name), content)
    for file in inspection.aside:
        move_into(file, aside)
    for file in (*inspection.leftovers, *_parts(path)):
        file.unlink(missing_ok=True)
    units = {entry.id: unit for unit, entry in inspection.entries.items()}
    for name, inline in inspection.inline.items():
        saved = save_content(name, inline.content, simulations_folder(path))
        unit = units[name]
        inspection.entries[unit] = replace(inspection.entries[unit], stamp=saved.stamp)


def renew(inspection: Inspection, path: Path) -> None:
    """Bring the records of many whole files up to date: the run was copied, or is an older one's.

    The next time it is opened, nothing has to be read.
    """
    if len(inspection.whole) < _WORTH_REWRITING:
        return
    folder = simulations_folder(path)
    for unit, entry in inspection.entries.items():
        stamp = inspection.whole.get(entry.id)
        if stamp is not None:
            facts = entry.facts or _facts_in(simulation_file(folder, entry.id), entry)
            inspection.entries[unit] = replace(entry, facts=facts, stamp=stamp)
    inspection.must_rewrite = True


def _facts_in(file: Path, entry: Stored) -> Facts | None:
    """Return what figures need of a whole file; None for one that is not, or not any more."""
    try:
        content = file.read_bytes()
        run = decode_simulation(content, file)
    except (OSError, DataFileError):
        return None
    return Facts.of(run) if digest(content) == entry.sha256 else None


def rewrite_journal(path: Path, results: Results, form: ResultsFormat, opened: Opened) -> None:
    """Write the journal of a run that was saved as a whole, with its recorded settings."""
    with results_file(path).open("rb") as file:
        written = file_digest(file, "sha256").hexdigest()
    opening = opened.model_copy(update={"results": written})
    stored = [Stored.of(run, content_of(run)) for run in one_by_one(results.simulations)]
    write_journal(journal_file(path), [opening, *stored, Finished(results=written, form=form)])


def put_aside(file: Path, path: Path) -> None:
    """Put one damaged file of a run aside."""
    if file.exists():
        move_into(file, companion(path, DAMAGED_NAME))


def _parts(path: Path) -> list[Path]:
    """Return half-written results files and journals that a crash left."""
    names = (results_file(path).name, journal_file(path).name)
    return [part for name in names for part in results_file(path).parent.glob(f".{name}.*{PART}")]
