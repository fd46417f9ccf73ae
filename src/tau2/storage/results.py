"""Results on disk: one file, or a folder with one durable file per simulation.

`json`: everything in one file. `dir`: `results.json` without simulations, and
`simulations/<id>.json` each. A path to `results.json` beside a `simulations/` folder means the
folder, unless the file itself holds simulations. A results file of another name, say `a.json`, has
its own folder `a.simulations/`, so that two runs may lie side by side. Writing is atomic and
synced: a reader, or a crash, sees the old content or the new, never half of it.
"""

from __future__ import annotations

import gc
import hashlib
import logging
import math
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar, cast

from pydantic import (
    BaseModel,
    Field,
    TypeAdapter,
    ValidationError,
    field_serializer,
    field_validator,
)

from tau2.data_model.message import _now
from tau2.data_model.outline import Outline
from tau2.data_model.simulation import (
    Info,
    ResultsFormat,
    SimulationIndexEntry,
    SimulationRun,
    Unit,
)
from tau2.data_model.tasks import Task
from tau2.errors import DataFileError, needs_extra
from tau2.storage import files
from tau2.storage.results_table import rows
from tau2.storage.single_file import Place, SingleFile, single_file
from tau2.storage.stored_simulations import (
    StoredSimulations,
    one_by_one,
    outlines_of,
    whole,
)
from tau2.storage.upgrades import upgrade_results, upgrade_simulation
from tau2.utils import finite_json
from tau2.utils.json_types import JsonObject, JsonValue
from tau2.utils.model_json import holds_pair, model_json, value_json
from tau2.utils.text import error_text, first_of, plural

logger = logging.getLogger(__name__)

ModelT = TypeVar("ModelT", bound=BaseModel)

RESULTS_NAME = "results.json"
SIMULATIONS_NAME = "simulations"
_JOURNAL_NAME = "journal.jsonl"
_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
_LONGEST_NAME = 200  # characters; file systems allow 255 bytes
_MOST_NAMED = 5  # missing simulations in one line
_SLOW = (
    re.compile(rb'"tool_calls"\s*:\s*\[\s*\]'),
    re.compile(rb"\\u[dD][89a-fA-F]"),
    re.compile(rb"\":\s*-?\d{308}"),
)
"""What the fast reader takes differently: empty lists that mean no call, halves of characters, and
integers that are too large for a cost.

Several patterns, because each is searched for by its beginning, which takes a fifth of the time.
"""

_INDEX: TypeAdapter[list[SimulationIndexEntry]] = TypeAdapter(list[SimulationIndexEntry])
_INDEXED_AT_ONCE = 1_000
_EMPTY_INDEX = b"[]\n}"
_NO_SIMULATIONS = b"[]\n}"
_ANY_KEY = b'\n  "'  # of the outermost object
_INDEX_KEY = b',\n  "simulation_index": ['

_DEEPEST = 100  # levels of a simulation; real ones have about ten, and serializers fail near 250


class Saved(NamedTuple):
    """A file that was written."""

    path: Path
    size: int
    sha256: str
    stamp: files.Stamp | None = None
    """As it was found after it was written; None for content that is no file."""


class Results(BaseModel):
    """A run: what it was, its tasks, and its simulations."""

    timestamp: str | None = Field(default_factory=_now)
    info: Info
    tasks: list[Task]
    simulations: list[SimulationRun] = Field(default_factory=list)
    simulation_index: list[SimulationIndexEntry] | None = None

    def __repr__(self) -> str:
        """Return a few lines, not the conversations."""
        from tau2.storage.results_view import text_of  # noqa: PLC0415  -- for people only

        return text_of(self)

    __str__ = __repr__

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        from tau2.storage.results_view import html_of  # noqa: PLC0415  -- for people only

        return html_of(self)

    @field_validator("simulations", mode="wrap")
    @classmethod
    def _take(
        cls, runs: object, check: Callable[[object], list[SimulationRun]]
    ) -> list[SimulationRun]:
        """Take over simulations that are on disk without reading them."""
        taken: Any = runs.copy() if isinstance(runs, StoredSimulations) else check(runs)
        return cast("list[SimulationRun]", taken)

    @field_serializer("simulations", mode="wrap")
    def _write(self, runs: Sequence[SimulationRun], write: Callable[[object], Any]) -> Any:
        return write(whole(runs))

    def outlines(self) -> list[Outline]:
        """Return what figures need of each simulation, in order: everything but the conversation.

        Conversations that lie on disk are not read for it, if the run's journal holds the outline.
        """
        return outlines_of(self.simulations)

    def calls(self, outlines: Iterable[Outline] | None = None) -> Iterator[SimulationRun]:
        """Yield the spoken simulations, read one after another; `outlines` are of all of them."""
        for place, outline in enumerate(self.outlines() if outlines is None else outlines):
            if outline.facts.is_call:
                yield self.simulations[place]

    def average_reward(self) -> float:
        """Return the mean reward of the scored simulations.

        When there is none it is NaN, and a UserWarning says so.
        """
        rewards = [
            one.reward for one in self.outlines() if one.is_scored and one.reward is not None
        ]
        if rewards:
            return sum(rewards) / len(rewards)
        text = f"no scored simulation among {plural(len(self.simulations), 'simulation')}"
        warnings.warn(f"average_reward() is NaN: {text}", stacklevel=2)
        return math.nan

    @classmethod
    def load(cls, path: str | Path) -> Results:
        """Read a results file or folder, of any known version.

        Raise DataFileError naming file and place.
        """
        return load_results(Path(path))

    @classmethod
    def load_metadata(cls, path: str | Path) -> Results:
        """Read everything except the simulations."""
        return load_metadata(Path(path))

    @classmethod
    def iter_simulations(cls, path: str | Path) -> Iterator[SimulationRun]:
        """Yield the simulations one by one; a folder is never held in memory as a whole."""
        yield from iter_simulations(Path(path))

    def save(
        self,
        path: str | Path,
        format: ResultsFormat = "json",  # noqa: A002  -- public signature
    ) -> None:
        """Write one file (`json`) or a folder with one file per simulation (`dir`), atomically."""
        save_results(self, Path(path), format)

    def save_metadata(self, path: str | Path) -> None:
        """Write everything except the simulations."""
        save_metadata(self, Path(path))

    def to_df(self) -> Any:
        """Return one row per simulation (a pandas DataFrame). Raise MissingExtra without pandas."""
        with needs_extra("report", "pandas"):
            import pandas as pd  # noqa: PLC0415  -- optional

        return pd.DataFrame(rows(self.info, self.tasks, self.outlines()))

    @classmethod
    def df_from_path(cls, path: str | Path) -> Any:
        """Return `to_df()` of stored results."""
        return cls.load(path).to_df()


def results_file(path: Path) -> Path:
    """Return the results file that `path` (a folder or the file itself) means."""
    return path / RESULTS_NAME if path.is_dir() or path.suffix != ".json" else path


def simulations_folder(path: Path) -> Path:
    """Return the folder of the simulations that belong to `path`."""
    return companion(path, SIMULATIONS_NAME)


def companion(path: Path, name: str) -> Path:
    """Return the path of what belongs to a results file and has `name`.

    Beside a results file of another name than `results.json`, it has that name, too.
    """
    file = results_file(path)
    return file.parent / (name if file.name == RESULTS_NAME else f"{file.stem}.{name}")


def journal_file(path: Path) -> Path:
    """Return the journal of the run that `path` means."""
    return companion(path, _JOURNAL_NAME)


def _stored_folder(path: Path) -> Path:
    """Return the folder to read simulations from.

    Older versions kept them in `simulations/`, whatever the name of the results file.
    """
    own = simulations_folder(path)
    older = own.with_name(SIMULATIONS_NAME)
    return older if not own.is_dir() and not (own.parent / RESULTS_NAME).exists() else own


def simulation_file(folder: Path, simulation_id: str) -> Path:
    """Return the file of one simulation.

    Raise DataFileError for an id that could leave the folder.
    """
    if (
        not simulation_id
        or simulation_id[0] == "."
        or len(simulation_id) > _LONGEST_NAME
        or set(simulation_id) - _SAFE
    ):
        raise DataFileError(
            f"simulation id {simulation_id[:80]!r} cannot be a file name: "
            "use letters, digits, . _ -"
        )
    return folder / f"{simulation_id}.json"


def write_atomically(path: Path, text: str) -> None:
    """Replace `path` by a file with `text`, durably.

    The content and the folder entry are synced.
    """
    files.write_atomically(path, text.encode())


def digest(content: bytes | bytearray) -> str:
    """Return the SHA-256 of a file's bytes."""
    return hashlib.sha256(content).hexdigest()


def _read(path: Path) -> JsonObject:
    try:
        return _object(path.read_bytes(), path)
    except OSError as error:
        raise DataFileError(f"{path}: cannot be read ({error.strerror or error})") from error


def _object(content: bytes, source: Path) -> JsonObject:
    try:
        raw = finite_json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise DataFileError(f"{source}: not valid JSON: {error}") from error
    if not isinstance(raw, dict):
        raise DataFileError(f"{source}: an object is expected, not {type(raw).__name__}")
    return raw


def _parse(kind: type[ModelT], raw: JsonValue, source: Path) -> ModelT:
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in problem["loc"]) or "(top level)"
        more = f" (+{error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise DataFileError(f"{source}: {place}: {problem['msg']}{more}") from error


def load_metadata(path: Path) -> Results:
    """Return everything except the simulations."""
    file = results_file(path)
    parts = single_file(file)
    return _metadata(_read(file) if parts is None else _object(parts.rest, file), file)


def _metadata(raw: JsonObject, file: Path) -> Results:
    return _parse(Results, upgrade_results({**raw, "simulations": []}), file)


class Content(NamedTuple):
    """A results file, read once."""

    metadata: Results
    simulations: list[JsonValue] | None
    """The simulations of the single-file form, not looked at yet; None for a folder."""
    from_index: bytes | None = None
    """The file from its index on, which was not read."""


def decode_results(content: bytes, source: Path) -> Content:
    """Return what a results file holds. Raise DataFileError naming file and place."""
    raw = _object(content, source)
    entries = raw["simulations"] if _is_inline(raw) else None
    if entries is not None and not isinstance(entries, list):
        raise DataFileError(
            f"{source}: simulations: a list is expected, not {type(entries).__name__}"
        )
    return Content(_metadata(raw, source), entries)


def decode_without_index(content: bytes, source: Path) -> Content:
    """Do what `decode_results` does, for content that is as we wrote it: its index is not read."""
    begin = content.rfind(_INDEX_KEY)
    # A line break never stands in a text of JSON, so this is a key of the outermost object; it is
    # the last one if no other follows.
    if begin < 0 or content.find(_ANY_KEY, begin + len(_INDEX_KEY)) >= 0:
        return decode_results(content, source)
    found = decode_results(content[:begin] + b"\n}", source)
    return found._replace(from_index=content[begin + len(_INDEX_KEY) - 1 :])


def parse_simulation(raw: JsonValue, source: Path) -> SimulationRun:
    """Return a simulation of any version. Raise DataFileError naming file and place."""
    return _parse(SimulationRun, upgrade_simulation(raw), source)


def decode_simulation(content: bytes, source: Path) -> SimulationRun:
    """Return the simulation in a file's bytes, of any version.

    Raise DataFileError naming file and place.
    """
    if not any(slow.search(content) for slow in _SLOW) and not finite_json.may_hold_constant(
        content
    ):
        with suppress(
            ValidationError
        ):  # an older shape, or damage: the slow way upgrades it, or names the place
            return SimulationRun.model_validate_json(content)
    return parse_simulation(_object(content, source), source)


def iter_simulations(path: Path) -> Iterator[SimulationRun]:
    """Yield the stored simulations: those in the file, else those in the folder.

    A folder's index, written when a run ends, says which files count; without one (a run in
    progress, or interrupted) all do. Raise DataFileError for one that is missing or cannot be read.
    """
    file = results_file(path)
    parts = single_file(file)
    if parts is None:
        yield from _runs(_read(file) if file.exists() else {}, path)
        return
    _object(parts.rest, file)
    yield from _runs_in(parts, file)


def _runs_in(parts: SingleFile, file: Path) -> Iterator[SimulationRun]:
    for place in parts.places:
        yield simulation_in(parts, place, file)


def simulation_in(parts: SingleFile, place: Place, file: Path) -> SimulationRun:
    """Return a simulation of a single file. Raise DataFileError naming file and place."""
    try:
        return decode_simulation(parts.read(place), file)
    except DataFileError:
        _read(file)  # what is no JSON is named with its place in the whole
        raise


def _runs(raw: JsonObject, path: Path) -> Iterator[SimulationRun]:
    if not _is_inline(raw):
        yield from _runs_of_folder(raw.get("simulation_index"), path)
        return
    file, entries = results_file(path), raw["simulations"]
    if not isinstance(entries, list):
        raise DataFileError(
            f"{file}: simulations: a list is expected, not {type(entries).__name__}"
        )
    for entry in entries:
        yield parse_simulation(entry, file)


def _is_inline(raw: JsonObject) -> bool:
    """Return whether a results object is of the single-file form, which has no index."""
    return bool(raw.get("simulations")) or ("simulations" in raw and "simulation_index" not in raw)


def _runs_of_folder(index: JsonValue, path: Path) -> Iterator[SimulationRun]:
    folder = _stored_folder(path)
    if isinstance(index, list):
        entries = [_parse(SimulationIndexEntry, entry, results_file(path)) for entry in index]
        names = [simulation_file(folder, entry.id) for entry in entries]
        _compare_with_index(names, folder)
    else:
        names = sorted(folder.glob("*.json")) if folder.is_dir() else []
    for name in names:
        try:
            content = name.read_bytes()
        except FileNotFoundError as error:
            if not isinstance(index, list):
                continue  # a failed attempt whose outcome was stored while we read
            raise DataFileError(
                f"{name}: cannot be read ({error.strerror}), but the index lists it"
            ) from error
        except OSError as error:
            raise DataFileError(f"{name}: cannot be read ({error.strerror or error})") from error
        yield decode_simulation(content, name)


def load_simulation(folder: Path, simulation_id: str) -> SimulationRun:
    """Return one simulation of a folder. Raise DataFileError naming file and place."""
    file = simulation_file(folder, simulation_id)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise DataFileError(f"{file}: cannot be read ({error.strerror or error})") from error
    return decode_simulation(content, file)


def _compare_with_index(listed: list[Path], folder: Path) -> None:
    """Warn of files that the index does not list. Raise DataFileError when listed ones are missing.

    Both are named.
    """
    there = set(folder.glob("*.json")) if folder.is_dir() else set()
    missing = [path.stem for path in listed if path not in there]
    extra = sorted(path.stem for path in there.difference(listed))
    if not missing and not extra:
        return
    parts = [
        f"{what}: {first_of(names, _MOST_NAMED)}"
        for what, names in (
            ("Missing simulation files", missing),
            ("Extra simulation files", extra),
        )
        if names
    ]
    text = f"{folder}: the index and the files disagree. {'. '.join(parts)}"
    if missing:
        raise DataFileError(text)
    # The files of a run that goes on are not in the index yet, so that these are no error.
    logger.warning("%s (left out)", text)


def load_results(path: Path) -> Results:
    """Return stored results with all simulations, in the order of the file or of the index.

    A run that has no index yet is in progress, or was interrupted: what is there is returned in the
    order of trials and tasks, each (task, trial, seed) once, and a warning says how much is
    missing.
    """
    file = results_file(path)
    parts = single_file(file)
    if parts is not None:
        with collector_paused():
            results = _metadata(_object(parts.rest, file), file)
            results.simulations = list(_runs_in(parts, file))
        return results
    raw = _read(file)
    with collector_paused():
        results, runs = _metadata(raw, file), list(_runs(raw, path))
    if not _is_inline(raw) and not isinstance(raw.get("simulation_index"), list):
        order = order_of(results)
        runs = sorted(_each_once(runs), key=order)
        results.simulations = runs
        warn_of_missing(results, file)
    results.simulations = runs
    return results


@contextmanager
def collector_paused() -> Iterator[None]:
    """Keep the garbage collector from searching objects that are being read and all stay alive."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


class _InRun(Protocol):
    """A simulation, or its record."""

    @property
    def id(self) -> str: ...
    @property
    def task_id(self) -> str: ...
    @property
    def unit(self) -> Unit: ...


def order_of(results: Results) -> Callable[[_InRun], tuple[int, int, str]]:
    """Return the key that sorts simulations by trial and by task."""
    position = {task.id: number for number, task in enumerate(results.tasks)}
    return lambda run: (run.unit.trial, position.get(run.task_id, len(position)), run.id)


def _each_once(runs: Iterable[SimulationRun]) -> list[SimulationRun]:
    """Keep one simulation of every (task, trial, seed): a scored one, else the earliest.

    See also `results_on_demand`, which does the same without their conversations.
    """
    kept: dict[object, SimulationRun] = {}
    for run in sorted(runs, key=lambda run: (not run.is_scored, run.timestamp, run.id)):
        kept.setdefault(
            (run.task_id, run.trial, run.seed) if run.trial is not None else run.id, run
        )
    return list(kept.values())


def missing_units(results: Results) -> list[Unit]:
    """Return the units that a run has no simulation of, in the order of trials and tasks."""
    there = {one.unit for one in results.outlines()}
    trials = range(results.info.num_trials)
    wanted = [Unit(task.id, trial) for trial in trials for task in results.tasks]
    return [unit for unit in wanted if unit not in there]


def warn_of_missing(results: Results, file: Path) -> None:
    """Log which units a run in progress has no simulation of."""
    missing = missing_units(results)
    if not missing:
        return
    named = first_of((f"{task} trial {trial}" for task, trial in missing), _MOST_NAMED)
    total = len(missing) + len(results.simulations)
    text = "%s: in progress or interrupted: %s of %s missing: %s"
    logger.warning(text, file, len(missing), total, named)


def save_simulation(run: SimulationRun, folder: Path) -> Saved:
    """Write one simulation durably and return its file.

    The folder may be made, but not the one that it lies in: a run that was taken away stays away.
    """
    return save_content(run.id, encode_simulation(run), folder)


def save_content(simulation_id: str, content: bytes, folder: Path) -> Saved:
    """Do what `save_simulation` does for a simulation that is encoded already."""
    path = simulation_file(folder, simulation_id)
    folder.mkdir(exist_ok=True)
    files.write_atomically(path, content, create_folder=False)
    return Saved(path, len(content), digest(content), files.stamp_of(path.stat()))


def encode_simulation(run: SimulationRun) -> bytes:
    """Return the bytes of a simulation's file, after reading them.

    In places that hold any data, what JSON has no form for is encoded: numbers that are not finite
    are null, and objects are text. Raise DataFileError for what could not be read again.
    """
    file = Path(f"{run.id[:_LONGEST_NAME]}.json")
    content = _as_json(run, 1, file).encode()
    if b"\n" + b" " * (_DEEPEST + 1) in content:  # each level is indented by one
        raise DataFileError(f"{file}: it is nested more than {_DEEPEST} levels deep")
    decode_simulation(content, file)
    return content


def content_of(run: SimulationRun) -> Saved:
    """Return what `save_simulation` would write, by size and checksum."""
    content = encode_simulation(run)
    return Saved(Path(f"{run.id}.json"), len(content), digest(content))


def _as_json(model: BaseModel, indent: int, file: Path, *without: str) -> str:
    """Return a model as JSON. Raise DataFileError for what cannot be written.

    Objects that JSON has no form for (in `raw_data`) become text.
    """
    try:
        text = model_json(model, indent=indent, exclude=set(without))
    except Exception as problem:  # foreign objects: their text, too, is made by foreign code
        reason = error_text(problem, 300)
        raise DataFileError(f"{file}: it cannot be written: {reason}") from problem
    if "\\ud" in text and holds_pair(model.model_dump(warnings=False)):
        raise DataFileError(
            f"{file}: it holds two halves of one character as two characters, which would be read "
            "as one"
        )
    return text


def encode_results(results: Results, results_format: ResultsFormat) -> bytes:
    """Return the bytes of a results file: everything, or everything except the simulations.

    Raise DataFileError for what could not be read again; simulations are read again by whom they
    are saved.
    """
    file = Path(RESULTS_NAME)
    if results_format == "json":
        return _as_json(results, 2, file, "simulation_index").encode()
    content = _as_json(results, 2, file, "simulations").encode()
    _metadata(_object(content, file), file)
    return content


def pieces_of_single_file(results: Results, runs: Iterable[SimulationRun]) -> Iterator[bytes]:
    """Yield the bytes of a results file that holds these simulations, one after another.

    They are those of `encode_results(results, "json")`. Raise DataFileError for what could not be
    read again.
    """
    content = encode_results(results.model_copy(update={"simulations": []}), "json")
    assert content.endswith(_NO_SIMULATIONS), "they are the last field of such a file"
    yield content[: -len(_NO_SIMULATIONS)] + b"["
    is_first = True
    for run in runs:
        encode_simulation(run)
        text = _as_json(run, 2, Path(RESULTS_NAME)).replace("\n", "\n    ")
        yield f"{'' if is_first else ','}\n    {text}".encode()
        is_first = False
    yield b"]\n}" if is_first else b"\n  ]\n}"


def indexed(results: Results) -> Results:
    """Return results with an index of their simulations.

    Raise DataFileError for a figure that no file can hold.
    """
    index = index_entries(results.outlines())
    return results.model_copy(update={"simulation_index": index})


def encode_index(results: Results, known: bytes | None = None) -> bytes | bytearray:
    """Return the bytes of the results file of a folder, with an index of the simulations.

    They are those of `encode_results(indexed(results), "dir")`; the index is never held as a whole.
    `known` is `Content.from_index` of the file before, if the simulations are the same.
    """
    without = results.model_copy(update={"simulation_index": []})
    content = bytearray(encode_results(without, "dir"))
    if not results.simulations:
        return content
    assert content.endswith(_EMPTY_INDEX), "the index is the last field of a results file"
    del content[-len(_EMPTY_INDEX) :]
    if known is not None:
        return content + known
    outlines = results.outlines()
    for start in range(0, len(outlines), _INDEXED_AT_ONCE):
        batch = index_entries(outlines[start : start + _INDEXED_AT_ONCE])
        text = value_json(_INDEX, batch, indent=2)
        content += b",\n" if start else b"[\n"
        # The lines between its brackets, one level deeper.
        content += f"  {text[2:-2]}".replace("\n", "\n  ").encode()
    content += b"\n  ]\n}"
    return content


def index_entries(runs: Sequence[Outline]) -> list[SimulationIndexEntry]:
    """Return the lines of simulations in the index of their run."""
    try:
        return _INDEX.validate_python(list(map(_index_line, runs)))
    except ValidationError as problem:
        errors = problem.errors(include_input=False)
        place = errors[0]["loc"][0]
        fields = ", ".join(str(one["loc"][1]) for one in errors if one["loc"][0] == place)
        name = runs[int(place)].id
        raise DataFileError(f"simulation {name}: no number can be read of {fields}") from problem


def _index_line(run: Outline) -> JsonObject:
    return {
        "id": run.id,
        "task_id": run.task_id,
        "trial": run.trial,
        "reward": run.reward,
        "termination_reason": run.termination_reason.value,
        "agent_cost": run.agent_cost,
        "duration": run.duration,
    }


def save_metadata(results: Results, path: Path) -> None:
    """Write everything except the simulations."""
    files.write_atomically(results_file(path), encode_results(results, "dir"))


def save_results(results: Results, path: Path, results_format: ResultsFormat) -> None:
    """Write results in one of the two formats.

    Raise DataFileError for ids that cannot be files of a folder.

    A journal in the folder describes other content, so it is removed; continuing the run writes a
    new one.
    """
    if results_format == "json":
        encode_results(indexed(results), "dir")
        files.write_pieces_atomically(
            results_file(path),
            pieces_of_single_file(results, one_by_one(results.simulations)),
            ready=lambda: journal_file(path).unlink(missing_ok=True),
        )
        return
    _check_ids(results)
    for run in one_by_one(results.simulations):
        encode_simulation(run)
    encode_results(indexed(results), "dir")
    journal_file(path).unlink(missing_ok=True)
    folder = simulations_folder(path)
    folder.mkdir(parents=True, exist_ok=True)
    for run in one_by_one(results.simulations):
        save_simulation(run, folder)
    save_metadata(indexed(results), path)


class FolderWriter:
    """Writes a run as a folder, one simulation after another; `finish` makes it a run."""

    def __init__(self, path: Path) -> None:
        """Name the results file or folder. Nothing is written yet."""
        self._path = path
        self._outlines: dict[str, Outline] = {}

    def add(self, run: SimulationRun) -> None:
        """Write a simulation. Raise DataFileError for an id that was written before."""
        if run.id in self._outlines:
            raise _id_twice(run.id)
        folder = simulations_folder(self._path)
        if not self._outlines:
            folder.mkdir(parents=True, exist_ok=True)
        save_simulation(run, folder)
        self._outlines[run.id] = Outline.of(run)

    def finish(self, results: Results) -> None:
        """Write what the run was, with an index of what was added."""
        index = index_entries(list(self._outlines.values()))
        journal_file(self._path).unlink(missing_ok=True)
        save_metadata(results.model_copy(update={"simulation_index": index}), self._path)


def _id_twice(simulation_id: str) -> DataFileError:
    return DataFileError(
        f"simulation id {simulation_id!r} is used twice, so the two cannot be files of one folder"
    )


def _check_ids(results: Results) -> None:
    """Raise DataFileError for ids that are the same, or that cannot be file names."""
    seen: set[str] = set()
    for run in results.outlines():
        simulation_file(Path(), run.id)
        if run.id in seen:
            raise _id_twice(run.id)
        seen.add(run.id)
