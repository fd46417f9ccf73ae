"""BM25 exactly as the public variant scores: the ranking and the numbers of BM25Okapi.

Words are what stands between spaces, in lower case, with their punctuation; titles are not
searched. Every addition is made in the order of the words of the query, so that also the last bit
of a score agrees.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, ClassVar

from tau2.errors import needs_extra
from tau2.knowledge.documents import DocumentSet
from tau2.knowledge.protocols import Hit
from tau2.knowledge.ranking import best_hits, read_part

with needs_extra("knowledge", "numpy"):
    import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

K1 = 1.5
B = 0.75
EPSILON = 0.25
"""The share of the mean weight that words in more than half of the documents get."""

_WORDS_AT_ONCE = 1000  # of a query; bounds the memory of one addition


class OkapiRetriever:
    """BM25Okapi (k1 = 1.5, b = 0.75, epsilon = 0.25) over the contents of documents.

    A query without a known word finds the first documents, with score 0.
    """

    blocking: ClassVar[bool] = False

    def __init__(self, documents: DocumentSet) -> None:
        self._documents = documents
        counts = [Counter(document.content.lower().split()) for document in documents]
        self._rows: dict[str, NDArray[np.intp]] = {}
        self._gains: dict[str, NDArray[np.float64]] = {}
        self._index(counts)

    def search(self, query: str, limit: int) -> list[Hit]:
        """Return the `limit` best documents; ones that share no word with the query score 0."""
        words = read_part(query).lower().split()
        return best_hits(self._documents, self.scores(words), limit) if words else []

    def scores(self, words: Sequence[str]) -> NDArray[np.float64]:
        """Return the score of every document for the words of a query."""
        scores = np.zeros(len(self._documents))
        known = [word for word in words if word in self._rows]
        for start in range(0, len(known), _WORDS_AT_ONCE):
            part = known[start : start + _WORDS_AT_ONCE]
            rows = np.concatenate([self._rows[word] for word in part])
            # add.at adds one after the other, as the public scorer does.
            np.add.at(scores, rows, np.concatenate([self._gains[word] for word in part]))
        return scores

    def _index(self, counts: Sequence[Counter[str]]) -> None:
        """Compute, for every word, which documents have it and what it adds to their scores."""
        rows: dict[str, list[int]] = {}
        found: dict[str, list[int]] = {}
        for row, words in enumerate(counts):
            for word, count in words.items():
                rows.setdefault(word, []).append(row)
                found.setdefault(word, []).append(count)
        if not rows:
            return
        weights = _weights({word: len(having) for word, having in rows.items()}, len(counts))
        lengths = np.array([words.total() for words in counts])
        mean_length = int(lengths.sum()) / len(counts)
        saturation = K1 * (1 - B + B * lengths / mean_length)
        for word, having in rows.items():
            at = np.array(having)
            counted = np.array(found[word])
            gains = weights[word] * (counted * (K1 + 1) / (counted + saturation[at]))
            self._rows[word] = at
            self._gains[word] = gains


def _weights(documents_with: Mapping[str, int], size: int) -> dict[str, float]:
    """Return the weight of every word: its inverse document frequency, or EPSILON of the mean."""
    weights = {
        word: math.log(size - count + 0.5) - math.log(count + 0.5)
        for word, count in documents_with.items()
    }
    total = 0.0
    for weight in weights.values():  # `sum` rounds differently from Python 3.12 on
        total += weight
    floor = EPSILON * (total / len(weights))
    return {word: floor if weight < 0 else weight for word, weight in weights.items()}
