"""Builds a task from its recipe."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, TypeVar

from pydantic import BaseModel

from tau2.data_model.conventions import TRANSFER_TOOL
from tau2.data_model.tasks import (
    Action,
    Description,
    EnvAssertion,
    EnvFunctionCall,
    EvaluationCriteria,
    InitialState,
    RewardType,
    StructuredUserInstructions,
    Task,
    UserScenario,
)
from tau2.domains.telecom.tasks.issues import (
    Complaint,
    Issue,
    Resolution,
    ScriptedCall,
    agent,
    user,
)
from tau2.domains.telecom.tasks.recipes import Recipe
from tau2.domains.telecom.tasks.scenario import ScenarioWriter
from tau2.domains.telecom.tasks.subjects import SubjectPools, TaskValues, draw_values, randomness_of

M = TypeVar("M", bound=BaseModel)

_put = object.__setattr__

_EXCELLENT_MBPS = 200
_SUMMARY = "The problem needs a person: "
_HANDED_OVER = {
    "lock": "the SIM card is locked.",
    "line": "the bill is paid, but the contract of the line has ended.",
    "wish": "the contract of a further line has ended, and the customer wants the line back.",
}


@lru_cache(maxsize=32)
def _defaults(kind: type[BaseModel]) -> dict[str, Any]:
    return {
        name: field.default
        for name, field in kind.model_fields.items()
        if field.default_factory is None
    }


def _make(kind: type[M], **fields: Any) -> M:
    """Return a model of values that are known to be valid; ten times faster than validating."""
    model = kind.__new__(kind)
    _put(model, "__dict__", _defaults(kind) | fields)
    _put(model, "__pydantic_fields_set__", set(fields))
    _put(model, "__pydantic_extra__", None)
    _put(model, "__pydantic_private__", None)
    return model


def build_task(recipe: Recipe, pools: SubjectPools, *, test: bool | None = None) -> Task:
    """Return the task of a recipe in a world.

    `test` chooses the side of the split whose customers it may be about (None: the recipe's own).
    """
    rng = randomness_of(recipe.task_id)
    is_test = recipe.is_test if test is None else test
    values = draw_values(rng, pools, recipe.need, test=is_test)
    writer = ScenarioWriter(rng, values, recipe)
    purpose = "; ".join(f"{issue.name} ({issue.resolution})" for issue in recipe.issues)
    return _make(
        Task,
        id=recipe.task_id,
        description=_make(Description, purpose=purpose),
        user_scenario=_make(
            UserScenario,
            persona=writer.temper(),
            instructions=_make(
                StructuredUserInstructions,
                domain="telecom",
                reason_for_call=writer.reason(),
                known_info=writer.known(),
                unknown_info=writer.unknown(),
                task_instructions=writer.instructions(),
            ),
        ),
        ticket=writer.ticket(),
        initial_state=_make(InitialState, initialization_actions=_initialization(values, recipe)),
        evaluation_criteria=_criteria(values, recipe),
    )


def _initialization(values: TaskValues, recipe: Recipe) -> list[EnvFunctionCall]:
    """Return the initialization: whose phone it is, the issues, and the phone noticing them."""
    calls = [
        user("set_user_info", name=values.subject.name, phone_number=values.subject.phone_number)
    ]
    calls += [call for issue in recipe.issues for call in issue.inject(values)]
    calls.append(user("simulate_network_search"))
    return [
        _make(EnvFunctionCall, env_type=c.requestor, func_name=c.name, arguments=c.arguments)
        for c in calls
    ]


def _criteria(values: TaskValues, recipe: Recipe) -> EvaluationCriteria:
    dealt_with, last = _dealt_with(recipe)
    calls = _reference(values, dealt_with, last)
    basis = [RewardType.ENV_ASSERTION, RewardType.DB]
    if last is not None:
        basis.append(RewardType.ACTION)
    return _make(
        EvaluationCriteria,
        actions=[_action(number, call) for number, call in enumerate(calls)],
        env_assertions=[
            _make(
                EnvAssertion, env_type=call.requestor, func_name=call.name, arguments=call.arguments
            )
            for call in _assertions(values, recipe, dealt_with, last)
        ],
        communicate_info=None,
        nl_assertions=None,
        reward_basis=basis,
    )


def _dealt_with(recipe: Recipe) -> tuple[tuple[Issue, ...], Issue | None]:
    """Return the issues up to a hand-over, and the one that is handed over (or None)."""
    for number, issue in enumerate(recipe.issues, 1):
        if issue.resolution is Resolution.HANDED_OVER:
            return recipe.issues[:number], issue
    return recipe.issues, None


def _reference(
    values: TaskValues, dealt_with: Sequence[Issue], last: Issue | None
) -> list[ScriptedCall]:
    """Return what an ideal agent and customer do.

    With a hand-over the calls are graded, so only look-ups that nothing can replace are in it.
    """
    subject = values.subject
    groups = {issue.group for issue in dealt_with}
    calls = [agent("get_customer_by_phone", phone_number=subject.phone_number)]
    if "line" in groups or (last is None and not groups.isdisjoint({"abroad", "quota"})):
        calls.append(agent("get_details_by_id", id=subject.line_id))
    fixes = list(chain.from_iterable(issue.fix(values) for issue in dealt_with))
    # Only the last restart of the phone: it does for what came before, too.
    restarts = [number for number, call in enumerate(fixes) if call.name == "reboot_device"]
    calls += [call for number, call in enumerate(fixes) if number not in restarts[:-1]]
    if last is not None and values.other is not None:
        calls.append(agent("get_details_by_id", id=values.other.line_id))
    if last is not None:
        calls.append(agent(TRANSFER_TOOL, summary=_SUMMARY + _HANDED_OVER[last.group]))
    return calls


_FREE_ARGUMENTS = {TRANSFER_TOOL: [], "suspend_line": ["customer_id", "line_id"]}
"""Tools with an argument in the agent's own words, and the arguments that count."""


def _action(number: int, call: ScriptedCall) -> Action:
    return _make(
        Action,
        action_id=f"{call.name}_{number}",
        requestor=call.requestor,
        name=call.name,
        arguments=call.arguments,
        compare_args=_FREE_ARGUMENTS.get(call.name),
    )


def _assertions(
    values: TaskValues, recipe: Recipe, dealt_with: tuple[Issue, ...], last: Issue | None
) -> list[ScriptedCall]:
    """Return the assertions: the complaint's where it can be resolved, and each issue's."""
    open_end = any(issue.resolution is Resolution.LEFT for issue in dealt_with) or (
        last is not None and last.group != "wish"
    )
    calls = [] if open_end else _solved(recipe.kind)
    for issue in dealt_with:
        calls += issue.assertions(values)
        if open_end:
            settings = issue.settings or {}
            calls += [
                user("assert_phone_setting", setting=name, expected_value=value)
                for name, value in settings.items()
            ]
    if open_end and recipe.kind is Complaint.SERVICE:
        calls.append(user("assert_service_status", expected_status="no_service"))
    return calls


def _solved(kind: Complaint) -> list[ScriptedCall]:
    if kind is Complaint.SERVICE:
        return [user("assert_service_status", expected_status="connected")]
    if kind is Complaint.PICTURES:
        return [user("assert_can_send_mms", expected_status=True)]
    return [
        user("assert_mobile_data_status", expected_status=True),
        user("assert_internet_speed", expected_speed=_EXCELLENT_MBPS, expected_desc="excellent"),
    ]
