"""One index for all environments: found by documents, name and options; never copied."""

from __future__ import annotations

import copy
import pickle
import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.unit.knowledge.cast import BOARD, found, random_documents

from tau2.errors import ConfigError, ModelUnavailable, UnknownName
from tau2.knowledge import index
from tau2.knowledge.access import Knowledge
from tau2.knowledge.documents import DocumentSet
from tau2.knowledge.index import RETRIEVERS, retriever_for
from tau2.knowledge.protocols import Hit
from tau2.knowledge.variants import variant_named


class Listed:
    """Finds documents in the order of the board, and remembers how often it was built."""

    built = 0

    def __init__(self, documents, offset=0):
        type(self).built += 1
        self.documents = documents
        self.offset = offset

    def search(self, query, limit):
        chosen = list(self.documents)[self.offset :][:limit]
        return [Hit(document, 1.0) for document in chosen]


@pytest.fixture
def listed():
    Listed.built = 0
    with RETRIEVERS.adding("listed", Listed):
        yield Listed


def test_equal_documents_name_and_options_share_one_index(listed):
    board = DocumentSet(list(BOARD))
    first = retriever_for(BOARD, "listed", offset=1)
    assert retriever_for(board, "listed", offset=1) is first
    assert retriever_for(board, "listed", offset=2) is not first
    assert found(first.search("anything", 2)) == ["hose", "keys"]


def test_the_index_is_built_by_the_first_search_and_once_for_all_threads(listed):
    retriever = retriever_for(BOARD, "listed", offset=3)
    assert listed.built == 0
    start = threading.Barrier(8)

    def search(_number):
        start.wait()
        return found(retriever.search("anything", 1))

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(search, range(8))) == [["noise"]] * 8
    assert listed.built == 1


@pytest.mark.parametrize("name", ["okapi", "bm25", "hybrid"])
def test_threads_that_search_at_the_same_time_find_what_one_alone_finds(name):
    pytest.importorskip("wordllama.config", reason="the extra 'knowledge' is not installed")
    documents = random_documents(random.Random(3), 40)
    retriever = retriever_for(documents, name)
    queries = [document.title for document in documents] * 3
    alone = [retriever.search(query, 5) for query in queries]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(lambda query: retriever.search(query, 5), queries)) == alone


def test_a_copy_is_the_retriever_itself_and_a_pickle_holds_no_index(listed):
    retriever = retriever_for(BOARD, "listed")
    without_index = len(pickle.dumps(retriever))
    retriever.search("anything", 1)
    assert copy.deepcopy(retriever) is retriever
    assert len(pickle.dumps(retriever)) == without_index
    assert pickle.loads(pickle.dumps(retriever)) is retriever


def test_a_child_process_does_not_wait_for_a_thread_of_its_parent(listed):
    retriever = retriever_for(BOARD, "listed", offset=2)
    # A thread of the parent held both locks when the child was forked.
    index._SHARED.lock.acquire()
    retriever._lock.acquire()
    index._SHARED.after_fork()
    assert retriever_for(BOARD, "listed", offset=2) is retriever
    assert found(retriever.search("anything", 1)) == ["keys"]


@pytest.mark.parametrize("query", ["", "  \n"])
def test_a_blank_query_finds_nothing_and_builds_nothing(listed, query):
    assert retriever_for(BOARD, "listed", offset=4).search(query, 3) == []
    assert listed.built == 0


def test_a_limit_of_nothing_finds_nothing(listed):
    assert retriever_for(BOARD, "listed").search("hose", 0) == []


def test_an_index_that_could_not_be_built_is_built_by_the_next_search():
    attempts = []

    def at_the_second_attempt(documents):
        attempts.append(documents)
        if len(attempts) == 1:
            raise ModelUnavailable("no embeddings today")
        return Listed(documents)

    with RETRIEVERS.adding("moody", at_the_second_attempt):
        retriever = retriever_for(BOARD, "moody")
        with pytest.raises(ModelUnavailable, match="today"):
            retriever.search("hose", 1)
        assert found(retriever.search("hose", 1)) == ["compost"]


def test_a_misspelt_name_is_told_at_once_with_the_nearest():
    with pytest.raises(UnknownName, match="did you mean 'okapi'"):
        retriever_for(BOARD, "okapy")


def test_an_option_that_is_no_plain_data_or_not_known_is_told(listed):
    with pytest.raises(ConfigError, match="not plain data"):
        retriever_for(BOARD, "listed", offset=object())
    with pytest.raises(ConfigError, match="colour"):
        retriever_for(BOARD, "listed", colour="red").search("hose", 1)


def test_a_name_in_use_is_not_given_twice():
    with pytest.raises(ConfigError, match="already"):
        RETRIEVERS.add("okapi", Listed)


def test_a_run_may_choose_the_retriever_of_its_search():
    pytest.importorskip("wordllama.config", reason="the extra 'knowledge' is not installed")
    variant = variant_named("bm25", {"retriever": "hybrid/wordllama", "top_k": 1})
    assert found(Knowledge(BOARD, variant).search("rotting vegetables")) == ["compost"]
    assert Knowledge(BOARD, variant_named("bm25", {"top_k": 1})).search("rotting vegetables") == []


def test_a_retriever_that_cannot_be_is_told_when_it_is_chosen():
    with pytest.raises(ConfigError, match="hybrid or dense/minilm"):
        variant_named("bm25", {"retriever": "google"})
    with pytest.raises(ConfigError, match="'grep_only' has none"):
        variant_named("grep_only", {"retriever": "hybrid"})
    with pytest.raises(UnknownName, match="did you mean 'wordllama'"):
        Knowledge(BOARD, variant_named("bm25", {"retriever": "dense/wordlama"}))
    with pytest.raises(ConfigError, match="embedder"):
        Knowledge(BOARD, variant_named("bm25", {"retriever": "okapi/wordllama"}))
