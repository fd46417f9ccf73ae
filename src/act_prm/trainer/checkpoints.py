"""Checkpoints: folders that are written atomically, and the state of a run in them."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from act_prm.llm_handlers.client import TrainableModel
from act_prm.llm_handlers.folders import whole_folder
from tau2.errors import DataFileError

CHECKPOINTS, STATE, MODEL, WEIGHTS = "checkpoints", "trainer.json", "model", "weights"
BEST, FINAL = "best", "final"
_FORMAT = 1
_ADDED_LATER = frozenset({"silent_batches", "rollbacks", "guarded"})  # older checkpoints lack them
_NUMBERED = re.compile(r"batch_(\d{6,})")


@dataclass
class TrainerState:
    """The progress of a run; everything else follows from its seed and configuration."""

    phase: int = 0
    batch_in_phase: int = 0
    batch: int = 0
    """Batches that were learned from, in all phases."""
    evaluated_at: int | None = None
    """The number of batches before the last evaluation."""
    best: float | None = None
    rows: int = 0
    """Rows of metrics written."""
    kept: int = 0
    """Steps added to the replay buffer and its file."""
    lost_batches: int = 0
    """Consecutive batches in which every episode failed through no fault of the policy."""
    silent_batches: int = 0
    """Consecutive batches in which no group had a gradient."""
    rollbacks: int = 0
    """How often training went back to the best model; each halved the learning rate."""
    guarded: list[float] = field(default_factory=list)
    """Mean rewards of the tasks of the batches that the guard has not looked at yet."""


async def save_checkpoint(
    folder: Path, name: str, model: TrainableModel, state: TrainerState, *, weights: bool = False
) -> Path:
    """Write `checkpoints/<name>` and return its path; `weights` adds the weights for inference."""
    path = folder / CHECKPOINTS / name
    with whole_folder(path) as draft:
        await model.save_state(draft / MODEL)
        saved = await model.save_weights(draft / WEIGHTS) if weights else None
        known = {"format": _FORMAT, "model_name": model.name, **asdict(state)}
        if saved is not None and not (draft / WEIGHTS).exists():
            # A training service keeps the weights itself and returns their address.
            known["weights"] = saved
        (draft / STATE).write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    return path


def checkpoint_name(batch: int) -> str:
    """Return the name of the checkpoint after that many batches."""
    return f"batch_{batch:06d}"


def remove_old_checkpoints(folder: Path, keep: int) -> None:
    """Remove all numbered checkpoints of a run but the newest `keep`."""
    numbered = [path for path in (folder / CHECKPOINTS).glob("*") if _NUMBERED.fullmatch(path.name)]
    numbered.sort(key=lambda path: int(path.name.removeprefix("batch_")))
    for path in numbered[:-keep]:
        shutil.rmtree(path)


def newest_checkpoint(folder: Path) -> Path | None:
    """Return the checkpoint of a run with the most batches; None without one."""
    found = [
        path
        for path in (folder / CHECKPOINTS).glob("*")
        if (path / STATE).is_file() and path.name != BEST
    ]
    resumable = [path for path in found if path.name == FINAL or _NUMBERED.fullmatch(path.name)]
    return max(
        resumable, key=lambda path: (read_state(path).batch, path.name == FINAL), default=None
    )


def read_state(path: Path) -> TrainerState:
    """Return the state of a run in its checkpoint. Raise DataFileError for anything else."""
    file = path / STATE
    try:
        read: Any = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(read, dict) or read.get("format") != _FORMAT:
            raise DataFileError(f"{file}: not a checkpoint of format {_FORMAT}")
        return TrainerState(
            **{
                one.name: read[one.name]
                for one in fields(TrainerState)
                if one.name in read or one.name not in _ADDED_LATER
            }
        )
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise DataFileError(f"{file}: the checkpoint cannot be read: {error}") from error


def model_state_of(path: Path) -> Path:
    """Return the folder of the model's state in a checkpoint, or the folder itself if it is one.

    Raise DataFileError when there is no such folder.
    """
    if not path.is_dir():
        raise DataFileError(f"{path}: there is no such checkpoint")
    return path / MODEL if (path / MODEL).is_dir() else path
