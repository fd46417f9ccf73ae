"""What the header of weights says, and that no file makes its reader fail otherwise."""

from __future__ import annotations

import contextlib
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.llm.local.standin import write_gguf

from tau2.errors import DataFileError
from tau2.llm.local.gguf import read_header


def test_a_header_says_what_the_engine_needs(tmp_path: Path) -> None:
    header = read_header(write_gguf(tmp_path / "a.gguf", context=512))
    assert header.architecture == "llama"
    assert header.kind == "model"
    assert header.context_length == 512
    assert header.has_template
    assert header.special_tokens == {"<|im_end|>", "[END]"}


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match=r"none\.gguf: the weights cannot be read: No such"):
        read_header(tmp_path / "none.gguf")


def test_a_file_that_is_changed_is_read_again(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "a.gguf", context=512)
    assert read_header(path).context_length == 512
    write_gguf(path, context=100_000, kind="another kind")
    assert read_header(path).context_length == 100_000


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "ends too early|does not begin"),
        (b"PK\x03\x04 a zip", "does not begin with GGUF"),
        (b"GGUF" + struct.pack("<I", 9), "version 9"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 2**60), "keys are too many"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 2**62), "a text of .* bytes is too long"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 4) + b"name", "ends too early"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"n" + struct.pack("<I", 77), "kind 77"),
        (
            b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"n" + struct.pack("<IIQ", 9, 4, 2**61),
            "items is too long",
        ),
    ],
)
def test_what_is_no_header_is_an_error(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "bad.gguf"
    path.write_bytes(content)
    with pytest.raises(DataFileError, match=problem):
        read_header(path)


@settings(max_examples=200, deadline=None)
@given(place=st.integers(0, 400), byte=st.integers(0, 255), length=st.integers(0, 500))
def test_damage_anywhere_is_an_error_or_harmless(
    tmp_path_factory: pytest.TempPathFactory, place: int, byte: int, length: int
) -> None:
    path = write_gguf(tmp_path_factory.mktemp("gguf") / "a.gguf")
    content = bytearray(path.read_bytes()[: max(8, length)])
    content[place % len(content)] = byte
    path.write_bytes(content)
    with contextlib.suppress(DataFileError):
        read_header(path)
