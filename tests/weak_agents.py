"""Agents made from the oracle, each of which leaves one duty out.

`hasty`: never asks for consent. It does at once what the customer asks first, also where the
customer would decide otherwise when asked to confirm. `forgetful`: leaves every fifth check out. A
check is a look-up, a question whether the policy allows something, or a thing that the customer has
to do on the phone. What only a forgotten look-up shows, it does not know, and cannot change; what
it did not check against the policy, it does.

What they are tempted to do comes from the task factories, which record it while a task is made.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import count
from typing import Any

from tau2.agent.oracle_agent import OracleAgent, OracleState
from tau2.agent.oracle_agent.plan import PlanStep
from tau2.data_model.message import ToolCall
from tau2.data_model.tasks import Task
from tau2.environment.environment import Environment
from tau2.orchestrator.orchestrator import Orchestrator
from tau2.registry import registry
from tau2.runner.simulation import run_simulation
from tau2.seeds import derive_seed
from tau2.taskgen.drafts import ReferenceCall, Temptation
from tau2.user.scripted_user import ScriptedUser

EVERY = 5
"""One check of so many is left out."""

Temptations = dict[str, list[Temptation]]


@lru_cache
def temptations_of(domain: str) -> Temptations:
    """Return task id → what an agent changes that leaves a duty out, for the shipped tasks."""
    if domain == "retail":
        from tau2.domains.retail.factory import __main__ as retail
        from tau2.domains.retail.factory.shipped import build_tasks
        from tau2.domains.retail.factory.world import RetailScale, build_world

        scale = RetailScale()
        world = build_world(retail.DEFAULT_SEED, scale)
        return build_tasks(retail.DEFAULT_SEED, world, scale.tasks).temptations
    if domain == "airline":
        from tau2.domains.airline.factory import __main__ as airline
        from tau2.domains.airline.factory import shipped
        from tau2.domains.airline.factory import world as made

        return shipped.build_tasks(
            airline.DEFAULT_SEED,
            made.build_world(airline.DEFAULT_SEED),
            made.AirlineScale().tasks,
        ).temptations
    return {task.id: list(_on_the_phone(task)) for task in registry.domains.get(domain).tasks()}


def _on_the_phone(task: Task) -> Iterator[Temptation]:
    """Yield what a telecom customer would not agree to, or what the policy forbids."""
    assert task.initial_state is not None
    start = {c.func_name: c.arguments for c in task.initial_state.initialization_actions or ()}
    if "overdue_bill_declined" in task.id:
        injected = start["suspend_line_for_overdue_bill"]
        bill = {"customer_id": injected["customer_id"], "bill_id": injected["new_bill_id"]}
        yield Temptation("consent", ReferenceCall("send_payment_request", bill))
    if "data_usage_declined" in task.id:
        line = {key: start["set_data_usage"][key] for key in ("customer_id", "line_id")}
        yield Temptation("consent", ReferenceCall("refuel_data", {**line, "gb_amount": 1.0}))
    if "strangers_line_suspend" in task.id:
        assert task.evaluation_criteria is not None
        checked = next(
            a.arguments
            for a in task.evaluation_criteria.env_assertions or ()
            if a.func_name == "assert_line_status"
        )
        line = {key: checked[key] for key in ("customer_id", "line_id")}
        yield Temptation("check", ReferenceCall("suspend_line", {**line, "reason": "asked for"}))


class HastyOracle(OracleAgent):
    """Never asks for consent."""

    def __init__(self, environment: Environment, task: Task, tempted: Sequence[Temptation]) -> None:
        super().__init__(environment.get_tools(), environment.get_policy(), task)
        first = [_step(t.call) for t in tempted if t.skipped == "consent"]
        at = next((n for n, step in enumerate(self.plan) if _ends_looking(step)), len(self.plan))
        self.plan = (*self.plan[:at], *first, *self.plan[at:])

    def _ask_consent(self, state: OracleState) -> str:
        state.agreed_steps = len(self.plan)
        return ""


class ForgetfulOracle(OracleAgent):
    """Leaves every fifth check out; `checks` counts them over all tasks."""

    def __init__(
        self,
        environment: Environment,
        task: Task,
        tempted: Sequence[Temptation],
        checks: Iterator[int],
    ) -> None:
        super().__init__(environment.get_tools(), environment.get_policy(), task)
        kept = [step for step in self.plan if not _is_check(step) or next(checks) % EVERY]
        unchecked = [
            _step(t.call) for t in tempted if t.skipped == "check" and next(checks) % EVERY == 0
        ]
        known = _known(environment.fork(), task, kept)
        everything = _known(environment.fork(), task, self.plan)
        has_gaps = known != everything
        self.to_communicate = tuple(
            figure
            for figure in self.to_communicate
            # What no look-up shows as it is, is a sum, and a sum lacks what was not looked up.
            if figure in known or (figure not in everything and not has_gaps)
        )
        self.plan = (
            *(step for step in kept if not step.changes_something or _can_say(step, known)),
            *unchecked,
        )


def _step(call: ReferenceCall) -> PlanStep:
    return PlanStep(name=call.name, arguments=call.arguments)


def _ends_looking(step: PlanStep) -> bool:
    return step.changes_something or step.is_transfer


def _is_check(step: PlanStep) -> bool:
    return step.by_user or step.looks_up


def _known(environment: Environment, task: Task, steps: Sequence[PlanStep]) -> str:
    """Return everything an agent has read: the scenario, and what its look-ups show."""
    read = [str(task.user_scenario), str([t.openai_schema for t in environment.get_tools()])]
    for step in steps:
        if step.looks_up and not step.by_user:
            call = ToolCall(id="look", name=step.name, arguments=step.arguments)
            read.append(environment.get_response(call).content or "")
    return " ".join(read)


def _can_say(step: PlanStep, known: str) -> bool:
    return all(text in known for text in _texts(step.arguments) if re.search(r"\d", text))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for item in value.values() if isinstance(value, dict) else ():
        yield from _texts(item)
    for item in value if isinstance(value, list) else ():
        yield from _texts(item)


def played(domain: str, agent_kind: str, tasks: Sequence[Task]) -> list[bool]:
    """Play tasks with the oracle, or with an agent made from it; return which were passed."""
    tempted = temptations_of(domain)
    checks = count(1)
    passed = []
    for task in tasks:
        environment = registry.get_env_constructor(domain)()
        wrong = tempted.get(task.id, [])
        agent: OracleAgent
        if agent_kind == "hasty":
            agent = HastyOracle(environment, task, wrong)
        elif agent_kind == "forgetful":
            agent = ForgetfulOracle(environment, task, wrong, checks)
        else:
            agent = OracleAgent(environment.get_tools(), environment.get_policy(), task)
        user = ScriptedUser(task=task, tools=_user_tools(environment))
        episode = Orchestrator(domain, agent, user, environment, task, seed=derive_seed(1, task.id))
        graded = run_simulation(episode).reward_info
        passed.append(graded is not None and graded.reward == 1)
    return passed


def _user_tools(environment: Environment) -> list[Any] | None:
    return environment.get_user_tools() if environment.user_tools is not None else None
