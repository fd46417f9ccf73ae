"""A stranger's run folder is data: no command sends a key, or opens a file, because it says so."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from tests.stub import StubServer

SECRET = "Zq81-our-own-secret-92"
FOLDER = Path("data/simulations/theirs")
USER = ("--user", "scripted_user")


@pytest.fixture
def trap():
    """The stranger's server; it must not be asked."""
    with StubServer("Give me more. ###STOP###") as stub:
        yield stub


@pytest.fixture
def theirs(tau2, trap, monkeypatch):
    """A run in whose every file the stranger's address stands."""
    with StubServer("Hello. ###STOP###") as ours:
        args = json.dumps({"api_base": ours.base_url})
        played = tau2(
            "run", "-d", "mock", "--agent-llm", "openai/small", "--agent-llm-args", args, *USER,
            "--num-tasks", "2", "--save-to", "theirs", "--record",
        )  # fmt: skip
    assert played.code == 0
    for file in FOLDER.rglob("*.json*"):
        file.write_text(file.read_text().replace(ours.base_url, trap.base_url))
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    monkeypatch.setenv("ANTHROPIC_API_KEY", SECRET)
    return tau2


@pytest.fixture
def unfinished(theirs):
    """The same, with one simulation missing."""
    next((FOLDER / "simulations").iterdir()).unlink()
    return theirs


def change_settings(**changes):
    file = FOLDER / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_resume_refuses_an_address_that_only_the_folder_names(unfinished, trap):
    ended = unfinished("run", "--resume", "theirs")
    assert ended.code == 2
    assert f"llm_args_agent.api_base = '{trap.base_url}'" in ended.err
    assert "--trust-settings" in ended.err
    assert trap.requests == 0


def test_a_dry_run_is_refused_as_well_and_shown_settings_are_not(unfinished, trap):
    assert unfinished("run", "--resume", "theirs", "--dry-run").code == 2
    shown = unfinished("run", "--resume", "theirs", "--print-config")
    assert (shown.code, trap.base_url in shown.out, trap.requests) == (0, True, 0)


def test_resume_goes_on_when_it_is_told_to_trust(unfinished, trap):
    assert unfinished("run", "--resume", "theirs", "--trust-settings").code == 0
    assert trap.requests > 0


def test_resume_goes_on_when_the_caller_names_the_address(unfinished, trap, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", trap.base_url)
    assert unfinished("run", "--resume", "theirs").code == 0
    assert trap.requests > 0


def test_resume_with_an_address_of_the_callers_own_is_another_run(unfinished, trap):
    with StubServer("Hello. ###STOP###") as ours:
        args = json.dumps({"api_base": ours.base_url})
        ended = unfinished("run", "--resume", "theirs", "--agent-llm-args", args)
        assert (ended.code, "agent_info.llm_args" in ended.err) == (2, True)
    assert trap.requests == 0


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 2), ("", 2)])
def test_on_a_terminal_a_person_is_asked(unfinished, trap, monkeypatch, answer, code):
    def answered(_prompt):
        if not answer:
            raise EOFError
        return answer

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", answered)
    assert unfinished("run", "--resume", "theirs").code == code
    assert (trap.requests > 0) is (code == 0)


def test_resume_opens_no_tasks_file_that_only_the_folder_names(unfinished, tmp_path):
    with StubServer("Hello. ###STOP###") as ours:
        args = ("--agent-llm-args", json.dumps({"api_base": ours.base_url}))
        private = tmp_path / "private.json"
        private.write_text("no tasks")
        change_settings(tasks_file=str(private))
        ended = unfinished("run", "--resume", "theirs", *args)
        assert ended.code == 2
        assert f"tasks_file = '{private}'" in ended.err
        assert "not valid" not in ended.err  # it was not read
        named = unfinished("run", "--resume", "theirs", "--tasks-file", str(private), *args)
        assert "private.json: not valid json" in named.err


def test_resume_writes_no_cache_where_only_the_folder_says(unfinished, tmp_path):
    change_settings(cache=str(tmp_path / "cache"), llm_args_agent={})
    assert "cache = " in unfinished("run", "--resume", "theirs").err
    assert not (tmp_path / "cache").exists()


def test_many_settings_are_not_all_listed_and_none_with_a_key(unfinished):
    change_settings(llm_args_agent={f"url_{number}": f"http://h/?token={SECRET}"
                                    for number in range(50)})  # fmt: skip
    err = unfinished("run", "--resume", "theirs").err
    assert "… and 30 more" in err
    assert SECRET not in err


def test_auto_resume_takes_no_setting_from_the_folder(unfinished, trap):
    with StubServer("Hello. ###STOP###") as ours:
        args = json.dumps({"api_base": ours.base_url})
        ended = unfinished(
            "run", "-d", "mock", "--agent-llm", "openai/small", "--agent-llm-args", args, *USER,
            "--num-tasks", "2", "--save-to", "theirs", "--auto-resume",
        )  # fmt: skip
        assert (ended.code, "agent_info.llm_args" in ended.err, trap.requests) == (2, True, 0)


@pytest.mark.parametrize(
    "command",
    [
        ("replay", "theirs"),
        ("evaluate-trajs", "theirs"),
        ("evaluate-trajs", "theirs", "--fresh-tasks", "-o", "graded"),
        ("view", "theirs"),
        ("view", "theirs", "--task-id", "create_task_1"),
        ("report", "theirs", "-o", "report.html"),
        ("export", "theirs", "-o", "tables"),
        ("compare", "theirs", "theirs"),
        ("leaderboard",),
        ("submit", "prepare", "theirs", "--output-dir", "submission"),
        ("submit", "verify-trajs", "theirs"),
    ],
)
def test_no_other_command_asks_the_strangers_server(theirs, trap, tmp_path, command):
    private = tmp_path / "private.json"
    private.write_text("no tasks")
    change_settings(
        tasks_file=str(private),
        auto_review=True,
        review_args={"api_base": trap.base_url},
        llm_args_judge={"api_base": trap.base_url},
        cache=str(tmp_path / "cache"),
    )
    ended = theirs(*command)
    assert (ended.code, ended.err) in {(0, ""), (1, "")}
    assert trap.requests == 0
    assert not (tmp_path / "cache").exists()
    assert "not valid" not in ended.err + ended.out


def test_a_review_asks_the_reviewer_of_the_caller(theirs, trap):
    change_settings(review_args={"api_base": trap.base_url})
    with StubServer('{"summary": "", "errors": []}') as ours:
        args = json.dumps({"api_base": ours.base_url})
        model = ("--review-model", "openai/small", "--review-args", args)
        assert theirs("review", "theirs", *model).code == 0
        assert ours.requests > 0
    assert trap.requests == 0


def test_trust_without_a_run_to_resume_is_refused(tau2):
    ended = tau2("run", "--domain", "mock", "--trust-settings")
    assert ended.code == 2
    assert "add --resume RUN" in ended.err
