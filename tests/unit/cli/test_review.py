"""`tau2 review`, as a user types it."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path

import pytest
from tests.stub import StubServer, failing
from tests.unit.cli.conftest import OFFLINE

from tau2.data_model.simulation import Results

FOUND = {
    "summary": "Hm.",
    "errors": [{"source": "agent", "severity": "minor", "turn": 2, "reasoning": "It guessed."}],
}
KEY = "a-key-nobody-may-see"


@pytest.fixture
def stub():
    with StubServer(json.dumps(FOUND)) as server:
        yield server


@pytest.fixture
def review(tau2, stub):
    """Review the run `first` with a model on this machine."""
    tau2("run", "--domain", "mock", *OFFLINE, "--num-tasks", "3", "--save-to", "first")
    args = json.dumps({"api_base": stub.base_url, "api_key": KEY, "num_retries": 0})
    return lambda *more, model="openai/reviewer": tau2(
        "review", "first", "--review-model", model, "--review-args", args, *more
    )


def test_without_a_folder_it_only_shows(review):
    before = sorted(path.name for path in Path("data").rglob("*"))
    ended = review()
    assert ended.code == 0
    assert "3 of 3 simulations reviewed" in ended.out
    assert "mistakes of the agent: 0 critical, 3 minor" in ended.out
    assert sorted(path.name for path in Path("data").rglob("*")) == before


def test_with_a_folder_the_reviewed_run_is_written_there(review, stub):
    assert review("-o", "out").code == 0
    assert [run.review.summary for run in Results.load("out/first").simulations] == ["Hm."] * 3
    assert [run.review for run in Results.load("data/simulations/first").simulations] == [None] * 3
    assert stub.requests == 3


def test_the_same_again_asks_nobody_and_another_model_is_asked(review, stub):
    review("-o", "out", "--limit", "2")
    assert "2 of them before" in review("-o", "out").out
    assert stub.requests == 3
    review("-o", "out", model="openai/another")
    assert stub.requests == 6
    assert Results.load("out/first").simulations[0].review.model == "openai/another"


def test_only_some(review, stub):
    review("--task-ids", "create_task_1")
    review("--limit", "1")
    assert stub.requests == 2
    ended = review("--task-ids", "create_task_11")
    assert ended.code == 2
    assert "did you mean 'create_task_1'?" in ended.err


def test_the_user_alone(review):
    data = json.loads(review("-m", "user", "-o", "out", "--json").out)
    assert (data["mode"], data["num_reviewed"]) == ("user", 3)
    assert data["mistakes"]["user_minor"] == 3
    assert data["reviews"][0]["review"]["errors"][0]["reasoning"] == "It guessed."
    assert Results.load("out/first").simulations[0].user_only_review is not None


def test_details_and_the_log_of_calls(review):
    ended = review("--show-details", "--log-llm", "-o", "out")
    assert "agent, minor, turn 2: It guessed." in ended.out
    logs = list(Path("out/first/artifacts").rglob("review.jsonl"))
    assert len(logs) == 3
    assert KEY not in "".join(path.read_text() for path in Path("out").rglob("*") if path.is_file())


def test_one_that_fails_is_told_and_the_rest_is_kept(review, stub):
    stub._reply = [failing(400, f"no {KEY}"), json.dumps(FOUND)]
    ended = review("-c", "1", "-o", "out")
    assert ended.code == 1
    assert "not reviewed:" in ended.out
    assert KEY not in ended.out + ended.err
    assert sum(run.review is not None for run in Results.load("out/first").simulations) == 2


def test_ctrl_c_keeps_what_is_finished(review, monkeypatch):
    from tau2.runner import reviews as reviewing

    ask, asked = reviewing._reviewed, []

    async def asked_twice(run, plan):
        asked.append(run)
        if len(asked) > 2:
            signal.raise_signal(signal.SIGINT)
            await asyncio.Event().wait()
        return await ask(run, plan)

    monkeypatch.setattr(reviewing, "_reviewed", asked_twice)
    ended = review("-c", "1", "-o", "out")
    assert ended.code == 130
    assert "interrupted: reviewed 2 of 3 simulations" in ended.err
    assert sum(run.review is not None for run in Results.load("out/first").simulations) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--limit", "0"), "--limit must be at least 1"),
        (("-c", "0"), "--max-concurrency must be at least 1"),
        (("--log-llm",), "give its folder with -o"),
        (("-o", "data/simulations"), "is the run itself"),
        (("--interruption-enabled",), "voice"),
        (("--mode", "agent"), "invalid choice"),
    ],
)
def test_what_cannot_work_is_explained_before_anybody_is_asked(review, stub, arguments, said):
    ended = review(*arguments)
    assert (ended.code, stub.requests) == (2, 0)
    assert said in ended.err


def test_another_run_in_the_folder_stays(review, tau2):
    review("-o", "out")
    tau2("run", "--domain", "mock", *OFFLINE, "--num-tasks", "1", "--save-to", "other/first")
    ended = tau2("review", "other/first", "--review-model", "scripted/echo", "-o", "out")
    assert ended.code == 2
    assert "holds other simulations" in ended.err


def test_a_reviewer_without_a_key(tau2, review):
    ended = tau2("review", "first", "--review-model", "openai/gpt-4.1")
    assert ended.code == 2
    assert "OPENAI_API_KEY" in ended.err
