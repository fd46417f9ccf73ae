"""Texts that are longer than a message may be: refused with words, or left for the episode."""

from __future__ import annotations

import pytest

from tau2.actions.message import as_message
from tau2.actions.parse import TAGGED, read_text
from tau2.actions.tool_calls import MalformedAction, parse_arguments
from tau2.data_model.malformed import MALFORMED_KEY
from tau2.gym.text import read_action
from tau2.orchestrator.episode import Role
from tau2.orchestrator.volume import excess_of
from tau2.utils.sizes import LONGEST_MESSAGE

_LONG = "<think>x</think>" + "a" * LONGEST_MESSAGE


def test_an_action_that_is_too_long_is_not_read_and_exceeds_the_cap_of_an_episode() -> None:
    message = as_message(_LONG)
    assert message.content == _LONG
    assert excess_of(message) == "sent a message of more than 1,000,000 characters"


def test_the_arguments_of_a_call_that_are_too_long_exceed_it_too() -> None:
    arguments = parse_arguments('{"a": "' + "a" * LONGEST_MESSAGE + '"}')
    assert len(arguments[MALFORMED_KEY]) == LONGEST_MESSAGE + 1


def test_a_text_that_is_read_as_an_action_says_that_it_is_too_long() -> None:
    with pytest.raises(MalformedAction, match="the answer has more than 1,000,000 characters"):
        read_text(_LONG, TAGGED)
    with pytest.raises(ValueError, match="the action has more than 1,000,000 characters"):
        read_action(_LONG, Role.AGENT)
