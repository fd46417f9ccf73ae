"""Embeddings of the package `wordllama`: the mean of the vectors of a text's tokens.

The weights are in its wheel (256 dimensions, MIT). They are read from there; the package itself is
not imported, because its loader asks a hub for files.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tau2.errors import DataFileError, MissingExtra, install_hint, needs_extra
from tau2.knowledge.embedders.weights import read_tensors, unit_rows
from tau2.utils.text import clean_text

with needs_extra("knowledge", "numpy"):
    import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

_PACKAGE = "wordllama"
_WEIGHTS = "weights/l2_supercat_256.safetensors"
_TOKENIZER = "tokenizers/l2_supercat_tokenizer_config.json"
_TENSOR = "embedding.weight"


class _Loaded(NamedTuple):
    tokenizer: Tokenizer
    vectors: NDArray[np.floating]
    """A row for each token."""


class WordLlamaEmbedder:
    """Static token vectors, averaged; order and context of words do not count.

    Raises:
        MissingExtra: the package is not installed.
    """

    def __init__(self) -> None:
        self._folder = _package_folder()
        self.name = f"wordllama-{version(_PACKAGE)}-l2-supercat-256"
        self._loaded: _Loaded | None = None
        self._lock = threading.Lock()

    def documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row of length 1 for each text, shape (texts, 256).

        Raises:
            DataFileError: the weights in the wheel are damaged.
        """
        loaded = self._load()
        # One by one: a batch would start threads, which a fork of the process does not survive.
        encode = loaded.tokenizer.encode
        tokens = [encode(clean_text(text), add_special_tokens=False).ids for text in texts]
        rows = np.zeros((len(texts), loaded.vectors.shape[1]), dtype=np.float32)
        # The weights are 16 bit floats; each row that is needed is converted once.
        used, places = np.unique(
            np.fromiter(chain.from_iterable(tokens), dtype=np.intp),
            return_inverse=True,
        )
        vectors = loaded.vectors[used].astype(np.float32)
        end = 0
        for row, ids in enumerate(tokens):
            start = end
            end += len(ids)
            if ids:
                rows[row] = vectors[places[start:end]].mean(axis=0)
        return unit_rows(rows)

    def query(self, text: str) -> NDArray[np.float32]:
        """Return the row of a query, shape (256,). Raise DataFileError likewise."""
        row: NDArray[np.float32] = self.documents([text])[0]
        return row

    def _load(self) -> _Loaded:
        with self._lock:
            if self._loaded is None:
                self._loaded = _load(self._folder)
            return self._loaded


def _package_folder() -> Path:
    spec = find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise MissingExtra(f"{_PACKAGE} is not installed; {install_hint('knowledge')}")
    return Path(spec.origin).parent


def _load(folder: Path) -> _Loaded:
    with needs_extra("knowledge", "tokenizers"):
        from tokenizers import Tokenizer  # noqa: PLC0415  -- only where texts are embedded
    try:
        content = (folder / _WEIGHTS).read_bytes()
    except OSError as error:
        raise DataFileError(f"the wheel of {_PACKAGE} has no weights: {error}") from error
    vectors = read_tensors(content, _PACKAGE)[_TENSOR]
    return _Loaded(Tokenizer.from_file(str(folder / _TOKENIZER)), vectors)
