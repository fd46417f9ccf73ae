"""Embedders by name. Importing this package imports none of them."""

from __future__ import annotations

from typing import Any

from tau2.knowledge.protocols import Embedder
from tau2.knowledge.registry import PluginTable

LOCAL_EMBEDDER = "wordllama"
"""The embedder that needs neither a key nor a network."""

EMBEDDERS: PluginTable[Embedder] = PluginTable(
    "embedder",
    "tau2.embedders",
    {
        "minilm": "embedders.minilm:MiniLmEmbedder",
        "openai": "embedders.endpoint:openai",
        "openrouter": "embedders.endpoint:openrouter",
        "wordllama": "embedders.wordllama:WordLlamaEmbedder",
    },
)
"""Each takes its options as keyword arguments."""


def embedder_for(name: str, **options: Any) -> Embedder:
    """Return an embedder. Nothing is loaded or asked until it embeds its first text.

    Args:
        name: A name of EMBEDDERS. What stands behind a first slash is the option `model`:
            `openai/text-embedding-3-small`.
        **options: See docs/knowledge.md.

    Raises:
        UnknownName: no embedder has this name.
        MissingExtra: a package that it needs is not installed.
        ConfigError: an option is not known, or a key or an address is missing.
    """
    own_name, _, model = name.partition("/")
    if model:
        options["model"] = model
    return EMBEDDERS.make(own_name, **options)
