"""A shell over documents that reads no file of the host and has no network.

Commands are interpreted in memory by bashkit, in a process of its own that holds the documents as
files. One that makes the interpreter crash or takes too long ends that process, and the next
command starts another. What a session has written is kept here, so that it can be forked and
pickled without the process.
"""

from __future__ import annotations

import atexit
import importlib.util
import json
import os
import re
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cache
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from tau2.errors import MissingExtra, ToolError, install_hint
from tau2.knowledge.documents import DocumentSet
from tau2.utils.text import shortened

_SECONDS = 5.0  # of one command; bashkit ends it then
_GRACE = 2.0  # seconds after which the process is ended, should bashkit not do so
_SECONDS_TO_START: Final = 30.0  # import and load the documents, on a busy machine
_MOST_WORKERS: Final = 4
_LONGEST_COMMAND: Final = 20_000  # characters
_LONGEST_OUTPUT: Final = 100_000  # characters that the agent reads
_TIMED_OUT: Final = 124
_CRASHED: Final = 139
_UNSAFE: Final = re.compile(r"[^\w.()-]")
_SEARCHES: Final = re.compile(r"\b(?:e|f|z)?grep\b|\brg\b")

Changes = Mapping[str, list[Any]]
"""What a session has changed, as `shell_worker` describes it."""
_NONE: Final[Changes] = MappingProxyType({})


class Ran(NamedTuple):
    """What a command printed."""

    out: str
    err: str
    code: int


class Shell:
    """Runs commands over a document set; each begins in the folder of the documents.

    Only files outlive a command, and only in a shell that may write.
    """

    def __init__(
        self,
        documents: DocumentSet,
        *,
        writable: bool = False,
        now: datetime | None = None,
    ) -> None:
        """Keep what commands need; nothing is started before the first of them.

        Args:
            documents: They become files, with an `INDEX.md`.
            writable: Commands may create, change and remove files.
            now: What `date` says; the time of this machine by default.

        Raises:
            MissingExtra: bashkit is not installed.
        """
        _require_bashkit()
        self._documents = documents
        self._writable = writable
        self._now = now
        self._changes = _NONE

    def run(self, command: str) -> str:
        """Return what a command printed, as the agent reads it.

        Raises:
            ToolError: the command is too long.
        """
        if len(command) > _LONGEST_COMMAND:
            raise ToolError(
                f"the command has {len(command):,} characters; "
                f"at most {_LONGEST_COMMAND:,} are allowed"
            )
        return _shown(command, self._ran(command))

    def _ran(self, command: str) -> Ran:
        request = {
            "command": command.encode("utf-8", "replace").decode().replace("\0", ""),
            "seconds": _SECONDS,
            "most": _LONGEST_OUTPUT + 1,  # so that it shows that there is more
            "now": self._now and f"{self._now:%Y-%m-%d %H:%M:%S}",
            "changes": dict(self._changes) if self._writable else None,
        }
        try:
            with _WORKERS.one() as worker:
                answer = worker.run(self._documents, request)
        except _WorkerEnded as ended:
            if ended.late:
                return Ran("", "", _TIMED_OUT)
            return Ran("", "the shell crashed; nothing that the command wrote is kept", _CRASHED)
        if self._writable and answer["changes"] is None:
            return Ran(answer["out"], "no space left: nothing that the command wrote is kept", 1)
        if self._writable:
            self._changes = MappingProxyType(answer["changes"])
        if answer["timed_out"]:
            return Ran(answer["out"], "", _TIMED_OUT)
        return Ran(answer["out"], answer["err"], answer["code"])

    def fork(self) -> Shell:
        """Return a shell in the same state."""
        copy = Shell.__new__(Shell)
        copy.__dict__.update(self.__dict__)
        return copy

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_changes": dict(self._changes)}  # a proxy does not pickle


def file_names(documents: DocumentSet) -> dict[str, str]:
    """Return document id → name of its file: the id, with `_` for what a path should not hold.

    Ids that would have one name get a number.
    """
    names: dict[str, str] = {}
    taken: set[str] = {"index"}
    for document in documents:
        stem = _UNSAFE.sub("_", document.id).lstrip(".-") or "_"
        name = stem
        number = 2
        while name.casefold() in taken:
            name = f"{stem}_{number}"
            number += 1
        taken.add(name.casefold())
        names[document.id] = f"{name}.md"
    return names


def as_files(documents: DocumentSet) -> dict[str, str]:
    """Return the documents as files, name → content, with an `INDEX.md` that lists them."""
    names = file_names(documents)
    files = {names[doc.id]: f"# {doc.title}\n\n{doc.content}\n" for doc in documents}
    count = "1 document" if len(documents) == 1 else f"{len(documents)} documents"
    lines = [f"- {names[doc.id]}: {doc.title}" for doc in documents]
    files["INDEX.md"] = "\n".join([f"# Index: {count}", "", *lines, ""])
    return files


def _shown(command: str, ran: Ran) -> str:
    out = shortened(ran.out.rstrip("\n"), _LONGEST_OUTPUT)
    err = shortened(ran.err.strip(), _LONGEST_OUTPUT)
    if ran.code == 0:
        return "\n".join(filter(None, (out, err))) or "(no output)"
    if ran.code == 1 and not out and not err and _SEARCHES.search(command):
        return "(no matches)"
    if ran.code == _TIMED_OUT and not err:
        err = f"the command took longer than {_SECONDS:.0f} seconds and was ended"
    return "\n".join(filter(None, (out, f"Exit code: {ran.code}", err)))


@cache
def _is_installed() -> bool:
    return importlib.util.find_spec("bashkit") is not None


def _require_bashkit() -> None:
    if not _is_installed():
        raise MissingExtra(f"bashkit is not installed; {install_hint('knowledge')}")


class _WorkerEnded(Exception):
    """The process of a command ended before it answered."""

    def __init__(self, *, late: bool) -> None:
        super().__init__(late)
        self.late = late


class _Worker:
    """A process that runs commands, one after another."""

    def __init__(self) -> None:
        # No variable of this process reaches the commands; modules are found as here.
        variables = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        if "SYSTEMROOT" in os.environ:  # without it, Python does not start on Windows
            variables["SYSTEMROOT"] = os.environ["SYSTEMROOT"]
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "tau2.knowledge.shell_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=variables,
        )
        self._loaded: set[str] = set()

    def run(self, documents: DocumentSet, request: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to a request. Raise _WorkerEnded when there is none."""
        key = documents.digest
        if key not in self._loaded:
            self._answer({"load": key, "files": as_files(documents)}, _SECONDS_TO_START)
            self._loaded.add(key)
        return self._answer({"run": key, **request}, _SECONDS + _GRACE)

    def _answer(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        late = threading.Event()

        def end() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(seconds, end)
        timer.daemon = True
        timer.start()
        try:
            return self._exchanged(request)
        except (OSError, EOFError, struct.error) as error:
            raise _WorkerEnded(late=late.is_set()) from error
        finally:
            timer.cancel()
            timer.join()

    def _exchanged(self, request: dict[str, Any]) -> dict[str, Any]:
        requests = self._process.stdin
        answers = self._process.stdout
        assert requests is not None
        assert answers is not None
        content = json.dumps(request).encode("ascii")
        requests.write(struct.pack(">I", len(content)) + content)
        requests.flush()
        (size,) = struct.unpack(">I", answers.read(4))
        content = answers.read(size)
        if len(content) < size:
            raise EOFError
        answer: dict[str, Any] = json.loads(content)
        return answer

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        self._close_pipes()

    def disown(self) -> None:
        """Let go of a process that belongs to the process of which this one is a fork."""
        self._process.returncode = 0  # else it would be reported as still running
        self._close_pipes()

    def _close_pipes(self) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(OSError):  # what was not written yet, to a process that is gone
                    stream.close()


class _Workers:
    """The processes of this process: threads wait for one another when all are busy."""

    def __init__(self) -> None:
        self._slots = threading.BoundedSemaphore(_MOST_WORKERS)
        self._idle: list[_Worker] = []

    @contextmanager
    def one(self) -> Iterator[_Worker]:
        """Lend a process; one that a block leaves by an exception is ended."""
        with self._slots:
            try:
                worker = self._idle.pop()
            except IndexError:
                worker = _Worker()
            try:
                yield worker
            except BaseException:
                worker.close()
                raise
            self._idle.append(worker)

    def close(self) -> None:
        """End all idle processes."""
        while self._idle:
            self._idle.pop().close()

    def disown(self) -> None:
        """Let go of all idle processes."""
        while self._idle:
            self._idle.pop().disown()


_WORKERS = _Workers()


@atexit.register
def _end_workers() -> None:
    _WORKERS.close()


def _forget_workers() -> None:
    # A fork of this process would talk to the same processes; they belong to the parent.
    global _WORKERS  # noqa: PLW0603  -- one pool per process
    _WORKERS.disown()
    _WORKERS = _Workers()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_workers)
