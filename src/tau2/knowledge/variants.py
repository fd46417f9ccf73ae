"""The retrieval variants: by which tools, prompt and retriever an agent gets at the documents."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final, Literal

from tau2.errors import ConfigError, UnknownName, nearest_name, quoted
from tau2.knowledge.index import RETRIEVERS

logger = logging.getLogger(__name__)

ToolName = Literal["KB_search", "KB_search_bm25", "KB_search_dense", "grep", "shell"]
DocumentsInPrompt = Literal["none", "all", "required"]

DEFAULT_RERANKER_MODEL: Final = "gpt-5.2"
"""What the public variants ask."""
DEFAULT_MIN_SCORE: Final = 5.0

_MOST_HITS = 1_000
_TOP_SCORE = 10  # of a reranker


class UnknownVariant(UnknownName):
    """A retrieval variant that does not exist; the message lists those that do."""

    def _message(self) -> str:
        near = nearest_name(self.name, self.known)
        hint = f"; did you mean {near!r}?" if near is not None else "."
        return (
            f"no retrieval variant named {quoted(self.name)}{hint} "
            f"The variants are: {', '.join(self.known)}"
        )


@dataclass(frozen=True, slots=True)
class RetrievalOptions:
    """What `--retrieval-config-kwargs` sets."""

    top_k: int = 10
    """Hits of a search."""
    grep_top_k: int = 10
    """Documents that `grep` shows."""
    case_sensitive: bool = False
    """Whether `grep` distinguishes upper and lower case."""
    reranker_min_score: float = DEFAULT_MIN_SCORE
    """Hits that the reranker gives less, of 10, are not shown."""
    reranker_model: str = DEFAULT_RERANKER_MODEL
    """The chat model that judges hits: a name as that of an agent's model."""
    retriever: str | None = None
    """What `KB_search` asks in place of the variant's retriever.

    A name of `tau2.knowledge.index.RETRIEVERS`; behind a slash, that of an embedder.
    """


@dataclass(frozen=True, slots=True)
class Variant:
    """One way in which an agent gets at the documents."""

    name: str
    description: str
    template: str
    """The name of the prompt template, without `.md`."""
    tools: tuple[ToolName, ...] = ()
    """The tools that it adds to the agent's own, in the order in which they are listed."""
    retriever: str | None = None
    """What `KB_search` asks."""
    dense_retriever: str | None = None
    """What `KB_search_dense` asks."""
    reranked: bool = False
    """A chat model judges what `KB_search` found."""
    writable: bool = False
    """The shell may write files."""
    documents_in_prompt: DocumentsInPrompt = "none"
    options: RetrievalOptions = field(default_factory=RetrievalOptions)

    @property
    def policy_is_per_task(self) -> bool:
        """Whether the policy depends on the task: it holds the documents that the task needs."""
        return self.documents_in_prompt == "required"


def _search_family() -> list[Variant]:
    """Return the variants that search: by each retriever, with grep or without, reranked or not."""
    makers = {
        "bm25": ("bm25", "bm25", "words that documents share with the query (BM25)"),
        "openai_embeddings": ("openai", "openai", "embeddings of OpenAI's endpoint"),
        "qwen_embeddings": ("qwen", "qwen", "Qwen's embeddings, from OpenRouter"),
    }
    made = []
    for prefix, (retriever, template, by) in makers.items():
        for reranked in (False, True):
            for with_grep in (False, True):
                reranker = ", judged by a chat model" if reranked else ""
                grep = ", and grep" if with_grep else ""
                made.append(
                    Variant(
                        f"{prefix}{'_reranker' * reranked}{'_grep' * with_grep}",
                        f"search by {by}{reranker}{grep}",
                        f"classic_rag_{template}{'' if with_grep else '_no_grep'}",
                        ("KB_search", "grep") if with_grep else ("KB_search",),
                        retriever=retriever,
                        reranked=reranked,
                    )
                )
    return made


_ALL_TOOLS: Final[tuple[ToolName, ...]] = ("KB_search_bm25", "KB_search_dense", "shell")
_VARIANTS = [
    Variant("no_knowledge", "no documents at all", "no_knowledge"),
    Variant("full_kb", "all documents stand in the prompt", "full_kb", documents_in_prompt="all"),
    Variant(
        "golden_retrieval",
        "the documents that the task needs stand in the prompt",
        "required_docs",
        documents_in_prompt="required",
    ),
    Variant("grep_only", "search by regular expressions", "grep_only", ("grep",)),
    *_search_family(),
    Variant("terminal_use", "a shell over the documents", "agentic_search", ("shell",)),
    Variant(
        "terminal_use_write",
        "a shell over the documents that may write files",
        "agentic_search_write",
        ("shell",),
        writable=True,
    ),
    Variant(
        "alltools",
        "search by words and by embeddings, and a shell",
        "all_tools",
        _ALL_TOOLS,
        retriever="bm25",
        dense_retriever="openai",
    ),
    Variant(
        "alltools-qwen",
        "search by words and by Qwen's embeddings, and a shell",
        "all_tools",
        _ALL_TOOLS,
        retriever="bm25",
        dense_retriever="qwen",
    ),
]

VARIANTS: Final[Mapping[str, Variant]] = MappingProxyType(
    {variant.name: variant for variant in _VARIANTS}
)
"""Every variant by name, with the default options."""
DESCRIPTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {variant.name: variant.description for variant in _VARIANTS}
)
"""What every variant gives the agent, by name: the `variants` of a domain's spec."""


def variant_named(
    name: str, kwargs: Mapping[str, object] | None = None, *, ignore_unknown: bool = False
) -> Variant:
    """Return a variant with its options.

    Args:
        name: The name, in any capitalisation.
        kwargs: Fields of `RetrievalOptions` that differ from the defaults.
        ignore_unknown: Other names in `kwargs` are left out with a warning, as the original does
            (it leaves out the warning, too).

    Raises:
        UnknownName: (a ValueError) no variant has this name.
        ConfigError: an option is unknown or its value is not possible.
    """
    variant = VARIANTS.get(name.casefold())
    if variant is None:
        raise UnknownVariant("retrieval variant", name, VARIANTS)
    options = _options(kwargs or {}, ignore_unknown=ignore_unknown)
    if options.retriever is not None and "KB_search" not in variant.tools:
        raise ConfigError(
            f"the retrieval option 'retriever' is for variants with KB_search; {variant.name!r} "
            "has none"
        )
    return replace(variant, options=options)


def _options(kwargs: Mapping[str, object], *, ignore_unknown: bool) -> RetrievalOptions:
    unknown = [str(name) for name in kwargs if name not in _CHECKS]
    if unknown:
        options = "option" if len(unknown) == 1 else "options"
        text = f"unknown retrieval {options} {', '.join(map(quoted, unknown))}"
        known = f"known: {', '.join(_CHECKS)}"
        if not ignore_unknown:
            near = nearest_name(unknown[0], _CHECKS)
            hint = f"did you mean {near!r}? " if near is not None else ""
            raise ConfigError(f"{text}; {hint}{known}")
        logger.warning("%s (ignored, as the original does); %s", text, known)
    given = {name: value for name, value in kwargs.items() if name in _CHECKS}
    for name, value in given.items():
        fits, wanted = _CHECKS[name]
        if not fits(value):
            raise ConfigError(f"the retrieval option {name!r} must be {wanted}, not {value!r}")
    return RetrievalOptions(**given)  # type: ignore[arg-type]  # checked above


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _MOST_HITS


def _is_score(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 <= value <= _TOP_SCORE


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_retriever(value: object) -> bool:
    return isinstance(value, str) and value.partition("/")[0] in RETRIEVERS


_COUNT = f"a whole number from 1 to {_MOST_HITS:,}"
_CHECKS: Final[Mapping[str, tuple[Callable[[object], bool], str]]] = {
    "top_k": (_is_count, _COUNT),
    "grep_top_k": (_is_count, _COUNT),
    "case_sensitive": (lambda value: isinstance(value, bool), "true or false"),
    "reranker_min_score": (_is_score, f"a number from 0 to {_TOP_SCORE}"),
    "reranker_model": (_is_name, "the name of a chat model"),
    "retriever": (_is_retriever, "the name of a retriever, such as hybrid or dense/minilm"),
}
