"""What all retrievers share: how much of a query is read, and the best of a list of scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tau2.errors import needs_extra
from tau2.knowledge.documents import Document
from tau2.knowledge.protocols import Hit

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

LONGEST_QUERY = 20_000
"""Characters of a query that are read. The longest document of the public set has 7,814."""


def read_part(query: str) -> str:
    """Return the part of a query that is read: a model may write one of any size."""
    return query[:LONGEST_QUERY]


def searched_text(document: Document) -> str:
    """Return what our own retrievers search of a document: title and content."""
    return f"{document.title}\n{document.content}"


def best_rows(scores: NDArray[np.floating], limit: int) -> NDArray[np.intp]:
    """Return the rows of the `limit` highest scores, the best first, ties by row."""
    # Imported here: domains load this module also for variants that search nothing.
    with needs_extra("knowledge", "numpy"):
        import numpy as np  # noqa: PLC0415  -- see above

    if limit <= 0:
        return np.empty(0, dtype=np.intp)
    rows = np.arange(len(scores))
    if limit < len(scores):
        # Everything as good as the last one that fits, so that ties are decided by row.
        lowest = np.partition(scores, len(scores) - limit)[len(scores) - limit]
        rows = np.flatnonzero(scores >= lowest)
    order = np.argsort(-scores[rows], kind="stable")
    best: NDArray[np.intp] = rows[order][:limit]
    return best


def best_hits(documents: Sequence[Document], scores: NDArray[np.floating], limit: int) -> list[Hit]:
    """Return the `limit` documents with the highest scores, the best first, ties by position."""
    return [Hit(documents[row], float(scores[row])) for row in best_rows(scores, limit)]
