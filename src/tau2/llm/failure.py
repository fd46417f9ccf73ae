"""Failures of model calls: what happened, and whether asking again can help."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime

from tau2.errors import (
    ContextWindowExceeded,
    DeadlineExceeded,
    ModelError,
    ModelRefused,
    ModelUnavailable,
)
from tau2.llm.clock import clock
from tau2.llm.secrets import redact
from tau2.utils.json_types import JsonValue

_LONGEST_TEXT = 1000  # characters of a provider's message that an error quotes
_RETRYABLE = frozenset({408, 429})  # besides every 5xx: a time-out and a rate limit pass
_FIRST_SERVER_ERROR = 500
TOO_MANY_REQUESTS = 429
_HOPELESS_CODES = frozenset(
    {"insufficient_quota", "billing_hard_limit_reached", "account_deactivated"}
)
_CONTEXT_CODES = frozenset({"context_length_exceeded", "exceed_context_size_error"})
_CONTEXT_TEXT = re.compile(
    r"context[ _](?:length|window|size)|max_model_len"
    r"|maximum (?:prompt|input|sequence|model) length"
    r"|(?:prompt|input) is too long|too many (?:input )?tokens|reduce the length of the"
    r"|exceeds max_total_tokens",
    re.IGNORECASE,
)
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

    def redact(self, secrets: Iterable[str]) -> None:
        """Take the secrets out of the text."""
        self.text = redact(self.text, secrets)
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
    text, code, parameter = _error_of(body)
    is_context = _is_context(status, code, text)
    may_pass = status in _RETRYABLE or status >= _FIRST_SERVER_ERROR
    return CallFailed(
        text or "no explanation",
        status=status,
        temporary=may_pass and code not in _HOPELESS_CODES and not is_context,
        retry_after=retry_after(headers, now),
        parameter=parameter,
        verdict=ContextWindowExceeded if is_context else ModelRefused,
    )


def _is_context(status: int | None, code: str | None, text: str) -> bool:
    if code in _CONTEXT_CODES:
        return True
    return status != TOO_MANY_REQUESTS and _CONTEXT_TEXT.search(text) is not None


def _error_of(body: str) -> tuple[str, str | None, str | None]:
    """Return message, code and parameter of an error body of any shape."""
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return body.strip()[:_LONGEST_TEXT], None, None
    error = parsed.get("error", parsed) if isinstance(parsed, dict) else parsed
    if not isinstance(error, dict):
        return str(error)[:_LONGEST_TEXT], None, None
    messages = (error[key] for key in ("message", "detail", "error") if error.get(key))
    message = next(messages, body.strip())
    code = next((error[key] for key in ("code", "type") if isinstance(error.get(key), str)), None)
    parameter = error.get("param")
    return str(message)[:_LONGEST_TEXT], code, parameter if isinstance(parameter, str) else None


def from_error_body(error: JsonValue) -> CallFailed:
    """Return the failure that an error sent with status 200 stands for, as some routers send it."""
    status = error.get("code") if isinstance(error, Mapping) else None
    if not isinstance(status, int) or isinstance(status, bool):
        status = _FIRST_SERVER_ERROR
    return from_status(status, json.dumps({"error": error}, default=str), {}, 0.0)


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
