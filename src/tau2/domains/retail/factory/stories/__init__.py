"""The stories customers come with. Each module holds one kind; `all_stories` lists them."""

from __future__ import annotations

from tau2.domains.retail.factory.stories import (
    addresses,
    asking,
    cancelling,
    changing,
    exchanging,
    handing_over,
    mixed,
    paying,
    refusing,
    returning,
)
from tau2.domains.retail.factory.stories.base import Story

_MODULES = (
    cancelling, returning, exchanging, changing, paying, addresses, asking, mixed, refusing, handing_over,
)  # fmt: skip


def all_stories() -> list[Story]:
    """Return every story once, in a fixed order."""
    return [story for module in _MODULES for story in module.STORIES]
