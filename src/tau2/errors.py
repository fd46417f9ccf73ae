"""The exception tree. Catch the narrowest class that you can act upon.

Tau2Error
├── UnknownName            no catalog, task file or tool list has this name
│                          (also a KeyError and a ValueError)
├── DataFileError          a task, database, split or results file cannot be used; names the place
├── ConfigError            a run cannot start as configured
├── FetchFailed            weights of a local model could not be fetched
├── MissingExtra           an optional package is not installed; names the extra
│                          (also an ImportError)
├── ToolError              a tool refused a call; the caller receives its text as a tool error
│   └── ArgumentError      the arguments of a call do not fit the tool's schema
├── ReplayMismatch         a stored trajectory does not replay on this environment
├── CallerCodeError        an agent, a user or a backend of the caller has a bug; names the place
├── ParticipantError       an agent or a user broke the protocol of the conversation
│   ├── AgentError
│   └── UserError
└── ModelError             a model call failed for good
    ├── ModelUnavailable   the endpoint did not answer after every permitted retry (infrastructure)
    │   └── NeverAnswered  the episode's time was over before the endpoint answered for once
    ├── ModelRefused       the endpoint rejected the request; retrying cannot help
    │   └── BudgetExhausted  what the run may still spend (max_cost) does not cover the next call
    ├── ContextWindowExceeded
    ├── EmptyCompletion    the model returned nothing in every permitted attempt
    └── DeadlineExceeded   the episode's time ran out inside a model call
        └── NoTimeToRetry  a call failed, and the time was too short to repeat it (infrastructure)

Every class pickles (results cross process boundaries), and every message says what is wrong, why,
and what to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any

_MOST_NAMES_SHOWN = 12  # a longer list hides the hint it is meant to give
_LONGEST_NAME = 500  # characters of a name that a message quotes; real names have up to 300


def nearest_name(name: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return the known name that is most like `name`; None where none is.

    A name longer than any real one is like none: to compare it would take seconds.
    """
    if len(name) > _LONGEST_NAME:
        return None
    return next(iter(get_close_matches(name, sorted(known), n=1, cutoff=cutoff)), None)


def quoted(text: str) -> str:
    """Return text in quotes as an error says it, cut where it is longer than any name."""
    if len(text) <= _LONGEST_NAME:
        return repr(text)
    return f"{text[:_LONGEST_NAME]!r}… (+{len(text) - _LONGEST_NAME:,} characters)"


class Tau2Error(Exception):
    """Base of everything this package raises on purpose."""


class _InOneSentence:
    """An error whose message says all: where it happened inside this package tells nothing."""

    def _render_traceback_(self) -> list[str]:
        """Return what a notebook shows (IPython asks for it): the message alone."""
        return [f"{type(self).__name__}: {self}"]


class UnknownName(_InOneSentence, Tau2Error, KeyError, ValueError):
    """A name that is not known; the message suggests the nearest known one."""

    def __init__(self, kind: str, name: object, known: Iterable[str]) -> None:
        self.kind = kind
        self.name = str(name)
        self.known = sorted(str(k) for k in known)
        super().__init__(self._message())

    def _message(self) -> str:
        near = nearest_name(self.name, self.known)
        if near is not None:
            hint = f"did you mean {near!r}?"
        elif not self.known:
            hint = "none is known"
        else:
            shown = ", ".join(map(_named, self.known[:_MOST_NAMES_SHOWN]))
            more = len(self.known) - _MOST_NAMES_SHOWN
            hint = f"known: {shown}" + (f" (+{more} more)" if more > 0 else "")
        return f"no {self.kind} named {quoted(self.name)}; {hint}"

    def __str__(self) -> str:
        """Return the sentence itself (a plain KeyError would show its repr)."""
        return self._message()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.kind, self.name, self.known)


def _named(name: str) -> str:
    """Return a name, spelled as Python does where it holds what cannot be seen."""
    return name if name.isprintable() else repr(name)


class DataFileError(_InOneSentence, Tau2Error, ValueError):
    """A file that cannot be used; the message names the file and the place in it."""


class ConfigError(_InOneSentence, Tau2Error, ValueError):
    """A run that cannot start as configured."""


class FetchFailed(Tau2Error):
    """Weights of a local model could not be fetched; the message says why and what to do."""


class MissingExtra(_InOneSentence, Tau2Error, ImportError):
    """An optional package is not installed; the message names the extra that brings it."""


class ToolError(Tau2Error, ValueError):
    """A tool refused a call; the message is the text of the tool result."""


class ArgumentError(ToolError):
    """The arguments of a tool call do not fit the tool's schema."""


class ReplayMismatch(Tau2Error, ValueError):
    """A stored trajectory does not replay on this environment."""


class CallerCodeError(_InOneSentence, Tau2Error):
    """An agent, a user or a backend of the caller has a bug; the message names file and line."""


class ParticipantError(Tau2Error):
    """A participant broke the protocol of the conversation."""


class AgentError(ParticipantError):
    """The agent broke the protocol of the conversation."""


class UserError(ParticipantError):
    """The simulated user broke the protocol of the conversation."""


class ModelError(Tau2Error):
    """A model call failed for good."""

    model: str | None = None
    """Name of the model, where it is known. Lost when the error is pickled."""
    status: int | None = None
    """Status of the last HTTP response, likewise."""


class ModelUnavailable(ModelError):
    """The endpoint did not answer after every permitted retry.

    An infrastructure failure, never a score.
    """


class NeverAnswered(ModelUnavailable):
    """The episode's time ran out before any model of a participant had answered for once."""


class SpeechFailed(ModelUnavailable):
    """A speech engine or speech service failed: synthesis, recognition or detection of speech."""


class VoiceSessionFailed(ModelUnavailable):
    """A provider's voice session failed: an error of the server, a stall, or a lost connection."""

    is_retryable: bool = True
    """Whether another attempt may succeed."""


class ModelRefused(ModelError):
    """The endpoint rejected the request; repeating it cannot help."""


class BudgetExhausted(ModelRefused):
    """What the run may still spend does not cover the next call; nothing was sent."""


class ContextWindowExceeded(ModelError):
    """The conversation no longer fits the model's context window."""


class EmptyCompletion(ModelError):
    """The model returned neither text nor a tool call in every permitted attempt."""


class DeadlineExceeded(ModelError):
    """The episode's wall-clock limit ran out inside a model call."""


class NoTimeToRetry(DeadlineExceeded):
    """The endpoint failed, and the episode's time is too short to ask it again."""


@contextmanager
def needs_extra(extra: str, module: str) -> Iterator[None]:
    """Turn the absence of `module` into a MissingExtra that names `extra`.

    A broken install stays visible.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != module:
            raise
        message = f"{module} is not installed; {install_hint(extra)}"
        raise MissingExtra(message) from error


def install_hint(extra: str) -> str:
    """Return the command that installs an extra; in a checkout also the one for the checkout."""
    hint = f"pip install 'tau2-bench[{extra}]'"
    checkout = Path(__file__).resolve().parents[2]
    if not (checkout / "pyproject.toml").is_file():
        return hint
    return f"{hint} (in the checkout: pip install -e '.[{extra}]')"


SAID_IN_ONE_SENTENCE = (CallerCodeError, ConfigError, DataFileError, MissingExtra, UnknownName)
"""Errors of settings, files and code of the caller, whose message says what to do."""
