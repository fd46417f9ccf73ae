"""The articles of our own bank say what its table says, and can be told apart and found."""

from __future__ import annotations

import itertools
import re
from functools import cache
from typing import Any

import pytest

from tau2.domains.banking_knowledge import articles
from tau2.domains.banking_knowledge.own_bank import (
    Article,
    documents_for,
    documents_on,
    own_bank,
    procedures,
    write_articles,
)

FIGURE = re.compile(r"\d[\d,/]*(?:[.:]\d+)?")
TOOL = re.compile(r"`[a-z_]+_\d{4}`|`get_card_last_4_digits`")
STEP = re.compile(r"^\d+\. ", re.MULTILINE)


def figures(text: str) -> set[str]:
    return {found.rstrip(",/") for found in FIGURE.findall(text)}


@cache
def by_id() -> dict[str, Article]:
    return {article.document.id: article for article in write_articles()}


@cache
def plain_table() -> dict[str, Any]:
    return own_bank().model_dump()


def fact(path: str) -> object:
    """Follow a path such as `cards.orchard.annual_fee` through the table as plain data."""
    value: object = plain_table()
    for part in path.split("."):
        if isinstance(value, list):
            value = value[int(part)]
        else:
            assert isinstance(value, dict)
            value = value[part]
    return value


def test_the_committed_articles_are_those_that_the_table_gives() -> None:
    assert articles.main(["--check"]) == 0


def test_there_are_enough_articles_with_ids_titles_and_a_readable_length() -> None:
    documents = [article.document for article in write_articles()]
    assert len(documents) >= 250
    assert all(re.fullmatch(r"doc_[a-z_]+_\d{3}", document.id) for document in documents)
    assert len({document.title for document in documents}) == len(documents)
    assert all(120 < len(document.content) < 6000 for document in documents)
    assert not [each.id for each in documents if re.search(r"[{}]", each.title + each.content)]


def test_every_figure_of_an_article_is_in_the_table() -> None:
    for article in write_articles():
        text = STEP.sub("", TOOL.sub("", f"{article.document.title}\n{article.document.content}"))
        known = {figure for written in article.facts.values() for figure in figures(written)}
        known |= figures(own_bank().institution.name)
        titles = {other.document.title for other in write_articles()}
        quoted = {figure for title in titles if f'"{title}"' in text for figure in figures(title)}
        assert figures(text) <= known | quoted, article.document.id


def test_a_fact_is_written_as_it_stands_in_the_table() -> None:
    checked = 0
    for article in write_articles():
        for path, written in article.facts.items():
            value = fact(path)
            if isinstance(value, bool) or not isinstance(value, int | float) or not written:
                continue
            read = re.sub(r"[^\d.]", "", written)
            assert float(read) == value, (article.document.id, path)
            checked += 1
    assert checked > 800


def test_no_two_articles_are_nearly_the_same() -> None:
    def phrases(text: str) -> set[tuple[str, ...]]:
        words = text.lower().split()
        return {tuple(words[start : start + 3]) for start in range(len(words) - 2)}

    said = {name: phrases(article.document.content) for name, article in by_id().items()}
    for (one, first), (other, second) in itertools.combinations(said.items(), 2):
        # A shorter article cannot share four fifths with one that is much longer.
        if min(len(first), len(second)) < 0.8 * max(len(first), len(second)):
            continue
        assert len(first & second) < 0.8 * len(first | second), (one, other)


@pytest.mark.parametrize("name", procedures())
def test_the_articles_of_a_procedure_name_its_tools(name: str) -> None:
    procedure = procedures()[name]
    text = "".join(by_id()[each].document.content for each in documents_on(*procedure.topics))
    tools = procedure.tools + procedure.customer_tools + procedure.base_tools
    missing = [tool for tool in tools if f"`{tool}`" not in text and tool != HANDING_OVER]
    assert not missing


HANDING_OVER = "transfer_to_human_agents"
"""The policy names it."""


def test_what_must_be_read_includes_the_article_about_the_product() -> None:
    needed = documents_for("limit_increase", cards=["orchard"])
    assert len(needed) == 4
    text = by_id()[needed[-1]].document.content
    card = own_bank().cards["orchard"]
    assert f"{card.limit_percent}%" in text
    assert f"{card.limit_age_months} months" in text
    with pytest.raises(KeyError):
        documents_on("limit_increase.moon")


def test_every_transfer_and_promotion_has_an_article() -> None:
    bank = own_bank()
    for key, transfer in bank.transfers.items():
        (home,) = documents_on(f"transfer.{key}")
        assert f"`{transfer.reason}`" in by_id()[home].document.content
    for key, promotion in bank.rules.rewards.promotions.items():
        (home,) = documents_on(f"promotion:{key}")
        content = by_id()[home].document.content
        assert promotion.starts in content
        assert promotion.ends in content
        assert promotion.category in content
