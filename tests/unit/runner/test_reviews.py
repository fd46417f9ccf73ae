"""Reviews within a run, and of many stored simulations at once."""

from __future__ import annotations

import asyncio
import json

import pytest
from tests.cast import User, play, says
from tests.stub import StubServer, failing
from tests.unit.runner.conftest import a_config

from tau2.data_model.review import Review
from tau2.errors import ConfigError
from tau2.evaluator.evidence import Judge
from tau2.evaluator.review import with_review
from tau2.metrics.agent_metrics import compute_metrics
from tau2.runner.batch import run_single_task, run_tasks
from tau2.runner.reviews import ReviewPlan, areview_all, call_log
from tau2.runner.tasks import get_tasks

TASKS = get_tasks("mock", task_ids=["create_task_1", "update_task_1"])
FOUND = {
    "summary": "Mostly fine.",
    "errors": [{"source": "user", "severity": "critical", "turn": 1}],
}


def reviewing(stub, **options):
    args = {"api_base": stub.base_url, "api_key": "a-key-nobody-may-see", "num_retries": 0}
    return a_config(auto_review=True, review_model="openai/reviewer", review_args=args, **options)


def plan(stub, **options):
    config = reviewing(stub)
    return ReviewPlan(Judge(config.review_model, config.review_args), **options)


def runs(count):
    return [
        play("create_task_1", says("Done."), says("Please."), simulation_id=f"sim-{n}")
        for n in range(count)
    ]


@pytest.fixture
def reviewer():
    with StubServer(json.dumps(FOUND)) as stub:
        yield stub


def test_every_episode_of_a_run_is_reviewed(cast, reviewer):
    results = run_tasks(reviewing(reviewer), TASKS, console_display=False)
    assert [run.review.summary for run in results.simulations] == ["Mostly fine."] * 2
    metrics = compute_metrics(results)
    assert (metrics.num_reviewed, metrics.review_mistakes["user_critical"]) == (2, 2)


def test_a_review_changes_no_reward(cast, reviewer):
    with_reviews = run_tasks(reviewing(reviewer), TASKS, console_display=False)
    without = run_tasks(a_config(), TASKS, console_display=False)
    assert with_reviews.average_reward() == without.average_reward()


def test_one_task_takes_the_mode_as_an_option(cast, reviewer):
    run = run_single_task(reviewing(reviewer), TASKS[0], review_mode="user")
    assert (run.review, run.user_only_review.errors[0].turn_idx) == (None, 1)


def test_a_reviewer_that_fails_is_noted_and_costs_no_episode(cast):
    with StubServer(failing(400, "no, a-key-nobody-may-see")) as stub:
        run = run_single_task(reviewing(stub), TASKS[0])
    assert (run.review, run.reward_info.reward) == (None, 1.0)
    assert "refused the request" in run.info["review_error"]
    assert "a-key-nobody" not in run.model_dump_json()


def test_a_reviewer_that_cannot_be_asked_is_found_before_anything_is_played(cast):
    with pytest.raises(
        ConfigError, match="auto_review needs the reviewer, which cannot be used: no API key"
    ):
        run_tasks(
            a_config(auto_review=True, review_model="openai/reviewer"), TASKS, console_display=False
        )


def test_many_are_reviewed_at_once_and_come_back_in_order(reviewer):
    reviewer.latency = 0.05
    chosen = runs(12)
    found = asyncio.run(areview_all(chosen, plan(reviewer), at_once=6))
    assert [one.run.id for one in found] == [run.id for run in chosen]
    assert all(one.review == one.run.review for one in found)
    assert reviewer.max_in_flight == 6


def test_a_review_by_the_same_model_is_kept(reviewer):
    known = with_review(runs(1)[0], Review(summary="Before.", model="openai/reviewer"))
    foreign = with_review(runs(1)[0], Review(summary="Before.", model="openai/another"))
    found = asyncio.run(areview_all([known, foreign], plan(reviewer)))
    assert [(one.is_kept, one.review.summary) for one in found] == [
        (True, "Before."),
        (False, "Mostly fine."),
    ]
    assert reviewer.requests == 1


def test_one_that_fails_does_not_stop_the_others():
    with StubServer([failing(400, "no"), json.dumps(FOUND)]) as stub:
        found = asyncio.run(areview_all(runs(2), plan(stub), at_once=1))
    assert [one.review is None for one in found] == [True, False]
    assert "refused" in found[0].problem


def test_what_has_no_conversation_is_not_reviewed(reviewer):
    empty = runs(1)[0].model_copy(update={"messages": []})
    (found,) = asyncio.run(areview_all([empty], plan(reviewer)))
    assert (found.problem, reviewer.requests) == ("there is no conversation to review", 0)


def test_whoever_cancels_keeps_what_is_finished(reviewer):
    done, three = [], asyncio.Event()

    def finished(one):
        done.append(one.run.id)
        if len(done) == 3:
            three.set()

    async def broken_off():
        task = asyncio.create_task(
            areview_all(runs(50), plan(reviewer), at_once=1, on_reviewed=finished)
        )
        await three.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(broken_off())
    assert 3 <= len(done) < 50


def test_the_calls_are_written_down_without_secrets(reviewer, tmp_path):
    asyncio.run(areview_all(runs(1), plan(reviewer, log=call_log(tmp_path))))
    text = (tmp_path / "sim_sim-0" / "review.jsonl").read_text()
    assert "Mostly fine." in text
    assert "a-key-nobody" not in text


def test_a_log_that_cannot_be_written_costs_no_review(reviewer, tmp_path):
    (tmp_path / "file").write_text("")
    (found,) = asyncio.run(areview_all(runs(1), plan(reviewer, log=call_log(tmp_path / "file"))))
    assert found.review is not None


def test_failed_calls_are_written_down_too(tmp_path):
    with StubServer(failing(400, "no")) as stub:
        asyncio.run(areview_all(runs(1), plan(stub, log=call_log(tmp_path))))
    exchange = json.loads((tmp_path / "sim_sim-0" / "review.jsonl").read_text())
    assert (exchange["status"], exchange["error"]) == (400, "no")


def test_the_user_may_be_asked_about_alone(cast, reviewer):
    cast(user=lambda **_: User(says("Please.")))
    run = run_single_task(reviewing(reviewer, review_mode="user"), TASKS[0])
    assert run.user_only_review is not None
    assert "=== policy ===" not in reviewer.last["messages"][1]["content"]
