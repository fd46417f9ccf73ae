"""`tau2 serve-model`: what it says, and what it refuses before any weights are loaded."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
from tests.unit.llm.local.conftest import Cast, cast, weights
from tests.unit.llm.local.standin import write_gguf

__all__ = ["cast", "weights"]


@pytest.fixture
def served(monkeypatch):
    """Have servers end as soon as they have started."""
    started = []

    def run(self, on_started):
        started.append(self)
        on_started()
        raise KeyboardInterrupt

    monkeypatch.setattr("tau2.service.model_server.ModelServer.run", run)
    return started


def test_it_says_how_to_use_the_model(tau2, cast: Cast, weights: Path, served):
    ended = tau2("serve-model", str(weights), "--n-ctx", "512", "--n-parallel", "2")
    assert ended.code == 0
    assert "tiny, 512 tokens a conversation" in ended.out
    assert "--agent-llm openai/tiny" in ended.out
    args = json.loads(re.search(r"--agent-llm-args '(.*)'", ended.out)[1])
    assert args == {"api_base": served[0].base_url, "api_key": served[0].token}
    assert ended.out.rstrip().endswith("stopped")
    assert cast.server.options.n_parallel == 2
    assert cast.server.is_closed


def test_the_prefix_of_runs_is_accepted(tau2, cast: Cast, weights: Path, served):
    assert tau2("serve-model", f"local/{weights}").code == 0


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--port", "70000"], "--port must be between"),
        (["--n-ctx", "0"], "n_ctx must be a whole number from 1"),
        (["--adapter", "absent.gguf"], "absent.gguf: the weights cannot be read"),
    ],
)
def test_options_are_checked_first(tau2, cast: Cast, weights: Path, arguments, problem):
    ended = tau2("serve-model", str(weights), *arguments)
    assert ended.code == 2
    assert problem in ended.err
    assert cast.loads == []


def test_weights_must_be_there(tau2, cast: Cast, tmp_path: Path):
    assert "the weights cannot be read" in tau2("serve-model", str(tmp_path / "a.gguf")).err
    (tmp_path / "b.gguf").write_text("text")
    assert "not a GGUF file" in tau2("serve-model", str(tmp_path / "b.gguf")).err
    lora = write_gguf(tmp_path / "lora.gguf", kind="adapter")
    assert "where 'model' weights are needed" in tau2("serve-model", str(lora)).err


def test_without_the_engine_it_says_what_to_install(tau2, weights: Path, monkeypatch):
    monkeypatch.setitem(sys.modules, "xllamacpp", None)  # `make run` installs it
    ended = tau2("serve-model", str(weights))
    assert ended.code == 2
    assert "pip install 'tau2-bench[local]'" in ended.err
