"""Real weights on the real engine; `make test-local` runs these tests.

Where the package `xllamacpp` or the weights are not there, they are skipped.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from tau2.errors import ConfigError
from tau2.llm.local.engine import Engine, EngineSettings, close_engines, engine_for
from tau2.llm.local.weights import weights_path


def _found(name: str) -> Path | str:
    """Return the weights of a model, or why they are not there."""
    if importlib.util.find_spec("xllamacpp") is None:
        return "xllamacpp is not installed; make test-local brings it"
    try:
        return weights_path(name)
    except ConfigError as problem:
        return str(problem)


# Looked up before the tests have settings of their own.
SMOL = _found("smollm2")


@pytest.fixture
def weights() -> Path:
    """Return the smallest weights there are."""
    if isinstance(SMOL, str):
        pytest.skip(SMOL)
    return SMOL


@pytest.fixture
def engine(weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """Load the smallest weights; evaluated prompts begin from nothing."""
    monkeypatch.setenv("TAU2_CACHE_DIR", str(tmp_path / "cache"))
    yield engine_for(weights, None, EngineSettings(n_ctx=2048))
    close_engines()
