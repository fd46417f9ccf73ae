"""From "you" to "I": the sentences of a scenario as the customer says them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tau2.user.scripted_user.rewrite import first_person
from tau2.user.scripted_user.speech import aloud, consequence

REWRITTEN = {
    "You want to return the lamp": "I want to return the lamp",
    "You are Ada Quill.": "I am Ada Quill.",
    "You're sure that you've paid.": "I'm sure that I've paid.",
    "You'd rather keep what's yours.": "I'd rather keep what's mine.",
    "Your name is Ada.": "My name is Ada.",
    "You name is Ada.": "My name is Ada.",
    "You were told that you can return it.": "I was told that I can return it.",
    "You also are late.": "I also am late.",
    "It was given to you.": "It was given to me.",
    "They told you that you would get it.": "They told me that I would get it.",
    "An agent will help you cancel it for you.": "An agent will help me cancel it for me.",
    "Before you leave, you look around yourself.": "Before I leave, I look around myself.",
    "The bike you bought suits you": "The bike I bought suits me",
    "the refund you should expect": "the refund I should expect",
    "You lost it and are in a bad mood.": "I lost it and am in a bad mood.",
    "Are you a member?": "Am I a member?",
    "Thank you.": "Thank you.",
    "You want the agent to cancel it for you.": "I want you to cancel it for me.",
    "You wonder if the agent's price is right.": "I wonder if your price is right.",
    "If the agent says it is gone, you take the blue one.": (
        "If you say it is gone, I take the blue one."
    ),
    "If the agent isn't sure, wait.": "If you aren't sure, wait.",
    "Say 'You are the best.' to Ada.": "Say 'You are the best.' to Ada.",
    "Cancel it, and if not, tell the agent not to do it.": (
        "Cancel it, and if not, please do not do it."
    ),
    "You don't know which agent you spoke to.": "I don't know which agent I spoke to.",
}


@pytest.mark.parametrize(("told", "said"), REWRITTEN.items())
def test_second_person_becomes_first(told: str, said: str) -> None:
    assert first_person(told) == said


SPOKEN = {
    "Your goal is to move the meeting.": "I would like to move the meeting.",
    "Ask for a refund.": "I would like a refund.",
    "Ask the agent to hurry.": "Please hurry.",
    "Ask to be put through to a manager.": "I would like to be put through to a manager.",
    "You ask the agent how much you get back.": "I would like to ask how much I get back.",
    "Request that task_9 be closed.": "I would like to request that task_9 be closed.",
    "Tell the agent that you have done it and ask them to close it.": (
        "I have done it. Please close it."
    ),
    "Mention that you are a member and that you're upset.": "I am a member and I'm upset.",
    "Create a task called 'You and me'.": "Please create a task called 'You and me'.",
    "Finally, you want a receipt.": "I want a receipt.",
    "You will see that the lamp is off.": "I see that the lamp is off.",
    "You are willing to pay up to $20.": "I am willing to pay up to $20.",
    "Exchange {'color': 'red', 'size': 'M'} for another.": (
        "Please exchange (color red, size M) for another."
    ),
    "You want the old address (you do not want to mention it).": "I want the old address.",
}


@pytest.mark.parametrize(("told", "said"), SPOKEN.items())
def test_instructions_become_lines(told: str, said: str) -> None:
    assert aloud(told) == said


@pytest.mark.parametrize(
    "direction",
    [
        "You are impatient and a bit rude.",
        "You are a private person.",
        "Be polite.",
        "Never reveal your birthday.",
        "You like to say one thing at a time.",
        "Do not volunteer anything.",
        "Always ground your answers on the results of tool calls.",
        "Your tone is firm.",
        "The right one is 17 (do not share this with the agent).",
        "Make sure you mention both at once.",
        "",
        " .",
    ],
)
def test_directions_are_not_said(direction: str) -> None:
    assert aloud(direction) == ""


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("say that it is 17 first (a common mistake), then correct yourself", "It is 17."),
        ("you are angry and swear, then agree to keep it", "All right, that is fine with me."),
        ("only exchange the lamp", "Please only exchange the lamp."),
        ("you'd go for no light", "I'd go for no light."),
        ("provide 4711", "It is 4711."),
        ("get angry", ""),
    ],
)
def test_what_follows_a_condition_is_a_line(told: str, said: str) -> None:
    assert consequence(told) == said


@given(st.text(max_size=300))
def test_any_text_can_be_rewritten(text: str) -> None:
    assert isinstance(first_person(text), str)
    assert isinstance(aloud(text), str)
    assert isinstance(consequence(text), str)
