from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tau2.view.wrap import fitted, wrapped


def test_lines_break_at_spaces_and_keep_their_indentation():
    assert wrapped("one two three", 9) == ["one two", "three"]
    assert wrapped("  - first point here", 12) == ["  - first", "  point here"]


def test_a_word_that_is_too_long_is_cut():
    assert wrapped("abcdefghij", 4) == ["abcd", "efgh", "ij"]


def test_wide_characters_take_two_cells():
    assert wrapped("字字字", 4) == ["字字", "字"]
    assert fitted("字字字", 4) == "字 …"


def test_escape_sequences_are_gone():
    assert wrapped("\x1b[2Jred\x07", 20) == ["red"]


@given(st.text(max_size=300), st.integers(12, 60))
def test_no_line_is_wider_than_asked(text, width):
    lines = wrapped(text, width, "  ")
    assert lines
    assert all(cell_len(line) <= width for line in lines)
    assert not any(ord(character) < 32 for line in lines for character in line)


@given(
    st.text(st.characters(blacklist_categories=("Cc", "Cs", "Cf", "Mn", "Me")), max_size=80),
    st.integers(2, 60),
)
def test_a_fitted_line_has_exactly_its_width(text, width):
    assert cell_len(fitted(text, width)) == width
