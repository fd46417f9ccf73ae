"""Plays the reference of every public banking task, with what each call came to.

    TAU2_DATA_DIR=path/to/data python -m tests.compat.banking_references

prints a line for every task: its reward, how many calls there are, and those that were refused. A
reference can earn 1 although a call of it is refused, since the gold database lacks the same
effect; a conversation in which the same thing is done as it should be then fails.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

from tau2.audit.checks import without_judge
from tau2.audit.trajectory import play_reference
from tau2.data_model.message import ToolMessage
from tau2.domains.banking_knowledge.spec import DOMAIN
from tau2.environment.task_setup import TaskSetup

KNOWN_REFUSALS = frozenset({"task_051", "task_083"})
"""Tasks whose reference is known to contain calls that are refused: a request for a credit limit
that exists already, and four disputes that lack an argument."""


@dataclass(frozen=True, slots=True)
class Played:
    """The reference of a task after it was played on a fresh environment."""

    task_id: str
    reward: float
    calls: int
    refused: list[str] = field(default_factory=list)
    """The results of the calls that were refused."""


def refused(text: str) -> bool:
    """Return whether a result is a refusal; with `strict_compat` that is no tool error."""
    return text.startswith("Error")


def played_references() -> Iterator[Played]:
    """Play the reference of every task of the data folder in use."""
    for task in DOMAIN.tasks(None):
        judged_by_rules = without_judge(task)
        setup = TaskSetup(
            judged_by_rules, lambda: DOMAIN.environment(retrieval_variant="no_knowledge")
        )
        episode = play_reference(setup)
        results = [message for message in episode.messages if isinstance(message, ToolMessage)]
        yield Played(
            task.id,
            episode.reward(),
            len(results),
            [
                result.content or ""
                for result in results
                if result.error or refused(result.content or "")
            ],
        )


def main() -> None:
    rows = list(played_references())
    for row in rows:
        notes = "; ".join(text.replace("\n", " ")[:100] for text in row.refused)
        line = f"{row.task_id}  reward {row.reward:g}  calls {row.calls:2}  {notes}"
        sys.stdout.write(line.rstrip() + "\n")
    earned = sum(row.reward == 1.0 for row in rows)
    clean = sum(not row.refused for row in rows)
    unexpected = {row.task_id for row in rows if row.refused} - KNOWN_REFUSALS
    sys.stdout.write(f"{len(rows)} tasks: {earned} earn 1, {clean} without a refused call\n")
    sys.exit(0 if earned == len(rows) and not unexpected else 1)


if __name__ == "__main__":
    main()
