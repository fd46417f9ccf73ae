"""The typed events that a run emits, which a sink receives."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tau2.data_model.simulation import SimulationRun
from tau2.storage.results import Results

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run begins."""

    total: int
    """Simulations of the whole run."""
    already_done: int
    """How many of them were stored before."""
    folder: Path | None
    title: str


@dataclass(frozen=True, slots=True)
class RunPreparing:
    """What a run waits for before its first simulation, where that takes a while."""

    what: str


@dataclass(frozen=True, slots=True)
class SimulationStarted:
    """A simulation is played from now on."""

    task_id: str
    trial: int


@dataclass(frozen=True, slots=True)
class SimulationStored:
    """A simulation is finished, graded and, if the run is saved, durable."""

    run: SimulationRun
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class SimulationRetried:
    """A simulation had an infrastructure failure and is attempted again."""

    task_id: str
    trial: int
    attempt: int
    error: str


@dataclass(frozen=True, slots=True)
class RunStopping:
    """Ctrl-C was pressed: nothing more is started."""

    playing: int
    """Simulations in progress."""
    abandoned: bool = False
    """Whether they end here, because their models cost nothing, and not when they are over."""


@dataclass(frozen=True, slots=True)
class RunDamaged:
    """Something of the stored run was not as it was written; the rest is intact."""

    what: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunOutOfMoney:
    """A call could not be paid.

    Nothing more is started; simulations in progress continue while the money lasts.
    """

    why: str


@dataclass(frozen=True, slots=True)
class ModelsProbed:
    """Every model of the run was asked once before the first task, and answered."""

    models: int
    tokens: int
    cost: float
    """US dollars, as far as prices are known."""


@dataclass(frozen=True, slots=True)
class RunHalted:
    """A model failed too often in a row: nothing more is started; what is under way is abandoned.

    Abandoned episodes of a saved run continue from their logs when the run is resumed.
    """

    why: str


@dataclass(frozen=True, slots=True)
class RunCounted:
    """What middleware counted; None for middleware that the run does not use."""

    cache_hits: int | None
    cache_misses: int | None
    spent: float | None
    """US dollars of the run so far."""
    max_cost: float | None


@dataclass(frozen=True, slots=True)
class RunEnded:
    """A run is over, or was interrupted."""

    results: Results
    folder: Path | None
    interrupted: bool = False


Event = (
    RunStarted
    | RunPreparing
    | SimulationStarted
    | SimulationStored
    | SimulationRetried
    | RunStopping
    | RunDamaged
    | RunOutOfMoney
    | ModelsProbed
    | RunHalted
    | RunCounted
    | RunEnded
)
Sink = Callable[[Event], None]


def ignore_events(_event: Event) -> None:
    """Do nothing: the sink of a run without a listener."""


class FallibleSink:
    """Passes events on to a sink until that raises; then drops it, with a warning."""

    def __init__(self, sink: Sink) -> None:
        self._sink: Sink | None = sink

    def __call__(self, event: Event) -> None:
        """Pass one event on."""
        if self._sink is None:
            return
        try:
            self._sink(event)
        except Exception:  # who watches a run must not end it
            self._sink = None
            logger.warning("the event sink failed and receives nothing more", exc_info=True)


@dataclass(frozen=True, slots=True)
class DisplaySpec:
    """A way to show a run; found by name, so that the runner does not depend on a terminal."""

    name: str
    """What the display is asked for by."""
    make: Callable[[], Sink]
    """Returns a function that is given every event of a run."""
