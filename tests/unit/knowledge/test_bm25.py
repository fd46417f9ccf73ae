"""BM25 over stems: what is found, and what is not."""

from __future__ import annotations

import pytest
from tests.unit.knowledge.cast import BOARD, found

from tau2.knowledge.documents import Document, DocumentSet

bm25 = pytest.importorskip("tau2.knowledge.bm25", reason="the extra 'knowledge' is not installed")


def search(query, limit=5, documents=BOARD):
    return found(bm25.Bm25Retriever(documents).search(query, limit))


def test_other_forms_of_a_word_are_found_whatever_stands_around_them():
    assert search("(cleaning?)") == ["shed"]
    assert search("EUROS") == ["keys"]


def test_titles_are_searched_too():
    assert search("watering") == ["hose"]


def test_documents_without_a_common_word_are_no_hits():
    assert search("helicopter") == []
    assert search("Petra's key") == ["keys"]


@pytest.mark.parametrize("query", ["", " ", "where is the", "?!", "\ud800"])
def test_a_query_without_words_of_meaning_finds_nothing(query):
    assert search(query) == []


def test_only_the_beginning_of_an_endless_query_is_read():
    assert search("mower " * 2_000_000 + "Petra") == ["noise"]


def test_ties_are_in_the_order_of_ids():
    twins = DocumentSet(Document(f"n{n}", "", "mowers") for n in reversed(range(5)))
    assert search("mower", 3, twins) == ["n0", "n1", "n2"]


def test_no_words_at_all_is_a_document_set_like_any_other():
    assert search("hose", 3, DocumentSet([])) == []
    assert search("hose", 3, DocumentSet([Document("a", "", "...")])) == []
