"""Episodes under way, turn by turn, in a saved run: what an interrupted one is continued from.

`inflight/<unit>.jsonl` gets a line for every turn and goes when the simulation is durable. A line reaches the kernel
before the next turn begins, so it survives the death of the process; it is not synced, so after a power failure an
episode may be continued from an earlier turn. Each line carries a CRC-32 over itself and the one before it: whatever
is torn, changed, or written by a process that should be dead ends the log there, and the turns before it count.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from tau2.data_model.message import StoredMessage
from tau2.data_model.simulation import SimulationRun, TerminationReason, TextRunConfig, Unit
from tau2.data_model.tasks import Task
from tau2.errors import ModelError
from tau2.orchestrator.episode import Log
from tau2.orchestrator.orchestrator import Orchestrator
from tau2.runner.build import cast_of
from tau2.runner.episode_resume import CannotContinue, Cast, Played, taken_up
from tau2.storage.compatibility import task_digest
from tau2.storage.files import AppendFile
from tau2.storage.framed import checksum_of, framed, unframed
from tau2.storage.journal import FAILED, Stored, rank_of
from tau2.storage.results import companion

logger = logging.getLogger(__name__)

INFLIGHT_NAME = "inflight"

_LARGEST = (
    64 * 1024 * 1024
)  # bytes of one episode; what is longer is continued from where the log stopped
_FORMAT = 1
_MOST_FAILURES = 2  # attempts that brought not one turn; then the episode starts over
_SLUG = 60


class Begun(BaseModel):
    """The first line: which episode it is."""

    kind: Literal["begun"] = "begun"
    format: int = _FORMAT
    task: str
    """Digest of the task's content."""
    task_id: str
    trial: int
    seed: int
    id: str
    """Of the simulation."""
    start_time: str
    opening: int
    """How many messages there were before the first turn."""


class Turned(BaseModel):
    """One turn was recorded; the first one brings the messages before it, too."""

    kind: Literal["turn"] = "turn"
    steps: int
    errors: int
    elapsed: float
    end: TerminationReason | None = None
    note: str | None = None
    messages: list[StoredMessage]


class Stumbled(BaseModel):
    """An attempt failed after the turns before, and not because a model did not answer."""

    kind: Literal["stumbled"] = "stumbled"


_LINE: TypeAdapter[Begun | Turned | Stumbled] = TypeAdapter(
    Annotated[Begun | Turned | Stumbled, Field(discriminator="kind")]
)


@dataclass(slots=True)
class Reading:
    """The sound part of a log."""

    begun: Begun | None = None
    turns: list[Turned] = field(default_factory=list)
    stumbles: int = 0
    """Failed attempts since the last turn."""
    size: int = 0
    crc: int = 0


def read_log(path: Path) -> Reading:
    """Return the sound part of a log; empty when there is none. Never raises for content."""
    reading = Reading()
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST)
    except OSError:
        return reading
    for line in content.splitlines(keepends=True):
        if not _take(reading, line):
            break
    return reading


def _take(reading: Reading, line: bytes) -> bool:
    """Add a line to what was read; False when it is not the next line."""
    content = unframed(line[:-1], reading.crc) if line.endswith(b"}\n") else None
    if content is None:
        return False
    try:
        record = _LINE.validate_json(content)
    except ValidationError:
        return False
    match record:
        case Begun() if reading.begun is None and record.format == _FORMAT:
            reading.begun = record
        case Turned() if reading.begun is not None:
            reading.turns.append(record)
            reading.stumbles = 0
        case Stumbled() if reading.begun is not None:
            reading.stumbles += 1
        case _:
            return False
    reading.size += len(line)
    reading.crc = checksum_of(line)
    return True


class _Writer:
    """Adds lines to a log. A disk that fails costs the log, never the episode."""

    def __init__(self, path: Path, reading: Reading) -> None:
        self.path = path
        self._size = reading.size
        self._crc = reading.crc
        self._file: AppendFile | None = None
        self._messages = sum(len(turn.messages) for turn in reading.turns)
        with self._tolerant():
            if reading.size:
                os.truncate(path, reading.size)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(b"")
            self._file = AppendFile(path)

    @contextmanager
    def _tolerant(self) -> Iterator[None]:
        try:
            yield
        except OSError as problem:
            logger.warning(
                "%s: this episode cannot be continued if it is interrupted: %s", self.path, problem
            )
            self.close()

    def turn(self, log: Log, elapsed: float) -> None:
        """Add what the last turn recorded."""
        new = log.trajectory[self._messages :]
        self._messages += len(new)
        turn = Turned.model_construct(
            steps=log.steps,
            errors=log.errors,
            elapsed=elapsed,
            end=log.termination_reason,
            note=log.note,
            messages=new,
        )
        self.add(turn)

    def add(self, record: BaseModel) -> None:
        """Add a line."""
        if self._file is None:
            return
        line = framed(record.model_dump_json().encode(), self._crc)
        if self._size + len(line) > _LARGEST:
            self.close()
            return
        with self._tolerant():
            self._file.write(line)
            self._size += len(line)
            self._crc = checksum_of(line)

    def close(self) -> None:
        """Let the file go; again does nothing."""
        file, self._file = self._file, None
        if file is not None:
            file.close()


@dataclass(frozen=True, slots=True)
class Staging:
    """One attempt at a unit: what it is, and how its episode is made."""

    task: Task
    trial: int
    seed: int
    id: str
    """Of the simulation, should it start anew."""
    build: Callable[[str], Orchestrator]
    """Wires a fresh episode under the id it is given."""


class InflightLogs:
    """The logs of one saved run; with `run` None, or a cast that cannot be continued, there are none."""

    def __init__(self, run: Path | None, cast: Cast | None = None) -> None:
        self.folder = companion(run, INFLIGHT_NAME) if run is not None else None
        self.cast = cast

    @contextmanager
    def episode(self, staging: Staging) -> Iterator[Orchestrator]:
        """Enclose one attempt at an episode: it goes on from its last recorded turn if it can, else it is fresh."""
        if self.folder is None or self.cast is None:
            yield staging.build(staging.id)
            return
        path = self.folder / _name(Unit(staging.task.id, staging.trial))
        orchestrator, reading = self._resumed(path, staging)
        writer = _recording(orchestrator, path, reading, staging)
        try:
            yield orchestrator
        except ModelError:  # no fault of what was said so far: it is worth what was paid for it
            raise
        except Exception:
            writer.add(Stumbled())
            raise
        finally:
            orchestrator.recorder = None
            writer.close()

    def _resumed(self, path: Path, staging: Staging) -> tuple[Orchestrator, Reading]:
        reading = read_log(path)
        begun = reading.begun
        if (
            begun is not None
            and reading.turns
            and _belongs(begun, staging)
            and reading.stumbles < _MOST_FAILURES
        ):
            try:
                return self._continued(begun, reading, staging), reading
            except (
                Exception
            ) as problem:  # whatever is wrong with a log, the episode can be played from the start
                logger.info("%s: the episode starts over: %s", path, problem, exc_info=True)
        return staging.build(staging.id), Reading()

    def _continued(self, begun: Begun, reading: Reading, staging: Staging) -> Orchestrator:
        if self.cast is None:
            raise CannotContinue("its participants cannot be rebuilt from what was said")
        last = reading.turns[-1]
        messages = [message for turn in reading.turns for message in turn.messages]
        end = (last.end, last.note) if last.end is not None else None
        played = Played(
            messages, begun.opening, last.steps, last.errors, last.elapsed, begun.start_time, end
        )
        return taken_up(staging.build(begun.id), played, self.cast)

    def stored(self, run: SimulationRun) -> None:
        """Remove the log of a durable simulation; one that failed for its surroundings may still be continued."""
        if self.cast is not None and rank_of(run) != FAILED:
            self._remove(run.unit)

    def tidy(self, entries: Iterable[Stored]) -> None:
        """Remove the logs of what is stored, which a crash may have left, and the folder when it is empty."""
        if self.folder is None or not self.folder.is_dir():
            return
        left = {path.name for path in self.folder.iterdir()}
        for entry in entries if left else ():
            if entry.rank != FAILED and _name(entry.unit) in left:
                self._remove(entry.unit)
        with suppress(OSError):  # there is something in it
            self.folder.rmdir()

    def _remove(self, unit: Unit) -> None:
        if self.folder is None:
            return
        try:
            (self.folder / _name(unit)).unlink(missing_ok=True)
        except OSError as problem:
            logger.warning("%s: the log of a finished episode stays: %s", self.folder, problem)


def inflight_of(config: TextRunConfig, saved: Path | None) -> InflightLogs:
    """Return the logs of a run's episodes under way; `saved` is where the run is saved."""
    return InflightLogs(saved, cast_of(config) if saved is not None else None)


def _recording(
    orchestrator: Orchestrator, path: Path, reading: Reading, staging: Staging
) -> _Writer:
    """Have every turn from now on written down."""
    writer = _Writer(path, reading)

    def recorded(log: Log) -> None:
        if reading.begun is None:
            reading.begun = _begun(orchestrator, staging)
            writer.add(reading.begun)
        writer.turn(log, orchestrator.elapsed)

    orchestrator.recorder = recorded
    return writer


def _begun(orchestrator: Orchestrator, staging: Staging) -> Begun:
    return Begun(
        task=task_digest(staging.task),
        task_id=staging.task.id,
        trial=staging.trial,
        seed=staging.seed,
        id=orchestrator.simulation_id,
        start_time=orchestrator.start_time,
        opening=len(orchestrator.world.history) or int(not orchestrator.solo_mode),
    )


def _belongs(begun: Begun, staging: Staging) -> bool:
    theirs = (begun.task_id, begun.trial, begun.seed, begun.task)
    return theirs == (staging.task.id, staging.trial, staging.seed, task_digest(staging.task))


def _name(unit: Unit) -> str:
    task_id, trial = unit
    readable = "".join(
        letter if letter.isascii() and letter.isalnum() else "-" for letter in task_id[:_SLUG]
    )
    return f"{readable}-t{trial}-{hashlib.sha256(task_id.encode()).hexdigest()[:12]}.jsonl"
