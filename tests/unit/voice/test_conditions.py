"""The three conditions of the elicitation track."""

from __future__ import annotations

import pytest

from tau2.errors import UnknownName
from tau2.voice.complexity import sample_voice_config
from tau2.voice.conditions import CONDITIONS, condition_named, under_condition


def test_there_are_three_and_regular_changes_nothing():
    assert list(CONDITIONS) == ["regular", "noise", "speech"]
    sampled = sample_voice_config(1)
    assert under_condition(sampled, condition_named("regular")) == sampled


def test_noise_is_ten_decibels_below_speech_and_nothing_else_differs():
    sampled = sample_voice_config(1)
    noisy = under_condition(sampled, condition_named("noise"))
    assert noisy.source_effects_config.noise_snr_db == 10
    assert noisy.speech_effects_config == sampled.speech_effects_config
    assert noisy.background_noise_file == sampled.background_noise_file


@pytest.mark.parametrize("seed", range(4))
def test_somebody_else_speaks_whatever_the_place(seed):
    sampled = under_condition(sample_voice_config(seed), condition_named("speech"))
    assert sampled.background_noise_file == "tv_news"


def test_an_unknown_condition_is_named():
    with pytest.raises(UnknownName, match="speech"):
        condition_named("speach")
