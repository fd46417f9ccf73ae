"""One model call without I/O: what to send, when to send it again, and when to give up.

The functions are generators (`Flow`): they yield steps such as Send and Sleep, and are sent the
results. `drivers` performs the steps, blocking or on an event loop.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import chain

from tau2.config import (
    DEFAULT_EMPTY_RETRIES,
    DEFAULT_RETRY_MAX_WAIT,
    DEFAULT_RETRY_MIN_WAIT,
    DEFAULT_RETRY_MULTIPLIER,
)
from tau2.errors import (
    ContextWindowExceeded,
    DeadlineExceeded,
    EmptyCompletion,
    ModelError,
    ModelUnavailable,
    NoTimeToRetry,
)
from tau2.llm.answer_count import AnswerCount, answer_count
from tau2.llm.clock import remaining
from tau2.llm.failure import CallFailed
from tau2.llm.middleware import current_middleware
from tau2.llm.parse import (
    ParsedCompletion,
    checked_completion,
    parse_completion,
    with_written_calls,
)
from tau2.llm.request import Flow, Request, Response, Send, Sender, Sleep
from tau2.llm.returned_fields import RETURNED_FIELDS
from tau2.llm.secrets import redactor_of, secrets_in_environment
from tau2.llm.unsupported_params import BAD_REQUEST, UNSUPPORTED_PARAMS
from tau2.seeds import derive_seed
from tau2.utils.json_types import JsonObject

logger = logging.getLogger(__name__)

LONGEST_RETRY_AFTER = 600.0  # seconds; an endpoint that asks for more counts as unavailable
_NOT_TAKEN = frozenset({429, 503})
"""Statuses of a request that was turned away at the door."""
_HIGHEST_POWER = 16  # 2**16 s is beyond every cap; a higher power only risks overflow


@dataclass(frozen=True, slots=True)
class ModelCall:
    """A request, who performs it, and how often it is sent again after a temporary failure."""

    request: Request
    sender: Sender
    num_retries: int
    origin: str = ""
    """A backend and a model: who gets back what is attached to the messages."""
    wired: Callable[[], list[JsonObject]] | None = None
    """Returns the messages as they are sent by what is known now; None where that cannot change."""
    text_tool_calls: bool = False
    """Whether calls of the offered tools that stand in the text of an answer are made."""


@dataclass(frozen=True, slots=True)
class CallResult:
    """What the model said, and every response that was paid for: empty ones, then the last."""

    completion: ParsedCompletion
    responses: list[Response]


def run_call(call: ModelCall) -> Flow[CallResult]:
    """Return what the model says; an empty completion is requested again.

    Raises:
        ModelError: the model cannot be reached, refuses, or returns nothing but empty completions.
    """
    sent_calls = [message.get("tool_calls") or () for message in call.request.messages]
    ids = {str(tool_call.get("id")) for tool_call in chain.from_iterable(sent_calls)}
    several = call.request.args.get("n") not in (None, 1)
    responses: list[Response] = []
    count = answer_count.get() or AnswerCount()
    count.asked += 1
    count.model = call.request.model
    for _ in range(1 if call.request.is_stateful else 1 + DEFAULT_EMPTY_RETRIES):
        responses.append((yield from send_with_retries(call)))
        count.answered += 1
        completion = parse_completion(responses[-1], ids, alternatives=several)
        if call.text_tool_calls and call.request.tool_choice != "none":
            completion = with_written_calls(completion, call.request.tools or (), ids)
        if not completion.is_empty:
            return CallResult(completion, responses)
    times = "once" if len(responses) == 1 else f"{len(responses)} times"
    raise EmptyCompletion(
        f"model {call.request.model!r} answered {times} with neither text nor a "
        f"tool call{_WHY_EMPTY[completion.finish_reason]}"
    )


_WHY_EMPTY = {
    None: "; if it only thinks, raise max_tokens, otherwise use another model",
    "length": ": every answer reached its length limit first; raise max_tokens",
    "content_filter": ": the provider's content filter withheld every answer",
}
"""What may be done about empty completions, by their finish reason."""


def send_with_retries(call: ModelCall) -> Flow[Response]:
    """Return a response that has the outline of a chat completion.

    Raises:
        ModelError: the failure that ended the attempts.
    """
    attempt = 0
    request = call.request
    if not call.sender.own_args:
        request = UNSUPPORTED_PARAMS.adapt_request(request)
    while True:
        try:
            response = yield from _send(request)
            return checked_completion(response, from_server=not call.sender.own_args)
        except CallFailed as failure:
            known = redactor_of(secrets_in_environment()).with_secrets_of(request.args)
            failure.redact(known.secrets, fields=True)
            # A refused parameter says nothing about the request: sending it again without the
            # parameter is no retry, needs no wait, and ends because each is learnt once.
            if UNSUPPORTED_PARAMS.learn_from(request, failure):
                request = UNSUPPORTED_PARAMS.adapt_request(request)
                continue
            messages = _messages_by_now(call, request, failure)
            if messages != request.messages:
                request = replace(request, messages=messages)
                continue
            wait = _wait(call, failure, attempt)
            attempt += 1
            logger.info(
                "model %s, attempt %d failed: %s; next attempt in %.1f s",
                request.model,
                attempt,
                failure.text,
                wait,
            )
        # Outside of the handler, so that the failure and its frames are freed before the wait.
        yield Sleep(wait)


def _messages_by_now(call: ModelCall, request: Request, failure: CallFailed) -> list[JsonObject]:
    """Return the messages as they are sent by what `failure`, or another call meanwhile, taught."""
    if call.wired is None or failure.status not in BAD_REQUEST:
        return request.messages
    RETURNED_FIELDS.learn(request.model, request.args, request.messages, failure)
    return call.wired()


def _send(request: Request) -> Flow[Response]:
    middleware = current_middleware.get()
    if middleware is None:
        return (yield from _send_paced(request))
    return (yield from middleware(request, _send_paced))


def _send_paced(request: Request) -> Flow[Response]:
    if request.args.get("rpm") is None and request.args.get("tpm") is None:
        return (yield from _send_in_time(request))
    from tau2.llm.middleware.pace import paced  # noqa: PLC0415  -- few calls need it

    return (yield from paced(request, _send_in_time))


def _send_in_time(request: Request) -> Flow[Response]:
    """Send with no more time than the episode has left."""
    left = remaining()
    if left <= 0:
        raise DeadlineExceeded(
            f"the episode's time was over before model {request.model!r} could be asked"
        )
    if left < request.timeout:
        request = replace(request, timeout=left)
    try:
        response: Response = yield Send(request)
    except CallFailed as failure:
        # A time-out that the deadline caused is no fault of the endpoint.
        if remaining() <= 0:
            raise DeadlineExceeded(
                f"the episode's time ran out while model {request.model!r} answered"
            ) from failure
        raise
    return response


def _wait(call: ModelCall, failure: CallFailed, attempt: int) -> float:
    """Return the seconds until the next attempt. Raise the final error when there is none."""
    may_be_repeated = not call.request.is_stateful or _was_not_taken(failure)
    if not failure.temporary or attempt >= call.num_retries or not may_be_repeated:
        raise _final_error(call, failure, attempt + 1) from failure
    asked = failure.retry_after
    wait = back_off(call.request.digest(), attempt) if asked is None else asked
    if wait > LONGEST_RETRY_AFTER:
        raise _final_error(call, failure, attempt + 1) from failure
    if wait >= remaining():
        raise NoTimeToRetry(
            f"the episode's time runs out before model {call.request.model!r} may be asked again "
            f"(in {wait:.1f} s): {failure.text}"
        ) from failure
    return wait


def _was_not_taken(failure: CallFailed) -> bool:
    """Return whether a request surely changed nothing at the endpoint."""
    return not failure.was_sent or failure.status in _NOT_TAKEN


def _final_error(call: ModelCall, failure: CallFailed, attempts: int) -> ModelError:
    error = _error_of(call, failure, attempts)
    error.model = call.request.model
    error.status = failure.status
    return error


def _error_of(call: ModelCall, failure: CallFailed, attempts: int) -> ModelError:
    model = call.request.model
    reason = f"HTTP {failure.status}: {failure.text}" if failure.status else failure.text
    reason = reason.rstrip(". ")
    own_words = call.sender.explain(call.request, failure, attempts)
    if own_words is not None:
        return failure.verdict(own_words)
    if failure.verdict is ContextWindowExceeded:
        return ContextWindowExceeded(
            f"the conversation no longer fits the context window of model {model!r}: {reason}"
        )
    if failure.verdict is not ModelUnavailable:
        return failure.verdict(
            f"model {model!r} refused the request: {reason}. {_advice(failure.status)}"
        )
    times = "once" if attempts == 1 else f"{attempts} times"
    return ModelUnavailable(
        f"model {model!r} was asked {times} and did not answer; last: {reason}. "
        "Check that the endpoint is up, lower the concurrency, or raise num_retries"
    )


def _advice(status: int | None) -> str:
    match status:
        case 401 | 403:
            return "Check the API key and what it may use"
        case 404 | 405:
            return "Check the model's name and api_base"
    return "Asking again would not help: check the model's name and its arguments"


def back_off(digest: str, attempt: int) -> float:
    """Return the seconds to wait after failed attempt number `attempt` (from 0).

    Exponential with full jitter. The jitter is derived from `digest`, which names the request, so
    that the same call always waits the same time, and calls that failed together spread out.
    """
    power = DEFAULT_RETRY_MULTIPLIER * 2.0 ** min(attempt, _HIGHEST_POWER)
    ceiling = min(DEFAULT_RETRY_MAX_WAIT, DEFAULT_RETRY_MIN_WAIT * power)
    rng = random.Random(derive_seed(attempt, "back-off", digest))  # noqa: S311  -- spreads load
    return rng.uniform(0, ceiling)
