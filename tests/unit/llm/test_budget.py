"""What is spent never exceeds the cap, whoever spends at once and whatever happens to them."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.stub import StubServer, failing

from tau2.data_model.message import UserMessage
from tau2.errors import (
    BudgetExhausted,
    ConfigError,
    DataFileError,
    DeadlineExceeded,
    ModelError,
    ModelUnavailable,
)
from tau2.llm import acomplete, complete, deadline, use_middleware
from tau2.llm.middleware.budget import DEFAULT_MAX_TOKENS, Budget, bounded, known_price, worst_case
from tau2.llm.middleware.ledger import Ledger, ReserveResult, dollars, down, up
from tau2.llm.request import Request

PRICES = {"input_cost_per_token": 1e-6, "output_cost_per_token": 1e-5}


@contextmanager
def capped(ledger):
    with use_middleware(Budget(ledger).middleware):
        yield ledger


def answer(prompt=10, completion=5):
    usage = {"prompt_tokens": prompt, "completion_tokens": completion}
    return {"choices": [{"message": {"content": "hello"}}], "usage": usage}


def ask(fn=lambda **_: answer(), **args):
    return complete(
        "m", [UserMessage(content="hi")], completion_fn=fn, num_retries=0, **PRICES, **args
    )


# --- the worst case


def test_a_call_without_a_bound_is_sent_with_one():
    seen = []

    def fn(**sent):
        seen.append(sent)
        return answer()

    with capped(Ledger(up(1.0))):
        ask(fn)
        ask(fn, max_tokens=7)
        ask(fn, max_tokens=None)
    assert [sent["max_tokens"] for sent in seen] == [DEFAULT_MAX_TOKENS, 7, DEFAULT_MAX_TOKENS]


def test_reasoning_models_get_the_bound_under_their_name():
    assert bounded(Request("openai/gpt-5", [])).args == {
        "max_completion_tokens": DEFAULT_MAX_TOKENS
    }
    assert bounded(Request("gpt-4.1", [], args={"extra_body": {"max_tokens": 9}})).args == {
        "extra_body": {"max_tokens": 9}
    }


def test_an_endpoint_that_takes_the_bound_under_another_name_gets_it():
    refusal = failing(
        400, "unsupported parameter: max_tokens; use max_completion_tokens", param="max_tokens"
    )
    with StubServer([refusal, "fine", "fine"]) as stub, capped(Ledger(up(1.0))):
        for _ in range(2):
            message = complete(
                "openai/m",
                [UserMessage(content="a")],
                api_base=stub.base_url,
                api_key="k",
                num_retries=0,
                **PRICES,
            )
            assert message.content == "fine"
    assert [
        sorted(set(body) & {"max_tokens", "max_completion_tokens"}) for body in stub.bodies
    ] == [
        ["max_tokens"],
        ["max_completion_tokens"],
        ["max_completion_tokens"],
    ]


@given(
    st.lists(st.text(max_size=200), min_size=1, max_size=5), st.integers(1, 5000), st.integers(1, 4)
)
def test_the_worst_case_covers_one_token_per_byte_and_every_choice(texts, longest, choices):
    messages = [{"role": "user", "content": text} for text in texts]
    request = Request("m", messages, args={**PRICES, "max_tokens": longest, "n": choices})
    size = sum(len(text.encode("utf-8", "replace")) for text in texts)
    assert worst_case(request) >= size * 1e-6 + longest * choices * 1e-5


@pytest.mark.parametrize(
    "args",
    [
        {"max_tokens": 0},
        {"max_tokens": "many"},
        {"n": True},
        {"extra_body": {"max_tokens": None}},
        {"n": 1.5},
    ],
)
def test_what_cannot_be_bounded_is_refused(args):
    with capped(Ledger(up(1.0))), pytest.raises(ConfigError, match="whole numbers"):
        ask(**args)


def test_an_unknown_price_is_refused_with_a_way_out():
    with pytest.raises(ConfigError, match=r"price of model 'openai/mine'.*input_cost_per_token"):
        known_price("openai/mine", {})
    with pytest.raises(ConfigError, match="price"):
        known_price("hosted_vllm/gpt-4.1", {})
    with pytest.raises(ConfigError, match="negative"):
        known_price("m", {"input_cost_per_token": -1.0})
    assert known_price("scripted/echo", {}).of(1000, 1000) == 0.0
    assert known_price("openai/gpt-4.1", {}).prompt == 2e-6


# --- what a call costs


def test_an_answer_costs_what_its_usage_says():
    with capped(Ledger(up(1.0))) as ledger:
        ask()
    assert dollars(ledger.spent) == pytest.approx(10e-6 + 5e-5)


@pytest.mark.parametrize(
    ("outcome", "is_billed"),
    [
        ({"choices": [{"message": {"content": "no usage"}}]}, True),
        (ConnectionError("lost"), True),
        (TimeoutError("slow"), True),
    ],
)
def test_what_may_have_been_answered_costs_its_worst_case(outcome, is_billed):
    def fn(**_):
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    with capped(Ledger(up(1.0))) as ledger:
        try:
            ask(fn, max_tokens=100)
        except ModelUnavailable:
            assert isinstance(outcome, Exception)
    assert (ledger.spent > up(100 * 1e-5)) is is_billed


@pytest.mark.parametrize(
    ("status", "is_billed"), [(429, False), (500, False), (400, False), (408, True), (504, True)]
)
def test_a_refusal_costs_nothing(status, is_billed):
    with (
        StubServer(failing(status)) as stub,
        capped(Ledger(up(1.0))) as ledger,
        pytest.raises(ModelError),
    ):
        complete(
            "openai/m",
            [UserMessage(content="a")],
            api_base=stub.base_url,
            api_key="k",
            num_retries=0,
            **PRICES,
        )
    assert (ledger.spent > 0) is is_billed


@pytest.mark.parametrize(
    "call", [complete, lambda *args, **options: asyncio.run(acomplete(*args, **options))]
)
def test_a_server_that_is_not_there_costs_nothing(call):
    options = {"api_base": "http://127.0.0.1:9/v1", "api_key": "k", "num_retries": 0, **PRICES}
    with capped(Ledger(up(1.0))) as ledger, pytest.raises(ModelUnavailable):
        call("openai/m", [UserMessage(content="a")], **options)
    assert ledger.spent == 0


def test_a_call_that_is_broken_off_costs_its_worst_case():
    async def broken():
        async def never(**_):
            await asyncio.sleep(60)

        call = asyncio.create_task(
            acomplete("m", [UserMessage(content="a")], completion_fn=never, max_tokens=10, **PRICES)
        )
        await asyncio.sleep(0.01)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)

    with capped(Ledger(up(1.0))) as ledger:
        asyncio.run(broken())
        assert ledger.spent >= up(10 * 1e-5)
        assert ledger.reserve(ledger.cap - ledger.spent) is ReserveResult.GRANTED


# --- the cap


def test_a_call_that_cannot_be_paid_is_not_made():
    calls = []
    with (
        capped(Ledger(up(0.001))),
        pytest.raises(BudgetExhausted, match=r"max_cost \$0.0010: \$0.0000 is spent"),
    ):
        ask(lambda **_: calls.append(1))
    assert calls == []


def test_waiting_for_money_ends_with_the_episode(still):
    ledger = Ledger(up(0.1))
    ledger.reserve(up(0.09))
    token = deadline.set(still.now() + 1.0)
    try:
        with capped(ledger), pytest.raises(DeadlineExceeded, match="could be paid"):
            ask()
    finally:
        deadline.reset(token)
    assert still.sleeps


@pytest.mark.slow
@given(
    cap=st.floats(0.0001, 0.05),
    seed=st.integers(0, 2**32),
    episodes=st.integers(1, 12),
)
def test_whoever_spends_at_once_never_more_than_the_cap(cap, seed, episodes):
    """Calls of any size and outcome, in any order of events.

    The money really spent is counted beside the ledger.
    """
    rng = random.Random(seed)
    spent = []

    async def model(messages, max_tokens, **_):
        await asyncio.sleep(0)
        for _ in range(rng.randrange(4)):
            await asyncio.sleep(0)
        prompt = rng.randrange(len(messages[0]["content"]) + 1000)
        completion = rng.randrange(max_tokens + 1)
        paid = prompt * 1e-6 + completion * 1e-5
        kind = rng.random()
        if kind < 0.1:
            raise ConnectionError("reset")  # not answered, though it may have been
        spent.append(up(paid) if kind < 0.9 else 0)
        return (
            answer(prompt, completion)
            if kind < 0.8
            else {"choices": [{"message": {"content": "x"}}]}
        )

    async def episode(number):
        for turn in range(6):
            try:
                await acomplete(
                    "m",
                    [UserMessage(content=f"{number} {turn}" + "x" * rng.randrange(900))],
                    completion_fn=model,
                    num_retries=0, max_tokens=rng.randrange(1, 400), **PRICES,
                )  # fmt: skip
            except BudgetExhausted:
                return
            except ModelUnavailable:
                continue

    async def everybody():
        await asyncio.gather(*(episode(number) for number in range(episodes)))

    ledger = Ledger(down(cap))
    with capped(ledger):
        asyncio.run(everybody())
    assert sum(spent) <= ledger.spent <= ledger.cap


# --- the ledger


SPENDER = Path(__file__).with_name("spender.py")


@pytest.mark.slow
def test_processes_share_a_ledger_and_one_that_dies_leaves_it_right(tmp_path):
    cap = 10**12
    workers = [
        subprocess.Popen(
            [sys.executable, str(SPENDER), str(tmp_path), str(cap), str(seed), kill_at],
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed, kill_at in enumerate(("2", "never", "never"))
    ]
    totals = [int(worker.communicate(timeout=60)[0].splitlines()[-1]) for worker in workers]
    assert [worker.returncode for worker in workers] == [-signal.SIGKILL, 0, 0]
    ledger = Ledger(cap, tmp_path)
    assert cap * 0.5 < sum(totals) <= ledger.spent <= cap
    ledger.close()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["ledger.json", "ledger.lock"]


def test_a_ledger_outlives_its_process_and_counts_what_was_spent_before(tmp_path):
    first = Ledger(100, tmp_path, spent=30)
    assert first.reserve(20) is ReserveResult.GRANTED
    first.settle(20, 5)
    assert first.reserve(10) is ReserveResult.GRANTED  # under way when the process ends
    first.close()
    second = Ledger(100, tmp_path, spent=40)
    assert second.spent == 45
    assert second.reserve(56) is ReserveResult.NEVER
    assert second.reserve(55) is ReserveResult.GRANTED
    second.close()
    third = Ledger(200, tmp_path, spent=150)
    assert third.spent == 150
    third.close()


def test_others_money_is_waited_for():
    ledger = Ledger(100)
    assert ledger.reserve(60) is ReserveResult.GRANTED
    assert ledger.reserve(60) is ReserveResult.LATER
    ledger.settle(60, 10)
    assert ledger.reserve(60) is ReserveResult.GRANTED


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", '{"spent": -1, "held": {}}', '{"spent": 1, "held": {"a": true}}']
)
def test_a_damaged_ledger_is_not_guessed(tmp_path, content):
    (tmp_path / "ledger.json").write_text(content)
    with pytest.raises(DataFileError, match="what was spent is damaged"):
        Ledger(100, tmp_path)


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_rounding_is_to_the_safe_side(cost, cap):
    assert dollars(up(cost)) >= cost * (1 - 1e-15)
    assert dollars(down(cap)) <= cap * (1 + 1e-15)
    assert json.loads(json.dumps(up(cost))) == up(cost)
