"""How difficult a task is to be expected, from what it asks: no model, and nothing is stored."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tau2.audit.trajectory import is_write
from tau2.data_model.tasks import Action, StructuredUserInstructions, Task
from tau2.environment.environment import Environment
from tau2.environment.task_setup import TaskSetup

_SENTENCE_END = re.compile(r"(?<=[.!?;])\s+|\n+")
_CONDITION = re.compile(
    r"^(?:and |but |then )?(?:if|when|unless|once|only|as soon as)\b|, if\b", re.IGNORECASE
)
_REFUSED = re.compile(
    r"\b(?:refuse[sd]?|says? no|cannot|can't|can not|not possible|impossible|denie[sd]|declines?"
    r"|isn't possible|not allowed|no longer possible|unable)\b",
    re.IGNORECASE,
)
_RECONSIDERS = re.compile(
    r"\b(?:change your mind|after all|think again|on second thoughts?|changed your mind"
    r"|instead of that|rather)\b|\basks? you to confirm\b|\bwhether to go ahead\b",
    re.IGNORECASE,
)
_INSISTS = re.compile(
    r"\b(?:insist|persist|push|argue|complain|demand|still refuses|refuses? again|once more)",
    re.IGNORECASE,
)
_SEARCHED = re.compile(
    r"\b(?:cheapest|most expensive|lowest|highest|earliest|latest|fastest|shortest|largest"
    r"|as many|all (?:of )?(?:your|pending|the)|every|each|total|in all|altogether)\b",
    re.IGNORECASE,
)
_ID = re.compile(r"#W\d+|[A-Z0-9]{6}|[A-Z]\d{3,}|\d{10}")


@dataclass(frozen=True, slots=True)
class Features:
    """What makes a task difficult, counted."""

    changes: int
    """Changes that the agent has to make."""
    user_actions: int
    """Actions that the customer has to take, each asked for by the agent."""
    values: int
    """Values in those changes."""
    hidden: int
    """Records among them that the customer does not name, so that they have to be found."""
    figures: int
    """Figures that the customer has to be told."""
    conditions: int
    """Sentences of the scenario that hold only if something happens."""
    refusals: int
    """Sentences about what the agent refuses."""
    insistence: int
    """Sentences in which the customer comes back to what was refused."""
    reconsiderations: int
    """Sentences in which the customer decides otherwise."""
    comparisons: int
    """Sentences that need a comparison or a sum over records."""
    changes_nothing: bool
    """Whether the right thing is to change nothing."""


_INTERCEPT = -1.6
_WEIGHTS = {
    "changes": 0.48,
    "user_actions": 0.13,
    "values": 0.007,
    "hidden": 0.15,
    "figures": 0.22,
    "conditions": 0.19,
    "refusals": 0.08,
    "insistence": 0.15,
    "reconsiderations": 0.3,
    "comparisons": 0.44,
    "changes_nothing": 0.0,
}
"""Log-odds that an agent fails, for one more of each feature.

Fitted on 410 recorded conversations of language models with 158 public tasks, and rounded. What
hardly occurs there has a weight by judgement: `hidden`, `insistence` and `reconsiderations`.
"""

LEVELS = ((0.4, "easy"), (0.65, "medium"), (1.0, "hard"))
"""Upper bound of the predicted difficulty, and what it is called."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """How difficult a task is expected to be."""

    difficulty: float
    """Expected share of attempts that a language model of middling strength fails, 0 to 1."""
    features: Features

    @property
    def level(self) -> str:
        """The difficulty in a word: easy, medium or hard."""
        return next(name for bound, name in LEVELS if self.difficulty <= bound)


def predict(setup: TaskSetup) -> Prediction:
    """Return the predicted difficulty of a task; the same task always has the same."""
    features = features_of(setup)
    counts = {name: float(getattr(features, name)) for name in _WEIGHTS}
    log_odds = _INTERCEPT + sum(_WEIGHTS[name] * count for name, count in counts.items())
    return Prediction(1 / (1 + math.exp(-log_odds)), features)


def features_of(setup: TaskSetup) -> Features:
    """Count what makes a task difficult."""
    task = setup.task
    environment = setup.start()
    changes = [a for a in task.reference_actions if _is_change(environment, a)]
    text = _text_of(task)
    sentences = [part for part in _SENTENCE_END.split(text) if part]
    values = list(_leaves([action.arguments for action in changes]))
    criteria = task.evaluation_criteria
    return Features(
        changes=len(changes),
        user_actions=sum(action.requestor == "user" for action in task.reference_actions),
        values=len(values),
        hidden=len({value for value in values if _ID.fullmatch(value) and value not in text}),
        figures=len((criteria.communicate_info if criteria is not None else None) or ()),
        conditions=_count(_CONDITION, sentences),
        refusals=_count(_REFUSED, sentences),
        insistence=_count(_INSISTS, sentences),
        reconsiderations=_count(_RECONSIDERS, sentences),
        comparisons=_count(_SEARCHED, sentences),
        changes_nothing=not changes,
    )


def _is_change(environment: Environment, action: Action) -> bool:
    return action.requestor == "assistant" and is_write(environment, action)


def _text_of(task: Task) -> str:
    told = task.user_scenario.instructions
    if not isinstance(told, StructuredUserInstructions):
        return str(told)
    return "\n".join(filter(None, (told.reason_for_call, told.task_instructions)))


def _count(pattern: re.Pattern[str], sentences: list[str]) -> int:
    return sum(pattern.search(sentence) is not None for sentence in sentences)


def _leaves(value: Any) -> Iterator[str]:
    """Yield the single values of arguments, as texts."""
    if isinstance(value, dict):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    else:
        yield value if isinstance(value, str) else json.dumps(value)
