from __future__ import annotations

from pathlib import Path

from tau2.cli.resume import resume_command


def test_the_command_names_the_folder_and_resumes(workplace):
    folder = Path("data/simulations/20260101_mock")
    assert (
        resume_command(["-d", "mock"], folder)
        == "tau2 run -d mock --save-to 20260101_mock --auto-resume"
    )


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


MOCK = ("--domain", "mock", "--agent", "oracle_agent", "--user", "scripted_user")


def test_a_run_is_resumed_by_its_name_alone(tau2, workplace):
    tau2("run", *MOCK, "--num-tasks", "3", "--save-to", "first")
    next(Path("data/simulations/first/simulations").iterdir()).unlink()
    ended = tau2("run", "--resume", "first")
    assert ended.code == 0
    assert "3 simulations, 2 already done" in ended.out
    assert "average reward  1.000  over 3 of 3" in ended.out


def test_what_is_given_with_resume_extends_the_run(tau2, workplace):
    tau2("run", *MOCK, "--num-tasks", "2", "--save-to", "first")
    assert "over 4 of 4 simulations" in tau2("run", "--resume", "first", "--num-trials", "2").out


def test_another_agent_is_another_run(tau2, workplace):
    tau2("run", *MOCK, "--num-tasks", "1", "--save-to", "first")
    ended = tau2("run", "--resume", "first", "--agent", "lazy_agent")
    assert ended.code == 2
    assert "agent_info.implementation: stored 'oracle_agent', now 'lazy_agent'" in ended.err


def test_secrets_are_not_stored_and_have_to_be_given_again(tau2, workplace):
    secret = "sk-verysecretverysecret"
    config = ("--agent-llm", "openai/none", "--agent-llm-args", f'{{"api_key": "{secret}"}}')
    tau2("run", *MOCK, *config, "--num-tasks", "1", "--save-to", "first")
    assert all(secret not in file.read_text() for file in Path("data").rglob("*.json*"))
    ended = tau2("run", "--resume", "first")
    assert ended.code == 2
    assert "secrets of this run were not stored: llm_args_agent.api_key" in ended.err
    assert tau2("run", "--resume", "first", *config).code == 0


def test_a_command_whose_secrets_were_taken_out_is_not_played(tau2):
    ended = tau2("run", *MOCK, "--agent-llm-args", '{"api_key": "[redacted]"}')
    assert ended.code == 2
    assert "llm_args_agent.api_key: a secret was taken out here" in ended.err


def test_a_run_without_stored_settings_says_what_to_do(tau2, workplace):
    tau2("run", *MOCK, "--num-tasks", "1", "--save-to", "first")
    Path("data/simulations/first/config.json").unlink()
    ended = tau2("run", "--resume", "first")
    assert ended.code == 2
    assert "repeat the command of the run with --save-to and --auto-resume" in ended.err
