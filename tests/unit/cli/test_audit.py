"""`tau2 audit` and `tau2 tasks generate` as a user types them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tau2.cli import main
from tau2.registry import registry


def test_audit_prints_a_table_and_succeeds_on_sound_tasks(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["audit", "--domain", "mock"]) == 0
    shown = capsys.readouterr().out
    assert "10/10" in shown
    assert "reference" in shown


def test_audit_of_a_bad_file_names_the_task_and_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = {
        "id": "lost",
        "user_scenario": {"instructions": "Close a task."},
        "evaluation_criteria": {
            "actions": [
                {
                    "action_id": "a",
                    "name": "update_task_status",
                    "arguments": {"task_id": "task_77"},
                }
            ]
        },
    }
    file = tmp_path / "tasks.json"
    file.write_text(json.dumps([broken]))
    assert main(["audit", "--domain", "mock", "--tasks-file", str(file), "--json"]) == 1
    report = json.loads(capsys.readouterr().out)[0]
    assert {finding["task_id"] for finding in report["findings"]} == {"lost"}


def test_audit_of_an_unknown_domain_suggests_the_nearest(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["audit", "--domain", "mok"]) == 2
    assert "did you mean 'mock'" in capsys.readouterr().err


def test_generate_refuses_a_domain_without_a_factory(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = replace(registry.domains.get("mock"), generate=None)
    monkeypatch.setattr(registry.domains, "get", lambda _name: bare)
    assert main(["tasks", "generate", "--domain", "mock", "--n", "3"]) == 2
    assert "no task factory" in capsys.readouterr().err


@pytest.mark.parametrize("domain", ["mock", "retail", "airline", "telecom"])
def test_generated_tasks_pass_the_audit_and_can_be_played(
    domain: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert (
        main(
            [
                "tasks",
                "generate",
                "--domain",
                domain,
                "--n",
                "12",
                "--seed",
                "5",
                "--out",
                "new.json",
            ]
        )
        == 0
    )
    assert "12 tasks written, 0 left out" in capsys.readouterr().err
    assert main(["audit", "--domain", domain, "--tasks-file", "new.json"]) == 0
    play = [
        "run",
        "--domain",
        domain,
        "--tasks-file",
        "new.json",
        "--agent",
        "oracle_agent",
        "--user",
        "scripted_user",
    ]
    capsys.readouterr()
    assert main([*play, "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["average_reward"] == 1.0


@pytest.mark.parametrize(
    ("action", "option"),
    [
        ("difficulty", ("--n", "3")),
        ("difficulty", ("--seed", "0")),
        ("difficulty", ("--difficulty", "hard")),
        ("difficulty", ("--kinds", "new")),
        ("difficulty", ("--out", "file.json")),
        ("generate", ("--task-split-name", "test")),
        ("generate", ("--tasks-file", "file.json")),
        ("generate", ("--json",)),
    ],
)
def test_an_option_of_the_other_action_is_refused(
    action: str, option: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tasks", action, "--domain", "mock", *option]) == 2
    other = {"generate": "difficulty", "difficulty": "generate"}[action]
    assert f"{option[0]} belongs to {other}, not to {action}" in capsys.readouterr().err


def test_difficulty_ends_with_the_totals(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tasks", "difficulty", "--domain", "mock"]) == 0
    *_, last = capsys.readouterr().out.strip().splitlines()
    assert last == "10 easy; mean difficulty 0.27"
