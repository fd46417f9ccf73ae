"""A cache of compiled agendas: further episodes of a task compile nothing."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from tau2.data_model.tasks import Task
from tau2.environment.tool import Tool
from tau2.user.scripted_user.agenda import Agenda
from tau2.user.scripted_user.compiler import compile_agenda
from tau2.user.scripted_user.toolbox import Toolbox
from tau2.user.scripted_user.world_view import Wallet
from tau2.utils.model_json import model_json

_MOST_KEPT = 256  # agendas; each is a few kilobytes, and a task besides


@dataclass(frozen=True, slots=True)
class _Story:
    """What an agenda is compiled from; equal texts and tools give equal agendas."""

    text: str
    tools: Hashable
    wallet: tuple[tuple[str, str], ...]
    task: Task | None = field(compare=False)
    instructions: Any = field(compare=False)
    toolbox: Toolbox = field(compare=False)


def agenda_of(
    task: Task | None,
    instructions: Any,
    tools: list[Tool] | None,
    toolbox: Toolbox,
    wallet: Wallet,
) -> Agenda:
    """Return what `compile_agenda` returns; an agenda never changes, so it may be shared."""
    text = model_json(task) if task is not None else str(instructions)
    kinds = tuple((tool.name, tool.params) for tool in tools or ())
    return _compiled(_Story(text, kinds, tuple(wallet.items()), task, instructions, toolbox))


@lru_cache(maxsize=_MOST_KEPT)
def _compiled(story: _Story) -> Agenda:
    return compile_agenda(story.task, story.instructions, story.toolbox, dict(story.wallet))
