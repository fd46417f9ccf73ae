"""Start a training script where the installed AReaL can train agents.

    python tau2_launch.py local|slurm tau2_train.py --config config.yaml key=value ...

Older versions of AReaL have launchers `areal.launcher.<kind>`. In 1.0.4 they moved to
`areal.infra.launcher.<kind>`, and start training in a mode in which AReaL's proxy refuses to serve
agents; there the script itself is the controller and `scheduler.type=<kind>` says where its workers
run. This module imports nothing but the standard library.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.machinery import PathFinder
from pathlib import Path

KINDS = ("local", "slurm")
SHIM = Path(__file__).resolve().parent / "launcher_shim"
_SCHEDULER = "scheduler.type="


def others(paths: Sequence[str]) -> list[str]:
    """Return the entries of a search path that do not lead to the shim, as a link to it does."""
    shim = SHIM / "areal"
    return [path for path in paths if (Path(path or ".") / shim.name).resolve() != shim]


def areal_folder(paths: Sequence[str]) -> Path | None:
    """Return where AReaL is installed, without importing it; None where it is not."""
    spec = PathFinder.find_spec("areal", others(paths))
    places = list(spec.submodule_search_locations or ()) if spec is not None and spec.origin else []
    return Path(places[0]) if places else None


def command(kind: str, words: Sequence[str], areal: Path | None, python: str) -> list[str]:
    """Return the training command: AReaL's launcher if it has one for agents, else the script."""
    if areal is not None and (areal / "launcher" / f"{kind}.py").is_file():
        return [python, "-m", f"areal.launcher.{kind}", *words]
    chosen = any(word.lstrip("+").startswith(_SCHEDULER) for word in words)
    return [python, *words, *([] if chosen else [f"{_SCHEDULER}{kind}"])]


def main(kind: str, words: Sequence[str]) -> int:
    """Replace this process by the training script.

    Return 2, with a line on how to call it, for wrong arguments.
    """
    if kind not in KINDS or not words or not words[0].endswith(".py"):
        sys.stderr.write(f"usage: {'|'.join(KINDS)} SCRIPT.py --config FILE [key=value ...]\n")
        return 2
    os.environ["PYTHONPATH"] = os.pathsep.join(
        others(os.environ.get("PYTHONPATH", "").split(os.pathsep))
    )
    found = command(kind, words, areal_folder(sys.path), sys.executable)
    sys.stdout.flush()
    os.execv(found[0], found)  # noqa: S606  -- the user's own command line, without a shell
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "", sys.argv[2:]))
