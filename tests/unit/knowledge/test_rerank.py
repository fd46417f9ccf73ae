"""A model judges hits: what it is shown, what its answers mean, and that no failure hides a hit."""

from __future__ import annotations

import re

import pytest
from tests.unit.knowledge.cast import BOARD, found

from tau2.environment.toolkit import ToolKitBase
from tau2.errors import BudgetExhausted, ConfigError, DeadlineExceeded, ModelRefused
from tau2.knowledge.access import Knowledge
from tau2.knowledge.protocols import Hit
from tau2.knowledge.rerank import reranker_for
from tau2.knowledge.tools import with_knowledge
from tau2.knowledge.variants import variant_named
from tau2.llm import deadline, register_script, use_middleware
from tau2.llm.failure import CallFailed

HITS = [
    Hit(BOARD.by_id[name], score) for name, score in (("hose", 3.5), ("keys", 2.5), ("shed", 1.5))
]


@pytest.fixture
def judged():
    """Return a function that has a model judge HITS with these answers, by title."""
    seen = []

    def judge(answers, query="lost key", **options):
        def script(messages, _tools, _args):
            seen.append(messages)
            title = re.search(r'title="([^"]*)"', messages[1]["content"])[1]
            answer = answers[title]
            if isinstance(answer, Exception):
                raise answer
            return answer

        with register_script("judge", script) as model:
            return reranker_for(model=model, **options).rerank(query, HITS)

    judge.seen = seen
    return judge


def test_hits_come_in_the_order_of_their_new_scores_and_poor_ones_are_left_out(judged):
    result = judged({"Watering": "5", "Lost keys": "9.5", "The tool shed": "4"})
    assert [(hit.document.id, hit.score) for hit in result] == [("keys", 9.5), ("hose", 5.0)]
    assert result.failures == {}


def test_the_minimum_may_be_chosen(judged):
    result = judged({"Watering": "2", "Lost keys": "9", "The tool shed": "0"}, min_score=0)
    assert found(result) == ["keys", "hose", "shed"]


def test_equal_scores_keep_the_order_of_the_search(judged):
    result = judged({"Watering": "7", "Lost keys": "7", "The tool shed": "8"})
    assert found(result) == ["shed", "hose", "keys"]


def test_the_model_sees_query_title_and_article_and_one_article_a_call(judged):
    judged(dict.fromkeys(("Watering", "Lost keys", "The tool shed"), "1"), query="who has the key?")
    questions = [messages[1]["content"] for messages in judged.seen]
    assert len(questions) == 3
    assert all("who has the key?" in question for question in questions)
    assert sum("A key costs 12 euros." in question for question in questions) == 1


def test_a_failed_call_keeps_its_hit_in_its_place_and_is_told(judged, caplog):
    result = judged({"Watering": "6", "Lost keys": CallFailed("overloaded"), "The tool shed": "8"})
    assert [(hit.document.id, hit.score) for hit in result] == [
        ("shed", 8.0),
        ("keys", 2.5),
        ("hose", 6.0),
    ]
    assert "overloaded" in result.failures["keys"]
    assert "could not judge 'keys'" in caplog.text


@pytest.mark.parametrize("answer", ["no idea", "11", "-3", "from 4 to 6", "1e9"])
def test_an_answer_without_one_number_from_0_to_10_is_a_failed_call(judged, answer):
    result = judged({"Watering": "6", "Lost keys": answer, "The tool shed": "8"})
    assert found(result) == ["shed", "keys", "hose"]
    assert "not one number" in result.failures["keys"]


@pytest.mark.parametrize("answer", ["8/10", "**8**", "8.0\n", "I say 8.", "8 out of 10"])
def test_answers_that_mean_8(judged, answer):
    result = judged({"Watering": "1", "Lost keys": answer, "The tool shed": "1"})
    assert [hit.score for hit in result] == [8.0]


def test_when_every_call_fails_the_search_fails(judged):
    with pytest.raises(ModelRefused, match="bad key"):
        judged(dict.fromkeys(("Watering", "Lost keys", "The tool shed"), CallFailed("bad key")))


def test_a_budget_that_is_spent_ends_the_search(judged):
    def spent(_request, _send):
        raise BudgetExhausted("nothing is left")
        yield

    with use_middleware(spent), pytest.raises(BudgetExhausted):
        judged({})


def test_an_episode_that_is_over_asks_nothing(judged):
    token = deadline.set(0.0)
    try:
        with pytest.raises(DeadlineExceeded):
            judged({})
    finally:
        deadline.reset(token)
    assert judged.seen == []


def test_middleware_sees_the_calls_under_their_name(judged):
    names = []

    def watching(request, send):
        names.append(request.call_name)
        return (yield from send(request))

    with use_middleware(watching):
        judged({"Watering": "1", "Lost keys": "1", "The tool shed": "1"})
    assert names == ["reranker"] * 3


def test_the_metadata_of_a_search_names_what_could_not_be_judged():
    def script(messages, _tools, _args):
        return "no idea" if "Petra" in messages[1]["content"] else "9"

    with register_script("judge", script) as model:
        variant = variant_named("bm25_reranker")
        knowledge = Knowledge(BOARD, variant, reranker=reranker_for(model=model))
        result = with_knowledge(ToolKitBase, knowledge)(None).KB_search("key on Sunday")
    assert result.metadata["documents"] == ["keys", "noise"]
    assert list(result.metadata["not_judged"]) == ["keys"]


def test_a_run_may_choose_the_model_and_the_minimum():
    with register_script("judge", lambda *_: "4") as model:
        kwargs = {"reranker_model": model, "reranker_min_score": 4}
        knowledge = Knowledge(BOARD, variant_named("bm25_reranker", kwargs))
        assert found(knowledge.search("Petra")) == ["keys"]
    with pytest.raises(ConfigError, match="the name of a chat model"):
        variant_named("bm25_reranker", {"reranker_model": ""})


def test_no_hits_are_judged_without_asking():
    with register_script("nobody", lambda *_: "5") as model:
        assert reranker_for(model=model).rerank("lost key", []) == []


def test_a_model_that_cannot_be_called_is_told_before_the_first_search(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
        reranker_for()
    with pytest.raises(ConfigError, match="reranker_min_score"):
        reranker_for(min_score="high")
