"""Seeded mutations of JSON documents and texts, as models, servers and strangers send them."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from typing import Any

LARGE = 64 * 1024
"""Characters of a large input."""


_TOO_LONG = "an integer of thousands of digits"


def spelled(document: Any) -> bytes:
    """Return a document as JSON, also with integers that Python refuses to write.

    One that is too deep to be written is a row of brackets.
    """
    try:
        return json.dumps(document, default=str).encode()
    except ValueError:
        marked = _marked(document)
    except RecursionError:
        return b"[" * 5000
    try:
        text = json.dumps(marked, default=str)
    except RecursionError:
        return b"[" * 5000
    return text.replace(json.dumps(_TOO_LONG), "9" * 5000).encode()


def _marked(document: Any) -> Any:
    """Return a document in which a word stands for every integer that is too long."""
    whole = [document]
    waiting: list[Any] = [whole]
    while waiting:
        holder = waiting.pop()
        for key in holder if isinstance(holder, dict) else range(len(holder)):
            value = holder[key]
            if isinstance(value, dict | list):
                holder[key] = value.copy()
                waiting.append(holder[key])
            elif isinstance(value, int) and value.bit_length() > 14_000:
                holder[key] = _TOO_LONG
    return whole[0]


HOSTILE: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 0.5, -0.0, 1e308, 2**63, -(2**70), 10**400, 10**5000,
    float("nan"), float("inf"), -float("inf"), "", " ", "0", "1e9", "null", "NaN", "[DONE]",
    "\ud800", "\udfff tail", "\x00", "\x1b[2J", "\u202e", "\u2028", "é" * 40, "x" * 3000,
    "../../etc/passwd", "a/b\\c", "sk-0123456789abcdef0123456789abcdef", "{}", "[]", "{\"a\": ",
    "<think>", "</think>", "<tool_call>", "</tool_call>", "```json\n{}\n```", "name(a=1)",
    "###STOP###", "2026-13-45T99:99:99", "２５", "1,234.5", "$ 3.00", "%s %d {0}", "\r\n",
)  # fmt: skip
"""Values that are put in the place of others."""

HOSTILE_JSON: tuple[str, ...] = (
    "[]", "{}", "[[]]", "[null]", "[{}]", '{"": ""}', '{"\\ud800": 1}', '{"a": {"b": {"c": []}}}',
    '[1, "2", 3.0]', '["x", "x", "x", "x", "x", "x", "x", "x", "x", "x", "x", "x", "x"]',
    '{"error": "no"}', '{"error": {"message": null, "code": [1]}}', '{"id": {"id": []}}',
    '{"type": "text", "text": null}', '{"role": 5}', '{"name": ["a"]}',
    "[" * 60 + "]" * 60, "[" * 900 + "]" * 900,
)  # fmt: skip
"""Objects and lists likewise, as JSON: each is made anew, because it may be changed afterwards."""

TOKENS: tuple[str, ...] = (
    "{", "}", "[", "]", '"', "'", ",", ":", "\\", "\\u", "\\ud800", "\ud800", "(", ")", "=", "\n",
    "\r", "\n\n", " ", "\t", "\x00", "\x1b[31m", "\u2028", "\u202e", "\ufeff", "```", "```json\n",
    "<think>", "</think>", "<tool_call>", "</tool_call>", "<|python_tag|>", "data:", "data: ",
    "event: x\n", "[DONE]", ": ", "id:", "null", "NaN", "Infinity", "-", "-0", "1e999", "9" * 30,
    "9" * 5000, "name(", "f(a=", "a=1, a=2", "**{}", "lambda: 0", "1_0", "0x1", "b'x'", "...",
    "- ", "&a ", "*a", "!!python/object:os.system ", "<<: ", "? ", "|\n", "%", "$", "€", "1.234,5",
    "１２", "𝟙", "½", "ﬁ", "́", "\u200b", "&lt;", "<script>", "[x](javascript:y)", "###STOP###",
    '"results"', '"errors"', '"arguments"', '"choices"', "true", "false",
)  # fmt: skip
"""Pieces that mean something to one of the parsers."""


class Mutator:
    """Makes inputs out of seeds; the same seed gives the same inputs."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    # --- documents --------------------------------------------------------------------------------

    def document(self, seeds: Sequence[str]) -> Any:
        """Return a mutated copy of one of several documents, which are given as JSON."""
        value = json.loads(self._rng.choice(seeds))
        for _ in range(self._rng.randrange(1, 5)):
            value = self._changed(value)
        return value

    def _changed(self, document: Any) -> Any:
        """Return the document with one change at a random place."""
        place = self._place(document)
        if place is None:
            return self.value()
        holder, key = place
        self._rng.choice(_CHANGES)(self, holder, key)
        return document

    def _place(self, document: Any) -> tuple[Any, Any] | None:
        """Return a random place: what holds it, and its key or index. None for the top."""
        found = None
        here = document
        while isinstance(here, dict | list) and here:
            key = self._rng.choice(list(here)) if isinstance(here, dict) else self._at(here)
            found = (here, key)
            if self._rng.random() < 0.25:
                break
            here = here[key]
        return found

    def _at(self, items: Sequence[Any]) -> int:
        return self._rng.randrange(len(items))

    def value(self) -> Any:
        """Return a fresh hostile value."""
        number = self._rng.randrange(len(HOSTILE) + len(HOSTILE_JSON))
        if number < len(HOSTILE):
            return HOSTILE[number]
        return json.loads(HOSTILE_JSON[number - len(HOSTILE)])

    def replace(self, holder: Any, key: Any) -> None:
        holder[key] = self.value()

    def remove(self, holder: Any, key: Any) -> None:
        del holder[key]

    def wrap(self, holder: Any, key: Any) -> None:
        value = holder[key]
        holder[key] = self._rng.choice(
            ([value], {"value": value}, [value, value], spelled(value).decode())
        )

    def rename(self, holder: Any, key: Any) -> None:
        if isinstance(holder, dict):
            name = self.value()
            value = holder.pop(key)
            holder[name if isinstance(name, str) else f"{key}_"] = value

    def exchange(self, holder: Any, key: Any) -> None:
        other = self._rng.choice(list(holder)) if isinstance(holder, dict) else self._at(holder)
        holder[key], holder[other] = holder[other], holder[key]

    def repeat(self, holder: Any, key: Any) -> None:
        if isinstance(holder, list):
            holder.insert(key, holder[key])
        else:
            holder[f"{key}2"] = holder[key]

    def respell(self, holder: Any, key: Any) -> None:
        value = holder[key]
        holder[key] = self.text([value]) if isinstance(value, str) else self.value()

    # --- texts ------------------------------------------------------------------------------------

    def text(self, seeds: Sequence[str]) -> str:
        """Return a mutated copy of one of several texts."""
        text = self._rng.choice(seeds)
        for _ in range(self._rng.randrange(1, 5)):
            start, end = sorted((self._rng.randint(0, len(text)), self._rng.randint(0, len(text))))
            change = self._rng.randrange(6)
            if change == 0:
                text = text[:start] + text[end:]
            elif change == 1:
                text = text[:end] + text[start:]
            elif change == 2:
                text = text[:start]
            elif change == 3:
                text = text[:start] + chr(self._rng.randrange(0x250)) + text[start + 1 :]
            else:
                text = text[:start] + self._rng.choice(TOKENS) + text[start:]
        return text

    def bytes(self, seeds: Sequence[str]) -> bytes:
        """Return the bytes of a mutated text, sometimes with a changed byte or encoding."""
        text = self.text(seeds)
        encoding = self._rng.choice(("utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1"))
        content = bytearray(
            text.encode(encoding, "surrogatepass" if "utf" in encoding else "replace")
        )
        if content and self._rng.random() < 0.3:
            content[self._at(content)] = self._rng.randrange(256)
        return bytes(content)

    # --- large inputs -----------------------------------------------------------------------------

    def large_text(self, seeds: Sequence[str]) -> str:
        """Return a text of LARGE characters, made of repeated mutated pieces."""
        piece = self.text(seeds) or self._rng.choice(TOKENS)
        if self._rng.random() < 0.5:
            piece = self._rng.choice(TOKENS)
        whole = self._rng.choice(seeds)
        at = self._rng.randint(0, len(whole))
        return (whole[:at] + piece * (LARGE // len(piece) + 1))[: LARGE - len(whole)] + whole[at:]

    def large_document(self, seeds: Sequence[str]) -> Any:
        """Return a document of about LARGE characters: one of its values is long, or many."""
        document = self.document(seeds)
        place = self._place(document)
        if place is None:
            return self.large_text(seeds)
        holder, key = place
        value = holder[key]
        size = len(spelled(value)) + 2
        kind = self._rng.randrange(3)
        if kind == 0 or not isinstance(value, list | str):
            holder[key] = self.large_text([spelled(value).decode()[:1000]])
        elif kind == 1:
            holder[key] = [value] * (LARGE // size)
        else:
            holder[key] = {f"k{number}": value for number in range(LARGE // size)}
        return document


_CHANGES: tuple[Callable[[Mutator, Any, Any], None], ...] = (
    Mutator.replace,
    Mutator.replace,
    Mutator.replace,
    Mutator.remove,
    Mutator.wrap,
    Mutator.rename,
    Mutator.exchange,
    Mutator.repeat,
    Mutator.respell,
    Mutator.respell,
)
