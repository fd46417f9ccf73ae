"""Search by regular expressions, in time that is linear in the length of the documents.

Patterns come from a model, so that they are run by RE2, which never backtracks.
"""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING

from tau2.errors import ToolError, needs_extra
from tau2.knowledge.documents import DocumentSet
from tau2.knowledge.protocols import Hit

if TYPE_CHECKING:
    from re2 import _Regexp

_LONGEST_PATTERN = 1_000  # characters
# Bytes that RE2 may use for one pattern. A larger one is refused: it would be slow, too.
_MEMORY = 1 << 20
# Python spells "the end of the text" \Z, RE2 \z. A backslash before it is itself escaped or not.
_ESCAPE = re.compile(r"\\(?s:.)")


class Grep:
    """Finds the documents in whose content a pattern occurs; the score is how often it does."""

    def __init__(self, documents: DocumentSet, *, case_sensitive: bool = False) -> None:
        """Search these documents."""
        self._documents = documents
        self._case_sensitive = case_sensitive

    def search(self, query: str, limit: int) -> list[Hit]:
        """Return the documents with the most matches of the pattern `query`, at most `limit`.

        Syntax is that of RE2, which Python shares but for look-around and back-references. Text
        that is no regular expression is searched as it is. A blank pattern finds nothing.

        Raises:
            ToolError: the pattern is too long, too large, or one that only Python understands.
        """
        if not query.strip():
            return []
        pattern = _compiled(query, case_sensitive=self._case_sensitive)
        hits = []
        for document, content in zip(self._documents, self._documents.encoded, strict=True):
            count = sum(1 for _ in pattern.finditer(content))
            if count:
                hits.append(Hit(document, float(count)))
        hits.sort(key=lambda hit: -hit.score)
        return hits[:limit]


def _compiled(pattern: str, *, case_sensitive: bool) -> _Regexp:
    if len(pattern) > _LONGEST_PATTERN:
        raise ToolError(
            f"the pattern has {len(pattern):,} characters; at most {_LONGEST_PATTERN:,} are allowed"
        )
    with needs_extra("knowledge", "re2"):
        import re2  # noqa: PLC0415  -- optional

    options = re2.Options()
    options.case_sensitive = case_sensitive
    options.log_errors = False
    options.max_mem = _MEMORY
    encoded = _in_re2_syntax(pattern).encode("utf-8", "surrogatepass")
    try:
        return re2.compile(encoded, options)
    except re2.error as error:
        if _is_regex_of_python(pattern):
            raise ToolError(
                f"the pattern cannot be searched ({_reason(error)}): look-around, back-references "
                "and very large repetitions are not supported; write it without them"
            ) from error
    options.literal = True
    return re2.compile(encoded, options)


def _in_re2_syntax(pattern: str) -> str:
    return _ESCAPE.sub(lambda found: r"\z" if found[0] == r"\Z" else found[0], pattern)


def _is_regex_of_python(pattern: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        try:
            re.compile(pattern)
        except (re.error, OverflowError, RecursionError):
            return False
    return True


def _reason(error: Exception) -> str:
    reason = error.args[0] if error.args else ""
    return reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
