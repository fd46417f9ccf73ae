"""Pass^k over different environments."""

from __future__ import annotations

import pytest

from tau2.data_model.run_config import TextRunConfig
from tau2.metrics.robustness import pass_in_all
from tau2.runner import run_domain
from tau2.storage.results import Results


def played(*agents: str) -> list[Results]:
    """Return a run of three tasks of the mock domain for each agent."""
    ids = ["create_task_1", "update_task_1", "create_task_1_nl_eval"]
    return [
        run_domain(
            TextRunConfig(
                domain="mock", agent=agent, user="scripted_user", task_ids=ids, num_trials=2
            ),
            console_display=False,
        )
        for agent in agents
    ]


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("runs"))
        yield


def test_a_task_counts_only_if_it_passes_under_every_condition():
    oracle, lazy = played("oracle_agent", "lazy_agent")
    assert pass_in_all([oracle, oracle, oracle]) == 1
    assert pass_in_all([oracle, lazy]) == 0


def test_with_several_trials_a_trial_is_drawn_from_each_run():
    (oracle,) = played("oracle_agent")
    half = oracle.model_copy(deep=True)
    for run in half.simulations:
        if run.trial and run.reward_info is not None:
            run.reward_info.reward = 0.0
    assert pass_in_all([oracle, half]) == 0.5
    assert pass_in_all([half, half, half]) == pytest.approx(0.125)


def test_without_shared_tasks_there_is_no_figure():
    assert pass_in_all([]) is None
    (oracle,) = played("oracle_agent")
    nothing = oracle.model_copy(update={"simulations": []})
    assert pass_in_all([oracle, nothing]) is None
