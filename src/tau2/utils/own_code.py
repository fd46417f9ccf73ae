"""Where in somebody's own code an exception was raised: in neither this package nor a library."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from types import FrameType

BUGS = (
    LookupError,
    TypeError,
    AttributeError,
    NameError,
    ValueError,
    ArithmeticError,
    AssertionError,
    ImportError,
    NotImplementedError,
    RecursionError,
    SyntaxError,
)
"""What code that is wrong raises. Connections, files and time-outs raise other exceptions."""

_OURS = "tau2"
_LIBRARIES = frozenset(
    {"aiohttp", "anyio", "certifi", "docstring_parser", "httpcore", "httpx", "litellm", "openai"}
    | {"pydantic", "pydantic_core", "ray", "tenacity", "anthropic", "requests", "urllib3"}
)
"""Packages whose exceptions are not a bug of whoever called them last."""


def place_in_own_code(problem: BaseException) -> str | None:
    """Return where in the caller's code an exception was raised, as "file:line, in function".

    None when this package or a library raised it: what counts is the last module of this package in
    the traceback, and what it called.
    """
    frames = list(traceback.walk_tb(problem.__traceback__))
    ours = [place for place, (frame, _) in enumerate(frames) if _package(frame) == _OURS]
    called = frames[ours[-1] + 1 :] if ours else frames
    theirs = [(frame, line) for frame, line in called if _is_theirs(frame)]
    if not theirs or (ours and _first_foreign(called) in _LIBRARIES):
        return None
    frame, line = theirs[-1]
    code = frame.f_code
    return f"{_shown(code.co_filename)}:{line}, in {code.co_qualname}"


def _package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]


def _is_theirs(frame: FrameType) -> bool:
    package = _package(frame)
    return package not in sys.stdlib_module_names and package not in {*_LIBRARIES, _OURS}


def _first_foreign(frames: list[tuple[FrameType, int]]) -> str:
    packages = (_package(frame) for frame, _ in frames)
    return next((package for package in packages if package not in sys.stdlib_module_names), "")


def _shown(file: str) -> str:
    """Return a file's path, relative to the working directory where it lies below that."""
    try:
        return str(Path(file).relative_to(Path.cwd()))
    except (ValueError, OSError):
        return file
