"""Retrievers by name: one index per process for a document set and its settings.

What an environment holds is a `SharedRetriever`: the documents, a name and options. The index
behind it is built by the first search and shared by all environments; it is neither copied nor
pickled with them, but found again, or built again in another process.
"""

from __future__ import annotations

import json
import os
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, TypeAlias

from tau2.errors import ConfigError
from tau2.knowledge.documents import DocumentSet
from tau2.knowledge.protocols import Hit, Retriever
from tau2.knowledge.registry import PluginTable

RETRIEVERS: PluginTable[Retriever] = PluginTable(
    "retriever",
    "tau2.retrievers",
    {
        "bm25": "bm25:Bm25Retriever",
        "dense": "dense:DenseRetriever",
        "hybrid": "fusion:HybridRetriever",
        "okapi": "okapi:OkapiRetriever",
    },
)
"""Each takes a DocumentSet, then its options as keyword arguments.

A class may have a method `check`, which takes the options and raises ConfigError when an index is
bound not to be built: it is told when the retriever is asked for, not at the first search.
"""

_MOST_KEPT = 64
"""Retrievers that are kept for environments to come; one in use lives as long as it is used."""

_Key: TypeAlias = tuple[str, str, str]


class SharedRetriever:
    """A retriever that builds its index when it is searched for the first time."""

    def __init__(self, documents: DocumentSet, name: str, options: Mapping[str, Any]) -> None:
        """Take over what is to be searched; `retriever_for` is how a shared one is found."""
        self.documents = documents
        self.name = name
        self.options = dict(options)
        self._lock = threading.Lock()
        self._index: Retriever | None = None

    def search(self, query: str, limit: int) -> list[Hit]:
        """Return at most `limit` hits, the best first; nothing for a blank query.

        Raises:
            ModelError: an endpoint of embeddings failed; the next search asks it again.
        """
        if limit <= 0 or not query.strip():
            return []
        return self.index().search(query, limit)

    @property
    def blocking(self) -> bool:
        """Whether a search may wait for an endpoint or take long: event loops use a thread then.

        A retriever whose class does not say `blocking = False` is taken to block.
        """
        return getattr(RETRIEVERS.factory(self.name), "blocking", True) is not False

    def index(self) -> Retriever:
        """Return the retriever itself, built by the first call. Raise ModelError like `search`."""
        if self._index is None:
            with self._lock:
                if self._index is None:
                    self._index = RETRIEVERS.make(self.name, self.documents, **self.options)
        return self._index

    def renew_lock(self) -> None:
        """Forget who builds: after a fork, that thread does not exist."""
        self._lock = threading.Lock()

    def __deepcopy__(self, _memo: object) -> SharedRetriever:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _found_again, (self.documents, self.name, self.options)


def retriever_for(documents: DocumentSet, name: str, **options: Any) -> SharedRetriever:
    """Return the retriever of that name over these documents.

    The same documents, name and options give the same object while it is kept.

    Args:
        documents: What is searched.
        name: A name of RETRIEVERS.
        **options: Plain data; what each retriever takes is written in docs/knowledge.md.

    Raises:
        UnknownName: no retriever has this name.
        MissingExtra: a package that it needs is not installed.
        ConfigError: an option is not known or not usable, or a key is missing.
    """
    key = (documents.digest, name, _as_text(name, options))
    with _SHARED.lock:
        found = _SHARED.kept.get(key)
        if found is None:
            RETRIEVERS.check(name, documents, **options)
            found = SharedRetriever(documents, name, options)
            _SHARED.kept[key] = found
            if len(_SHARED.kept) > _MOST_KEPT:
                _SHARED.kept.popitem(last=False)
        _SHARED.kept.move_to_end(key)
    return found


def _found_again(documents: DocumentSet, name: str, options: dict[str, Any]) -> SharedRetriever:
    return retriever_for(documents, name, **options)


def _as_text(name: str, options: Mapping[str, Any]) -> str:
    try:
        return json.dumps(options, sort_keys=True)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"the options of retriever {name!r} are not plain data") from error


class _Shared:
    """The retrievers of this process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.kept: OrderedDict[_Key, SharedRetriever] = OrderedDict()

    def after_fork(self) -> None:
        """Make the locks usable in a child: threads that held them do not exist there."""
        self.lock = threading.Lock()
        for retriever in self.kept.values():
            retriever.renew_lock()


_SHARED = _Shared()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_SHARED.after_fork)
