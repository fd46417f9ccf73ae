"""The simulations of a run as a list whose items are read from disk when they are used."""

from __future__ import annotations

import copy
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, MutableSequence, Sequence
from hashlib import sha256
from typing import Any, Protocol, SupportsIndex, cast, overload
from weakref import WeakValueDictionary

from tau2.data_model.outline import Outline
from tau2.data_model.simulation import SimulationRun
from tau2.utils.model_json import model_json

_KEPT = 64
"""Simulations in memory, beside those that somebody holds or has changed."""
_CHECKED = 2  # that are let go, if they can be, for each one that is read


class Reference(Protocol):
    """A simulation on disk."""

    @property
    def id(self) -> str:
        """Names it."""

    @property
    def sha256(self) -> str:
        """Of the bytes of its file."""

    @property
    def outline(self) -> Outline | None:
        """What is known of it without reading it."""


class Shelf:
    """Reads simulations, and keeps the same object as long as somebody may hold or has changed it.

    A simulation that was read can be changed like that of a list. Before it is let go, it is
    compared with what is stored: a changed one is kept. A part that is changed after its simulation
    was let go changes nothing else. Threads may read at the same time.
    """

    def __init__(self, read: Callable[[Any], SimulationRun]) -> None:
        """Read with `read`, which is given a reference."""
        self.read = read
        self._recent: OrderedDict[str, tuple[Reference, SimulationRun]] = OrderedDict()
        self._changed: dict[str, SimulationRun] = {}
        self._alive: WeakValueDictionary[str, SimulationRun] = WeakValueDictionary()
        self._outlines: dict[str, Outline] = {}
        self._lock = threading.RLock()

    def get(self, reference: Reference) -> SimulationRun:
        """Return a simulation. Raise DataFileError when it cannot be read."""
        with self._lock:
            run = self.known(reference)
            if run is None:
                run = self.read(reference)
                self._alive[reference.id] = run
            if reference.id not in self._changed:
                self._recent[reference.id] = reference, run
                self._recent.move_to_end(reference.id)
            self._let_go()
            return run

    def known(self, reference: Reference) -> SimulationRun | None:
        """Return a simulation that is in memory; None for one that would be read."""
        return self._changed.get(reference.id) or self._alive.get(reference.id)

    def outline(self, reference: Reference) -> Outline:
        """Return what figures need of a simulation: as it is in memory, else as it is stored."""
        run = self.known(reference) if self._alive or self._changed else None
        if run is not None:
            return Outline.of(run)
        found = self._outlines.get(reference.id) or reference.outline
        if found is None:
            found = Outline.of(self.get(reference))
        self._outlines[reference.id] = found
        return found

    def _let_go(self) -> None:
        for _ in range(_CHECKED):
            if len(self._recent) <= _KEPT:
                return
            name, (reference, run) = self._recent.popitem(last=False)
            if self._is_changed(reference, run):
                self._changed[name] = run
                continue
            del run
            held = self._alive.get(name)
            if held is not None:  # somebody has it, and may change it later
                self._recent[name] = reference, held

    def _is_changed(self, reference: Reference, run: SimulationRun) -> bool:
        try:
            content = model_json(run, indent=1)
            if sha256(content.encode()).hexdigest() == reference.sha256:
                return False
            # An older version, or another program, wrote the same in another form.
            return content != model_json(self.read(reference), indent=1)
        except Exception:  # noqa: BLE001  -- foreign objects in it cannot be written, or no file
            return True


class StoredSimulations(MutableSequence[SimulationRun]):  # noqa: PLW1641  -- like a list
    """A list of simulations; those on disk are read when they are used, and not kept in memory.

    Slices and copies share what is in memory, so a change to a simulation is seen through all of
    them. Compares equal to a list of equal simulations.
    """

    def __init__(self, items: Iterable[SimulationRun | Reference], shelf: Shelf) -> None:
        """Hold simulations and references to those that `shelf` reads."""
        self.items = list(items)
        self.shelf = shelf

    def _run(self, item: SimulationRun | Reference) -> SimulationRun:
        return item if isinstance(item, SimulationRun) else self.shelf.get(item)

    def _like(self, items: Iterable[SimulationRun | Reference]) -> StoredSimulations:
        return StoredSimulations(items, self.shelf)

    def outlines(self) -> list[Outline]:
        """Return what figures need of each simulation; one whose outline is stored is not read."""
        return [
            Outline.of(item) if isinstance(item, SimulationRun) else self.shelf.outline(item)
            for item in self.items
        ]

    def at(self, places: Iterable[int]) -> StoredSimulations:
        """Return the simulations at some places."""
        return self._like([self.items[place] for place in places])

    def one_by_one(self) -> Iterator[SimulationRun]:
        """Yield the simulations; what is read for it is not kept, so nobody sees it changed."""
        for item in self.items:
            if isinstance(item, SimulationRun):
                yield item
            else:
                yield self.shelf.known(item) or self.shelf.read(item)

    # --- as a list --------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.items)

    @overload
    def __getitem__(self, place: SupportsIndex) -> SimulationRun: ...
    @overload
    def __getitem__(self, place: slice) -> StoredSimulations: ...
    def __getitem__(self, place: SupportsIndex | slice) -> SimulationRun | StoredSimulations:
        if isinstance(place, slice):
            return self._like(self.items[place])
        return self._run(self.items[place])

    @overload
    def __setitem__(self, place: SupportsIndex, value: SimulationRun) -> None: ...
    @overload
    def __setitem__(self, place: slice, value: Iterable[SimulationRun]) -> None: ...
    def __setitem__(self, place: Any, value: Any) -> None:
        self.items[place] = self._taken(value) if isinstance(place, slice) else value

    def __delitem__(self, place: SupportsIndex | slice) -> None:
        del self.items[place]

    def insert(self, index: SupportsIndex, value: SimulationRun) -> None:
        """Insert a simulation before a place."""
        self.items.insert(index, value)

    def extend(self, values: Iterable[SimulationRun]) -> None:
        """Append simulations; those of the same run stay on disk."""
        self.items.extend(self._taken(values))

    def _taken(self, values: Iterable[SimulationRun]) -> list[SimulationRun | Reference]:
        if isinstance(values, StoredSimulations) and values.shelf is self.shelf:
            return list(values.items)
        return list(values)

    def clear(self) -> None:
        """Remove everything."""
        self.items.clear()

    def reverse(self) -> None:
        """Turn the order round."""
        self.items.reverse()

    def sort(
        self, *, key: Callable[[SimulationRun], Any] | None = None, reverse: bool = False
    ) -> None:
        """Sort in place; each simulation is read once, for its key."""
        if key is None:
            raise TypeError("simulations have no order of their own: give a key")
        keys = list(map(key, self))
        places = sorted(range(len(self)), key=keys.__getitem__, reverse=reverse)
        self.items = [self.items[place] for place in places]

    def copy(self) -> StoredSimulations:
        """Return a list of the same simulations."""
        return self._like(self.items)

    __copy__ = copy

    def __deepcopy__(self, memo: dict[int, Any]) -> StoredSimulations:
        items: list[SimulationRun | Reference] = []
        for item in self.items:
            run = item if isinstance(item, SimulationRun) else self.shelf.known(item)
            items.append(item if run is None else copy.deepcopy(run, memo))
        return StoredSimulations(items, Shelf(self.shelf.read))

    def __add__(self, others: Iterable[SimulationRun]) -> StoredSimulations:
        if not isinstance(others, list | StoredSimulations):
            return NotImplemented
        return self._like([*self.items, *self._taken(others)])

    def __radd__(self, others: Iterable[SimulationRun]) -> StoredSimulations:
        if not isinstance(others, list):
            return NotImplemented
        return self._like([*others, *self.items])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, list | StoredSimulations):
            return NotImplemented
        return len(self) == len(other) and all(
            one is two or one == two for one, two in zip(self, other, strict=True)
        )

    def __repr__(self) -> str:
        return f"<{len(self):,} simulations, read from disk when they are used>"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as a plain list, which needs no folder."""
        return list, (), None, iter(self)


def whole(runs: Sequence[SimulationRun]) -> list[SimulationRun]:
    """Return simulations as a plain list."""
    return runs if isinstance(runs, list) else list(runs)


def one_by_one(runs: Iterable[SimulationRun]) -> Iterator[SimulationRun]:
    """Yield simulations, to look at each once: what is on disk is not kept in memory."""
    return runs.one_by_one() if isinstance(runs, StoredSimulations) else iter(runs)


def chosen(runs: Sequence[SimulationRun], keep: Callable[[Outline], bool]) -> list[SimulationRun]:
    """Return the simulations whose outlines are to be kept; those on disk stay there."""
    places = [place for place, outline in enumerate(outlines_of(runs)) if keep(outline)]
    if isinstance(runs, StoredSimulations):
        return cast("list[SimulationRun]", runs.at(places))
    return [runs[place] for place in places]


def outlines_of(runs: Iterable[SimulationRun]) -> list[Outline]:
    """Return what figures need of each simulation; what is on disk is read where it must be."""
    if isinstance(runs, StoredSimulations):
        return runs.outlines()
    return [Outline.of(run) for run in runs]
