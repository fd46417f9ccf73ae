"""Bytes of a terminal as names of keys."""

from __future__ import annotations

import codecs
import re

_NAMED = {
    "\x1b[A": "up", "\x1b[B": "down", "\x1b[C": "right", "\x1b[D": "left",
    "\x1bOA": "up", "\x1bOB": "down", "\x1bOC": "right", "\x1bOD": "left",
    "\x1b[H": "home", "\x1b[F": "end", "\x1bOH": "home", "\x1bOF": "end", "\x1b[1~": "home", "\x1b[4~": "end",
    "\x1b[7~": "home", "\x1b[8~": "end", "\x1b[5~": "page up", "\x1b[6~": "page down", "\x1b[Z": "back tab",
    "\r": "enter", "\n": "enter", "\t": "tab", "\x7f": "backspace", "\x08": "backspace",
    "\x03": "ctrl-c", "\x02": "page up", "\x04": "half down", "\x06": "page down", "\x15": "half up",
    "\x1a": "ctrl-z", "\x0c": "redraw",
}  # fmt: skip
_SEQUENCE = re.compile(r"\x1b(?:\[[0-9;?<]*[ -/]*[@-~]|O[A-Za-z])")
_BEGUN = re.compile(r"\x1b(?:\[[0-9;?<]*[ -/]*|O)?")
_LONGEST = 64  # characters of one sequence; more is no key


class KeyReader:
    """Turns bytes, cut anywhere, into keys; what may still become a longer sequence waits."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("ignore").decode
        self._waiting = ""

    @property
    def is_waiting(self) -> bool:
        """Whether the beginning of a sequence has been read."""
        return bool(self._waiting)

    def feed(self, data: bytes) -> list[str]:
        """Return the keys that are complete; a printable character is its own name."""
        text, keys = self._waiting + self._decode(data), []
        self._waiting = ""
        while text:
            if _BEGUN.fullmatch(text) and len(text) < _LONGEST:
                self._waiting = text
                break
            found = _SEQUENCE.match(text)
            key = found.group() if found else text[0]
            text = text[len(key) :]
            keys.append("esc" if key == "\x1b" else _NAMED.get(key, key))
        return [key for key in keys if len(key) > 1 or key.isprintable()]

    def flush(self) -> list[str]:
        """Return what a begun sequence means when nothing follows: the escape key."""
        begun, self._waiting = self._waiting, ""
        return ["esc"] if begun else []
