"""Failures of model calls: what happened, and whether asking again can help."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from tau2.errors import (
    ContextWindowExceeded,
    DeadlineExceeded,
    ModelError,
    ModelRefused,
    ModelUnavailable,
)
from tau2.llm.clock import clock
from tau2.llm.context_window import is_context_overflow
from tau2.llm.secrets import redact
from tau2.utils.json_types import JsonValue

_LONGEST_TEXT = 1000  # characters of a provider's message that an error quotes
_RETRYABLE = frozenset({408, 429})  # besides every 5xx: a time-out and a rate limit pass
_FIRST_SERVER_ERROR = 500
_ERROR_STATUSES = range(400, 600)
TOO_MANY_REQUESTS = 429
_HOPELESS_CODES = frozenset(
    {"insufficient_quota", "billing_hard_limit_reached", "account_deactivated"}
)
_STATUS_OF_WORD = {
    **dict.fromkeys(("rate_limit", "rate_limit_error", "rate_limit_exceeded"), 429),
    **dict.fromkeys(("too_many_requests", "resource_exhausted", "throttling"), 429),
    **dict.fromkeys(("throttlingexception",), 429),
    **dict.fromkeys(("authentication_error", "unauthenticated", "invalid_api_key"), 401),
    **dict.fromkeys(("unauthorized",), 401),
    **dict.fromkeys(("insufficient_quota", "billing_error", "payment_required"), 402),
    **dict.fromkeys(("permission_error", "permission_denied", "forbidden"), 403),
    **dict.fromkeys(("not_found", "not_found_error", "model_not_found"), 404),
    **dict.fromkeys(("timeout", "timeout_error", "deadline_exceeded"), 504),
    **dict.fromkeys(("unavailable", "service_unavailable", "overloaded", "overloaded_error"), 503),
    **dict.fromkeys(("invalid_request_error", "invalid_argument", "bad_request"), 400),
    **dict.fromkeys(("validationexception", "invalid_request", "badrequesterror"), 400),
}
"""Statuses of the codes and types with which providers name an error, in lower case."""
_CONNECTION_CLASSES = frozenset({"APIConnectionError", "APITimeoutError", "Timeout"})
_CONTEXT_CLASSES = frozenset({"ContextWindowExceededError"})


class CallFailed(Exception):
    """An attempt failed. Never leaves this package: `attempts` turns it into a ModelError."""

    def __init__(
        self,
        text: str,
        *,
        status: int | None = None,
        temporary: bool = False,
        retry_after: float | None = None,
        parameter: str | None = None,
        verdict: type[ModelError] = ModelRefused,
        was_sent: bool = True,
    ) -> None:
        super().__init__(text)
        self.text = text
        self.status = status
        self.temporary = temporary
        """Whether the same request may succeed later."""
        self.retry_after = retry_after
        """Seconds that the provider asks to wait."""
        self.parameter = parameter
        """The request parameter that the provider names as the cause."""
        self.verdict = ModelUnavailable if temporary else verdict
        """The error that the caller gets when the request is not sent again."""
        self.was_sent = was_sent
        """Whether the request may have left: a model that got it may have worked, and be paid."""

    def copy(self) -> CallFailed:
        """Return an equal failure that was never raised."""
        return CallFailed(
            self.text,
            status=self.status,
            temporary=self.temporary,
            retry_after=self.retry_after,
            parameter=self.parameter,
            verdict=self.verdict,
            was_sent=self.was_sent,
        )

    def redact(self, secrets: Iterable[str], *, fields: bool = False) -> None:
        """Take the secrets out of the text; with `fields`, also the values of secret fields."""
        self.text = redact(self.text, secrets, fields=fields)
        self.args = (self.text,)


def unreachable(text: str, *, was_sent: bool = True) -> CallFailed:
    """Return the failure of a connection, which may work a moment later."""
    return CallFailed(text, temporary=True, was_sent=was_sent)


def from_status(status: int, body: str, headers: Mapping[str, str], now: float) -> CallFailed:
    """Return the failure that an HTTP response without success stands for.

    Args:
        status: Its status.
        body: Its body, in any form.
        headers: Its headers, with lower-case names.
        now: Wall-clock time, for a Retry-After that is a date.
    """
    return _failure_of(status, _explanation(body), headers, now)


def _failure_of(
    status: int, said: _Explanation, headers: Mapping[str, str], now: float
) -> CallFailed:
    too_long = is_context_overflow(status, said.codes, said.text)
    hopeless = not _HOPELESS_CODES.isdisjoint(said.codes)
    may_pass = status in _RETRYABLE or status >= _FIRST_SERVER_ERROR
    return CallFailed(
        said.text or "no explanation",
        status=status,
        temporary=may_pass and not hopeless and not too_long,
        retry_after=retry_after(headers, now),
        parameter=said.parameter,
        verdict=ContextWindowExceeded if too_long else ModelRefused,
    )


class _Explanation(NamedTuple):
    """What the body of an error says."""

    text: str
    codes: frozenset[str] = frozenset()
    """Its code, type and status, as far as they are text."""
    parameter: str | None = None


def _explanation(body: str) -> _Explanation:
    """Return what an error body of any shape says."""
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return _Explanation(body.strip()[:_LONGEST_TEXT])
    if isinstance(parsed, list) and len(parsed) == 1 and isinstance(parsed[0], dict):
        parsed = parsed[0]  # as Google's servers do
    error = (parsed.get("error") or parsed) if isinstance(parsed, dict) else parsed
    if not isinstance(error, dict):
        return _Explanation(str(error)[:_LONGEST_TEXT])
    text = next(
        (error[key] for key in ("message", "detail", "msg", "error") if error.get(key)),
        body.strip(),
    )
    # A router may add the provider's own words.
    metadata = error.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, Mapping) else None
    inner = error.get("innererror")
    inner_code = inner.get("code") if isinstance(inner, dict) else None
    codes = [error.get("code"), error.get("type"), error.get("status"), inner_code]
    parameter = error.get("param")
    return _Explanation(
        (f"{text} ({raw})" if raw else str(text))[:_LONGEST_TEXT],
        frozenset(code for code in codes if isinstance(code, str)),
        parameter if isinstance(parameter, str) else None,
    )


def from_error_body(error: JsonValue) -> CallFailed:
    """Return the failure that an error sent with status 200 stands for, as some routers send it."""
    said = _explanation(json.dumps({"error": error}, default=str))
    return _failure_of(_status_in(error, said.codes), said, {}, 0.0)


def _status_in(error: JsonValue, codes: Collection[str]) -> int:
    """Return the status that an error object names; without one, what it reports may pass."""
    given = (
        [error.get(key) for key in ("code", "status", "status_code")]
        if isinstance(error, Mapping)
        else []
    )
    for value in given:
        number = int(value) if isinstance(value, str) and value.isdecimal() else value
        if isinstance(number, int) and number in _ERROR_STATUSES:
            return number
    words = [_STATUS_OF_WORD.get(code.lower()) for code in codes]
    return max((word for word in words if word is not None), default=_FIRST_SERVER_ERROR)


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds that the headers (lower-case names) ask to wait, or None."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    if value is None:
        return None
    seconds = _number(value)
    return seconds if seconds is not None else _until(value, now)


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None


def _until(date: str, now: float) -> float | None:
    try:
        return max(0.0, parsedate_to_datetime(date).timestamp() - now)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def from_exception(error: BaseException, now: float) -> CallFailed | None:
    """Return the failure that an exception stands for; None when it is not about the model.

    Args:
        error: What a completion function or a client library raised.
        now: Wall-clock time, for a Retry-After that is a date.
    """
    known = next((e for e in (error, error.__cause__) if isinstance(e, CallFailed)), None)
    if known is not None:
        return known.copy()
    if isinstance(error, DeadlineExceeded):
        return None
    if isinstance(error, ModelError):
        return CallFailed(
            str(error), temporary=isinstance(error, ModelUnavailable), verdict=type(error)
        )
    classes = {cls.__name__ for cls in type(error).__mro__}
    if classes & _CONTEXT_CLASSES:
        return CallFailed(str(error)[:_LONGEST_TEXT], verdict=ContextWindowExceeded)
    status = getattr(error, "status_code", None)
    if isinstance(status, int) and not classes & _CONNECTION_CLASSES:
        return from_status(status, _body_of(error), _headers_of(error), now)
    if classes & _CONNECTION_CLASSES or isinstance(error, ConnectionError | TimeoutError):
        return unreachable(f"{type(error).__name__}: {error}"[:_LONGEST_TEXT])
    return None


@contextmanager
def converted_errors(secrets: Iterable[str], *, every: bool = False) -> Iterator[None]:
    """Turn what foreign code raises into CallFailed, without secrets.

    What is not about the model, such as a bug, stays as it is; with `every` it becomes a refusal.
    """
    try:
        yield
    except Exception as error:
        failure = from_exception(error, clock.get().wall())
        if failure is None and not every:
            raise
        failure = failure or CallFailed(f"{type(error).__name__}: {error}"[:_LONGEST_TEXT])
        failure.redact(secrets)
        raise failure from error


def _body_of(error: BaseException) -> str:
    """Return the provider's error object if the client library kept it, else the error's text."""
    body = getattr(error, "body", None)
    return json.dumps({"error": body}, default=str) if isinstance(body, Mapping) else str(error)


def _headers_of(error: BaseException) -> dict[str, str]:
    headers = getattr(getattr(error, "response", None), "headers", None)
    if not isinstance(headers, Mapping):
        return {}
    return {str(name).lower(): str(value) for name, value in headers.items()}
