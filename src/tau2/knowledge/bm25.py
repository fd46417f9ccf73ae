"""BM25 over the stems of words in title and content, by the package `bm25s`."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from tau2.errors import needs_extra
from tau2.knowledge.documents import DocumentSet
from tau2.knowledge.protocols import Hit
from tau2.knowledge.ranking import best_hits, read_part

with needs_extra("knowledge", "Stemmer"):
    import Stemmer


@contextmanager
def _without_progress_bars() -> Iterator[None]:
    """Tell packages that are imported meanwhile to have no progress bars: each starts a thread."""
    before = os.environ.get("DISABLE_TQDM")
    os.environ["DISABLE_TQDM"] = "1"
    try:
        yield
    finally:
        del os.environ["DISABLE_TQDM"]
        if before is not None:
            os.environ["DISABLE_TQDM"] = before


with needs_extra("knowledge", "bm25s"), _without_progress_bars():
    import bm25s

# It asks for everything to be logged, whatever level the program has chosen.
logging.getLogger("bm25s").setLevel(logging.NOTSET)

TITLE_WEIGHT = 3
"""How often a title counts."""
K1 = 3.0
"""High: a word that an article repeats is what the article is about."""
B = 0.9

_WORD = re.compile(r"[^\W_]+")
_STOP_WORDS_TEXT = """
a about after all also am an and any are as at be because been before being but by can could did
do does doing for from had has have having he her here hers him his how i if in into is it its
itself just me more most my no nor not of off on once only or other our ours out over own same
she should so some such than that the their theirs them then there these they this those through
to too under until up us very was we were what when where which while who whom why will with
would you your yours
"""
_STOP_WORDS = frozenset(_STOP_WORDS_TEXT.split())
"""Words that say nothing of what a text is about."""


class Bm25Retriever:
    """BM25 over the stems of title and content. Finds nothing without a common stem."""

    blocking: ClassVar[bool] = False

    def __init__(self, documents: DocumentSet) -> None:
        self._documents = documents
        stems = [
            [*stems_of(document.title) * TITLE_WEIGHT, *stems_of(document.content)]
            for document in documents
        ]
        self._ids: dict[str, int] = {}
        rows = [[self._ids.setdefault(stem, len(self._ids)) for stem in found] for found in stems]
        self._index: bm25s.BM25 | None = None
        if self._ids:
            self._index = bm25s.BM25(k1=K1, b=B, csc_backend="numpy", backend="numpy")
            self._index.index((rows, self._ids), create_empty_token=False, show_progress=False)

    def search(self, query: str, limit: int) -> list[Hit]:
        """Return at most `limit` documents that share a stem with the query, the best first."""
        known = [self._ids[stem] for stem in stems_of(read_part(query)) if stem in self._ids]
        if not known or self._index is None:
            return []
        hits = best_hits(self._documents, self._index.get_scores_from_ids(known), limit)
        return [hit for hit in hits if hit.score > 0]


def stems_of(text: str) -> list[str]:
    """Return the stems of the words of a text in lower case, without stop words."""
    words = [word for word in _WORD.findall(text.lower()) if word not in _STOP_WORDS]
    # A stemmer has a cache that threads may not share; making one takes less than a microsecond.
    stems: list[str] = Stemmer.Stemmer("english").stemWords(words)
    return stems
