"""What can go wrong with a connection, in the same words for both clients."""

from __future__ import annotations

import errno
import os
import socket
import ssl

from tau2.errors import ModelUnavailable
from tau2.llm.failure import CallFailed, unreachable

NO_ANSWER = "the server closed it without an answer"
CUT_OFF = "the server closed it in the middle of its answer"

_NO_DESCRIPTOR = frozenset({errno.EMFILE, errno.ENFILE})


def timed_out(seconds: float) -> CallFailed:
    """Return the failure of an exchange that was not over after `seconds`."""
    return unreachable(f"no answer within {seconds:.3g} s")


def connection_failed(reason: object) -> CallFailed:
    """Return the failure of a connection; what its text says must be free of credentials."""
    return unreachable(f"the connection failed: {reason}")


def no_connection(error: Exception) -> CallFailed:
    """Return the failure of a connection that could not be made."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            # Asking again does not help, but it says nothing about the agent either.
            return CallFailed(
                f"the server's certificate is not trusted ({cause.verify_message}); "
                "name its authority in ssl_verify or SSL_CERT_FILE",
                verdict=ModelUnavailable,
                was_sent=False,
            )
        if isinstance(cause, OSError) and cause.errno in _NO_DESCRIPTOR:
            return unreachable(
                "no connection could be opened because no file descriptor is left "
                f"({_descriptor_limit()}); raise the limit (ulimit -n) or lower the concurrency",
                was_sent=False,
            )
    return unreachable(f"the connection failed: {_reason(error)}", was_sent=False)


def _causes(error: BaseException) -> list[BaseException]:
    """Return an exception and those it came from, innermost (the operating system's) first."""
    causes = []
    cause: BaseException | None = error
    while cause is not None:
        causes.append(cause)
        cause = cause.__cause__ or cause.__context__
    return causes[::-1]


def _reason(error: Exception) -> str:
    """Return the operating system's words, which are the same whichever client met the problem."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLError | socket.gaierror):
            return str(cause.strerror or cause)
        if isinstance(cause, OSError) and cause.errno is not None:
            return os.strerror(cause.errno)
    return str(error) or type(error).__name__


def _descriptor_limit() -> str:
    try:
        import resource  # noqa: PLC0415  -- Unix only
    except ImportError:
        return "the limit of this process is reached"
    return f"this process may have {resource.getrlimit(resource.RLIMIT_NOFILE)[0]}"
