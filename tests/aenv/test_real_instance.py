"""An instance as AEnvironment's scheduler makes it: with its variables from the agent, and deleted
at the end."""

from __future__ import annotations

import pytest
from tests.aenv.live import is_taken, play, scheduling
from tests.aenv.needs import NEEDS_PACKAGES
from tests.stub import StubServer, failing

pytestmark = [NEEDS_PACKAGES, pytest.mark.timeout(300)]

TASK = "create_task_1"
DONE = [
    {"name": "create_task", "arguments": {"user_id": "user_1", "title": "Important Meeting"}},
    "It is on your list.",
    "###STOP###",
]


def test_the_instance_is_released(tmp_path):
    """With a scheduler: the instance gets its variables from the agent, and is deleted, also after
    a failure."""
    if is_taken():
        pytest.skip("port 8081 is taken")
    alone = {
        "DUMMY_INSTANCE_IP": "",
        "AENV_SYSTEM_URL": "http://127.0.0.1",
        "TAU2_USER": "scripted_user",
    }
    with scheduling(tmp_path) as scheduler:
        with StubServer(DONE) as model:
            assert play("mock", TASK, model.base_url, **alone)["reward"] == 1.0
        assert (len(scheduler.created), scheduler.deleted) == (1, ["one"])
        with StubServer(failing(401, "no such key")) as model:
            assert play("mock", TASK, model.base_url, **alone)["status"] == "infra_failed"
        assert (len(scheduler.created), scheduler.deleted) == (2, ["one", "one"])
    variables = scheduler.created[0]["environment_variables"]
    assert variables["TAU2_DOMAIN"] == "mock"
    assert variables["TAU2_TASK_ID"] == TASK
    assert "None" not in variables.values()
    assert not is_taken()
