"""The journal: every line says whether it is whole, and a damaged one takes no other with it."""

from __future__ import annotations

import threading

import pytest
from tests.unit.storage.test_store import a_run

from tau2.storage.framed import framed, unframed
from tau2.storage.journal import (
    Dropped,
    Finished,
    Journal,
    Stored,
    encode_record,
    read_journal,
    write_journal,
)
from tau2.storage.results import content_of

THE_RUN = a_run()


def stored(number: int) -> Stored:
    run = THE_RUN.model_copy(update={"trial": number})
    return Stored.of(run, content_of(run))


RECORDS = [
    stored(0),
    Dropped(id="create_task_1-0", reason="gone"),
    Finished(results="00", form="dir"),
]


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "journal.jsonl"
    write_journal(path, RECORDS)
    return path


def test_what_is_written_is_read(path):
    assert read_journal(path) == (RECORDS, [])
    journal = Journal(path, len(RECORDS))
    journal.append(stored(1))
    journal.close()
    assert read_journal(path) == ([*RECORDS, stored(1)], [])


def test_a_constant_that_json_has_not_is_damage_of_its_line(path):
    line = framed(
        unframed(encode_record(stored(1), 4)[:-1]).replace(b'"reward":1.0', b'"reward":NaN')
    )
    path.write_bytes(path.read_bytes() + line)
    records, problems = read_journal(path)
    assert records == RECORDS
    assert problems == [
        ("journal.jsonl line 4", "record.reward: NaN is not a number that JSON has")
    ]


def test_where_there_is_none_there_is_none(tmp_path):
    assert read_journal(tmp_path / "journal.jsonl") is None


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"\0" * 100, b"\xff\xfe", b'{"crc":"00000000",}\n', b"{}" * 1000]
)
def test_any_bytes_are_read_as_damage(path, content):
    path.write_bytes(content)
    records, problems = read_journal(path)
    assert records == []
    assert problems


def test_one_changed_line_takes_no_other_with_it(path):
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1].replace(b"gone", b"here") + lines[2])
    assert read_journal(path) == (
        [RECORDS[0], RECORDS[2]],
        [("journal.jsonl line 2", "its checksum does not match")],
    )


def test_upper_case_is_no_checksum(path):
    line = encode_record(Dropped(id="x", reason="y"), 1)
    assert line[8:16] != line[8:16].upper()
    path.write_bytes(line[:8] + line[8:16].upper() + line[16:])
    assert read_journal(path).records == []


def test_missing_and_repeated_lines_are_noticed(path):
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[2])
    assert read_journal(path).problems == [
        ("journal.jsonl line 2", "it has number 3, where 2 is expected")
    ]
    path.write_bytes(lines[0] + lines[1] + lines[1])
    assert read_journal(path).problems == [
        ("journal.jsonl line 3", "it has number 2, where 3 is expected")
    ]


def test_a_whole_line_without_its_end_is_read_and_named(path):
    path.write_bytes(path.read_bytes()[:-1])
    assert read_journal(path) == (RECORDS, [("journal.jsonl", "its end is torn off")])


def test_a_sound_line_of_another_version_is_left_out(path):
    path.write_bytes(encode_record(RECORDS[1], 1).replace(b"dropped", b"dreamed"))
    assert read_journal(path).problems == [("journal.jsonl line 1", "its checksum does not match")]


def test_threads_append_whole_lines_in_order(path):
    journal = Journal(path, len(RECORDS))

    def append(number: int) -> None:
        for _ in range(20):
            journal.append(stored(number))

    threads = [threading.Thread(target=append, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.close()
    records, problems = read_journal(path)
    assert (len(records), problems) == (len(RECORDS) + 160, [])
