"""Returns and advantages: what a group stores on its steps."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from act_prm.replay_buffer import (
    EpisodeStep,
    MeanCenteredTrajectoryGroup,
    Trajectory,
    TrajectoryGroup,
    make_group,
)
from act_prm.replay_buffer.groups import with_shuffled_rewards


def step(reward=0.0, **more):
    tokens = {"state_action_tokens": [1, 2, 3], "state_len": 1, "old_logprobs": [-0.5, -0.25]}
    return EpisodeStep(state=[], action={}, next_obs=[], tools=[], reward=reward, **tokens, **more)


def trajectory(*rewards):
    return Trajectory([step(reward) for reward in rewards])


def stored(group):
    return [[one.advantage for one in each.steps] for each in group]


def test_returns_are_discounted_sums_of_what_is_to_come():
    assert trajectory(0.0, 1.0, 2.0).returns(0.5) == [1.0, 2.0, 2.0]
    group = TrajectoryGroup([trajectory(0.0, 0.0, 1.0)], 0.5)
    assert [one.return_ for one in group.steps] == [0.25, 0.5, 1.0]


def test_without_centring_the_advantage_is_the_return():
    assert stored(TrajectoryGroup([trajectory(0.0, 1.0), trajectory(0.0)], 0.5)) == [
        [0.5, 1.0],
        [0.0],
    ]


@pytest.mark.parametrize("discount", [1.0, 0.9])
def test_mean_centred_advantages_are_stored_on_the_steps_at_any_discount(discount):
    group = MeanCenteredTrajectoryGroup([trajectory(0.0, 0.0), trajectory(0.0, 1.0)], discount)
    assert stored(group) == [[-0.5 * discount, -0.5], [0.5 * discount, 0.5]]
    assert stored(group) == group.advantages()


@given(st.lists(st.sampled_from([0.0, 0.25, 1.0]), min_size=1, max_size=8))
def test_mean_centred_advantages_cancel_out(rewards):
    group = make_group([trajectory(one) for one in rewards], discount=1.0, mean_center=True)
    assert sum(one.advantage for one in group.steps) == pytest.approx(0.0, abs=1e-9)
    assert group.has_signal == (len(set(rewards)) > 1)


def test_the_baseline_may_be_the_mean_of_the_others():
    members = [trajectory(one) for one in (1.0, 0.0, 0.5)]
    group = make_group(members, discount=1.0, mean_center=True, leave_one_out=True)
    assert stored(group) == [[pytest.approx(one)] for one in (0.75, -0.75, 0.0)]


def test_advantages_may_be_scaled_by_the_standard_deviation():
    members = [trajectory(one) for one in (0.3, 0.1)]
    group = make_group(members, discount=1.0, mean_center=True, scale_by_std=True)
    assert stored(group) == [[pytest.approx(one, rel=0.01)] for one in (1.0, -1.0)]


def test_a_group_whose_rewards_do_not_differ_teaches_nothing():
    assert not make_group(
        [trajectory(1.0), trajectory(1.0)], discount=1.0, mean_center=False
    ).has_signal
    assert make_group([trajectory(1.0)], discount=1.0, mean_center=False).has_signal
    assert not make_group([trajectory(1.0)], discount=1.0, mean_center=True).has_signal
    assert not make_group([], discount=1.0, mean_center=True, infra_failed=2).has_signal


def test_the_best_k_keep_their_order():
    members = [trajectory(one) for one in (0.5, 1.0, 0.0, 1.0)]
    group = make_group(members, discount=1.0, mean_center=False)
    assert group.top(3) == [members[0], members[1], members[3]]
    assert group.top(None) == members
    assert group.best is members[1]


def test_twins_share_advantages():
    both = Trajectory([step(1.0)], policy_steps=[step(1.0)])
    make_group([both, trajectory(0.0)], discount=1.0, mean_center=True)
    assert both.policy_steps[0].advantage == both.steps[0].advantage == 0.5


def test_a_step_as_a_sequence_to_train_on():
    one = step()
    one.advantage = 2.0
    datum = one.datum()
    assert (datum.weights, datum.advantages, datum.logprobs) == (
        [0.0, 1.0, 1.0],
        [0.0, 2.0, 2.0],
        [0.0, -0.5, -0.25],
    )
    assert one.sft_datum().weights == [0.0, 1.0, 1.0]


def test_a_step_with_a_log_probability_too_many_is_refused():
    with pytest.raises(ValueError, match="3 log-probabilities for 2 tokens"):
        EpisodeStep([], {}, [], [], [1, 2, 3], 1, [0.0, 0.0, 0.0])


def test_shuffled_rewards_are_the_same_rewards_of_other_episodes():
    group = make_group(
        [trajectory(0.0, float(number)) for number in range(6)], discount=1.0, mean_center=True
    )
    shuffled = with_shuffled_rewards(group, Random(3))
    assert sorted(shuffled.rewards) == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert shuffled.rewards != [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert [each[0] for each in stored(shuffled)] == [one - 2.5 for one in shuffled.rewards]
