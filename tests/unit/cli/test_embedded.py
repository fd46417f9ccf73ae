"""`tau2 run` without a key and without a model that is named: what plays, and what is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.unit.llm.local.conftest import Cast, cast  # noqa: F401  -- a fixture
from tests.unit.llm.local.standin import write_gguf

from tau2.config import models_dir
from tau2.llm.local import catalog, library, weights
from tau2.llm.local.catalog import KnownModel, Weights
from tau2.storage.results import Results

TWO = ("--domain", "mock", "--num-tasks", "2", "--max-concurrency", "1", "--save-to", "mine")


@pytest.fixture
def without_llama(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "is_installed", lambda: False)


@pytest.fixture
def small(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Cast:  # noqa: F811
    """llama.cpp's stand-in, and weights of the default model on this machine."""
    models_dir().mkdir(parents=True)
    path = write_gguf(models_dir() / "tiny.gguf")
    published = Weights(path.name, path.stat().st_size, weights.sha256_of(path), ())
    model = KnownModel("qwen-0.5b", "Tiny", "MIT", 2048, published)
    monkeypatch.setattr(catalog, "MODELS", (model,))
    cast.lines = lambda body: "I cannot help with that."
    return cast


def played() -> Any:
    """The settings of the run that was saved, as its results say."""
    return Results.load(Path("data/simulations/mine")).info


def test_a_small_model_plays_where_it_is_here(tau2: Callable[..., Any], small: Cast) -> None:
    ended = tau2("run", *TWO, "--max-steps", "6")
    assert ended.code == 0, ended.err
    assert ended.err == (
        "No model is named, and there is no key for gpt-4.1-2025-04-14, so the agent is "
        "local/qwen-0.5b, a small model in this process, and the user is scripted_user. "
        "Name another model with --agent-llm.\n"
    )
    assert "mock: llm_agent x scripted_user" in ended.out
    assert played().agent_info.llm == "local/qwen-0.5b"
    assert len(small.started) == 1


def test_the_scripted_pair_plays_where_it_is_not(
    tau2: Callable[..., Any], without_llama: None
) -> None:
    ended = tau2("run", *TWO)
    assert ended.code == 0
    assert "so the scripted pair plays: oracle_agent and scripted_user" in ended.err
    assert "Their score says nothing about any model" in ended.err
    assert "\n  pip install 'tau2-bench[local]'" in ended.err
    assert "\n  tau2 models get qwen-0.5b    (downloads 491 MB)\n" in ended.err
    assert "average reward  1.000  over 2 of 2 simulations" in ended.out


def test_only_what_is_missing_is_named(
    tau2: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "is_installed", lambda: True)
    ended = tau2("run", *TWO)
    assert "pip install" not in ended.err
    assert "tau2 models get qwen-0.5b" in ended.err


def test_a_key_keeps_the_default_model(
    tau2: Callable[..., Any], small: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "not-a-word-42")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")  # where nobody answers
    ended = tau2("run", *TWO)
    assert ended.code == 2
    assert "No model is named" not in ended.err
    assert small.started == []


@pytest.mark.parametrize(
    "named",
    [
        ("--agent-llm", "gpt-4.1-2025-04-14"),
        ("--agent", "llm_agent_gt", "--agent-llm", "openai/mine"),
        ("--user", "user_simulator"),
        ("--user-llm", "openai/mine"),
        ("--agent-llm-args", '{"temprature": 1}'),
    ],
)
def test_what_was_named_is_not_replaced(
    tau2: Callable[..., Any], small: Cast, named: tuple[str, ...]
) -> None:
    ended = tau2("run", *TWO, *named)
    assert ended.code == 2
    assert small.started == []


def test_an_agent_without_a_model_gets_the_scripted_user(tau2: Callable[..., Any]) -> None:
    ended = tau2("run", *TWO, "--agent", "oracle_agent")
    assert ended.code == 0
    assert ended.err == (
        "No model is named for the user, and there is no key for gpt-4.1-2025-04-14, "
        "so the user is scripted_user.\n"
    )


def test_an_agent_that_was_named_gets_the_small_model(
    tau2: Callable[..., Any], small: Cast
) -> None:
    ended = tau2("run", *TWO, "--max-steps", "6", "--agent", "llm_agent", "--quiet")
    assert ended.code == 0
    assert "the agent is local/qwen-0.5b" in ended.err
    assert ended.out.count("\n") == 1


def test_an_agent_that_was_named_is_not_replaced_by_a_script(
    tau2: Callable[..., Any], without_llama: None
) -> None:
    ended = tau2("run", *TWO, "--agent", "llm_agent")
    assert ended.code == 2
    assert "the agent's model 'gpt-4.1-2025-04-14' cannot be used" in ended.err


def test_a_run_continues_with_the_model_that_it_began_with(
    tau2: Callable[..., Any], small: Cast
) -> None:
    tau2("run", *TWO, "--max-steps", "6")
    ended = tau2("run", "--resume", "mine", "--num-tasks", "3")
    assert ended.code == 0, ended.err
    assert "No model is named" not in ended.err
    assert "over 3 of 3 simulations" in ended.out
    assert played().agent_info.llm == "local/qwen-0.5b"


def test_such_a_run_costs_nothing(tau2: Callable[..., Any], small: Cast) -> None:
    settings = ("--agent-llm", "local/qwen-0.5b", "--user", "scripted_user", "--max-cost", "0.01")
    estimate = json.loads(tau2("run", *TWO, *settings, "--dry-run", "--json").out)
    assert estimate["cost"] == {"low": 0, "typical": 0, "high": 0}
    assert tau2("run", *TWO, *settings, "--max-steps", "6").code == 0
