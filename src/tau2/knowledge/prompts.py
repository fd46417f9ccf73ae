"""The policy of an environment with documents, put together from the templates of its domain.

A variant names a template, `<folder>/<template>.md`. In it may stand:

- `{{component:NAME}}`: the text of `<folder>/components/NAME.md`, in which components may stand too
- `{{full_knowledge_base}}`: all documents
- `{{required_documents}}`: those that the task needs
- `{{all_tools_dense_instructions}}`: a sentence on what `KB_search_dense` asks

What is put in is not searched for further placeholders, and other text in braces stays as it is.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from tau2.environment.domain import load_text
from tau2.errors import DataFileError
from tau2.knowledge.access import Knowledge
from tau2.knowledge.documents import Document, DocumentSet
from tau2.utils.text import first_of

logger = logging.getLogger(__name__)

NO_DOCUMENTS = "(This task needs no documents.)"

_COMPONENT = re.compile(r"\{\{component:([\w-]{1,100})\}\}")
_PLACEHOLDER = re.compile(
    r"\{\{(full_knowledge_base|required_documents|all_tools_dense_instructions)\}\}"
)
_BETWEEN_DOCUMENTS = "\n\n---\n\n"
_LONGEST_TEMPLATE = 1_000_000  # characters, with its components
_EMBEDDED_BY = {
    "openai": "text-embedding-3-large of OpenAI",
    "qwen": "qwen3-embedding-8b of OpenRouter",
    "local": "WordLlama, a small model on this machine, as there is no key for a larger one",
}


def policy_of(
    knowledge: Knowledge, folder: Path, required_documents: Sequence[str] | None = None
) -> str:
    """Return the policy for an agent with this knowledge.

    Args:
        knowledge: Its variant names the template.
        folder: The `prompts` folder of the domain.
        required_documents: Ids or titles of the documents that the task needs.

    Raises:
        DataFileError: (a ValueError) a template or a component is missing, contains itself or is
            too long, or the policy is empty.
    """
    file = folder / f"{knowledge.variant.template}.md"
    template = _Components(folder / "components").put_into(file)
    policy = _filled(
        template,
        knowledge.documents,
        tuple(required_documents or ()),
        knowledge.dense_retriever,
    )
    if not policy.strip():
        raise DataFileError(f"{file}: the policy is empty")
    return policy


class _Components:
    """The texts of a folder's components, each put together once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._texts: dict[str, str | None] = {}
        """None while a component is put together."""

    def put_into(self, file: Path) -> str:
        """Return the text of a file with its components."""
        parts = _COMPONENT.split(load_text(file))
        for at in range(1, len(parts), 2):
            parts[at] = self._text(parts[at], file)
        text = "".join(parts)
        if len(text) > _LONGEST_TEMPLATE:
            raise DataFileError(f"{file}: longer than {_LONGEST_TEMPLATE:,} characters")
        return text

    def _text(self, name: str, user: Path) -> str:
        if name not in self._texts:
            self._texts[name] = None
            file = self._folder / f"{name}.md"
            self._texts[name] = self.put_into(file).strip("\n")
        text = self._texts[name]
        if text is None:
            raise DataFileError(f"{user}: the component {name!r} contains itself")
        return text


# The environments of a process share the text, which may hold all documents.
@lru_cache(maxsize=128)
def _filled(
    template: str, documents: DocumentSet, required: tuple[str, ...], dense_retriever: str | None
) -> str:
    def content(placeholder: re.Match[str]) -> str:
        if placeholder[1] == "full_knowledge_base":
            return _text_of(documents)
        if placeholder[1] == "required_documents":
            return _text_of(_found(documents, required)) or NO_DOCUMENTS
        return dense_instructions(dense_retriever)

    return _PLACEHOLDER.sub(content, template)


def dense_instructions(retriever: str | None) -> str:
    """Return the sentence on what `KB_search_dense` asks; none where there is no such tool."""
    if retriever is None:
        return ""
    return f"`KB_search_dense` compares meanings by means of {_EMBEDDED_BY[retriever]}."


def _text_of(documents: Iterable[Document]) -> str:
    return _BETWEEN_DOCUMENTS.join(f"## {doc.title}\n\n{doc.content}" for doc in documents)


def _found(documents: DocumentSet, names: Sequence[str]) -> list[Document]:
    found = {name: documents.find(name) for name in names}
    missing = [name for name, document in found.items() if document is None]
    if missing:
        logger.warning("the task needs documents that do not exist: %s", first_of(missing, 5))
    return [document for document in found.values() if document is not None]
