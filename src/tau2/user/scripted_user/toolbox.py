"""The customer's own tools: what an agent asks for becomes calls with arguments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from tau2.environment.tool import Tool
from tau2.user.scripted_user.agenda import UserAction
from tau2.user.scripted_user.arguments import filled, written_out
from tau2.user.scripted_user.lexicon import described_in, known, looked_up_in, wanted_position

_ASKS = re.compile(r"\?|\bwhether\b|\btell me\b|\bcheck\b|\blook\b|\bsee\b", re.IGNORECASE)


class Toolbox:
    """The tools of one customer."""

    def __init__(self, tools: Iterable[Tool] | None) -> None:
        self._known = {tool.name: known(tool) for tool in tools or ()}

    def __contains__(self, name: str) -> bool:
        return name in self._known

    def __bool__(self) -> bool:
        return bool(self._known)

    def named_in(self, text: str) -> UserAction | None:
        """Return the call of the first tool that `text` names outright, or None."""
        outright = self._outright(text)
        return self._action(outright[0], text, ()) if outright else None

    def meant_in(self, text: str) -> UserAction | None:
        """Return the call of the first tool that `text` describes, or None."""
        return next(iter(self.asked_in([text], ())), None)

    def asked_in(
        self, requests: Sequence[str], reference: Sequence[UserAction]
    ) -> list[UserAction]:
        """Return the calls that the requests ask for, in their order.

        `reference` supplies arguments left open.
        """
        deeds: list[UserAction] = []
        for request in requests if self._known else ():
            names = self._outright(request) or described_in(request, self._known.values())
            deeds += [self._action(name, request, reference) for name in names]
        return [deed for place, deed in enumerate(deeds) if deed not in deeds[:place]]

    def looked_up_in(self, questions: Sequence[str]) -> list[UserAction]:
        """Return the call that shows what is asked about, if exactly one description fits."""
        found = (
            looked_up_in(question, self._known.values())
            for question in questions
            if _ASKS.search(question)
        )
        deeds = [self._action(name, "", ()) for name in found if name is not None]
        return [deed for deed in deeds[:1] if not deed.missing]

    def complete(self, deed: UserAction, text: str, reference: Sequence[UserAction]) -> UserAction:
        """Return the call with arguments that were missing taken from `text`."""
        fresh = self._action(deed.tool, text, reference)
        missing = tuple(name for name in deed.missing if name not in fresh.arguments)
        return deed.model_copy(
            update={"arguments": {**fresh.arguments, **deed.arguments}, "missing": missing}
        )

    def _outright(self, text: str) -> list[str]:
        """Return the tools that are called by their very names."""
        lower = text.lower()
        found = [
            (lower.find(name.lower()), name)
            for name in self._known
            if "_" in name and name.lower() in lower
        ]
        return [name for _, name in sorted(found)]

    def _action(self, name: str, text: str, reference: Sequence[UserAction]) -> UserAction:
        tool = self._known[name]
        outright = written_out(name, text, tool.schema)
        if outright is not None:
            return UserAction(tool=name, arguments=outright)
        arguments, missing = filled(
            tool.schema, text, [deed.arguments for deed in reference if deed.tool == name]
        )
        return UserAction(
            tool=name,
            arguments=arguments,
            missing=tuple(missing),
            wanted=wanted_position(tool, text),
        )
