"""A run whose folder is taken away, and folders that a killed run left."""

from __future__ import annotations

import os
import shutil
import tempfile

import pytest
from tests.cast import mock_task
from tests.unit.runner.conftest import a_config

from tau2.runner import run_tasks
from tau2.runner.events import SimulationStored
from tau2.runner.shared_folder import shared_folder

TASKS = [mock_task("create_task_1"), mock_task("update_task_1")]


def test_a_run_whose_folder_vanishes_ends_with_an_error_and_makes_no_new_one(cast, tmp_path):
    folder = tmp_path / "run"

    def take_away(event):
        if isinstance(event, SimulationStored):
            shutil.rmtree(folder, ignore_errors=True)

    with pytest.raises(FileNotFoundError, match="was removed while it was written"):
        run_tasks(a_config(max_concurrency=1), TASKS, save_dir=folder, sink=take_away)
    assert not folder.exists()


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
