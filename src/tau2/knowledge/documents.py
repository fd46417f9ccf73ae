"""Documents, and sets of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

from tau2.errors import DataFileError


@dataclass(frozen=True, slots=True)
class Document:
    """One article of a knowledge base."""

    id: str
    title: str
    content: str


class DocumentSet(Sequence[Document]):
    """Documents in the order of their ids. Immutable: one set serves all environments.

    Raises:
        DataFileError: two documents have the same id.
    """

    def __init__(
        self,
        documents: Iterable[Document],
        *,
        source: Callable[[], DocumentSet] | None = None,
    ) -> None:
        """Keep the documents.

        Args:
            documents: In any order.
            source: Returns this set again, in this process or another. Pickles of the set, and of
                all environments over it, then hold this function in place of the documents.
        """
        self._source = source
        self._documents = tuple(sorted(documents, key=lambda document: document.id))
        self.by_id: Mapping[str, Document] = MappingProxyType(
            {document.id: document for document in self._documents}
        )
        if len(self.by_id) != len(self._documents):
            seen: set[str] = set()
            for document in self._documents:
                if document.id in seen:
                    raise DataFileError(f"two documents have the id {document.id!r}")
                seen.add(document.id)

    def __getitem__(self, index: int) -> Document:  # type: ignore[override]  # slices have no use
        return self._documents[index]

    def __len__(self) -> int:
        return len(self._documents)

    def __iter__(self) -> Iterator[Document]:
        return iter(self._documents)

    def __deepcopy__(self, _memo: object) -> DocumentSet:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        if self._source is not None:
            return self._source, ()
        return DocumentSet, (self._documents,)

    def find(self, name: str) -> Document | None:
        """Return the document with this id or, failing that, with this title."""
        return self.by_id.get(name) or self._by_title.get(name)

    @cached_property
    def _by_title(self) -> Mapping[str, Document]:
        # Of several with one title, the first in the order of ids counts.
        return {document.title: document for document in reversed(self._documents)}

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of ids, titles and contents: the key of what is computed from them."""
        digest = hashlib.sha256()
        for document in self._documents:
            for text in (document.id, document.title, document.content):
                content = text.encode("utf-8", "surrogatepass")
                digest.update(len(content).to_bytes(8, "big"))
                digest.update(content)
        return digest.hexdigest()
