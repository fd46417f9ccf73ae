"""BM25 of the public variant: against a slow scorer written from the formula, and the package."""

from __future__ import annotations

import math
import random
from collections import Counter

import pytest
from tests.unit.knowledge.cast import (
    BOARD,
    found,
    public_documents,
    public_scenarios,
    random_documents,
)

from tau2.knowledge.documents import Document, DocumentSet

okapi = pytest.importorskip("tau2.knowledge.okapi", reason="the extra 'knowledge' is not installed")


class SlowOkapi:
    """The formula in plain Python, word by word and document by document."""

    def __init__(self, texts):
        self.counts = [Counter(text) for text in texts]
        self.lengths = [len(text) for text in texts]
        self.mean_length = sum(self.lengths) / len(texts)
        self.rows = {}
        for row, count in enumerate(self.counts):
            for word in count:
                self.rows.setdefault(word, []).append(row)
        self.idf = {
            word: math.log(len(texts) - len(rows) + 0.5) - math.log(len(rows) + 0.5)
            for word, rows in self.rows.items()
        }
        total = 0.0
        for value in self.idf.values():
            total += value
        for word in [word for word, value in self.idf.items() if value < 0]:
            self.idf[word] = 0.25 * (total / len(self.idf))

    def scores(self, query):
        scores = [0.0] * len(self.counts)
        for word in query:
            for row in self.rows.get(word, ()):
                count = self.counts[row][word]
                norm = 1.5 * (1 - 0.75 + 0.75 * self.lengths[row] / self.mean_length)
                scores[row] += self.idf[word] * (count * 2.5 / (count + norm))
        return scores


def words(text):
    return text.lower().split()


def agree(documents, scorer, queries):
    """Compare scores to the last bit, and the order of all documents."""
    ours = okapi.OkapiRetriever(documents)
    for query in queries:
        expected = list(scorer(words(query)))
        assert ours.scores(words(query)).tolist() == expected
        order = sorted(range(len(expected)), key=expected.__getitem__, reverse=True)
        assert found(ours.search(query, len(documents))) == [documents[row].id for row in order]


def test_scores_and_ranking_are_those_of_the_formula():
    rng = random.Random(7)
    documents = random_documents(rng, 60)
    slow = SlowOkapi([words(document.content) for document in documents])
    queries = [document.title for document in documents] + ["w0", "w1 w1 w399", "W3 nothing w2"]
    agree(documents, slow.scores, queries)


def test_scores_and_ranking_are_those_of_the_package():
    package = pytest.importorskip("rank_bm25", reason="rank-bm25 is not installed")
    rng = random.Random(8)
    documents = random_documents(rng, 200)
    scorer = package.BM25Okapi([words(document.content) for document in documents])
    agree(documents, scorer.get_scores, [document.title for document in documents])


def test_on_the_public_documents_every_title_and_scenario_ranks_as_with_the_formula():
    documents = public_documents()
    slow = SlowOkapi([words(document.content) for document in documents])
    queries = [document.title for document in documents] + public_scenarios()
    assert len(queries) >= 700
    agree(documents, slow.scores, queries)


def test_on_the_public_documents_every_title_and_scenario_ranks_as_with_the_package():
    documents = public_documents()
    package = pytest.importorskip("rank_bm25", reason="rank-bm25 is not installed")
    scorer = package.BM25Okapi([words(document.content) for document in documents])
    queries = [document.title for document in documents] + public_scenarios()
    assert len(queries) >= 700
    agree(documents, scorer.get_scores, queries)


def test_titles_are_not_searched_and_punctuation_belongs_to_a_word():
    board = okapi.OkapiRetriever(BOARD)
    assert found(board.search("euros.", 1)) == ["keys"]
    assert board.search("euros", 1)[0].score == 0
    assert board.search("Watering", 1)[0].score == 0


def test_without_a_known_word_the_first_documents_come_with_score_0():
    hits = okapi.OkapiRetriever(BOARD).search("helicopter", 3)
    assert [(hit.document.id, hit.score) for hit in hits] == [
        ("compost", 0.0),
        ("hose", 0.0),
        ("keys", 0.0),
    ]


@pytest.mark.parametrize("query", ["", "   ", "\n\t"])
def test_a_blank_query_finds_nothing(query):
    assert okapi.OkapiRetriever(BOARD).search(query, 3) == []


def test_equal_scores_are_in_the_order_of_ids_wherever_the_limit_falls():
    twins = DocumentSet(Document(f"n{n}", "", "same words here") for n in range(9))
    for limit in range(10):
        assert found(okapi.OkapiRetriever(twins).search("same", limit)) == [
            f"n{n}" for n in range(limit)
        ]


def test_no_documents_and_empty_documents_find_nothing_to_score():
    assert okapi.OkapiRetriever(DocumentSet([])).search("hose", 3) == []
    blank = okapi.OkapiRetriever(DocumentSet([Document("a", "hose", "")]))
    assert [hit.score for hit in blank.search("hose", 3)] == [0.0]


def test_only_the_beginning_of_an_endless_query_is_read():
    hits = okapi.OkapiRetriever(BOARD).search("word " * 2_000_000 + "Petra", 1)
    assert hits[0].score == 0
