"""Install every trainer's package in an environment of its own, and play with it.

The pins exclude one another.

    python3.11 tests/integrations/run.py [names ...] [--venvs FOLDER] [--torch REQUIREMENT]
    [--fresh]

An environment is made on first use (minutes, and about a gigabyte where torch is needed) and kept.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TESTERS = ("pytest>=8.2", "pytest-socket>=0.7", "pytest-timeout>=2.3", "hypothesis>=6.100")
# Stands for --torch, which is installed first: other wheels of torch bring two gigabytes of CUDA.
TORCH = "TORCH"
CPU_TORCH = "torch==2.13.0+cpu"
LIMIT = "570"  # seconds a test may take


@dataclass(frozen=True)
class Package:
    """What is installed before the tests run, one step after another, and the distribution whose
    version is shown."""

    steps: tuple[tuple[str, ...], ...]
    shown: str


PACKAGES = {
    "skyrl_gym": Package((("skyrl-gym==0.4.0",),), "skyrl-gym"),
    "openenv": Package((("openenv-core==0.3.0",),), "openenv-core"),
    "openenv_mcp": Package((("openenv==0.10.0",),), "openenv"),
    "verifiers": Package((("verifiers==0.4.0",),), "verifiers"),
    "tinker_cookbook": Package(((TORCH,), ("tinker-cookbook>=0.5.8,<0.7",)), "tinker-cookbook"),
    "trl": Package(((TORCH,), ("trl==1.16.0", "peft>=0.21", "jmespath")), "trl"),
}


@dataclass(frozen=True)
class Line:
    """A row of the summary."""

    name: str
    version: str
    outcome: str
    seconds: float
    ok: bool


def main() -> int:
    """Return 0 when every package that was asked for passes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "names", nargs="*", metavar="name", help=f"which of {', '.join(PACKAGES)}; default: all"
    )
    parser.add_argument(
        "--venvs",
        type=Path,
        default=ROOT / ".venv-integrations",
        help="where environments are kept",
    )
    parser.add_argument(
        "--torch", default=CPU_TORCH, help=f"the wheel of torch; default: {CPU_TORCH} (Python 3.11)"
    )
    parser.add_argument("--fresh", action="store_true", help="make the environments anew")
    options = parser.parse_args()
    if unknown := sorted(set(options.names) - set(PACKAGES)):
        parser.error(f"no package {unknown[0]!r}; known: {', '.join(PACKAGES)}")
    lines = [tried(name, options) for name in options.names or PACKAGES]
    show(lines)
    return 0 if all(line.ok for line in lines) else 1


def tried(name: str, options: argparse.Namespace) -> Line:
    """Install and test one package; a package that cannot be installed is a line like another."""
    began, venv = time.monotonic(), options.venvs / name
    python = venv / "bin" / "python"
    if options.fresh:
        shutil.rmtree(venv, ignore_errors=True)
    if not (venv / ".ready").exists() and (
        problem := installed(PACKAGES[name], venv, options.torch)
    ):
        return Line(name, "-", f"not installed: {problem}", time.monotonic() - began, ok=False)
    module = f"tests/integrations/test_{name}.py"
    command = [
        str(python),
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "-W",
        "ignore",
        f"--timeout={LIMIT}",
        module,
    ]
    done = subprocess.run(
        command, cwd=ROOT, env=quiet(), text=True, capture_output=True, check=False
    )
    tell(done.stdout + done.stderr)
    verdict = re.findall(
        r"^(?:=+ )?(\d+ (?:passed|failed|error|skipped).*?)(?: =+)?$", done.stdout, re.MULTILINE
    )
    outcome = verdict[-1] if verdict else f"pytest ended with {done.returncode}"
    ok = done.returncode == 0 and "skipped" not in outcome
    return Line(
        name, version_of(python, PACKAGES[name].shown), outcome, time.monotonic() - began, ok=ok
    )


def installed(package: Package, venv: Path, torch: str) -> str | None:
    """Make the environment; return what pip had to say last when it could not."""
    tell(f"making {venv}")
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    for step in (*package.steps, ("--editable", str(ROOT), *TESTERS)):
        command = [str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        command += [torch if word == TORCH else word for word in step]
        done = subprocess.run(command, text=True, capture_output=True, check=False)
        if done.returncode:
            return next(
                iter(reversed(done.stderr.strip().splitlines())),
                f"pip ended with {done.returncode}",
            )
    (venv / ".ready").touch()
    return None


def version_of(python: Path, distribution: str) -> str:
    """Return the installed version of a distribution."""
    code = f"import importlib.metadata as m; print(m.version({distribution!r}))"
    return subprocess.run(
        [str(python), "-c", code], text=True, capture_output=True, check=False
    ).stdout.strip()


def quiet() -> dict[str, str]:
    """Return the environment of the tests: nothing is written beside sources, and two cores are
    enough."""
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "2"}


def tell(text: str) -> None:
    """Write a line for who watches."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def show(lines: list[Line]) -> None:
    """Print the summary."""
    tell(f"\n{'package':<17}{'version':<10}{'seconds':>8}  outcome")
    for line in lines:
        tell(f"{line.name:<17}{line.version:<10}{line.seconds:>8.1f}  {line.outcome}")


if __name__ == "__main__":
    sys.exit(main())
