"""Which documents a command has shown, by the lines that it printed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from tau2.knowledge.documents import DocumentSet

_SHORTEST_LINE = 12  # characters; shorter ones say too little
# What grep, rg, nl and `cat -n` put before a line: the name of its file, its number.
_BEFORE_A_LINE = re.compile(r"^\s{0,20}(?:\S{1,300}?\.md[:-])?(?:\d{1,7}[:\t-])?")


def documents_printed(documents: DocumentSet, printed: str) -> list[str]:
    """Return the ids of documents of which at least one whole line is printed, in that order.

    Only lines that a single document has, and that are long enough to say something, count.
    """
    lines = _lines_of_one(documents)
    seen: dict[str, None] = {}
    for line in printed.splitlines():
        name = lines.get(line.strip())
        if name is None:
            before = _BEFORE_A_LINE.match(line)
            name = lines.get(line[before.end() :].strip()) if before is not None else None
        if name is not None:
            seen[name] = None
    return list(seen)


@lru_cache(maxsize=8)
def _lines_of_one(documents: DocumentSet) -> Mapping[str, str]:
    """Return line → the id of the only document that holds it."""
    owners: dict[str, str | None] = {}
    for document in documents:
        for line in {line.strip() for line in document.content.splitlines()}:
            if len(line) >= _SHORTEST_LINE:
                owners[line] = None if line in owners else document.id
    return {line: owner for line, owner in owners.items() if owner is not None}
