"""What is learnt from refusals, and what is not."""

from __future__ import annotations

from typing import Any

import pytest

from tau2.llm.failure import CallFailed
from tau2.llm.unsupported_params import _MOST_MODELS, UnsupportedParams, refused_parameter


def refusal(text: str, status: int = 400, parameter: str | None = None) -> CallFailed:
    return CallFailed(text, status=status, parameter=parameter)


@pytest.mark.parametrize(
    "model",
    ["o1", "openai/o3-mini", "o4-mini-2025-04-16", "gpt-5", "openai/gpt-5.1-mini", "azure/gpt-5"],
)
def test_reasoning_families_are_known(model: str) -> None:
    args = {"temperature": 0.0, "top_p": 1, "max_tokens": 5, "seed": 1}
    assert UnsupportedParams().adapt(model, args) == {"max_completion_tokens": 5, "seed": 1}


@pytest.mark.parametrize(
    "model", ["gpt-4.1", "gpt-4o", "openai/foo-o3", "gpt-5-chat-latest", "olmo1", "hosted_vllm/m"]
)
def test_other_models_get_what_is_given(model: str) -> None:
    args = {"temperature": 0.0, "max_tokens": 5}
    assert UnsupportedParams().adapt(model, args) == args


@pytest.mark.parametrize(
    ("failure", "name"),
    [
        (refusal("Unsupported parameter: 'top_p'"), "top_p"),
        (refusal("bad value", parameter="temperature"), None),
        (refusal("Unsupported value", parameter="temperature"), "temperature"),
        (refusal("`temperature` and `top_p` cannot both be specified"), "temperature"),
        (refusal("max_tokens is not supported, use max_completion_tokens"), "max_tokens"),
        (refusal("unknown field: seed", 422), "seed"),
        (refusal("temperature is not supported", 500), None),
        (refusal("the model does not support images"), None),
        (refusal("unsupported: stop", parameter="stop"), None),
    ],
)
def test_only_a_refused_parameter_that_can_be_spared_is_one(
    failure: CallFailed, name: str | None
) -> None:
    args: dict[str, Any] = {
        "temperature": 0.0,
        "top_p": 1,
        "seed": 1,
        "max_tokens": 5,
        "stop": ["x"],
    }
    assert refused_parameter(args, failure) == name
    assert refused_parameter({}, failure) is None


def test_what_one_endpoint_refuses_another_may_take() -> None:
    unsupported, here, there = (
        UnsupportedParams(),
        {"api_base": "http://here", "seed": 1},
        {"api_base": "http://there", "seed": 1},
    )
    assert unsupported.learn("m", here, refusal("seed is not supported"))
    assert "seed" not in unsupported.adapt("m", here)
    assert "seed" in unsupported.adapt("m", there)


def test_memory_is_bounded() -> None:
    unsupported = UnsupportedParams()
    for number in range(_MOST_MODELS + 10):
        unsupported.learn(f"m{number}", {"seed": 1}, refusal("seed is not supported"))
    assert len(unsupported._refused) == _MOST_MODELS
    assert "seed" not in unsupported.adapt(f"m{_MOST_MODELS + 9}", {"seed": 1})
    assert "seed" in unsupported.adapt("m0", {"seed": 1})
