"""Several retrievers as one: what stands high in several rankings comes first."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tau2.errors import ConfigError
from tau2.knowledge.dense import DenseRetriever
from tau2.knowledge.documents import Document, DocumentSet
from tau2.knowledge.embedders import LOCAL_EMBEDDER
from tau2.knowledge.index import retriever_for
from tau2.knowledge.protocols import Hit, Retriever
from tau2.utils.text import repr_of

RANK_CONSTANT = 60
"""How little the first ranks differ; the value of the paper that proposed the method."""
DEFAULT_WORD_WEIGHT = 3.0
DEPTH = 100
"""Hits of each retriever that are looked at."""


class WeightedRetriever(NamedTuple):
    """A retriever, and how much its ranking counts."""

    retriever: Retriever
    weight: float


class FusedRetriever:
    """Reciprocal rank fusion: a hit scores weight / (60 + rank) in each ranking, added up."""

    def __init__(self, retrievers: Sequence[WeightedRetriever]) -> None:
        self._retrievers = tuple(retrievers)

    def search(self, query: str, limit: int) -> list[Hit]:
        """Return at most `limit` hits, the best first, ties by id. Raise ModelError."""
        scores: dict[str, float] = {}
        documents: dict[str, Document] = {}
        for retriever, weight in self._retrievers:
            hits = retriever.search(query, max(limit, DEPTH))
            for rank, (document, _) in enumerate(hits, start=1):
                documents[document.id] = document
                scores[document.id] = scores.get(document.id, 0.0) + weight / (RANK_CONSTANT + rank)
        best = sorted(scores, key=lambda name: (-scores[name], name))[:limit]
        return [Hit(documents[name], scores[name]) for name in best]


class HybridRetriever(FusedRetriever):
    """Stemmed BM25 and an embedder, fused.

    Args:
        documents: What is searched.
        embedder: The name of an embedder.
        embedder_options: Its options.
        word_weight: How much more the ranking of BM25 counts than that of the embedder.
    """

    def __init__(
        self,
        documents: DocumentSet,
        embedder: str = LOCAL_EMBEDDER,
        embedder_options: Mapping[str, Any] | None = None,
        word_weight: float = DEFAULT_WORD_WEIGHT,
    ) -> None:
        by_word = retriever_for(documents, "bm25")
        by_meaning = retriever_for(
            documents, "dense", embedder=embedder, embedder_options=embedder_options
        )
        # Built with this retriever, and not by its first search.
        by_word.index()
        by_meaning.index()
        super().__init__(
            [WeightedRetriever(by_word, word_weight), WeightedRetriever(by_meaning, 1.0)]
        )

    @classmethod
    def check(
        cls,
        embedder: str = LOCAL_EMBEDDER,
        embedder_options: Mapping[str, Any] | None = None,
        word_weight: float = DEFAULT_WORD_WEIGHT,
    ) -> None:
        """Raise ConfigError or MissingExtra when the retriever cannot be made."""
        is_number = isinstance(word_weight, int | float) and not isinstance(word_weight, bool)
        if not is_number or not 0 < word_weight < math.inf:
            raise ConfigError(f"word_weight must be a number above 0, not {repr_of(word_weight)}")
        DenseRetriever.check(embedder, embedder_options)
