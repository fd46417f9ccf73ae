"""Play over MCP with both major versions of the package `mcp`, and with agent SDKs; and with A2A
servers of both versions of `a2a-sdk`.

    python3.11 tests/agent_programs/run.py [--venvs FOLDER] [--fresh]

Every package is in an environment of its own, made on first use (a minute) and kept. The server
runs on both versions of `mcp`, each with the clients of both.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TESTERS = ("pytest>=9.0.3", "pytest-socket>=0.7", "pytest-timeout>=2.3", "hypothesis>=6.100")
TAU2 = ("--editable", f"{ROOT}[mcp]")

SERVERS = {
    "mcp-1": ("mcp>=1.30,<2", *TAU2, *TESTERS),
    "mcp-2": ("mcp>=2.3,<3", *TAU2, *TESTERS),
    "mcp-oldest": ("mcp==1.23.3", *TAU2, *TESTERS),
}
SDKS = {
    "openai-agents": ("openai-agents>=0.24,<0.25",),
    "langgraph": ("langchain>=1.5,<2", "langchain-mcp-adapters>=0.3,<0.4", "langchain-openai>=1.7"),
    "anthropic": ("anthropic>=2.14,<3", "mcp>=2.3,<3"),
}

A2A = {
    "a2a-0.3": ("a2a-sdk[http-server]>=0.3.26,<0.4", "uvicorn", "--editable", str(ROOT), *TESTERS),
    "a2a-1": ("a2a-sdk[http-server]>=1.3,<2", "uvicorn", "--editable", str(ROOT), *TESTERS),
}


def main() -> int:
    """Return 0 when everything passes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    venvs = ROOT / ".venv-agents"
    parser.add_argument("--venvs", type=Path, default=venvs, help="where environments are kept")
    parser.add_argument("--fresh", action="store_true", help="make the environments anew")
    options = parser.parse_args()
    for name, requirements in (SERVERS | SDKS | A2A).items():
        make(options.venvs / name, requirements, is_fresh=options.fresh)
    codes = [tested(options.venvs, name) for name in SERVERS]
    return max(*codes, *(tested_by_url(options.venvs, name) for name in A2A))


def make(venv: Path, requirements: tuple[str, ...], *, is_fresh: bool) -> None:
    """Make an environment, unless it is there. Raise CalledProcessError when pip cannot."""
    if is_fresh:
        shutil.rmtree(venv, ignore_errors=True)
    ready = venv / ".ready"
    if ready.exists():
        return
    tell(f"making {venv}")
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    pip = [str(venv / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", *requirements], check=True)
    ready.touch()


def tested(venvs: Path, name: str) -> int:
    """Run the tests with the server in one environment; return the exit code."""
    tell(f"\nthe server on {name}")
    # The SDKs are clients like others: one server is enough for them.
    some = [] if name == "mcp-2" else ["--ignore", "tests/agent_programs/test_examples.py"]
    quiet = ["-p", "no:cacheprovider", "-W", "ignore", "--timeout", "300"]
    command = [
        str(venvs / name / "bin" / "python"),
        "-m",
        "pytest",
        *quiet,
        *some,
        "tests/agent_programs",
    ]
    given = {"TAU2_AGENT_VENVS": str(venvs), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **given}, check=False).returncode


def tested_by_url(venvs: Path, name: str) -> int:
    """Run the tests of agents by URL in one environment; return the exit code."""
    tell(f"\nagents by URL on {name}")
    command = [str(venvs / name / "bin" / "python"), "-m", "pytest", "-p", "no:cacheprovider"]
    command += ["-W", "ignore", "--timeout", "300", "tests/agent_programs/test_by_url.py"]
    given = {"PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **given}, check=False).returncode


def tell(text: str) -> None:
    """Write a line for who watches."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
