"""The pages tell the truth: their Python runs, their commands run, what they point at exists.

A page is played from top to bottom, as a reader would: its Python blocks share their names, and
its blocks and commands one folder. A block whose first line is a comment with a name, such as `#
run.yaml`, is that file. A block of text directly behind a block of Python or commands is what that
prints, or lines of it. Commands that need somebody's model are read, but not played.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path

import pytest
from tests.docs.cli_tables import described, with_tables
from tests.installed import installed

from tau2.cli import COMMANDS, main, parser_of
from tau2.cli.flags import build_config, given_values
from tau2.cli.parsing import parse
from tau2.cli.run import _FLAGS
from tau2.data_model.run_config import TextRunConfig
from tau2.registry import registry

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "AGENTS.md", "CONTRIBUTING.md", "SECURITY.md")),
    ROOT / "examples" / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "skills").rglob("*.md")),
]
_BLOCK = re.compile(r"^```(?P<kind>\w+)\n(?P<body>.*?)^```", re.MULTILINE | re.DOTALL)
_MODEL = re.compile(r"--agent-llm |--user-llm ")
_FILE = re.compile(r"# (?P<name>[\w-]+\.(?:yaml|toml|py))\n")


def short(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def all_blocks(page: Path) -> list[tuple[int, str, str]]:
    """Return the blocks of a page in order: the line each begins on, its kind, and its text."""
    text = page.read_text(encoding="utf-8")
    return [
        (text.count("\n", 0, match.start("body")), match["kind"], match["body"])
        for match in _BLOCK.finditer(text)
    ]


def blocks(page: Path, kind: str) -> list[tuple[int, str]]:
    """Return the blocks of a kind, each with the line it begins on."""
    return [(line, body) for line, found, body in all_blocks(page) if found == kind]


def commands(body: str) -> Iterator[list[str]]:
    """Yield the `tau2` commands of a block as words."""
    for line in body.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words and words[0] == "tau2":
            yield words[1:]


def split_at(words: list[str], mark: str) -> tuple[list[str], list[str]]:
    """Return the words before and after a mark."""
    place = words.index(mark) if mark in words else len(words)
    return words[:place], words[place + 1 :]


@pytest.fixture(autouse=True)
def example_domains(request, monkeypatch):
    """Install `examples/ferry` for the page that tells its reader to."""
    page = getattr(request.node, "callspec", None) and request.node.callspec.params.get("page")
    if page is None or page.name != "discoverable-tools.md":
        yield
        return
    monkeypatch.syspath_prepend(str(ROOT / "examples" / "ferry"))
    with registry.domains.adding(import_module("tau2_ferry").DOMAIN):
        yield


@pytest.fixture
def packages():
    """Packages that a page writes and has its reader install, until the page is over."""
    with ExitStack() as stack:
        yield stack


def test_excerpts_are_as_in_the_example():
    page = ROOT / "docs" / "discoverable-tools.md"
    source = (ROOT / "examples/ferry/tau2_ferry/__init__.py").read_text(encoding="utf-8")
    excerpts = [body for _, body in blocks(page, "py")]
    assert len(excerpts) == 5
    assert [body for body in excerpts if body not in source] == []


@pytest.mark.parametrize(
    "page", [page for page in PAGES if blocks(page, "python") or blocks(page, "bash")], ids=short
)
def test_a_page_runs_from_top_to_bottom(page, workplace, capsys, packages, monkeypatch):
    monkeypatch.syspath_prepend(str(workplace))  # a file of the page can be imported
    monkeypatch.delenv("COLUMNS", raising=False)  # pages show what goes into a pipe
    names: dict[str, object] = {"__name__": "page"}
    printed = ""
    behind = -1  # the line on which a block of what was printed would begin
    for line, kind, body in all_blocks(page):
        file = _FILE.match(body) if kind in {"python", "toml", "yaml"} else None
        if file is not None:
            Path(file["name"]).write_text(body, encoding="utf-8")
            monkeypatch.delitem(sys.modules, Path(file["name"]).stem, raising=False)
        elif kind == "python":
            capsys.readouterr()
            exec(compile("\n" * line + body, str(page), "exec"), names)  # our own page
            printed = capsys.readouterr().out
            behind = line + body.count("\n") + 3
        elif kind == "text" and line == behind:
            missing = [shown for shown in body.splitlines() if f"\n{shown}\n" not in f"\n{printed}"]
            assert missing == [], printed
        elif kind == "bash":
            printed = ""
            for words in commands(body):
                printed += play_command(words, capsys)
                behind = line + body.count("\n") + 3
                if words[:1] == ["new"] and page.name.startswith(("your-", "SKILL")):
                    packages.enter_context(installed(workplace / words[2]))


def play_command(line: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Run a command, which has to end well; return what it prints and does not redirect."""
    words, redirected = split_at(line, ">")
    capsys.readouterr()
    if _MODEL.search(" ".join(words)):
        options = parse(parser_of(words[0]), words[1:])
        assert build_config(TextRunConfig, given_values(options, _FLAGS), _FLAGS).domain
    else:
        assert main(words) == 0, f"tau2 {shlex.join(words)}\n{capsys.readouterr().err}"
    printed = capsys.readouterr().out
    for name in redirected:
        Path(name).write_text(printed, encoding="utf-8")
    return "" if redirected else printed


@pytest.mark.parametrize("page", PAGES, ids=short)
def test_links_lead_somewhere(page):
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=short)
def test_paths_that_are_named_exist(page):
    named = re.findall(
        r"`(?:pytest )?((?:tests|docs|src|benchmarks)/[\w./-]+)", page.read_text(encoding="utf-8")
    )
    several = re.findall(r"`pytest ((?:tests/[\w./-]+ ?)+)", page.read_text(encoding="utf-8"))
    paths = [*named, *(path for group in several for path in group.split())]
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_make_targets_that_are_named_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = re.compile(r"(?:^|`)make (?P<targets>[a-z-]+(?: [a-z-]+)*)", re.MULTILINE)
    unknown = [
        f"{short(page)}: make {target}"
        for page in PAGES
        for match in named.finditer(page.read_text(encoding="utf-8"))
        for target in match["targets"].split()
        if target not in targets
    ]
    assert unknown == []


def test_no_target_is_taken_for_the_folder_of_its_name():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    (phony,) = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    targets = re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE)
    assert set(targets) - set(phony.split()) == set()


def prose(page: Path) -> str:
    """Return a page without its blocks."""
    return _BLOCK.sub("", page.read_text(encoding="utf-8"))


def source_files() -> list[str]:
    """Return every Python file of the project, as a path below the project's folder."""
    folders = ("src", "tests", "benchmarks", "examples", "aenv")
    below = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return [short(path) for path in (*ROOT.glob("*.py"), *below)]


def is_defined(name: str, files: list[str]) -> bool:
    """Return whether a dotted name is a module, or is written in the module it begins with."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        folder = "src/" + "/".join(parts[:length])
        file = next(
            (file for file in (f"{folder}.py", f"{folder}/__init__.py") if file in files), ""
        )
        if file:
            text = (ROOT / file).read_text(encoding="utf-8")
            return all(re.search(rf"\b{part}\b", text) for part in parts[length : length + 1])
    return False


@pytest.mark.parametrize("page", PAGES, ids=short)
def test_modules_that_are_named_exist(page):
    files = source_files()
    named = re.findall(r"`((?:[\w-]+/)*\w+\.py)`", prose(page))
    assert [
        name for name in named if not any(f"/{file}".endswith(f"/{name}") for file in files)
    ] == []


@pytest.mark.parametrize("page", PAGES, ids=short)
def test_dotted_names_exist(page):
    files = source_files()
    sources = [
        (ROOT / file).read_text(encoding="utf-8") for file in files if file.startswith("src")
    ]
    named = re.findall(r"`((?:tau2|act_prm)(?:\.\w+)+)`", prose(page))
    # Groups of entry points and attributes of spans are texts, and no modules.
    texts = {name for name in named if any(f'"{name}"' in source for source in sources)}
    assert [name for name in named if name not in texts and not is_defined(name, files)] == []


def test_the_modules_of_the_architecture_page_are_in_their_folders():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    section = text.partition("## Where things are")[2].partition("\n## ")[0]
    rows = [line.split("|")[1:3] for line in section.splitlines() if line.startswith("| `")]
    assert len(rows) > 10
    missing = []
    for folders, modules in rows:
        places = [
            place
            for folder in re.findall(r"`([\w/<>]+)`", folders)
            for place in (ROOT / "src" / "tau2").glob(folder.replace("<name>", "*").rstrip("/"))
        ]
        there = {path.stem for place in places for path in place.glob("*")}
        missing += [name for name in re.findall(r"`([a-z_]+)/?`", modules) if name not in there]
    assert missing == []


def test_every_command_has_its_section_and_its_table():
    page = ROOT / "docs" / "cli-reference.md"
    text = page.read_text(encoding="utf-8")
    assert sorted(described(text)) == sorted(COMMANDS)
    assert text == with_tables(text), "run `python -m tests.docs.cli_tables`"


def test_every_switch_of_compatibility_is_described():
    text = (ROOT / "docs" / "differences.md").read_text(encoding="utf-8")
    users = [
        path
        for path in (ROOT / "src").rglob("*.py")
        if "strict_compat" in path.read_text(encoding="utf-8")
    ]
    folder = ROOT / "src" / "tau2" / "domains"
    domains = {path.relative_to(folder).parts[0] for path in users if folder in path.parents}
    assert [name for name in domains - {"mock"} if f"| {name}: " not in text] == []


def test_no_page_names_a_folder_of_somebodys_machine():
    named = re.compile(r"/(?:home|Users|work|root)/\w")
    assert [short(page) for page in PAGES if named.search(page.read_text(encoding="utf-8"))] == []
