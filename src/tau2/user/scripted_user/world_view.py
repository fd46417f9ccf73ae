"""What a customer prefers without the scenario saying so in words: read off the reference solution.

Only preferences that the customer would know are taken (which kind of card, why an order is no
longer wanted), never an identifier.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tau2.data_model.tasks import Task

_CARDS = (
    "credit_card",
    "debit_card",
    "gift_card",
    "paypal",
    "certificate",
    "bank_account",
    "voucher",
)
_MOST_CHARACTERS = 60  # a longer "reason" is the agent's summary and not the customer's word


def preferences(task: Task | None) -> dict[str, tuple[str, ...]]:
    """Return what the reference solution says about the kind of payment and the reason."""
    found: dict[str, dict[str, None]] = {}
    for key, value in _arguments(task):
        card = next((card for card in _CARDS if value.lower().startswith(card)), None)
        if key.startswith("payment") and card is not None:
            kind = "PayPal" if card == "paypal" else card.replace("_", " ")
            found.setdefault("payment", {})[kind] = None
        elif key == "reason" and 0 < len(value) <= _MOST_CHARACTERS:
            found.setdefault("reason", {})[value] = None
    return {kind: tuple(values) for kind, values in found.items()}


def _arguments(task: Task | None) -> Iterator[tuple[str, str]]:
    for action in task.reference_actions if task is not None else ():
        if action.requestor == "assistant":
            yield from _pairs(action.arguments)


def _pairs(value: Any) -> Iterator[tuple[str, str]]:
    for key, item in value.items() if isinstance(value, dict) else ():
        if isinstance(item, str):
            yield key, item
        for part in item if isinstance(item, list) else ():
            yield from _pairs(part)
