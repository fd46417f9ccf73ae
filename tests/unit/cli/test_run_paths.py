"""How a stored run is named: whole, by its beginning, as the latest, or by a path."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tau2.cli.run_paths import named_run
from tau2.errors import ConfigError, UnknownName


@pytest.fixture
def runs(tmp_path) -> Path:
    """Return a folder with three runs, the last of which is the newest."""
    for age, name in enumerate(["retail-20261129-1943", "retail-20261130-0800", "single.json"]):
        file = tmp_path / name
        if file.suffix != ".json":
            file.mkdir()
            file /= "results.json"
        file.write_text("{}")
        os.utime(file, (1_000_000 + age, 1_000_000 + age))
    return tmp_path


def test_the_beginning_of_one_name_will_do(runs):
    assert named_run("retail-20261130", runs) == runs / "retail-20261130-0800"
    assert named_run("sing", runs) == runs / "single.json"


def test_a_whole_name_wins_over_longer_ones(runs):
    (runs / "retail").mkdir()
    (runs / "retail" / "results.json").write_text("{}")
    assert named_run("retail", runs) == runs / "retail"


def test_the_beginning_of_several_names_lists_them_newest_first(runs):
    with pytest.raises(ConfigError, match="retail-20261130-0800, retail-20261129-1943"):
        named_run("retail", runs)


def test_latest_is_the_newest_run(runs):
    assert named_run("latest", runs) == runs / "single.json"
    os.utime(runs / "retail-20261129-1943" / "results.json")
    assert named_run("latest", runs) == runs / "retail-20261129-1943"


def test_a_run_called_latest_is_itself(runs):
    (runs / "latest").mkdir()
    (runs / "latest" / "results.json").write_text("{}")
    assert named_run("latest", runs) == runs / "latest"


@pytest.mark.parametrize("name", ["", "airline", "../retail"])
def test_what_no_run_begins_with_is_unknown(runs, name):
    with pytest.raises(UnknownName):
        named_run(name, runs)


def test_latest_of_an_empty_folder_is_unknown(tmp_path):
    with pytest.raises(UnknownName):
        named_run("latest", tmp_path)
