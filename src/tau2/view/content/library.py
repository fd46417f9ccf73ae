"""Stored runs: the index at once, a conversation when it is opened."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tau2.data_model.simulation import NO_SCORE, SimulationRun
from tau2.data_model.tasks import Task
from tau2.errors import DataFileError
from tau2.metrics.agent_metrics import is_successful
from tau2.storage.journal import Dropped, Finished, JournalContent, Stored, read_journal
from tau2.storage.results import (
    RESULTS_NAME,
    Results,
    decode_simulation,
    journal_file,
    load_metadata,
    load_results,
    results_file,
    simulation_file,
    simulations_folder,
)
from tau2.utils.text import natural_key

_UNSCORED = frozenset(reason.value for reason in NO_SCORE)


@dataclass(frozen=True, slots=True)
class Entry:
    """One simulation, as the index of its run has it."""

    id: str
    task_id: str
    trial: int
    outcome: str
    reward: float | None
    """None when it has no score."""
    duration: float | None = None
    cost: float | None = None

    @classmethod
    def of(cls, source: Any, outcome: str | None) -> Entry:
        """Make the entry of an index line or of a journal's record."""
        ended = outcome or "unknown"
        reward = None if ended in _UNSCORED else source.reward
        return cls(
            source.id,
            str(source.task_id),
            source.trial or 0,
            ended,
            reward,
            source.duration,
            source.agent_cost,
        )

    @classmethod
    def of_simulation(cls, run: SimulationRun) -> Entry:
        """Make the entry of a whole simulation."""
        reward = run.reward_info.reward if run.is_scored and run.reward_info else None
        ended = run.termination_reason.value
        return cls(run.id, *run.unit, ended, reward, run.duration, run.agent_cost)

    @property
    def passed(self) -> bool:
        """Whether it was scored and earned full reward."""
        return self.reward is not None and is_successful(self.reward)


class RunReader:
    """One stored run, read as far as it is looked at."""

    def __init__(self, path: Path) -> None:
        """Point at a folder or a results file. Nothing is read yet."""
        self.path = path
        self._whole: dict[str, SimulationRun] = {}
        self._stamp = self._read_stamp()

    @property
    def name(self) -> str:
        """A short name: the folder's, or the file's."""
        file = results_file(self.path)
        return file.parent.name if file.name == RESULTS_NAME else file.name

    @cached_property
    def metadata(self) -> Results:
        """What the run is, and its tasks. Raise DataFileError for a file that cannot be used."""
        return load_metadata(self.path)

    @property
    def is_under_way(self) -> bool:
        """Whether the run is not finished: it is being played, or was interrupted."""
        if self.metadata.simulation_index is not None or self._journal is None:
            return False
        records = self._journal.records
        return bool(records) and not isinstance(records[-1], Finished)

    @property
    def expected(self) -> int:
        """How many simulations the run will have: tasks times trials, unless it is finished."""
        if not self.is_under_way:
            return len(self.entries)
        return max(len(self.metadata.tasks) * self.metadata.info.num_trials, len(self.entries))

    @cached_property
    def _journal(self) -> JournalContent | None:
        return read_journal(journal_file(self.path))

    def refreshed(self) -> RunReader | None:
        """Return a reader of the run as it is now, or None when its files did not change.

        Raise DataFileError when the run cannot be read any more.
        """
        if self._read_stamp() == self._stamp:
            return None
        newer = RunReader(self.path)
        assert newer.entries is not None, "read now, on the caller's thread"
        return newer

    def _read_stamp(self) -> tuple[tuple[int, int], ...]:
        return tuple(_stamp(file) for file in (results_file(self.path), journal_file(self.path)))

    @property
    def domain(self) -> str:
        """The domain's name."""
        return self.metadata.info.environment_info.domain_name

    @property
    def title(self) -> str:
        """Who played what."""
        info = self.metadata.info
        return f"{self.domain}: {info.agent_info.implementation} x {info.user_info.implementation}"

    def task(self, task_id: str) -> Task | None:
        """Return a task of the run, or None where the run does not hold it."""
        return next((task for task in self.metadata.tasks if task.id == task_id), None)

    @cached_property
    def entries(self) -> list[Entry]:
        """Every simulation, by task in natural order and trial.

        They come from the index, or else the journal; a single file is read whole.
        """
        return sorted(self._entries(), key=lambda one: (natural_key(one.task_id), one.trial))

    def _entries(self) -> list[Entry]:
        index = self.metadata.simulation_index
        if index is not None:
            return [Entry.of(line, line.termination_reason) for line in index]
        stored = self._journalled()
        if stored is not None:
            return [Entry.of(record, record.termination) for record in stored]
        return [Entry.of_simulation(run) for run in self._read_whole()]

    def _journalled(self) -> list[Stored] | None:
        """Return what the journal says; None where there is none, or the file holds all."""
        if self._journal is None or not (
            self.is_under_way or simulations_folder(self.path).is_dir()
        ):
            return None
        kept: dict[tuple[str, int], Stored] = {}
        for record in self._journal.records:
            if isinstance(record, Stored):
                kept[record.unit] = record
            elif isinstance(record, Dropped):
                kept = {unit: entry for unit, entry in kept.items() if entry.id != record.id}
        return list(kept.values())

    def _read_whole(self) -> list[SimulationRun]:
        runs = load_results(self.path).simulations
        self._whole = {run.id: run for run in runs}
        return runs

    def load(self, simulation_id: str) -> SimulationRun:
        """Return one conversation. Raise DataFileError when its file cannot be used."""
        if simulation_id in self._whole:
            return self._whole[simulation_id]
        file = simulation_file(simulations_folder(self.path), simulation_id)
        try:
            return decode_simulation(file.read_bytes(), file)
        except FileNotFoundError as problem:
            older = {run.id: run for run in self._read_whole()}
            if simulation_id in older:
                return older[simulation_id]
            raise DataFileError(f"{file}: there is no such simulation any more") from problem

    def tools_of(self, simulation_id: str) -> frozenset[str]:
        """Return the tools that a conversation calls; nothing for one that cannot be read."""
        if simulation_id in self._whole:
            return frozenset(
                _called(self._whole[simulation_id].model_dump(mode="json", include={"messages"}))
            )
        try:
            raw = json.loads(
                simulation_file(simulations_folder(self.path), simulation_id).read_bytes()
            )
        except (OSError, ValueError, RecursionError, DataFileError):
            return frozenset()  # opening it says what is wrong with it
        return frozenset(_called(raw))


def _stamp(file: Path) -> tuple[int, int]:
    """Return what changes when a file is written; the same for every file that does not exist."""
    try:
        status = file.stat()
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_size


def _called(raw: Any) -> Iterator[str]:
    """Yield the tools that the messages of a simulation's JSON call."""
    messages = raw.get("messages") if isinstance(raw, dict) else None
    for message in messages if isinstance(messages, list) else ():
        calls = message.get("tool_calls") if isinstance(message, dict) else None
        for call in calls if isinstance(calls, list) else ():
            if isinstance(call, dict) and isinstance(call.get("name"), str):
                yield call["name"]


def average_reward(entries: Iterable[Entry]) -> float | None:
    """Return the mean reward of what has a score, or None where nothing has."""
    rewards = [entry.reward for entry in entries if entry.reward is not None]
    return sum(rewards) / len(rewards) if rewards else None


def unsolved(entries: list[Entry]) -> set[str]:
    """Return the tasks of which no trial earned full reward."""
    solved = {entry.task_id for entry in entries if entry.passed}
    return {entry.task_id for entry in entries} - solved


def counted(values: Iterator[str]) -> list[tuple[str, int]]:
    """Return each value with how often it occurs, the most frequent first."""
    return sorted(Counter(values).items(), key=lambda pair: (-pair[1], pair[0]))
