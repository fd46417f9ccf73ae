"""Replay: answers model calls from recorded calls, until a call is no longer the recorded one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from tau2 import errors
from tau2.errors import DeadlineExceeded, ModelError, ReplayMismatch
from tau2.llm.attempt_context import AttemptContext, current_attempt
from tau2.llm.middleware import NextSend
from tau2.llm.middleware.recorded_calls import Exchange
from tau2.llm.middleware.redacted_request import SOFT_ARGS, RedactedRequest, RequestRedactor
from tau2.llm.middleware.request_diff import differences
from tau2.llm.request import Flow, Request, Response
from tau2.llm.returned_fields import LEARNT_OF_MESSAGES, RETURNED_FIELDS
from tau2.llm.secrets import Redactor
from tau2.llm.unsupported_params import RENAMED
from tau2.utils.json_types import JsonMapping, JsonObject

_ORIGINAL_NAMES = {new: old for old, new in RENAMED.items()}


class Diverged(ReplayMismatch):
    """A model was asked something else than was recorded."""


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first place where an attempt is no longer as recorded."""

    call: int
    """The number of the model call, from 1; 0 when only the result is not as recorded."""
    what: str
    """In one line."""
    details: tuple[str, ...] = ()
    call_name: str | None = None


@dataclass(frozen=True, slots=True)
class RefusedParams:
    """The parameters that models refused while a run was recorded.

    Whether such a parameter was sent with a call depends on whether an earlier call of the same
    process had learnt of the refusal, so these are left out of comparisons.
    """

    refused: frozenset[tuple[str, str]] = frozenset()
    """Model and parameter."""

    def comparable(self, model: str, args: JsonMapping) -> JsonObject:
        """Return the soft arguments that can be compared."""
        refused = {name for known, name in self.refused if known == model}
        soft = {name: value for name, value in args.items() if name in SOFT_ARGS}
        if refused & RENAMED.keys():
            soft = {_ORIGINAL_NAMES.get(name, name): value for name, value in soft.items()}
        dropped = refused - RENAMED.keys()
        return {name: value for name, value in soft.items() if name not in dropped}

    @classmethod
    def of(cls, exchanges: Iterable[Exchange]) -> RefusedParams:
        """Collect the refusals in exchanges; what they say of messages is learnt again."""
        exchanges = list(exchanges)
        for exchange in exchanges:
            failure = exchange.failure()
            learnt = exchange.refused_parameter == LEARNT_OF_MESSAGES
            if learnt and failure is not None and exchange.request is not None:
                # Without an address: the replay asks no server.
                messages = exchange.request.messages
                RETURNED_FIELDS.learn(exchange.model, {}, messages, failure)
        refusals = ((exchange.model, exchange.refused_parameter) for exchange in exchanges)
        return cls(frozenset((model, name) for model, name in refusals if name is not None))


class AttemptReplay:
    """Answers the model calls of one attempt, each from one recorded exchange.

    Args:
        exchanges: What was recorded of the attempt.
        refused: The parameters that models refused while the run was recorded.
        redactor: Knows the secrets that were redacted in the recording.
        timed_out: Whether the recorded attempt ended because its time was over.
    """

    def __init__(
        self,
        exchanges: Iterable[Exchange],
        refused: RefusedParams | None = None,
        *,
        redactor: Redactor | None = None,
        timed_out: bool = False,
    ) -> None:
        self._left = [exchange for exchange in exchanges if exchange.refused_parameter is None]
        self._refused = refused or RefusedParams()
        self._timed_out = timed_out
        self._requests = RequestRedactor(redactor or Redactor())
        self._number = 0
        self._last_digest = ""
        self.divergence: Divergence | None = None

    @property
    def left(self) -> list[Exchange]:
        """What was recorded and not yet asked for."""
        return [exchange for exchange in self._left if "abandoned" not in exchange.outcome]

    @property
    def repeats(self) -> bool:
        """Whether the next recorded request is the last one again."""
        return bool(self.left) and self.left[0].digest == self._last_digest

    def answer(self, request: Request) -> Response:
        """Return the recorded response.

        Raises:
            Diverged: the request was not recorded.
            Exception: what was raised when the exchange was recorded.
        """
        self._number += 1
        redacted, _, _ = self._requests.redact(request, self._number)
        if self.divergence is not None:
            raise Diverged(self.divergence.what)
        model = redacted.request.model
        args = self._refused.comparable(model, redacted.request.args)
        # Not only the first one: calls of one attempt may overlap, in another order each time.
        same = (one for one in self._left if one.digest == redacted.digest)
        found = next((e for e in same if self._refused.comparable(model, e.args) == args), None)
        if found is None:
            if not self.left and self._timed_out:
                raise DeadlineExceeded("the episode's time ran out here when it was recorded")
            self.divergence = self._divergence(redacted)
            raise Diverged(self.divergence.what)
        self._left.remove(found)
        self._last_digest = found.digest
        return _outcome(found)

    def _divergence(self, redacted: RedactedRequest) -> Divergence:
        now = redacted.request
        if not self._left:
            what = "one more call than was recorded"
            return Divergence(self._number, what, (_summary(now),), now.call_name)
        expected = self._left[0]
        if expected.request is None:
            what = "another request (the recorded one can no longer be read)"
            return Divergence(expected.call, what, (), now.call_name)
        details = differences(
            replace(expected.request, args=self._comparable(now.model, expected.args)),
            replace(now, args=self._comparable(now.model, now.args)),
        )
        what = "another request than was recorded"
        return Divergence(expected.call, what, tuple(details), now.call_name)

    def _comparable(self, model: str, args: JsonMapping) -> JsonObject:
        hard = {name: value for name, value in args.items() if name not in SOFT_ARGS}
        return hard | self._refused.comparable(model, args)


def _summary(request: Request) -> str:
    last = request.messages[-1] if request.messages else {}
    count = len(request.messages)
    messages = "1 message" if count == 1 else f"{count} messages"
    return f"asked: {request.model}, {messages}; the last: {str(last)[:400]}"


def _outcome(exchange: Exchange) -> Response:
    """Return the recorded response, or raise what was recorded in place of one."""
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


def _error(name: str, text: str) -> Exception:
    error_type = getattr(errors, name, None)
    if not isinstance(error_type, type) or not issubclass(error_type, errors.Tau2Error):
        return ModelError(text)
    if issubclass(error_type, errors.UnknownName):  # which takes other arguments
        return ModelError(text)
    return error_type(text)


class ReplayMiddleware:
    """Answers every model call from recorded calls; no model is asked.

    Args:
        replay_of: Returns the replay of the current attempt.
    """

    def __init__(self, replay_of: Callable[[AttemptContext | None], AttemptReplay]) -> None:
        self._replay_of = replay_of

    def middleware(self, request: Request, _send: NextSend) -> Flow[Response]:
        """Answer from the recording."""
        yield from ()
        return self._replay_of(current_attempt.get()).answer(request)
