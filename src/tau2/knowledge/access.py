"""How one agent gets at the documents: what a variant needs, and what a shell has written."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cached_property, partial
from typing import Any, Final

from tau2.errors import ConfigError, ToolError
from tau2.knowledge.documents import DocumentSet
from tau2.knowledge.grep import Grep, check_package
from tau2.knowledge.index import SharedRetriever, retriever_for
from tau2.knowledge.protocols import Hit, Reranker, Retriever
from tau2.knowledge.rerank import reranker_for
from tau2.knowledge.shell import Shell
from tau2.knowledge.variants import Variant

RetrieverFactory = Callable[[DocumentSet, str], Retriever]

_EMBEDDERS: Final = {"openai": "openai", "qwen": "openrouter"}


def retriever_named(
    documents: DocumentSet, name: str, *, strict_compat: bool = False
) -> SharedRetriever:
    """Return the retriever that a variant names: "bm25", "openai", "qwen" or "local".

    "local" embeds in this process. Raise ConfigError when a key is missing.
    """
    if name == "bm25":
        return retriever_for(documents, "okapi" if strict_compat else "bm25")
    if name == "local":
        return retriever_for(documents, "dense")
    return retriever_for(documents, "dense", embedder=_EMBEDDERS[name])


def retriever_chosen(documents: DocumentSet, name: str) -> SharedRetriever:
    """Return the retriever of a name such as `hybrid` or `hybrid/minilm`, which has an embedder.

    Raises:
        UnknownName: there is no such retriever or embedder.
        ConfigError: it takes no embedder, or a key is missing.
        MissingExtra: a package that it needs is not installed.
    """
    own_name, _, embedder = name.partition("/")
    options = {"embedder": embedder} if embedder else {}
    return retriever_for(documents, own_name, **options)


class Knowledge:
    """The documents of an environment, and the means by which its agent gets at them.

    Forks share all of it but the files that the shell has written.

    Attributes:
        documents, variant: what can be looked up, and by what means.
        dense_retriever: the name of what `KB_search_dense` asks, or None. Where the key of the
            variant's endpoint is missing, it is "local".
    """

    def __init__(
        self,
        documents: DocumentSet,
        variant: Variant,
        *,
        strict_compat: bool = False,
        reranker: Reranker | None = None,
        now: datetime | None = None,
        retrievers: RetrieverFactory | None = None,
    ) -> None:
        """Find what the variant needs; indexes are built by the first search.

        Args:
            documents: What can be looked up.
            variant: By what means.
            strict_compat: "bm25" ranks as the original does.
            reranker: Judges hits, in variants that have it done; by default a chat model.
            now: What the shell's `date` says; the time of this machine by default.
            retrievers: Returns the retriever of a name; by default `retriever_named`.

        Raises:
            ConfigError: the variant needs a key that is missing.
            MissingExtra: a package that it needs is not installed.
        """
        self.documents = documents
        self.variant = variant
        self.dense_retriever = variant.dense_retriever
        self._reranker = reranker
        if variant.reranked and reranker is None:
            options = variant.options
            self._reranker = reranker_for(
                model=options.reranker_model, min_score=options.reranker_min_score
            )
        find = retrievers or partial(retriever_named, strict_compat=strict_compat)
        self._by_words: Retriever | None = None
        if variant.options.retriever is not None:
            self._by_words = retriever_chosen(documents, variant.options.retriever)
        elif variant.retriever is not None:
            self._by_words = find(documents, variant.retriever)
        self._by_meaning: Retriever | None = None
        if variant.dense_retriever is not None:
            try:
                self._by_meaning = find(documents, variant.dense_retriever)
            except ConfigError:  # no key
                self._by_meaning = find(documents, "local")
                self.dense_retriever = "local"
        if "grep" in variant.tools:
            check_package()
        self._shell: Shell | None = None
        if "shell" in variant.tools:
            self._shell = Shell(documents, writable=variant.writable, now=now)

    @cached_property
    def _grep(self) -> Grep:
        return Grep(self.documents, case_sensitive=self.variant.options.case_sensitive)

    @property
    def blocking(self) -> bool:
        """Whether a tool may wait for an endpoint or a shell, or take long to build its index."""
        asked = (self._by_words, self._by_meaning)
        waits = self.variant.reranked or self._shell is not None
        return waits or any(getattr(each, "blocking", False) for each in asked)

    def search(self, query: str) -> list[Hit]:
        """Return what the variant's retriever finds.

        Raises:
            ModelError: an endpoint failed.
        """
        hits = self._asked(self._by_words, query)
        if self._reranker is not None and self.variant.reranked:
            return self._reranker.rerank(query, hits)
        return hits

    def search_dense(self, query: str) -> list[Hit]:
        """Return what the variant's retriever by embeddings finds. Raise ModelError likewise."""
        return self._asked(self._by_meaning, query)

    def grep(self, pattern: str) -> list[Hit]:
        """Return the documents in which a pattern matches most. Raise ToolError for a bad one."""
        return self._grep.search(pattern, self.variant.options.grep_top_k)

    def _asked(self, retriever: Retriever | None, query: str) -> list[Hit]:
        if retriever is None:
            raise ToolError(f"the variant {self.variant.name!r} has no such search")
        return retriever.search(query, self.variant.options.top_k)

    def shell(self, command: str) -> str:
        """Return what a command printed. Raise ToolError for one that is too long."""
        if self._shell is None:
            raise ToolError(f"the variant {self.variant.name!r} has no shell")
        return self._shell.run(command)

    def fork(self) -> Knowledge:
        """Return knowledge in the same state for another environment."""
        if self._shell is None:
            return self  # nothing in it ever changes
        copy = Knowledge.__new__(Knowledge)
        copy.__dict__.update(self.__dict__, _shell=self._shell.fork())
        return copy

    def __deepcopy__(self, memo: dict[int, object]) -> Knowledge:
        return self.fork()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_grep"}
