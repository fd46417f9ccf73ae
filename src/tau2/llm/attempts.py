"""The body of a model call, without I/O: what to send, when to send it again, and when to give up.

It yields steps (Send, Sleep) and is sent the results; `drivers` performs them, blocking or on an event loop.
"""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass, replace

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
)
from tau2.llm.clock import remaining
from tau2.llm.failure import CallFailed
from tau2.llm.middleware import current_middleware
from tau2.llm.parse import Reading, checked, read
from tau2.llm.request import Flow, Request, Response, Send, Sender, Sleep
from tau2.llm.secrets import Redactor, secrets_in_environment
from tau2.llm.unsupported_params import QUIRKS
from tau2.seeds import derive_seed

logger = logging.getLogger(__name__)

LONGEST_RETRY_AFTER = 600.0  # seconds; an endpoint that asks for more counts as unavailable
_HIGHEST_POWER = 16  # 2**16 s is beyond every cap; a higher power only risks overflow


@dataclass(frozen=True, slots=True)
class Question:
    """A request, who performs it, and how often it may fail."""

    request: Request
    sender: Sender
    num_retries: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model said, and every response that was paid for: the empty ones, then the one that says it."""

    reading: Reading
    responses: list[Response]


def answer(question: Question) -> Flow[Answer]:
    """Return what the model says. Raise a ModelError when it cannot be reached, refuses, or stays silent."""
    taken = _ids_in(question.request)
    responses: list[Response] = []
    for _ in range(1 + DEFAULT_EMPTY_RETRIES):
        responses.append((yield from fetch(question)))
        reading = read(responses[-1], taken)
        if not reading.is_empty:
            return Answer(reading, responses)
    raise EmptyCompletion(
        f"model {question.request.model!r} answered {len(responses)} times with neither text nor a tool call; "
        "if it only thinks, raise max_tokens, otherwise use another model"
    )


def _ids_in(request: Request) -> set[str]:
    calls = [call for message in request.messages for call in message.get("tool_calls") or ()]
    return {str(call.get("id")) for call in calls}


def fetch(question: Question) -> Flow[Response]:
    """Return a response that has the outline of a chat completion. Raise the ModelError that ended the attempts."""
    attempt = 0
    request = _fitted(question)
    while True:
        try:
            return checked((yield from _send(request)))
        except CallFailed as failure:
            failure.text = (
                Redactor(secrets_in_environment()).with_secrets_of(request.args).text(failure.text)
            )
            if QUIRKS.learn(request.model, request.args, failure):
                request = replace(request, args=QUIRKS.fit(request.model, request.args))
                continue
            wait = _wait(question, failure, attempt)
            attempt += 1
            logger.info(
                "model %s, attempt %d: %s; again in %.1f s",
                request.model,
                attempt,
                failure.text,
                wait,
            )
        yield Sleep(wait)


def _fitted(question: Question) -> Request:
    request = question.request
    if question.sender.own_args:
        return request
    return replace(request, args=QUIRKS.fit(request.model, request.args))


def _send(request: Request) -> Flow[Response]:
    middleware = current_middleware.get()
    if middleware is None:
        return (yield from _send_in_time(request))
    return (yield from middleware(request, _send_in_time))


def _send_in_time(request: Request) -> Flow[Response]:
    """Send, with no more time than the episode has left."""
    left = remaining()
    if left <= 0:
        raise DeadlineExceeded(
            f"the episode's time was over before model {request.model!r} could be asked"
        )
    try:
        response: Response = yield Send(replace(request, timeout=min(request.timeout, left)))
    except CallFailed as failure:
        if remaining() <= 0:
            raise DeadlineExceeded(
                f"the episode's time ran out while model {request.model!r} answered"
            ) from failure
        raise
    return response


def _wait(question: Question, failure: CallFailed, attempt: int) -> float:
    """Return the seconds until the next attempt. Raise the final error when there is to be none."""
    if not failure.temporary or attempt >= question.num_retries:
        raise _final(question, failure, attempt + 1) from failure
    asked = failure.retry_after
    wait = back_off(question.request.digest(), attempt) if asked is None else asked
    if wait > LONGEST_RETRY_AFTER:
        raise _final(question, failure, attempt + 1) from failure
    if wait >= remaining():
        raise DeadlineExceeded(
            f"the episode's time runs out before model {question.request.model!r} may be asked again "
            f"(in {wait:.1f} s): {failure.text}"
        ) from failure
    return wait


def _final(question: Question, failure: CallFailed, attempts: int) -> ModelError:
    model = question.request.model
    said = f"HTTP {failure.status}: {failure.text}" if failure.status else failure.text
    said = said.rstrip(". ")
    if failure.verdict is ContextWindowExceeded:
        return ContextWindowExceeded(
            f"the conversation no longer fits the context window of model {model!r}: {said}"
        )
    if failure.verdict is not ModelUnavailable:
        return failure.verdict(
            f"model {model!r} refused the request: {said}. {_advice(failure.status)}"
        )
    times = "once" if attempts == 1 else f"{attempts} times"
    return ModelUnavailable(
        f"model {model!r} was asked {times} and did not answer; last: {said}. "
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
    """Return the seconds to wait after failed attempt number `attempt` (from 0): full jitter, same every time.

    The jitter comes from what is asked, so that calls which failed together do not return together.
    """
    power = DEFAULT_RETRY_MULTIPLIER * 2.0 ** min(attempt, _HIGHEST_POWER)
    ceiling = min(DEFAULT_RETRY_MAX_WAIT, DEFAULT_RETRY_MIN_WAIT * power)
    return random.Random(derive_seed(attempt, "back-off", digest)).uniform(0, ceiling)  # noqa: S311  -- spreads load
