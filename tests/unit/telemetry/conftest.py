"""Runs with a scripted cast, as the tests of the runner have them."""

from __future__ import annotations

from tests.unit.runner.conftest import cast

__all__ = ["cast"]
