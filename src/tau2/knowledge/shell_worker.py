"""The process in which shell commands run; `tau2.knowledge.shell` starts and ends it.

bashkit interprets commands in memory: it opens no file of the host and has no network. It is code
of another language all the same, and deeply nested input makes it overflow its stack: then this
process dies, and not that of the caller. Its environment holds no variable of the caller's.

Messages are JSON after their length (4 bytes, big-endian). Requests, and what answers them:

- `{"load": key, "files": {name: text}}`: `{}`
- `{"run": key, "command": text, "seconds": number, "most": characters, "now": date or null,
  "changes": …}`: what `run` returns.
  `changes` is what the session has changed so far, or null where it may not write. It is null in
  the answer when there is too much of it.
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
_MOST_CHANGES = 2_000  # paths
_MODE = 0o644  # of the documents
_MOST_FOLDERS = 4  # sessions with written files whose folder is kept between two commands
_DATE_FUNCTION = (
    'date() {{ case " $*" in *" -d"*|*" --date"*) command date "$@";; '
    '*) command date -d {now} "$@";; esac; }}; '
)
_FOLDERS_OF_A_NEW_FILE_SYSTEM = ("dev", "home", "tmp")

Change = list[Any]
"""What has become of a path: `["file", mode, content in base64]`, `["folder", mode, ""]`,
`["link", 0, target]` or `["gone", 0, ""]`."""
Changes = dict[str, Change]
"""What a session has changed, by path; a folder comes before what is in it."""


class Folder:
    """The documents as files, and the folders of sessions that have changed some."""

    def __init__(self, files: dict[str, str]) -> None:
        """Write the documents."""
        self._original = {
            f"/{name}": text.encode("utf-8", "replace") for name, text in files.items()
        }
        self.shared = self._filled({})
        self._modified = self.shared.stat("/")["modified"]
        self._changed: OrderedDict[str, bashkit.FileSystem] = OrderedDict()

    def of(self, changes: Changes) -> bashkit.FileSystem:
        """Return a folder of one's own, with these changes."""
        kept = self._changed.pop(_key(changes), None)
        return kept if kept is not None else self._filled(changes)

    def keep(self, folder: bashkit.FileSystem) -> Changes | None:
        """Keep a folder for the next command of its session, and return what is changed in it.

        None: it has become too large, and is not kept.
        """
        walk = _Walk(folder, self._original, self._modified)
        changes = walk.changes
        if walk.size > _MOST_WRITTEN or len(changes) > _MOST_CHANGES:
            return None
        _set_dates(folder, walk.dated_otherwise)
        self._changed[_key(changes)] = folder
        if len(self._changed) > _MOST_FOLDERS:
            self._changed.popitem(last=False)
        return changes

    def _filled(self, changes: Changes) -> bashkit.FileSystem:
        folder = bashkit.FileSystem()
        for name in _FOLDERS_OF_A_NEW_FILE_SYSTEM:
            folder.remove(f"/{name}", recursive=True)
        for path, content in self._original.items():
            if path not in changes:
                folder.write_file(path, content)
        for path, (kind, mode, content) in changes.items():
            if kind == "folder":
                folder.mkdir(path)
            elif kind == "link":
                folder.symlink(content, path)
            elif kind == "file":
                folder.write_file(path, base64.b64decode(content))
            if mode:
                folder.chmod(path, mode)
        dated = [path for path, change in changes.items() if change[0] in {"file", "folder"}]
        _set_dates(folder, ["/", *(self._original.keys() - changes.keys()), *dated])
        return folder


class _Walk:
    """What is different from the documents in a folder."""

    def __init__(
        self, folder: bashkit.FileSystem, original: dict[str, bytes], modified: float
    ) -> None:
        self._folder = folder
        self._original = original
        self._modified = modified
        self._found: Changes = {}
        self._same: set[str] = set()
        self.dated_otherwise: list[str] = []
        self._into("/")
        gone = original.keys() - self._found.keys() - self._same
        self._found.update({path: ["gone", 0, ""] for path in gone})
        self.changes: Changes = dict(sorted(self._found.items()))
        self.size = sum(len(path) + len(change[2]) for path, change in self.changes.items())

    def _into(self, at: str) -> None:
        for entry in self._folder.read_dir(at):
            path = f"{at.rstrip('/')}/{entry['name']}"
            facts = entry["metadata"]
            if facts["modified"] != self._modified and facts["file_type"] != "symlink":
                self.dated_otherwise.append(path)
            if facts["file_type"] == "directory":
                self._found[path] = ["folder", facts["mode"], ""]
                self._into(path)
            elif facts["file_type"] == "symlink":
                self._found[path] = ["link", 0, self._folder.read_link(path)]
            elif facts["file_type"] == "file":
                self._note_file(path, facts["mode"])
            else:  # a pipe: nothing is in it when no command runs
                self._folder.remove(path)

    def _note_file(self, path: str, mode: int) -> None:
        content = self._folder.read_file(path)
        if mode == _MODE and self._original.get(path) == content:
            self._same.add(path)
        else:
            self._found[path] = ["file", mode, base64.b64encode(content).decode("ascii")]


def _set_dates(folder: bashkit.FileSystem, paths: list[str]) -> None:
    """Make files as old as the documents: listings depend on no clock."""
    if not paths:
        return
    shell = bashkit.Bash(cwd=FOLDER)
    shell.mount(FOLDER, folder)
    shell.execute_sync(f"touch -d {_DATE} {shlex.join(FOLDER + path for path in paths)}")


def _key(changes: Changes) -> str:
    return json.dumps(changes)


def run(folder: Folder, request: dict[str, Any]) -> dict[str, Any]:
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
        "out": ran.stdout[: request["most"]],
        "err": (ran.stderr or ran.error or "")[: request["most"]],
        "code": ran.exit_code,
        "timed_out": "execution timeout" in (ran.error or ""),
    }
    if changes is not None:
        answer["changes"] = folder.keep(mounted)
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
    requests = sys.stdin.buffer
    answers = sys.stdout.buffer
    while (request := _read(requests)) is not None:
        if "load" in request:
            folders[request["load"]] = Folder(request["files"])
            answer: dict[str, Any] = {}
        else:
            answer = run(folders[request["run"]], request)
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
