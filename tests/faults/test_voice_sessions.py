"""Ten thousand voice sessions of clients that send anything: none raises."""

from __future__ import annotations

import pytest
from tests.unit.voice.wire.test_fuzz import PROTOCOLS, kinds_of_events

_SESSIONS = 5000


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_session_never_raises(protocol: str) -> None:
    kinds = kinds_of_events(protocol, range(1000, 1000 + _SESSIONS))
    assert len(kinds) >= 14, "the sessions reach what a session can do"
