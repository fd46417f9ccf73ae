"""The tape of a run: every model exchange of every attempt, one checksummed JSON line each, without secrets.

An attempt at a simulation has a file of its own, `tape/<simulation id>.jsonl`, so that workers never share one; one
that is continued, or graded later, goes on in its file with a new beginning. Lines are only ever appended, each with
one write that is not synced: a process that dies loses nothing it wrote, a power cut may tear the end off. A line has
what is new in a request; the messages it has in common with an earlier one are referred to, so a tape grows with the
conversation and not with its square. Reading never raises for content.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import uuid
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tau2.errors import Tau2Error
from tau2.llm.attempt_context import AttemptContext, current_attempt
from tau2.llm.clock import clock
from tau2.llm.failure import CallFailed
from tau2.llm.middleware import NextSend
from tau2.llm.request import Flow, Request, Response
from tau2.llm.secrets import PRIVATE_ARGS, Redactor
from tau2.llm.unsupported_params import refused_parameter
from tau2.storage.files import naming

FORMAT = 1
RECORDING_NAME = "tape"
LONGEST_LINE = 16 * 2**20  # bytes; of a longer exchange only the digest is kept
SOFT_ARGS = frozenset(
    {
        "temperature",
        "top_p",
        "presence_penalty",
        "frequency_penalty",
        "seed",
        "max_tokens",
        "max_completion_tokens",
    }
)
"""Arguments that a model may refuse (see quirks): compared one by one, no part of a digest."""

_HEAD, _AFTER = b'{"crc":"', b'",'
_BODY = len(_HEAD) + 8 + len(_AFTER)
_OPENED = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)


def framed(number: int, entry: Mapping[str, Any]) -> bytes:
    """Return the line of an entry: the checksum is taken over everything behind it."""
    body = b'"seq":%d,"entry":%b}' % (number, json.dumps(entry, default=str).encode())
    return b"%b%08x%b%b\n" % (_HEAD, zlib.crc32(body), _AFTER, body)


def unframed(line: bytes) -> dict[str, Any] | None:
    """Return the entry of a line; None when it is torn or changed."""
    body = line[_BODY:]
    if line[:_BODY] != b"%b%08x%b" % (_HEAD, zlib.crc32(body), _AFTER):
        return None
    try:
        entry = json.loads(line)["entry"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None


def fingerprint(value: Any) -> str:
    """Return a short name of JSON data."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class RedactedRequest:
    """A request as it may be stored, with the fingerprints of its parts."""

    model: str
    messages: list[dict[str, Any]]
    prints: list[str]
    """One per message."""
    tools: list[dict[str, Any]] | None
    tools_print: str
    tool_choice: Any
    args: dict[str, Any]
    call_name: str | None

    @property
    def digest(self) -> str:
        """What is asked, without keys, endpoints and the arguments a model may refuse."""
        hard = {name: value for name, value in self.args.items() if name not in SOFT_ARGS}
        return fingerprint([self.model, self.prints, self.tools_print, self.tool_choice, hard])

    def as_request(self) -> Request:
        """Return it as a request, to look at."""
        return Request(
            self.model,
            self.messages,
            self.tools,
            self.tool_choice,
            self.args,
            call_name=self.call_name,
        )


@dataclass(slots=True)
class _Seen:
    """The last request of one speaker, and what became of its messages."""

    raw: list[dict[str, Any]]
    hidden: list[dict[str, Any]]
    prints: list[str]
    call: int


class RequestRedactor:
    """Hides the requests of one attempt; messages that were hidden before are not looked at again."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._seen: dict[tuple[str | None, str], _Seen] = {}
        self._tools: tuple[Any, Any, str] = (None, None, fingerprint(None))

    def hidden(self, request: Request, call: int) -> tuple[RedactedRequest, int | None, int]:
        """Return a request as it may be stored, and how many messages it shares with which earlier call."""
        redactor = self._redactor.with_secrets_of(request.args)
        before = self._seen.get((request.call_name, request.model))
        kept = _common(before.raw, request.messages) if before is not None else 0
        fresh = [redactor.data(message) for message in request.messages[kept:]]
        messages = [*(before.hidden[:kept] if before else ()), *fresh]
        prints = [*(before.prints[:kept] if before else ()), *map(fingerprint, fresh)]
        self._seen[request.call_name, request.model] = _Seen(
            list(request.messages), messages, prints, call
        )
        tools, tools_print = self._hidden_tools(request.tools, redactor)
        args = {name: value for name, value in request.args.items() if name not in PRIVATE_ARGS}
        args = json.loads(json.dumps(redactor.data(args), default=str))
        choice = redactor.data(request.tool_choice)
        found = RedactedRequest(
            request.model, messages, prints, tools, tools_print, choice, args, request.call_name
        )
        return found, (before.call if before is not None and kept else None), kept

    def forget(self, request: Request) -> None:
        """Refer to nothing of this speaker's requests any more."""
        self._seen.pop((request.call_name, request.model), None)

    def _hidden_tools(self, tools: Any, redactor: Redactor) -> tuple[Any, str]:
        if tools != self._tools[0]:
            hidden = redactor.data(tools)
            self._tools = (tools, hidden, fingerprint(hidden))
        return self._tools[1], self._tools[2]


def _common(mine: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> int:
    """Return how many messages two requests begin with alike."""
    pairs = enumerate(zip(mine, theirs, strict=False))
    return next((at for at, (one, other) in pairs if one != other), min(len(mine), len(theirs)))


@dataclass(slots=True)
class _Track:
    """The file of one attempt while it is written."""

    path: Path
    hiding: RequestRedactor
    lines: int = 0
    calls: int = 0
    tools: dict[str, int] = field(default_factory=dict)
    """Fingerprints of tools, and the call whose line holds them."""
    failing: tuple[str, int] = ("", 0)
    """The request that failed last, and how often in a row."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def attempt(self, digest: str, *, failed: bool) -> int:
        """Return which attempt at a request this is."""
        number = self.failing[1] + 1 if self.failing[0] == digest else 1
        self.failing = (digest, number) if failed else ("", 0)
        return number

    def write(self, entry: Mapping[str, Any], *, on_a_new_line: bool = False) -> bool:
        """Append an entry, unless its line would be too long."""
        line = framed(self.lines + 1, entry)
        if len(line) > LONGEST_LINE:
            return False
        _append(self.path, b"\n" + line if on_a_new_line and _is_torn(self.path) else line)
        self.lines += 1
        return True


class Recorder:
    """Keeps every exchange of a run; `middleware` surrounds model calls.

    Args:
        folder: Where the files of this run's attempts lie.
        redactor: Knows the secrets of the run.
    """

    def __init__(self, folder: Path, redactor: Redactor | None = None) -> None:
        self.folder, self._redactor = folder, redactor or Redactor()
        self._outside = AttemptContext("", 0, None, f"outside-{uuid.uuid4().hex[:12]}")

    def middleware(self, request: Request, send: NextSend) -> Flow[Response]:
        """Send, and write down what came of it."""
        unit = current_attempt.get() or self._outside
        track = unit.state_of(
            self,
            lambda: _Track(
                self.folder / f"{unit.simulation_id}.jsonl", RequestRedactor(self._redactor)
            ),
        )
        began, at = clock.get().now(), datetime.now(UTC).isoformat(timespec="milliseconds")
        with track.lock:
            track.calls += 1
            call = track.calls
        outcome: dict[str, Any] = {"abandoned": True}
        try:
            response = yield from send(request)
            outcome = {"response": response}
            return response
        except CallFailed as failure:
            outcome = {
                "failure": _failure(failure),
                "learnt": refused_parameter(request.args, failure),
            }
            raise
        except Tau2Error as error:
            outcome = {"error": {"type": type(error).__name__, "text": str(error)}}
            raise
        finally:
            seconds = round(clock.get().now() - began, 6)
            self._keep(unit, track, request, {"call": call, "at": at, "seconds": seconds}, outcome)

    def _keep(
        self,
        unit: AttemptContext,
        track: _Track,
        request: Request,
        about: dict[str, Any],
        outcome: dict[str, Any],
    ) -> None:
        with track.lock:
            if not track.lines:
                track.write(_beginning(unit), on_a_new_line=True)
            asked, like, kept = track.hiding.hidden(request, about["call"])
            failed = "failure" in outcome and outcome["learnt"] is None
            head = {
                "kind": "exchange",
                **about,
                "attempt": track.attempt(asked.digest, failed=failed),
            }
            head |= {
                "digest": asked.digest,
                "call_name": asked.call_name,
                "model": asked.model,
                "args": asked.args,
            }
            told = {
                "tool_choice": asked.tool_choice,
                "like": like,
                "kept": kept,
                "messages": asked.messages[kept:],
            }
            known = track.tools.setdefault(asked.tools_print, about["call"])
            tools = {"tools": asked.tools} if known == about["call"] else {"tools_of": known}
            said = self._redactor.with_secrets_of(request.args).data(outcome)
            if not track.write({**head, **told, **tools, **said}):
                track.hiding.forget(request)
                track.tools.clear()
                track.write({**head, "cut": True})


def _beginning(unit: AttemptContext) -> dict[str, Any]:
    return {
        "kind": "begin",
        "format": FORMAT,
        "task_id": unit.task_id,
        "trial": unit.trial,
        "seed": unit.seed,
        "simulation_id": unit.simulation_id,
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }


def _failure(failure: CallFailed) -> dict[str, Any]:
    return {
        "text": failure.text,
        "status": failure.status,
        "temporary": failure.temporary,
        "retry_after": failure.retry_after,
        "parameter": failure.parameter,
        "verdict": failure.verdict.__name__,
    }


def _is_torn(path: Path) -> bool:
    """Return whether a process died while it wrote the last line."""
    try:
        with path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"
    except OSError:  # nothing was written yet
        return False


def _append(path: Path, line: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with naming(path):
        handle = os.open(path, _OPENED, 0o600)
        try:
            rest = memoryview(line)
            while rest:
                rest = rest[os.write(handle, rest) :]
        finally:
            os.close(handle)
