"""Reciprocal rank fusion: what two retrievers agree on comes first."""

from __future__ import annotations

import pytest
from tests.unit.knowledge.cast import BOARD, found

from tau2.knowledge.fusion import FusedRetriever, WeightedRetriever
from tau2.knowledge.index import retriever_for
from tau2.knowledge.protocols import Hit


class Says:
    """Finds these documents in this order, whatever is asked."""

    def __init__(self, *names):
        self.hits = [Hit(BOARD.by_id[name], 1.0) for name in names]

    def search(self, query, limit):
        return self.hits[:limit]


def fused(*weighted):
    return FusedRetriever([WeightedRetriever(retriever, weight) for retriever, weight in weighted])


def test_a_document_that_both_find_comes_before_one_that_either_puts_first():
    board = fused((Says("hose", "keys"), 1), (Says("noise", "keys"), 1))
    hits = board.search("?", 3)
    assert found(hits) == ["keys", "hose", "noise"]
    assert hits[0].score == pytest.approx(2 / 62)


def test_the_heavier_ranking_decides_where_they_disagree():
    assert found(fused((Says("hose"), 1), (Says("keys"), 2)).search("?", 2)) == ["keys", "hose"]


def test_ties_are_in_the_order_of_ids():
    assert found(fused((Says("shed"), 1), (Says("hose"), 1)).search("?", 2)) == ["hose", "shed"]


def test_the_hybrid_finds_by_word_and_by_meaning():
    pytest.importorskip("wordllama.config", reason="the extra 'knowledge' is not installed")
    board = retriever_for(BOARD, "hybrid")
    assert found(board.search("Petra", 1)) == ["keys"]
    assert found(board.search("rotting vegetables", 1)) == ["compost"]
    assert len(board.search("rotting vegetables", 2)) == 2
    assert board.search("  ", 2) == []
