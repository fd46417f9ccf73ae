"""Metrics in other places: each tracker is told of the run and gets every row."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import pytest

from act_prm.metrics import TRACKERS, TrackedRun, trackers_of
from act_prm.run import RunOptions
from tau2.errors import MissingExtra, UnknownName

RUN = TrackedRun("project", "name", {"a": 1}, Path("folder"))
ROW = {"batch": 4, "phase": "rl", "train/final_reward": 0.5, "flag": True}
NUMBERS = {"batch": 4.0, "train/final_reward": 0.5}


class Library(types.SimpleNamespace):
    """Remembers what it was called with; its classes are itself."""

    def __init__(self):
        super().__init__(called=[])

    def __getattr__(self, name):
        def call(*args, **options):
            self.called.append((name, args, options))
            return self

        return call


@pytest.fixture
def library(monkeypatch):
    made = Library()
    for name in ("wandb", "mlflow", "trackio", "tensorboard"):
        monkeypatch.setitem(sys.modules, name, made)
    torch = types.ModuleType("torch")
    torch.__path__ = []
    utils = types.ModuleType("torch.utils")
    utils.__path__ = []
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch.utils", utils)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", made)
    return made


def told(library, name):
    [tracker] = trackers_of([name], RUN)
    tracker.log(ROW)
    tracker.close()
    return library.called


def test_wandb_gets_every_row(library):
    begun, logged, finished = told(library, "wandb")
    assert (begun[0], begun[2]["project"], begun[2]["id"], begun[2]["resume"]) == (
        "init",
        "project",
        "name",
        "allow",
    )
    assert logged == ("log", (ROW,), {})
    assert finished[0] == "finish"


def test_mlflow_gets_the_numbers_by_their_step(library):
    called = told(library, "mlflow")
    assert [one[0] for one in called] == [
        "set_experiment", "start_run", "log_dict", "log_metrics", "end_run",
    ]  # fmt: skip
    assert called[0][1] == ("project",)
    assert called[3] == ("log_metrics", (NUMBERS,), {"step": 4})


def test_tensorboard_writes_into_the_runs_folder(library):
    called = told(library, "tensorboard")
    assert called[0] == ("SummaryWriter", (), {"log_dir": str(Path("folder/tensorboard"))})
    assert ("add_scalar", ("train/final_reward", 0.5, 4), {}) in called
    assert called[-1][0] == "close"


def test_trackio_gets_the_numbers_by_their_step(library):
    called = told(library, "trackio")
    assert called[0][2] == {"project": "project", "name": "name", "config": {"a": 1}}
    assert called[1] == ("log", (NUMBERS,), {"step": 4})
    assert called[2][0] == "finish"


@pytest.mark.parametrize("name", TRACKERS)
def test_a_tracker_that_is_not_installed_names_itself_and_the_way_out(monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtra, match=f"pip install {name}, or leave out --report_to {name}"):
        trackers_of([name], RUN)


def test_where_one_cannot_be_had_those_before_it_are_closed(library, monkeypatch):
    monkeypatch.setitem(sys.modules, "trackio", None)
    with pytest.raises(MissingExtra):
        trackers_of(["wandb", "trackio"], RUN)
    assert library.called[-1][0] == "finish"
    with pytest.raises(UnknownName, match="tracker"):
        trackers_of(["wandbb"], RUN)


def test_a_project_alone_means_wandb():
    assert RunOptions("mock").trackers == ()
    assert RunOptions("mock", project_name="p").trackers == ("wandb",)
    assert RunOptions("mock", project_name="p", report_to=("mlflow",)).trackers == ("mlflow",)
