"""How tools cross process borders: their functions, and the models of their arguments.

A function that pickle finds by name travels by name, another one by value (cloudpickle). A method
of a toolkit takes its toolkit along, and with it a copy of the database. What cannot travel at all
is replaced by a function that says so when it is called: the schema arrives in any case.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from types import MethodType
from typing import Any, NoReturn
from weakref import WeakKeyDictionary

from pydantic import BaseModel

from tau2.errors import ToolError

RECIPE = "__tau2_recipe__"
"""The attribute of a model made at run time that holds the arguments of what made it."""

_TRAVELS: WeakKeyDictionary[type, bool] = WeakKeyDictionary()
"""Classes of toolkits → whether pickle alone can take them along."""

# What other libraries' objects raise when they are pickled.
_UNPICKLABLE = (pickle.PicklingError, TypeError, AttributeError, ValueError, RecursionError)


class ByValue:
    """A function that arrives as itself, taken along by cloudpickle."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __reduce__(self) -> tuple[Callable[[bytes], Any], tuple[bytes]]:
        return pickle.loads, (self._content,)


class LeftBehind:
    """Stands for a function that could not be taken along."""

    def __init__(self, name: str) -> None:
        self.__name__ = name

    def __call__(self, *_args: object, **_kwargs: object) -> NoReturn:
        """Raise ToolError."""
        raise ToolError(
            f"tool '{self.__name__}' came from another process and cannot be called in this one: "
            "its toolkit holds something that cannot be pickled"
        )


def portable(func: Callable[..., Any], name: str) -> object:
    """Return what pickle writes for the function of the tool `name`."""
    if _pickles(func):
        return func
    import cloudpickle  # noqa: PLC0415  -- only what pickle cannot find by name needs it

    try:
        return ByValue(cloudpickle.dumps(func))
    except _UNPICKLABLE:
        return LeftBehind(name)


def _pickles(func: Callable[..., Any]) -> bool:
    """Return whether pickle can write a function.

    Tried once per class of toolkit, because that pickles the database too.
    """
    if not isinstance(func, MethodType):
        return _dumps(func)
    kind = type(func.__self__)
    if kind not in _TRAVELS:
        _TRAVELS[kind] = _dumps(func)
    return _TRAVELS[kind]


def _dumps(value: object) -> bool:
    try:
        pickle.dumps(value)
    except _UNPICKLABLE:
        return False
    return True


def portable_model(model: type[BaseModel] | None) -> object:
    """Return what pickle writes for a model: its recipe, or, without one, the class itself."""
    return vars(model).get(RECIPE, model) if model is not None else None
