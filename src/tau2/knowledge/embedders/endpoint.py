"""Embeddings from an OpenAI-compatible endpoint: OpenAI, OpenRouter, a server of one's own.

Documents are sent in batches. A failure that may pass is asked again; what remains is a ModelError.
Keys come from environment variables only, so that no option of a run, which is saved, holds one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tau2.config import DEFAULT_MODEL_TIMEOUT, DEFAULT_RETRY_ATTEMPTS
from tau2.errors import (
    ConfigError,
    DeadlineExceeded,
    ModelError,
    ModelUnavailable,
    NoTimeToRetry,
    needs_extra,
)
from tau2.knowledge.embedders.weights import unit_rows
from tau2.llm.attempts import LONGEST_RETRY_AFTER, back_off
from tau2.llm.clock import clock, remaining
from tau2.llm.failure import CallFailed, from_status, unreachable
from tau2.llm.transport.endpoint import OPENAI_URL, Endpoint, Service, endpoint_of
from tau2.llm.transport.sync_client import post
from tau2.utils.text import clean_text

with needs_extra("knowledge", "numpy"):
    import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tau2.llm.transport.response import HttpResponse

OPENROUTER_URL = "https://openrouter.ai/api/v1"

BATCH_TEXTS = 64
"""Texts of one request."""
BATCH_CHARACTERS = 400_000
"""Characters of one request: OpenAI takes 300,000 tokens."""
LONGEST_TEXT = 24_000
"""Characters of a text that are embedded; the models read about 8,000 tokens."""

_MOST_DIMENSIONS = 16_384
_OK = range(200, 300)

_QWEN_TASK = "Find the articles of a company's knowledge base that answer the question."
_OPENROUTER_NAMES = {
    "gemini-embedding-001": "google/gemini-embedding-001",
    "qwen3-embedding-4b": "qwen/qwen3-embedding-4b",
    "qwen3-embedding-8b": "qwen/qwen3-embedding-8b",
}


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    """Which model is asked, and how."""

    provider: str
    """For the name of the embedder."""
    model: str
    """As the server knows it."""
    api_base: str | None = None
    dimensions: int | None = None
    """Asked for of models that can shorten their vectors; None for all that they have."""
    query_prefix: str = ""
    """Put before a query, not before documents."""
    key_variable: str = "OPENAI_API_KEY"


class EndpointEmbedder:
    """A model behind an endpoint. Threads may share it.

    Raises:
        ConfigError: a key or an address is missing, or an option has no meaning.
    """

    def __init__(self, settings: EndpointSettings, service: Service) -> None:
        _check(settings)
        self._settings = settings
        self._endpoint = _endpoint(settings, service)
        self.name = f"{settings.provider}/{settings.model}"
        if settings.dimensions is not None:
            self.name += f", {settings.dimensions} dimensions"
        if not self._endpoint.url.startswith(service.url):
            # Vectors of another server are others, whatever its models are called.
            self.name += f", at {self._endpoint.url.partition('?')[0]}"
        if settings.query_prefix:
            self.name += ", queries with an instruction"

    def documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row of length 1 for each text, shape (texts, dimensions).

        Raises:
            ModelError: the endpoint refused a request, or did not answer.
        """
        batches = [self._embed(batch) for batch in _batches([_sendable(text) for text in texts])]
        if not batches:
            return np.zeros((0, 0), dtype=np.float32)
        if len({batch.shape[1] for batch in batches}) > 1:
            raise ModelUnavailable(f"{self.name} answered with vectors of different lengths")
        return unit_rows(np.concatenate(batches))

    def query(self, text: str) -> NDArray[np.float32]:
        """Return the row of a query, shape (dimensions,). Raise ModelError likewise."""
        asked = _sendable(self._settings.query_prefix + text)
        row: NDArray[np.float32] = unit_rows(self._embed([asked]))[0]
        return row

    def _embed(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Ask for the vectors of one batch; a failure that may pass is asked again."""
        body: dict[str, Any] = {
            "model": self._endpoint.model,
            "input": list(texts),
            "encoding_format": "float",
        }
        if self._settings.dimensions is not None:
            body["dimensions"] = self._settings.dimensions
        content = json.dumps(body).encode()
        attempt = 0
        while True:
            try:
                response = post(self._endpoint, content, self._seconds())
                return _vectors(response, len(texts))
            except CallFailed as failure:
                failure.redact(self._endpoint.secrets)
                wait = self._wait(failure, attempt)
                attempt += 1
            # Outside of the handler, so that the failure is freed before the wait.
            clock.get().sleep(wait)

    def _seconds(self) -> float:
        left = remaining()
        if left <= 0:
            raise DeadlineExceeded(f"the episode's time was over before {self.name} could be asked")
        return min(DEFAULT_MODEL_TIMEOUT, left)

    def _wait(self, failure: CallFailed, attempt: int) -> float:
        """Return the seconds until the next attempt. Raise the final error where there is none."""
        if remaining() <= 0:
            raise DeadlineExceeded(
                f"the episode's time ran out while {self.name} answered"
            ) from failure
        asked = failure.retry_after
        wait = back_off(self.name, attempt) if asked is None else asked
        is_last = not failure.temporary or attempt >= DEFAULT_RETRY_ATTEMPTS
        if is_last or wait > LONGEST_RETRY_AFTER:
            raise self._error(failure, attempt + 1) from failure
        if wait >= remaining():
            raise NoTimeToRetry(
                f"the episode's time runs out before {self.name} may be asked again: {failure.text}"
            ) from failure
        return wait

    def _error(self, failure: CallFailed, attempts: int) -> ModelError:
        reason = f"HTTP {failure.status}: {failure.text}" if failure.status else failure.text
        times = "once" if attempts == 1 else f"{attempts} times"
        error = failure.verdict(
            f"the embedding model {self.name} was asked {times} without success: "
            f"{reason.rstrip('. ')}"
        )
        error.model = self._settings.model
        error.status = failure.status
        return error


def openai(
    model: str = "text-embedding-3-large",
    api_base: str | None = None,
    dimensions: int | None = None,
    query_prefix: str = "",
    key_variable: str = "OPENAI_API_KEY",
) -> EndpointEmbedder:
    """Return an embedder of OpenAI, or of any server of its API at `api_base`."""
    settings = EndpointSettings("openai", model, api_base, dimensions, query_prefix, key_variable)
    variables = ("OPENAI_BASE_URL", "OPENAI_API_BASE")
    return EndpointEmbedder(settings, _service(OPENAI_URL, variables, key_variable))


def openrouter(
    model: str = "qwen3-embedding-8b",
    api_base: str | None = None,
    dimensions: int | None = None,
    query_prefix: str | None = None,
    key_variable: str = "OPENROUTER_API_KEY",
) -> EndpointEmbedder:
    """Return an embedder of OpenRouter. Queries for a Qwen model begin with an instruction."""
    sent = _OPENROUTER_NAMES.get(model, model)
    if query_prefix is None:
        query_prefix = f"Instruct: {_QWEN_TASK}\nQuery:" if sent.startswith("qwen/") else ""
    settings = EndpointSettings(
        "openrouter", sent, api_base, dimensions, query_prefix, key_variable
    )
    variables = ("OPENROUTER_BASE_URL", "OPENROUTER_API_BASE")
    return EndpointEmbedder(settings, _service(OPENROUTER_URL, variables, key_variable))


def _service(url: str, address_variables: tuple[str, ...], key_variable: str) -> Service:
    return Service(
        prefixes=(),
        url=url,
        path="/embeddings",
        address_variables=address_variables,
        key_variable=key_variable,
    )


def _check(settings: EndpointSettings) -> None:
    texts = (settings.model, settings.query_prefix, settings.key_variable)
    if not all(isinstance(text, str) for text in texts) or not settings.model:
        raise ConfigError("model, query_prefix and key_variable of an embedder must be texts")
    dimensions = settings.dimensions
    if dimensions is None:
        return
    is_number = isinstance(dimensions, int) and not isinstance(dimensions, bool)
    if not is_number or not 0 < dimensions <= _MOST_DIMENSIONS:
        raise ConfigError(f"dimensions must be a number from 1 to {_MOST_DIMENSIONS:,}")


def _endpoint(settings: EndpointSettings, service: Service) -> Endpoint:
    arguments = {} if settings.api_base is None else {"api_base": settings.api_base}
    if settings.api_base is None and not os.environ.get(settings.key_variable):
        # Said here, because the general message names arguments that embedders do not have.
        addresses = [name for name in service.address_variables if os.environ.get(name)]
        if not addresses:
            raise ConfigError(
                f"no API key for the embedding model {settings.model!r}: set "
                f"{settings.key_variable}, or {service.address_variables[0]} if another server "
                "serves it"
            )
    return endpoint_of(settings.model, arguments, service)


def _sendable(text: str) -> str:
    """Return text as servers accept it: not too long, not empty, without half characters."""
    return clean_text(text[:LONGEST_TEXT]) or " "


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for text in texts:
        if batch and (len(batch) == BATCH_TEXTS or size + len(text) > BATCH_CHARACTERS):
            yield batch
            batch = []
            size = 0
        batch.append(text)
        size += len(text)
    if batch:
        yield batch


def _vectors(response: HttpResponse, count: int) -> NDArray[np.float64]:
    """Return the vectors of a response, in the order of the texts. Raise CallFailed."""
    text = response.body.decode("utf-8", "replace")
    if response.status not in _OK:
        raise from_status(response.status, text, response.headers, clock.get().wall())
    try:
        entries = json.loads(text)["data"]
        ordered = sorted(entries, key=_index)
        vectors = np.array([entry["embedding"] for entry in ordered], dtype=np.float64)
        indexes = [_index(entry) for entry in ordered]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise unreachable(f"the answer holds no embeddings: {text[:200]!r}") from error
    if indexes != list(range(count)) or vectors.ndim != 2:  # noqa: PLR2004  -- rows and columns
        raise unreachable(f"the answer holds no vector for each of {count} texts")
    if not 0 < vectors.shape[1] <= _MOST_DIMENSIONS or not np.isfinite(vectors).all():
        raise unreachable("the answer holds vectors that are empty, too long or not finite")
    return vectors


def _index(entry: Mapping[str, Any]) -> int:
    index = entry["index"]
    if not isinstance(index, int):
        raise TypeError("an index that is no number")
    return index
