"""The runs of a folder as its pages show them, read again only as far as they changed."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import IO, Any

from tau2.data_model.simulation import NO_SCORE, Info, SimulationIndexEntry
from tau2.errors import DataFileError, Tau2Error, UnknownName
from tau2.metrics.agent_metrics import is_successful, mean
from tau2.metrics.figures import run_figures
from tau2.registry import Catalog, registry
from tau2.report.safe_text import one_line
from tau2.runner.containment import ParticipantThreads
from tau2.storage.journal import Dropped, Finished, Opened, Record, Stored, decode_record
from tau2.storage.lock import LOCK_NAME, is_held
from tau2.storage.on_demand import results_on_demand
from tau2.storage.results import RESULTS_NAME, companion, journal_file, load_metadata
from tau2.storage.stored_runs import find_runs
from tau2.utils.text import clean_text, plural

RUNS_PER_PAGE = 50
_MOST_READ = 64 * 1024 * 1024  # bytes of a journal at a time
_MOST_KEPT = 200  # runs whose figures are kept
_MOST_REPORTS = 2  # that are kept
_MOST_CONVERSATIONS = 300  # in a report, failures first
_UNSCORED = frozenset(reason.value for reason in NO_SCORE)


class State(StrEnum):
    """How far a run is."""

    PLAYING = "under way"
    STOPPED = "stopped before its end"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Simulation:
    """One finished simulation, on a line."""

    task_id: str
    trial: int
    ended: str
    reward: float | None
    """None when it has no score."""
    duration: float | None
    cost: float | None
    """Of the agent, in US dollars; None when it is not known."""

    @classmethod
    def of(cls, source: Stored | SimulationIndexEntry, ended: str | None) -> Simulation:
        """Make the line of a record of the journal, or of the index."""
        reason = ended or "unknown"
        reward = None if reason in _UNSCORED else source.reward
        name = one_line(source.task_id, 200)
        return cls(name, source.trial or 0, reason, reward, source.duration, source.agent_cost)

    @property
    def look(self) -> str:
        """The style of its reward."""
        if self.reward is None:
            return "warn"
        return "good" if is_successful(self.reward) else "bad"


@dataclass(frozen=True, slots=True)
class RunLine:
    """One run as it was when it was last looked at."""

    name: str
    state: State = State.DONE
    domain: str = ""
    who: str = ""
    when: str = ""
    total: int | None = None
    """Simulations that it will have; None where that is not known."""
    simulations: Sequence[Simulation] | None = field(default=(), repr=False)
    """In the order in which they were stored; None where the file does not list them."""
    last_stored: str = ""
    problem: str | None = None
    """Why it cannot be read."""

    @property
    def is_open(self) -> bool:
        """Whether simulations are missing."""
        return self.state is not State.DONE

    @property
    def done(self) -> int:
        """How many simulations are finished."""
        return len(self.simulations or ())

    @property
    def progress(self) -> str:
        """How many simulations are finished, in words."""
        if self.simulations is None:
            return "-"
        is_whole = self.total is None or not self.is_open
        return f"{self.done:,}" if is_whole else f"{self.done:,} of {self.total:,}"

    @property
    def average(self) -> float | None:
        """The mean reward of what has a score."""
        return mean(one.reward for one in self.simulations or () if one.reward is not None)

    def latest(self, most: int) -> list[Simulation]:
        """Return the simulations that were stored last, the latest first."""
        return list(self.simulations or ())[-most:][::-1]

    def facts(self) -> Iterator[tuple[str, str]]:
        """Yield what the page of the run says above its simulations."""
        found = self.simulations or ()
        yield "simulations", self.progress
        scored = sum(one.reward is not None for one in found)
        if self.average is not None:
            yield "average reward", f"{self.average:.3f} over {plural(scored, 'simulation')}"
        passed = sum(one.reward is not None and is_successful(one.reward) for one in found)
        if found:
            yield "passed", f"{passed:,}"
        if scored < len(found):
            yield "not scored", f"{len(found) - scored:,}"
        endings = Counter(one.ended for one in found).most_common()
        if endings:
            yield "ended by", ", ".join(f"{name} {number:,}" for name, number in endings)
        costs = [one.cost for one in found if one.cost]
        if costs:
            unknown = any(one.cost is None for one in found)
            yield "agent's cost", f"{'at least ' if unknown else ''}${sum(costs):.4f}"
        yield "started", self.when
        if self.last_stored:
            yield "last stored", self.last_stored


class _Tail:
    """A journal that is read on from where it was read last."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._start_again()

    def _start_again(self) -> None:
        self._offset = 0
        self._number = 0
        self._kept: dict[tuple[str, int], tuple[str, Simulation]] = {}
        self.is_finished = False

    @property
    def simulations(self) -> list[Simulation]:
        """What is stored now."""
        return [simulation for _, simulation in self._kept.values()]

    def read_on(self) -> None:
        """Read what was appended. A journal that was replaced is read from its beginning."""
        try:
            with self.path.open("rb") as file:
                self._read(file)
        except OSError:
            self._start_again()

    def _read(self, file: IO[bytes]) -> None:
        status = os.fstat(file.fileno())
        if status.st_ino != self._number or status.st_size < self._offset:
            self._start_again()
            self._number = status.st_ino
        while True:
            file.seek(self._offset)
            content = file.read(_MOST_READ)
            if b"\n" not in content:  # a longer line, or one that is still written
                content += file.readline()
            end = content.rfind(b"\n") + 1  # the last line may still be written
            if not end:
                return
            self._offset += end
            for line in content[: end - 1].split(b"\n"):
                record = decode_record(line)
                if record is not None:
                    self._take(record)

    def _take(self, record: Record) -> None:
        match record:
            case Stored():
                # Stored again is stored last.
                self._kept.pop(record.unit, None)
                self._kept[record.unit] = record.id, Simulation.of(record, record.termination)
            case Dropped():
                self._kept = {
                    unit: kept for unit, kept in self._kept.items() if kept[0] != record.id
                }
            case Finished():
                self.is_finished = True
            case Opened():
                self.is_finished = False


@dataclass(frozen=True, slots=True)
class _Head:
    """What the results file says of a run."""

    domain: str
    who: str
    when: str
    total: int
    index: Sequence[Simulation] | None
    """None while the run is under way, and for one file that holds everything."""

    @classmethod
    def read(cls, file: Path) -> _Head:
        """Read it. Raise DataFileError for a file that cannot be used."""
        metadata = load_metadata(file)
        info = metadata.info
        index = metadata.simulation_index
        return cls(
            domain=one_line(info.environment_info.domain_name, 100),
            who=_who(info),
            when=one_line((metadata.timestamp or "")[:16].replace("T", " ")),
            total=len(metadata.tasks) * info.num_trials,
            index=None
            if index is None
            else [Simulation.of(entry, entry.termination_reason) for entry in index],
        )


class _RunReader:
    """One run. Of its files, what changed is read again, and of its journal what was appended."""

    def __init__(self, name: str, file: Path) -> None:
        self._name = name
        self.file = file
        self._journal = journal_file(file)
        self._lock = companion(file, LOCK_NAME)
        self._tail = _Tail(self._journal)
        self._read: _Head | None = None
        self._read_at: object = None

    @property
    def stamp(self) -> tuple[object, ...]:
        """What changes when a file of the run does."""
        return (*_stamp(self.file), *_stamp(self._journal), is_held(self._lock))

    def line(self) -> RunLine:
        """Return the run as it is now."""
        try:
            return self._line(self._head())
        except DataFileError as problem:
            self._read_at = None
            return RunLine(self._name, problem=one_line(problem, 500))

    def _head(self) -> _Head:
        stamp = _stamp(self.file)
        if self._read is None or stamp != self._read_at:
            self._read = _Head.read(self.file)
            self._read_at = stamp
        return self._read

    def _line(self, head: _Head) -> RunLine:
        simulations = head.index
        state = State.DONE
        if simulations is None and self._journal.exists():
            self._tail.read_on()
            simulations = self._tail.simulations
            if not self._tail.is_finished:
                state = State.PLAYING if is_held(self._lock) else State.STOPPED
        elif simulations is not None and len(simulations) < head.total:
            state = State.STOPPED
        return RunLine(
            name=self._name,
            state=state,
            domain=head.domain,
            who=head.who,
            when=head.when,
            total=max(head.total, len(simulations or ())),
            simulations=simulations,
            last_stored=_clock(self._journal) if state is not State.DONE else "",
        )


def _stamp(file: Path) -> tuple[int, int]:
    try:
        status = file.stat()
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_size


def _clock(file: Path) -> str:
    """Return when a file changed last, by the clock of this machine; empty where there is none."""
    try:
        changed = file.stat().st_mtime
    except OSError:
        return ""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(changed))


def _who(info: Info) -> str:
    """Return who plays, each with its model where it calls one."""
    agent, user = info.agent_info, info.user_info
    names = (
        _with_model(agent.implementation, agent.llm, registry.agents),
        _with_model(user.implementation, user.llm, registry.users),
    )
    return " × ".join(one_line(name, 200) for name in names)


def _with_model(name: str, model: str | None, catalog: Catalog[Any]) -> str:
    """Return a participant, with its model where it is known to call one."""
    try:
        spec = catalog.get(name) if name in catalog else None
    except Tau2Error:  # a plug-in that cannot be loaded here
        spec = None
    calls = getattr(spec, "needs_model", False)
    return f"{name} ({model})" if model and calls else name


class RunsFolder:
    """The runs of a folder. Its methods may be called from several threads."""

    def __init__(self, path: Path) -> None:
        """Point at a folder; it may be made later."""
        self.path = path
        self._readers: dict[Path, _RunReader] = {}
        self._reading = threading.Lock()
        self._making = threading.Lock()
        self._reports: dict[str, tuple[object, asyncio.Future[tuple[str, str]]]] = {}

    def lines(self, page: int) -> tuple[list[RunLine], int]:
        """Return the runs of a page, newest first, and how many runs there are."""
        with self._reading:
            files = find_runs(self.path)
            pages = max(1, -(-len(files) // RUNS_PER_PAGE))
            first = (min(page, pages) - 1) * RUNS_PER_PAGE
            shown = files[first : first + RUNS_PER_PAGE]
            return [self._reader(file).line() for file in shown], len(files)

    def line(self, name: str) -> RunLine:
        """Return one run. Raise UnknownName."""
        with self._reading:
            return self._named(name).line()

    def _named(self, name: str) -> _RunReader:
        files = {_name_of(file): file for file in find_runs(self.path)}
        if name not in files:
            raise UnknownName("run", name, files)
        return self._reader(files[name])

    def _reader(self, file: Path) -> _RunReader:
        """Return the reader of a run; those that were used last are kept."""
        reader = self._readers.pop(file, None) or _RunReader(_name_of(file), file)
        self._readers[file] = reader
        if len(self._readers) > _MOST_KEPT:
            del self._readers[next(iter(self._readers))]
        return reader

    def report(self, name: str) -> asyncio.Future[tuple[str, str]]:
        """Return the report of a run as HTML with its policy, as it is made in a thread.

        A report is made once for a state of the run; two are kept. Raise UnknownName.
        """
        with self._reading:
            reader = self._named(name)
            stamp = reader.stamp
        known = self._reports.get(name)
        if known is not None and (not known[1].done() or known[0] == stamp):
            return known[1]
        # Not a thread of the event loop: its end would wait for a report that is being made.
        thread = ParticipantThreads()
        loop = asyncio.get_running_loop()
        making = loop.run_in_executor(thread, self._made, reader.file, name)
        thread.shutdown(wait=False)
        self._reports.pop(name, None)
        self._reports[name] = (stamp, making)
        while len(self._reports) > _MOST_REPORTS:
            del self._reports[next(iter(self._reports))]
        return making

    def _made(self, file: Path, name: str) -> tuple[str, str]:
        from tau2.report.html.page import (  # noqa: PLC0415  -- only reports load it
            ReportedRun,
            report_page,
            report_policy,
        )

        with self._making:
            results = results_on_demand(file)
            run = ReportedRun(results, run_figures(results, file, name), file)
            page = report_page([run], most_conversations=_MOST_CONVERSATIONS)
        return page.html, report_policy()


def _name_of(file: Path) -> str:
    """Return the name of a run as text that an address can hold: files may be named in bytes."""
    return clean_text(file.parent.name if file.name == RESULTS_NAME else file.name)
