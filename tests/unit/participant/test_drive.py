"""Asking a participant.

Whichever method is the most specific one is heard, on a thread or on a loop.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading

import pytest

from tau2.errors import DeadlineExceeded, ParticipantError
from tau2.participant.base import HalfDuplexParticipant
from tau2.participant.drive import areply, reply


class Both(HalfDuplexParticipant):
    def generate_next_message(self, message, state):
        return f"sync {message}", state

    async def agenerate_next_message(self, message, state):
        return f"async {message}", state


class OnlySyncOverridden(Both):
    def generate_next_message(self, message, state):
        return "mine", state


class InnerOverridden(Both):
    def _generate_next_message(self, message, state):
        return "mine"


class Plain(HalfDuplexParticipant):
    def generate_next_message(self, message, state):
        return threading.current_thread() is threading.main_thread(), state


class Prompt(Plain):
    blocking = False


def asked(participant, **options):
    return asyncio.run(areply(participant, "hi", 1, **options))


def test_reply_calls_the_sync_method_and_areply_the_async_one():
    assert reply(Both(), "hi", 1) == ("sync hi", 1)
    assert asked(Both()) == ("async hi", 1)


def test_areply_calls_an_overridden_sync_method():
    assert asked(OnlySyncOverridden()) == ("mine", 1)
    patched = Both()
    patched.generate_next_message = lambda message, state: ("patched", state)
    assert asked(patched) == ("patched", 1)
    assert asked(InnerOverridden()) == ("sync hi", 1)


def test_a_blocking_participant_runs_in_a_worker_thread():
    assert asked(Plain()) == (False, 1)
    assert asked(Prompt()) == (True, 1)


def test_context_variables_reach_the_worker_thread():
    where = contextvars.ContextVar("where", default="nowhere")

    class Asks(Plain):
        def generate_next_message(self, message, state):
            return where.get(), state

    where.set("here")
    assert asked(Asks())[0] == "here"


def test_reply_runs_a_coroutine_on_an_event_loop_of_its_own():
    class Coroutine(HalfDuplexParticipant):
        async def generate_next_message(self, message, state):
            await asyncio.sleep(0)
            return "awaited", state

    assert reply(Coroutine(), "hi", 1) == ("awaited", 1)
    assert asked(Coroutine()) == ("awaited", 1)

    async def inside():
        return reply(Coroutine(), "hi", 1)

    with pytest.raises(ParticipantError, match="await arun"):
        asyncio.run(inside())


def test_a_participant_with_only_the_async_method_works_with_both_drivers():
    class Only(HalfDuplexParticipant):
        async def agenerate_next_message(self, message, state):
            return "async", state

    assert reply(Only(), "hi", 1) == asked(Only()) == ("async", 1)


def test_a_participant_that_takes_too_long_raises_deadline_exceeded():
    class Hangs(HalfDuplexParticipant):
        async def agenerate_next_message(self, message, state):
            await asyncio.Event().wait()

    with pytest.raises(DeadlineExceeded):
        asked(Hangs(), seconds=0.01)
    with pytest.raises(DeadlineExceeded):
        reply(Hangs(), "hi", 1, 0.01)


def test_a_result_that_is_no_pair_raises_participant_error():
    class Wrong(HalfDuplexParticipant):
        def generate_next_message(self, message, state):
            return "only a message"

    with pytest.raises(ParticipantError, match=r"must return \(message, state\), not str"):
        reply(Wrong(), "hi", 1)


def test_the_base_class_names_the_missing_method():
    with pytest.raises(NotImplementedError, match="generate_next_message"):
        reply(HalfDuplexParticipant(), "hi", 1)
    with pytest.raises(NotImplementedError, match="get_init_state"):
        HalfDuplexParticipant().get_init_state()
