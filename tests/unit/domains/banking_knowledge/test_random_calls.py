"""Whatever is called with whatever arguments: it is answered, and it can be played again."""

from __future__ import annotations

import random

import pytest
from tests.unit.domains.banking_knowledge.random_calls import Caller

from tau2.domains.banking_knowledge.environment import BankEnvironment, get_environment

CALLS = 120
READERS = ("get_", "list_", "unlock_", "transfer_to_", "initial_transfer_")


@pytest.fixture(params=["1", "0"], ids=["strict", "ours"])
def strict_compat(request, monkeypatch) -> str:
    monkeypatch.setenv("TAU2_STRICT_COMPAT", request.param)
    return request.param


def fresh() -> BankEnvironment:
    return get_environment(retrieval_variant="no_knowledge", read_log_allowlist=())


def test_random_calls_are_answered_and_refusals_change_nothing(strict_compat):
    environment = fresh()
    before = environment.get_db_hash()
    succeeded = 0
    for call, result in Caller(environment, random.Random(1)).calls(CALLS):
        after = environment.get_db_hash()
        assert isinstance(result.content, str)
        assert environment.get_user_db_hash() == after
        if result.error or (call.name.startswith(READERS) and call.requestor == "assistant"):
            assert after == before, call
        succeeded += not result.error and not result.content.startswith("Error")
        before = after
    assert succeeded > CALLS / 4


def test_the_same_calls_have_the_same_effects_on_forks_and_in_replays(strict_compat):
    environment = fresh()
    caller = Caller(environment, random.Random(2))
    list(caller.calls(CALLS))
    fork = environment.fork()
    halfway = environment.get_db_hash()
    list(caller.calls(CALLS))
    calls = [message.tool_calls[0] for message in caller.messages[::2]]

    again = fresh()
    for call in calls[:CALLS]:
        again.get_response(call)
    assert again.get_db_hash() == fork.get_db_hash() == halfway
    for call in calls[CALLS:]:
        again.get_response(call)
        fork.get_response(call)
    assert again.get_db_hash() == fork.get_db_hash() == environment.get_db_hash() != halfway

    replayed = fresh()
    replayed.set_state(None, None, caller.messages)
    assert replayed.get_db_hash() == environment.get_db_hash()
