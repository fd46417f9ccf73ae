"""What a domain is, in one sentence: the same on the pages, in `tau2 intro` and wherever else."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from tau2.registry import registry


def domain_description(name: str) -> str:
    """Return one sentence on a domain: its spec's, else the first of its documentation.

    Raise ConfigError or MissingExtra when its package cannot be used.
    """
    if name not in registry.domains:
        return _first_sentence(registry.get_env_constructor(name))
    plugin = registry.domains.package_of(name)
    if isinstance(plugin, ModuleType):  # a package of ours, which need not load its domain for this
        return _first_sentence(plugin)
    spec = registry.domains.get(name)
    return spec.description or _first_sentence(
        sys.modules.get(getattr(spec.environment, "__module__", ""))
    )


def _first_sentence(described: Any) -> str:
    """Return the first sentence of a docstring, without a name before it: "A bank: accounts"."""
    text = " ".join((getattr(described, "__doc__", None) or "").split())
    sentence = text.partition(". ")[0].rstrip(".")
    return sentence.partition(": ")[2] or sentence
