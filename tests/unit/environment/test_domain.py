"""A domain's files: read once, never handed out to be changed, and named when they are broken."""

from __future__ import annotations

import json
import os

import pytest

from tau2.domains.mock.data_model import MockDB
from tau2.domains.mock.environment import get_tasks
from tau2.environment.domain import (
    DomainSpec,
    dump_tasks,
    load_reference_db,
    load_split,
    load_splits,
    load_tasks_file,
    load_text,
    parse_tasks,
)
from tau2.environment.environment import Environment
from tau2.errors import ConfigError, DataFileError, UnknownName


def write(path, value, age: int = 0):
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    os.utime(path, ns=(10**18 + age, 10**18 + age))
    return path


TASK = {"id": "1", "user_scenario": {"instructions": "Ask."}}


def test_a_database_is_parsed_once_and_again_when_it_changes(tmp_path):
    path = write(tmp_path / "db.json", {"users": {}})
    first, second = load_reference_db(MockDB, path), load_reference_db(MockDB, path)
    assert first is not second
    assert first.reference is second.reference
    write(path, {"users": {"u": {"user_id": "u", "name": "U"}}}, age=1)
    assert set(load_reference_db(MockDB, path).users) == {"u"}


def test_texts_and_splits(tmp_path):
    assert load_text(write(tmp_path / "policy.md", "Be kind.")) == "Be kind."
    splits = write(tmp_path / "splits.json", {"train": ["1"]})
    load_splits(splits)["train"].append("2")
    assert load_splits(splits) == {"train": ["1"]}
    with pytest.raises(DataFileError, match="cannot be read"):
        load_text(tmp_path / "none.md")
    (tmp_path / "latin.md").write_bytes(b"caf\xe9")
    with pytest.raises(DataFileError, match="not valid UTF-8"):
        load_text(tmp_path / "latin.md")
    with pytest.raises(DataFileError, match=r"bad\.json: train"):
        load_splits(write(tmp_path / "bad.json", {"train": 7}))


def test_loaded_tasks_are_copies(tmp_path):
    path = write(tmp_path / "tasks.json", [TASK])
    load_tasks_file(path)[0].id = "changed"
    assert load_tasks_file(path)[0].id == "1"


def test_a_split_selects_in_file_order(tmp_path):
    tasks = write(tmp_path / "tasks.json", [{**TASK, "id": i} for i in "123"])
    splits = write(tmp_path / "splits.json", {"train": ["3", "1"]})
    assert [task.id for task in load_split(tasks, splits, "train")] == ["1", "3"]
    assert len(load_split(tasks, splits, None)) == 3
    with pytest.raises(UnknownName, match="did you mean 'train'"):
        load_split(tasks, splits, "trian")


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({}, "a list of tasks is expected"),
        ([{"id": "7"}], "task 7: user_scenario: Field required"),
        ([TASK, TASK], "task 1: this id is used twice"),
        ([5], "task number 0"),
        (
            [{**TASK, "evaluation_criteria": {"actions": [{"name": 3}]}}],
            r"task 1: evaluation_criteria\.actions\.0",
        ),
    ],
)
def test_a_broken_task_is_named_with_its_field(raw, words):
    with pytest.raises(DataFileError, match=words):
        parse_tasks(raw, "tasks.json")


def test_every_broken_task_is_named_at_once():
    with pytest.raises(DataFileError) as problem:
        parse_tasks([{"id": "7"}, {"id": "8"}], "tasks.json")
    assert "task 7" in str(problem.value)
    assert "task 8" in str(problem.value)


def test_dumped_tasks_load_again(tmp_path):
    dump_tasks(get_tasks(), tmp_path / "tasks.json")
    again = load_tasks_file(tmp_path / "tasks.json")
    assert [task.id for task in again] == [task.id for task in get_tasks()]
    assert [task.evaluation_criteria for task in again] == [
        task.evaluation_criteria for task in get_tasks()
    ]


def library(**fields):
    return DomainSpec("library", Environment, list, **fields)


def test_a_domain_with_variants_names_one_for_a_run_that_does_not():
    spec = library(variants={"grep_only": "grep", "bm25": "search"}, default_variant="bm25")
    assert spec.variant(None) == "bm25"
    assert spec.variant("Grep_Only") == "grep_only"
    with pytest.raises(UnknownName, match="did you mean 'bm25'"):
        spec.variant("bm26")
    assert library(variants=spec.variants, default_variant=lambda: "grep_only").variant(None) == (
        "grep_only"
    )


def test_a_domain_without_variants_refuses_one():
    assert library().variant(None) is None
    with pytest.raises(ConfigError, match="domain 'library' has no retrieval variants"):
        library().variant("bm25")
