"""The judge: asked once, read generously, believed only about what it was asked."""

from __future__ import annotations

import json

import pytest
from tests.cast import a_task

from tau2.data_model.message import AssistantMessage, ToolCall, ToolMessage, UserMessage
from tau2.errors import ModelError
from tau2.evaluator.evaluator_nl_assertions import (
    NLAssertionsEvaluator,
    check_sentences,
    parse_judgement,
    render,
)
from tau2.evaluator.evidence import Judge

SENTENCES = ["The agent was kind.", "The agent was quick."]


class Bench:
    """A judge that gives prepared answers and remembers what it was asked."""

    def __init__(self, *answers: str) -> None:
        self.answers, self.asked = list(answers), []

    def __call__(self, **request):
        self.asked.append(request)
        answer = self.answers.pop(0)
        return {"choices": [{"message": {"role": "assistant", "content": answer}}], "usage": {}}


def verdict(*entries: dict) -> str:
    return json.dumps({"results": list(entries)})


def judged(*answers: str, strict_compat: bool = False) -> list[bool]:
    bench = Judge("scripted/unused", completion_fn=Bench(*answers))
    return [
        check.met for check in check_sentences([], SENTENCES, bench, strict_compat=strict_compat)
    ]


YES, NO = {"metExpectation": True}, {"metExpectation": False}


@pytest.mark.parametrize(
    ("answer", "met"),
    [
        (verdict({"number": 1, **YES}, {"number": 2, **NO}), [True, False]),
        (verdict({"number": 2, **YES}, {"number": 1, **NO}), [False, True]),
        (verdict({"number": "2", **YES}, {"number": "1", **YES}), [True, True]),
        (verdict({"number": 2, **YES}), [False, True]),
        (verdict({"expectedOutcome": SENTENCES[1], **YES}), [False, True]),
        (verdict(YES, YES), [True, True]),
        (verdict({"number": 9, **YES}, {"number": 8, **YES}), [False, False]),
        (verdict({"number": True, **YES}, NO), [False, False]),
        (
            verdict(
                {"number": 1, "metExpectation": "true"}, {"number": 2, "metExpectation": "yes"}
            ),
            [True, False],
        ),
        (verdict({"number": 1, "metExpectation": 1}), [False, False]),
        ("Here you are:\n```json\n" + verdict({"number": 1, **YES}) + "\n```", [True, False]),
        ("Thinking {so}...\n```\n" + verdict({"number": 1, **YES}) + "\n```", [True, False]),
        (verdict({"number": 1, "reasoning": "it said ```ls```", **YES}), [True, False]),
        ("Sure! " + verdict({"number": 1, **YES}, "junk") + " Bye.", [True, False]),
    ],
)
def test_every_sentence_has_its_own_answer(answer, met):
    assert judged(answer) == met


@pytest.mark.parametrize(
    "junk",
    [
        "They were kind.",
        "{}",
        "[]",
        "[1]",
        '{"results": 3}',
        '{"results": []}',
        '{"results": [3]}',
        "{" * 100,
    ],
)
def test_junk_is_asked_for_again_and_then_is_a_failure_of_the_judge(junk):
    assert judged(junk, verdict(YES, YES)) == [True, True]
    with pytest.raises(ModelError, match="twice gave no readable judgement"):
        judged(junk, junk)


def test_silence_is_a_failure_of_the_judge():
    with pytest.raises(ModelError):
        judged(*[""] * 20)


def test_strict_compat_lets_an_empty_list_pass_but_not_junk():
    assert judged('{"results": []}', strict_compat=True) == []
    assert judged(verdict(NO), strict_compat=True) == [False]
    with pytest.raises(ModelError):
        judged("They were kind.", "Really.", strict_compat=True)


def test_nothing_to_judge_asks_nobody():
    assert check_sentences([], [], Judge("nobody/there")) == []
    assert NLAssertionsEvaluator.calculate_reward(a_task(), []).reward == 1.0


def test_the_public_form():
    judge = Judge("scripted/unused", completion_fn=Bench(verdict(YES, NO)))
    info = NLAssertionsEvaluator.calculate_reward(a_task(sentences=SENTENCES), [], judge=judge)
    assert info.reward == 0.0
    assert info.nl_assertions[0].nl_assertion == SENTENCES[0]


def test_the_judge_reads_the_conversation_as_quoted_data():
    bench = Bench(verdict(YES, YES))
    messages = [UserMessage(content="Hi"), AssistantMessage(content="Hello")]
    check_sentences(messages, SENTENCES, Judge("scripted/unused", completion_fn=bench))
    prompt = bench.asked[0]["messages"][-1]["content"]
    assert "<conversation>\nuser: Hi\nassistant: Hello\n</conversation>" in prompt
    assert "1. The agent was kind." in prompt


def test_a_conversation_shows_tool_calls_and_bounded_results():
    call = ToolCall(id="1", name="look", arguments={"key": "a"})
    text = render([AssistantMessage(tool_calls=[call]), ToolMessage(id="1", content="x" * 10_000)])
    assert text.startswith('assistant calls look({"key": "a"})\ntool result for assistant: xxx')
    assert len(text) < 5000


def test_entries_are_objects_only():
    assert parse_judgement('{"results": [1, {"a": 1}]}') == [{"a": 1}]
    assert parse_judgement("no") is None
