"""Steps joined into sequences: what is trained on, and in which context."""

import pytest

from act_prm.replay_buffer import EpisodeStep, merged
from act_prm.replay_buffer.merging import by_episode


def step(prompt, reply, **more):
    return EpisodeStep(
        state=[],
        action={},
        next_obs=[],
        tools=[],
        state_action_tokens=[*prompt, *reply],
        state_len=len(prompt),
        old_logprobs=[-float(token) for token in reply],
        **more,
    )


EPISODE = [
    step([1, 2], [3, 4], advantage=0.5, timestep=0),
    step([1, 2, 3, 4, 5], [6], advantage=0.25, timestep=1),
    step([1, 2, 3, 4, 5, 6, 7, 8], [9, 10], advantage=-1.0, timestep=2),
]


def test_an_episode_whose_prompts_continue_is_one_sequence():
    [one] = merged(EPISODE)
    assert one.tokens == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    assert one.weights == [0, 0, 1, 1, 0, 1, 0, 0, 1, 1]
    assert one.advantages == [0, 0, 0.5, 0.5, 0, 0.25, 0, 0, -1.0, -1.0]
    assert one.logprobs == [0, 0, -3, -4, 0, -6, 0, 0, -9, -10]
    datum = one.datum()
    assert (datum.tokens, datum.weights) == (one.tokens, one.weights)


@pytest.mark.parametrize(
    "second",
    [
        step([1, 2, 3, 99, 5], [6]),  # the template rewrote the reply
        step([1, 4, 5], [6]),  # the reply was left out
        step([1], [6]),  # the conversation was cut
        step([1, 2, 3, 4, 5], [6], temperature=0.5),
    ],
)
def test_a_prompt_that_does_not_continue_begins_a_sequence(second):
    first, other = merged([EPISODE[0], second])
    assert first.tokens == [1, 2, 3, 4]
    assert (other.tokens, sum(other.weights)) == (second.state_action_tokens, 1)


def test_a_reply_that_was_cut_off_is_context():
    cut_off = step([1, 2], [3, 4], advantage=1.0, finished=False)
    [one] = merged([cut_off, EPISODE[1]], mask_truncated=True)
    assert one.weights == [0, 0, 0, 0, 0, 1]
    assert one.advantages == [0, 0, 0, 0, 0, 0.25]
    [one] = merged([cut_off, EPISODE[1]])
    assert one.weights == [0, 0, 1, 1, 0, 1]


def test_demonstrations_have_no_log_probabilities():
    bare = step([1], [2])
    bare.old_logprobs = []
    [one] = merged([bare])
    assert one.sft_datum().weights == [0.0, 1.0]


def test_steps_are_told_apart_by_episode():
    other = step([1], [2], unique_data_sample_id="b")
    runs = by_episode([*EPISODE, *EPISODE[:2], other])
    assert [len(run) for run in runs] == [3, 2, 1]
    assert by_episode([]) == []
