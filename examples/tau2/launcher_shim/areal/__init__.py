"""Adds `areal.launcher.local` and `areal.launcher.slurm` to an AReaL without them.

Whoever imports `areal` gets the real package, or the error that it is not installed: this module
loads it in its own place and adds one folder to its path. Only for
`python -m areal.launcher.<kind>` it does not, because a launch needs nothing of it.
"""

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path

_HERE = Path(__file__).resolve().parent


def _become_the_real_one() -> None:
    # The root of the repository has a link to this folder.
    others = [path for path in sys.path if (Path(path or ".") / _HERE.name).resolve() != _HERE]
    spec = PathFinder.find_spec(__name__, others)
    if spec is None or spec.loader is None or spec.origin is None:
        raise ModuleNotFoundError(f"No module named {__name__!r}", name=__name__)
    real = module_from_spec(spec)
    real.__path__.append(str(_HERE))
    sys.modules[__name__] = real
    spec.loader.exec_module(real)


def _launches() -> bool:
    words = sys.orig_argv
    return sys.argv[:1] == ["-m"] and any(
        word.startswith(f"{__name__}.launcher.") for word in words
    )


if not _launches():
    _become_the_real_one()
