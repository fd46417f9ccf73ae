"""The layers of a run, together.

Money that ends, answers that were paid before, and what is left of both.
"""

from __future__ import annotations

import json

import pytest
from tests.cast import mock_task
from tests.stub import StubServer, by_turn
from tests.unit.runner.conftest import a_config

from tau2.data_model.simulation import TextRunConfig
from tau2.errors import ConfigError, DataFileError
from tau2.evaluator.evaluator import EvaluationType
from tau2.llm.middleware import current_middleware
from tau2.runner import run_single_task, run_tasks
from tau2.runner.events import RunCounted, RunOutOfMoney, SimulationStored
from tau2.runner.middleware import installed_middleware

MEETING = {"name": "create_task", "arguments": {"user_id": "user_1", "title": "Important Meeting"}}
TASKS = [mock_task("create_task_1"), mock_task("create_task_1_nl_eval"), mock_task("update_task_1")]
PRICES = {"input_cost_per_token": 1e-6, "output_cost_per_token": 1e-6, "max_tokens": 500}


def with_model(stub, price=PRICES, **options):
    args = {"api_base": stub.base_url, "api_key": "not-a-word-42", "num_retries": 0, **price}
    return TextRunConfig(
        **{
            "domain": "mock",
            "agent": "llm_agent",
            "user": "scripted_user",
            "llm_agent": "openai/some-model",
            "llm_args_agent": args,
            "retry_delay": 0.0,
            "probe": False,  # the requests are counted
            **options,
        }
    )


def play(config, path=None, tasks=TASKS):
    events = []
    results = run_tasks(
        config, tasks, save_path=path, sink=events.append, evaluation_type=EvaluationType.ENV
    )
    return results, events


def the(kind, events):
    return next((event for event in events if isinstance(event, kind)), None)


def model():
    return StubServer(by_turn([MEETING, "It is on the list."]))


@pytest.mark.parametrize("workers", [0, 2])
def test_a_run_stops_at_its_cap_keeps_what_is_finished_and_goes_on_with_more(tmp_path, workers):
    with model() as stub:
        config = with_model(stub, max_cost=0.02, num_trials=4, workers=workers, max_concurrency=4)
        results, events = play(config, tmp_path)
        counted = the(RunCounted, events)
        assert 0 < counted.spent <= counted.max_cost == 0.02
        assert "max_cost $0.0200" in the(RunOutOfMoney, events).why
        cut = [
            run for run in results.simulations if run.termination_reason == "infrastructure_error"
        ]
        assert cut
        assert {run.info["error_type"] for run in cut} == {"BudgetExhausted"}
        assert len(results.simulations) < 12
        assert len([event for event in events if isinstance(event, SimulationStored)]) == len(
            results.simulations
        )
        more = config.model_copy(update={"max_cost": 1.0, "auto_resume": True})
        results, events = play(more, tmp_path)
        assert [run.is_scored for run in results.simulations] == [True] * 12
        assert the(RunCounted, events).spent > counted.spent
        assert the(RunOutOfMoney, events) is None


def test_what_an_uncapped_run_cost_counts_when_it_is_continued_under_a_cap(tmp_path):
    with model() as stub:
        results, _ = play(with_model(stub), tmp_path, TASKS[:1])
        paid = results.simulations[0].agent_cost
        _, events = play(with_model(stub, auto_resume=True, max_cost=paid * 0.9), tmp_path)
    assert the(RunCounted, events).spent == pytest.approx(paid)
    assert the(RunOutOfMoney, events) is not None


@pytest.mark.parametrize("workers", [0, 2])
def test_a_second_run_is_answered_by_the_cache(tmp_path, workers):
    with model() as stub:
        config = with_model(stub, cache=str(tmp_path / "cache"), workers=workers, num_trials=2)
        first, events = play(config, tmp_path / "a")
        sent = stub.requests
        assert the(RunCounted, events) == RunCounted(0, sent, None, None)
        again, events = play(config, tmp_path / "b")
        assert stub.requests == sent
        assert the(RunCounted, events) == RunCounted(sent, 0, None, None)
    said = [
        [[message.content for message in run.messages] for run in run_.simulations]
        for run_ in (first, again)
    ]
    assert said[0] == said[1]


def test_cached_answers_need_no_money_and_are_on_the_tape(tmp_path):
    with model() as stub:
        config = with_model(stub, cache=str(tmp_path / "cache"))
        play(config, tmp_path / "a")
        free = config.model_copy(update={"max_cost": 1e-9, "record": True})
        results, events = play(free, tmp_path / "b")
    assert all(run.is_scored for run in results.simulations)
    assert the(RunCounted, events).spent == 0.0
    lines = [
        line
        for file in (tmp_path / "b" / "tape").iterdir()
        for line in file.read_text().splitlines()
    ]
    assert (
        sum(json.loads(line)["entry"]["kind"] == "exchange" for line in lines)
        == the(RunCounted, events).cache_hits
    )


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"max_cost": 1.0}, "price of model 'openai/some-model'"),
        ({"max_cost": 0.0}, "above 0"),
        ({"max_cost": -1.0}, "above 0"),
        ({"record": True, "price": PRICES}, "save the run"),
    ],
)
def test_what_cannot_be_promised_is_refused_before_anything_is_sent(options, hint):
    with model() as stub, pytest.raises(ConfigError, match=hint):
        play(with_model(stub, **{"price": {}, **options}))
    assert stub.requests == 0


def test_a_damaged_record_of_what_was_spent_is_not_guessed(tmp_path):
    with model() as stub:
        play(with_model(stub, max_cost=1.0), tmp_path, TASKS[:1])
        (tmp_path / "budget" / "ledger.json").write_text("{}")
        with pytest.raises(DataFileError, match="what was spent is damaged"):
            play(with_model(stub, max_cost=1.0, auto_resume=True), tmp_path)


def test_without_settings_there_is_nothing_to_count_and_nothing_is_left_installed(tmp_path, cast):
    _, events = play(a_config(), tmp_path)
    assert the(RunCounted, events) is None
    assert sorted(path.name for path in tmp_path.iterdir() if path.name in {"tape", "budget"}) == []
    with installed_middleware(a_config()) as layers:
        assert layers.counted() is None
    assert current_middleware.get() is None


def test_one_task_alone_can_be_recorded_too(tmp_path):
    with model() as stub:
        run = run_single_task(
            with_model(stub, record=True),
            TASKS[0],
            save_dir=tmp_path,
            evaluation_type=EvaluationType.ENV,
        )
    assert (tmp_path / "tape" / f"{run.id}.jsonl").is_file()
