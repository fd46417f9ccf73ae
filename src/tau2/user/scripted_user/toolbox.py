"""The customer's own tools: what an agent asks for becomes calls with arguments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from tau2.environment.tool import Tool
from tau2.user.scripted_user import given_tools
from tau2.user.scripted_user.agenda import UserAction
from tau2.user.scripted_user.arguments import filled, written_out
from tau2.user.scripted_user.device_words import app_in, device_tools, permissions_in
from tau2.user.scripted_user.lexicon import described_in, known, looked_up_in, wanted_position

_APPLY = re.compile(r"\bapply\b", re.IGNORECASE)
_ASKS = re.compile(r"\?|\bwhether\b|\btell me\b|\bcheck\b|\blook\b|\bsee\b", re.IGNORECASE)


class Toolbox:
    """The tools of one customer."""

    def __init__(self, tools: Iterable[Tool] | None) -> None:
        self._known = {tool.name: known(tool) for tool in tools or ()}
        callers = [
            name for name, tool in self._known.items() if given_tools.calls_given_tools(tool.schema)
        ]
        self._caller = next(iter(callers), "")
        """The tool that calls those which the agent gives, or ""."""

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
            for name in self._outright(request) or self._meant(request):
                deeds += self._actions(name, request, reference)
        return _once_each(deeds)

    def given_in(
        self, requests: Sequence[str], text: str, reference: Sequence[UserAction]
    ) -> list[UserAction]:
        """Return the calls of tools that the agent has given, if a request names one.

        The values may stand anywhere in `text`, the whole message.
        """
        if not self._caller:
            return []
        expected = [deed for deed in reference if deed.tool == self._caller]
        names = (given_tools.named_in(one, self._known, expected) for one in requests)
        name = next(filter(None, names), "")
        if not name and any(map(given_tools.REFERS.search, requests)):
            name = given_tools.named_in(text, self._known, expected)
        return self._given(name, text, expected) if name else []

    def applied_for(
        self, requests: Sequence[str], text: str, reference: Sequence[UserAction]
    ) -> list[UserAction]:
        """Return the application that a request is about, if the message says what is applied for.

        "I recommend the Orchard Card. Please apply for it" names no tool.
        """
        if not any(map(_APPLY.search, requests)):
            return []
        names = [name for name, tool in self._known.items() if tool.verb == "apply"]
        deeds = [self._action(name, text, reference) for name in names]
        return [deed for deed in deeds if not deed.missing][:1]

    def _given(self, name: str, text: str, expected: Sequence[UserAction]) -> list[UserAction]:
        values = given_tools.arguments_in(text, name, {self._caller, *self._known}, expected)
        if not values:
            open_call = {given_tools.NAME: name}
            return [UserAction(tool=self._caller, arguments=open_call, missing=("values",))]
        return _once_each([given_tools.call_of(self._caller, name, one) for one in values])

    def _meant(self, request: str) -> list[str]:
        """Return the tools that a request describes, in words for a phone or by their names."""
        named = [name for name in device_tools(request) if name in self._known]
        return named or described_in(request, self._known.values())

    def _actions(
        self, name: str, request: str, reference: Sequence[UserAction]
    ) -> list[UserAction]:
        """Return the calls of one tool that a request asks for: one for each permission named."""
        action = self._action(name, request, reference)
        if not action.missing or "permission" not in action.missing:
            first = "check_installed_apps"
            unsure = (
                name == "check_app_permissions" and name not in request and first in self._known
            )
            return [UserAction(tool=first), action] if unsure else [action]
        named = permissions_in(request)
        app = action.arguments.get("app_name") or app_in(request)
        if not named or not app:
            return [action]
        return [
            action.model_copy(
                update={"arguments": {"app_name": app, "permission": one}, "missing": ()}
            )
            for one in named
        ]

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
        if deed.tool == self._caller:
            name = str(deed.arguments.get(given_tools.NAME, ""))
            return self._given(name, text, [one for one in reference if one.tool == deed.tool])[0]
        fresh = self._action(deed.tool, text, reference)
        missing = tuple(name for name in deed.missing if name not in fresh.arguments)
        return deed.model_copy(
            update={"arguments": {**fresh.arguments, **deed.arguments}, "missing": missing}
        )

    def _outright(self, text: str) -> list[str]:
        """Return the tools that are called by their very names."""
        lower = text.lower()
        found = [
            (match.start(), name)
            for name in self._known
            if "_" in name and (match := re.search(rf"\b{re.escape(name.lower())}\b", lower))
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


def _once_each(deeds: Sequence[UserAction]) -> list[UserAction]:
    """Return the calls without repetitions; the first that says what a switch shall be counts."""
    found: dict[str, UserAction] = {}
    for deed in deeds:
        key = f"{deed.tool} {sorted(deed.arguments.items())}"
        before = found.get(key)
        if before is None or (before.wanted is None and deed.wanted is not None):
            found[key] = deed
    return list(found.values())
