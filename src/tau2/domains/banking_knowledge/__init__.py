"""Customer service of a bank, whose rules and further tools are to be found in a knowledge base."""

from __future__ import annotations

NAMES: tuple[str, ...] = ()
DOMAINS: tuple[object, ...] = ()
