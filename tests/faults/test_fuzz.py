"""The everyday part of `python -m tests.faults.fuzz`, and proof that it would notice."""

from __future__ import annotations

import random

import pytest
from tests.faults import fuzz
from tests.faults.mutations import Mutator, spelled
from tests.faults.parsers import Parser
from tests.faults.storage import Tally


def test_no_parser_raises_what_it_does_not_document(tmp_path):
    tally, found = fuzz.suite(tmp_path, 3, 4_000, large=0)
    assert tally.broken == []
    assert len(found) > 35
    only_refused = [name for name, one in found.items() if one.inputs == one.documented]
    assert only_refused == ["Anthropic streams"], "of that protocol, no stream is read"


def test_the_suite_itself_would_notice():
    def read(document):
        return document["a"].upper()

    tally = Tally()
    fuzz.fuzz(Parser("careless", "document", ('{"a": "b"}',), read, (KeyError,)), 0, 200, 0, tally)
    assert any("AttributeError" in story for story in tally.broken)


def test_a_slow_parser_is_noticed(monkeypatch):
    monkeypatch.setattr(fuzz, "LIMIT", fuzz.TARGET)

    def read(text):
        return sum(text.count(letter) for letter in text[:3000])

    tally = Tally()
    fuzz.fuzz(Parser("slow", "text", ("abc",), read), 0, 0, 5, tally)
    assert any("p99" in story for story in tally.broken)


@pytest.mark.parametrize("kind", ["document", "text", "bytes"])
def test_the_same_seed_makes_the_same_inputs(kind):
    def made():
        mutator = Mutator(random.Random(7))
        make = getattr(mutator, kind)
        return [make(('{"a": [1, "b"]}',)) for _ in range(300)]

    first = made()
    second = made()
    assert [spelled(one) if kind == "document" else one for one in first] == [
        spelled(one) if kind == "document" else one for one in second
    ]


def test_integers_that_python_does_not_write_are_spelled():
    assert spelled({"a": 10**5000}) == b'{"a": ' + b"9" * 5000 + b"}"
