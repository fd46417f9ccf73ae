"""A reader of GBNF that writes texts of a grammar at random, and knows whether a text is one.

It stands in for llama.cpp: what it writes is what any model, however confused, might write.
"""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Literal:
    """A text."""

    text: str


@dataclass(frozen=True)
class Class:
    """One character of some ranges, or of none of them."""

    ranges: tuple[tuple[str, str], ...]
    is_negated: bool


@dataclass(frozen=True)
class Rule:
    """A reference to a rule."""

    name: str


@dataclass(frozen=True)
class Sequence:
    """Nodes in a row."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Choice:
    """Any one of the nodes."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Repeated:
    """A node, `least` to `most` times."""

    part: Node
    least: int
    most: int


Node = Literal | Class | Rule | Sequence | Choice | Repeated
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}
_HEX = {"x": 2, "u": 4, "U": 8}


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def peek(self) -> str:
        while self.text[self.at : self.at + 1] == " ":
            self.at += 1
        return self.text[self.at : self.at + 1]

    def take(self) -> str:
        self.at += 1
        return self.text[self.at - 1]

    def choice(self) -> Node:
        parts = [self.sequence()]
        while self.peek() == "|":
            self.take()
            parts.append(self.sequence())
        return parts[0] if len(parts) == 1 else Choice(tuple(parts))

    def sequence(self) -> Node:
        parts: list[Node] = []
        while self.peek() not in {"", "|", ")"}:
            parts.append(self.repeated(self.item()))
        assert parts, f"an empty body at {self.at}: {self.text[:80]}"
        return Sequence(tuple(parts))

    def repeated(self, part: Node) -> Node:
        following = self.text[self.at : self.at + 1]
        if following == "?":
            self.take()
            return Repeated(part, 0, 1)
        assert following not in {"*", "+"}, "a grammar of ours is bounded"
        if following != "{":
            return part
        end = self.text.index("}", self.at)
        least, _, most = self.text[self.at + 1 : end].partition(",")
        self.at = end + 1
        return Repeated(part, int(least), int(most or least))

    def item(self) -> Node:
        first = self.take()
        if first == "(":
            inner = self.choice()
            assert self.peek() == ")"
            self.take()
            return inner
        if first == '"':
            characters = []
            while self.text[self.at] != '"':
                characters.append(self.character())
            self.take()
            return Literal("".join(characters))
        if first == "[":
            return self.character_class()
        start = self.at - 1
        while self.text[self.at : self.at + 1].isalnum() or self.text[self.at : self.at + 1] == "-":
            self.at += 1
        assert first.isalnum(), f"no name at {start}: {self.text[start:]}"
        return Rule(self.text[start : self.at])

    def character_class(self) -> Class:
        is_negated = self.text[self.at] == "^"
        self.at += is_negated
        ranges = []
        while self.text[self.at] != "]":
            low = high = self.character()
            if self.text[self.at] == "-" and self.text[self.at + 1] != "]":
                self.take()
                high = self.character()
            assert low <= high
            ranges.append((low, high))
        self.take()
        assert ranges
        return Class(tuple(ranges), is_negated)

    def character(self) -> str:
        character = self.take()
        if character != "\\":
            return character
        escaped = self.take()
        if escaped in _HEX:
            code = self.text[self.at : self.at + _HEX[escaped]]
            self.at += _HEX[escaped]
            return chr(int(code, 16))
        return _ESCAPES.get(escaped, escaped)


class Gbnf:
    """A grammar that was parsed."""

    def __init__(self, text: str) -> None:
        self.rules: dict[str, Node] = {}
        self._known: dict[tuple[str, int], set[int]] = {}
        for line in text.splitlines():
            name, _, body = line.partition(" ::= ")
            parser = _Parser(body)
            assert name not in self.rules
            self.rules[name] = parser.choice()
            assert parser.peek() == "", f"what is this: {body[parser.at :]}"

    def sample(self, rng: random.Random) -> str:
        """Return a text of the grammar."""
        written: list[str] = []
        self._write(self.rules["root"], rng, written)
        return "".join(written)

    def _write(self, node: Node, rng: random.Random, written: list[str]) -> None:
        match node:
            case Literal(text):
                written.append(text)
            case Class(ranges, is_negated):
                assert not is_negated
                low, high = rng.choice(ranges)
                written.append(chr(rng.randint(ord(low), ord(high))))
            case Rule(name):
                self._write(self.rules[name], rng, written)
            case Sequence(parts):
                for part in parts:
                    self._write(part, rng, written)
            case Choice(parts):
                self._write(rng.choice(parts), rng, written)
            case Repeated(part, least, most):
                # Short, long, and anything between.
                upper = rng.choice((least, most, min(most, least + 3)))
                for _ in range(rng.randint(least, upper)):
                    self._write(part, rng, written)

    def admits(self, text: str) -> bool:
        """Return whether a text is one of the grammar."""
        self._known = {}
        return len(text) in self._ends(self.rules["root"], text, {0})

    def _ends(self, node: Node, text: str, starts: set[int]) -> set[int]:
        match node:
            case Literal(given):
                return {at + len(given) for at in starts if text.startswith(given, at)}
            case Class(ranges, is_negated):
                return {
                    at + 1
                    for at in starts
                    if at < len(text)
                    and any(low <= text[at] <= high for low, high in ranges) is not is_negated
                }
            case Rule(name):
                return set().union(*(self._ends_of_rule(name, text, at) for at in starts))
            case Sequence(parts):
                for part in parts:
                    starts = self._ends(part, text, starts)
                return starts
            case Choice(parts):
                return set().union(*(self._ends(part, text, starts) for part in parts))
            case Repeated():
                return self._ends_of_repeated(node, text, starts)

    def _ends_of_rule(self, name: str, text: str, start: int) -> set[int]:
        if (name, start) not in self._known:
            self._known[name, start] = self._ends(self.rules[name], text, {start})
        return self._known[name, start]

    def _ends_of_repeated(self, node: Repeated, text: str, starts: set[int]) -> set[int]:
        found = set(starts) if node.least == 0 else set()
        for number in range(1, node.most + 1):
            starts = self._ends(node.part, text, starts)
            if number >= node.least:
                found |= starts
            if not starts:
                break
        return found
