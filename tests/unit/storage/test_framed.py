"""Framed lines: the format on disk, and what no longer matches."""

from __future__ import annotations

import json

import pytest

from tau2.storage.framed import checksum_of, framed, unframed

CONTENT = b'{"seq":7,"record":{"kind":"dropped"}}'


def test_a_line_is_a_json_object_whose_first_field_is_its_checksum():
    line = framed(CONTENT)
    assert line == b'{"crc":"693f876f","seq":7,"record":{"kind":"dropped"}}\n'
    assert json.loads(line) == {"crc": "693f876f", **json.loads(CONTENT)}


def test_what_is_framed_is_unframed():
    assert unframed(framed(CONTENT)[:-1]) == CONTENT
    assert unframed(framed(CONTENT, 99)[:-1], 99) == CONTENT


def test_any_changed_byte_breaks_a_line():
    line = framed(CONTENT)[:-1]
    for place in range(len(line)):
        changed = line[:place] + bytes([line[place] ^ 1]) + line[place + 1 :]
        assert unframed(changed) is None


@pytest.mark.parametrize("line", [b"", b"{}", b'{"crc":"', framed(CONTENT), framed(CONTENT)[:-2]])
def test_a_torn_line_and_one_with_its_end_do_not_match(line):
    assert unframed(line) is None


def test_a_chained_line_matches_in_its_place_only():
    first = framed(CONTENT)
    second = framed(CONTENT, checksum_of(first))
    assert unframed(second[:-1], checksum_of(first)) == CONTENT
    assert unframed(second[:-1]) is None
    assert unframed(second[:-1], checksum_of(second)) is None
