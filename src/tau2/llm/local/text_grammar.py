"""What a text for the other side looks like: bounded, and never like a call."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tau2.actions.message import text_of_content
from tau2.llm.local.gbnf import (
    ANY_SCRIPT,
    BLANK_OR_BREAK,
    LATIN,
    Characters,
    Grammar,
    choice,
    times,
)
from tau2.utils.json_types import JsonMapping

_LONGEST_WORD = 40
_SENTENCE_STARTS = """
    A After All Also An And Any Anything Are As At Because Before Both But Can Certainly Could Dear
    Did Do Does Done Each For From Given Glad Good Great Happy Have Hello Here Hi How However I I'd
    I'll I'm I've If In Is It It's Just Let Let's May Maybe My No None Nothing Now Of Ok Okay On
    Once One Only Or Otherwise Our Perfect Please Right Since So Some Sorry Sure Thank Thanks That
    That's The Then There There's These They This Those To Two Under Understood Unfortunately Until
    Very We We'll We're We've Welcome Well What When Where Which While Who Why Will With Would Yes
    You You'll You're You've Your
""".split()  # noqa: SIM905  -- a list of this length is not read word by word
_ENGLISH = re.compile(r"\b(?:the|you|to|is|and|of|are)\b", re.IGNORECASE)
_ENOUGH = 3  # English words that make a conversation English


def characters_of(messages: Sequence[JsonMapping]) -> Characters:
    """Return the scripts in which texts are written: those of the conversation.

    Small models drift into the script they were trained on most.
    """
    is_latin = all(
        one <= "\u024f" or "\u2000" <= one <= "\u2bff" or not one.isalpha()
        for text in _texts(messages)
        for one in set(text)
    )
    return LATIN if is_latin else ANY_SCRIPT


def is_english(messages: Sequence[JsonMapping]) -> bool:
    """Return whether the system prompt and the other side are written in English."""
    found = 0
    for text in _texts(messages):
        for _ in _ENGLISH.finditer(text[:2000]):
            found += 1
            if found >= _ENOUGH:
                return True
    return False


def _texts(messages: Sequence[JsonMapping]) -> list[str]:
    return [
        text_of_content(message.get("content"))
        for message in messages
        if message.get("role") in {"system", "user"}
    ]


def text_rule(
    grammar: Grammar, characters: Characters, most: int, *, is_english: bool = False
) -> str:
    """Return the name of a rule of texts of up to `most` words.

    They begin like a sentence, and no word goes on after a bracket: models that know how to write
    code write `get_order(order_id=...)` where they should call. Placeholders have no brackets.
    No tool is named.
    """
    # Names of tools have underscores before letters; ids that are told, such as task_1, do not.
    inner = characters.without(" ()[]=|_")
    if is_english:
        # Where a model would rather call again, its next best word is any name that it knows.
        first = choice(_SENTENCE_STARTS)
    elif characters is LATIN:
        first = "[A-Z\u00c0-\u00de] [a-zA-Z\u00c0-\u024f'’-]{0,20}"
    else:
        first = f"{inner.body}{{1,20}}"
    start = grammar.add("start", f"{first} [,.!:?]?")
    letters = f'( {inner.body} | "_" [0-9] )'
    word = grammar.add("plain-word", f'"("? {letters}{{1,{_LONGEST_WORD}}} ( ")" [,.;:!?]? )?')
    following = grammar.add("further", f"{BLANK_OR_BREAK} {word}")
    return grammar.add("text", f"{start} {times(following, 0, most - 1)}")
