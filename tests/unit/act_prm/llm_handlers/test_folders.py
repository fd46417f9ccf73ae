"""A folder is replaced whole or stays as it was."""

from __future__ import annotations

import pytest

from act_prm.llm_handlers.folders import whole_folder


def write(path, text):
    with whole_folder(path) as draft:
        (draft / "file").write_text(text)


def test_a_folder_appears_and_is_replaced_and_nothing_else_is_left(tmp_path):
    place = tmp_path / "deep" / "state"
    write(place, "one")
    write(place, "two")

    assert (place / "file").read_text() == "two"
    assert [one.name for one in place.parent.iterdir()] == ["state"]


def test_a_failure_leaves_what_was_there(tmp_path):
    place = tmp_path / "state"
    write(place, "one")
    with pytest.raises(UnicodeEncodeError):
        write(place, "half \ud800")

    assert (place / "file").read_text() == "one"
    assert [one.name for one in tmp_path.iterdir()] == ["state"]
