"""Calls through another tool are blamed as calls of the tool that they reach."""

from __future__ import annotations

import pytest
from tests.library import LOOK_UP, UNLOCK, WAIVE, library, library_task

from tau2.blame import Kind, blame_simulation
from tau2.data_model.message import AssistantMessage, ToolCall
from tau2.environment.task_setup import TaskSetup
from tau2.rollout import Rollout, RolloutSetup

UNLOCKED = (UNLOCK.name, UNLOCK.arguments)


def waive(amount):
    arguments = f'{{"loan_id": "L1", "amount": {amount}, "reason": "first"}}'
    return WAIVE.name, {"agent_tool_name": "waive_fine_17", "arguments": arguments}


def blamed(task, *calls):
    rollout = Rollout(RolloutSetup(library, user="scripted_user"))
    rollout.reset(task)
    for number, (name, arguments) in enumerate(calls):
        call = ToolCall(id=str(number), name=name, arguments=arguments)
        rollout.step(AssistantMessage(content=None, tool_calls=[call]))
    rollout.step(AssistantMessage(content="Goodbye. ###STOP###"))
    verdict = blame_simulation(rollout.run, TaskSetup(task, library))
    return None if verdict is None else (verdict.finding.kind, verdict.finding.reason)


@pytest.mark.parametrize(
    ("calls", "kind", "says"),
    [
        (
            [UNLOCKED, waive(9)],
            Kind.WRONG_VALUE,
            "waive_fine_17 got amount 9.0 instead of 4.0; nobody had named that value.",
        ),
        (
            [waive(4)],
            Kind.NOT_DONE,
            "waive_fine_17 was called, but failed: Error: waive_fine_17 is not unlocked",
        ),
        ([UNLOCKED], Kind.NOT_DONE, "The agent never called waive_fine_17."),
    ],
)
def test_a_discoverable_tool_is_named_with_its_own_arguments(calls, kind, says):
    found = blamed(library_task(UNLOCK, WAIVE), *calls)
    assert found is not None
    assert found[0] is kind
    assert found[1].startswith(says)


def test_a_look_up_that_counts_is_missed_and_another_one_is_not():
    task = library_task(*LOOK_UP, UNLOCK, WAIVE)
    made = [(action.name, action.arguments) for action in LOOK_UP]
    assert blamed(task, UNLOCKED, waive(4)) == (
        Kind.NOT_DONE,
        "The agent never called history_of_19.",
    )
    assert blamed(task, *made, UNLOCKED, waive(4)) is None
    assert blamed(library_task(UNLOCK, WAIVE), *made, UNLOCKED, waive(4)) is None
