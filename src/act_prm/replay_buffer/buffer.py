"""The replay buffer: the newest steps, and files of steps."""

from __future__ import annotations

import asyncio
import importlib.util
import json
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from act_prm.llm_handlers.folders import whole_folder
from act_prm.replay_buffer.groups import Trajectory, TrajectoryGroup
from act_prm.replay_buffer.steps import EpisodeStep
from tau2.errors import ConfigError, DataFileError

_UNBOUNDED = 2**62  # near the largest length of a deque
ROWS = "steps.jsonl"


class ReplayBuffer:
    """The newest `max_size` steps, in order. Raise ConfigError for a size below 1."""

    def __init__(self, max_size: float = 1e10) -> None:
        if max_size < 1:
            raise ConfigError(f"max_size is {max_size}; a replay buffer holds at least one step")
        self._steps: deque[EpisodeStep] = deque(maxlen=int(min(max_size, _UNBOUNDED)))
        self.added = 0
        """How many steps were ever added."""

    def __len__(self) -> int:
        return len(self._steps)

    def __iter__(self) -> Iterator[EpisodeStep]:
        return iter(self._steps)

    @property
    def steps(self) -> list[EpisodeStep]:
        """The steps, oldest first."""
        return list(self._steps)

    def add_episode_step(self, step: EpisodeStep) -> None:
        """Add one step; a full buffer drops the oldest."""
        self._steps.append(step)
        self.added += 1

    def add_trajectory(self, trajectory: Trajectory) -> None:
        """Add the steps of a trajectory."""
        for step in trajectory.steps:
            self.add_episode_step(step)

    def add_group(self, group: TrajectoryGroup) -> None:
        """Add the steps of all trajectories of a group."""
        for trajectory in group:
            self.add_trajectory(trajectory)

    def clear(self) -> None:
        """Remove all steps."""
        self._steps.clear()

    def newest(self, count: int) -> list[EpisodeStep]:
        """Return the last `count` steps, oldest first."""
        return list(islice(self._steps, max(len(self._steps) - count, 0), None))

    def save_to_hf_dataset(self, path: str | Path) -> Path:
        """Write the steps as a folder for `datasets.load_from_disk`, and return its path.

        Without the package `datasets`, write JSON lines. Messages, tools and their arguments are
        JSON texts in both forms.
        """
        folder = Path(path)
        rows = [step.as_flat_row() for step in self._steps]
        with whole_folder(folder) as draft:
            if rows and importlib.util.find_spec("datasets") is not None:
                from datasets import Dataset  # noqa: PLC0415  -- optional, and slow to import

                Dataset.from_list(rows).save_to_disk(str(draft))
            else:
                _write_rows(draft / ROWS, rows)
        return folder

    async def save_to_hf_dataset_async(self, path: str | Path) -> Path:
        """Do what `save_to_hf_dataset` does, in a worker thread."""
        return await asyncio.to_thread(self.save_to_hf_dataset, path)


def write_steps(file: Path, steps: Iterable[EpisodeStep]) -> None:
    """Write steps as JSON lines, atomically."""
    draft = file.with_name(f".{file.name}.tmp")
    file.parent.mkdir(parents=True, exist_ok=True)
    _write_rows(draft, (step.as_row() for step in steps))
    draft.replace(file)


def append_steps(file: Path, steps: Iterable[EpisodeStep]) -> None:
    """Append steps to a file of JSON lines."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as handle:
        for step in steps:
            handle.write(_line(step.as_row()))


def read_steps(file: Path, first: int | None = None) -> list[EpisodeStep]:
    """Return the first (or all) steps of a file of JSON lines.

    Raise DataFileError naming the line.
    """
    found: list[EpisodeStep] = []
    with file.open(encoding="utf-8") as handle:
        for number, line in enumerate(islice(handle, first), 1):
            try:
                found.append(EpisodeStep.of_row(json.loads(line)))
            except (ValueError, RecursionError) as error:
                raise DataFileError(f"{file}, line {number}: {error}") from error
    return found


def _write_rows(file: Path, rows: Iterable[dict[str, object]]) -> None:
    with file.open("w", encoding="utf-8") as handle:
        for row in rows:
            handle.write(_line(row))


def _line(row: dict[str, object]) -> str:
    return json.dumps(row, sort_keys=True) + "\n"


def cut_steps(file: Path, count: int) -> int:
    """Cut a file of steps to its first `count` lines.

    Return how many there are (0 without a file).
    """
    if not file.is_file():
        return 0
    draft = file.with_name(f".{file.name}.tmp")
    kept = 0
    with file.open(encoding="utf-8") as old, draft.open("w", encoding="utf-8") as new:
        for line in islice(old, count):
            new.write(line)
            kept += 1
    draft.replace(file)
    return kept
