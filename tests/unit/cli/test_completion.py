"""What a shell is offered for a half-written line: asked directly, and in real shells."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tau2.cli import COMMANDS
from tau2.cli.completion import answer
from tau2.registry import registry

SEPARATOR = "\v"
ASK_BASH = """
eval "$(tau2 completion bash)"
COMP_LINE=$1; COMP_POINT=${#1}; COMP_TYPE=9
_python_argcomplete tau2
(( ${#COMPREPLY[@]} )) && printf '%s\\n' "${COMPREPLY[@]}"
exit 0
"""
ASK_ZSH = """
is-at-least() { true }
compdef() { true }
_describe() { (( $#completions )) && print -rl -- "${completions[@]%%:*}"; true }
eval "$(tau2 completion zsh)"
BUFFER=$1; CURSOR=${#1}; words=(${=1})
_python_argcomplete tau2
"""
ASK_FISH = """
tau2 completion fish | source
complete -C $argv[1] | string split -f 1 \\t; true
"""
HOSTILE = "$(touch pwned) `touch pwned`;x"


@pytest.fixture
def candidates(monkeypatch, workplace):
    """Return what the last word of a line may become: `candidates("run --domain ret")`."""

    def ask(line: str) -> list[str]:
        monkeypatch.setenv("_ARGCOMPLETE", "1")
        monkeypatch.setenv("COMP_LINE", f"tau2 {line}")
        monkeypatch.setenv("COMP_POINT", str(len(f"tau2 {line}")))
        monkeypatch.setenv("_ARGCOMPLETE_SUPPRESS_SPACE", "1")
        output, codes = io.StringIO(), []
        answer(output, codes.append)
        assert codes == [0]
        return [word for word in output.getvalue().split(SEPARATOR) if word]

    return ask


def test_commands_and_options_are_completed(candidates):
    assert candidates("che") == ["check-data"]
    assert set(candidates("")) == {*COMMANDS, "help"}
    assert candidates("help interactive") == []
    assert candidates("help com") == ["compare", "completion"]
    assert candidates("run --task-i") == ["--task-ids"]
    assert candidates("nothing ") == []


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("run --domain ret", ["retail"]),
        ("run --domain=ret", ["--domain=retail"]),
        ("run --agent oracle_agent_", ["oracle_agent_solo"]),
        ("run --user scr", ["scripted_user"]),
        ("run -d mock --task-ids create_task_1 update_task_1", ["update_task_1"]),
        ("run -d mock --task-split-name zzz", []),
        ("run --results-format ", ["dir", "json"]),
        ("run --seed ", []),
        ("run --quiet x", []),
        ("play --as ", ["agent", "user"]),
        ("audit -d mock --task-ids create_task_1_n", ["create_task_1_nl_eval"]),
        ("domain moc", ["mock"]),
        ("domain mock ", []),
        ("start mock ret", ["retail"]),
        ("tasks gen", ["generate"]),
        ("completion ", ["bash", "zsh", "fish"]),
        ("run -d nowhere --task-ids ", []),
    ],
)
def test_values_are_completed(candidates, line, found):
    assert candidates(line) == found


def test_files_are_completed_where_a_file_may_stand(candidates, workplace):
    (workplace / "results").mkdir()
    (workplace / "results" / "a.json").touch()
    (workplace / ".hidden").touch()
    assert "results/" in candidates("convert-results ")
    assert ".hidden" not in candidates("convert-results ")
    assert candidates("convert-results results/") == ["results/a.json"]
    assert candidates("convert-results nowhere/") == []


def test_runs_and_their_tasks_are_completed(tau2, candidates):
    tau2("run", "--domain", "mock", "--agent", "oracle_agent", "--user", "scripted_user",
         "--task-ids", "create_task_1", "--save-to", "first")  # fmt: skip
    assert candidates("view fi") == ["first"]
    assert candidates("run --resume fi") == ["first"]
    assert candidates("compare first ") == ["first"]
    assert candidates("view first --task-id ") == ["create_task_1"]


def test_a_broken_run_completes_to_nothing(candidates, workplace):
    folder = workplace / "data" / "simulations" / "broken"
    folder.mkdir(parents=True)
    (folder / "results.json").write_text("{")
    assert candidates("view broken --task-id ") == []


def test_a_broken_plug_in_completes_to_nothing(candidates, monkeypatch, capfd):
    def broken() -> list[str]:
        raise RuntimeError("the plug-in is broken")

    monkeypatch.setattr(registry, "get_agents", broken)
    assert candidates("run --agent ") == []
    assert capfd.readouterr() == ("", "")


def test_an_option_is_completed_without_heavy_imports():
    loaded = (
        "import sys\n"
        "from tau2.cli.completion import answer\n"
        "heavy = {'rich', 'httpx', 'litellm', 'tau2.registry', 'tau2.runner',"
        " 'tau2.orchestrator'}\n"
        "answer(sys.stdout, lambda code: print(sorted(heavy & set(sys.modules)), code))\n"
    )
    line = "tau2 run --do"
    asked = {"_ARGCOMPLETE": "1", "COMP_LINE": line, "COMP_POINT": str(len(line))}
    done = subprocess.run(
        [sys.executable, "-c", loaded],
        env={**os.environ, **asked, "PYTHONPATH": os.pathsep.join(sys.path)},
        text=True,
        capture_output=True,
        check=True,
    )
    assert done.stdout == "--domain [] 0\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_scripts_are_sound(tau2, shell):
    script = tau2("completion", shell).out
    assert "tau2" in script
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    subprocess.run([shell, "-n"], input=script, text=True, check=True, capture_output=True)


def test_another_shell_is_refused(tau2):
    assert tau2("completion", "csh").code == 2


@pytest.fixture(
    params=[("bash", ASK_BASH), ("zsh", ASK_ZSH), ("fish", ASK_FISH)], ids=lambda param: param[0]
)
def in_shell(request, workplace, monkeypatch):
    """Return what a real shell offers for a line."""
    shell, script = request.param
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    monkeypatch.delenv("_ARGCOMPLETE", raising=False)
    call = (
        ["fish", "--no-config", "-c", script] if shell == "fish" else [shell, "-c", script, shell]
    )

    def ask(line: str) -> list[str]:
        done = subprocess.run(
            [*call, line], text=True, capture_output=True, check=True, cwd=workplace
        )
        assert done.stderr == ""
        return [word.rstrip() for word in done.stdout.splitlines()]

    return ask


def test_a_shell_completes_commands_options_and_values(in_shell):
    assert in_shell("tau2 che") == ["check-data"]
    assert in_shell("tau2 run --do") == ["--domain"]
    assert in_shell("tau2 run --domain ret") == ["retail"]
    assert in_shell("tau2 run --seed ") == []


def test_a_shell_never_evaluates_a_name(in_shell, workplace):
    folder = workplace / "data" / "simulations" / HOSTILE
    folder.mkdir(parents=True)
    (folder / "results.json").write_text("{}")
    (found,) = in_shell("tau2 view ")
    assert found.replace("\\", "") == HOSTILE
    assert not (workplace / "pwned").exists()


def test_a_shell_hears_nothing_of_a_broken_plug_in(in_shell, workplace):
    folder = workplace / "data" / "simulations" / "broken"
    folder.mkdir(parents=True)
    (folder / "results.json").write_text("[[[")
    assert in_shell("tau2 view broken --task-id ") == []
