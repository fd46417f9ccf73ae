"""Which token opens which session."""

from __future__ import annotations

from tau2.service.session_tokens import SessionTokens


def test_a_token_opens_its_own_session_only():
    tokens = SessionTokens()
    first, second = tokens.issue("first"), tokens.issue("second")
    assert tokens.opens("first", first, "shared")
    assert not tokens.opens("second", first, "shared")
    assert not tokens.opens("second", "shared", "shared"), "it has a token of its own"
    assert not tokens.opens("", second, "shared")
    assert tokens.opens("", "shared", "shared")
    assert not SessionTokens().opens("first", first, "shared"), "on another server"


def test_a_token_opens_nothing_after_the_end_of_its_session():
    tokens = SessionTokens()
    token = tokens.issue("first")
    tokens.revoke("first", after=60.0)
    assert tokens.opens("first", token, "shared"), "a session is told for a while that it is over"
    tokens.revoke("first")
    assert not tokens.opens("first", token, "shared")
    assert len(tokens) == 0
    tokens.revoke("first")
