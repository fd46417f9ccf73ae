"""The everyday part of the fault suite.

Fewer calls, cuts and bits than `python -m tests.faults.storage`.
"""

from __future__ import annotations

import shutil

import pytest
from tests.faults import storage
from tests.faults.disk import disk

from tau2.storage import inspection, journal


def test_no_call_that_fails_loses_what_was_counted(tmp_path):
    tally = storage.Tally()
    with disk():
        for form in ("dir", "json"):
            storage.every_call_fails(tmp_path / form, form, tally, step=9)
    assert tally.broken == []
    assert tally.counts["calls that failed"] > 50


def test_a_journal_that_is_cut_is_repaired(tmp_path):
    tally = storage.Tally()
    with disk():
        storage.every_cut(tmp_path, tally, step=29)
    assert tally.broken == []
    assert tally.counts["journals cut"] > 50


def test_flipped_bits_are_found(tmp_path):
    tally = storage.Tally()
    with disk():
        storage.flips(tmp_path, 1, 60, tally)
    assert tally.broken == []
    assert sum(tally.counts.values()) == 60


def test_the_suite_itself_would_notice(tmp_path, monkeypatch):
    monkeypatch.setattr(inspection, "damage_of", lambda *_: None)
    tally = storage.Tally()
    with disk():
        storage.flips(tmp_path, 1, 20, tally)
    assert tally.broken


def test_a_line_without_a_checksum_would_be_noticed(tmp_path, monkeypatch):
    """One bit makes another reward of a record: a chosen one, because random bits may all miss."""

    def trusting(line):
        return b"{" + line[18:]  # what follows the checksum

    def one_bit() -> list[str]:
        tally = storage.Tally()
        with disk():
            damaged = storage.copied(storage.finished(tmp_path / "whole"), tmp_path / "damaged")
            file = damaged / "journal.jsonl"
            content = file.read_bytes()
            assert b'"reward":1.0' in content
            file.write_bytes(content.replace(b'"reward":1.0', b'"reward":0.0', 1))
            storage.is_found(damaged, "a bit of a reward", tally, lost=0)
        shutil.rmtree(tmp_path / "whole")
        return tally.broken

    assert one_bit() == []
    monkeypatch.setattr(journal, "unframed", trusting)
    assert one_bit() == ["a bit of a reward: not found"]


@pytest.mark.parametrize("fault", ["ENOSPC", "torn"])
def test_a_failed_line_is_cut_off_again(tmp_path, fault):
    store = storage.opened(tmp_path, resume=False)
    first, second, *_ = storage.UNITS
    store.save(storage.a_run(first))
    before = (tmp_path / "journal.jsonl").read_bytes()
    with disk(7, fault) as broken, pytest.raises(OSError, match=r"No space.*journal\.jsonl"):
        store.save(storage.a_run(second))
    assert broken.failed == "write"
    assert (tmp_path / "journal.jsonl").read_bytes() == before
    assert not store.has(second)
    assert store.save(storage.a_run(second))
    assert [run.id for run in store.finish().simulations] == ["create_task_1-0", "update_task_1-0"]
