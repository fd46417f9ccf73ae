"""What searches documents: retrievers, embedders and rerankers are found by name and plugged in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from tau2.knowledge.documents import Document

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Hit(NamedTuple):
    """A document that was found, and how well it fits: more is better."""

    document: Document
    score: float


class Retriever(Protocol):
    """Searches one document set. Immutable after construction; shared by all environments."""

    def search(self, query: str, limit: int) -> list[Hit]:
        """Return at most `limit` hits, the best first, ties in the order of ids.

        A blank query finds nothing.

        Raises:
            ModelError: the query went to a model or an endpoint, and that failed.
        """


class Embedder(Protocol):
    """Turns texts into vectors."""

    @property
    def name(self) -> str:
        """What made the vectors, with its version and settings: a part of the key of caches."""

    def documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row of length 1 for each text, shape (texts, dimensions).

        Raise ModelError when an endpoint fails.
        """

    def query(self, text: str) -> NDArray[np.float32]:
        """Return the row of a query, shape (dimensions,). Raise ModelError likewise."""


class Reranker(Protocol):
    """Judges hits anew, with more effort than a retriever can spend on every document."""

    def rerank(self, query: str, hits: Sequence[Hit]) -> list[Hit]:
        """Return the hits worth showing with their new scores, the best first.

        Raise ModelError when a model fails: a hit never vanishes because of a failure.
        """
