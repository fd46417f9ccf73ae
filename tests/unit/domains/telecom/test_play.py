"""Every kind of shipped task can be played to the end.

An oracle with a scripted customer, and an oracle alone.
"""

from __future__ import annotations

import pytest

from tau2.data_model.run_config import TextRunConfig
from tau2.domains.telecom.environment import get_tasks
from tau2.runner.build import build_text_orchestrator
from tau2.runner.simulation import run_simulation

PAIRS = {
    "text": {"agent": "oracle_agent", "user": "scripted_user"},
    "solo": {"agent": "oracle_agent_solo", "user": "dummy_user"},
}


@pytest.mark.parametrize("mode", PAIRS)
def test_the_test_split_and_a_sample_of_everything_is_solved(mode):
    config = TextRunConfig(domain="telecom", max_steps=300, **PAIRS[mode])
    tasks = [*get_tasks("test"), *get_tasks(None)[:2000:50]]
    runs = [run_simulation(build_text_orchestrator(config, task, seed=1)) for task in tasks]
    assert [run.task_id for run in runs if run.reward_info.reward != 1] == []
