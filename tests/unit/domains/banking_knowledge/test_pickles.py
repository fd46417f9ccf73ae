"""Environments of the bank travel to other processes, without what every process has."""

from __future__ import annotations

import pickle

import pytest

from tau2.data_model.message import ToolCall
from tau2.domains.banking_knowledge.environment import get_environment


def search(environment):
    call = ToolCall(id="1", name="KB_search", arguments={"query": "lost debit card"})
    return environment.get_response(call).content


def test_a_pickled_environment_finds_the_same_and_has_the_same_database():
    environment = get_environment(retrieval_variant="bm25_grep")
    expected = search(environment)
    again = pickle.loads(pickle.dumps(environment))
    assert search(again) == expected
    assert again.get_db_hash() == environment.get_db_hash()
    assert again.tools.rules == environment.tools.rules


@pytest.mark.parametrize("variant", ["bm25_grep", "no_knowledge"])
def test_a_pickle_holds_no_index(variant):
    environment = get_environment(retrieval_variant=variant)
    before = len(pickle.dumps(environment))
    if variant == "bm25_grep":
        search(environment)
    assert len(pickle.dumps(environment)) == before
