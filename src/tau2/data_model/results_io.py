"""Results on disk: one file, or a folder with one durable file per simulation.

`json`: everything in one file. `dir`: `results.json` without simulations, and `simulations/<id>.json` each. A path to
`results.json` beside a `simulations/` folder means the folder, unless the file itself holds simulations. A results
file of another name, say `a.json`, has its own folder `a.simulations/`, so that two runs may lie side by side.
Writing is atomic and synced: a reader, or a crash, sees the old content or the new, never half of it.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError

from tau2.data_model.audio import AudioNativeConfig
from tau2.data_model.persona import PersonaConfig
from tau2.data_model.simulation import Results, ResultsFormat, SimulationIndexEntry, SimulationRun
from tau2.errors import DataFileError

ModelT = TypeVar("ModelT", bound=BaseModel)

RESULTS_NAME = "results.json"
SIMULATIONS_NAME = "simulations"
_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
_LONGEST_NAME = 200  # characters; file systems allow 255 bytes


def results_file(path: Path) -> Path:
    """Return the results file that `path` (a folder or the file itself) means."""
    return path / RESULTS_NAME if path.is_dir() or path.suffix != ".json" else path


def simulations_folder(path: Path) -> Path:
    """Return the folder of the simulations that belong to `path`."""
    file = results_file(path)
    name = SIMULATIONS_NAME if file.name == RESULTS_NAME else f"{file.stem}.{SIMULATIONS_NAME}"
    return file.parent / name


def _stored_folder(path: Path) -> Path:
    """Return the folder to read simulations from; older runs kept theirs in `simulations/`, whatever the file."""
    own = simulations_folder(path)
    older = own.with_name(SIMULATIONS_NAME)
    return older if not own.is_dir() and not (own.parent / RESULTS_NAME).exists() else own


def simulation_file(folder: Path, simulation_id: str) -> Path:
    """Return the file of one simulation. Raise DataFileError for an id that could leave the folder."""
    if (
        not simulation_id
        or simulation_id[0] == "."
        or len(simulation_id) > _LONGEST_NAME
        or set(simulation_id) - _SAFE
    ):
        raise DataFileError(f"simulation id {simulation_id[:80]!r} cannot be a file name: use letters, digits, . _ -")
    return folder / f"{simulation_id}.json"


def write_atomically(path: Path, text: str) -> None:
    """Replace `path` by a file with `text`, durably: the content and the folder entry are synced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    if not hasattr(os, "O_DIRECTORY"):
        return  # Windows cannot open folders; its rename is durable with the file
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _read(path: Path) -> dict[str, Any]:
    try:
        raw = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DataFileError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (ValueError, RecursionError) as error:
        raise DataFileError(f"{path}: not valid JSON: {error}") from error
    if not isinstance(raw, dict):
        raise DataFileError(f"{path}: an object is expected, not {type(raw).__name__}")
    return raw


def upgrade_results(raw: dict[str, Any]) -> dict[str, Any]:
    """Bring a results object of any older version to the current shape.

    Before 1.0 a `format_version` was stored, and task ids and seeds could be missing or integers.
    """
    raw = {key: value for key, value in raw.items() if key != "format_version"}
    raw["tasks"] = _each(raw.get("tasks"), lambda task: _with_text_id(task, "id"))
    raw["simulations"] = _each(raw.get("simulations"), upgrade_simulation)
    if isinstance(raw.get("info"), dict):
        raw["info"] = _upgrade_info(raw["info"])
    return raw


def _upgrade_info(raw: dict[str, Any]) -> dict[str, Any]:
    """Leave settings out that this version does not know: models that refuse a typo would refuse them."""
    raw, user = dict(raw), raw.get("user_info")
    if "audio_native_config" in raw:
        raw["audio_native_config"] = _known(AudioNativeConfig, raw["audio_native_config"])
    if isinstance(user, dict) and "persona_config" in user:
        raw["user_info"] = {**user, "persona_config": _known(PersonaConfig, user["persona_config"])}
    return raw


def _known(kind: type[BaseModel], raw: Any) -> Any:
    return {key: value for key, value in raw.items() if key in kind.model_fields} if isinstance(raw, dict) else raw


def _each(entries: Any, upgrade: Callable[[Any], Any]) -> Any:
    """Upgrade every entry of a list; what is no list is left for the model to refuse."""
    return [upgrade(entry) for entry in entries] if isinstance(entries, list) else entries or []


def upgrade_simulation(raw: Any) -> Any:
    """Bring a simulation object of any older version to the current shape."""
    if not isinstance(raw, dict):
        return raw
    raw = _with_text_id(raw, "task_id")
    if isinstance(raw.get("messages"), list):
        raw["messages"] = [_upgrade_message(message) for message in raw["messages"]]
    return raw


def _with_text_id(raw: Any, key: str) -> Any:
    if not isinstance(raw, dict):
        return raw
    value = raw.get(key)
    return {**raw, key: str(value)} if isinstance(value, int) and not isinstance(value, bool) else dict(raw)


def _upgrade_message(raw: Any) -> Any:
    if isinstance(raw, dict) and raw.get("tool_calls") == []:
        return {**raw, "tool_calls": None}  # an empty list was written where no call was meant
    return raw


def _parse(kind: type[ModelT], raw: Any, source: Path) -> ModelT:
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
    return _metadata(_read(file), file)


def _metadata(raw: dict[str, Any], file: Path) -> Results:
    return _parse(Results, upgrade_results({**raw, "simulations": []}), file)


def iter_simulations(path: Path) -> Iterator[SimulationRun]:
    """Yield the stored simulations: those in the file, else those in the folder.

    A folder's index, written when a run ends, says which files count; without one (a run under way, or broken off)
    all do. Raise DataFileError for one that is missing or cannot be read.
    """
    file = results_file(path)
    yield from _runs(_read(file) if file.exists() else {}, path)


def _runs(raw: dict[str, Any], path: Path) -> Iterator[SimulationRun]:
    if not _is_inline(raw):
        for entry in _stored_files(path, raw.get("simulation_index")):
            yield _parse(SimulationRun, upgrade_simulation(_read(entry)), entry)
        return
    file, entries = results_file(path), raw["simulations"]
    if not isinstance(entries, list):
        raise DataFileError(f"{file}: simulations: a list is expected, not {type(entries).__name__}")
    for entry in entries:
        yield _parse(SimulationRun, upgrade_simulation(entry), file)


def _is_inline(raw: dict[str, Any]) -> bool:
    """Return whether a results object is of the single-file form, which has no index."""
    return bool(raw.get("simulations")) or ("simulations" in raw and "simulation_index" not in raw)


def _stored_files(path: Path, index: Any) -> list[Path]:
    folder = _stored_folder(path)
    if isinstance(index, list):
        entries = [_parse(SimulationIndexEntry, entry, results_file(path)) for entry in index]
        return [simulation_file(folder, entry.id) for entry in entries]
    return sorted(folder.glob("*.json")) if folder.is_dir() else []


def load_results(path: Path) -> Results:
    """Return stored results with all simulations; those of a folder in the order of trials and tasks."""
    file = results_file(path)
    raw = _read(file)
    results, runs = _metadata(raw, file), list(_runs(raw, path))
    if not _is_inline(raw):
        order = {task.id: position for position, task in enumerate(results.tasks)}
        runs.sort(key=lambda run: (run.trial or 0, order.get(run.task_id, len(order)), run.id))
    results.simulations = runs
    return results


def save_simulation(run: SimulationRun, folder: Path) -> Path:
    """Write one simulation durably and return its file."""
    path = simulation_file(folder, run.id)
    write_atomically(path, _as_json(run, 1))
    return path


def _as_json(model: BaseModel, indent: int, *without: str) -> str:
    """Return a model as JSON; what JSON has no form for (an object in `raw_data`, say) is kept as text."""
    try:
        return model.model_dump_json(indent=indent, exclude=set(without))
    except PydanticSerializationError:
        plain = model.model_dump(exclude=set(without), warnings=False)
        return json.dumps(plain, indent=indent, default=str)


def save_metadata(results: Results, path: Path) -> None:
    """Write everything except the simulations."""
    write_atomically(results_file(path), _as_json(results, 2, "simulations"))


def save_results(results: Results, path: Path, results_format: ResultsFormat) -> None:
    """Write results in one of the two formats."""
    if results_format == "json":
        write_atomically(results_file(path), _as_json(results, 2, "simulation_index"))
        return
    folder = simulations_folder(path)
    for run in results.simulations:
        save_simulation(run, folder)
    indexed = results.model_copy(
        update={"simulation_index": [SimulationIndexEntry.of(run) for run in results.simulations]}
    )
    save_metadata(indexed, path)
