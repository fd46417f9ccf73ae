"""The everyday part of `python -m tests.faults.secrets`: a run, continued, and typos."""

from __future__ import annotations

import random

from tests.faults import secrets
from tests.faults.library_use import USES

from tau2.cli import COMMANDS


def test_no_planted_secret_is_written_or_printed(tmp_path):
    tally = secrets.suite(tmp_path, 1, thorough=False)
    assert tally.broken == []
    assert tally.counts["secrets"] >= 200
    assert min(tally.counts[place] for place in ("in errors", "in texts", "in tool arguments")) > 0


def test_every_command_is_among_the_ways_out():
    assert COMMANDS.keys() <= {output.command for output in secrets.OUTPUTS.values()}
    assert secrets.USED.keys() == USES.keys()


def test_the_search_finds_a_secret_in_every_spelling():
    planted = secrets.Planted(random.Random(0))
    secret = planted.new("somewhere", ('Zq.{}/+="\\',))
    for spelling in secrets.spellings(secret):
        texts = {"a text": b"before " + spelling + b" after"}
        assert secrets._search(planted, texts, secrets.Tally()) == 1
