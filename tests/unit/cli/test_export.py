"""`tau2 export`, as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

ORACLE = (
    "--domain",
    "mock",
    "--agent",
    "oracle_agent",
    "--user",
    "scripted_user",
    "--task-ids",
    "create_task_1",
)


@pytest.fixture
def runs(tau2):
    tau2("run", *ORACLE, "--save-to", "first")
    tau2("run", *ORACLE, "--save-to", "second")


def test_tables_are_written_and_counted(tau2, runs):
    ended = tau2("export", "first", "second")
    assert ended.code == 0
    assert "simulations.jsonl: 2 rows" in ended.out
    rows = [
        json.loads(line) for line in Path("first-export/simulations.jsonl").read_text().splitlines()
    ]
    assert [row["run"] for row in rows] == ["first", "second"]


def test_csv_where_it_is_wanted_and_json_about_it(tau2, runs):
    files = json.loads(tau2("export", "first", "--to", "csv", "-o", "tables", "--json").out)[
        "files"
    ]
    assert files[0] == {"file": str(Path("tables/simulations.csv")), "rows": 1}
    assert Path("tables/messages.csv").is_file()


def test_runs_of_one_name_are_told_apart_by_their_path(tau2, runs):
    from tau2.cli.export import run_names

    assert run_names([Path("a/first"), Path("b/first"), Path("c/other")]) == [
        "a/first",
        "b/first",
        "other",
    ]


def test_an_unknown_run_is_named(tau2, runs):
    assert tau2("export", "third").code == 2


def test_trajectories_for_other_tools(tau2, runs):
    ended = tau2("export", "first", "second", "--to", "atif", "-o", "out")
    assert ended.code == 0
    assert f"wrote {Path('out/first')}: 1 simulation\n" in ended.out
    assert [len(list(Path("out", name).glob("*.json"))) for name in ("first", "second")] == [1, 1]
    assert not [*Path().glob("*-export")]
