from __future__ import annotations

from pathlib import Path

from tau2.cli.resume import resume_command


def test_the_command_names_the_folder_and_resumes(workplace):
    folder = Path("data/simulations/20260101_mock")
    assert resume_command(["-d", "mock"], folder) == "tau2 run -d mock --save-to 20260101_mock --auto-resume"


def test_what_was_said_about_the_folder_is_said_once(workplace):
    folder = Path("data/simulations/first")
    for given in (
        ["--save-to", "first", "-d", "mock"],
        ["-d", "mock", "--save-to=first"],
        ["--auto-resume", "-d", "mock"],
    ):
        assert resume_command(given, folder) == "tau2 run -d mock --save-to first --auto-resume"


def test_arguments_are_quoted_for_the_shell(workplace, tmp_path):
    command = resume_command(["--agent-llm-args", '{"temperature": 0}'], tmp_path / "my runs")
    assert """'{"temperature": 0}'""" in command
    assert f"--save-to '{tmp_path}/my runs'" in command
