"""The process in which shell commands run; `tau2.knowledge.shell` starts and ends it.

bashkit interprets commands in memory: it opens no file of the host and has no network. It is code
of another language all the same, and deeply nested input makes it overflow its stack: then this
process dies, and not that of the caller. Its environment holds no variable of the caller's.

Messages are JSON after their length (4 bytes, big-endian). Requests, and what answers them:

- `{"load": key, "files": {name: text}}`: `{}`
- `{"run": key, "command": text, "seconds": number, "now": date or null, "changes": …}`: `_run`.
  `changes` is what the session has written so far, or null where it may not write.
"""

from __future__ import annotations

import base64
import json
import shlex
import signal
import struct
import sys
from collections import OrderedDict
from typing import Any, BinaryIO

from tau2.errors import needs_extra

with needs_extra("knowledge", "bashkit"):
    import bashkit

_LENGTH = struct.Struct(">I")
FOLDER = "/knowledge"
"""The working directory of every command."""
_DATE = "2025-01-01"  # when all documents were written, as `ls -l` shows it
_MOST_COMMANDS = 20_000  # of one request; loops and recursion end there
_MOST_MEMORY = 1 << 30  # bytes of this process
_MOST_WRITTEN = 1_000_000  # bytes that all written files of a session may have
_MOST_FOLDERS = 4  # sessions with written files whose folder is kept between two commands
_DATE_FUNCTION = (
    'date() {{ case " $*" in *" -d"*|*" --date"*) command date "$@";; '
    '*) command date -d {now} "$@";; esac; }}; '
)
_FOLDERS_OF_A_NEW_FILE_SYSTEM = ("dev", "home", "tmp")

Changes = dict[str, Any]
"""What a session has changed: path → content in base64; None for a folder; False: removed."""


class Folder:
    """The documents as files, and the folders of sessions that have changed some."""

    def __init__(self, files: dict[str, str]) -> None:
        """Write the documents."""
        self._original = {
            f"/{name}": text.encode("utf-8", "replace") for name, text in files.items()
        }
        self.shared = self._filled({})
        self._changed: OrderedDict[str, bashkit.FileSystem] = OrderedDict()

    def of(self, changes: Changes) -> bashkit.FileSystem:
        """Return a folder of one's own, with these changes. Give it back with `keep`."""
        kept = self._changed.pop(_key(changes), None)
        return kept if kept is not None else self._filled(changes)

    def keep(self, folder: bashkit.FileSystem, changes: Changes) -> None:
        """Keep a folder for the next command of a session with these changes."""
        self._changed[_key(changes)] = folder
        if len(self._changed) > _MOST_FOLDERS:
            self._changed.popitem(last=False)

    def changes(self, folder: bashkit.FileSystem) -> Changes:
        """Return what is different from the documents in a folder."""
        found: Changes = {}
        there: set[str] = set()
        _walk(folder, "/", self._original, found, there)
        found.update(dict.fromkeys(self._original.keys() - there - found.keys(), False))
        return dict(sorted(found.items()))

    def _filled(self, changes: Changes) -> bashkit.FileSystem:
        folder = bashkit.FileSystem()
        for name in _FOLDERS_OF_A_NEW_FILE_SYSTEM:
            folder.remove(f"/{name}", recursive=True)
        for path, content in self._original.items():
            folder.write_file(path, content)
        dated = bashkit.Bash(cwd=FOLDER)
        dated.mount(FOLDER, folder)
        dated.execute_sync(f"touch -d {_DATE} . *")
        for path, change in changes.items():
            if path in self._original:
                folder.remove(path)
            if change is None:
                folder.mkdir(path)
            elif change is not False:
                folder.write_file(path, base64.b64decode(change))
        return folder


def _walk(
    folder: bashkit.FileSystem,
    at: str,
    original: dict[str, bytes],
    found: Changes,
    there: set[str],
) -> None:
    for entry in folder.read_dir(at):
        path = f"{at.rstrip('/')}/{entry['name']}"
        kind = entry["metadata"]["file_type"]
        if kind == "directory":
            found[path] = None
            _walk(folder, path, original, found, there)
        elif kind == "file":
            there.add(path)
            content = folder.read_file(path)
            if original.get(path) != content:
                found[path] = base64.b64encode(content).decode("ascii")


def _key(changes: Changes) -> str:
    return json.dumps(changes, sort_keys=True)


def _size(changes: Changes) -> int:
    return sum(len(path) + len(change or "") for path, change in changes.items())


def _run(folder: Folder, request: dict[str, Any]) -> dict[str, Any]:
    """Run a command in a new shell and return what it printed, and the changes if it may write."""
    changes: Changes | None = request.get("changes")
    mounted = folder.shared if changes is None else folder.of(changes)
    shell = bashkit.Bash(
        cwd=FOLDER,
        env={"RANDOM": "1"},
        timeout_seconds=request["seconds"],
        max_commands=_MOST_COMMANDS,
        readonly_filesystem=changes is None,
    )
    shell.mount(FOLDER, mounted, read_only=changes is None)
    ran = shell.execute_sync(_script(request))
    answer = {
        "out": ran.stdout,
        "err": ran.stderr or ran.error or "",
        "code": ran.exit_code,
        "timed_out": "execution timeout" in (ran.error or ""),
    }
    if changes is not None:
        made = folder.changes(mounted)
        if _size(made) > _MOST_WRITTEN:
            return {**answer, "changes": changes, "full": True}
        folder.keep(mounted, made)
        answer["changes"] = made
    return answer


def _script(request: dict[str, Any]) -> str:
    """Return the command, after functions that keep the clock of this machine out of it."""
    command: str = request["command"]
    functions = ""
    if "sleep" in command:
        functions += "sleep() { :; }; "
    if "date" in command and request["now"] is not None:
        functions += _DATE_FUNCTION.format(now=shlex.quote(request["now"]))
    return functions + command


def main() -> None:
    """Answer requests until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the caller decides when it ends
    _limit_memory()
    folders: dict[str, Folder] = {}
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    while (request := _read(requests)) is not None:
        if "load" in request:
            folders[request["load"]] = Folder(request["files"])
            answer: dict[str, Any] = {}
        else:
            answer = _run(folders[request["run"]], request)
        content = json.dumps(answer).encode("ascii")
        answers.write(_LENGTH.pack(len(content)) + content)
        answers.flush()


def _limit_memory() -> None:
    try:
        import resource  # noqa: PLC0415  -- not on Windows
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _read(stream: BinaryIO) -> dict[str, Any] | None:
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    content: dict[str, Any] = json.loads(stream.read(*_LENGTH.unpack(head)))
    return content


if __name__ == "__main__":
    main()
