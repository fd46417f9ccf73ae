"""Hostile commands for the shell over documents: nothing of the host, no exception, bounded.

    python -m tests.faults.shell --commands 100000 --seed 0

Commands are made by a grammar (see `shell_commands`) and mutated, the same for the same seed. They
go to shells that may only read, and to sessions that may write, which are forked now and then. On
the host lie canaries: files whose places the commands know, variables of this process, and a port
that counts who connects. After every command its output is searched for them. Counts are printed as
JSON, exit code 1 when a promise is broken.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults.shell_commands import Commands
from tests.faults.storage import Tally

from tau2.errors import ToolError
from tau2.knowledge import shell
from tau2.knowledge.documents import Document, DocumentSet
from tau2.knowledge.shell import Shell, as_files
from tau2.seeds import derive_seed
from tau2.utils.text import error_text, repr_of

_CANARY = "tau2-canary-5f0c"
_SECONDS = 0.5  # of a command, so that the suite ends
_GRACE = 0.5
_SLOWEST = 15.0  # seconds that break the promise even on a slow and busy machine
_LONGEST = 2 * 100_000 + 1_000
_SESSION = 25  # commands of a session
_NAMED = 20  # findings that are told

DOCUMENTS = DocumentSet(
    Document(
        f"doc_{topic}_{n:03}", f"{topic.title()}, part {n}", f"The {topic} costs {n} euros.\n" * n
    )
    for topic in ("compost", "hose", "shed")
    for n in range(1, 9)
)


class Host:
    """What commands must neither read nor change."""

    def __init__(self, folder: Path) -> None:
        """Plant the canaries."""
        self.folder = folder
        (folder / "secret.txt").write_text(f"{_CANARY}-file\n", encoding="utf-8")
        (folder / "deep").mkdir()
        (folder / "deep" / ".env").write_text(f"KEY={_CANARY}-deep\n", encoding="utf-8")
        os.environ["TAU2_CANARY"] = f"{_CANARY}-variable"
        os.environ["OPENAI_API_KEY"] = f"{_CANARY}-key"
        self.port = socket.create_server(("127.0.0.1", 0))
        self.port.settimeout(0)
        self._planted = self._tree()
        self._forbidden = [_CANARY, *self._facts()]

    def _facts(self) -> Iterator[str]:
        """Yield texts that only files of this machine hold."""
        if os.path.exists("/etc/passwd"):  # noqa: PTH110  -- reads like the commands
            yield Path("/etc/passwd").read_text(encoding="utf-8").splitlines()[0]
        yield f"{Path(sys.executable).resolve().parent}"
        yield "site-packages"

    def _tree(self) -> dict[str, bytes | None]:
        return {
            str(path.relative_to(self.folder)): path.read_bytes() if path.is_file() else None
            for path in sorted(self.folder.rglob("*"))
        }

    def leaked(self, command: str, printed: str) -> str | None:
        """Return what of the host is in a text; what the command itself says does not count."""
        return next(
            (text for text in self._forbidden if text in printed and text not in command), None
        )

    def is_untouched(self) -> bool:
        """Return whether the files are as they were planted."""
        return self._tree() == self._planted

    def visitors(self) -> int:
        """Return how many have connected since the last call."""
        count = 0
        while True:
            try:
                self.port.accept()[0].close()
            except BlockingIOError:
                return count
            count += 1


class Suite:
    """Runs commands and looks at what comes of each."""

    def __init__(self, host: Host, seed: int) -> None:
        self.host = host
        self.tally = Tally()
        self.ends: Counter[str] = Counter()
        self.slowest = 0.0
        self.longest = 0
        self._seed = seed
        self._readers = Shell(DOCUMENTS)
        self._session = Shell(DOCUMENTS, writable=True)
        self._whole = Shell(DOCUMENTS).run("cat *")

    def run(self, number: int) -> None:
        """Run the command of a number."""
        rng = random.Random(derive_seed(self._seed, "shell", number))
        command = Commands(rng, self.host.folder, self.host.port.getsockname()[1]).make()
        if number % _SESSION == 0:
            self._session = Shell(DOCUMENTS, writable=True)
            self._check_documents(command)
        elif number % _SESSION == _SESSION // 2:
            self._session = self._session.fork()
        began = time.perf_counter()
        try:
            printed = (self._session if number % 2 else self._readers).run(command)
        except ToolError:
            self.ends["refused"] += 1
            return
        except KeyboardInterrupt:
            raise
        except BaseException as problem:  # noqa: BLE001  -- a panic of the interpreter is no Exception
            self._broken(command, f"raised {error_text(problem)}")
            return
        self._look(command, printed, time.perf_counter() - began)

    def _look(self, command: str, printed: str, seconds: float) -> None:
        self.slowest = max(self.slowest, seconds)
        self.longest = max(self.longest, len(printed))
        self.ends[_end(printed)] += 1
        leaked = self.host.leaked(command, printed)
        for is_kept, broken in (
            (leaked is None, f"showed {leaked!r}"),
            (seconds < _SLOWEST, f"took {seconds:.1f} s"),
            (len(printed) <= _LONGEST, f"printed {len(printed):,} characters"),
        ):
            self.tally.counts["checks"] += 1
            if not is_kept:
                self._broken(command, broken)

    def _check_documents(self, command: str) -> None:
        """The documents of the next session are whole, and so is the host."""
        printed = Shell(DOCUMENTS, writable=True).run("cat *")
        if printed != self._whole and _end(printed) != "ended for its time":
            what = repr_of(printed[-200:], 300)
            self._broken(command, f"documents were changed for everybody before: {what}")
        if not self.host.is_untouched():
            self._broken(command, "a file of the host was changed, before this command")
        if self.host.visitors():
            self._broken(command, "somebody connected to the host, before this command")

    def _broken(self, command: str, what: str) -> None:
        self.tally.counts["broken"] += 1
        if len(self.tally.broken) < _NAMED:
            self.tally.broken.append(f"{repr_of(command, 300)}: {what}")


def _end(printed: str) -> str:
    if "Exit code: 124" in printed:
        return "ended for its time"
    if "Exit code: 139" in printed:
        return "crashed alone"
    return "failed" if "Exit code: " in printed else "succeeded"


@contextmanager
def _shorter_limits() -> Iterator[None]:
    before = (shell._SECONDS, shell._GRACE)
    shell._SECONDS, shell._GRACE = _SECONDS, _GRACE
    try:
        yield
    finally:
        shell._SECONDS, shell._GRACE = before


def suite(commands: int, seed: int) -> Suite:
    """Run so many commands."""
    with tempfile.TemporaryDirectory() as folder, _shorter_limits():
        made = Suite(Host(Path(folder)), seed)
        for number in range(commands):
            made.run(number)
        made.host.port.close()
        return made


def main() -> None:
    """Print counts; exit with code 1 when a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--commands", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    began = time.perf_counter()
    done = suite(args.commands, args.seed)
    counts = {
        "commands": args.commands,
        **dict(sorted(done.ends.items())),
        "broken": done.tally.counts["broken"],
        "slowest_seconds": round(done.slowest, 2),
        "longest_output": done.longest,
        "files": len(as_files(DOCUMENTS)),
        "seconds": round(time.perf_counter() - began),
    }
    sys.stdout.write(f"{json.dumps(counts)}\n")
    for finding in done.tally.broken:
        sys.stderr.write(f"{finding}\n")
    sys.exit(1 if done.tally.counts["broken"] else 0)


if __name__ == "__main__":
    main()
