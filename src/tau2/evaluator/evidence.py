"""What a check looks at: the conversation, the actual environment, and the gold one."""

from __future__ import annotations

import hashlib
import logging
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from threading import Lock

from tau2.data_model.message import Message
from tau2.data_model.tasks import HISTORY_TIMES, Action, EvaluationCriteria, Task
from tau2.environment.cow import clone
from tau2.environment.environment import Environment
from tau2.environment.history import executed_calls
from tau2.environment.task_setup import TaskSetup, set_initial_state
from tau2.llm.request import CompletionFn
from tau2.utils.json_types import JsonObject
from tau2.utils.model_json import model_json

logger = logging.getLogger(__name__)


class ReplayRule(StrEnum):
    """What a stored trajectory has to agree with when its tool calls are executed again."""

    EFFECTS = "effects"
    """Only the databases count, at the end; what tool results say is not looked at."""
    STRICT = "strict"
    """Every call is followed by its result, and every result is as it was recorded."""
    LENIENT = "lenient"
    """As strict, but a result that differs is logged, and no failure."""


def replay_rule(strict_replay: bool) -> ReplayRule:
    """Return the rule that the public argument `strict_replay` means."""
    return ReplayRule.STRICT if strict_replay else ReplayRule.LENIENT


@dataclass(frozen=True, slots=True)
class Judge:
    """The model that judges natural-language assertions."""

    model: str
    args: JsonObject = field(default_factory=dict)
    completion_fn: CompletionFn | None = None


@dataclass(frozen=True, slots=True)
class Gold:
    """The environment after the reference actions, and what went wrong in them."""

    environment: Environment
    errors: list[str]
    """Reference actions that failed; a correct task has none."""


@dataclass
class Evidence:
    """Everything the checks of one simulation may look at.

    `live` is the environment the episode was played on; without it, the stored trajectory is
    replayed on a fresh one.
    """

    setup: TaskSetup
    messages: list[Message]
    live: Environment | None = None
    replay: ReplayRule = ReplayRule.STRICT
    strict_compat: bool = False
    judge: Judge | None = None

    @property
    def task(self) -> Task:
        """The task that was played."""
        return self.setup.task

    @property
    def criteria(self) -> EvaluationCriteria:
        """The task's criteria; empty ones when it has none."""
        return self.task.evaluation_criteria or EvaluationCriteria()

    @cached_property
    def start(self) -> Environment:
        """A fresh environment, prepared for the task, before its initial state.

        For facts about tools, never to be played on.
        """
        environment = self.setup.fresh()
        environment.prepare(self.task)
        return environment

    @cached_property
    def actual(self) -> Environment:
        """The environment as the episode left it.

        Raise ReplayMismatch when a stored trajectory does not replay.
        """
        if self.live is not None:
            return self.live
        environment = self.setup.fresh()
        if self.replay is ReplayRule.EFFECTS:
            set_initial_state(environment, self.task, [])
            environment.repeat_calls(executed_calls(self.messages))
        else:
            strict = self.replay is ReplayRule.STRICT
            set_initial_state(environment, self.task, self.messages, strict=strict)
        return environment

    @cached_property
    def gold(self) -> Gold:
        """The environment after the reference actions.

        Computed once per process for an environment with a `world_id`.
        """
        return _cached_gold(self.setup, self.start)


_MOST_GOLD = 4096  # each costs the records its reference touches: a few kilobytes
_gold_cache: OrderedDict[Hashable, Gold] = OrderedDict()
"""Process-wide, least recently used first; shared by the threads that grade."""
_gold_lock = Lock()


def _cached_gold(setup: TaskSetup, start: Environment) -> Gold:
    if start.world_id is None or not start.is_pristine():
        return make_gold(setup)
    # A data file that was read again has another reference database. The cached environments keep
    # their references alive, so that an id is not used again.
    references = tuple(map(id, start.references()))
    key = (start.world_id, start.strict_compat, references, _fingerprint(setup.task, start))
    with _gold_lock:
        known = _gold_cache.get(key)
        if known is not None:
            _gold_cache.move_to_end(key)
            return known
    # Outside the lock: two threads may compute the same environment, but none waits for another.
    gold = make_gold(setup)
    with _gold_lock:
        _gold_cache[key] = gold
        if len(_gold_cache) > _MOST_GOLD:
            _gold_cache.popitem(last=False)
    return gold


def _fingerprint(task: Task, start: Environment) -> str:
    """Return a digest of what determines the gold environment of a task."""
    if start.prepares():
        # Any field of the task may decide what that does.
        return hashlib.sha256(model_json(task, exclude=HISTORY_TIMES).encode()).hexdigest()
    digest = hashlib.sha256()
    if task.initial_state is not None:
        digest.update(model_json(task.initial_state).encode())
    for action in task.reference_actions:
        digest.update(model_json(action).encode())
    return digest.hexdigest()


def make_gold(setup: TaskSetup) -> Gold:
    """Execute the reference actions on a fresh environment."""
    environment = setup.fresh()
    set_initial_state(environment, setup.task, setup.history)
    for call in setup.pending_calls:
        environment.get_response(call)
    # A reference action names its requestor, so the user's actions use the user's toolkit.
    environment.set_solo_mode(False)
    problems = [_execute(environment, action) for action in setup.task.reference_actions]
    return Gold(environment, [problem for problem in problems if problem is not None])


def _execute(environment: Environment, action: Action) -> str | None:
    """Execute one reference action and return what went wrong, or None.

    Tools that only read are skipped.
    """
    try:
        toolkit = environment.toolkit_for(action.name, action.requestor)
        if toolkit.has_tool(action.name) and not toolkit.tool_mutates_state(action.name):
            return None
        arguments = clone(action.arguments)
        if not environment.strict_compat and toolkit.has_tool(action.name):
            arguments = toolkit.coerce(action.name, arguments)
        environment.make_tool_call(action.name, requestor=action.requestor, **arguments)
        if not environment.strict_compat:
            environment.sync_tools()  # the original leaves this out; see docs/differences.md
    except Exception as problem:  # a domain's tool may raise anything; it is reported
        logger.debug("reference action %s failed", action.name, exc_info=True)
        return f"{action.get_func_format()}: {problem}"
    return None
