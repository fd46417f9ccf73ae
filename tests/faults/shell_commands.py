"""Commands that a hostile or confused agent might write, made by a grammar and mutated."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Callable
from pathlib import Path

_PARTS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
_PIECES = (
    "$(",
    "\\",
    "\0",
    "\ud800",
    "\x1b",
    "$'\\",
    "<<",
    "((",
    "))",
    "..",
    "\n",
    *"'\"`){}|&;><*?[]~#!$= \té😀%/",
)
_SHAPES = (
    "for x in $({}); do echo $x; done",
    'x=$({}); echo "$x"',
    "if {}; then ls; else pwd; fi",
    "while {}; do break; done",
    "( {} )",
    "{{ {}; }}",
    "f() {{ {}; }}; f",
    "cat <({})",
    "eval '{}'",
    'bash -c "{}"',
    "cat <<E\n$({})\nE",
    "! {}",
    "time {}",
    "case $({}) in *) ls;; esac",
    "{} &",
)


class Commands:
    """Makes commands from one source of chance."""

    def __init__(self, rng: random.Random, host: Path, port: int) -> None:
        """Commands aim at a folder of the host with `secret.txt`, and at a port."""
        self._rng = rng
        self._host = host
        self._port = port

    def make(self) -> str:
        """Return the next command."""
        kinds: tuple[tuple[Callable[[], str], float], ...] = (
            (self._script, 5),
            (lambda: self._filled("paths"), 4),
            (lambda: self._filled("network"), 0.5),
            (lambda: self._filled("bombs"), 0.6),
            (self._nested, 0.4),
            (lambda: self._mutated(self._any()), 5),
        )
        makers, weights = zip(*kinds, strict=True)
        return self._rng.choices(makers, weights)[0]()

    def _any(self) -> str:
        return self._rng.choice((self._script, lambda: self._filled("paths"), self._script))()

    def _script(self, depth: int = 0) -> str:
        rng = self._rng
        parts = [self._statement(depth) for _ in range(rng.choice((1, 1, 1, 2, 3)))]
        text = parts[0]
        for part in parts[1:]:
            text += rng.choice(_PARTS["joins"]) + part
        return text

    def _statement(self, depth: int) -> str:
        rng = self._rng
        if depth < 3 and rng.random() < 0.25:
            inner = self._script(depth + 1)
            return rng.choice(_SHAPES).format(inner)
        source = self._filled("changes" if rng.random() < 0.2 else "sources")
        for _ in range(rng.choice((0, 0, 1, 1, 2))):
            source += " | " + self._filled("filters")
        if rng.random() < 0.25:
            source += " " + self._filled("redirections")
        return source

    def _nested(self) -> str:
        opening, closing = self._rng.choice(_PARTS["nests"])
        depth = self._rng.choice((3, 30, 100, 300, 1000, 3000))
        return (opening * depth + "ls" + closing * depth)[:19_900]

    def _mutated(self, text: str) -> str:
        rng = self._rng
        for _ in range(rng.choice((1, 1, 2, 4, 8))):
            at = rng.randrange(len(text) + 1)
            end = min(len(text), at + rng.choice((0, 1, 1, 3, 10)))
            shape = rng.randrange(4)
            if shape == 0:
                text = text[:at] + text[end:]
            elif shape == 1:
                text = text[:at] + rng.choice(_PIECES) * rng.choice((1, 1, 1, 2, 50)) + text[at:]
            elif shape == 2:
                text = text[:at] + text[at:end] * rng.choice((2, 3, 20)) + text[end:]
            else:
                text = (
                    text[:at]
                    + chr(rng.choice((rng.randrange(128), rng.randrange(0x3000))))
                    + text[end:]
                )
        return text

    def _filled(self, templates: str) -> str:
        rng = self._rng
        return rng.choice(_PARTS[templates]).format(
            f=rng.choice(_PARTS["documents"]),
            t=rng.choice(_PARTS["texts"]),
            w=rng.choice(_PARTS["written"]),
            n=rng.choice((0, 1, 3, 17, 100, -1)),
            b=rng.choice((1_000, 50_000, 10_000_000, 10**12, 10**20)),
            h=self._host / rng.choice(("secret.txt", "deep/.env")),
            H=self._host,
            d="/".join("d" * rng.choice((1, 300))),
            p=self._port,
        )
