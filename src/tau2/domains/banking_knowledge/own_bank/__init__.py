"""Our own bank: one table of facts, what follows from it, and the articles written from it.

`own_bank()` is the table, `decisions` says what is right, `procedures()` which tools a request
needs, and `documents_for` and `documents_on` in which articles that is written.
"""

from __future__ import annotations

from tau2.domains.banking_knowledge.own_bank import decisions
from tau2.domains.banking_knowledge.own_bank.procedures import (
    Procedure,
    documents_for,
    documents_on,
    procedures,
)
from tau2.domains.banking_knowledge.own_bank.table import OwnBank, own_bank, parse_date
from tau2.domains.banking_knowledge.own_bank.writer import Article, write_articles

__all__ = [
    "Article",
    "OwnBank",
    "Procedure",
    "decisions",
    "documents_for",
    "documents_on",
    "own_bank",
    "parse_date",
    "procedures",
    "write_articles",
]
