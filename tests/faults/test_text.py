"""The everyday part of `python -m tests.faults.text`: every cap, through a whole episode."""

from __future__ import annotations

import pytest
from tests.faults.text import EXCESSES

from tau2.metrics.outcomes import outcome_of


@pytest.mark.parametrize("name", EXCESSES)
def test_too_much_is_an_outcome_with_words(name: str) -> None:
    exceed, outcome, words = EXCESSES[name]
    run = exceed()
    assert outcome_of(run) is outcome
    assert run.info is not None
    assert run.info["error"].startswith(words)
