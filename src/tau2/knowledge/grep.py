"""Search by regular expressions, in time that is linear in the length of the documents.

Patterns come from a model, so that they are run by RE2, which never backtracks.
"""

from __future__ import annotations

import re
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING

from tau2.errors import ToolError, needs_extra
from tau2.knowledge.documents import DocumentSet
from tau2.knowledge.protocols import Hit

if TYPE_CHECKING:
    from re2 import _Regexp

_LONGEST_PATTERN = 1_000  # characters
_LARGEST_PROGRAM = 1_000  # instructions; RE2's time is this times the length of the documents
_OUTSIDE_LATIN_1 = re.compile(r"[^\x00-\xff]")
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
        contents = (_one_byte_each if query.isascii() else _in_utf_8)(self._documents)
        hits = []
        for document, content in zip(self._documents, contents, strict=True):
            count = sum(1 for _ in pattern.finditer(content))
            if count:
                hits.append(Hit(document, float(count)))
        hits.sort(key=lambda hit: -hit.score)
        return hits[:limit]


@lru_cache(maxsize=8)
def _one_byte_each(documents: DocumentSet) -> list[bytes]:
    """Return the contents for a pattern in ASCII, one byte for a character.

    What other characters there are does not matter to it, and RE2 takes a fifth of the steps.
    """
    return [_OUTSIDE_LATIN_1.sub("\xff", each.content).encode("latin-1") for each in documents]


@lru_cache(maxsize=8)
def _in_utf_8(documents: DocumentSet) -> list[bytes]:
    return [each.content.encode("utf-8", "surrogatepass") for each in documents]


@lru_cache(maxsize=1)
def check_package() -> None:
    """Raise MissingExtra when the package is not installed that searches need."""
    with needs_extra("knowledge", "re2"):
        import re2  # noqa: F401, PLC0415  -- optional


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
    if pattern.isascii():
        options.encoding = re2.Options.Encoding.LATIN1
    encoded = _in_re2_syntax(pattern).encode("utf-8", "surrogatepass")
    try:
        compiled = re2.compile(encoded, options)
        if compiled.programsize > _LARGEST_PROGRAM:
            raise ToolError(
                f"the pattern is too large ({compiled.programsize:,} steps; at most "
                f"{_LARGEST_PROGRAM:,} are allowed): repeat fewer times"
            )
        return compiled
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
