"""Metrics in other places, beside a run's own files: W&B, MLflow, TensorBoard and Trackio.

Each receives the rows of `metrics.jsonl`; the step is the number of batches trained so far.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tau2.errors import MissingExtra, UnknownName, needs_extra
from tau2.utils.json_types import JsonMapping

DEFAULT_PROJECT = "tau2"


@dataclass(frozen=True)
class TrackedRun:
    """What a tracker is told of a run."""

    project: str
    name: str
    config: JsonMapping
    folder: Path


class Tracker(Protocol):
    """Receives rows of metrics."""

    def log(self, row: JsonMapping) -> None:
        """Receive one row."""

    def close(self) -> None:
        """Send what is left."""


class WandbLog:
    """One run of a project of Weights & Biases. Raise MissingExtra without the package."""

    def __init__(self, run: TrackedRun) -> None:
        with needs_package("wandb"):
            import wandb  # noqa: PLC0415  -- optional, and slow to import
        self._run = wandb.init(
            project=run.project,
            name=run.name,
            id=run.name,
            resume="allow",
            config=dict(run.config),
            dir=str(run.folder),
        )

    def log(self, row: JsonMapping) -> None:
        """Send one row."""
        self._run.log(dict(row))

    def close(self) -> None:
        """Finish the run."""
        self._run.finish()


class MlflowLog:
    """One run of an experiment of MLflow. Raise MissingExtra without the package."""

    def __init__(self, run: TrackedRun) -> None:
        with needs_package("mlflow"):
            import mlflow  # noqa: PLC0415  -- likewise
        self._mlflow: Any = mlflow
        self._mlflow.set_experiment(run.project)
        self._mlflow.start_run(run_name=run.name)
        self._mlflow.log_dict(dict(run.config), "config.json")

    def log(self, row: JsonMapping) -> None:
        """Send the numbers of one row."""
        self._mlflow.log_metrics(_numbers(row), step=_step(row))

    def close(self) -> None:
        """Finish the run."""
        self._mlflow.end_run()


class TensorboardLog:
    """Event files in the folder `tensorboard` of the run. Raise MissingExtra without the package.

    `tensorboard --logdir FOLDER` shows them.
    """

    def __init__(self, run: TrackedRun) -> None:
        with needs_package("tensorboard"):
            import tensorboard  # noqa: F401, PLC0415  -- the writer needs it
        with needs_extra("train", "torch"):
            from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415  -- optional
        self._writer = SummaryWriter(log_dir=str(run.folder / "tensorboard"))

    def log(self, row: JsonMapping) -> None:
        """Write the numbers of one row."""
        for name, value in _numbers(row).items():
            self._writer.add_scalar(name, value, _step(row))

    def close(self) -> None:
        """Close the file."""
        self._writer.close()


class TrackioLog:
    """One run of a project of Trackio. Raise MissingExtra without the package."""

    def __init__(self, run: TrackedRun) -> None:
        with needs_package("trackio"):
            import trackio  # noqa: PLC0415  -- likewise
        self._trackio: Any = trackio
        self._trackio.init(project=run.project, name=run.name, config=dict(run.config))

    def log(self, row: JsonMapping) -> None:
        """Send the numbers of one row."""
        self._trackio.log(_numbers(row), step=_step(row))

    def close(self) -> None:
        """Finish the run."""
        self._trackio.finish()


TRACKERS: Mapping[str, Callable[[TrackedRun], Tracker]] = {
    "wandb": WandbLog,
    "mlflow": MlflowLog,
    "tensorboard": TensorboardLog,
    "trackio": TrackioLog,
}


def check_trackers(names: Sequence[str]) -> None:
    """Raise UnknownName for a tracker that there is not."""
    for name in names:
        if name not in TRACKERS:
            raise UnknownName("tracker", name, TRACKERS)


def trackers_of(names: Sequence[str], run: TrackedRun) -> list[Tracker]:
    """Return the named trackers; where one cannot be had, those before it are closed."""
    check_trackers(names)
    made: list[Tracker] = []
    try:
        for name in names:
            made.append(TRACKERS[name](run))  # noqa: PERF401  -- those made are closed on a failure
    except BaseException:
        for tracker in made:
            tracker.close()
        raise
    return made


@contextmanager
def needs_package(package: str) -> Iterator[None]:
    """Turn the absence of a package into a MissingExtra; a broken install stays visible."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != package:
            raise
        raise MissingExtra(
            f"{package} is not installed; pip install {package}, or leave out --report_to "
            f"{package} (and --project_name)"
        ) from error


def _numbers(row: JsonMapping) -> dict[str, float]:
    return {
        name: float(value)
        for name, value in row.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def _step(row: JsonMapping) -> int:
    return int(row.get("batch", 0))
