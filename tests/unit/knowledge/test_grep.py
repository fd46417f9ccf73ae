"""grep: regular expressions over contents, from whoever writes them."""

from __future__ import annotations

import sys
import time

import pytest
from tests.unit.knowledge.cast import BOARD, found

from tau2.errors import MissingExtra, ToolError
from tau2.knowledge.access import Knowledge
from tau2.knowledge.documents import Document, DocumentSet
from tau2.knowledge.grep import Grep, check_package
from tau2.knowledge.variants import variant_named

BOARD_GREP = Grep(BOARD)


def test_the_document_with_the_most_matches_comes_first():
    hits = BOARD_GREP.search("no", 10)
    assert [(hit.document.id, hit.score) for hit in hits][:2] == [("noise", 2.0), ("compost", 1.0)]
    assert found(BOARD_GREP.search("no", 1)) == ["noise"]


def test_capitals_count_only_when_asked():
    assert found(BOARD_GREP.search("KEY", 10)) == ["keys"]
    assert Grep(BOARD, case_sensitive=True).search("KEY", 10) == []


def test_patterns_are_regular_expressions():
    assert found(BOARD_GREP.search(r"\b\d+ euros\b", 10)) == ["keys"]
    assert found(BOARD_GREP.search(r"^(turn|bring)\b", 10)) == ["compost", "shed"]
    assert found(BOARD_GREP.search(r"cleaned\.\Z", 10)) == ["shed"]


def test_what_is_no_regular_expression_is_searched_as_it_is():
    documents = DocumentSet([Document("a", "A", "See [1 (or 2)."), Document("b", "B", "1")])
    assert found(Grep(documents).search("[1 (", 10)) == ["a"]


@pytest.mark.parametrize("pattern", ["", "  ", "\n"])
def test_a_blank_pattern_finds_nothing(pattern):
    assert BOARD_GREP.search(pattern, 10) == []


@pytest.mark.parametrize("pattern", [r"(?=a)b", r"(a)\1", "a{5000}"])
def test_what_only_python_understands_is_refused_with_the_reason(pattern):
    with pytest.raises(ToolError, match="look-around, back-references and very large"):
        BOARD_GREP.search(pattern, 10)


def test_a_pattern_of_too_many_steps_is_refused():
    with pytest.raises(ToolError, match=r"too large .* repeat fewer times"):
        BOARD_GREP.search("(.{0,900}x.{0,900})", 10)
    assert BOARD_GREP.search("a.{0,300}e", 10)


def test_a_long_pattern_is_refused():
    with pytest.raises(ToolError, match="1,001 characters; at most 1,000"):
        BOARD_GREP.search("a" * 1001, 10)


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(a|a)*b", "(.*)*x", "(a?){60}a{60}", "(([a-z])+.)+[A-Z]([a-z])+$"]
)
def test_no_pattern_takes_more_than_linear_time(pattern):
    long = Grep(DocumentSet([Document("a", "A", "a" * 20_000 + "!")]))
    started = time.process_time()
    long.search(pattern, 10)
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize("text", ["ü", "\ud800", "\x00", "𝄞"])
def test_any_character_may_be_searched(text):
    documents = DocumentSet([Document("a", "A", f"before {text} after"), Document("b", "B", "")])
    assert found(Grep(documents).search(text, 10)) == ["a"]


def test_one_character_is_one_whatever_its_bytes():
    documents = DocumentSet([Document("a", "A", "caf\u00e9 \u4e2d\u4e2d")])
    assert [hit.score for hit in Grep(documents).search(".", 1)] == [7.0]
    assert [hit.score for hit in Grep(documents).search("\u4e2d", 1)] == [2.0]
    assert [hit.score for hit in Grep(documents).search("CAF\u00c9", 1)] == [1.0]
    assert Grep(documents).search(r"\?", 1) == []


def test_a_missing_package_is_told_before_anything_is_searched(monkeypatch):
    check_package.cache_clear()
    monkeypatch.setitem(sys.modules, "re2", None)
    documents = DocumentSet([Document("a", "A", "text")])
    with pytest.raises(MissingExtra, match="knowledge"):
        Knowledge(documents, variant_named("grep_only"))
    Knowledge(documents, variant_named("no_knowledge"))
