"""Which tasks are trained on and which are held out."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from tau2.data_model.tasks import Task
from tau2.errors import ConfigError
from tau2.run import get_tasks, load_task_splits

logger = logging.getLogger(__name__)


def sliced(tasks: Sequence[Task], train: int, val: int | None, test: int) -> dict[str, list[Task]]:
    """Return the tasks as "train", "eval" and "test": the first are for the test, the next for training, then "eval".

    Without a size for it, "eval" is the test. Where there are fewer tasks than asked for, every part shrinks in
    proportion, with a warning that says the real sizes; the parts never overlap, and training always gets a task.
    """
    asked = [train, val or 0, test]
    if min(asked) < 0:
        raise ConfigError(
            f"the number of tasks must not be negative: train {train}, val {val}, test {test}"
        )
    n_train, n_val, n_test = _fitted(asked, len(tasks))
    if [n_train, n_val, n_test] != asked:
        logger.warning(
            "%d tasks were asked for, but there are %d: train %d, val %d, test %d",
            sum(asked), len(tasks), n_train, n_val, n_test,
        )  # fmt: skip
    held_out = list(tasks[:n_test])
    validation = list(tasks[n_test + n_train :][:n_val]) if val is not None else list(held_out)
    return {"train": list(tasks[n_test:][:n_train]), "eval": validation, "test": held_out}


def _fitted(asked: list[int], available: int) -> list[int]:
    """Return sizes in the proportion of those asked for, training first, that the tasks suffice for."""
    total = sum(asked)
    if total <= available:
        return asked
    sizes = [size * available // total for size in asked]
    by_remainder = sorted(
        range(len(asked)), key=lambda i: asked[i] * available % total, reverse=True
    )
    for i in by_remainder[: available - sum(sizes)]:
        sizes[i] += 1
    if asked[0] and not sizes[0] and available:
        sizes[sizes.index(max(sizes))] -= 1
        sizes[0] = 1
    return sizes


def by_domain(domain: str, train: int, val: int | None, test: int) -> dict[str, list[Task]]:
    """Return tau2's own train and test split of a domain, each cut to its size; `val` tasks are taken off train.

    Raise ConfigError for a domain without them.
    """
    splits = load_task_splits(domain) or {}
    if not {"train", "test"} <= set(splits):
        raise ConfigError(
            f"domain {domain!r} has no train and test split of its own; leave domain_splits off"
        )
    own, held_out = get_tasks(domain, "train"), get_tasks(domain, "test")[:test]
    parts = sliced(own, train, val, 0)
    return {
        "train": parts["train"],
        "eval": parts["eval"] if val is not None else held_out,
        "test": held_out,
    }
