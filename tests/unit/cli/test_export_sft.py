"""`tau2 export sft`, as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


def rows(file="sft.jsonl"):
    return [json.loads(line) for line in Path(file).read_text().splitlines()]


def test_reference_episodes_of_generated_tasks_are_the_same_every_time(tau2):
    command = ("export", "sft", "--domain", "mock", "--n", "3", "--seed", "7")
    ended = tau2(*command)
    assert ended.code == 0
    assert "wrote sft.jsonl: 3 conversations, " in ended.out
    first = Path("sft.jsonl").read_bytes()
    tau2(*command)
    assert Path("sft.jsonl").read_bytes() == first
    tau2(*command[:-1], "8", "-o", "other.jsonl")
    assert Path("other.jsonl").read_bytes() != first


def test_trials_are_other_wordings_of_the_same_tasks(tau2):
    tau2("export", "sft", "--domain", "mock", "--n", "2", "--trials", "2")
    found = rows()
    assert [(one["task_id"], one["trial"]) for one in found] == [
        ("mock_0_any_0", 0), ("mock_0_any_1", 0), ("mock_0_any_0", 1), ("mock_0_any_1", 1),
    ]  # fmt: skip
    assert found[0]["messages"] != found[2]["messages"]


def test_stored_runs_are_filtered_by_reward(tau2):
    who = ("--domain", "mock", "--user", "scripted_user", "--task-ids", "create_task_1")
    tau2("run", *who, "--agent", "oracle_agent", "--save-to", "good")
    tau2("run", *who, "--agent", "lazy_agent", "--save-to", "poor")
    ended = tau2("export", "sft", "good", "poor")
    assert "wrote sft.jsonl: 1 conversation, " in ended.out
    assert "left out: 1 reward too low" in ended.out
    assert [one["task_id"] for one in rows()] == ["create_task_1"]
    none = tau2("export", "sft", "poor")
    assert none.code == 2
    assert "no conversation is worth imitating: 1 reward too low" in none.err
    about = json.loads(tau2("export", "sft", "good", "--json", "-o", "again.jsonl").out)
    assert (about["file"], about["rows"]) == ("again.jsonl", 1)


def test_test_tasks_are_refused_unless_they_are_asked_for(tau2):
    refused = tau2("export", "sft", "--domain", "retail", "--task-split-name", "test_new")
    assert refused.code == 2
    assert "held out of training" in refused.err
    tau2("tasks", "generate", "--domain", "mock", "--n", "1", "--kinds", "new", "--out", "new.json")
    command = ("export", "sft", "--domain", "mock", "--tasks-file", "new.json")
    assert "1 task held out of training (mock_0_new_any_0)" in tau2(*command).err
    assert tau2(*command, "--include-test-tasks").code == 0


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ((), "name stored runs, or a --domain"),
        (("first", "--domain", "mock"), "name stored runs, or a --domain"),
        (("--domain", "mock", "--to", "csv"), "sft is written as jsonl or parquet"),
        (("--domain", "mock", "--n", "1", "--tasks-file", "x"), "give one of them"),
        (("--domain", "mock", "--difficulty", "easy"), "so it needs --n"),
        (("first", "--seed", "3"), "--seed is for episodes that are played"),
        (("--domain", "mock", "--n", "1", "--max-tokens", "9"), "needs --tokenizer"),
    ],
)
def test_options_that_make_no_sense_together_are_refused(tau2, words, reason):
    ended = tau2("export", "sft", *words)
    assert ended.code == 2
    assert reason in ended.err


def test_options_of_sft_are_not_for_tables(tau2):
    ended = tau2("export", "first", "--min-reward", "1")
    assert ended.code == 2
    assert "--min-reward belongs to `tau2 export sft`" in ended.err
