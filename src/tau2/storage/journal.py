"""The journal of a run: one framed line per event, only ever appended.

A line is `{"crc":"89abcdef","seq":7,"record":{...}}` (see `framed`). A torn or changed line does
not match its checksum, and the numbers show whether lines are missing. JournalContent never raises
for content.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, Field, PlainSerializer, TypeAdapter, ValidationError

from tau2.data_model.outline import Facts, Outline
from tau2.data_model.simulation import (
    NO_SCORE,
    ResultsFormat,
    SimulationRun,
    TerminationReason,
    Unit,
)
from tau2.storage.files import AppendFile, Stamp, write_atomically
from tau2.storage.framed import framed, unframed
from tau2.storage.results import Saved
from tau2.utils.json_types import JsonObject
from tau2.utils.model_json import read_json, value_json

JOURNAL_NAME = "journal.jsonl"

_LARGEST = 1 << 29  # bytes: a million simulations; a larger file is not a journal


class Rank(IntEnum):
    """What a stored simulation is worth to its run.

    Of two simulations of one unit, the one of higher rank is kept.
    """

    FAILED = 0
    """An infrastructure or user failure, which says nothing about the agent."""
    UNGRADED = 1
    """A conversation whose judge failed."""
    GRADED = 2

    @classmethod
    def of(cls, termination: str, *, is_graded: bool) -> Rank:
        """Return the rank of a simulation with this termination reason."""
        if termination in NO_SCORE:
            return cls.FAILED
        return cls.GRADED if is_graded else cls.UNGRADED


def rank_of(run: SimulationRun) -> Rank:
    """Return the rank of a simulation."""
    return Rank.of(run.termination_reason, is_graded=run.reward_info is not None)


class Opened(BaseModel):
    """A process began to write the run: which process, and what the run is."""

    kind: Literal["opened"] = "opened"
    time: str
    host: str
    pid: int
    info: JsonObject
    settings: JsonObject
    """Settings that `Info` has no field for, without secrets."""
    tasks: dict[str, str]
    """Task id to the digest of its content."""
    results: str
    """SHA-256 of the results file that belongs to this record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A simulation is durable.

    A run keeps one of these in memory per simulation: about 1,000 bytes.
    """

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
    facts: Annotated[Facts | None, PlainSerializer(Facts.data, when_used="unless-none")] = None
    """What figures need beside the other fields; None in records of older versions."""
    stamp: Stamp | None = None
    """Of its file, when it was last known to be whole."""

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
            facts=Facts.of(run),
            stamp=saved.stamp,
        )

    @property
    def outline(self) -> Outline | None:
        """What figures need of the simulation; None in records of older versions."""
        if self.facts is None:
            return None
        return Outline(
            id=self.id,
            task_id=self.task_id,
            trial=self.trial,
            seed=self.seed,
            termination_reason=TerminationReason(self.termination),
            reward=self.reward,
            agent_cost=self.agent_cost,
            user_cost=self.user_cost,
            duration=self.duration,
            facts=self.facts,
        )

    @property
    def unit(self) -> Unit:
        """The task and trial that was simulated."""
        return Unit(self.task_id, self.trial)

    @property
    def rank(self) -> Rank:
        """What the simulation is worth to its run."""
        return Rank.of(self.termination, is_graded=self.reward is not None)


class Finished(BaseModel):
    """The run ended and its results file was written."""

    kind: Literal["finished"] = "finished"
    results: str
    form: ResultsFormat


class Dropped(BaseModel):
    """A stored simulation was damaged and put aside; its unit has to be played again."""

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
    return framed(b'{"seq":%d,"record":%b}' % (seq, value_json(_RECORD, record).encode()))


def _decode_line(line: bytes) -> _Line | str:
    """Return what a line holds, or what is wrong with it."""
    content = unframed(line)
    if content is None:
        return "its checksum does not match"
    try:
        return read_json(_LINE, content)
    except ValidationError:
        return "this version does not know such a record"
    except (ValueError, RecursionError) as problem:
        return str(problem)


def decode_record(line: bytes) -> Record | None:
    """Return the record of a line without its end; None for a line that is not sound."""
    found = _decode_line(line)
    return None if isinstance(found, str) else found.record


class JournalContent(NamedTuple):
    """What a journal holds."""

    records: list[Record]
    problems: list[tuple[str, str]]
    """The place, and what is wrong there."""


def read_journal(path: Path) -> JournalContent | None:
    """Return the sound records of a journal, and what is wrong with the others.

    None if there is no journal.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except FileNotFoundError:
        return None
    if len(content) > _LARGEST:
        return JournalContent([], [(path.name, "it is too large to be a journal")])
    lines = content.split(b"\n")
    last = lines.pop()
    torn = [(path.name, "its end is torn off")] if last or not lines else []
    # Only the line end may be missing: then the record is whole.
    if not isinstance(_decode_line(last), str):
        lines.append(last)
    return _read_lines(path.name, lines, torn)


def _read_lines(name: str, lines: list[bytes], problems: list[tuple[str, str]]) -> JournalContent:
    records: list[Record] = []
    expected = 1
    after_damage = False
    for number, line in enumerate(lines, 1):
        place = f"{name} line {number}"
        found = _decode_line(line)
        if isinstance(found, str):
            problems.append((place, found))
            after_damage = True
            continue
        # A gap right after a damaged line is that line's; any other gap is a line that is gone
        # without a trace.
        if found.seq < expected or (found.seq > expected and not after_damage):
            problems.append((place, f"it has number {found.seq}, where {expected} is expected"))
        records.append(found.record)
        expected = found.seq + 1
        after_damage = False
    return JournalContent(records, problems)


class Journal:
    """A journal that is being written. Threads may append at the same time."""

    def __init__(self, path: Path, sequence: int) -> None:
        """Continue a sound journal that holds `sequence` records."""
        self._file = AppendFile(path)
        self._order = threading.Lock()
        self._sequence = sequence

    @classmethod
    def create(cls, path: Path, records: Iterable[Record]) -> Journal:
        """Replace a journal, atomically, and continue it."""
        count = write_journal(path, records)
        return cls(path, count)

    def append(self, record: Record) -> None:
        """Make a record durable. Raise OSError if it may not be."""
        self.extend([record])

    def extend(self, records: Sequence[Record]) -> None:
        """Make several records durable at once. Raise OSError if one of them may not be."""
        with self._order:
            first = self._sequence + 1
            lines = (encode_record(record, seq) for seq, record in enumerate(records, first))
            size = self._file.write(b"".join(lines))
            self._sequence += len(records)
        self._file.sync(size)

    def is_in_place(self) -> bool:
        """Return whether the journal is still where it was opened."""
        return self._file.is_in_place()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def write_journal(path: Path, records: Iterable[Record]) -> int:
    """Replace a journal, atomically, and return the number of its records."""
    lines = [encode_record(record, seq) for seq, record in enumerate(records, 1)]
    write_atomically(path, b"".join(lines))
    return len(lines)
