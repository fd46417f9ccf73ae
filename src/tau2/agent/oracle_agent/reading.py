"""How the oracle reads: it searches the knowledge base for what its task requires, as people do.

It knows which documents it needs, but it reads only what a search shows, with the tools that its
retrieval variant has. So the figures on retrieval of its episodes are real ones.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from tau2.agent.oracle_agent.plan import PlanStep
from tau2.data_model.message import ToolCall
from tau2.environment.tool import Tool
from tau2.utils.json_types import JsonObject

_SEARCH = "KB_search"
_GREP = "grep"
_SHELL = "shell"
_LONGEST_QUERY = 300  # characters of the customer's message that are searched for
_MOST_SEARCHES = 24
_PREFIX = "doc_"
_NUMBERED = re.compile(r"_\d+$")
_ID = re.compile(r"\bdoc_[a-z0-9_]+\b")


class Search(NamedTuple):
    """One search, and the documents that it is for."""

    tool: str
    arguments: JsonObject
    about: frozenset[str]

    @property
    def key(self) -> str:
        """A text that only the same search has."""
        return f"{self.tool} {self.arguments}"


class Reader:
    """The searches of one task."""

    def __init__(
        self, tools: Sequence[Tool], required: Collection[str], plan: Sequence[PlanStep]
    ) -> None:
        """Take the agent's tools, the ids of the documents it needs, and its plan."""
        names = [tool.name for tool in tools]
        self._searchers = [name for name in names if name.startswith(_SEARCH)]
        self._greps = _GREP in names
        self._shell = _SHELL in names
        self.required = frozenset(required)
        self._tools = tuple(dict.fromkeys(name for step in plan for name in step.tools))

    def next_search(
        self,
        opening: str,
        made: Collection[str],
        seen: Collection[str],
        broken: Collection[str] = (),
    ) -> Search | None:
        """Return the next search, or None when every required document was seen.

        `made` are the keys of the searches so far, `seen` the documents that they showed; `broken`
        tools are not used.
        """
        missing = self.required.difference(seen)
        if not missing or len(made) >= _MOST_SEARCHES:
            return None
        searches = (one for one in self._searches(opening) if one.tool not in broken)
        return next((one for one in searches if one.about & missing and one.key not in made), None)

    def searches_in(self, calls: Sequence[ToolCall]) -> list[str]:
        """Return the keys of the searches among these calls."""
        tools = {*self._searchers, _GREP, _SHELL}
        return [Search(c.name, c.arguments, frozenset()).key for c in calls if c.name in tools]

    def _searches(self, opening: str) -> Iterator[Search]:
        topics: dict[str, set[str]] = {}
        for document in sorted(self.required):
            topics.setdefault(_topic(document), set()).add(document)
        for tool in self._searchers:
            yield Search(tool, {"query": opening[:_LONGEST_QUERY]}, self.required)
            for topic, about in topics.items():
                yield Search(tool, {"query": topic}, frozenset(about))
            for name in self._tools:
                query = _NUMBERED.sub("", name).replace("_", " ")
                yield Search(tool, {"query": query}, self.required)
        if self._greps:
            for name in self._tools:
                yield Search(_GREP, {"pattern": name}, self.required)
            for topic, about in topics.items():
                # The last word of an id is the product or the sort of request.
                yield Search(_GREP, {"pattern": topic.rpartition(" ")[2]}, frozenset(about))
                yield Search(_GREP, {"pattern": topic.replace(" ", ".{0,20}")}, frozenset(about))
        if self._shell:
            for document in sorted(self.required):
                command = {"command": f"cat {document}.md"}
                yield Search(_SHELL, command, frozenset({document}))


def _topic(document: str) -> str:
    """Return what a document is about, as far as its id says: "credit cards replacement"."""
    return _NUMBERED.sub("", document.removeprefix(_PREFIX)).replace("_", " ")


def documents_in(text: str | None, required: Collection[str]) -> list[str]:
    """Return the required documents that a tool result shows."""
    shown = set(_ID.findall(text or ""))
    return sorted(shown.intersection(required))
