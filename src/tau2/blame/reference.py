"""Faults of the task and its reference that no agent can make good."""

from __future__ import annotations

from collections.abc import Iterator

from tau2.blame.conversation import Conversation
from tau2.blame.finding import Finding, Kind, task_finding
from tau2.blame.values import names, scenario_text
from tau2.data_model.message import ToolCall
from tau2.data_model.simulation import SimulationRun
from tau2.environment.cow import clone
from tau2.environment.environment import Environment
from tau2.evaluator.evaluator_env import check_assertions
from tau2.evaluator.evidence import Evidence
from tau2.evaluator.numbers import numbers_in, wanted_number
from tau2.metrics.outcomes import environment_faults

_LONG_NUMBER = 1_000_000  # a longer one in a tool result is an id
_LONGEST_TEXT = 200_000  # characters of one text whose numbers are read


def task_faults(run: SimulationRun, conversation: Conversation) -> Iterator[Finding]:
    """Yield what is wrong with the task, as far as its own reference shows it."""
    if run.reward_info is not None:
        for fault in environment_faults(run.reward_info):
            ungradable = fault.startswith("the environment")
            kind = Kind.UNGRADABLE if ungradable else Kind.REFERENCE_FAILS
            yield task_finding(kind, None, f"{fault[:1].upper()}{fault[1:]}.")
    yield from _unmet_assertions(conversation)
    yield from _not_knowable(run, conversation)


def _unmet_assertions(conversation: Conversation) -> Iterator[Finding]:
    # Played as an agent and a customer would, so that their databases agree after each call.
    environment, _texts = _after_reference(conversation)
    after = Evidence(conversation.setup, [], live=environment)
    for check in check_assertions(after):
        if not check.met:
            name = check.env_assertion.func_name
            yield task_finding(
                Kind.REFERENCE_FAILS,
                None,
                f"The assertion {name} does not hold after the reference's own actions.",
            )


def _not_knowable(run: SimulationRun, conversation: Conversation) -> Iterator[Finding]:
    checks = run.reward_info.communicate_checks if run.reward_info is not None else None
    lost = [check.info for check in checks or () if not check.met]
    if not lost:
        return
    texts = _everything_shown(conversation)
    for info in lost:
        if not _is_knowable(info, texts):
            yield task_finding(
                Kind.NOT_KNOWABLE,
                None,
                f"{info} has to be told, but neither the scenario nor any tool result of the "
                "conversation or of the reference holds it.",
            )


def _everything_shown(conversation: Conversation) -> list[str]:
    """Return the scenario, the policy, and every tool result of conversation and reference."""
    environment, results = _after_reference(conversation)
    texts = [scenario_text(conversation.setup.task), environment.get_policy(), *results]
    return [*texts, *(text for _turn, text in conversation.results_text())]


def _after_reference(conversation: Conversation) -> tuple[Environment, list[str]]:
    """Return a fresh environment after the reference's calls, and their results."""
    environment = conversation.setup.start()
    texts = []
    for action in conversation.setup.task.reference_actions:
        call = ToolCall(
            id="reference",
            name=action.name,
            arguments=clone(action.arguments),
            requestor=action.requestor,
        )
        texts.append(environment.get_response(call).content or "")
    return environment, texts


def _is_knowable(info: str, texts: list[str]) -> bool:
    if any(names(text, info) for text in texts):
        return True
    wanted = wanted_number(info)
    if wanted is None:
        return any(info.lower() in text.lower() for text in texts)
    value = wanted[0]
    # Any number up to the sum of all may be computed from them: a total, a difference, a refund.
    shown = {number for text in texts for number in numbers_in(text[:_LONGEST_TEXT])}
    return abs(value) <= sum(abs(number) for number in shown if abs(number) < _LONG_NUMBER)
