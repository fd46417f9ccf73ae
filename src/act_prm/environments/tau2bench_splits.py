"""The tasks of "train", "eval" and "test"."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from tau2.data_model.tasks import Task
from tau2.errors import ConfigError
from tau2.rollout import generate_tasks
from tau2.run import get_tasks, load_task_splits
from tau2.utils.json_types import JsonMapping

logger = logging.getLogger(__name__)


def sliced(tasks: Sequence[Task], train: int, val: int | None, test: int) -> dict[str, list[Task]]:
    """Return the tasks as "train", "eval" and "test".

    The first tasks are the test split, the next are for training, then come those for "eval".

    Without a size for "eval" (`val`), it is the test split. Where there are fewer tasks than
    requested, all splits shrink in proportion, with a warning that names the real sizes; the splits
    never overlap, and "train" is never left empty. Raise ConfigError for a negative size.
    """
    requested = [train, val or 0, test]
    if min(requested) < 0:
        raise ConfigError(
            f"the number of tasks must not be negative: train {train}, val {val}, test {test}"
        )
    sizes = _shrunk(requested, len(tasks))
    n_train, n_val, n_test = sizes
    if sizes != requested:
        logger.warning(
            "%d tasks were asked for, but there are %d: train %d, val %d, test %d",
            sum(requested),
            len(tasks),
            *sizes,
        )
    held_out = list(tasks[:n_test])
    validation = list(tasks[n_test + n_train :][:n_val]) if val is not None else list(held_out)
    return {"train": list(tasks[n_test:][:n_train]), "eval": validation, "test": held_out}


def generated(
    domain: str, factory: JsonMapping, train: int, val: int | None, test: int
) -> dict[str, list[Task]]:
    """Return new tasks of a domain's task factory.

    "train" and "eval" are different tasks of the kinds for training; "test" is of kinds that are
    held out of training.

    `factory` may hold `seed` (default 0) and `difficulty` (default: mixed). Without a size for
    "eval" it has as many tasks as "test". Raise ConfigError for a domain without a factory, one
    that holds out no kinds, or another key.
    """
    if unknown := sorted(set(factory) - {"seed", "difficulty"}):
        raise ConfigError(f"generated: unknown keys {unknown}; known: difficulty, seed")
    seed = int(factory.get("seed", 0))
    difficulty = factory.get("difficulty")
    validation = test if val is None else val
    seen = generate_tasks(domain, train + validation, seed, difficulty)
    new = generate_tasks(domain, test, seed, difficulty, "new") if test else []
    return {"train": seen[:train], "eval": seen[train:], "test": new}


def _shrunk(requested: list[int], available: int) -> list[int]:
    """Return sizes in the proportion of those requested that sum to at most `available`."""
    total = sum(requested)
    if total <= available:
        return requested
    # Largest remainder method: the tasks left over by rounding down go to the largest remainders.
    sizes = [size * available // total for size in requested]
    by_remainder = sorted(
        range(len(requested)), key=lambda i: requested[i] * available % total, reverse=True
    )
    for i in by_remainder[: available - sum(sizes)]:
        sizes[i] += 1
    if requested[0] and not sizes[0] and available:
        sizes[sizes.index(max(sizes))] -= 1
        sizes[0] = 1
    return sizes


def by_domain(domain: str, train: int, val: int | None, test: int) -> dict[str, list[Task]]:
    """Return a domain's own train and test splits, each cut to its size; "eval" is taken off train.

    Raise ConfigError for a domain without these splits.
    """
    splits = load_task_splits(domain) or {}
    if not {"train", "test"} <= set(splits):
        raise ConfigError(
            f"domain {domain!r} has no train and test split of its own; leave domain_splits off"
        )
    held_out = get_tasks(domain, "test")[:test]
    parts = sliced(get_tasks(domain, "train"), train, val, 0)
    return {
        "train": parts["train"],
        "eval": parts["eval"] if val is not None else held_out,
        "test": held_out,
    }
