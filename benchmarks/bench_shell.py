"""The shell over documents: what loading 698 documents and running a command costs.

`load_ms` and the commands are CPU time of the process in which commands run (see
`tau2.knowledge.shell_worker`), measured in this one; `round_trip_ms` is wall time from the tool to
that process and back, `fork_ms` the fork of a session that has written files.

  python benchmarks/bench_shell.py [--folder FOLDER]

FOLDER holds documents as JSON files, as the public data folder does; made-up ones of the same
number and length by default.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from pathlib import Path

from common import cpu_ms, report, rounded

from tau2.knowledge import shell_worker
from tau2.knowledge.documents import Document, DocumentSet
from tau2.knowledge.shell import Shell, as_files

DOCUMENTS, WORDS = 698, 180  # as many characters as the public ones
COMMANDS = {
    "list": "ls | wc -l",
    "index": "head -20 INDEX.md",
    "cat": "cat doc_0001.md doc_0002.md",
    "find": "find . -name '*7.md' | head",
    "grep": "grep -ril 'fee' . | head",
    "rg": "rg -n -i 'fee' | head",
    "awk": "awk '/fee/{n++} END{print n}' *.md",
    "sort": "grep -ohi 'card[a-z]*' *.md | sort | uniq -c | sort -rn | head",
}
TARGETS = {
    "load_ms": 50.0,
    **{f"{name}_ms": 10.0 for name in COMMANDS},
    "write_ms": 10.0,
    "round_trip_ms": 10.0,
    "fork_ms": 0.1,
}
_RARE = ["card", "fee", "account", "limit", "points", "cardholder"]
_WORDS = ["the", "to", "of", "customer", "must"] * 20 + [f"word{n}" for n in range(200)] + _RARE


def made_up() -> DocumentSet:
    """Return documents of the public number and length."""
    rng = random.Random(0)
    return DocumentSet(
        Document(f"doc_{n:04}", f"Rule {n}", " ".join(rng.choices(_WORDS, k=WORDS)) + ".\n")
        for n in range(DOCUMENTS)
    )


def read_from(folder: Path) -> DocumentSet:
    """Return the documents of a folder, named so that the commands find them."""
    read = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
    return DocumentSet(
        Document(f"doc_{n:04}", each["title"], each["content"]) for n, each in enumerate(read)
    )


def wall_ms(command: str, shell: Shell) -> float:
    """Return the median wall milliseconds of a command, after the first."""
    shell.run(command)
    samples = []
    for _ in range(50):
        began = time.perf_counter()
        shell.run(command)
        samples.append(time.perf_counter() - began)
    return rounded(statistics.median(samples) * 1e3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", type=Path)
    folder = parser.parse_args().folder
    documents = made_up() if folder is None else read_from(folder)
    files = as_files(documents)
    figures = {"load_ms": cpu_ms(lambda: shell_worker.Folder(files), rounds=9)}
    loaded = shell_worker.Folder(files)
    request = {"seconds": 5.0, "most": 100_000, "now": None, "changes": None}
    for name, command in COMMANDS.items():
        asked = {**request, "command": command}
        figures[f"{name}_ms"] = cpu_ms(lambda asked=asked: shell_worker.run(loaded, asked))
    changes = shell_worker.run(loaded, {**request, "command": "echo x > a", "changes": {}})
    asked = {**request, "command": "echo x > a", "changes": changes["changes"]}
    figures["write_ms"] = cpu_ms(lambda: shell_worker.run(loaded, asked))
    figures["round_trip_ms"] = wall_ms("head -20 INDEX.md", Shell(documents))
    writing = Shell(documents, writable=True)
    writing.run("echo x > a")
    figures["fork_ms"] = cpu_ms(writing.fork)
    report("shell", figures, TARGETS, documents=len(documents))


if __name__ == "__main__":
    main()
