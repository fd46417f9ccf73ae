"""The processes that train one model: this one alone, or those that `accelerate launch` started.

Rollouts, files and decisions are those of the first process. It tells the others which operation of
their copy of the model to call; all call it with the same arguments, and each computes its share.
Gradients are summed over the processes before each optimizer step.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from tau2.errors import ConfigError, needs_extra

with needs_extra("train", "torch"):
    import torch

Item = TypeVar("Item")
Result = TypeVar("Result")


class Operation(NamedTuple):
    """What the first process tells the others to do."""

    name: str
    arguments: tuple[Any, ...]
    options: dict[str, Any]


class Processes(Protocol):
    """What one or several processes do to train a model."""

    is_first: bool
    """Whether this process decides."""

    def tell(self, operation: Operation | None) -> None:
        """Tell the other processes what to do; None ends them."""

    def hear(self) -> Operation | None:
        """Wait for what the first process tells."""

    def share(
        self, items: Sequence[Item], work: Callable[[list[Item]], Sequence[Result]]
    ) -> list[Result]:
        """Return the results of the work on all items; each process does its share of them."""

    def own_share(self, items: Sequence[Item]) -> list[Item]:
        """Return the items that this process works on."""

    def combined(self, metrics: dict[str, float]) -> dict[str, float]:
        """Return the metrics of all processes: sums, and the maxima of `..._max`."""

    def sum_gradients(self, parameters: Sequence[torch.nn.Parameter]) -> None:
        """Make every process have the sum of all gradients."""


class OneProcess:
    """Trains in this process alone."""

    is_first = True

    def tell(self, operation: Operation | None) -> None:
        """Do nothing."""

    def hear(self) -> Operation | None:
        """Return None: there is nobody to hear."""
        return None

    def share(
        self, items: Sequence[Item], work: Callable[[list[Item]], Sequence[Result]]
    ) -> list[Result]:
        """Return the results of the work on all items."""
        return list(work(list(items)))

    def own_share(self, items: Sequence[Item]) -> list[Item]:
        """Return all items."""
        return list(items)

    def combined(self, metrics: dict[str, float]) -> dict[str, float]:
        """Return the metrics as they are."""
        return metrics

    def sum_gradients(self, parameters: Sequence[torch.nn.Parameter]) -> None:
        """Do nothing."""


class LaunchedProcesses:
    """The processes of `accelerate launch`, each with a copy of the model on its own device.

    Raise ConfigError for a launch that divides the model itself (FSDP, DeepSpeed, Megatron).
    """

    def __init__(self) -> None:
        with needs_extra("train", "accelerate"):
            from accelerate import PartialState, utils  # noqa: PLC0415  -- only when launched
        self._state = PartialState()
        self._utils = utils
        if self._state.distributed_type.value not in _COPIES:
            raise ConfigError(
                f"accelerate is configured for {self._state.distributed_type.value}; training "
                "needs a copy of the model on each device: configure MULTI_GPU, and set "
                "gradient_checkpointing if memory is short"
            )
        self.is_first = bool(self._state.is_main_process)

    def tell(self, operation: Operation | None) -> None:
        """Tell the other processes what to do; None ends them."""
        self._utils.broadcast_object_list([operation], from_process=0)

    def hear(self) -> Operation | None:
        """Wait for what the first process tells."""
        heard: list[Operation | None] = [None]
        self._utils.broadcast_object_list(heard, from_process=0)
        return heard[0]

    def share(
        self, items: Sequence[Item], work: Callable[[list[Item]], Sequence[Result]]
    ) -> list[Result]:
        """Return the results of the work on all items; each process does its share of them."""
        places = self.own_share(range(len(items)))
        mine = list(zip(places, work([items[at] for at in places]), strict=True))
        found: dict[int, Result] = dict(self._gathered(mine))
        return [found[at] for at in range(len(items))]

    def own_share(self, items: Sequence[Item]) -> list[Item]:
        """Return the items that this process works on: every n-th."""
        return list(items[self._state.process_index :: self._state.num_processes])

    def combined(self, metrics: dict[str, float]) -> dict[str, float]:
        """Return the metrics of all processes: sums, and the maxima of `..._max`."""
        found: dict[str, float] = {}
        for name, value in self._gathered(list(metrics.items())):
            before = found.get(name)
            if before is None:
                found[name] = value
            else:
                found[name] = max(before, value) if name.endswith("_max") else before + value
        return found

    def sum_gradients(self, parameters: Sequence[torch.nn.Parameter]) -> None:
        """Make every process have the sum of all gradients; one without a share had none."""
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            parameter.grad = self._utils.reduce(parameter.grad, reduction="sum")

    def _gathered(self, items: list[Any]) -> list[Any]:
        gathered: list[Any] = self._utils.gather_object(items)
        return gathered


_COPIES = frozenset({"NO", "MULTI_CPU", "MULTI_GPU", "MULTI_XPU", "MULTI_NPU"})


def processes() -> Processes:
    """Return the processes that this one belongs to."""
    return LaunchedProcesses() if int(os.environ.get("WORLD_SIZE", "1")) > 1 else OneProcess()
