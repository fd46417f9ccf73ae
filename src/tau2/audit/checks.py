"""The checks of an audit: each returns what is wrong with a task, in words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice, permutations
from typing import Any

from tau2.audit.exploring import explored
from tau2.audit.knowledge import Library
from tau2.audit.trajectory import (
    ScriptedEpisode,
    call_of,
    do_nothing,
    hand_over,
    is_refused,
    is_write,
    random_calls,
    read_only,
)
from tau2.audit.values import (
    is_prose,
    is_spoken_date,
    needs_no_source,
    values_of,
    without_year,
)
from tau2.data_model.conventions import TRANSFER_TOOL
from tau2.data_model.tasks import Action, RewardType, Task
from tau2.environment.environment import Environment
from tau2.environment.task_setup import TaskSetup
from tau2.utils.model_json import model_json

_FEW_WRITES = 3  # six orders; of four writes there are 24 already
_FREE_TEXT = frozenset(
    {TRANSFER_TOOL, "calculate"}
)  # tools whose argument is the agent's own wording
_WORD = re.compile(r"[a-z0-9]+")


def check_reference(episode: ScriptedEpisode) -> list[str]:
    """The reference runs without error and earns 1."""
    problems = [f"reference call failed: {error}" for error in episode.errors]
    reward = episode.reward()
    return problems if reward == 1 else [*problems, f"the reference earns {reward:g}, not 1"]


def check_floor(setup: TaskSetup) -> list[str]:
    """Baseline agents earn 0."""
    actions = setup.task.reference_actions
    played = {"doing nothing": do_nothing(setup), "random calls": random_calls(setup, seed=0)}
    if not any(action.name == TRANSFER_TOOL for action in actions):
        played["handing over at once"] = hand_over(setup)
    if any(is_write(played["doing nothing"].environment, action) for action in actions):
        played["only reading"] = read_only(setup)
    rewards = {name: episode.reward() for name, episode in played.items()}
    return [f"{name} earns {reward:g}" for name, reward in rewards.items() if reward > 0]


def check_known(setup: TaskSetup, episode: ScriptedEpisode, library: Library) -> list[str]:
    """Every value is in the scenario, a schema, a required document or an earlier tool result."""
    texts = [f"{setup.task.user_scenario} {setup.task.ticket or ''}", _schemas(episode)]
    texts += [str(getattr(message, "content", "")) for message in setup.task.history]
    texts += [f"{one.title} {one.content}" for one in library.required_by(setup.task)]
    replay = ScriptedEpisode(setup)
    problems = []
    for action in setup.task.reference_actions:
        if action.name not in _FREE_TEXT:
            unknown = _unknown(action, texts)
            if unknown:
                texts += explored(replay, texts, _FREE_TEXT)
                unknown = _unknown(action, texts)
            if unknown:
                problems.append(
                    f"{action.name} needs {', '.join(unknown)}, which the agent cannot know"
                )
        texts.append(replay.call(action.name, action.arguments, action.requestor))
    return problems


def _unknown(action: Action, texts: Sequence[str]) -> list[str]:
    text = " ".join(texts)
    known = _words(text)
    values = {one.value for one in values_of(action) if not needs_no_source(one.value)}
    # Free text has a check of its own.
    return sorted(
        value
        for value in values
        if not is_prose(value)
        and not _words(without_year(value)) <= known
        and not is_spoken_date(value, text)
    )


def _schemas(episode: ScriptedEpisode) -> str:
    environment = episode.environment
    return " ".join(
        str(tool.openai_schema)
        for kit in (environment.tools, environment.user_tools)
        if kit is not None
        for tool in kit.get_tools().values()
    )


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.lower()))


def check_policy(setup: TaskSetup, episode: ScriptedEpisode, rules: Sequence[Any]) -> list[str]:
    """The reference obeys the executable rules of the domain."""
    if not rules:
        return []
    from tau2.environment.policy_rules import (  # noqa: PLC0415  -- only some domains have rules
        check_trajectory,
    )

    return [f"{v.rule}: {v.text}" for v in check_trajectory(setup.start(), episode.messages, rules)]


def check_order(setup: TaskSetup) -> list[str]:
    """Writes that run in another order without error leave the same databases."""
    start = setup.start()
    writes = [action for action in setup.task.reference_actions if is_write(start, action)]
    first = _after(start, writes)
    for order in _other_orders(writes) if first is not None else ():
        other = _after(start, order)
        if first is not None and other is not None and not first.same_state(other):
            names = " → ".join(action.name for action in order)
            return [f"another order of the writes leaves other databases: {names}"]
    return []


def _other_orders(writes: Sequence[Action]) -> Iterator[Sequence[Action]]:
    """Yield every other order of a few writes; of many, each swap of neighbours and the reverse."""
    if len(writes) <= _FEW_WRITES:
        yield from islice(permutations(writes), 1, None)
        return
    for place in range(len(writes) - 1):
        yield [*writes[:place], writes[place + 1], writes[place], *writes[place + 2 :]]
    yield writes[::-1]


def _after(start: Environment, actions: Sequence[Action]) -> Environment | None:
    """Return the environment after these actions; None when one of them fails."""
    environment = start.fork()
    for action in actions:
        if is_refused(environment, environment.get_response(call_of(action))):
            return None
    return environment


def without_judge(task: Task) -> Task:
    """Return the task as far as it can be graded without a model."""
    criteria = task.evaluation_criteria
    if criteria is None or RewardType.NL_ASSERTION not in criteria.reward_basis:
        return task
    basis = [basis for basis in criteria.reward_basis if basis is not RewardType.NL_ASSERTION]
    return task.model_copy(
        update={"evaluation_criteria": criteria.model_copy(update={"reward_basis": basis})}
    )


def work_of(task: Task) -> str:
    """Return what makes two tasks duplicates: initial state, reference calls, information."""
    actions = sorted(
        f"{action.name}{sorted((k, str(v)) for k, v in action.arguments.items())}"
        for action in task.reference_actions
    )
    state = model_json(task.initial_state) if task.initial_state else ""
    info = task.evaluation_criteria.communicate_info if task.evaluation_criteria else None
    return f"{state}|{actions}|{sorted(info or ())}"


_LABELS: dict[str, Any] = {
    "id": True,
    "description": True,
    "evaluation_criteria": {"actions": {"__all__": {"action_id"}}},
}
"""Fields that may differ between two tasks that are the same."""


def content_of(task: Task) -> str:
    """Return what two tasks share when they are the same but for their labels."""
    return model_json(task, exclude=_LABELS)
