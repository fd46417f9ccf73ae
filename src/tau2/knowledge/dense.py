"""Search by meaning: the cosine between the vector of the query and those of the documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tau2.errors import ModelUnavailable, needs_extra
from tau2.knowledge.cache import CachedEmbedder
from tau2.knowledge.documents import DocumentSet
from tau2.knowledge.embedders import LOCAL_EMBEDDER, embedder_for
from tau2.knowledge.protocols import Hit
from tau2.knowledge.ranking import best_hits, read_part, searched_text

with needs_extra("knowledge", "numpy"):
    import numpy as np

if TYPE_CHECKING:
    from tau2.knowledge.protocols import Embedder

_DIGITS = 6
"""Decimals of a score. Processors differ in the last bits of a sum; ranks must not."""


class DenseRetriever:
    """Cosine over one vector for each document, of its title and content.

    Args:
        documents: What is searched.
        embedder: The name of an embedder, see `tau2.knowledge.embedders`.
        embedder_options: Its options.

    Raises:
        ConfigError: the embedder cannot be made.
        ModelError: its endpoint fails.
    """

    def __init__(
        self,
        documents: DocumentSet,
        embedder: str = LOCAL_EMBEDDER,
        embedder_options: Mapping[str, Any] | None = None,
    ) -> None:
        made = embedder_for(embedder, **(embedder_options or {}))
        self._documents = documents
        self._embedder: Embedder = CachedEmbedder(made)
        self._vectors = self._embedder.documents([searched_text(each) for each in documents])

    @classmethod
    def check(
        cls, embedder: str = LOCAL_EMBEDDER, embedder_options: Mapping[str, Any] | None = None
    ) -> None:
        """Raise ConfigError or MissingExtra when the embedder cannot be made."""
        embedder_for(embedder, **(embedder_options or {}))

    def search(self, query: str, limit: int) -> list[Hit]:
        """Return the `limit` documents nearest to the query. Raise ModelError."""
        if not query.strip() or not len(self._documents):
            return []
        vector = self._embedder.query(read_part(query))
        if len(vector) != self._vectors.shape[1]:
            raise ModelUnavailable(
                f"{self._embedder.name} answered with {len(vector)} numbers for a query and "
                f"{self._vectors.shape[1]} for a document"
            )
        scores = np.round(self._vectors.astype(np.float64) @ vector, _DIGITS)
        return best_hits(self._documents, scores, limit)
