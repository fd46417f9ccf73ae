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


BOTH = verdict({"number": 1, **YES}, {"number": 2, **NO})


@pytest.mark.parametrize(
    ("answer", "met"),
    [
        (BOTH, [True, False]),
        (verdict({"number": 2, **YES}, {"number": 1, **NO}), [False, True]),
        (verdict({"number": "2", **YES}, {"number": "1.", **YES}), [True, True]),
        (verdict({"number": "Statement 1", **YES}, {"number": "2)", **NO}), [True, False]),
        (
            verdict(
                {"expectedOutcome": SENTENCES[1], **YES}, {"expectedOutcome": SENTENCES[0], **NO}
            ),
            [False, True],
        ),
        (verdict(YES, NO), [True, False]),
        (verdict({"metExpectation": "true"}, {"metExpectation": "No."}), [True, False]),
        (verdict({"metExpectation": 1}, {"metExpectation": 0}), [True, False]),
        (verdict({"met_expectation": "Yes"}, {"met": "1."}), [True, True]),
        (json.dumps([{"number": 1, **YES}, {"number": 2, **NO}]), [True, False]),
        (json.dumps({"1": True, "2": False}), [True, False]),
        (json.dumps({"results": {"1": YES, "2": "no"}}), [True, False]),
        ("Here you are:\n```json\n" + BOTH + "\n```", [True, False]),
        ("Thinking {so}...\n```\n" + BOTH + "\n```", [True, False]),
        ("<think>" + verdict(NO, YES) + "</think>" + BOTH, [True, False]),
        ("Sure! " + BOTH + " Bye {so}.", [True, False]),
        (BOTH.replace("}]", "},]").replace("true}", "true,}"), [True, False]),
        (verdict({"number": 1, "reasoning": "it said ```ls``` ,]", **YES}, {**NO}), None),
    ],
)
def test_a_judgement_is_read_in_every_form_that_models_use(answer, met):
    if met is None:  # the second entry has no number although the first has one
        met = [True, False]
        assert judged(answer, BOTH) == met
    else:
        assert judged(answer) == met


@pytest.mark.parametrize(
    ("first", "second", "met"),
    [
        (verdict({"number": 2, **YES}), verdict({"number": 1, **NO}), [False, True]),
        (verdict({"number": 1, **YES}), BOTH, [True, False]),
        (
            verdict({"number": 1, **YES}, {"number": 2, "metExpectation": "maybe"}),
            BOTH,
            [True, False],
        ),
        (verdict({"number": 9, **YES}, {"number": 8, **YES}), BOTH, [True, False]),
        (verdict({"number": True, **YES}, NO), BOTH, [True, False]),
    ],
)
def test_a_statement_without_a_verdict_is_asked_for_again(first, second, met):
    assert judged(first, second) == met


def test_what_is_missing_is_named_when_the_judge_is_asked_again():
    bench = Bench(verdict({"number": 2, **YES}), verdict({"number": 1, **NO}))
    check_sentences([], SENTENCES, Judge("scripted/unused", completion_fn=bench))
    correction = bench.asked[1]["messages"][-1]["content"]
    assert "no verdict for these statements: 1." in correction


def test_the_judge_is_asked_for_json_unless_told_otherwise():
    bench = Bench(BOTH)
    check_sentences([], SENTENCES, Judge("scripted/unused", completion_fn=bench))
    assert bench.asked[0]["response_format"] == {"type": "json_object"}
    own = Bench(BOTH)
    args = {"response_format": {"type": "text"}}
    check_sentences([], SENTENCES, Judge("scripted/unused", args, own))
    assert own.asked[0]["response_format"] == {"type": "text"}


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
        "[" * 100_000,
        '{"a":' * 20_000,
        '"' * 1000 + ",]" * 1000,
    ],
)
def test_unreadable_judgements_are_repeated_and_then_raise(junk):
    assert judged(junk, verdict(YES, YES)) == [True, True]
    with pytest.raises(ModelError, match="gave no readable judgement in 3 requests"):
        judged(junk, junk, junk)


def test_an_empty_judgement_raises():
    with pytest.raises(ModelError):
        judged(*[""] * 20)


def test_strict_compat_lets_an_empty_list_pass_but_not_junk():
    assert judged('{"results": []}', strict_compat=True) == []
    assert judged(verdict(NO), strict_compat=True) == [False]
    with pytest.raises(ModelError):
        judged("They were kind.", "Really.", "Yes.", strict_compat=True)


def test_without_assertions_the_judge_is_not_called():
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
