"""Programs that are agents: what their backends have in common, and what is said when one fails."""

from __future__ import annotations

import os
from collections.abc import Sequence
from urllib.parse import urlsplit

from tau2.errors import ConfigError, ContextWindowExceeded, ModelUnavailable
from tau2.llm.failure import CallFailed
from tau2.llm.transport.endpoint import Service
from tau2.utils.json_types import JsonMapping

KEY_VARIABLE = "TAU2_AGENT_KEY"
"""Holds the key of the program; it is sent as Bearer."""
NOT_HERE = frozenset({404, 405, 501})
"""Statuses of an address at which there is nothing to ask."""

SERVICE = Service(prefixes=(), url="", path="", address_variables=(), key_variable=KEY_VARIABLE)

_LONGEST_QUOTE = 400  # characters of what a program says of its failure
FAILED = "it failed: "
"""How a failure begins that the program itself reports."""
_NO_PROTOCOL = "the answer is not"
"""How a failure begins whose cause is that an answer is not in the form of the protocol."""


def base_of(model: str, args: JsonMapping) -> str:
    """Return the address of a program. Raise ConfigError where none is known."""
    base = args.get("api_base")
    if not base:
        raise ConfigError(
            f"the agent {model!r} is a program, and its address is not known: give --agent-url "
            "(agent_url)"
        )
    return str(base).strip()


def explained(
    base: str, protocol: str, tried: Sequence[str], failure: CallFailed, attempts: int
) -> str | None:
    """Return in a sentence why a program did not answer, and what to do; None for no own words.

    Args:
        base: Its address.
        protocol: How it was spoken to.
        tried: The addresses at which something was looked for.
        failure: What ended the attempts.
        attempts: How many there were.
    """
    if failure.verdict is ContextWindowExceeded:
        return None
    who = f"the agent at {shown(base)}"
    said = _in_a_line(failure.text)
    status = f"HTTP {failure.status}: {said}"
    again = f" {attempts} times" if attempts > 1 else ""
    check = "check --agent-url and --agent-protocol"
    match failure.status:
        case None if not failure.was_sent:
            return f"{who} cannot be reached ({said}); start the program, or correct --agent-url"
        case None if said.startswith(_NO_PROTOCOL):
            return f"{who} does not speak the protocol {protocol!r}: {said}; {check}"
        case None:
            did = "failed" if said.startswith(FAILED) else "did not answer"
            return f"{who} was asked{again} and {did}: {said.removeprefix(FAILED)}"
        case 401 | 403:
            key = "the key in" if os.environ.get(KEY_VARIABLE) else "a request without a key; set"
            return f"{who} refuses {key} {KEY_VARIABLE} ({status})"
        case missing if missing in NOT_HERE:
            paths = ", ".join(urlsplit(url).path for url in tried)
            return f"{who} does not speak the protocol {protocol!r} at {paths} ({status}); {check}"
        case _ if failure.verdict is ModelUnavailable:
            return f"{who} was asked{again} and failed ({status})"
        case _:
            return f"{who} refuses the request ({status})"


def _in_a_line(text: str) -> str:
    """Return what a server said, as part of a sentence: a web page says nothing."""
    line = " ".join(text.split()).rstrip(". ")
    if line.lower().startswith(("<!doctype", "<html")):
        return "a web page"
    return line if len(line) <= _LONGEST_QUOTE else f"{line[:_LONGEST_QUOTE]}…"


def shown(base: str) -> str:
    """Return an address without what may be secret in it: user, password and parameters."""
    parts = urlsplit(base.strip())
    location = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=location, query="", fragment="").geturl()
