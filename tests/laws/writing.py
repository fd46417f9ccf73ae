"""What a model may write where an action is expected.

Calls, nearly calls, sentences, and noise. Seeded.
"""

from __future__ import annotations

import json
import random
import string
from collections.abc import Callable
from typing import Any

NAMES = ("create_task", "get_users", "done", "f", "Sure", "x1", "_", "class", "None", "größe")
KEYS = ("user_id", "title", "x", "if", "a b", "", "größe", "name", "arguments")
ALPHABET = string.printable + "ü€漢🙂\u2028\ufeff\x00\ud800\udfff"
MARKS = tuple("()[]{}=,:'\"\\#*+-. \n\t`")
TOKENS = (
    *MARKS,
    *(
        "**",
        "->",
        "None",
        "true",
        "NaN",
        "lambda:0",
        "f'{x}'",
        "b'x'",
        "1e999",
        "0x1F",
        "9" * 5000,
        "...",
        ":=",
    ),
    *("```", "<think>", "</think>", '"name"', '"arguments"', "###STOP###"),
)
WORDS = (
    *(
        "Sure",
        "yes",
        "Your",
        "order",
        "costs",
        "100",
        "dollars",
        "hello",
        "refund",
        "is",
        "ready",
        "the",
        "e.g.",
    ),
    *("(optional)", "größer", "tax", "=", "[1]", "{x}", "a/b"),
)
ASIDES = (
    "yes",
    "world",
    "s",
    "see below",
    "5",
    "5, 6",
    "a+b",
    "'quoted'",
    "e.g. tomorrow",
    "1 = one",
    "!",
)


def a_value(rng: random.Random, depth: int = 0) -> Any:
    kind = rng.randrange(9 if depth < 3 else 6)
    if kind < 3:
        return some_text(rng, 12)
    if kind < 6:
        return rng.choice([0, -1, 2.5, 10**20, True, False, None, "NYC"])
    if kind == 6:
        return [a_value(rng, depth + 1) for _ in range(rng.randrange(3))]
    return {rng.choice(KEYS): a_value(rng, depth + 1) for _ in range(rng.randrange(3))}


def some_text(rng: random.Random, longest: int) -> str:
    return "".join(rng.choices(ALPHABET, k=rng.randrange(longest + 1)))


def functional(rng: random.Random) -> str:
    parts = [f"{rng.choice(KEYS)}={a_value(rng)!r}" for _ in range(rng.randrange(4))]
    return f"{rng.choice(NAMES)}({', '.join(parts)})"


def in_json(rng: random.Random) -> str:
    arguments: Any = {rng.choice(KEYS): a_value(rng) for _ in range(rng.randrange(3))}
    call = {
        "name": rng.choice([*NAMES, 7, None, "\ud800"]),
        "arguments": rng.choice([arguments, arguments, a_value(rng)]),
    }
    if rng.random() < 0.2:
        call = {
            "id": a_value(rng),
            "type": "function",
            "function": {**call, "arguments": json.dumps(arguments)},
        }
    return json.dumps(
        [call] * rng.randrange(3) if rng.random() < 0.2 else call, ensure_ascii=rng.random() < 0.5
    )


def fenced(rng: random.Random) -> str:
    inside = rng.choice([functional, in_json, of_tokens])(rng)
    return f"```{rng.choice(['json', 'python', 'tool_call', '', 'xml'])}\n{inside}\n```"


def tagged(rng: random.Random) -> str:
    return f"<think>{a_sentence(rng)}</think>{rng.choice([functional, in_json, a_sentence])(rng)}"


def damaged(rng: random.Random) -> str:
    """Return a call in which a few places were changed."""
    text = rng.choice([functional, in_json, fenced, tagged])(rng)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(text) + 1)
        text = (
            text[:at]
            + rng.choice(["", rng.choice(TOKENS), rng.choice(ALPHABET)])
            + text[at + rng.randrange(3) :]
        )
    return text


def of_tokens(rng: random.Random) -> str:
    return rng.choice(["", "f(", "f(x=", "{", "[", '{"name": "f", "arguments": ']) + "".join(
        rng.choices(TOKENS, k=rng.randrange(12))
    )


def noise(rng: random.Random) -> str:
    if rng.random() < 0.5:
        return some_text(rng, 80)
    raw = rng.randbytes(rng.randrange(80))
    return raw.decode("latin-1") if rng.random() < 0.5 else raw.decode("utf-8", "surrogateescape")


NESTS = ("[ ]", "( )", "{'a': }", '{"a": }', "- ", "1+ 1", "a. b", "not _ 1")
"""What is repeated, and what closes it."""


def deep(rng: random.Random) -> str:
    """Return a call that goes on and on."""
    opening, closing = rng.choice(NESTS).replace("_", " ").rsplit(" ", 1)
    levels = int(10 ** rng.uniform(1, 3.5))
    inside = (
        opening * levels + rng.choice(["", "1"]) + closing * (levels if closing in ")]}" else 1)
    )
    return rng.choice(
        [f"f(x={inside})", f'{{"name": "f", "arguments": {{"x": {inside}}}}}', inside]
    )


def a_sentence(rng: random.Random) -> str:
    """Return words for a person, often with an aside in brackets that looks like a call.

    They are none.
    """
    aside, word = (
        f"({rng.choice(ASIDES)})",
        rng.choice(["Sure", "hello", "Refund", "items", "Note"]),
    )
    words = " ".join(rng.choices(WORDS, k=rng.randint(1, 8)))
    shapes = (
        f"{word} {aside}",
        f"{word}{aside}",
        f"{word}{aside} {words}",
        f"{word}{aside} {words} {aside}",
        f"{words} {aside}.",
        f"{words}: {word}{aside}",
        f"{word}, {words}?",
    )
    return rng.choice(shapes)


KINDS: dict[Callable[[random.Random], str], int] = {
    functional: 15,
    in_json: 15,
    fenced: 4,
    tagged: 4,
    damaged: 30,
    of_tokens: 12,
    noise: 14,
    a_sentence: 5,
    deep: 1,
}
"""How often each is drawn."""
_KINDS, _WEIGHTS = list(KINDS), list(KINDS.values())


def anything(rng: random.Random) -> str:
    return rng.choices(_KINDS, _WEIGHTS)[0](rng)
