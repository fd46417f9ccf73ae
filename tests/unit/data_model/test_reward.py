"""Rewards: how many reference actions were carried out, in all and by kind."""

from __future__ import annotations

from tau2.data_model.reward import ActionCheck, RewardInfo
from tau2.data_model.tasks import Action


def check(tool_type: str | None, *, match: bool) -> ActionCheck:
    action = Action(action_id="1", name="x", arguments={})
    return ActionCheck(
        action=action, action_match=match, action_reward=float(match), tool_type=tool_type
    )


def test_partial_reward_by_kind_of_tool():
    info = RewardInfo(
        reward=0.0,
        action_checks=[
            check("read", match=True),
            check("write", match=False),
            check("write", match=True),
        ],
    )
    share = info.partial_action_reward
    assert share["total"] == {"correct": 2, "count": 3, "proportion": 2 / 3}
    assert share["read"] == {"correct": 1, "count": 1, "proportion": 1.0}
    assert share["write"]["proportion"] == 0.5


def test_partial_reward_of_nothing():
    assert RewardInfo(reward=1.0).partial_action_reward is None
    assert (
        RewardInfo(reward=1.0, action_checks=[check(None, match=True)]).partial_action_reward[
            "read"
        ]
        is None
    )


def test_a_partial_reward_is_not_stored():
    assert "partial_action_reward" not in RewardInfo(reward=1.0).model_dump()
