"""The header of a GGUF file: its architecture, context length, template and special tokens.

Only what is used is kept, and every size is checked against the file, so that a damaged or hostile
file is an error and not a crash.
"""

from __future__ import annotations

import struct
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from tau2.errors import DataFileError
from tau2.utils.json_types import JsonValue

_MAGIC = b"GGUF"
_VERSIONS = range(2, 4)
_MOST_KEYS = 10_000
_LONGEST_KEY = 65_535  # bytes, by the format
_LONGEST_TEXT = 4 * 2**20  # bytes of a string; templates have some thousand
_MOST_ITEMS = 4_000_000  # of an array; vocabularies have up to 300,000
_CONTROL = 3  # the type of a token that stands for no text

_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q"}
_NUMBERS[12] = "d"
_STRING = 8
_ARRAY = 9
_VOCABULARY = "tokenizer.ggml.tokens"
_KINDS = "tokenizer.ggml.token_type"
_TEMPLATE = "tokenizer.chat_template"


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """What the engine needs to know of a file before it is loaded."""

    architecture: str
    kind: str
    """What the file holds: `model`, or `adapter`."""
    context_length: int | None
    """Tokens that the model was trained on; None where the file does not say."""
    has_template: bool
    special_tokens: frozenset[str]
    """The texts of control tokens, such as `<|im_end|>`."""


def read_header(path: Path) -> GgufHeader:
    """Return what a file of weights says about itself.

    Raises:
        DataFileError: it cannot be read, or is no GGUF file.
    """
    try:
        stat = path.stat()
        return _header(path, stat.st_mtime_ns, stat.st_size)
    except OSError as error:
        raise DataFileError(f"{path}: the weights cannot be read: {error.strerror}") from error


@lru_cache(maxsize=16)
def _header(path: Path, _changed_at: int, size: int) -> GgufHeader:
    with path.open("rb") as file:
        try:
            found = _Reader(file, size).metadata({_VOCABULARY, _KINDS})
        except (struct.error, UnicodeDecodeError, _Damaged) as error:
            raise DataFileError(f"{path}: not a GGUF file that can be used: {error}") from error
    architecture = str(found.get("general.architecture") or "unknown")
    length = found.get(f"{architecture}.context_length")
    tokens = found.get(_VOCABULARY) or []
    types = found.get(_KINDS) or []
    control = (text for text, kind in zip(tokens, types, strict=False) if kind == _CONTROL)
    return GgufHeader(
        architecture=architecture,
        kind=str(found.get("general.type") or "model"),
        context_length=length if isinstance(length, int) and length > 0 else None,
        has_template=isinstance(found.get(_TEMPLATE), str),
        special_tokens=frozenset(control),
    )


class _Damaged(Exception):
    """The file is not what its format says."""


class _Reader:
    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size

    def metadata(self, arrays: Collection[str]) -> dict[str, JsonValue]:
        """Return all values; of arrays only those named."""
        if self._file.read(4) != _MAGIC:
            raise _Damaged("it does not begin with GGUF")
        version = self._number("I")
        if version not in _VERSIONS:
            raise _Damaged(f"version {version} of the format is not known")
        self._number("Q")  # the number of tensors
        keys = self._number("Q")
        if keys > _MOST_KEYS:
            raise _Damaged(f"{keys:,} keys are too many")
        found: dict[str, JsonValue] = {}
        for _ in range(keys):
            key = self._text(_LONGEST_KEY)
            value = self._value(self._number("I"), key in arrays)
            found[key] = value
        return found

    def _value(self, kind: int, is_kept: bool) -> JsonValue:
        if kind == _STRING:
            return self._text(_LONGEST_TEXT)
        if kind in _NUMBERS:
            return self._number(_NUMBERS[kind])
        if kind == _ARRAY:
            return self._array(is_kept)
        raise _Damaged(f"a value of the unknown kind {kind}")

    def _array(self, is_kept: bool) -> list[JsonValue] | None:
        kind = self._number("I")
        count = self._number("Q")
        if count > _MOST_ITEMS:
            raise _Damaged(f"an array of {count:,} items is too long")
        if kind in _NUMBERS:
            form = f"<{count}{_NUMBERS[kind]}"
            packed = self._bytes(struct.calcsize(form))
            return list(struct.unpack(form, packed)) if is_kept else None
        if kind != _STRING:
            raise _Damaged(f"an array of the unknown kind {kind}")
        texts = [self._text(_LONGEST_TEXT) for _ in range(count)]
        return texts if is_kept else None

    def _text(self, longest: int) -> str:
        length = self._number("Q")
        if length > longest:
            raise _Damaged(f"a text of {length:,} bytes is too long")
        # Vocabularies hold tokens that are parts of characters.
        return self._bytes(length).decode("utf-8", "replace")

    def _number(self, form: str) -> int:
        packed = self._bytes(struct.calcsize(form))
        number: int = struct.unpack(f"<{form}", packed)[0]
        return number

    def _bytes(self, count: int) -> bytes:
        if count > self._size:
            raise _Damaged("it ends too early")
        read = self._file.read(count)
        if len(read) < count:
            raise _Damaged("it ends too early")
        return read
