from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tau2.report.safe_text import clean, one_line, plain, shorten


@given(st.text())
def test_what_is_clean_holds_no_control_characters(text):
    cleaned = clean(text)
    assert not [c for c in cleaned if unicodedata.category(c) == "Cc" and c not in "\t\n"]
    assert clean(cleaned) == cleaned


@given(st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"])))
def test_ordinary_text_stays_as_it_is(text):
    assert clean(text) == text


@pytest.mark.parametrize(
    ("hostile", "harmless"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("a\rb\r\nc", "ab\nc"),
        ("\x9b2Jtext", "text"),
        ("abc\u202edcb", "abcdcb"),
        ("\x1b", ""),
        ("\x1b[", ""),
        ("tab\tstays", "tab\tstays"),
        ("half \ud83d", "half "),
    ],
)
def test_escape_sequences_go_with_their_arguments(hostile, harmless):
    assert clean(hostile) == harmless


def test_long_text_is_cut_and_says_by_how_much():
    assert shorten("x" * 10, 4) == "xxxx… (+6 characters)"
    assert shorten("x" * 10, None) == "x" * 10
    assert shorten("x" * 10, 0) == "… (+10 characters)"


def test_one_line_is_one_line():
    assert one_line("a\n  b\tc") == "a b c"
    assert one_line("x" * 200, 10) == "x" * 9 + "…"


def test_markup_is_text():
    assert plain("[bold]x[/bold]").plain == "[bold]x[/bold]"
    assert not plain("[bold]x[/bold]").spans
