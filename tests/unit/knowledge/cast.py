"""The documents of the stories: the notice board of an allotment club."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest

from tau2.knowledge.documents import Document, DocumentSet

BOARD = DocumentSet(
    [
        Document(
            "compost", "The compost heap", "Turn the heap every week. No cooked food, please."
        ),
        Document("hose", "Watering", "The hose is shared: one hour for each plot, before noon."),
        Document("keys", "Lost keys", "Ask Petra for a new key. A key costs 12 euros."),
        Document("noise", "Quiet hours", "No mowers on Sunday. No mowers before eight."),
        Document("shed", "The tool shed", "Bring tools back on the same day, cleaned."),
    ]
)


def found(hits):
    return [hit.document.id for hit in hits]


def random_documents(rng: random.Random, size: int) -> DocumentSet:
    """Return documents of made-up words, of which a few are everywhere and most are rare."""
    words = [f"w{number}" for number in range(400)]
    weights = [1 / (1 + number) for number in range(400)]

    def text() -> str:
        return " ".join(rng.choices(words, weights, k=rng.randrange(1, 120)))

    return DocumentSet(Document(f"d{n:03}", text(), text()) for n in range(size))


def public_documents() -> DocumentSet:
    """Return the user's copy of the public documents; without one, the test is skipped."""
    return DocumentSet(
        Document(read["id"], read["title"], read["content"])
        for read in map(_json, sorted((_public_folder() / "documents").glob("*.json")))
    )


def public_scenarios() -> list[str]:
    """Return what the customers of the public tasks are told."""
    tasks = map(_json, sorted((_public_folder() / "tasks").glob("*.json")))
    return [str(task["user_scenario"]["instructions"]) for task in tasks]


def _public_folder() -> Path:
    named = os.environ.get("TAU2_REFERENCE_DIR")
    if not named:
        pytest.skip("TAU2_REFERENCE_DIR does not name a folder with the public data")
    return Path(named) / "tau2/domains/banking_knowledge"


def _json(path: Path):
    return json.loads(path.read_text(encoding="utf-8"))
