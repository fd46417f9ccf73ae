from __future__ import annotations

import pytest
from tests.unit.service.browsing import Browser


@pytest.fixture
def browser():
    """A browser on the documentation of two domains."""
    return Browser(["mock", "telecom"])
