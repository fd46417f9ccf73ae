"""Logs of episodes in progress, turn by turn, from which interrupted episodes continue.

`inflight/<unit>.jsonl` gets a framed line for every turn, and is removed when the simulation is
durable. A line reaches the kernel before the next turn begins, so it survives the death of the
process; it is not synced, so after a power failure an episode may continue from an earlier turn.
The checksums are chained: a line that is torn, changed, or written by a process that should be dead
ends the log there, and the turns before it count.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, Protocol

from pydantic import BaseModel, Field, TypeAdapter

from tau2.data_model.message import StoredMessage
from tau2.data_model.simulation import SimulationRun, TerminationReason, Unit
from tau2.errors import ModelError
from tau2.orchestrator.episode import EpisodeProgress
from tau2.orchestrator.full_duplex_orchestrator import AnyOrchestrator
from tau2.orchestrator.orchestrator import Orchestrator
from tau2.runner.episode_resume import Participants, PlayedTurns, continued
from tau2.runner.resolve import ResolvedRun
from tau2.runner.tasks import UnitSpec
from tau2.storage.compatibility import task_digest
from tau2.storage.files import AppendFile, make_within
from tau2.storage.framed import checksum_of, framed, unframed
from tau2.storage.journal import Stored
from tau2.storage.results import companion
from tau2.utils.model_json import model_json, read_json
from tau2.utils.text import error_text

logger = logging.getLogger(__name__)

INFLIGHT_NAME = "inflight"

# Bytes of one log. A longer episode continues from where its log stopped.
_LARGEST = 64 * 1024 * 1024
_FORMAT = 1
_MOST_FAILURES = 2  # attempts without a single new turn, after which the episode starts over
_BROKEN_OFF = frozenset(
    {TerminationReason.INFRASTRUCTURE_ERROR, TerminationReason.UNEXPECTED_ERROR}
)
_SLUG = 60  # characters of a task id in the name of its log


class Begun(BaseModel):
    """The first line: which episode the log is of."""

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
    """One turn. The first one also holds the messages before it."""

    kind: Literal["turn"] = "turn"
    steps: int
    errors: int
    elapsed: float
    end: TerminationReason | None = None
    note: str | None = None
    messages: list[StoredMessage]


class Stumbled(BaseModel):
    """An attempt failed after these turns, for another reason than a model call."""

    kind: Literal["stumbled"] = "stumbled"


_LINE: TypeAdapter[Begun | Turned | Stumbled] = TypeAdapter(
    Annotated[Begun | Turned | Stumbled, Field(discriminator="kind")]
)


@dataclass(slots=True)
class EpisodeLogContent:
    """The sound part of a log."""

    begun: Begun | None = None
    turns: list[Turned] = field(default_factory=list)
    stumbles: int = 0
    """Failed attempts since the last turn."""
    size: int = 0
    crc: int = 0


def read_log(path: Path) -> EpisodeLogContent:
    """Return the sound part of a log; empty when there is none. Never raises for content."""
    return _content_of(LogOnDisk(path).read())


def _content_of(data: bytes) -> EpisodeLogContent:
    content = EpisodeLogContent()
    for line in data.splitlines(keepends=True):
        if not _take(content, line):
            break
    return content


def _take(content: EpisodeLogContent, line: bytes) -> bool:
    """Add a line to what was read; return False if it is not the next line."""
    text = unframed(line[:-1], content.crc) if line.endswith(b"}\n") else None
    if text is None:
        return False
    try:
        record = read_json(_LINE, text)
    except (ValueError, RecursionError):
        return False
    match record:
        case Begun() if content.begun is None and record.format == _FORMAT:
            content.begun = record
        case Turned() if content.begun is not None:
            content.turns.append(record)
            content.stumbles = 0
        case Stumbled() if content.begun is not None:
            content.stumbles += 1
        case _:
            return False
    content.size += len(line)
    content.crc = checksum_of(line)
    return True


class LogFile(Protocol):
    """Where a log is kept. Every method but `read` may raise OSError."""

    def read(self) -> bytes:
        """Return what there is; nothing for a log that is not there."""

    def reopen(self, size: int) -> None:
        """Keep the first `size` bytes, and get ready to write."""

    def write(self, line: bytes) -> None:
        """Add a line."""

    def close(self) -> None:
        """Write no more."""


class LogOnDisk:
    """A log in a file of this machine."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: AppendFile | None = None

    def __str__(self) -> str:
        return str(self.path)

    def read(self) -> bytes:
        """Return what there is; nothing for a log that is not there, or cannot be read."""
        try:
            with self.path.open("rb") as file:
                return file.read(_LARGEST)
        except OSError:
            return b""

    def reopen(self, size: int) -> None:
        """Keep the first `size` bytes, and get ready to write."""
        if size:
            os.truncate(self.path, size)
        else:
            make_within(self.path.parent.parent, self.path.parent)
            self.path.write_bytes(b"")
        self._file = AppendFile(self.path)

    def write(self, line: bytes) -> None:
        """Add a line."""
        if self._file is not None:
            self._file.write(line)

    def close(self) -> None:
        """Close the file. May be called again."""
        if self._file is not None:
            self._file.close()
            self._file = None


class _Writer:
    """Adds lines to a log. A failing disk, or a line that cannot be written, costs the log only."""

    def __init__(self, file: LogFile, content: EpisodeLogContent) -> None:
        self._name = str(file)
        self._size = content.size
        self._crc = content.crc
        self._file: LogFile | None = file
        self._messages = sum(len(turn.messages) for turn in content.turns)
        try:
            file.reopen(content.size)
        except OSError as problem:
            self._give_up(problem)

    def _give_up(self, problem: Exception) -> None:
        text = "%s: this episode will start over if it is interrupted: %s"
        logger.warning(text, self._name, error_text(problem, 300))
        self.close()

    def turn(self, progress: EpisodeProgress, elapsed: float) -> None:
        """Add what the last turn recorded."""
        new = progress.trajectory[self._messages :]
        self._messages += len(new)
        turn = Turned.model_construct(
            steps=progress.steps,
            errors=progress.errors,
            elapsed=elapsed,
            end=progress.termination_reason,
            note=progress.note,
            messages=new,
        )
        self.add(turn)

    def add(self, record: BaseModel) -> None:
        """Add a line."""
        if self._file is None:
            return
        try:
            line = framed(model_json(record).encode(), self._crc)
        except (ValueError, TypeError, RecursionError) as problem:  # it holds foreign data
            self._give_up(problem)
            return
        if self._size + len(line) > _LARGEST:
            self.close()
            return
        try:
            self._file.write(line)
        except OSError as problem:
            self._give_up(problem)
            return
        self._size += len(line)
        self._crc = checksum_of(line)

    def close(self) -> None:
        """Close the file. May be called again."""
        if self._file is not None:
            self._file.close()
            self._file = None


@dataclass(frozen=True, slots=True)
class EpisodeSetup:
    """One attempt at a unit, and how its episode is made."""

    spec: UnitSpec
    id: str
    """Of the simulation, if the episode starts anew."""
    build: Callable[[str], AnyOrchestrator]
    """Makes a fresh episode under the id it is given."""

    def belongs(self, begun: Begun) -> bool:
        """Return whether a log is of this very unit: task in this version, trial and seed."""
        recorded = (begun.task_id, begun.trial, begun.seed, begun.task)
        return recorded == (*self.spec.unit, self.spec.seed, task_digest(self.spec.task))


class EpisodeLogs:
    """The logs of one saved run.

    Without a run, or with participants that cannot be brought back, no logs are written.
    """

    def __init__(self, run: Path | None, participants: Participants | None = None) -> None:
        self.folder = log_folder(run) if run is not None else None
        self.participants = participants

    @contextmanager
    def episode(self, setup: EpisodeSetup) -> Iterator[AnyOrchestrator]:
        """Enclose one attempt at an episode.

        It continues from its last recorded turn if it can, else it is fresh.
        """
        file = self._file(setup.spec.unit)
        if file is None or self.participants is None:
            yield setup.build(setup.id)
            return
        orchestrator, content = _resumed(file, setup, self.participants)
        writer = _recording(orchestrator, file, content, setup.spec)
        try:
            yield orchestrator
        except ModelError:
            # The turns so far are as good as before, and were paid for: the next attempt continues
            # from them.
            raise
        except Exception:
            writer.add(Stumbled())
            raise
        finally:
            orchestrator.recorder = None
            writer.close()

    def _file(self, unit: Unit) -> LogFile | None:
        """Return the log of a unit; None where no logs are written."""
        return LogOnDisk(self.folder / log_name(unit)) if self.folder is not None else None

    def stored(self, run: SimulationRun) -> None:
        """Remove the log of a durable simulation, except of one that broke off: it may continue."""
        if self.participants is not None and run.termination_reason not in _BROKEN_OFF:
            self._remove(run.unit)

    def tidy(self, entries: Iterable[Stored]) -> None:
        """Remove logs of stored simulations, which a crash may have left, and an empty folder."""
        if self.folder is None or not self.folder.is_dir():
            return
        left = {path.name for path in self.folder.iterdir()}
        for entry in entries if left else ():
            if entry.termination not in _BROKEN_OFF and log_name(entry.unit) in left:
                self._remove(entry.unit)
        with suppress(OSError):  # the folder is not empty
            self.folder.rmdir()

    def _remove(self, unit: Unit) -> None:
        if self.folder is None:
            return
        try:
            (self.folder / log_name(unit)).unlink(missing_ok=True)
        except OSError as problem:
            logger.warning("%s: the log of a finished episode stays: %s", self.folder, problem)


def _resumed(
    file: LogFile, setup: EpisodeSetup, participants: Participants
) -> tuple[Orchestrator, EpisodeLogContent]:
    """Return an episode and what its log holds: an interrupted one, or a fresh one and nothing."""
    content = _content_of(file.read())
    begun = content.begun
    fits = begun is not None and setup.belongs(begun)
    if begun is not None and fits and content.turns and content.stumbles < _MOST_FAILURES:
        last = content.turns[-1]
        played = PlayedTurns(
            messages=[message for turn in content.turns for message in turn.messages],
            opening=begun.opening,
            steps=last.steps,
            errors=last.errors,
            elapsed=last.elapsed,
            start_time=begun.start_time,
            end=(last.end, last.note) if last.end is not None else None,
        )
        try:
            return continued(_built(setup, begun.id), played, participants), content
        except Exception as problem:  # whatever is wrong with a log, the episode can start over
            logger.info("%s: the episode starts over: %s", file, problem, exc_info=True)
    return _built(setup, setup.id), EpisodeLogContent()


def _built(setup: EpisodeSetup, simulation_id: str) -> Orchestrator:
    episode = setup.build(simulation_id)
    assert isinstance(episode, Orchestrator), "calls have no logs: their participants lack specs"
    return episode


def _recording(
    orchestrator: Orchestrator, file: LogFile, content: EpisodeLogContent, spec: UnitSpec
) -> _Writer:
    """Have every turn from now on added to the log."""
    writer = _Writer(file, content)
    is_new = content.begun is None

    def record(progress: EpisodeProgress) -> None:
        nonlocal is_new
        if is_new:
            writer.add(_begun(orchestrator, spec))
            is_new = False
        writer.turn(progress, orchestrator.elapsed)

    orchestrator.recorder = record
    return writer


def _begun(orchestrator: Orchestrator, spec: UnitSpec) -> Begun:
    return Begun(
        task=task_digest(spec.task),
        task_id=spec.task.id,
        trial=spec.trial,
        seed=spec.seed,
        id=orchestrator.simulation_id,
        start_time=orchestrator.start_time,
        opening=len(orchestrator.task_setup.history) or int(not orchestrator.solo_mode),
    )


def log_folder(saved: Path) -> Path:
    """Return the folder of the logs of a run that is saved at `saved`."""
    return companion(saved, INFLIGHT_NAME)


def log_name(unit: Unit) -> str:
    """Return the file name of a unit's log: readable, and distinct for every task id."""
    readable = re.sub(r"[^A-Za-z0-9]", "-", unit.task_id[:_SLUG])
    digest = hashlib.sha256(unit.task_id.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{readable}-t{unit.trial}-{digest}.jsonl"


def episode_logs_of(run: ResolvedRun, saved: Path | None) -> EpisodeLogs:
    """Return the episode logs of a run; `saved` is where the run is saved."""
    return EpisodeLogs(saved, run.participants)
