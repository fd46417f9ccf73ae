"""What every domain owes."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Iterator
from typing import ClassVar
from unittest import SkipTest

from tau2.audit.audit import audit_domain
from tau2.audit.checks import without_judge
from tau2.audit.trajectory import is_write, play_reference
from tau2.data_model.message import ToolCall
from tau2.data_model.run_config import TextRunConfig
from tau2.data_model.tasks import Action, Task
from tau2.environment.domain import DomainSpec
from tau2.environment.environment import Environment
from tau2.environment.task_setup import TaskSetup
from tau2.environment.toolkit import ToolKitBase
from tau2.evaluator.evidence import make_gold
from tau2.registry import registry
from tau2.runner.build import build_text_orchestrator
from tau2.runner.simulation import run_simulation
from tau2.seeds import derive_seed
from tau2.testing.installed import check_name

_LEAF_KEYS = ("type", "anyOf", "allOf", "$ref", "enum", "const")


class DomainSuite:
    """The checks of a domain; a subclass names its `spec`."""

    spec: ClassVar[DomainSpec]
    most_tasks: ClassVar[int | None] = None
    """How many tasks of the default split are played; None: all."""

    def test_it_is_installed_under_its_name(self) -> None:
        check_name(registry.domains, self.spec, self.spec.name)

    def test_it_says_what_it_is(self) -> None:
        assert self.spec.description.strip(), "give the DomainSpec a description of one line"
        assert self._fresh().get_domain_name() == self.spec.name
        assert self._fresh().get_policy().strip(), "the policy is empty"

    def test_tools_are_typed_and_described(self) -> None:
        lacking = []
        for _, toolkit in _toolkits(self._fresh()):
            for name, tool in toolkit.get_tools().items():
                json.dumps(tool.openai_schema)
                if not tool.short_desc:
                    lacking.append(f"{name} has no description")
                lacking += [
                    f"{name}.{argument} has no type or no description in the docstring"
                    for argument, schema in tool.parameters.get("properties", {}).items()
                    if not (set(_LEAF_KEYS) & schema.keys() and schema.get("description"))
                ]
        assert not lacking, _lines(lacking)

    def test_two_fresh_environments_are_the_same(self) -> None:
        first = self._fresh()
        second = self._fresh()
        assert _hashes(first) == _hashes(second), "two fresh environments differ"
        assert first.same_state(second)
        assert first.tools is not second.tools, "environments share their tools"

    def test_reading_changes_nothing(self) -> None:
        env = self._fresh()
        before = _hashes(env)
        changing = []
        for setup in self._setups():
            for action in setup.task.reference_actions:
                toolkit = env.user_tools if action.requestor == "user" else env.tools
                if toolkit is None or toolkit.tool_mutates_state(action.name):
                    continue
                env.get_response(_call(action))
                if _hashes(env) != before:
                    changing.append(action.name)
        assert not changing, f"tools of ToolType.READ that change the database: {changing}"

    def test_forks_are_isolated(self) -> None:
        parent = self._fresh()
        for setup in self._setups():
            child = parent.fork()
            for action in setup.task.reference_actions:
                child.get_response(_call(action))
            assert parent.is_pristine(), f"task {setup.task.id}: a fork changed its parent"

    def test_playing_alone_works_or_is_refused(self) -> None:
        if self.spec.supports_solo:
            env = self.spec.environment(solo_mode=True)
            assert env.solo_mode, "environment(solo_mode=True) returns one for two participants"
            env.validate_solo_mode()
            return
        try:
            self.spec.environment(solo_mode=True)
        except ValueError:
            return
        raise AssertionError("supports_solo is False, and environment(solo_mode=True) is no error")

    def test_splits_name_tasks_that_exist(self) -> None:
        if self.spec.splits is None:
            raise SkipTest("the domain has no splits")
        known = {task.id for task in self.spec.tasks(None)}
        for name, ids in self.spec.splits().items():
            assert len(ids) == len(set(ids)), f"split {name} names a task twice"
            assert set(ids) <= known, f"split {name}: no such tasks: {sorted(set(ids) - known)}"
            assert {task.id for task in self.spec.tasks(name)} == set(ids), (
                f"tasks({name!r}) returns other tasks than splits() names"
            )

    def test_every_reference_runs(self) -> None:
        self._assert_none(lambda setup: _lines(map(str, make_gold(setup).errors)))

    def test_no_change_of_a_reference_can_be_left_out(self) -> None:
        self._assert_none(lambda setup: _lines(_idle(setup)))

    def test_the_oracle_earns_everything(self) -> None:
        self._assert_none(lambda setup: _loss(self.spec, setup.task, "oracle_agent"))

    def test_an_oracle_that_talks_like_models_earns_everything(self) -> None:
        self._assert_none(lambda setup: _loss(self.spec, setup.task, "paraphrasing_oracle"))

    def test_doing_nothing_earns_nothing_where_something_is_to_be_done(self) -> None:
        def earned(setup: TaskSetup) -> str:
            changes = not make_gold(setup).environment.same_state(setup.start())
            idle = changes and not _loss(self.spec, setup.task, "lazy_agent")
            return "an agent that does nothing earns 1" if idle else ""

        self._assert_none(earned)

    def test_the_audit_finds_nothing(self) -> None:
        tasks = [setup.task for setup in self._setups()]
        findings = audit_domain(self.spec, tasks).findings
        assert not findings, _lines(
            f"{finding.task_id}, {finding.check}: {finding.text}" for finding in findings
        )

    def _fresh(self) -> Environment:
        return self.spec.environment()

    def _setups(self) -> Iterator[TaskSetup]:
        for task in self.spec.tasks()[: self.most_tasks]:
            yield TaskSetup(without_judge(task), self.spec.environment)

    def _assert_none(self, problem: Callable[[TaskSetup], str]) -> None:
        found = {setup.task.id: problem(setup) for setup in self._setups()}
        assert found, "the domain has no tasks"
        wrong = [f"task {task_id}: {text}" for task_id, text in found.items() if text]
        assert not wrong, _lines(wrong)


def _lines(problems: Iterable[str]) -> str:
    return "\n".join(problems)


def _hashes(env: Environment) -> tuple[str | None, str | None]:
    return env.get_db_hash(), env.get_user_db_hash()


def _toolkits(env: Environment) -> list[tuple[str, ToolKitBase]]:
    both = (("assistant", env.tools), ("user", env.user_tools))
    return [(requestor, toolkit) for requestor, toolkit in both if toolkit is not None]


def _call(action: Action) -> ToolCall:
    return ToolCall(
        id="call",
        name=action.name,
        arguments=copy.deepcopy(action.arguments),
        requestor=action.requestor,
    )


def _idle(setup: TaskSetup) -> list[str]:
    """Return which changes of a reference earn as much when they are left out."""
    actions = setup.task.reference_actions
    env = setup.start()
    return [
        f"{action.get_func_format()} can be left out"
        for at, action in enumerate(actions)
        if is_write(env, action)
        and play_reference(setup, [*actions[:at], *actions[at + 1 :]]).reward() > 0
    ]


def _loss(spec: DomainSpec, task: Task, agent: str) -> str:
    """Play a task with an agent and the scripted user; return how it ended if it earned less."""
    config = TextRunConfig(domain=spec.name, agent=agent, user="scripted_user")
    run = run_simulation(build_text_orchestrator(config, task, seed=derive_seed(1, task.id)))
    graded = run.reward_info
    if graded is None:
        return f"{agent} was not graded ({run.termination_reason.value})"
    if graded.reward == 1:
        return ""
    return f"{agent} earned {graded.reward:g} ({run.termination_reason.value}, {graded.info})"
