"""The tools by which an agent gets at documents, added to the toolkit of any domain.

None of them changes the state: replays skip them, and no hash depends on them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from time import perf_counter
from typing import Any, ClassVar, SupportsIndex, TypeVar, cast

from tau2.environment.tool import AnnotatedText
from tau2.environment.toolkit import ToolKitBase, ToolType, is_tool
from tau2.errors import ArgumentError
from tau2.knowledge.access import Knowledge
from tau2.knowledge.printed import documents_printed
from tau2.knowledge.protocols import Hit
from tau2.knowledge.variants import ToolName
from tau2.utils.json_types import JsonObject

KitT = TypeVar("KitT", bound=ToolKitBase)

NO_HITS = "No document was found."


def with_knowledge(kit: type[KitT], knowledge: Knowledge) -> Callable[..., KitT]:
    """Return what makes toolkits of class `kit` that have the tools of the variant, too.

    Call it with the arguments of `kit`. The toolkits hold `knowledge` as their attribute of that
    name, list the variant's tools behind their own, fork and pickle.
    """
    return partial(cast("Callable[..., KitT]", _class(kit, knowledge.variant.tools)), knowledge)


class KnowledgeToolKit(ToolKitBase):
    """A toolkit that holds documents."""

    knowledge: Knowledge
    _made_of: ClassVar[tuple[type[ToolKitBase], tuple[ToolName, ...]]]

    def __init__(self, knowledge: Knowledge, *args: Any, **kwargs: Any) -> None:
        """Build the domain's toolkit with its own arguments, and keep `knowledge`."""
        super().__init__(*args, **kwargs)
        self.knowledge = knowledge

    @property
    def blocking(self) -> bool:
        """Whether a tool may wait for an endpoint: event loops call it in a thread then."""
        return self.knowledge.blocking

    def looks_outside(self, tool_name: str) -> bool:
        """Return whether it is one of the variant's tools."""
        return tool_name in self._made_of[1]

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        # Pickle does not find the class by name: it is made of two that it finds.
        _, _, *state = cast("tuple[Any, ...]", super().__reduce_ex__(protocol))
        return _bare, self._made_of, *state


class _Search(KnowledgeToolKit):
    @is_tool(ToolType.READ)
    def KB_search(self, query: str) -> str:  # noqa: N802  -- public name
        """Search the knowledge base and read the articles that fit a query best.

        Args:
            query: What to look for: words that the article would use.

        Returns:
            The articles found, the best first, each with its title, id, score and whole text.
        """
        return _shown(lambda: self.knowledge.search(query))


class _SearchByWords(KnowledgeToolKit):
    @is_tool(ToolType.READ)
    def KB_search_bm25(self, query: str, k: int = 10) -> str:  # noqa: N802  -- public name
        """Search the knowledge base by the words of a query (BM25).

        Suits names, codes and exact terms.

        Args:
            query: Words that the article would use.
            k: The most articles to return.

        Returns:
            The articles found, the best first, each with its title, id, score and whole text.
        """
        return _shown(lambda: _first(self.knowledge.search(query), k))


class _SearchByMeaning(KnowledgeToolKit):
    @is_tool(ToolType.READ)
    def KB_search_dense(self, query: str, k: int = 10) -> str:  # noqa: N802  -- public name
        """Search the knowledge base by the meaning of a query (embeddings).

        Suits questions in other words than those of the articles.

        Args:
            query: A question or a description of what to look for.
            k: The most articles to return.

        Returns:
            The articles found, the best first, each with its title, id, score and whole text.
        """
        return _shown(lambda: _first(self.knowledge.search_dense(query), k))


class _Grep(KnowledgeToolKit):
    @is_tool(ToolType.READ)
    def grep(self, pattern: str) -> str:
        """Find the articles of the knowledge base in whose text a pattern occurs.

        Args:
            pattern: A regular expression without look-around and back-references, or plain text.

        Returns:
            The articles with the most matches first, each with its title, id, number of matches
            (as its score) and whole text.
        """
        return _shown(lambda: self.knowledge.grep(pattern))


class _Shell(KnowledgeToolKit):
    @is_tool(ToolType.READ)
    def shell(self, command: str) -> str:
        """Run a command in a shell over the articles of the knowledge base.

        Every command begins in the folder that holds the articles as Markdown files and an
        INDEX.md with their titles. The usual tools of a Unix shell are there (ls, cat, grep, rg,
        find, head, sed, awk and more); there is no network.

        Args:
            command: A command line, or several lines.

        Returns:
            What the command prints, and its exit code if it fails.
        """
        started = perf_counter()
        printed = self.knowledge.shell(command)
        metadata = {
            "documents": documents_printed(self.knowledge.documents, printed),
            "search_seconds": perf_counter() - started,
        }
        return AnnotatedText(printed, metadata)


_PARTS: dict[ToolName, type[KnowledgeToolKit]] = {
    "KB_search": _Search,
    "KB_search_bm25": _SearchByWords,
    "KB_search_dense": _SearchByMeaning,
    "grep": _Grep,
    "shell": _Shell,
}


_CLASSES: dict[tuple[type[ToolKitBase], tuple[ToolName, ...]], type[KnowledgeToolKit]] = {}


def _class(kit: type[ToolKitBase], tools: tuple[ToolName, ...]) -> type[KnowledgeToolKit]:
    """Return the subclass of `kit` that has these tools, too; the same one each time."""
    known = _CLASSES.get((kit, tools))
    if known is None:
        # Tools are listed in the order of the bases, the last base first.
        bases = (*(_PARTS[name] for name in reversed(tools)), KnowledgeToolKit, kit)
        body = {"__module__": kit.__module__, "__doc__": kit.__doc__, "_made_of": (kit, tools)}
        known = cast("type[KnowledgeToolKit]", type(kit.__name__, bases, body))
        known = _CLASSES.setdefault((kit, tools), known)
    return known


def _bare(kit: type[ToolKitBase], tools: tuple[ToolName, ...]) -> KnowledgeToolKit:
    """Return a toolkit without attributes, which pickle then sets."""
    kind = _class(kit, tools)
    return kind.__new__(kind)


def _first(hits: list[Hit], count: int) -> list[Hit]:
    if count < 1:
        raise ArgumentError(f"k must be at least 1, not {count}")
    return hits[:count]


def _shown(search: Callable[[], Sequence[Hit]]) -> AnnotatedText:
    started = perf_counter()
    hits = search()
    metadata: JsonObject = {
        "documents": [hit.document.id for hit in hits],
        "search_seconds": perf_counter() - started,
    }
    failures = getattr(hits, "failures", None)
    if failures:  # of a reranker
        metadata["not_judged"] = failures
    blocks = [_block(number, hit) for number, hit in enumerate(hits, 1)]
    return AnnotatedText("\n\n".join(blocks) or NO_HITS, metadata)


def _block(number: int, hit: Hit) -> str:
    document = hit.document
    head = f"{number}. {document.title}\nID: {document.id}\nScore: {hit.score:.4f}"
    return f"{head}\n\n{document.content}"
