"""Vectors of documents on disk: what was embedded once is not embedded again.

One `.npy` file for each batch of texts, named by a digest of the embedder and the texts, with a
checksum behind the array. A file that is damaged counts as absent.
"""

from __future__ import annotations

import hashlib
import io
import logging
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tau2.config import cache_dir
from tau2.errors import needs_extra
from tau2.knowledge.protocols import Embedder
from tau2.storage.cache_folder import CacheFolder

with needs_extra("knowledge", "numpy"):
    import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

logger = logging.getLogger(__name__)

MOST_BYTES = 2**29
"""Of the whole folder; the files that were not used for longest are removed."""
BATCH = 64
"""Texts of a file. What an endpoint has answered is kept even if a later request fails."""

_AXES = 2  # rows and columns
_MOST_ROW_BYTES = 4 * 16_384
_HEADER = 4096  # bytes that the form of an array may take
_CHECKSUM = 32  # bytes
_SUFFIX = ".npy"
_MOST_QUERIES = 4096


class VectorCache:
    """A folder of vectors. Threads and processes may share it."""

    def __init__(self, folder: Path | None = None, most_bytes: int = MOST_BYTES) -> None:
        """Use a folder, by default one in the cache of tau2; it is created when it is needed."""
        self.folder = folder or cache_dir() / "embeddings"
        self._files = CacheFolder(self.folder, _SUFFIX, most_bytes)

    def get(self, key: str, rows: int) -> NDArray[np.float32] | None:
        """Return the vectors of a key; None where there are none, or not `rows` whole ones."""
        path = self._files.path(key)
        try:
            if path.stat().st_size > rows * _MOST_ROW_BYTES + _HEADER + _CHECKSUM:
                return None
            content = path.read_bytes()
        except OSError:  # absent, or not readable: they are computed again
            return None
        vectors = _decoded(content, rows)
        if vectors is None:
            logger.warning("%s is damaged; its vectors are computed again", path)
            return None
        self._files.touch(path)
        return vectors

    def put(self, key: str, vectors: NDArray[np.float32]) -> None:
        """Keep vectors. A disk that is full or read-only only costs the next computation."""
        try:
            self._files.put(key, _encoded(vectors))
        except OSError as error:
            logger.info("vectors are not kept: %s", error)


class CachedEmbedder:
    """An embedder that asks another one for what it has not embedded before.

    Vectors of documents are kept on disk, those of queries in memory.
    """

    def __init__(self, embedder: Embedder, cache: VectorCache | None = None) -> None:
        """Ask `embedder` for what is not in `cache` yet."""
        self.name = embedder.name
        self._embedder = embedder
        self._cache = cache or VectorCache()
        self._queries: OrderedDict[str, NDArray[np.float32]] = OrderedDict()
        self._lock = threading.Lock()

    def documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row for each text, from the cache if it is there. Raise ModelError."""
        starts = range(0, len(texts), BATCH)
        batches = [self._batch(texts[start : start + BATCH]) for start in starts]
        return np.concatenate(batches) if batches else np.zeros((0, 0), dtype=np.float32)

    def query(self, text: str) -> NDArray[np.float32]:
        """Return the row of a query. Raise ModelError."""
        with self._lock:
            kept = self._queries.get(text)
        if kept is not None:
            return kept
        row = self._embedder.query(text)
        with self._lock:
            self._queries[text] = row
            if len(self._queries) > _MOST_QUERIES:
                self._queries.popitem(last=False)
        return row

    def _batch(self, texts: Sequence[str]) -> NDArray[np.float32]:
        key = key_of_vectors(self.name, texts)
        kept = self._cache.get(key, len(texts))
        if kept is not None:
            return kept
        vectors = self._embedder.documents(texts)
        self._cache.put(key, vectors)
        return vectors


def key_of_vectors(embedder: str, texts: Sequence[str]) -> str:
    """Return the digest of everything that decides what the vectors of texts are."""
    digest = hashlib.sha256()
    for text in (embedder, *texts):
        content = text.encode("utf-8", "surrogatepass")
        digest.update(len(content).to_bytes(8, "big"))
        digest.update(content)
    return digest.hexdigest()


def _encoded(vectors: NDArray[np.float32]) -> bytes:
    file = io.BytesIO()
    np.save(file, vectors.astype("<f4"), allow_pickle=False)
    array = file.getvalue()
    # Readers of .npy stop at the end of the array, so that a checksum may follow.
    return array + hashlib.sha256(array).digest()


def _decoded(content: bytes, rows: int) -> NDArray[np.float32] | None:
    """Return the vectors of a file; None where it is damaged."""
    array = content[:-_CHECKSUM]
    if hashlib.sha256(array).digest() != content[-_CHECKSUM:]:
        return None
    try:
        vectors = np.load(io.BytesIO(array), allow_pickle=False)
    except (ValueError, EOFError, OSError):
        return None
    is_whole = vectors.dtype == np.float32 and vectors.ndim == _AXES and len(vectors) == rows
    return vectors if is_whole else None
