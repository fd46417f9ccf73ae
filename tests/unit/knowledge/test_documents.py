"""Document sets: in the order of ids, the same in every copy."""

from __future__ import annotations

import copy
import pickle

import pytest
from tests.unit.knowledge.cast import BOARD

from tau2.errors import DataFileError
from tau2.knowledge.documents import Document, DocumentSet


def test_documents_are_in_the_order_of_their_ids_whatever_order_they_come_in():
    backwards = DocumentSet(reversed(list(BOARD)))
    assert [document.id for document in backwards] == ["compost", "hose", "keys", "noise", "shed"]
    assert backwards.digest == BOARD.digest


def test_a_document_is_found_by_id_and_else_by_title():
    assert BOARD.find("hose") is BOARD.find("Watering") is BOARD[1]
    assert BOARD.find("Petra") is None


def test_every_text_counts_for_the_digest():
    digests = {
        DocumentSet([Document("a", "b", "c")]).digest,
        DocumentSet([Document("a", "bc", "")]).digest,
        DocumentSet([Document("ab", "c", "")]).digest,
    }
    assert len(digests) == 3


def test_two_documents_of_one_id_are_refused():
    with pytest.raises(DataFileError, match="two documents have the id 'a'"):
        DocumentSet([Document("a", "", ""), Document("a", "", "")])


def test_a_copy_is_the_set_itself_and_a_pickle_an_equal_one():
    assert copy.deepcopy(BOARD) is BOARD
    again = pickle.loads(pickle.dumps(BOARD))
    assert list(again) == list(BOARD)
    assert again.digest == BOARD.digest


def the_board():
    return BOARD_BY_NAME


BOARD_BY_NAME = DocumentSet(BOARD, source=the_board)


def test_a_set_with_a_source_is_pickled_as_the_source():
    pickled = pickle.dumps(BOARD_BY_NAME)
    assert b"Petra" not in pickled
    assert pickle.loads(pickled) is BOARD_BY_NAME
