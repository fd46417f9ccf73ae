"""Tokens of actions are joined into samples only where they continue one another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tau2.rollout import Tokens, join_tokens

IDS = st.lists(st.integers(0, 3), max_size=4)


def test_actions_that_continue_one_another_are_one_sample():
    (sample,) = join_tokens(
        [Tokens([1], [2, 3], [-1.0, -2.0]), None, Tokens([1, 2, 3, 4], [5], [-3.0])]
    )
    assert sample.ids == [1, 2, 3, 4, 5]
    assert sample.loss_mask == [False, True, True, False, True]
    assert sample.logprobs == [0.0, -1.0, -2.0, 0.0, -3.0]
    assert sample.steps == [0, 2]


def test_a_prompt_that_does_not_continue_starts_another_sample():
    samples = join_tokens([Tokens([1], [2]), Tokens([1, 9], [3])])
    assert [sample.ids for sample in samples] == [[1, 2], [1, 9, 3]]


def test_parts_of_different_length_are_refused():
    with pytest.raises(ValueError, match="logprobs has 1"):
        Tokens([1], [2, 3], [0.1])
    with pytest.raises(ValueError, match="loss_mask has 3"):
        Tokens([1], [2], loss_mask=[True, True, False])


@given(st.lists(st.tuples(IDS, IDS, st.booleans()), max_size=6))
def test_every_token_is_trained_on_once_as_it_was_sampled(actions):
    tokens: list[Tokens] = []
    prefix: list[int] = []
    for context, completion, anew in actions:
        prefix = list(context) if anew else prefix + context
        tokens.append(Tokens(list(prefix), completion, [-1.0] * len(completion)))
        prefix = prefix + completion
    samples = join_tokens(tokens)
    assert sum(sum(sample.loss_mask) for sample in samples) == sum(
        len(one.completion_ids) for one in tokens
    )
    assert sorted(step for sample in samples for step in sample.steps) == list(range(len(tokens)))
    for sample in samples:
        assert len(sample.ids) == len(sample.loss_mask) == len(sample.logprobs)
        last = tokens[sample.steps[-1]]
        assert sample.ids == [*last.prompt_ids, *last.completion_ids]
