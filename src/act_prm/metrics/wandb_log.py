"""Metrics in Weights & Biases."""

from __future__ import annotations

from tau2.errors import MissingExtra
from tau2.utils.json_types import JsonMapping


class WandbLog:
    """One run of a project. Raise MissingExtra where the package is not installed."""

    def __init__(self, project: str, name: str, config: JsonMapping, folder: str) -> None:
        try:
            import wandb  # noqa: PLC0415  -- optional, and slow to import
        except ModuleNotFoundError as error:
            raise MissingExtra(
                "wandb is not installed; pip install wandb, or leave out --project_name"
            ) from error
        self._run = wandb.init(
            project=project, name=name, id=name, resume="allow", config=dict(config), dir=folder
        )

    def log(self, row: JsonMapping) -> None:
        """Send one row; its step is the number of batches trained so far."""
        self._run.log(dict(row))

    def close(self) -> None:
        """Finish the run."""
        self._run.finish()
