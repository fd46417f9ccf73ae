"""Every program and notebook of examples/ runs as it is, and shows what its page says."""

from __future__ import annotations

import json
import re
import runpy
import sys
from pathlib import Path

import pytest
from tests.docs.test_docs import ROOT

EXAMPLES = ROOT / "examples"
NOTEBOOK = EXAMPLES / "evaluate_inspect_train.ipynb"

SHOWN = {
    "audit_your_tasks": ["passes_by_itself: floor: doing nothing earns 1", "4 tasks, 5 findings"],
    "compare_two_prompts": ["pass^1: 0.33 -> 0.83"],
    "grade_again": [
        "as it was played: average reward 1.00",
        "graded again:     average reward 0.50",
        "create_task_1, trial 1: 1.0 -> 0.0: lost on COMMUNICATE",
    ],
    "group_and_fork": [
        "four continuations:  rewards [1.0, 1.0, 0.0, 0.0], advantages [0.5, 0.5, -0.5, -0.5]"
    ],
    "own_agent": ["average reward 0.500"],
    "own_domain": ["2 tasks audited: nothing is wrong", "average reward 1.000"],
    "own_model": ["title='Important Meeting': reward 1.0", "title='Meeting': reward 0.0"],
    "own_user": ["scripted_user: average reward 1.00", "impatient: average reward 0.83"],
}
"""What the programs print, besides those that have tests of their own."""
_ELSEWHERE = {"ci_gate", "ray_run", "train_policy"}


def printed(name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> str:
    """Run a program of examples/ without arguments, and return what it prints."""
    monkeypatch.setattr(sys, "argv", [f"{name}.py"])
    runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    return capsys.readouterr().out


@pytest.mark.parametrize("name", sorted(SHOWN))
def test_a_program_shows_what_it_is_for(name, workplace, capsys, monkeypatch):
    out = printed(name, capsys, monkeypatch)
    assert [text for text in SHOWN[name] if text not in out] == []
    assert list(workplace.iterdir()) == [], "an example leaves nothing behind"


def test_the_tiny_policy_learns():
    train = runpy.run_path(str(EXAMPLES / "train_policy.py"))["train"]
    curve = train(batches=12)
    assert sum(curve[:3]) / 3 < 0.5
    assert sum(curve[-3:]) / 3 > 0.8
    assert curve[:3] == train(batches=3)  # the same seed, the same curve


def test_every_program_is_listed_and_run():
    programs = {path.stem for path in EXAMPLES.glob("*.py")}
    assert programs - set(SHOWN) - _ELSEWHERE == set()
    index = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"\]\((?P<name>\w+)\.py\)", index))
    assert programs - listed == set()


def test_programs_are_short():
    lines = {path.name: len(path.read_text("utf-8").splitlines()) for path in EXAMPLES.glob("*.py")}
    assert {name: count for name, count in lines.items() if count > 130} == {}


def cells(kind: str) -> list[dict[str, object]]:
    """Return the cells of the notebook of one kind."""
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    return [cell for cell in notebook["cells"] if cell["cell_type"] == kind]


def test_the_notebook_has_no_outputs():
    assert cells("code")
    assert [cell for cell in cells("code") if cell["outputs"] or cell["execution_count"]] == []


def test_the_cells_of_the_notebook_run_in_order(workplace, capsys):
    names: dict[str, object] = {"__name__": "notebook"}
    for number, cell in enumerate(cells("code"), 1):
        source = "".join(cell["source"])
        exec(compile(source, f"cell {number}", "exec"), names)  # our own notebook
    assert Path("report.html").is_file()
