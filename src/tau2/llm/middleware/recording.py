"""Recording: every model exchange of every attempt, a checksummed JSON line each, without secrets.

An attempt at a simulation has a file of its own, `tape/<simulation id>.jsonl`, so that workers
never share one. An attempt that is resumed, or graded later, continues its file with a new `begin`
line. Lines are only ever appended, each with one write that is not synced: a process that dies
loses nothing it wrote, a power cut may tear off the end. A line holds what is new in a request and
refers to an earlier line for the messages it has in common with it, so that a recording grows with
the conversation and not with its square. `recorded_calls` reads the files.
"""

from __future__ import annotations

import json
import os
import threading
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tau2.errors import Tau2Error
from tau2.llm.attempt_context import AttemptContext, current_attempt
from tau2.llm.clock import clock
from tau2.llm.failure import CallFailed
from tau2.llm.middleware import NextSend
from tau2.llm.middleware.redacted_request import RequestRedactor
from tau2.llm.request import Flow, Request, Response
from tau2.llm.returned_fields import LEARNT_OF_MESSAGES, is_about_messages
from tau2.llm.secrets import Redactor
from tau2.llm.unsupported_params import refused_parameter
from tau2.storage.files import make_within, naming
from tau2.storage.framed import framed, unframed
from tau2.utils.json_types import JsonMapping, JsonObject

FORMAT = 1
RECORDING_NAME = "tape"
"""The folder of a run's recordings.

Named when the format was made, and kept so that old ones are found.
"""

LONGEST_LINE = 16 * 2**20  # bytes; of a longer exchange only the digest is kept
_OPENED = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)


def encode_entry(number: int, entry: JsonMapping) -> bytes:
    """Return the framed line of an entry."""
    return framed(b'{"seq":%d,"entry":%b}' % (number, json.dumps(entry, default=str).encode()))


def decode_entry(line: bytes) -> JsonObject | None:
    """Return the entry of a line without its end; None if the line is torn or changed."""
    content = unframed(line)
    if content is None:
        return None
    try:
        entry = json.loads(content)["entry"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None


@dataclass(slots=True)
class _AttemptFile:
    """The file of one attempt while it is written."""

    path: Path
    requests: RequestRedactor
    lines: int = 0
    calls: int = 0
    tools: dict[str, int] = field(default_factory=dict)
    """Fingerprints of tools, and the call whose line holds them."""
    last_failed: str = ""
    """The digest of the request that failed last."""
    failures: int = 0
    """How often in a row it failed."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count_attempt(self, digest: str, *, failed: bool) -> int:
        """Return the number of this attempt at a request, from 1."""
        number = self.failures + 1 if self.last_failed == digest else 1
        self.last_failed = digest if failed else ""
        self.failures = number if failed else 0
        return number

    def write(self, entry: JsonMapping, *, on_a_new_line: bool = False) -> bool:
        """Append an entry; return whether its line is short enough, and so was written."""
        try:
            line = encode_entry(self.lines + 1, entry)
        except (ValueError, TypeError, RecursionError):  # it holds what JSON has no form for
            return False
        if len(line) > LONGEST_LINE or decode_entry(line[:-1]) is None:
            return False
        _append(self.path, b"\n" + line if on_a_new_line and _is_torn(self.path) else line)
        self.lines += 1
        return True


class Recorder:
    """Records every exchange of a run.

    Args:
        folder: Where the files of the run's attempts lie; made if the folder of the run is there.
        redactor: Knows the secrets of the run.
    """

    def __init__(self, folder: Path, redactor: Redactor | None = None) -> None:
        self.folder = folder
        self._redactor = redactor or Redactor()
        self._outside = AttemptContext("", 0, None, f"outside-{uuid.uuid4().hex[:12]}")

    def middleware(self, request: Request, send: NextSend) -> Flow[Response]:
        """Send, and write down what came of it."""
        attempt = current_attempt.get() or self._outside
        path = self.folder / f"{attempt.simulation_id}.jsonl"
        file = attempt.state_of(self, lambda: _AttemptFile(path, RequestRedactor(self._redactor)))
        began = clock.get().now()
        at = _now()
        with file.lock:
            file.calls += 1
            call = file.calls
        outcome: JsonObject = {"abandoned": True}
        try:
            response = yield from send(request)
            outcome = {"response": response}
            return response
        except CallFailed as failure:
            outcome = {"failure": _failure(failure), "learnt": _learnt(request, failure)}
            raise
        except Tau2Error as error:
            outcome = {"error": {"type": type(error).__name__, "text": str(error)}}
            raise
        finally:
            # Also when the call is cancelled or its flow is closed: the entry is then "abandoned".
            seconds = round(clock.get().now() - began, 6)
            about = {"call": call, "at": at, "seconds": seconds}
            with file.lock:
                if not file.lines:
                    file.write(_beginning(attempt), on_a_new_line=True)
                self._write(file, request, about, outcome)

    def _write(
        self, file: _AttemptFile, request: Request, about: JsonObject, outcome: JsonObject
    ) -> None:
        call = about["call"]
        redacted, like, kept = file.requests.redact(request, call)
        failed = "failure" in outcome and outcome["learnt"] is None
        head = {
            "kind": "exchange",
            **about,
            "attempt": file.count_attempt(redacted.digest, failed=failed),
            "digest": redacted.digest,
            "call_name": request.call_name,
            "model": request.model,
            "args": redacted.request.args,
        }
        entry = {
            **head,
            "tool_choice": redacted.request.tool_choice,
            "like": like,
            "kept": kept,
            "messages": redacted.request.messages[kept:],
        }
        tools_in = file.tools.setdefault(redacted.tools_print, call)
        if tools_in == call:
            entry["tools"] = redacted.request.tools
        else:
            entry["tools_of"] = tools_in
        entry |= self._redactor.with_secrets_of(request.args).data(outcome)
        if not file.write(entry):
            # Later lines may not refer to a line that was not written.
            file.requests.forget(request)
            file.tools.clear()
            file.write({**head, "cut": True})


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _beginning(attempt: AttemptContext) -> JsonObject:
    return {
        "kind": "begin",
        "format": FORMAT,
        "task_id": attempt.task_id,
        "trial": attempt.trial,
        "seed": attempt.seed,
        "simulation_id": attempt.simulation_id,
        "at": _now(),
    }


def _learnt(request: Request, failure: CallFailed) -> str | None:
    """Return what the request is sent again without, or with; None when it is not."""
    name = refused_parameter(request.args, failure)
    if name is None and is_about_messages(request.messages, failure):
        return LEARNT_OF_MESSAGES
    return name


def _failure(failure: CallFailed) -> JsonObject:
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
    make_within(path.parent.parent, path.parent)
    with naming(path):
        handle = os.open(path, _OPENED, 0o600)
        try:
            rest = memoryview(line)
            while rest:
                rest = rest[os.write(handle, rest) :]
        finally:
            os.close(handle)
