"""A run whose folder is taken away, and folders that a killed run left."""

from __future__ import annotations

import os
import shutil
import tempfile

import pytest
from tests.cast import mock_task
from tests.stub import StubServer, by_turn
from tests.unit.runner.conftest import a_config

from tau2.llm.middleware.ledger import Ledger
from tau2.runner import run_tasks
from tau2.runner.events import SimulationStored
from tau2.runner.shared_folder import shared_folder

PRICES = {"input_cost_per_token": 1e-6, "output_cost_per_token": 1e-6}
TASKS = [mock_task("create_task_1"), mock_task("update_task_1")]


def vanish(folder):
    """Remove a folder at once: workers that write to it cannot keep a half of it."""
    gone = folder.rename(folder.with_name("gone"))
    shutil.rmtree(gone)


def test_a_run_whose_folder_vanishes_ends_with_an_error_and_makes_no_new_one(cast, tmp_path):
    folder = tmp_path / "run"

    def take_away(event):
        if isinstance(event, SimulationStored) and folder.exists():
            vanish(folder)

    with pytest.raises(FileNotFoundError, match="was removed while it was written"):
        run_tasks(a_config(max_concurrency=1), TASKS, save_dir=folder, sink=take_away)
    assert not folder.exists()


@pytest.mark.parametrize("workers", [0, 2])
def test_what_lies_beside_the_results_makes_no_new_folder_either(workers, tmp_path):
    folder = tmp_path / "run"

    def take_away(event):
        if isinstance(event, SimulationStored) and folder.exists():
            vanish(folder)

    with StubServer(by_turn(["I cannot do that."]), latency=0.05) as stub:
        config = a_config(
            agent="llm_agent",
            user="scripted_user",
            llm_agent="openai/m",
            llm_args_agent={"api_base": stub.base_url, "api_key": "k-0123456789", **PRICES},
            record=True,
            verbose_logs=True,
            max_cost=10.0,
            num_trials=4,
            max_concurrency=4,
            max_retries=1,
            workers=workers,
        )
        with pytest.raises(FileNotFoundError, match="was removed while it was written"):
            run_tasks(config, TASKS, save_dir=folder, sink=take_away)
    assert not folder.exists()


def test_a_ledger_makes_its_folder_only_in_one_that_is_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        Ledger(1, tmp_path / "run" / "budget")
    assert not (tmp_path / "run").exists()


def test_the_shared_folder_of_a_killed_run_is_removed_by_the_next(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left = tmp_path / "tau2-run-left"
    left.mkdir()
    (left / "owner").touch()
    os.utime(left, (0, 0))
    with shared_folder() as used:
        os.utime(used, (0, 0))
        with shared_folder():
            assert used.is_dir()
        assert not left.exists()
    assert list(tmp_path.iterdir()) == []
