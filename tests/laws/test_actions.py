"""Law: whatever a model writes is an action, or an error says what is wrong with it.

Sentences are never calls.

A few ten thousand texts each day; a million, and the time they take: `python
benchmarks/bench_parser.py --n 1000000`.
"""

from __future__ import annotations

import random

import pytest
from tests.laws.writing import a_sentence, anything

from act_prm.llm_handlers.actions import get_actions
from tau2.gym import AgentGymEnv
from tau2.gym.text import read_action
from tau2.orchestrator.episode import Role
from tau2.rollout import as_message
from tau2.seeds import derive_seed
from tau2.utils.tools import (
    MalformedAction,
    parse_action,
    parse_action_string,
    to_functional_format,
)

TEXTS = 30_000
SENTENCES = 10_000


def texts(label: str, count: int, write=anything):
    rng = random.Random(derive_seed(3, label))
    return [write(rng) for _ in range(count)]


def read(text: str) -> str:
    """Return what becomes of a text: a call, words, or a refusal that says why."""
    try:
        message = read_action(text, Role.AGENT)
    except ValueError:
        return "refused"
    assert as_message(message).model_dump_json()
    return "call" if message.tool_calls else "words"


def test_every_text_is_read():
    found = [read(text) for text in texts("anything", TEXTS)]
    assert all(found.count(kind) > TEXTS / 50 for kind in ("call", "words", "refused"))


def test_nothing_but_an_empty_text_is_refused_by_the_public_parser():
    for text in texts("public", TEXTS // 3):
        try:
            message = parse_action_string(text)
        except ValueError:
            assert not text.strip()
            continue
        assert message.tool_calls or message.content


def test_a_call_that_was_read_is_read_again_from_its_functional_form():
    for text in texts("again", TEXTS // 3):
        try:
            calls = parse_action(text).tool_calls or []
        except ValueError:
            continue
        for call in calls:
            (again,) = parse_action(to_functional_format(call)).tool_calls
            assert (again.name, again.arguments) == (call.name, call.arguments) or has_odd_number(
                call.arguments
            )


def has_odd_number(value) -> bool:
    """Return whether there is a number that has no form of its own: not a number, or infinite."""
    return "nan" in repr(value) or "inf" in repr(value)


@pytest.mark.parametrize(
    "text", ["Sure (yes)", "Sure(yes)", "hello(world)", "Refund(s) = 30 (USD)", "Note(1 = one)"]
)
def test_an_aside_is_no_call(text):
    assert read(text) == "words"
    assert not any(action.is_call for action in get_actions(text))


def test_sentences_are_words():
    for sentence in texts("sentences", SENTENCES, a_sentence):
        assert read(sentence) == "words", sentence
        assert not any(action.is_call for action in get_actions(sentence)), sentence


def test_the_trainers_reader_takes_every_text():
    for text in texts("trainer", TEXTS // 3):
        for action in get_actions(text):
            assert action.model_dump_json()


@pytest.mark.parametrize(
    "text",
    [
        "f(x=" + "1+" * 400 + "1)",
        "f(x=" + "-" * 900 + "1)",
        "f(x=" + "[" * 150 + "]" * 150 + ")",
        '{"name": "f", "arguments": {"x": ' + "[" * 900 + "]" * 900 + "}}",
        "f(x=" + "9" * 5000 + ")",
        "f(x=1e999)",
        "f(x='\ud800')",
        '{"name": "\\ud800", "arguments": {"\\ud800": "\\ud800"}}',
        "f(x='\x00')",
        "f(" + "x=1, " * 20_000 + ")",
    ],
)
def test_an_episode_goes_on_after_it(text):
    env = AgentGymEnv("mock", "create_task_1", user="scripted_user")
    env.reset(seed=1)
    observation, _, terminated, truncated, info = env.step(text)
    assert observation
    assert not terminated
    assert not truncated
    assert info["error"] is None


def test_a_refusal_says_what_is_wrong():
    with pytest.raises(MalformedAction, match="a value must be"):
        parse_action("f(x=1+1)")
