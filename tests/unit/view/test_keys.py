from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tau2.view.keys import KeyReader


@pytest.mark.parametrize(
    ("data", "keys"),
    [
        (b"jk", ["j", "k"]),
        (b"\x1b[A\x1bOB", ["up", "down"]),
        (b"\x1b[5~\x1b[6~", ["page up", "page down"]),
        (b"\r\x7f\t\x1b[Z", ["enter", "backspace", "tab", "back tab"]),
        (b"\x03", ["ctrl-c"]),
        ("é→字".encode(), ["é", "→", "字"]),
        (b"\x00\x01", []),
    ],
)
def test_bytes_become_keys(data, keys):
    assert KeyReader().feed(data) == keys


def test_a_key_may_arrive_in_pieces():
    reader = KeyReader()
    assert reader.feed(b"\x1b") == []
    assert reader.is_waiting
    assert reader.feed(b"[") == []
    assert reader.feed(b"B") == ["down"]
    assert reader.feed("字".encode()[:1]) == []
    assert reader.feed("字".encode()[1:]) == ["字"]


def test_an_escape_alone_is_a_key_once_nothing_follows():
    reader = KeyReader()
    reader.feed(b"\x1b")
    assert reader.flush() == ["esc"]
    assert reader.flush() == []


@given(st.binary(max_size=200))
def test_no_bytes_are_too_strange(data):
    reader = KeyReader()
    keys = reader.feed(data) + reader.flush()
    assert all(len(key) > 1 or key.isprintable() for key in keys)
