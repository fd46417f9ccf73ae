"""What is wrong with a submission folder: every defect with its place, and what would be right."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import isclose
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tau2.errors import DataFileError, Tau2Error, UnknownName
from tau2.report.cleaner import Cleaner
from tau2.report.safe_text import one_line
from tau2.runner.tasks import load_tasks
from tau2.storage.results import Results, load_results, missing_units
from tau2.submission.prepare import (
    PASSES,
    PLACEHOLDER,
    SUBMISSION_NAME,
    TRAJECTORIES_NAME,
    DomainDetails,
    DomainFigures,
    Submission,
    changes_of,
    domain_of,
    figures_of,
)
from tau2.submission.verification import verify
from tau2.utils import finite_json
from tau2.utils.text import first_of, plural

_LARGEST = 1 << 20  # bytes of submission.json
_SAME = 0.005  # percentage points: figures may be rounded to two decimals
_SAME_COST = 1e-4  # US dollars
_MOST_NAMED = 5
_MOST_DEFECTS = 100  # of the form of `submission.json`


@dataclass(frozen=True, slots=True)
class Defect:
    """One thing that is wrong, or that a reader should know."""

    where: str
    """The file, and the field in it where there is one."""
    what: str
    is_error: bool = True
    """Whether the submission cannot be accepted with it; otherwise it is a warning."""

    def __str__(self) -> str:
        return f"{'error' if self.is_error else 'warning'}: {self.where}: {self.what}"


def validate(
    folder: Path, *, replay: bool = False, on_graded: Callable[[], None] = lambda: None
) -> list[Defect]:
    """Return every defect of a submission folder; `replay` also grades its trajectories again."""
    submission, defects = _read(folder)
    if submission is None:
        return defects
    defects += _form(submission)
    read = dict(_trajectories(folder, submission, defects))
    for domain, results in read.items():
        details = submission.details[domain]
        figures = submission.results.get(domain)
        where = f"{TRAJECTORIES_NAME}/{details.trajectories}"
        defects += _identity(submission, domain, results, where)
        defects += _counts(details, results, domain)
        defects += _completeness(
            results, where, is_standard=submission.submission_type == "standard"
        )
        if figures is not None:
            defects += _figures(figures, results, domain)
        if replay:
            defects += _replayed(results, where, on_graded)
    return defects


def _read(folder: Path) -> tuple[Submission | None, list[Defect]]:
    file = folder / SUBMISSION_NAME
    try:
        if file.stat().st_size > _LARGEST:
            return None, [Defect(SUBMISSION_NAME, f"it has more than {_LARGEST:,} bytes")]
        raw = finite_json.loads(file.read_text(encoding="utf-8-sig"))
        return Submission.model_validate(raw), []
    except OSError as problem:
        return None, [Defect(SUBMISSION_NAME, f"it cannot be read: {problem.strerror}")]
    except ValidationError as problem:
        return None, [
            Defect(
                f"{SUBMISSION_NAME}: {'.'.join(map(str, entry['loc'])) or '(top level)'}",
                entry["msg"],
            )
            for entry in problem.errors(include_url=False, include_input=False)[:_MOST_DEFECTS]
        ]
    except (ValueError, RecursionError) as problem:
        return None, [Defect(SUBMISSION_NAME, f"it is not valid JSON: {problem}")]


def _form(submission: Submission) -> Iterator[Defect]:
    """Yield what is left open, and what contradicts itself, in `submission.json`."""
    flat: dict[str, Any] = {
        **submission.model_dump(),
        "contact_info.email": submission.contact_info.email,
    }
    for field, value in flat.items():
        if isinstance(value, str) and value in {PLACEHOLDER, ""}:
            yield Defect(f"{SUBMISSION_NAME}: {field}", "it is not filled in")
    if not submission.results:
        yield Defect(f"{SUBMISSION_NAME}: results", "there are no results")
    for domain in submission.results.keys() ^ submission.details.keys():
        missing = "details" if domain in submission.results else "results"
        yield Defect(f"{SUBMISSION_NAME}: {missing}.{domain}", "it is missing")
    for domain, figures in submission.results.items():
        known = [value for k in PASSES if (value := getattr(figures, f"pass_{k}")) is not None]
        if known != sorted(known, reverse=True):
            yield Defect(f"{SUBMISSION_NAME}: results.{domain}", "pass^k cannot grow with k")
        for k in PASSES:
            if getattr(figures, f"pass_{k}") is None:
                what = f"missing: leaderboards ask for {max(PASSES)} scored trials of every task"
                yield Defect(f"{SUBMISSION_NAME}: results.{domain}.pass_{k}", what, is_error=False)


def _trajectories(
    folder: Path, submission: Submission, defects: list[Defect]
) -> Iterator[tuple[str, Results]]:
    """Yield the run of each domain that can be read, and note the others."""
    below = folder / TRAJECTORIES_NAME
    named = {details.trajectories for details in submission.details.values()}
    there = {file.name for file in below.iterdir()} if below.is_dir() else set()
    defects += [
        Defect(f"{TRAJECTORIES_NAME}/{name}", f"{SUBMISSION_NAME} does not name it")
        for name in sorted(there - named)
    ]
    for domain, details in submission.details.items():
        name = details.trajectories
        where = f"{TRAJECTORIES_NAME}/{name}"
        if Path(name).name != name or not (below / name).is_file():
            defects.append(
                Defect(where, f"{SUBMISSION_NAME} names it for {domain}, but there is no such file")
            )
            continue
        try:
            text = (below / name).read_text(encoding="utf-8")
            results = load_results(below / name)
        except (DataFileError, OSError, UnicodeDecodeError) as problem:
            defects.append(Defect(where, f"it cannot be read: {problem}"))
            continue
        if Cleaner().redact(text) != text:
            defects.append(Defect(where, "it contains text that looks like a credential"))
        yield domain, results


def _identity(
    submission: Submission, domain: str, results: Results, where: str
) -> Iterator[Defect]:
    """Yield where the trajectories are not what the submission says they are."""
    details = submission.details[domain]
    info = results.info
    if domain_of(results) != domain:
        yield Defect(where, f"it is of domain {domain_of(results)}, not of {domain}")
    fields = (
        ("agent", details.agent, info.agent_info.implementation),
        ("user", details.user, info.user_info.implementation),
        ("user_llm", details.user_llm, info.user_info.llm),
    )
    for field, claimed, found in fields:
        if claimed != found:
            yield Defect(
                f"{SUBMISSION_NAME}: details.{domain}.{field}",
                f"it says {claimed}, the file {found}",
            )
    changes = changes_of(results)
    if changes and submission.submission_type == "standard":
        yield Defect(
            f"{SUBMISSION_NAME}: submission_type", f"it is not standard: {'; '.join(changes)}"
        )


def _counts(details: DomainDetails, results: Results, domain: str) -> Iterator[Defect]:
    found = {
        "num_tasks": len(results.tasks),
        "num_trials": results.info.num_trials,
        "num_simulations": len(results.simulations),
        "num_scored": sum(run.is_scored for run in results.simulations),
    }
    for field, number in found.items():
        claimed = getattr(details, field)
        if claimed != number:
            yield Defect(
                f"{SUBMISSION_NAME}: details.{domain}.{field}",
                f"it says {claimed}, the file has {number}",
            )


def _completeness(results: Results, where: str, *, is_standard: bool) -> Iterator[Defect]:
    """Yield what was not played or not scored; a standard submission plays the whole base split."""
    missing = missing_units(results)
    if missing:
        yield Defect(
            where,
            f"{plural(len(missing), 'missing simulation')}: "
            + _named(f"{task_id} trial {trial}" for task_id, trial in missing),
        )
    unscored = [run for run in results.simulations if not run.is_scored]
    if unscored:
        named = _named(f"{run.task_id} trial {run.unit.trial}" for run in unscored)
        yield Defect(
            where,
            f"{plural(len(unscored), 'simulation')} without a score: {named}; "
            "resume the run to play them again",
        )
    units = [(run.task_id, run.trial) for run in results.simulations]
    if len(set(units)) < len(units):
        yield Defect(where, "a trial of a task is stored more than once")
    try:
        wanted = {task.id for task in load_tasks(domain_of(results), "base")}
    except UnknownName as problem:
        yield Defect(
            where, f"whether it is the whole domain cannot be determined: {problem}", is_error=False
        )
        return
    left_out = sorted(wanted - {task.id for task in results.tasks})
    if left_out:
        number = f"{len(left_out):,} of {plural(len(wanted), 'task')}"
        what = f"not played, of the base split: {number}: {_named(left_out)}"
        yield Defect(where, what, is_error=is_standard)


def _named(items: Iterable[str]) -> str:
    return first_of((one_line(item, 60) for item in items), _MOST_NAMED)


def _figures(figures: DomainFigures, results: Results, domain: str) -> Iterator[Defect]:
    """Yield the figures that are not those of the trajectories."""
    found = figures_of(results)
    for field in DomainFigures.model_fields:
        claimed = getattr(figures, field)
        ours = getattr(found, field)
        tolerance = _SAME_COST if field == "cost" else _SAME
        if not _agree(claimed, ours, tolerance):
            shown = "unknown" if ours is None else str(ours)
            if isinstance(ours, float):
                shown = f"{ours:.4g}"
            yield Defect(
                f"{SUBMISSION_NAME}: results.{domain}.{field}",
                f"it says {claimed}, the trajectories say {shown}",
            )


def _agree(claimed: float | str | None, ours: float | str | None, tolerance: float) -> bool:
    if isinstance(claimed, float) and isinstance(ours, float):
        return isclose(claimed, ours, rel_tol=0, abs_tol=tolerance)
    return claimed == ours


def _replayed(results: Results, where: str, on_graded: Callable[[], None]) -> Iterator[Defect]:
    try:
        verdict = verify(results, on_graded=on_graded)
    except Tau2Error as problem:
        yield Defect(where, f"it cannot be graded again: {problem}")
        return
    for mismatch in verdict.mismatches:
        yield Defect(where, str(mismatch))
    if verdict.changed_tasks:
        yield Defect(where, f"not tasks of the domain: {_named(verdict.changed_tasks)}")
    if verdict.judged:
        number = plural(verdict.judged, "simulation")
        what = f"graded by a judge model, whose verdicts are not checked: {number}"
        yield Defect(where, what, is_error=False)
