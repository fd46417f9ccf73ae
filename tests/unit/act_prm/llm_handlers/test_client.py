"""The protocol's data say at once what is wrong with them."""

from __future__ import annotations

import math

import pytest

from act_prm.llm_handlers.client import Datum, SamplingParams, checked
from tau2.errors import ConfigError


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"max_tokens": 0}, "at least one token"),
        ({"max_tokens": 1, "temperature": -0.1}, "temperature"),
        ({"max_tokens": 1, "temperature": math.nan}, "temperature"),
        ({"max_tokens": 1, "top_p": 0.0}, "top_p"),
        ({"max_tokens": 1, "stop": ("end", "")}, "empty text"),
    ],
)
def test_sampling_that_means_nothing_is_refused(values, message):
    with pytest.raises(ConfigError, match=message):
        SamplingParams(**values)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"weights": [0.0]}, "weights has 1 entries, but there are 2 tokens"),
        ({"weights": [0.0, 1.0], "advantages": [1.0]}, "advantages has 1 entries"),
        ({"weights": [0.0, 1.0], "logprobs": [1.0] * 3}, "logprobs has 3 entries"),
        ({"weights": [0.0, -1.0]}, "not negative"),
        ({"weights": [0.0, math.nan]}, "finite"),
        ({"weights": [1.0, 1.0]}, "first token"),
    ],
)
def test_a_sequence_whose_lists_disagree_is_refused(parts, message):
    with pytest.raises(ValueError, match=message):
        Datum([7, 8], **parts)


def test_only_what_carries_weight_is_trained_on_and_it_must_bring_what_the_loss_needs():
    idle, plain = Datum([1, 2], [0.0, 0.0]), Datum([1, 2], [0.0, 0.5])

    assert checked([idle, plain], "cross_entropy") == [plain]
    assert plain.n_trained == 1
    assert checked([idle], "ppo") == []
    with pytest.raises(ValueError, match="ppo needs the advantages"):
        checked([plain], "ppo")
    with pytest.raises(ConfigError, match="no loss named 'dpo'"):
        checked([plain], "dpo")
