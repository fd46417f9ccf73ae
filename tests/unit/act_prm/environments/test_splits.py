"""Which tasks are trained on."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from act_prm.environments import Tau2BenchEnv
from act_prm.environments.tau2bench_splits import sliced
from tau2.errors import ConfigError
from tau2.run import get_tasks, load_task_splits

SIZE = st.integers(0, 40)


def sizes(env) -> dict[str, int]:
    return {name: len(tasks) for name, tasks in env.datasets.items()}


def test_slices_take_the_test_first():
    parts = sliced(list("abcdefgh"), train=3, val=2, test=2)
    assert {name: "".join(tasks) for name, tasks in parts.items()} == {
        "test": "ab",
        "train": "cde",
        "eval": "fg",
    }


def test_without_a_size_the_test_is_the_evaluation():
    parts = sliced(list("abcdefgh"), train=3, val=None, test=2)
    assert parts["eval"] == parts["test"] == ["a", "b"]


def test_too_few_tasks_are_shared_in_proportion_and_the_sizes_told(caplog):
    with caplog.at_level(logging.WARNING):
        parts = sliced(list(range(50)), train=80, val=None, test=50)
    assert (len(parts["train"]), len(parts["test"])) == (31, 19)
    assert "130 tasks were asked for, but there are 50: train 31, val 0, test 19" in caplog.text


@given(available=st.integers(1, 60), train=SIZE, val=st.none() | SIZE, test=SIZE)
def test_parts_never_overlap_and_training_gets_a_task(available, train, val, test):
    parts = sliced(list(range(available)), train, val, test)
    together = parts["train"] + parts["test"] + (parts["eval"] if val is not None else [])
    assert len(together) == len(set(together)) <= available
    assert bool(parts["train"]) == bool(train)
    assert len(parts["train"]) <= train
    assert len(parts["test"]) <= test


def test_sizes_below_zero():
    with pytest.raises(ConfigError, match="must not be negative"):
        sliced([], train=-1, val=None, test=0)


@pytest.mark.parametrize("domain", ["mock", "airline", "retail", "telecom"])
def test_the_default_sizes_suit_every_domain(domain):
    env = Tau2BenchEnv(domain)
    count = sizes(env)
    assert count["train"] > 0
    assert count["test"] > 0
    assert count["train"] + count["test"] == min(130, len(get_tasks(domain)))
    assert not {task.id for task in env.datasets["train"]} & {
        task.id for task in env.datasets["test"]
    }


def test_the_splits_of_the_domain():
    own = load_task_splits("airline")
    env = Tau2BenchEnv("airline", domain_splits=True, num_train_tasks=1000, num_test_tasks=3)
    assert [task.id for task in env.datasets["train"]] == list(own["train"])
    assert [task.id for task in env.datasets["test"]] == list(own["test"])[:3]
    assert env.datasets["eval"] == env.datasets["test"]
    with_val = Tau2BenchEnv("airline", domain_splits=True, num_train_tasks=5, num_val_tasks=2)
    assert sizes(with_val) == {"train": 5, "eval": 2, "test": len(own["test"][:50])}


def test_a_domain_without_splits_of_its_own():
    with pytest.raises(ConfigError, match="leave domain_splits off"):
        Tau2BenchEnv("mock", domain_splits=True)


def test_one_split_of_a_domain():
    env = Tau2BenchEnv("airline", task_split="test", num_train_tasks=4, num_test_tasks=2)
    assert {task.id for tasks in env.datasets.values() for task in tasks} <= set(
        load_task_splits("airline")["test"]
    )


def test_tasks_by_their_ids():
    env = Tau2BenchEnv(
        "mock", task_ids=["update_task_1", "create_task_1"], num_train_tasks=1, num_test_tasks=1
    )
    assert [task.id for task in env.datasets["test"] + env.datasets["train"]] == [
        "update_task_1",
        "create_task_1",
    ]


def test_generated_tasks_hold_new_kinds_out_of_training():
    env = Tau2BenchEnv(
        "mock", generated={"seed": 4}, num_train_tasks=20, num_val_tasks=6, num_test_tasks=5
    )
    sizes = {split: len(tasks) for split, tasks in env.datasets.items()}
    assert sizes == {"train": 20, "eval": 6, "test": 5}
    assert len({task.id for tasks in env.datasets.values() for task in tasks}) == 31
    kinds = {
        split: {task.description.notes for task in tasks} for split, tasks in env.datasets.items()
    }
    assert kinds["test"].isdisjoint(kinds["train"] | kinds["eval"])


def test_an_unknown_wish_of_the_factory_is_named():
    with pytest.raises(ConfigError, match="unknown keys"):
        Tau2BenchEnv("mock", generated={"level": "easy"})
