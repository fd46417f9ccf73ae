"""The journal of a run: one checksummed line per thing that happened, only ever appended.

A line is `{"crc":"89abcdef","seq":7,"record":{...}}` (see `framed`). A torn or changed line does not match its checksum,
and the numbers show whether lines are missing. Reading never raises for content.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from tau2.data_model.simulation import NO_SCORE, ResultsFormat, SimulationRun, Unit
from tau2.storage.files import AppendFile, write_atomically
from tau2.storage.framed import framed, unframed
from tau2.storage.results import Saved

JOURNAL_NAME = "journal.jsonl"

FAILED, UNGRADED, GRADED = range(3)

_LARGEST = 1 << 29  # bytes: a million simulations; a larger file is none of ours


class Opened(BaseModel):
    """A process began to write the run: who, and what the run is."""

    kind: Literal["opened"] = "opened"
    time: str
    host: str
    pid: int
    info: dict[str, Any]
    settings: dict[str, Any]
    """What `Info` has no field for, without secrets."""
    tasks: dict[str, str]
    """Task id to the digest of its content."""
    results: str
    """SHA-256 of the results file that belongs to this record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A simulation is on the disk. A run keeps one of these per simulation, so it is small: half a kilobyte."""

    kind: Literal["stored"] = "stored"
    task_id: str
    trial: int
    seed: int | None
    id: str
    size: int
    sha256: str
    """Of the bytes of its file."""
    termination: str
    reward: float | None = None
    agent_cost: float | None = None
    user_cost: float | None = None
    duration: float | None = None
    replaces: str | None = None
    """The id of the attempt that this one replaces."""

    @classmethod
    def of(cls, run: SimulationRun, saved: Saved, *, replaces: str | None = None) -> Stored:
        """Make the record of a simulation and its file."""
        return cls(
            task_id=run.task_id,
            trial=run.unit.trial,
            seed=run.seed,
            id=run.id,
            size=saved.size,
            sha256=saved.sha256,
            termination=run.termination_reason.value,
            reward=run.reward_info.reward if run.reward_info else None,
            agent_cost=run.agent_cost,
            user_cost=run.user_cost,
            duration=run.duration,
            replaces=replaces,
        )

    @property
    def unit(self) -> Unit:
        """What was played."""
        return Unit(self.task_id, self.trial)

    @property
    def rank(self) -> int:
        """How much of an outcome it is: GRADED, a conversation without its grade, or failed for its surroundings."""
        return _rank(self.termination in _UNPLAYED, self.reward is None)


_UNPLAYED = frozenset(reason.value for reason in NO_SCORE)


def rank_of(run: SimulationRun) -> int:
    """Return the rank of a simulation; see `Stored.rank`."""
    return _rank(run.termination_reason in NO_SCORE, run.reward_info is None)


def _rank(failed: bool, ungraded: bool) -> int:
    return FAILED if failed else UNGRADED if ungraded else GRADED


class Finished(BaseModel):
    """The run ended and its results file was written."""

    kind: Literal["finished"] = "finished"
    results: str
    form: ResultsFormat


class Dropped(BaseModel):
    """A stored simulation was found damaged and put aside; its unit is open again."""

    kind: Literal["dropped"] = "dropped"
    id: str
    reason: str


Record = Opened | Stored | Dropped | Finished


class _Line(BaseModel):
    seq: int
    record: Annotated[Record, Field(discriminator="kind")]


_LINE: TypeAdapter[_Line] = TypeAdapter(_Line)
_RECORD: TypeAdapter[Record] = TypeAdapter(Record)


def encode_record(record: Record, seq: int) -> bytes:
    """Return the line of a record."""
    return framed(b'{"seq":%d,"record":%b}' % (seq, _RECORD.dump_json(record)))


def _decode_line(line: bytes) -> _Line | str:
    """Return what a line holds, or what is wrong with it."""
    content = unframed(line)
    if content is None:
        return "its checksum does not match"
    try:
        return _LINE.validate_json(content)
    except ValidationError:
        return "this version does not know such a record"


class Reading(NamedTuple):
    """What a journal holds."""

    records: list[Record]
    problems: list[tuple[str, str]]
    """Where, and what is wrong there."""


def read_journal(path: Path) -> Reading | None:
    """Return the sound records of a journal and what is wrong with the others; None when there is no journal."""
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except FileNotFoundError:
        return None
    if len(content) > _LARGEST:
        return Reading([], [(path.name, "it is too large to be a journal")])
    lines = content.split(b"\n")
    last = lines.pop()
    torn = [(path.name, "its end is torn off")] if last or not lines else []
    if not isinstance(_decode_line(last), str):
        lines.append(last)
    return _read_lines(path.name, lines, torn)


def _read_lines(name: str, lines: list[bytes], problems: list[tuple[str, str]]) -> Reading:
    records: list[Record] = []
    expected, explained = 1, False
    for number, line in enumerate(lines, 1):
        found = _decode_line(line)
        if isinstance(found, str):
            problems.append((f"{name} line {number}", found))
            explained = True
            continue
        if found.seq < expected or (found.seq > expected and not explained):
            problems.append(
                (
                    f"{name} line {number}",
                    f"it has number {found.seq}, where {expected} is expected",
                )
            )
        records.append(found.record)
        expected, explained = found.seq + 1, False
    return Reading(records, problems)


class Journal:
    """A journal that is written. Threads may append at the same time."""

    def __init__(self, path: Path, sequence: int) -> None:
        """Go on with a sound journal that holds `sequence` records."""
        self._file = AppendFile(path)
        self._order = threading.Lock()
        self._sequence = sequence

    @classmethod
    def create(cls, path: Path, records: Iterable[Record]) -> Journal:
        """Write a journal anew, atomically, and go on with it."""
        count = write_journal(path, records)
        return cls(path, count)

    def append(self, record: Record) -> None:
        """Make a record durable. Raise OSError when that cannot be said."""
        with self._order:
            size = self._file.write(encode_record(record, self._sequence + 1))
            self._sequence += 1
        self._file.sync(size)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def write_journal(path: Path, records: Iterable[Record]) -> int:
    """Replace a journal, atomically, and return the number of its records."""
    lines = [encode_record(record, seq) for seq, record in enumerate(records, 1)]
    write_atomically(path, b"".join(lines))
    return len(lines)
