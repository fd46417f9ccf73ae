"""`make newcomer`: play a newcomer's first hour with the package, from an empty environment.

    python tools/newcomer.py [--work FOLDER] [--page PAGE ...]

Builds the wheel, installs it into a new environment, and does what the pages `docs/your-*.md`
say: `tau2 new` of each kind, install, test, edit, test again, run, look at the run, and write its
report. Then plays whole pages, each in an empty folder, with the extras that they are about.
Prints a line per step with its seconds; stops at the first step that fails, with what it
printed. Needs a package registry for the dependencies.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_STEP_SECONDS = 600

OWN_TOOL = '''
    @is_tool(ToolType.WRITE)
    def reopen_order(self, order_id: str) -> Order:
        """Open a cancelled order again.

        Args:
            order_id: Number of the order, for example "A-1001".
        """
        order = self.get_order(order_id)
        order.status = "open"
        return order
'''
OWN_RULE = "\nA cancelled order may be opened again when its customer asks for it.\n"
OWN_PROMPT = "You are brief. "


PAGES = (
    "README.md", "AGENTS.md",
    *(f"docs/{name}.md" for name in (
        "your-domain", "your-agent", "your-user", "your-backend", "participants", "tasks",
        "configuration", "running", "grading", "compare", "blame", "report", "view", "ci",
        "cluster", "record-replay", "review", "protocols", "models", "providers", "rollout",
    )),
    *(f"skills/{name}/SKILL.md" for name in ("run-evaluation", "write-domain", "train")),
)  # fmt: skip
"""What a newcomer reads first; none of it needs more than the package."""
PAGES_OF_EXTRAS = {
    "gym": "docs/gym.md",
    "knowledge": "docs/knowledge.md",
    "otel": "docs/telemetry.md",
}
"""Extra → the page that begins with it."""
OWN_PACKAGES = ("tau2-bakery", "tau2-repairs", "tau2-my-agent", "tau2-hasty", "tau2-my-model")
"""What the pages have their readers install; each page begins without them."""


class StepFailed(Exception):
    """A step of the first hour did not end as the pages say."""


@dataclass(frozen=True)
class Newcomer:
    """An environment that holds the package alone, and a folder to work in."""

    folder: Path

    @property
    def bin(self) -> Path:
        """The folder of the environment's programs."""
        return self.folder / "venv" / ("Scripts" if os.name == "nt" else "bin")

    def run(self, *command: str, expect: str = "", folder: Path | None = None) -> str:
        """Run a program of the environment, in a folder of it; return what it printed.

        Raises:
            StepFailed: It ended with an error, or did not print `expect`.
        """
        started = time.monotonic()
        # A key or a data folder of this person's own would change what is shown.
        kept = ("HOME", "PATH", "LANG", "TMPDIR", "PIP_INDEX_URL", "PIP_CONFIG_FILE")
        environment = {name: os.environ[name] for name in kept if name in os.environ}
        environment["PATH"] = f"{self.bin}{os.pathsep}{environment.get('PATH', '')}"
        environment["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
        done = subprocess.run(
            [str(self.bin / command[0]), *command[1:]],
            cwd=folder or self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_STEP_SECONDS,
            check=False,
        )
        _say(f"{time.monotonic() - started:6.1f} s  {' '.join(command)}")
        if done.returncode != 0:
            raise StepFailed(f"exit code {done.returncode}\n{done.stdout}")
        if expect not in done.stdout:
            raise StepFailed(f"it does not say {expect!r}\n{done.stdout}")
        return done.stdout

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace a text that a file contains once.

        Raises:
            StepFailed: The file contains it not at all, or more than once.
        """
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        if text.count(old) != 1:
            raise StepFailed(f"{file} contains {old!r} {text.count(old)} times")
        path.write_text(text.replace(old, new), encoding="utf-8")
        _say(f"          edit {file}")

    def append(self, file: str, text: str) -> None:
        """Write a text at the end of a file."""
        with (self.folder / file).open("a", encoding="utf-8") as stream:
            stream.write(text)
        _say(f"          edit {file}")

    def install_and_test(self, package: str) -> None:
        """Install a package that `tau2 new` wrote, and pass its own tests."""
        self.run("pip", "install", "--quiet", "-e", f"{package}[test]")
        self.run("pytest", "-q", package, expect=" passed")


def main() -> int:
    """Play the first hour; return 0 when every step ended as the pages say."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, help="an empty folder to work in; default: a new one")
    parser.add_argument(
        "--page", action="append", default=[], help="only install, and play this page; repeatable"
    )
    options = parser.parse_args()
    work = options.work or Path(tempfile.mkdtemp(prefix="tau2-newcomer-"))
    work.mkdir(parents=True, exist_ok=True)
    if any(work.iterdir()):
        parser.error(f"{work} is not empty")
    newcomer = Newcomer(work.resolve())
    started = time.monotonic()
    try:
        install(newcomer)
        if not options.page:
            own_domain(newcomer)
            own_agent(newcomer)
            own_user(newcomer)
            own_backend(newcomer)
            look(newcomer)
        read_pages(newcomer, options.page)
    except StepFailed as error:
        _say(f"stopped: {error}")
        return 1
    _say(f"the first hour took {time.monotonic() - started:.0f} s, in {work}")
    return 0


def install(newcomer: Newcomer) -> None:
    """Install the wheel, as from a package registry, and look around."""
    subprocess.run([sys.executable, "-m", "venv", str(newcomer.folder / "venv")], check=True)
    newcomer.run("pip", "wheel", "--quiet", "--no-deps", "-w", "wheels", str(ROOT))
    (wheel,) = (newcomer.folder / "wheels").glob("*.whl")
    newcomer.run("pip", "install", "--quiet", str(wheel))
    newcomer.run("tau2", expect="mock")


def own_domain(newcomer: Newcomer) -> None:
    """A domain: as written, with a tool and a rule of one's own, played and audited."""
    newcomer.run("tau2", "new", "domain", "bakery", expect="bakery")
    newcomer.install_and_test("bakery")
    before = "    @is_tool(ToolType.GENERIC)\n"
    newcomer.edit("bakery/tau2_bakery/tools.py", before, f"{OWN_TOOL.lstrip(chr(10))}\n{before}")
    newcomer.append("bakery/tau2_bakery/policy.md", OWN_RULE)
    newcomer.run("pytest", "-q", "bakery", expect=" passed")
    newcomer.run("tau2", "domain", "bakery", "--tools", expect="reopen_order")
    scripted = ("--agent", "oracle_agent", "--user", "scripted_user")
    newcomer.run("tau2", "run", "--domain", "bakery", *scripted, "--save-to", "bakery-oracle")
    newcomer.run("tau2", "audit", "--domain", "bakery")


def own_agent(newcomer: Newcomer) -> None:
    """An agent: as written, and with a prompt of one's own."""
    newcomer.run("tau2", "new", "agent", "my-agent", expect="my-agent")
    newcomer.install_and_test("my-agent")
    newcomer.edit("my-agent/tau2_my_agent/__init__.py", "You help the", f"{OWN_PROMPT}You help the")
    newcomer.run("pytest", "-q", "my-agent", expect=" passed")
    playing = ("--agent", "my-agent", "--agent-llm", "scripted/stop", "--user", "scripted_user")
    newcomer.run("tau2", "run", "--domain", "bakery", *playing, "--save-to", "bakery-mine")


def own_user(newcomer: Newcomer) -> None:
    """A simulated user, and its report card."""
    newcomer.run("tau2", "new", "user", "hasty", expect="hasty")
    newcomer.install_and_test("hasty")
    playing = ("--agent", "oracle_agent", "--user", "hasty", "--num-tasks", "2")
    newcomer.run("tau2", "run", "--domain", "mock", *playing, "--save-to", "mock-hasty")


def own_backend(newcomer: Newcomer) -> None:
    """A backend, played by the model-driven agent."""
    newcomer.run("tau2", "new", "backend", "my-model", expect="my-model")
    newcomer.install_and_test("my-model")
    playing = ("--agent-llm", "my-model/any", "--user", "scripted_user", "--num-tasks", "1")
    newcomer.run("tau2", "run", "--domain", "mock", *playing, "--save-to", "mock-backend")


def look(newcomer: Newcomer) -> None:
    """Look at the runs in a pipe, compare two of them, and write a report."""
    newcomer.run("tau2", "view", "--list", expect="bakery-oracle")
    newcomer.run("tau2", "view", "bakery-oracle")
    newcomer.run("tau2", "compare", "bakery-oracle", "bakery-mine")
    newcomer.run("tau2", "report", "bakery-oracle", "-o", "report.html")
    page = (newcomer.folder / "report.html").read_text(encoding="utf-8")
    if "bakery" not in page:
        raise StepFailed("the report does not name the domain")


def read_pages(newcomer: Newcomer, chosen: list[str]) -> None:
    """Play pages from top to bottom, each in an empty folder: those chosen, or all."""
    newcomer.run("pip", "install", "--quiet", "pytest")
    for page in chosen or PAGES:
        read_page(newcomer, page)
    (wheel,) = (newcomer.folder / "wheels").glob("*.whl")
    for extra, page in PAGES_OF_EXTRAS.items():
        if not chosen:
            newcomer.run("pip", "install", "--quiet", f"{wheel}[{extra}]")
            read_page(newcomer, page)


def read_page(newcomer: Newcomer, page: str) -> None:
    """Play a page; one that writes packages begins without those that an earlier one installed."""
    if "tau2 new " in (ROOT / page).read_text(encoding="utf-8"):
        newcomer.run("pip", "uninstall", "--quiet", "--yes", *OWN_PACKAGES)
    folder = newcomer.folder / "pages" / page.removesuffix(".md").replace("/", "-")
    folder.mkdir(parents=True)
    newcomer.run("python", str(ROOT / "tools" / "play_page.py"), str(ROOT / page), folder=folder)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
