"""Whether the real packages are here."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

NEEDS_PACKAGES = pytest.mark.skipif(
    find_spec("fastmcp") is None or find_spec("agents") is None,
    reason="aenvironment and openai-agents are not installed here; run `make aenv` to install them",
)
