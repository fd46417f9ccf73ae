"""The one door to standard output and standard error."""

from __future__ import annotations

import ast
import io
import json
import logging
import os
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.planted import HOSTILE, NAME_WITH_LINES, raw_in

import tau2
from tau2.utils import output
from tau2.utils.output import UnfailingStream, protected_output, show, show_error, show_json
from tau2.utils.terminal import terminal
from tau2.utils.terminal_text import clean, json_text, named, shell_command

SOURCES = Path(tau2.__file__).parents[1]
DOOR = {SOURCES / "tau2/utils/output.py", SOURCES / "tau2/utils/terminal.py"}
FORBIDDEN_CALLS = {
    "print",
    "input",
    "Console",
    "rich.print",
    "rich.console.Console",
    "logging.StreamHandler",
    "logging.lastResort",
    "traceback.print_exc",
    "traceback.print_exception",
    "traceback.print_stack",
    "pprint.pprint",
    "pprint",
    "getpass.getpass",
    "click.echo",
}
STREAMS = {"sys.stdout", "sys.stderr", "sys.__stdout__", "sys.__stderr__"}
EXCEPTIONS = {
    (
        "tau2/runner/executors/worker.py",
        "sys.stdout",
    ): "participants' output goes to the error stream",
    ("tau2/runner/executors/worker.py", "sys.stderr"): "likewise",
    ("tau2/runner/executors/ray.py", "sys.stdout"): "likewise",
    ("tau2/runner/executors/ray.py", "sys.stderr"): "likewise",
    (
        "tau2/runner/executors/ray_lines.py",
        "sys.stdout",
    ): "Ray's own lines go to the error stream",
    ("tau2/runner/executors/ray_lines.py", "sys.stderr"): "likewise",
    (
        "tau2/knowledge/shell_worker.py",
        "sys.stdout",
    ): "a pipe to the process that started it: results of commands as JSON",
    ("tau2/telemetry/destination.py", "sys.stderr"): "the exporter of a library writes JSON to it",
    ("act_prm/cli.py", "sys.stderr"): "only compared with, to tell an error from help",
}


def ways_past_the_door(file: Path):
    """Yield what a module has to do with the standard streams."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = dotted(node.func)
            if name in FORBIDDEN_CALLS:
                yield name
        if isinstance(node, ast.Attribute) and dotted(node) in STREAMS:
            yield dotted(node)
        if isinstance(node, ast.ImportFrom) and node.module == "sys":
            yield from (f"sys.{alias.name}" for alias in node.names if alias.name != "exit")


def dotted(node: ast.expr) -> str:
    """Return a name such as `sys.stdout`; "" for any other expression."""
    names = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([node.id, *reversed(names)])


@pytest.mark.parametrize(
    "file",
    sorted(set(SOURCES.rglob("*.py")) - DOOR),
    ids=lambda file: str(file.relative_to(SOURCES)),
)
def test_nothing_prints_past_the_door(file):
    place = file.relative_to(SOURCES).as_posix()
    assert [way for way in ways_past_the_door(file) if (place, way) not in EXCEPTIONS] == []


def test_the_law_can_fail(tmp_path):
    file = tmp_path / "module.py"
    file.write_text("import sys\nprint(1)\nsys.stdout.write('x')\nfrom sys import stderr\n")
    assert set(ways_past_the_door(file)) == {"print", "sys.stdout", "sys.stderr"}


# --- what comes out -------------------------------------------------------------------------------


def test_what_is_printed_is_clean(capsys):
    show(HOSTILE)
    show_error(HOSTILE)
    terminal().print(HOSTILE)
    terminal(stderr=True).print(HOSTILE)
    streams = capsys.readouterr()
    assert raw_in(streams.out + streams.err) == []
    assert streams.out.count("[bold]b[/bold]") == streams.err.count("[bold]b[/bold]") == 2


def test_a_console_with_colours_shows_only_its_own_sequences():
    console = terminal()
    console.file = io.StringIO()
    console._color_system = 1
    console._force_terminal = True
    console.print(HOSTILE, style="red")
    assert "\x1b[31;7m" not in console.file.getvalue()
    assert raw_in(console.file.getvalue()) == ["U+001B"]


@given(value=st.recursive(st.none() | st.text() | st.floats() | st.integers(), st.lists))
def test_json_is_json_and_says_what_the_value_says(value):
    text = json_text(value)
    assert text.isascii()
    assert raw_in(text) == []
    back = json.loads(text, parse_constant=pytest.fail)
    assert back == value or "nan" in repr(value) or "inf" in repr(value)


def test_json_keeps_what_cannot_be_seen(capsys):
    show_json({HOSTILE: [HOSTILE, 10**5000, float("nan"), {1: object}]})
    printed = capsys.readouterr().out
    assert raw_in(printed) == []
    assert json.loads(printed)[HOSTILE][0] == HOSTILE


def test_names_stay_on_their_line_and_look_different():
    assert named("plain name") == "plain name"
    assert named("a\u202eb") != named("ab")
    assert "\n" not in named(NAME_WITH_LINES)


@given(words=st.lists(st.text(st.characters(exclude_characters="\x00", codec="utf-8"), max_size=9)))
def test_a_shell_reads_the_command_as_it_is(words):
    command = shell_command(words)
    assert command.isprintable()
    if not words:
        return
    script = f"printf '%s\\0' {command}"
    said = subprocess.run(["bash", "-c", script], capture_output=True, check=True).stdout
    assert said.decode().split("\0")[:-1] == words


@given(st.text())
def test_clean_text_stays_clean(text):
    assert clean(clean(text)) == clean(text)
    assert raw_in(clean(text)) == []


# --- streams that fail ----------------------------------------------------------------------------


class Broken(io.StringIO):
    """A stream that fails in some way."""

    def __init__(self, problem: Exception) -> None:
        super().__init__()
        self.problem = problem
        self.tried = 0

    def write(self, text: str) -> int:
        self.tried += 1
        raise self.problem


@pytest.mark.parametrize(
    "problem",
    [BrokenPipeError(32, "gone"), OSError(28, "full"), OSError(9, "bad"), ValueError("shut")],
)
def test_a_stream_that_fails_is_given_up(problem):
    stream = UnfailingStream(Broken(problem))
    for _ in range(3):
        assert stream.write("text") == 4
        stream.flush()
    assert stream.problem is problem
    assert stream._stream.tried == 1


def test_there_may_be_no_stream(monkeypatch):
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    show("nobody reads this")
    show_error("nor this")
    show_json({})
    terminal().print("nor this")
    assert not output.is_terminal()
    assert not output.is_answering()
    with pytest.raises(EOFError):
        output.read_line("name? ")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8", "utf-16", "no-such"])
def test_a_character_that_the_encoding_lacks_is_replaced(encoding, monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), "ascii" if encoding == "no-such" else encoding)
    narrow = UnfailingStream(stream)
    monkeypatch.setattr(UnfailingStream, "encoding", encoding)
    narrow.write("größer 漢字 \ud83d 🙂")
    narrow.flush()
    assert narrow.problem is None


def test_what_python_prints_itself_is_clean_too(capsys):
    def fail():
        raise ValueError(HOSTILE)

    with protected_output(), warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(HOSTILE, stacklevel=1)
        logging.lastResort.handle(logging.LogRecord("x", 30, "", 1, "%s", (HOSTILE,), None))
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
    said = capsys.readouterr().err
    assert said.count("[bold]b[/bold]") >= 3
    assert raw_in(said) == []
    assert not isinstance(logging.lastResort, output.LogHandler)


# --- commands -------------------------------------------------------------------------------------

RUN = ("run", "--domain", "mock", "--agent", "oracle_agent", "--user", "scripted_user")
RUN_SAVED = (*RUN, "--task-ids", "create_task_1", "--save-to", "played")
full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")


def shell(script: str, tmp_path: Path, **environment: str):
    """Run a line of bash in which `tau2` is this package's command."""
    env = {**os.environ, "TAU2_SIMULATIONS_DIR": str(tmp_path), **environment}
    line = f'tau2() {{ "{sys.executable}" -m tau2.cli "$@"; }}; set -o pipefail; {script}'
    return subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, timeout=100, env=env, check=False
    )


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A folder with a run."""
    folder = tmp_path_factory.mktemp("runs")
    assert shell(f"tau2 {' '.join(RUN_SAVED)}", folder).returncode == 0
    return folder


def stored(tmp_path: Path) -> int:
    from tau2.storage.results import Results

    return len(Results.load(tmp_path / "played").simulations)


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("redirection", "code", "said"),
    [
        (">&-", 0, ""),
        ("2>&-", 0, ""),
        (">&- 2>&-", 0, ""),
        (">&- 2>&- <&-", 0, ""),
        ("| true", 0, ""),
        ("| head -1 >/dev/null", 0, ""),
        ("--json | head -1 >/dev/null", 0, ""),
        pytest.param("> /dev/full", 1, "No space left on device", marks=full),
        pytest.param("--json > /dev/full", 1, "No space left on device", marks=full),
        pytest.param("--quiet > /dev/full", 1, "No space left on device", marks=full),
        pytest.param("2> /dev/full", 0, "", marks=full),
        pytest.param("> /dev/full 2>&1", 1, "", marks=full),
        pytest.param("--workers 2 > /dev/full", 1, "No space left on device", marks=full),
        ("--workers 2 >&- 2>&- <&-", 0, ""),
        ("--log-level DEBUG 2>&1 | head -1 >/dev/null", 0, ""),
    ],
)
def test_a_run_survives_its_streams(tmp_path, redirection, code, said):
    ended = shell(f"tau2 {' '.join(RUN_SAVED)} {redirection}", tmp_path)
    assert (ended.returncode, stored(tmp_path)) == (code, 1)
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "Exception ignored" not in ended.stderr


@pytest.mark.e2e
@pytest.mark.parametrize(
    "command", ["view --list", "view", "domain mock", "intro", "--help", "audit -d mock"]
)
@pytest.mark.parametrize(
    ("redirection", "code"),
    [(">&-", 0), ("| true", 0), pytest.param("> /dev/full", 1, marks=full)],
)
def test_every_command_survives_its_streams(saved, command, redirection, code):
    ended = shell(f"tau2 {command} {redirection}", saved)
    assert ended.returncode == code
    assert "Traceback" not in ended.stderr
    assert "Exception ignored" not in ended.stderr
    assert ("what was printed is not whole" in ended.stderr) == bool(code)


@pytest.mark.e2e
def test_what_a_participant_prints_into_a_closed_pipe_costs_nothing(tmp_path):
    """A unit is not lost because an agent prints, and nobody reads it any more."""
    script = tmp_path / "chatty.py"
    script.write_text(
        "import sys\n"
        "from tau2.cli import main\n"
        "from tau2.agent.oracle_agent import agent as module\n"
        "kind = module.OracleAgent\n"
        "before = kind.generate_next_message\n"
        "def chatty(self, *given):\n"
        "    print('x' * 100_000, flush=True)\n"
        "    return before(self, *given)\n"
        "kind.generate_next_message = chatty\n"
        f"sys.argv = ['tau2', *{list(RUN_SAVED)!r}]\n"
        "sys.exit(main())\n"
    )
    ended = shell(f'"{sys.executable}" "{script}" | head -c 10 > /dev/null', tmp_path)
    assert (ended.returncode, stored(tmp_path)) == (0, 1)
    from tau2.storage.results import Results

    assert Results.load(tmp_path / "played").simulations[0].reward_info.reward == 1.0
