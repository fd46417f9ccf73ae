"""Framed lines: JSON objects with a checksum, one per line, for files that are only appended to.

A framed line is `{"crc":"89abcdef",...}`: the CRC-32 (lower case, hexadecimal) covers everything
after its own field, without the line end. A line that was torn or changed no longer matches. Where
the checksums are chained, each one starts from the line before it, so a line that is whole but in
the wrong place does not match either.
"""

from __future__ import annotations

import zlib

_BEFORE = b'{"crc":"'
_AFTER = b'",'
_DIGITS = slice(len(_BEFORE), len(_BEFORE) + 8)
_BODY = _DIGITS.stop + len(_AFTER)


def framed(content: bytes, previous: int = 0) -> bytes:
    """Return the line, with its end, for a JSON object that is not empty.

    Args:
        content: The object, encoded without line breaks.
        previous: The checksum of the line before, if the lines are chained.
    """
    body = content[1:]
    return b"%b%08x%b%b\n" % (_BEFORE, zlib.crc32(body, previous), _AFTER, body)


def unframed(line: bytes, previous: int = 0) -> bytes | None:
    """Return the JSON object of a line without its end; None if the checksum does not match."""
    body = line[_BODY:]
    if line[:_BODY] != b"%b%08x%b" % (_BEFORE, zlib.crc32(body, previous), _AFTER):
        return None
    return b"{" + body


def checksum_of(line: bytes) -> int:
    """Return the checksum that a framed line carries, to chain the next one to it."""
    return int(line[_DIGITS], 16)
