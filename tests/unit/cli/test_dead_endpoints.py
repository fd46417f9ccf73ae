"""What `tau2 run` says about endpoints that do not work, and about messages that are not whole."""

from __future__ import annotations

import json

from tests.stub import Raw, StubServer, by_turn, failing

TASKS = ("create_task_1", "update_task_1")


def arguments(stub, *more):
    options = {"api_base": stub.base_url, "api_key": "not-a-word-42", "num_retries": 0}
    return (
        *("run", "--domain", "mock", "--user", "scripted_user", "--agent-llm", "openai/some-model"),
        *("--agent-llm-args", json.dumps(options), "--max-retries", "0", "--max-concurrency", "1"),
        *("--save-to", "mine", *more),
    )


def test_a_refused_key_ends_the_run_before_it_begins(tau2):
    with StubServer(failing(401, "bad key")) as stub:
        ended = tau2(*arguments(stub, "--task-ids", *TASKS))
        assert stub.requests == 1
    assert ended.code == 2
    assert "nothing was played" in ended.err
    assert "Check the API key" in ended.err
    with StubServer(by_turn(["I cannot do that."])) as stub:  # the name is still free
        ended = tau2(*arguments(stub, "--task-ids", *TASKS))
    assert ended.code == 0
    assert "asked first: 1 model" in ended.out


def test_a_dead_model_stops_the_run_with_the_command_that_continues_it(tau2):
    with StubServer(failing(503, "dead")) as stub:
        more = ("--no-probe", "--num-trials", "4", "--stop-after-failures", "3")
        ended = tau2(*arguments(stub, *more, "--task-ids", *TASKS))
        assert stub.requests == 3
    assert ended.code == 1
    assert "stopped: model 'openai/some-model' failed 3 simulations in a row" in ended.err
    assert "continue with:\n  tau2 run --domain mock" in ended.err
    assert "--auto-resume" in ended.err


def test_messages_that_were_cut_off_are_counted_and_marked(tau2):
    message = {"role": "assistant", "content": "I cannot do th"}
    choice = {"index": 0, "message": message, "finish_reason": "length"}
    used = {"prompt_tokens": 9, "completion_tokens": 5}
    with StubServer(Raw(200, {"choices": [choice], "usage": used})) as stub:
        ended = tau2(*arguments(stub, "--task-ids", "create_task_1", "--max-steps", "4"))
    assert "messages cut off at the length limit" in ended.out
    shown = tau2("view", "mine", "--task-id", "create_task_1")
    assert "agent, cut off at the length limit" in shown.out
