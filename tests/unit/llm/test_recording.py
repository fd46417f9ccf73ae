"""A recording holds every exchange once, survives damage, and replays only what it holds."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.stub import StubServer, failing

from tau2.data_model.message import AssistantMessage, SystemMessage, UserMessage
from tau2.errors import BudgetExhausted, DeadlineExceeded, ModelUnavailable
from tau2.llm import Request, complete, use_middleware
from tau2.llm.attempt_context import AttemptContext, use_attempt
from tau2.llm.middleware import recording as recording_module
from tau2.llm.middleware.recorded_calls import read_header, read_recorded_calls
from tau2.llm.middleware.recording import Recorder, decode_entry, encode_entry
from tau2.llm.middleware.replay import AttemptReplay, Diverged, RefusedParams, ReplayMiddleware
from tau2.llm.middleware.request_diff import differences
from tau2.llm.returned_fields import RETURNED_FIELDS
from tau2.llm.secrets import Redactor


@contextmanager
def around(layer, unit=None):
    with use_middleware(layer), use_attempt(unit or AttemptContext("task", 1, 7, "sim-1")):
        yield


def says(text):
    return {
        "choices": [{"message": {"content": text}}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2},
    }


def talk(turns=3, fn=None, **args):
    """Talk for some turns and return what was answered."""
    history = [SystemMessage(content="Be kind."), UserMessage(content="one")]
    said = []
    for turn in range(turns):
        answer = complete(
            "m",
            history,
            completion_fn=fn or (lambda messages, **_: says(f"{len(messages)} heard")),
            num_retries=1,
            **args,
        )
        said.append(answer.content)
        history += [AssistantMessage(content=answer.content), UserMessage(content=f"turn {turn}")]
    return said


def recorded(folder, **options):
    with around(Recorder(folder).middleware):
        talk(**options)
    return read_recorded_calls(folder / "sim-1.jsonl")


def test_every_exchange_is_kept_whole_though_each_line_holds_only_what_is_new(tmp_path):
    recorded_calls = recorded(tmp_path)
    assert (
        recorded_calls.task_id,
        recorded_calls.trial,
        recorded_calls.simulation_id,
        recorded_calls.damage,
    ) == ("task", 1, "sim-1", ())
    assert [exchange.call for exchange in recorded_calls.exchanges] == [1, 2, 3]
    assert [len(exchange.request.messages) for exchange in recorded_calls.exchanges] == [2, 4, 6]
    assert recorded_calls.exchanges[2].request.messages[-2:] == [
        {"role": "assistant", "content": "4 heard"},
        {"role": "user", "content": "turn 1"},
    ]
    assert recorded_calls.exchanges[1].outcome["response"] == says("4 heard")
    entries = [decode_entry(line) for line in (tmp_path / "sim-1.jsonl").read_bytes().splitlines()]
    assert [len(entry.get("messages", ())) for entry in entries] == [0, 2, 2, 2]


def test_what_was_recorded_is_played_back_and_nothing_is_asked(tmp_path):
    recorded_calls = recorded(tmp_path)
    attempt_replay = AttemptReplay(recorded_calls.exchanges)
    with around(ReplayMiddleware(lambda _: attempt_replay).middleware):
        assert talk(fn=lambda **_: pytest.fail("somebody was asked")) == [
            "2 heard",
            "4 heard",
            "6 heard",
        ]
    assert attempt_replay.left == []


def test_failures_and_further_attempts_are_part_of_it(tmp_path, still):
    with StubServer([failing(503), "hello", failing(503), failing(503)]) as stub:
        options = {"api_base": stub.base_url, "api_key": "k", "num_retries": 1}
        with around(Recorder(tmp_path).middleware):
            assert complete("openai/m", [UserMessage(content="a")], **options).content == "hello"
            with pytest.raises(ModelUnavailable) as first:
                complete("openai/m", [UserMessage(content="b")], **options)
    recorded_calls = read_recorded_calls(tmp_path / "sim-1.jsonl")
    assert [exchange.attempt for exchange in recorded_calls.exchanges] == [1, 2, 1, 2]
    attempt_replay = AttemptReplay(recorded_calls.exchanges)
    with around(ReplayMiddleware(lambda _: attempt_replay).middleware):
        assert complete("openai/m", [UserMessage(content="a")], **options).content == "hello"
        with pytest.raises(ModelUnavailable) as again:
            complete("openai/m", [UserMessage(content="b")], **options)
    assert str(again.value) == str(first.value)


@pytest.mark.parametrize("error", [DeadlineExceeded("too late"), BudgetExhausted("no money")])
def test_other_ends_are_raised_again(tmp_path, error):
    def broken(_request, _send):
        yield from ()
        raise error

    recorder = Recorder(tmp_path)
    layer = lambda request, send: recorder.middleware(request, lambda inner: broken(inner, send))  # noqa: E731
    with around(layer), pytest.raises(type(error)):
        talk(1)
    attempt_replay = AttemptReplay(read_recorded_calls(tmp_path / "sim-1.jsonl").exchanges)
    with (
        around(ReplayMiddleware(lambda _: attempt_replay).middleware),
        pytest.raises(type(error), match=str(error)),
    ):
        talk(1)


def test_a_parameter_that_a_model_refused_does_not_count_as_a_difference(tmp_path):
    refusal = failing(400, "temperature is not supported", param="temperature")
    with StubServer([refusal, "fine"]) as stub, around(Recorder(tmp_path).middleware):
        options = {"api_base": stub.base_url, "api_key": "k", "temperature": 0.3}
        complete("openai/m", [UserMessage(content="a")], **options)
        complete("openai/m", [UserMessage(content="b")], **options)
    exchanges = read_recorded_calls(tmp_path / "sim-1.jsonl").exchanges
    assert [exchange.refused_parameter for exchange in exchanges] == ["temperature", None, None]
    attempt_replay = AttemptReplay(exchanges, RefusedParams.of(exchanges))
    with around(ReplayMiddleware(lambda _: attempt_replay).middleware):
        complete("openai/m", [UserMessage(content="a")], **options)
        complete("openai/m", [UserMessage(content="b")], **options)
    assert attempt_replay.divergence is None
    strict = AttemptReplay(exchanges)
    with around(ReplayMiddleware(lambda _: strict).middleware), pytest.raises(Diverged):
        complete("openai/other", [UserMessage(content="a")], **options)


def test_reasoning_that_a_server_wanted_back_is_sent_again_in_a_replay(tmp_path):
    def reply(body):
        own = [message for message in body["messages"] if message["role"] == "assistant"]
        if any("reasoning_content" not in message for message in own):
            return failing(400, "reasoning_content must be passed back")
        return {"content": "fine", "reasoning_content": "Hm.", "signed": "c2lnbmVk"}

    def talk_twice(options):
        hello = UserMessage(content="a")
        first = complete("openai/m", [hello], **options)
        return complete("openai/m", [hello, first, UserMessage(content="b")], **options)

    with StubServer(reply) as stub, around(Recorder(tmp_path).middleware):
        options = {"api_base": stub.base_url, "api_key": "k"}
        said = talk_twice(options)
    RETURNED_FIELDS.forget()
    exchanges = read_recorded_calls(tmp_path / "sim-1.jsonl").exchanges
    assert [exchange.refused_parameter for exchange in exchanges] == [None, "messages", None]
    attempt_replay = AttemptReplay(exchanges, RefusedParams.of(exchanges))
    with around(ReplayMiddleware(lambda _: attempt_replay).middleware):
        again = talk_twice(options)
    assert (again, again.provider_data) == (said, said.provider_data)
    assert attempt_replay.left == []


def test_the_first_other_request_is_shown_with_what_differs(tmp_path):
    recorded_calls = recorded(tmp_path)
    attempt_replay = AttemptReplay(recorded_calls.exchanges)
    with around(ReplayMiddleware(lambda _: attempt_replay).middleware), pytest.raises(Diverged):
        talk(temperature=0.2)
    assert attempt_replay.divergence.call == 1
    assert attempt_replay.divergence.details == ("args.temperature: recorded null, now 0.2",)
    more = AttemptReplay(recorded_calls.exchanges)
    with (
        around(ReplayMiddleware(lambda _: more).middleware),
        pytest.raises(Diverged, match="one more call"),
    ):
        talk(4)
    timed_out = AttemptReplay(recorded_calls.exchanges, timed_out=True)
    with around(ReplayMiddleware(lambda _: timed_out).middleware), pytest.raises(DeadlineExceeded):
        talk(4)


def test_differences_read_like_sentences():
    def tool(text):
        return {
            "type": "function",
            "function": {"name": "find", "description": text, "parameters": {"a": 1}},
        }

    prompt = "Line one.\n" + "x" * 300 + "\nLine three."
    before = Request(
        "m", [{"role": "system", "content": prompt}], [tool("Find it.")], args={"seed": 1}
    )
    after = Request(
        "m",
        [{"role": "system", "content": prompt.replace("three", "3")}],
        [tool("Find.")],
        args={"seed": 2},
    )
    assert differences(before, before) == []
    said = differences(before, after)
    assert said.pop(1).endswith("x…")  # the line before, cut
    assert said == [
        "message 0 (system) content:",
        "  - Line three.",
        "  + Line 3.",
        "tool find.description: recorded 'Find it.', now 'Find.'",
        "args.seed: recorded 1, now 2",
    ]
    fewer = Request("other", [], None)
    said = differences(before, fewer)
    assert said[0] == "model: recorded 'm', now 'other'"
    assert any(line.startswith("messages: recorded 1, now 0") for line in said)
    assert "tools no longer there: find" in said


# --- files


@given(st.integers(min_value=0, max_value=10_000))
def test_a_torn_end_costs_only_the_last_exchange(tmp_path_factory, cut):
    folder = tmp_path_factory.mktemp("tape")
    recorded(folder)
    file = folder / "sim-1.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole[: min(cut, len(whole) - 1)])
    recorded_calls = read_recorded_calls(file)
    complete_lines = file.read_bytes().count(b"\n")
    assert recorded_calls.damage == ()
    assert len(recorded_calls.exchanges) in {max(0, complete_lines - 1), complete_lines}


@given(st.integers(min_value=0, max_value=10**9), st.integers(min_value=0, max_value=7))
def test_a_flipped_bit_is_named_and_never_raises(tmp_path_factory, place, bit):
    folder = tmp_path_factory.mktemp("tape")
    recorded(folder)
    file = folder / "sim-1.jsonl"
    content = bytearray(file.read_bytes())
    at = place % (len(content) - 1)
    content[at] ^= 1 << bit
    file.write_bytes(bytes(content))
    recorded_calls = read_recorded_calls(file)
    assert recorded_calls.damage or len(recorded_calls.exchanges) < 3
    assert read_header(file).simulation_id


@pytest.mark.parametrize(
    "entry", [{}, {"kind": "exchange", "call": 1, "like": 5, "kept": 3, "messages": [], "args": 3}]
)
def test_lines_that_say_nonsense_are_read_as_far_as_they_go(tmp_path, entry):
    file = tmp_path / "x.jsonl"
    file.write_bytes(
        encode_entry(1, entry)
        + b"[]\n"
        + b"\xff\n"
        + encode_entry(2, {"kind": "begin", "trial": "x"})
    )
    assert [exchange.request for exchange in read_recorded_calls(file).exchanges] in ([], [None])


def test_an_exchange_that_is_too_long_is_named_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(recording_module, "LONGEST_LINE", 1500)
    recorded_calls = recorded(
        tmp_path,
        fn=lambda messages, **_: says("short") | {"more": "x" * (len(messages) == 4) * 3000},
    )
    assert [("cut" in exchange.outcome) for exchange in recorded_calls.exchanges] == [
        False,
        True,
        False,
    ]
    assert [exchange.request is None for exchange in recorded_calls.exchanges] == [
        False,
        True,
        False,
    ]


def test_a_conversation_that_is_continued_goes_on_in_its_file(tmp_path):
    with around(Recorder(tmp_path).middleware):
        talk(3)  # the last answer came, but the process died before the turn was recorded
    with (tmp_path / "sim-1.jsonl").open("ab") as file:
        file.write(b'{"crc":"0000')

    history = [SystemMessage(content="Be kind."), UserMessage(content="one")]
    for turn, text in enumerate(["2 heard", "4 heard"]):
        history += [AssistantMessage(content=text), UserMessage(content=f"turn {turn}")]
    with around(Recorder(tmp_path).middleware):
        complete("m", history, completion_fn=lambda **_: says("another answer"))
    recorded_calls = read_recorded_calls(tmp_path / "sim-1.jsonl")
    assert recorded_calls.damage == ()
    assert [exchange.call for exchange in recorded_calls.exchanges] == [1, 2, 3]
    assert recorded_calls.exchanges[2].outcome["response"] == says("another answer")
    assert len(recorded_calls.exchanges[2].request.messages) == 6


def test_calls_of_one_attempt_may_overlap(tmp_path):
    unit = AttemptContext("task", 0, 1, "sim-1")

    def ask(number):
        return complete(
            "m", [UserMessage(content=f"q{number}")], completion_fn=lambda **_: says(f"a{number}")
        ).content

    with around(Recorder(tmp_path).middleware, unit), ThreadPoolExecutor(8) as threads:
        for future in [threads.submit(copy_context().run, ask, number) for number in range(40)]:
            future.result()
    attempt_replay = AttemptReplay(read_recorded_calls(tmp_path / "sim-1.jsonl").exchanges)
    with around(ReplayMiddleware(lambda _: attempt_replay).middleware):
        assert [ask(number) for number in range(40)] == [f"a{number}" for number in range(40)]


def test_secrets_are_not_written_and_do_not_matter_when_it_is_played_back(tmp_path):
    args = {
        "api_key": "secret-key-1",
        "api_base": "http://me:pass-2222@host/v1",
        "extra_body": {"token": "body-3333"},
    }

    def echo(messages, **_):
        return says("you sent secret-key-1 and sk-abcdefghijkl")

    with around(Recorder(tmp_path, Redactor(["from-env-4444"])).middleware):
        complete("m", [UserMessage(content="from-env-4444")], completion_fn=echo, **args)
    content = (tmp_path / "sim-1.jsonl").read_text()
    for secret in ("secret-key-1", "pass-2222", "body-3333", "from-env-4444", "sk-abcdefghijkl"):
        assert secret not in content
    assert json.loads(content.splitlines()[1])["entry"]["model"] == "m"


def test_calls_outside_of_any_simulation_are_recorded_too(tmp_path):
    with use_middleware(Recorder(tmp_path).middleware):
        talk(1)
    assert len(list(tmp_path.glob("outside-*.jsonl"))) == 1
