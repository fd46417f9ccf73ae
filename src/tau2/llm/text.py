"""Cleaning of what a provider sent."""

from __future__ import annotations

from collections.abc import Iterable

from tau2.llm.secrets import text_redactor
from tau2.utils import plain_data
from tau2.utils.json_types import JsonValue
from tau2.utils.plain_data import DEEPEST

__all__ = ["DEEPEST", "clean"]


def clean(value: object, secrets: Iterable[str] = ()) -> JsonValue:
    """Return a copy of `value` that is plain, finite JSON without any of `secrets`."""
    return plain_data.clean(value, text_redactor(secrets))
