"""The learning rate over the batches of a phase."""

import pytest

from act_prm.config import TrainerConfig
from act_prm.trainer.schedule import learning_rate_at


def rates(length, *, warmup=0, **config):
    config = TrainerConfig(learning_rate=1.0, **config)
    return [learning_rate_at(config, done, length, warmup=warmup) for done in range(length)]


def test_without_a_schedule_it_stays():
    assert rates(3) == [1.0] * 3


def test_it_warms_up_and_falls_along_a_line():
    assert rates(6, lr_schedule="linear", warmup_batches=2, lr_end=0.1) == pytest.approx(
        [0.5, 1.0, 1.0, 0.7, 0.4, 0.1]
    )


def test_a_phase_has_a_warm_up_of_its_own_of_at_most_a_third():
    assert rates(6, warmup=10) == [0.5, 1.0, 1.0, 1.0, 1.0, 1.0]
    assert rates(4, warmup=2) == [1.0] * 4
    assert rates(9, warmup=2)[:3] == [0.5, 1.0, 1.0]
    assert rates(6, warmup=10, warmup_batches=0) == [1.0] * 6
    assert rates(4, warmup=2, warmup_batches=4) == [0.25, 0.5, 0.75, 1.0]


def test_it_falls_along_a_cosine():
    assert rates(5, lr_schedule="cosine") == pytest.approx([1.0, 0.854, 0.5, 0.146, 0.0], abs=1e-3)
    assert rates(1, lr_schedule="cosine") == [1.0]
