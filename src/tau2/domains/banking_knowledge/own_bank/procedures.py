"""What an agent of our own bank may be asked to do, by which tools, and where that is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType

from pydantic import BaseModel, ConfigDict

from tau2.domains.banking_knowledge.own_bank.table import FOLDER
from tau2.domains.banking_knowledge.own_bank.writer import write_articles
from tau2.environment.db import read_data_file
from tau2.utils.json_types import JsonObject


class Procedure(BaseModel):
    """A kind of request."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tools: tuple[str, ...] = ()
    """Discoverable tools of the agent that it may need."""
    customer_tools: tuple[str, ...] = ()
    """Discoverable tools that are given to the customer."""
    base_tools: tuple[str, ...] = ()
    """Tools that are always listed."""
    topics: tuple[str, ...]
    """What the rules are about; `documents_on` finds their articles."""
    card_topics: tuple[str, ...] = ()
    """Topics of which each credit card has an article of its own."""
    level_topics: tuple[str, ...] = ()
    """Topics of which each level of bank accounts has an article of its own."""


@lru_cache(maxsize=1)
def procedures() -> Mapping[str, Procedure]:
    """Return all procedures by name, for example `limit_increase`."""
    path = FOLDER / "procedures.toml"
    read: JsonObject = read_data_file(path)
    return MappingProxyType({name: Procedure.model_validate(each) for name, each in read.items()})


def documents_on(*topics: str) -> tuple[str, ...]:
    """Return the ids of the articles on topics, in the order of the topics.

    A topic of a product is written `card.rewards:orchard`, `level.closing:brook`,
    `promotion:harvest_weeks` or `transfer:legal`.

    Raises:
        KeyError: no article is on a topic.
    """
    homes = _homes()
    ids = [document for topic in topics for document in homes[topic]]
    return tuple(dict.fromkeys(ids))


def documents_for(
    procedure: str,
    *,
    cards: Iterable[str] = (),
    levels: Iterable[str] = (),
    also: Iterable[str] = (),
) -> tuple[str, ...]:
    """Return the ids of the articles that must be read for a procedure and some products.

    `cards` and `levels` are keys of the table; `also` are further topics.
    """
    steps = procedures()[procedure]
    topics = [
        *steps.topics,
        *(f"{topic}:{card}" for card in cards for topic in steps.card_topics),
        *(f"{topic}:{level}" for level in levels for topic in steps.level_topics),
        *also,
    ]
    return documents_on(*topics)


@lru_cache(maxsize=1)
def _homes() -> Mapping[str, tuple[str, ...]]:
    homes: dict[str, tuple[str, ...]] = {}
    for article in write_articles():
        for topic in article.topics:
            homes[topic] = (*homes.get(topic, ()), article.document.id)
    return homes
