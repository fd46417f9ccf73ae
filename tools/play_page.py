"""Play a page as its reader would: in an empty folder, with the package that is installed.

    python tools/play_page.py PAGE

Python blocks share their names and the commands of a page one folder, in the order of the page. A
block whose first line is a comment with a name, such as `# run.yaml`, is that file. Of blocks of
other commands (`sh`), the installation and the tests of packages of one's own are played; what
needs a checkout, a network or somebody's model is not. Stops at the first block that fails.

Run by `tools/newcomer.py`; it needs nothing but the standard library and `tau2`.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

_BLOCK = re.compile(r"^```(?P<kind>\w+)\n(?P<body>.*?)^```", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"# (?P<name>[\w-]+\.(?:yaml|toml|py))\n")
_SOMEBODYS_MODEL = re.compile(r"--(?:agent|user)-llm (?!scripted/|my-model/)")
_OF_PACKAGES = ("pip install -e ", "pytest ")


def main() -> int:
    """Play the page that is named; return 0 when everything in it works."""
    page = Path(sys.argv[1])
    text = page.read_text(encoding="utf-8")
    sys.path.insert(0, "")  # files of the page can be imported
    names: dict[str, object] = {"__name__": "page"}
    for match in _BLOCK.finditer(text):
        kind, body = match["kind"], match["body"]
        line = text.count("\n", 0, match.start("body"))
        file = _FILE.match(body) if kind in {"python", "toml", "yaml"} else None
        if file is not None:
            Path(file["name"]).write_text(body, encoding="utf-8")
        elif kind == "python":
            exec(compile("\n" * line + body, str(page), "exec"), names)  # noqa: S102  -- our own page
        elif not all(_succeeds(command) for command in _commands(kind, body)):
            return 1
    return 0


def _commands(kind: str, body: str) -> Iterator[str]:
    """Yield the commands of a block that are to be played."""
    if kind not in {"bash", "sh"}:
        return
    for command in body.replace("\\\n", " ").splitlines():
        words = shlex.split(command, comments=True)
        plays = kind == "bash" and words[:1] == ["tau2"] and not _SOMEBODYS_MODEL.search(command)
        if plays or (kind == "sh" and command.startswith(_OF_PACKAGES)):
            yield command


def _succeeds(command: str) -> bool:
    sys.stdout.write(f"$ {command}\n")
    sys.stdout.flush()
    played = subprocess.run(["bash", "-c", command], stdin=subprocess.DEVNULL, check=False)
    return played.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
