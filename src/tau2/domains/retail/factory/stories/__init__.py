"""The stories customers come with. Each module holds one kind; two functions list them."""

from __future__ import annotations

from tau2.domains.retail.factory.stories.addresses import STORIES as _ADDRESSES
from tau2.domains.retail.factory.stories.asking import STORIES as _ASKING
from tau2.domains.retail.factory.stories.cancelling import STORIES as _CANCELLING
from tau2.domains.retail.factory.stories.changing import STORIES as _CHANGING
from tau2.domains.retail.factory.stories.exchanging import STORIES as _EXCHANGING
from tau2.domains.retail.factory.stories.forbidden import STORIES as _FORBIDDEN
from tau2.domains.retail.factory.stories.handing_over import STORIES as _HANDING_OVER
from tau2.domains.retail.factory.stories.kinds import Story
from tau2.domains.retail.factory.stories.mixed import STORIES as _MIXED
from tau2.domains.retail.factory.stories.paying import STORIES as _PAYING
from tau2.domains.retail.factory.stories.refusing import STORIES as _REFUSING
from tau2.domains.retail.factory.stories.returning import STORIES as _RETURNING
from tau2.domains.retail.factory.stories.second_thoughts import STORIES as _SECOND_THOUGHTS
from tau2.domains.retail.factory.stories.vague import STORIES as _VAGUE

_SHIPPED = (
    _CANCELLING, _RETURNING, _EXCHANGING, _CHANGING, _PAYING, _ADDRESSES, _ASKING, _MIXED, _REFUSING, _HANDING_OVER,
)  # fmt: skip


def all_stories() -> list[Story]:
    """Return the stories of the shipped tasks, each once, in a fixed order."""
    return [story for stories in _SHIPPED for story in stories]


def more_stories() -> list[Story]:
    """Return the stories of generated tasks: those of the shipped ones and some more, in a fixed order."""
    return [*all_stories(), *_SECOND_THOUGHTS, *_VAGUE, *_FORBIDDEN]
