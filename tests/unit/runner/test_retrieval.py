"""A run's retrieval variant: chosen, checked, recorded, and used again wherever it matters."""

from __future__ import annotations

import logging
from functools import partial

import pytest
from rich.console import Console
from tests.cast import mock_task
from tests.library import LIBRARY, library_tasks
from tests.unit.runner.conftest import a_config

from tau2.data_model.simulation import Results
from tau2.environment.environment import Environment
from tau2.errors import ConfigError, MissingExtra, UnknownName
from tau2.evaluator.evaluator import EvaluationType, evaluate_simulation
from tau2.gym import AgentGymEnv
from tau2.integrations import trl
from tau2.metrics.comparison import compare
from tau2.metrics.summary import summarize
from tau2.registry import registry
from tau2.report.terminal.comparison import comparison_view
from tau2.rollout import Rollout, RolloutSetup
from tau2.runner import build_environment, run_tasks
from tau2.runner.build import rebuild_environment
from tau2.runner.regrade import regrade
from tau2.runner.replay import config_of
from tau2.runner.resolve import resolve
from tau2.runner.tasks import get_info
from tau2.submission.prepare import figures_of

CARD = "Read by by_card {}."


@pytest.fixture(autouse=True)
def library():
    with registry.domains.adding(LIBRARY):
        yield


def of_library(**options):
    given = {"domain": "library", "agent": "oracle_agent", "user": "scripted_user"}
    return a_config(**given | options)


def played(path=None, tasks=None, **options):
    config = of_library(**options)
    return run_tasks(config, tasks or library_tasks(), save_path=path, console_display=False)


def test_a_run_without_a_variant_has_the_domains_default():
    run = resolve(of_library())
    assert run.config.retrieval_config == "by_card"
    assert run.environment().get_policy() == CARD
    assert get_info(of_library()).retrieval_config == "by_card"
    assert get_info(a_config()).retrieval_config is None


def test_a_variant_and_its_arguments_reach_every_environment_and_are_recorded(tmp_path):
    options = {"retrieval_config": "BY_HAND", "retrieval_config_kwargs": {"top_k": 5}}
    results = played(tmp_path / "run", **options)
    policy = "Read by by_hand {'top_k': 5}."
    assert [run.policy for run in results.simulations] == [policy, policy]
    assert [run.reward_info.reward for run in results.simulations] == [1.0, 1.0]
    info = Results.load(tmp_path / "run").info
    assert (info.retrieval_config, info.retrieval_config_kwargs) == ("by_hand", {"top_k": 5})
    assert info.environment_info.policy == policy
    assert rebuild_environment(info).get_policy() == policy


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"retrieval_config": "by_hands"}, "no retrieval variant named 'by_hands'; did you mean"),
        ({"retrieval_config_kwargs": {"top": 3}}, "unknown retrieval option"),
        ({"retrieval_config": "by_phone"}, "needs the extra 'phone'"),
        ({"domain": "mock", "retrieval_config": "bm25"}, "domain 'mock' has no retrieval variants"),
        ({"domain": "mock", "retrieval_config_kwargs": {"k": 1}}, "leave out retrieval_config_kw"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_played(options, says):
    with pytest.raises((ConfigError, MissingExtra, UnknownName), match=says):
        played(**options)


def test_a_run_is_continued_with_its_own_variant_only(tmp_path):
    played(tmp_path / "run", tasks=library_tasks()[:1])
    with pytest.raises(ConfigError, match="retrieval_config: stored 'by_card', now 'by_hand'"):
        played(tmp_path / "run", retrieval_config="by_hand", auto_resume=True)
    assert len(played(tmp_path / "run", auto_resume=True).simulations) == 2


def test_look_ups_that_count_are_graded_again_as_they_were(tmp_path):
    results = played(tmp_path / "run", retrieval_config="by_hand")
    graded = regrade(Results.load(tmp_path / "run"))
    assert graded.changes == []
    assert [one.after for one in graded.entries] == [1.0, 1.0]
    rows = [run.reward_info.db_check.db_match for run in results.simulations]
    assert rows == [True, True]


def test_a_replay_has_the_variant_without_addresses(tmp_path):
    played(tmp_path / "run", retrieval_config="by_hand", retrieval_config_kwargs={"top_k": 4})
    results = Results.load(tmp_path / "run")
    results.info.retrieval_config_kwargs["api_base"] = "http://stranger.example"
    config, _ = config_of(results, tmp_path / "run")
    assert config.retrieval_config == "by_hand"
    assert config.retrieval_config_kwargs == {"top_k": 4}
    assert rebuild_environment(results.info).get_policy() == "Read by by_hand {'top_k': 4}."


def test_a_stored_variant_that_is_gone_is_replaced_with_a_warning(caplog):
    info = get_info(of_library()).model_copy(update={"retrieval_config": "by_ear"})
    with caplog.at_level(logging.WARNING):
        assert rebuild_environment(info).get_policy() == CARD
    assert "no retrieval variant named 'by_ear'" in caplog.text


def test_a_stored_run_is_read_without_what_its_variant_needs(caplog):
    info = get_info(of_library()).model_copy(update={"retrieval_config": "by_phone"})
    with caplog.at_level(logging.WARNING):
        assert rebuild_environment(info).get_policy() == "Read by by_hand {}."
    assert "needs the extra 'phone'" in caplog.text


def test_a_stored_simulation_is_evaluated_with_the_variant_that_is_named():
    (run,) = played(tasks=library_tasks()[:1]).simulations
    graded = partial(
        evaluate_simulation, run, library_tasks()[0], EvaluationType.ALL, solo_mode=False
    )
    by_hand = {"retrieval_variant": "BY_HAND", "retrieval_kwargs": {"top_k": 2}}
    assert graded(domain="library", env_kwargs=by_hand).reward == 1.0
    with pytest.raises(UnknownName, match="no retrieval variant named 'by_ear'"):
        graded(domain="library", env_kwargs={"retrieval_variant": "by_ear"})
    with pytest.raises(ConfigError, match="domain 'mock' has no retrieval variants"):
        graded(domain="mock", env_kwargs=by_hand)


def test_live_episodes_take_the_same_options():
    chosen = {"retrieval_config": "by_hand", "retrieval_config_kwargs": {"top_k": 2}}
    policy = "Read by by_hand {'top_k': 2}."
    assert RolloutSetup("library", **chosen).new_environment().get_policy() == policy
    by_kwargs = {"retrieval_variant": "by_hand", "retrieval_kwargs": {"top_k": 2}}
    assert build_environment("library", env_kwargs=by_kwargs).get_policy() == policy
    setup = RolloutSetup("library", user="scripted_user", env_kwargs=by_kwargs)
    rollout = Rollout(setup)
    rollout.reset(library_tasks()[0])
    assert rollout.environment.get_policy() == policy
    env = AgentGymEnv("library", "library", user="scripted_user", **chosen)
    assert env.reset()[1]["policy"] == policy
    env.close()
    with pytest.raises(ConfigError, match="domain 'mock' has no retrieval variants"):
        RolloutSetup("mock", **chosen).new_environment()
    with pytest.raises(UnknownName, match="no retrieval variant named 'by_ear'"):
        build_environment("library", env_kwargs={"retrieval_variant": "by_ear"})


def test_prompts_for_trainers_have_the_policy_of_the_variant_and_the_task(monkeypatch):
    (first, _) = trl.rows("library", retrieval_config="by_hand")
    assert "Read by by_hand {}." in first["prompt"][0]["content"]

    def prepare(self, task):
        self.policy = f"The policy of {task.id}."

    monkeypatch.setattr(Environment, "prepare", prepare)
    prompts = {row["task_id"]: row["prompt"][0]["content"] for row in trl.rows("library")}
    assert {name: f"The policy of {name}." in text for name, text in prompts.items()} == {
        "library": True,
        "look up first": True,
    }


def test_a_comparison_names_different_variants():
    tasks = library_tasks()[:1]
    by_hand = {"retrieval_config": "by_hand", "retrieval_config_kwargs": {"top_k": 4}}
    found = compare(played(tasks=tasks), played(tasks=tasks, **by_hand))
    assert found.as_dict()["retrieval"] == {"a": "by_card", "b": 'by_hand {"top_k": 4}'}
    shown = Console(width=200)
    with shown.capture() as captured:
        shown.print(comparison_view(found, "one", "two"))
    assert 'different retrieval variants: A by_card, B by_hand {"top_k": 4}' in captured.get()


def test_summaries_and_submissions_name_the_variant():
    results = played(tasks=library_tasks()[:1])
    assert summarize(results).as_dict()["retrieval_config"] == "by_card"
    assert figures_of(results).model_dump()["retrieval_config"] == "by_card"
    other = run_tasks(
        a_config(agent="oracle_agent", user="scripted_user"),
        [mock_task("create_task_1")],
        console_display=False,
    )
    assert "retrieval_config" not in summarize(other).as_dict()
    assert "retrieval_config" not in figures_of(other).model_dump()
