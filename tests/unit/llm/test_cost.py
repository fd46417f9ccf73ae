"""Prices: by argument, by table, or unknown and silent."""

from __future__ import annotations

import pytest

from tau2.data_model.message import UserMessage
from tau2.llm import complete
from tau2.llm.prices import COMPILED_ON, PER_MILLION, price_of

HELLO = [UserMessage(content="Hello")]
ANSWER = {
    "choices": [{"message": {"content": "x"}}],
    "usage": {"prompt_tokens": 1_000_000, "completion_tokens": 0},
}


@pytest.mark.parametrize(
    ("model", "row"),
    [
        ("gpt-4.1", "gpt-4.1"),
        ("gpt-4.1-2025-04-14", "gpt-4.1"),
        ("openai/GPT-4.1-mini", "gpt-4.1-mini"),
        ("azure/gpt-4o-2024-08-06", "gpt-4o"),
        ("anthropic/claude-sonnet-4-20250514", "claude-sonnet-4"),
        ("claude-3-5-sonnet-latest", "claude-3-5-sonnet"),
        ("vertex_ai/claude-3-opus@20240229", "claude-3-opus"),
        ("bedrock/us.anthropic.claude-opus-4-1-20250805-v1:0", "claude-opus-4-1"),
        ("bedrock/amazon.nova-pro-v1:0", "nova-pro"),
        ("gemini/gemini-2.5-flash-lite", "gemini-2.5-flash-lite"),
        ("o3-mini", "o3-mini"),
    ],
)
def test_editions_cost_what_their_model_costs(model: str, row: str) -> None:
    price = price_of(model)
    assert price is not None
    assert (price.prompt * 1e6, price.completion * 1e6) == pytest.approx(PER_MILLION[row])


@pytest.mark.parametrize(
    "model", ["", "my-model", "gpt-9", "ft:gpt-4.1:org::id", "openai/gpt-4.1-unknown-kind"]
)
def test_unknown_models_have_no_price(model: str) -> None:
    assert price_of(model) is None


def test_the_table_is_dated_and_sane() -> None:
    assert COMPILED_ON[:2] == "20"
    assert all(0 < prompt <= completion for prompt, completion in PER_MILLION.values())


def test_arguments_override_everything() -> None:
    stated = {**ANSWER, "_hidden_params": {"response_cost": 5.0}}
    assert complete("gpt-4.1", HELLO, completion_fn=lambda **_: stated).cost == 5.0
    override = complete(
        "gpt-4.1", HELLO, completion_fn=lambda **_: stated, input_cost_per_token=1e-6
    )
    assert override.cost == pytest.approx(1.0)


def test_a_router_that_states_the_price_is_believed() -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "cost": 0.125}
    assert (
        complete("x/y", HELLO, completion_fn=lambda **_: {**ANSWER, "usage": usage}).cost == 0.125
    )


def test_a_model_on_ones_own_server_has_no_list_price() -> None:
    assert complete("hosted_vllm/gpt-4.1", HELLO, completion_fn=lambda **_: ANSWER).cost is None
    assert complete(
        "openai/gpt-4.1", HELLO, completion_fn=lambda **_: ANSWER
    ).cost == pytest.approx(2.0)
