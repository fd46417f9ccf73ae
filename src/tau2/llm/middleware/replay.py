"""Answers model calls from a tape, and stops where the calls are no longer those that were recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tau2 import errors
from tau2.errors import DeadlineExceeded, ModelError, ReplayMismatch
from tau2.llm.attempt_context import AttemptContext, current_attempt
from tau2.llm.middleware import NextSend
from tau2.llm.middleware.recorded_calls import Exchange
from tau2.llm.middleware.recording import SOFT_ARGS, RedactedRequest, RequestRedactor
from tau2.llm.middleware.request_diff import differences
from tau2.llm.request import Flow, Request, Response
from tau2.llm.secrets import Redactor

_RENAMED = {"max_completion_tokens": "max_tokens"}


class Diverged(ReplayMismatch):
    """A model was asked something else than was recorded."""


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first place where an attempt is no longer as recorded."""

    call: int
    """The number of the model call, from 1; 0 when every call is as recorded but the result is not."""
    what: str
    """In one line."""
    details: tuple[str, ...] = ()
    call_name: str | None = None


@dataclass(frozen=True, slots=True)
class RefusedParams:
    """What models refused while the run was recorded: whether it was sent depends on who asked first."""

    refused: frozenset[tuple[str, str]] = frozenset()
    """Model and parameter."""

    def softened(self, model: str, args: Mapping[str, Any]) -> dict[str, Any]:
        """Return the soft arguments that can be compared."""
        refused = {name for known, name in self.refused if known == model}
        soft = {name: value for name, value in args.items() if name in SOFT_ARGS}
        if "max_tokens" in refused:
            soft = {_RENAMED.get(name, name): value for name, value in soft.items()}
        return {
            name: value
            for name, value in soft.items()
            if name not in refused or name == "max_tokens"
        }

    @classmethod
    def of(cls, exchanges: Iterable[Exchange]) -> RefusedParams:
        """Collect what exchanges taught."""
        return cls(frozenset((e.model, e.learnt) for e in exchanges if e.learnt is not None))


class AttemptReplay:
    """The recorded exchanges of one attempt, to be asked for once each."""

    def __init__(
        self,
        exchanges: Iterable[Exchange],
        learnt: RefusedParams | None = None,
        *,
        redactor: Redactor | None = None,
        timed_out: bool = False,
    ) -> None:
        """Take the exchanges; with `timed_out`, the recorded attempt ended when its time was over."""
        self._left = [exchange for exchange in exchanges if exchange.learnt is None]
        self._learnt, self._timed_out = learnt or RefusedParams(), timed_out
        self._hiding = RequestRedactor(redactor or Redactor())
        self._number = 0
        self._last = ""
        self.divergence: Divergence | None = None

    @property
    def left(self) -> list[Exchange]:
        """What was recorded and not yet asked for."""
        return [exchange for exchange in self._left if "abandoned" not in exchange.outcome]

    @property
    def repeats(self) -> bool:
        """Whether the last question was asked again, next, when it was recorded."""
        return bool(self.left) and self.left[0].digest == self._last

    def play(self, request: Request) -> Response:
        """Return what was answered. Raise what was raised, or Diverged."""
        self._number += 1
        asked, _, _ = self._hiding.hidden(request, self._number)
        if self.divergence is not None:
            raise Diverged(self.divergence.what)
        found = next((exchange for exchange in self._left if self._is(exchange, asked)), None)
        if found is None:
            raise self._refusal(asked)
        self._left.remove(found)
        self._last = found.digest
        return _outcome(found)

    def _is(self, exchange: Exchange, asked: RedactedRequest) -> bool:
        soft = self._learnt.softened
        return exchange.digest == asked.digest and soft(asked.model, exchange.args) == soft(
            asked.model, asked.args
        )

    def _refusal(self, asked: RedactedRequest) -> Exception:
        if not self.left and self._timed_out:
            return DeadlineExceeded("the episode's time ran out here when it was recorded")
        self.divergence = self._divergence(asked)
        return Diverged(self.divergence.what)

    def _divergence(self, asked: RedactedRequest) -> Divergence:
        name = asked.call_name
        if not self._left:
            return Divergence(
                self._number, "one more call than was recorded", tuple(_shown(asked)), name
            )
        expected = self._left[0]
        if expected.asked is None:
            return Divergence(
                expected.call, "another request (the recorded one can no longer be read)", (), name
            )
        now = asked.as_request()
        soft = {key: value for key, value in now.args.items() if key not in SOFT_ARGS}
        then = {key: value for key, value in expected.args.items() if key not in SOFT_ARGS}
        now = replace(now, args=soft | self._learnt.softened(asked.model, now.args))
        before = replace(
            expected.asked, args=then | self._learnt.softened(asked.model, expected.args)
        )
        return Divergence(
            expected.call,
            "another request than was recorded",
            tuple(differences(before, now)),
            name,
        )


def _shown(asked: RedactedRequest) -> list[str]:
    last = asked.messages[-1] if asked.messages else {}
    return [f"asked: {asked.model}, {len(asked.messages)} messages; the last: {str(last)[:400]}"]


def _outcome(exchange: Exchange) -> Response:
    failure = exchange.failure()
    if failure is not None:
        raise failure
    error = exchange.outcome.get("error")
    if isinstance(error, Mapping):
        raise _error(str(error.get("type")), str(error.get("text")))
    if "abandoned" in exchange.outcome:
        raise DeadlineExceeded("the call was broken off here when it was recorded")
    if "response" not in exchange.outcome:
        raise Diverged(f"call {exchange.call} was too long to be recorded")
    response: Response = exchange.outcome["response"]
    return response


def _error(kind: str, text: str) -> Exception:
    known = getattr(errors, kind, None)
    if (
        not isinstance(known, type)
        or not issubclass(known, errors.Tau2Error)
        or known is errors.UnknownName
    ):
        return ModelError(text)
    return known(text)


class ReplayMiddleware:
    """A layer around model calls that asks nobody: it answers from decks.

    Args:
        replay_of: Returns the attempt_replay of the attempt that is being played.
    """

    def __init__(self, replay_of: Callable[[AttemptContext | None], AttemptReplay]) -> None:
        self._replay_of = replay_of

    def middleware(self, request: Request, _send: NextSend) -> Flow[Response]:
        """Reservation from the tape."""
        yield from ()
        return self._replay_of(current_attempt.get()).play(request)
