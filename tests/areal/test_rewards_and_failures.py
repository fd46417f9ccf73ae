"""The AReaL example: rewards, penalties, discounts, and failures that are not rewards."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import time
from typing import Any

import pytest
from tests.areal.example import CONFIG, EXAMPLE, script
from tests.areal.test_workflow import (
    CUSTOMER,
    MEETING,
    SOLVED,
    Answer,
    Client,
    calling,
    completion,
    episode,
    workflow,
)
from tests.stub import Hang, StubServer, by_turn, failing

from tau2.llm.clock import clock
from tau2.runner import simulation

agent, policy, utils = script("tau2_agent"), script("tau2_policy"), script("tau2_utils")
train = script("tau2_train")


class NoWaiting:
    """A clock whose sleeps are over at once."""

    now = staticmethod(time.monotonic)
    wall = staticmethod(time.time)

    def sleep(self, seconds: float) -> None:
        pass

    async def asleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


@pytest.fixture
def impatient():
    token = clock.set(NoWaiting())
    yield
    clock.reset(token)


def play(reply: Any, customer: Any = CUSTOMER, **econfig: Any) -> tuple[float, Any]:
    """Play `create_task_1` and return reward and record."""
    with StubServer(reply) as served, StubServer(customer) as user:
        data = episode()
        reward = asyncio.run(
            workflow(user, **econfig).run(data, base_url=served.base_url, api_key="k")
        )
    return reward, data["_run_info"]


def test_an_episode_runs_on_this_package_alone():
    assert play(SOLVED)[0] == 1.0  # on this package: Orchestrator.arun, completion_fn


def test_the_endpoint_of_areal_is_used_not_that_of_the_process(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9")  # nobody answers there
    monkeypatch.setenv("OPENAI_API_KEY", "of the process")
    with StubServer(SOLVED) as served, StubServer(CUSTOMER) as user:
        data = episode(base_url="http://127.0.0.1:9", api_key="of the data")
        assert (
            asyncio.run(
                workflow(user).run(data, base_url=served.base_url, api_key="of the session")
            )
            == 1.0
        )
        assert {request.headers["authorization"] for request in served.seen} == {
            "Bearer of the session"
        }


def test_the_workflow_takes_the_arguments_of_areal():
    flow = agent.Tau2AgentWorkflow(
        econfig={"domain": "mock"}, gconfig={"temperature": 0.3}, gen_args={"top_p": 0.9}
    )
    assert flow.econfig.domain == "mock"
    assert flow.sampling == {"temperature": 0.3, "top_p": 0.9}
    assert flow.timeout == 600
    assert agent.Tau2AgentWorkflow().econfig.domain == "telecom"


def test_the_script_starts_from_any_folder(tmp_path):
    command = [sys.executable, str(EXAMPLE / "tau2_train.py"), "--config", str(CONFIG)]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert "AReaL is not installed" in done.stderr or "user_llm" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_infrastructure_failure_raises(impatient):
    with pytest.raises(agent.InfrastructureFailed, match="ModelUnavailable"):
        play(failing(503))


def test_a_refused_request_raises():
    with pytest.raises(agent.InfrastructureFailed, match="ModelRefused"):
        play(failing(401, "this session has ended"))


def test_a_lost_response_raises_and_is_not_requested_again():
    lost = type("ReadTimeout", (type("HTTPError", (Exception,), {}),), {})(
        "too late"
    )  # as httpx names them
    client = Client(lambda _body: lost)
    with (
        StubServer(CUSTOMER) as user,
        pytest.raises(agent.InfrastructureFailed, match="AnswerLost"),
    ):
        asyncio.run(
            workflow(user).run(episode(), base_url="http://proxy", api_key="k", http_client=client)
        )
    assert len(client.posts) == 1


def test_a_user_whose_model_fails_raises(impatient):
    with pytest.raises(agent.UserSimulatorFailed, match="ModelUnavailable"):
        play(SOLVED, failing(500))


def test_a_user_that_says_nothing_raises():
    with pytest.raises(agent.UserSimulatorFailed):
        play(SOLVED, {"content": ""})


def answers_once():
    """Serve one answer, and nothing after it."""
    answers = iter([MEETING])
    return lambda body: next(answers, Hang())


@pytest.mark.parametrize(
    ("serve", "failure"),
    [(answers_once, agent.EpisodeTimedOut), (Hang, agent.InfrastructureFailed)],
)
def test_an_episode_has_a_time_limit_and_a_model_that_never_answers_has_failed(serve, failure):
    with (
        StubServer(serve()) as served,
        StubServer(CUSTOMER) as user,
        pytest.raises(failure),
    ):
        asyncio.run(workflow(user).run(episode(timeout=0.8), base_url=served.base_url, api_key="k"))


def test_a_failed_call_of_the_users_model_is_retried(impatient):
    attempts = []

    def flaky(body: dict[str, Any]) -> Any:
        attempts.append(body)
        return failing(503) if len(attempts) == 1 else CUSTOMER(body)

    assert play(SOLVED, flaky)[0] == 1.0
    assert len(attempts) > 2


def test_malformed_calls_are_penalized():
    broken = {"name": "create_task", "arguments": '{"user_id": '}
    unknown = {"name": "no_such_tool", "arguments": {}}
    replies = by_turn([broken, unknown, MEETING, "It is on the list."])
    reward, info = play(replies, invalid_format_penalty=0.25)
    assert (reward, info.graded_reward, info.malformed_calls) == (0.5, 1.0, 2)
    assert play(replies)[0] == pytest.approx(0.8)
    assert play(replies, invalid_format_penalty=0.0)[0] == 1.0


def test_a_call_that_the_parser_left_in_the_text_is_malformed():
    told = by_turn(['<tool_call>{"name": "create_task", "arg', MEETING, "It is on the list."])
    customer = by_turn(["Please add a task.", "Go on.", "###STOP###"])
    assert play(told, customer)[1].malformed_calls == 1


def test_the_turn_discount_is_passed_to_the_proxy():
    class Part:
        def __init__(self, **values: Any) -> None:
            self.__dict__.update(values)

    def config(episode: float, proxy: float) -> Any:
        return Part(
            econfig=utils.Tau2EnvConfig(turn_discount=episode),
            rollout=Part(agent=Part(turn_discount=proxy)),
        )

    for told in (config(0.9, 1.0), config(1.0, 0.9), config(0.9, 0.9)):
        train.share_discount(told)
        assert (told.rollout.agent.turn_discount, told.econfig.turn_discount) == (0.9, 0.9)
    with pytest.raises(train.ConfigError, match="contradicts"):
        train.share_discount(config(0.9, 0.8))


def test_the_example_has_no_keys_and_no_private_addresses():
    for path in EXAMPLE.rglob("*"):
        if path.is_file() and path.suffix in {".py", ".yaml", ".sh", ".md"}:
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"\b(?:10|172|192)\.\d+\.\d+\.\d+\b", text), path
            assert not re.search(r"(?:api_key|token)\s*[:=]\s*[\"']?[A-Za-z0-9_-]{16,}", text), path


def test_grading_does_not_block_the_event_loop(monkeypatch):
    monkeypatch.setattr(simulation, "needs_judge", lambda *_: True)
    graded = simulation.grade_live

    def slowly(*args: Any) -> Any:
        time.sleep(0.3)
        return graded(*args)

    monkeypatch.setattr(simulation, "grade_live", slowly)

    async def beside() -> tuple[float, int]:
        ticks = 0
        with StubServer(SOLVED) as served, StubServer(CUSTOMER) as user:
            playing = asyncio.ensure_future(
                workflow(user).run(episode(), base_url=served.base_url, api_key="k")
            )
            while not playing.done():
                await asyncio.sleep(0.01)
                ticks += 1
        return playing.result(), ticks

    reward, ticks = asyncio.run(beside())
    assert reward == 1.0
    assert ticks > 10


def test_the_reward_is_a_float():
    reward, _ = play(SOLVED)
    assert type(reward) is float  # AReaL accepts no bool, int or number of another library


def test_an_agent_error_is_a_reward_of_zero():
    assert play(by_turn(["I am done. ###STOP###"]))[0] == 0.0
    assert play(failing(400, "context length exceeded", code="context_length_exceeded"))[0] == 0.0


def test_a_conversation_too_long_for_areals_proxy_is_a_reward():
    said = {"detail": "ValueError: len of prompt tokens 40000 exceeds max_total_tokens 32768"}
    client = Client(lambda _body: Answer(said, 500))
    with StubServer(CUSTOMER) as user:
        data = episode()
        flow = workflow(user)
        assert (
            asyncio.run(flow.run(data, base_url="http://proxy", api_key="k", http_client=client))
            == 0.0
        )
    assert "context window" in data["_run_info"].error


def test_a_transient_failure_of_the_proxy_is_retried(impatient):
    answers = iter([Answer({"detail": "busy"}, 503), calling("create_task", MEETING["arguments"])])
    client = Client(lambda _body: next(answers, completion({"content": "Done."})))
    with StubServer(CUSTOMER) as user:
        reward = asyncio.run(
            workflow(user).run(episode(), base_url="http://p", api_key="k", http_client=client)
        )
    assert reward == 1.0
