"""The pipelines of docs/ci.md are valid YAML, and their commands run in a repository."""

from __future__ import annotations

import runpy
import shlex
import shutil
import sys
from pathlib import Path

import pytest
import yaml
from tests.docs.test_docs import ROOT, blocks

from tau2.cli import main
from tau2.storage.results import Results

PAGE = ROOT / "docs" / "ci.md"
GITHUB, GITLAB = (yaml.safe_load(body) for _, body in blocks(PAGE, "yaml"))
_STAND_IN = {"openai/gpt-4.1": "scripted/stop", "retail": "mock", "20": "3", "4": "2"}
"""What is played here in place of what costs money or time there."""


def github_commands() -> list[str]:
    """Return the commands of all jobs, in order."""
    steps = [step for job in GITHUB["jobs"].values() for step in job["steps"]]
    return [step["run"] for step in steps if "run" in step]


def gitlab_commands() -> list[str]:
    """Return the commands of all jobs, in order."""
    jobs = [job for name, job in GITLAB.items() if name != "default"]
    return [line for job in jobs for line in (*job["script"], *job.get("after_script", ()))]


@pytest.fixture
def repository(workplace, monkeypatch):
    """A repository with the gate, and a baseline that is as good as the candidate."""
    shutil.copy(ROOT / "examples" / "ci_gate.py", workplace)
    words = "run --domain mock --agent lazy_agent --user scripted_user --num-tasks 3 --num-trials 2"
    assert main([*words.split(), "--quiet", "--save-to", "retail"]) == 0
    shutil.copytree(Path("data/simulations/retail"), "baselines/retail")
    return monkeypatch


def played(command: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """Execute one command of a pipeline, and return its exit code."""
    words = [_STAND_IN.get(word, word) for word in shlex.split(command)]
    if words[:2] == ["pip", "install"]:
        return 0
    if words[0] == "tau2":
        return main([*words[1:], "--quiet"] if words[1] == "run" else words[1:])
    assert words[0] == "python"
    monkeypatch.setattr(sys, "argv", words[1:])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(words[1], run_name="__main__")
    return int(ended.value.code or 0)


@pytest.mark.parametrize(
    "commands", [github_commands(), gitlab_commands()], ids=["github", "gitlab"]
)
def test_the_commands_of_a_pipeline_run(repository, commands, capsys):
    assert len(commands) >= 5
    assert [command for command in commands if played(command, repository) != 0] == []
    assert Path("report.html").is_file()
    assert len(Results.load(Path("data/simulations/candidate")).simulations) == 6


def test_the_gate_closes_for_a_worse_agent(repository, capsys):
    oracle = "tau2 run --domain mock --agent oracle_agent --user scripted_user --num-tasks 3"
    assert played(f"{oracle} --num-trials 2 --save-to good", repository) == 0
    gate = "python ci_gate.py data/simulations"
    assert played(f"{gate}/good --baseline baselines/retail", repository) == 0
    assert played(f"{gate}/retail --baseline data/simulations/good", repository) == 1
    assert "pass^1 fell by 1.000" in capsys.readouterr().out
    assert played(f"{gate}/retail --at-least 0.9", repository) == 1


def test_the_gate_of_the_page_is_the_example():
    (shown,) = [body for _, body in blocks(PAGE, "python") if body.startswith("# ci_gate.py\n")]
    example = (ROOT / "examples" / "ci_gate.py").read_text(encoding="utf-8")
    assert shown == f"# ci_gate.py\n{example}"


def test_github_names_its_trigger_and_gives_no_more_rights_than_needed():
    assert GITHUB[True] == ["pull_request"]  # YAML 1.1 reads `on` as true
    assert GITHUB["permissions"] == {"contents": "read"}
