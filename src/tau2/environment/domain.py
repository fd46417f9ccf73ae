"""What a domain exports, and how its files are read: parsed once per process, never mutated.

A domain is a folder `<root>/tau2/domains/<name>/` with `db.json` (or .toml), `policy.md`,
`tasks.json` and `split_tasks.json`; the root is this package's own parent folder or TAU2_DATA_DIR.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from tau2.config import domain_dir, is_foreign_data
from tau2.data_model.tasks import Task
from tau2.environment.cow import clone
from tau2.environment.db import DB, describe_validation_error, read_data_file, read_text
from tau2.environment.environment import Environment
from tau2.environment.policy_rules import Rule
from tau2.environment.task_check import cut_lines, form_problems, grouped
from tau2.errors import ConfigError, DataFileError, UnknownName
from tau2.utils import finite_json
from tau2.utils.json_types import JsonMapping, JsonObject, JsonValue
from tau2.utils.specs import check_spec
from tau2.utils.text import error_text, shortened

logger = logging.getLogger(__name__)

DBT = TypeVar("DBT", bound=DB)
UserDBT = TypeVar("UserDBT", bound=DB)

Splits = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class DomainSpec:
    """Everything the engine needs to know of a domain."""

    name: str
    """What the domain is asked for by: `tau2 run --domain NAME`."""
    environment: Callable[..., Environment]
    """`environment(db=None, solo_mode=False, **options)` returns a fresh environment.

    That of a domain with `variants` also takes `retrieval_variant` and `retrieval_kwargs`.
    """
    tasks: Callable[..., list[Task]]
    """`tasks(split_name=default, task_ids=None)` returns tasks of a split (None: of all)."""
    splits: Callable[[], Splits] | None = None
    """Returns split name → task ids; the split `base` is played where none is named."""
    task_sets: Mapping[str, Callable[..., list[Task]]] = field(default_factory=dict)
    """Further named task sets over the same environment."""
    supports_solo: bool = True
    """Whether `environment(solo_mode=True)` is possible: an agent that works without a user."""
    rules: Callable[[], Sequence[Rule]] | None = None
    """Returns the domain's executable policy rules (see `tau2.environment.policy_rules`)."""
    documents: Callable[[], Sequence[Any]] | None = None
    """Returns the documents of the domain's knowledge base (see `tau2.knowledge.documents`)."""
    task: Callable[[str], Task] | None = None
    """`task(task_id)` returns one task without building the others."""
    generate: Callable[..., list[Task]] | None = None
    """`generate(n, seed, difficulty=None)` returns n new tasks over the domain's own database.

    One that takes `kinds` as well returns training tasks for "seen", and for "new" tasks of kinds
    that no training task is of.
    """
    variants: Mapping[str, str] = field(default_factory=dict)
    """Ways in which an agent reads the domain's documents: name → what it gives the agent.

    A run chooses one (`--retrieval-config`). Empty: the domain has no documents to choose for.
    """
    default_variant: str | Callable[[], str] | None = None
    """The variant of a run that names none; a function if it depends on the data folder."""
    plain_variant: str | None = None
    """A variant that needs neither a package nor a key.

    Stored runs are read with it where what their own needs is missing: grading searches nothing.
    """
    description: str = ""
    """What the company is, in one line, for `tau2 intro`."""

    def __post_init__(self) -> None:
        """Raise ConfigError for a field that cannot be what it is for."""
        optional = ("splits", "rules", "documents", "task", "generate")
        check_spec(self, ("environment", "tasks"), optional)

    def variant(self, name: str | None) -> str | None:
        """Return the variant that `name` stands for, in any capitalisation; None: the default.

        None is returned by a domain without variants.

        Raises:
            UnknownName: there is no such variant.
            ConfigError: a variant is named, and the domain has none.
        """
        if not self.variants:
            if name is not None:
                raise ConfigError(
                    f"domain {self.name!r} has no retrieval variants; leave out retrieval_config"
                )
            return None
        if name is None:
            chosen = self.default_variant
            return chosen() if callable(chosen) else chosen
        if name in self.variants:
            return name
        for known in self.variants:
            if known.casefold() == name.casefold():
                return known
        raise UnknownName("retrieval variant", name, self.variants)

    def environment_options(self, variant: str | None, arguments: JsonMapping | None) -> JsonObject:
        """Return what `environment` is called with for a variant; nothing for a domain without.

        Raises:
            UnknownName: there is no such variant.
            ConfigError: a domain without variants is given one, or arguments of one.
        """
        if not self.variants and arguments:
            raise ConfigError(
                f"domain {self.name!r} has no retrieval variants; leave out retrieval_config_kwargs"
            )
        chosen = self.variant(variant)
        if chosen is None:
            return {}
        return {"retrieval_variant": chosen, "retrieval_kwargs": dict(arguments or {})}


def _stamp(path: Path) -> tuple[int, int]:
    """Return the modification time and size, which change when a file is rewritten.

    Raise DataFileError when the file cannot be read.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise DataFileError(f"{path}: cannot be read ({error.strerror or error})") from error
    return status.st_mtime_ns, status.st_size


@lru_cache(maxsize=32)
def _reference_db(kind: type[DB], path: Path, _stamp: tuple[int, int]) -> DB:
    return kind.load(path)


def load_reference_db(kind: type[DBT], path: Path) -> DBT:
    """Return a view of the database in a file.

    The file is parsed once per process (and again when it changes).
    """
    reference = _reference_db(kind, path, _stamp(path))
    return reference.view()  # type: ignore[return-value]  # lru_cache erases the type parameter


def world_id_of(domain: str, path: Path, *, strict: bool) -> Hashable:
    """Return a hashable name of the initial state that a database file describes.

    It changes when the file is rewritten.
    """
    return (domain, str(path), strict, *_stamp(path))


def load_own_db(kind: type[DBT], domain: str, *, strict: bool) -> tuple[DBT, Hashable]:
    """Return a domain's own database (`db.json` in its folder) and its `world_id`."""
    path = domain_dir(domain) / "db.json"
    return load_reference_db(kind, path), world_id_of(domain, path, strict=strict)


def load_both_dbs(
    domain: str,
    kind: type[DBT],
    user_kind: type[UserDBT],
    given: tuple[DBT | None, UserDBT | None],
    *,
    strict: bool,
) -> tuple[DBT, UserDBT, Hashable]:
    """Return the databases of the agent's and the user's tools, and their `world_id`.

    Those that are not given are the domain's own, `db.json` and `user_db.json` in its folder. The
    `world_id` is None when one is given: what it holds is known to the caller alone.
    """
    db, user_db = given
    folder = domain_dir(domain)
    path = folder / "db.json"
    user_path = folder / "user_db.json"
    world_id = None
    if db is None and user_db is None:
        world_id = tuple(world_id_of(domain, file, strict=strict) for file in (path, user_path))
    return (
        load_reference_db(kind, path) if db is None else db,
        load_reference_db(user_kind, user_path) if user_db is None else user_db,
        world_id,
    )


@lru_cache(maxsize=64)
def _text(path: Path, _stamp: tuple[int, int]) -> str:
    return read_text(path)


def load_text(path: Path) -> str:
    """Return the content of a text file, read once per process.

    Raise DataFileError when it is not there.
    """
    return _text(path, _stamp(path))


@lru_cache(maxsize=64)
def _splits(path: Path, _stamp: tuple[int, int]) -> Splits:
    try:
        return TypeAdapter(Splits).validate_python(read_data_file(path))
    except ValidationError as error:
        raise DataFileError(describe_validation_error(error, path)) from error


def load_splits(path: Path) -> Splits:
    """Return split name → task ids. Raise DataFileError naming file and place."""
    return {name: list(ids) for name, ids in _splits(path, _stamp(path)).items()}


@lru_cache(maxsize=32)
def _tasks(path: Path, _stamp: tuple[int, int]) -> tuple[Task, ...]:
    return tuple(parse_tasks(read_data_file(path), path, tolerant=is_foreign_data()))


def parse_tasks(raw: JsonValue, source: object, *, tolerant: bool = False) -> list[Task]:
    """Return the tasks of parsed data.

    Raise DataFileError naming source, task and field of every problem. `tolerant` ignores fields
    that tasks do not have, with a warning that counts them.
    """
    if not isinstance(raw, list):
        raise DataFileError(f"{source}: a list of tasks is expected, not {type(raw).__name__}")
    tasks = []
    problems = []
    seen = set()
    for index, item in enumerate(raw):
        given = item.get("id") if isinstance(item, dict) else None
        name = given if isinstance(given, str) else f"number {index}"
        try:
            task = Task.model_validate(item)
        except ValidationError as error:
            problems.append(describe_validation_error(error, f"{source}: task {name}"))
            continue
        if task.id in seen:
            problems.append(f"{source}: task {task.id}: this id is used twice")
        seen.add(task.id)
        tasks.append(task)
    unknown = list(form_problems(tasks))
    if unknown and tolerant:
        logger.warning("%s", grouped(unknown, source))
        unknown = []
    problems += [f"{source}: {problem}" for problem in unknown]
    if problems:
        raise DataFileError(cut_lines(problems, source))
    return tasks


@lru_cache(maxsize=32)
def _by_id(path: Path, stamp: tuple[int, int]) -> dict[str, Task]:
    return {task.id: task for task in _tasks(path, stamp)}


def load_tasks_file(path: Path, task_ids: Collection[str] | None = None) -> list[Task]:
    """Return the tasks of a file, or those with one of `task_ids`: fresh copies.

    Raise DataFileError.

    Asking for few tasks costs what they cost, not what the file holds.
    """
    stamp = _stamp(path)
    if task_ids is None:
        return [clone(task) for task in _tasks(path, stamp)]
    known = _by_id(path, stamp)
    return [clone(known[task_id]) for task_id in dict.fromkeys(task_ids) if task_id in known]


def load_split(
    tasks_path: Path,
    splits_path: Path,
    split_name: str | None,
    task_ids: Collection[str] | None = None,
) -> list[Task]:
    """Return the tasks of one split, or those of them with one of `task_ids`; None is every split.

    Raise UnknownName (a ValueError) for a split that is not there.
    """
    if split_name is None:
        return load_tasks_file(tasks_path, task_ids)
    members = split_members(splits_path, split_name)
    _check_members(tasks_path, _stamp(tasks_path), splits_path, _stamp(splits_path), split_name)
    if task_ids is not None:
        return load_tasks_file(tasks_path, [task_id for task_id in task_ids if task_id in members])
    return [clone(task) for task in _tasks(tasks_path, _stamp(tasks_path)) if task.id in members]


@lru_cache(maxsize=64)
def _check_members(
    tasks_path: Path,
    tasks_stamp: tuple[int, int],
    splits_path: Path,
    splits_stamp: tuple[int, int],
    split_name: str,
) -> None:
    """Refuse a split that names unknown tasks; somebody else's data gets a warning."""
    known = _by_id(tasks_path, tasks_stamp)
    problems = [
        f"{splits_path}: split {split_name}: {UnknownName('task', task_id, known)}"
        for task_id in sorted(_members(splits_path, splits_stamp, split_name) - known.keys())
    ]
    if problems and is_foreign_data():
        logger.warning("%s", cut_lines(problems[:1], splits_path, total=len(problems)))
    elif problems:
        raise DataFileError(cut_lines(problems, splits_path))


def load_domain_tasks(
    domain: str, split_name: str | None, task_ids: Collection[str] | None = None
) -> list[Task]:
    """Return the tasks of a split (None: all) of a domain's folder, or some of them.

    Raises:
        UnknownName: (a ValueError) there is no such split.
        DataFileError: a file is missing or is not as it should be.
    """
    folder = domain_dir(domain)
    return load_split(folder / "tasks.json", folder / "split_tasks.json", split_name, task_ids)


def load_domain_splits(domain: str) -> Splits:
    """Return split name → task ids of a domain's folder."""
    return load_splits(domain_dir(domain) / "split_tasks.json")


def data_paths(domain: str, files: Mapping[str, str]) -> Callable[[str], Path]:
    """Return a module's `__getattr__` for the paths of a domain's files, by name.

    A path is looked up when it is asked for, so that a changed TAU2_DATA_DIR counts at once.
    """

    def path_of(name: str) -> Path:
        if name not in files:
            raise AttributeError(f"module 'tau2.domains.{domain}.utils' has no attribute {name!r}")
        return domain_dir(domain) / files[name]

    return path_of


@lru_cache(maxsize=256)
def _members(path: Path, stamp: tuple[int, int], split_name: str) -> frozenset[str]:
    splits = _splits(path, stamp)
    if split_name not in splits:
        raise UnknownName("task split", split_name, splits)
    return frozenset(splits[split_name])


def split_members(splits_path: Path, split_name: str) -> frozenset[str]:
    """Return the task ids of a split.

    Raise UnknownName (a ValueError) for one that is not there.
    """
    return _members(splits_path, _stamp(splits_path), split_name)


def tasks_as_json(tasks: Sequence[Task]) -> str:
    """Return tasks in the public file shape, without fields that were never set.

    Raise DataFileError naming task and place for what would not be read as it is.
    """
    data = [_as_data(task) for task in tasks]
    return finite_json.dumps(data, indent=1) + "\n"


def _as_data(task: Task) -> JsonValue:
    name = shortened(task.id, 80) if isinstance(task.id, str) else type(task.id).__name__
    where = f"task {name!r} cannot be written"
    try:
        data = task.model_dump(exclude_none=True, warnings=False)
        # In its file the task stands in a list, which is a level of its own.
        finite_json.refuse_unreadable(data, depth=finite_json.DEEPEST - 1)
        is_same = Task.model_validate(data) == task
    except (ValueError, TypeError, RecursionError) as problem:
        raise DataFileError(f"{where}: {error_text(problem, 300)}") from problem
    if not is_same:
        raise DataFileError(f"{where}: it holds values that JSON has no form for")
    return data


def dump_tasks(tasks: Sequence[Task], path: Path) -> None:
    """Write tasks in the public file shape."""
    path.write_text(tasks_as_json(tasks), encoding="utf-8")
