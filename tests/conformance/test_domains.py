"""What every domain owes, whoever wrote it: these tests come with the name."""

from __future__ import annotations

import copy
import json
import random
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from functools import lru_cache
from typing import Any

import pytest

from tau2.audit.checks import without_judge
from tau2.audit.trajectory import (
    ScriptedEpisode,
    begin_reference,
    execute_and_confirm,
    is_write,
    state_information,
)
from tau2.data_model.message import ToolCall
from tau2.data_model.simulation import TextRunConfig
from tau2.data_model.tasks import Action, RewardType, Task
from tau2.environment.environment import Environment
from tau2.environment.task_setup import TaskSetup
from tau2.environment.toolkit import ToolKitBase
from tau2.errors import ConfigError, DataFileError
from tau2.evaluator.evidence import make_gold
from tau2.registry import registry
from tau2.runner.build import build_text_orchestrator
from tau2.runner.resolve import resolve
from tau2.runner.simulation import run_simulation
from tau2.seeds import derive_seed

every_domain = pytest.mark.parametrize("domain", registry.get_domains())

_MOST_CALLS = 12  # different argument sets with which a reading tool is tried
_WORDS = {
    ("suspend_line", "reason")
}  # arguments that are words for people: another wording is the same work
_LEAF_KEYS = ("type", "anyOf", "allOf", "$ref", "enum", "const")


@lru_cache
def tasks_of(domain: str) -> tuple[Task, ...]:
    """Return the tasks of the default split, as far as they can be graded without a model."""
    try:
        return tuple(without_judge(task) for task in registry.get_tasks_loader(domain)())
    except DataFileError as problem:
        if "cannot be read" in str(problem):
            pytest.skip(f"the data of {domain} is not there: {problem}")
        raise


def fresh(domain: str, **options: Any) -> Environment:
    tasks_of(domain)  # skips where the data is absent
    return registry.get_env_constructor(domain)(**options)


def worlds(domain: str) -> Iterator[TaskSetup]:
    for task in tasks_of(domain):
        yield TaskSetup(task, registry.get_env_constructor(domain))


def hashes(env: Environment) -> tuple[str | None, str | None]:
    return env.get_db_hash(), env.get_user_db_hash()


def failing(domain: str, problem: Callable[[TaskSetup], Any]) -> dict[str, Any]:
    """Return task id → what is wrong, for the tasks with which something is."""
    return {setup.task.id: found for setup in worlds(domain) if (found := problem(setup))}


@pytest.fixture(autouse=True, scope="module")
def reference_data_never_changes():
    """Check, when all tests are done, that no reference database was touched by any of them."""
    before = {}
    for domain in registry.get_domains():
        try:
            before[domain] = hashes(fresh(domain))
        except pytest.skip.Exception:
            continue
    yield
    for domain, known in before.items():
        env = fresh(domain)
        assert hashes(env) == known
        for toolkit in (env.tools, env.user_tools):
            if toolkit is not None and toolkit.db is not None and toolkit.db.reference is not None:
                again = type(toolkit.db).model_validate(toolkit.db.reference.model_dump())
                assert again.get_hash() == toolkit.get_db_hash(), (
                    f"{domain}: the parsed data was changed in place"
                )


def toolkits(env: Environment) -> list[tuple[str, ToolKitBase]]:
    both = (("assistant", env.tools), ("user", env.user_tools))
    return [(requestor, toolkit) for requestor, toolkit in both if toolkit is not None]


@every_domain
def test_tools_are_typed_and_described(domain):
    env = fresh(domain)
    assert env.get_domain_name() == domain
    assert env.get_policy().strip()
    lacking = []
    for _, toolkit in toolkits(env):
        for name, tool in toolkit.get_tools().items():
            json.dumps(tool.openai_schema)
            if not tool.short_desc:
                lacking.append(f"{name} has no description")
            for argument, schema in tool.parameters.get("properties", {}).items():
                if not set(_LEAF_KEYS) & schema.keys():
                    lacking.append(f"{name}.{argument} has no type")
                if not schema.get("description"):
                    lacking.append(f"{name}.{argument} has no description")
    assert not lacking


@every_domain
def test_two_fresh_environments_are_the_same(domain):
    first, second = fresh(domain), fresh(domain)
    assert hashes(first) == hashes(second)
    assert first.same_state(second)
    assert first.tools is not second.tools


@every_domain
def test_playing_alone_works_or_is_refused(domain):
    if registry.domains.get(domain).supports_solo:
        env = fresh(domain, solo_mode=True)
        assert env.solo_mode
        env.validate_solo_mode()
        return
    with pytest.raises((ConfigError, ValueError), match="solo"):
        fresh(domain, solo_mode=True)


_LOADED = """
import json, sys
from tau2.registry import registry
from tau2.errors import DataFileError
known, found = set(), {}
for domain in registry.get_domains():
    try:
        registry.get_tasks_loader(domain)()
        registry.get_env_constructor(domain)()
    except DataFileError:
        continue  # tasks_of skips a domain without data; the reading of any other is tested there
    loaded = {n for n in sys.modules if n.startswith("tau2.domains") and ".factory" in n}
    found[domain] = sorted(loaded - known)
    known |= loaded
print(json.dumps(found))
"""


@lru_cache
def factories_loaded() -> dict[str, list[str]]:
    """Return domain → modules of factories that its tasks and environment load; one process."""
    done = subprocess.run([sys.executable, "-c", _LOADED], check=True, capture_output=True)
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


@every_domain
def test_tasks_are_run_without_the_factory_that_made_them(domain):
    tasks_of(domain)  # skips where the data is absent
    assert factories_loaded()[domain] == []


@every_domain
def test_splits_partition_the_tasks(domain):
    loader = registry.get_task_splits_loader(domain)
    if loader is None:
        pytest.skip(f"{domain} has no splits")
    tasks_of(domain)
    splits = {name: list(ids) for name, ids in loader().items()}
    known = {task.id for task in registry.get_tasks_loader(domain)(None)}
    for name, ids in splits.items():
        assert len(ids) == len(set(ids)), f"split {name} names a task twice"
        assert set(ids) <= known, f"split {name} names tasks that are not there"
        assert {task.id for task in registry.get_tasks_loader(domain)(name)} == set(ids)
    if {"train", "test", "base"} <= splits.keys():
        assert not set(splits["train"]) & set(splits["test"])
        assert set(splits["train"]) | set(splits["test"]) == set(splits["base"])


def recorded_arguments(domain: str) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Return (requestor, tool) → the different arguments with which references call it."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for task in tasks_of(domain):
        for action in task.reference_actions:
            known = found[action.requestor, action.name]
            if len(known) < _MOST_CALLS and action.arguments not in known:
                known.append(action.arguments)
    return found


def made_up(toolkit: ToolKitBase, name: str, rng: random.Random) -> dict[str, Any]:
    words = ["x", "1", "#W1", ""]
    return {argument: rng.choice(words) for argument in toolkit.get_tool(name).params.model_fields}


@every_domain
def test_reading_leaves_the_hash_unchanged(domain):
    env, recorded = fresh(domain), recorded_arguments(domain)
    rng = random.Random(derive_seed(0, domain))
    before, changing = hashes(env), []
    for requestor, toolkit in toolkits(env):
        for name in toolkit.get_tools():
            if toolkit.tool_mutates_state(name):
                continue
            for arguments in [
                *recorded[requestor, name],
                *(made_up(toolkit, name, rng) for _ in range(3)),
            ]:
                call = ToolCall(
                    id="c", name=name, arguments=copy.deepcopy(arguments), requestor=requestor
                )
                env.get_response(call)
            if hashes(env) != before:
                changing.append(name)
    assert not changing


@every_domain
def test_forks_are_isolated(domain):
    parent = fresh(domain)
    before = hashes(parent)

    def shows(setup: TaskSetup) -> str | None:
        child = parent.fork()
        for action in setup.task.reference_actions[:4]:
            child.get_response(
                ToolCall(
                    id="c",
                    name=action.name,
                    arguments=copy.deepcopy(action.arguments),
                    requestor=action.requestor,
                )
            )
        return None if parent.is_pristine() else "the parent was touched"

    assert not failing_first(domain, shows, 12)
    assert hashes(parent) == before


def failing_first(domain: str, problem: Callable[[TaskSetup], Any], most: int) -> dict[str, Any]:
    """Return what is wrong with the first tasks of a domain."""
    return {
        setup.task.id: found
        for setup, _ in zip(worlds(domain), range(most), strict=False)
        if (found := problem(setup))
    }


# --- every task -----------------------------------------------------------------------------------


def changes_something(setup: TaskSetup) -> bool:
    return not make_gold(setup).environment.same_state(setup.start())


@every_domain
def test_every_reference_runs(domain):
    assert not failing(domain, lambda setup: make_gold(setup).errors)


def played(setup: TaskSetup, agent: str) -> str | None:
    """Play a task with an agent and the scripted user.

    Return what it earned, when that is not 1.
    """
    domain = setup.fresh().domain_name
    config = TextRunConfig(domain=domain, agent=agent, user="scripted_user")
    episode = build_text_orchestrator(config, setup.task, seed=derive_seed(1, setup.task.id))
    run = run_simulation(episode)
    assert run.reward_info is not None
    if run.reward_info.reward == 1:
        return None
    graded = run.reward_info
    return f"{graded.reward:g} ({run.termination_reason.value}, {graded.reward_breakdown})"


@every_domain
def test_the_oracle_earns_everything(domain):
    assert not failing(domain, lambda setup: played(setup, "oracle_agent"))


@every_domain
def test_an_oracle_that_talks_like_real_agents_earns_everything(domain):
    """It goes on only when it is answered, so that the scripted user has to understand it."""
    assert not failing(domain, lambda setup: played(setup, "paraphrasing_oracle"))


@every_domain
def test_doing_nothing_earns_nothing_where_something_is_to_be_done(domain):
    def earns(setup: TaskSetup) -> str | None:
        return "1" if changes_something(setup) and played(setup, "lazy_agent") is None else None

    assert not failing(domain, earns)


def writes_of(setup: TaskSetup) -> list[tuple[int, Action]]:
    env = setup.start()
    return [
        (i, action)
        for i, action in enumerate(setup.task.reference_actions)
        if is_write(env, action)
    ]


def before_each(setup: TaskSetup) -> list[ScriptedEpisode]:
    """Return the reference as it stands before each of its actions, and at its end."""
    episodes = [begin_reference(setup)]
    for action in setup.task.reference_actions:
        episode = episodes[-1].fork()
        execute_and_confirm(episode, [action])
        episodes.append(episode)
    return episodes


def reward_with(before: ScriptedEpisode, actions: list[Action]) -> float:
    """Return what an episode earns that goes on with these actions."""
    episode = before.fork()
    execute_and_confirm(episode, actions)
    return state_information(episode).reward()


@every_domain
def test_no_write_of_the_reference_can_be_left_out(domain):
    def idle(setup: TaskSetup) -> list[str]:
        actions, before = setup.task.reference_actions, before_each(setup)
        return [
            f"{action.get_func_format()} can be left out"
            for at, action in writes_of(setup)
            if reward_with(before[at], actions[at + 1 :]) > 0
        ]

    assert not failing(domain, idle)


def other_values(value: Any) -> Iterator[Any]:
    """Yield values that are not `value`, one change each."""
    match value:
        case bool():
            yield not value
        case int() | float():
            yield value + 1
        case str():
            yield f"{value}X"
        case list():
            yield from (
                [*value[:at], x, *value[at + 1 :]]
                for at, i in enumerate(value)
                for x in other_values(i)
            )
            yield from [value[:-1]] if value else []
        case dict():
            yield from (
                {**value, key: other} for key, item in value.items() for other in other_values(item)
            )


def graded_arguments(task: Task, action: Action) -> Collection[str]:
    """Return the arguments that count: a task graded by its calls alone says which it compares."""
    by_calls_alone = set(task.evaluation_criteria.reward_basis) == {RewardType.ACTION}
    if by_calls_alone and action.compare_args is not None:
        return action.compare_args
    return action.arguments


def altered(
    action: Action, graded: Collection[str], recorded: list[dict[str, Any]], rng: random.Random
) -> Iterator[Action]:
    """Yield variants of an action with one of its graded arguments changed.

    Slightly, or to what another task wants.
    """
    for name, value in action.arguments.items():
        if name not in graded or (action.name, name) in _WORDS:
            continue
        elsewhere = [other[name] for other in recorded if name in other and other[name] != value]
        for other in [*other_values(value), *rng.sample(elsewhere, min(1, len(elsewhere)))]:
            yield action.model_copy(update={"arguments": {**action.arguments, name: other}})


@pytest.mark.slow
@every_domain
def test_no_write_of_the_reference_can_be_altered(domain):
    recorded, rng = recorded_arguments(domain), random.Random(derive_seed(0, domain))

    def loose(setup: TaskSetup) -> list[str]:
        actions, before = setup.task.reference_actions, before_each(setup)
        return [
            f"{action.get_func_format()} may as well be {other.get_func_format()}"
            for at, action in writes_of(setup)
            for other in altered(
                action,
                graded_arguments(setup.task, action),
                recorded[action.requestor, action.name],
                rng,
            )
            if reward_with(before[at], [other, *actions[at + 1 :]]) > 0
        ]

    assert not failing(domain, loose)


@every_domain
def test_playing_alone_earns_everything_too(domain):
    config = TextRunConfig(domain=domain, agent="oracle_agent_solo", user="dummy_user")
    accepts = registry.get_agent_task_filter("oracle_agent_solo")
    if not registry.domains.get(domain).supports_solo:
        pytest.skip(f"{domain} cannot be played alone")
    assert resolve(config).is_solo

    def lost(setup: TaskSetup) -> str | None:
        if not setup.task.ticket or (accepts is not None and not accepts(setup.task)):
            return None
        criteria = setup.task.evaluation_criteria
        if criteria is not None and criteria.communicate_info:
            return None  # there is nobody to be told
        reward = run_simulation(build_text_orchestrator(config, setup.task, seed=1)).reward_info
        return None if reward is not None and reward.reward == 1 else str(reward)

    assert not failing_first(domain, lost, 40)
