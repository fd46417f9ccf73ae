"""The workflow that AReaL trains: the same episode as anywhere else, a float as its reward, nothing
shared."""

from __future__ import annotations

import asyncio
import json
from contextlib import ExitStack
from typing import Any

import pytest
from tests.areal.example import cast_of, reference_run, said, script, state_after
from tests.stub import Raw, StubServer, by_turn

from tau2.errors import ConfigError, UnknownName
from tau2.registry import registry

agent, policy, utils = script("tau2_agent"), script("tau2_policy"), script("tau2_utils")

MEETING = {"name": "create_task", "arguments": {"user_id": "user_1", "title": "Important Meeting"}}
SOLVED = by_turn([MEETING, "It is on the list."])
CUSTOMER = by_turn(["Please add a task.", "###STOP###"])


class Answer:
    """An HTTP response, as much of it as the workflow reads."""

    def __init__(self, body: Any, status: int = 200) -> None:
        self.body, self.status_code, self.text, self.headers = body, status, json.dumps(body), {}

    def json(self) -> Any:
        return self.body


class Client:
    """An HTTP client as AReaL passes it: it posts to a function."""

    def __init__(self, answer: Any) -> None:
        self.answer, self.posts = answer, []

    async def post(self, url: str, *, json: Any, headers: dict[str, str], **options: Any) -> Any:
        self.posts.append((url, json, headers, options))
        await asyncio.sleep(0)
        result = self.answer(json)
        if isinstance(result, Exception):
            raise result
        return result if isinstance(result, Answer) else Answer(result)


def completion(message: dict[str, Any]) -> dict[str, Any]:
    return {
        "choices": [
            {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}
        ]
    }


def calling(name: str, arguments: Any, id_: str = "c1") -> dict[str, Any]:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return completion(
        {
            "content": None,
            "tool_calls": [
                {"id": id_, "type": "function", "function": {"name": name, "arguments": text}}
            ],
        }
    )


def workflow(user: StubServer | None = None, **econfig: Any) -> Any:
    base = (
        {} if user is None else {"user_llm": "openai/customer", "user_llm_base_url": user.base_url}
    )
    return agent.Tau2AgentWorkflow(
        {"domain": "mock", "add_thinking_tool": False, **base, **econfig}
    )


def episode(**more: Any) -> dict[str, Any]:
    return {"task_id": "create_task_1", **more}


def first_tasks(domain: str, count: int) -> list[str]:
    splits = registry.get_task_splits_loader(domain)()
    return [str(task_id) for task_id in splits["test"][:count]]


EPISODES = [
    *(
        ("mock", task_id, False)
        for task_id in ("create_task_1", "update_task_with_message_history")
    ),
    *(
        (domain, task_id, False)
        for domain in ("airline", "retail", "telecom")
        for task_id in first_tasks(domain, 3)
    ),
    *(("telecom", task_id, True) for task_id in first_tasks("telecom", 3)),
]


@pytest.mark.parametrize(("domain", "task_id", "solo"), EPISODES)
def test_an_episode_is_the_one_that_the_orchestrator_plays(domain, task_id, solo):
    run = reference_run(domain, task_id, solo=solo)
    with cast_of(run) as (served, user):
        flow = workflow(None if solo else user, domain=domain, solo_mode=solo, max_steps=200)
        data: dict[str, Any] = {"task_id": task_id}
        reward = asyncio.run(flow.run(data, base_url=served.base_url, api_key="session"))
        assert user.requests == 0 or not solo
    info = data["_run_info"]
    assert (type(reward), reward) == (float, 1.0)
    assert said(info.messages) == said(run.get_messages())
    assert state_after(domain, task_id, info.messages, solo=solo) == state_after(
        domain, task_id, run.get_messages(), solo=solo
    )


def test_twenty_episodes_at_twenty_addresses_do_not_mix():
    async def all_of_them(flows: list[Any], served: list[Any]) -> list[float]:
        started = (
            flow.run(episode(), base_url=one.base_url, api_key=f"key-{number}")
            for number, (flow, one) in enumerate(zip(flows, served, strict=True))
        )
        return list(await asyncio.gather(*started))

    with ExitStack() as stack:
        replies = [SOLVED if number % 2 else by_turn(["No."]) for number in range(20)]
        served = [stack.enter_context(StubServer(reply)) for reply in replies]
        users = [stack.enter_context(StubServer(CUSTOMER)) for _ in range(20)]
        rewards = asyncio.run(all_of_them([workflow(user) for user in users], served))
        keys = [{request.headers["authorization"] for request in one.seen} for one in served]
    assert rewards == [float(number % 2) for number in range(20)]
    assert keys == [{f"Bearer key-{number}"} for number in range(20)]


def test_the_http_client_that_areal_passes_is_used():
    answers = iter(
        [calling("create_task", MEETING["arguments"]), *[completion({"content": "Done."})] * 3]
    )
    client = Client(lambda _body: next(answers))
    with StubServer(CUSTOMER) as user:
        flow = agent.Tau2AgentWorkflow(
            {"domain": "mock", "user_llm": "openai/customer", "user_llm_base_url": user.base_url},
            gen_args={"temperature": 0.7, "max_new_tokens": 64, "n_samples": 16},
        )
        reward = asyncio.run(
            flow.run(episode(), base_url="http://proxy:1/", api_key="session", http_client=client)
        )
    assert reward == 1.0
    url, body, headers, _ = client.posts[0]
    assert (url, headers["Authorization"]) == ("http://proxy:1/chat/completions", "Bearer session")
    assert (body["temperature"], body["max_completion_tokens"], body["model"]) == (
        0.7,
        64,
        "default",
    )
    assert "n" not in body
    assert "n_samples" not in body


def test_data_may_name_the_endpoint_and_overrides_of_the_configuration(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9")
    with StubServer(SOLVED) as served, StubServer(CUSTOMER) as user:
        data = episode(
            base_url=served.base_url,
            api_key="k",
            econfig={
                "user_llm": "openai/customer",
                "user_llm_base_url": user.base_url,
                "add_thinking_tool": True,
            },
            gconfig={"temperature": 0.25},
        )
        assert asyncio.run(workflow().run(data)) == 1.0
        assert served.last["temperature"] == 0.25
        assert "think" in [tool["function"]["name"] for tool in served.last["tools"]]


def test_the_environment_names_the_endpoint_when_nobody_else_does(monkeypatch):
    with StubServer(SOLVED) as served, StubServer(CUSTOMER) as user:
        monkeypatch.setenv("OPENAI_BASE_URL", served.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "session")
        reward, info = asyncio.run(
            agent.run_agent_return_reward(episode(econfig=workflow(user).econfig))
        )
        assert served.seen[0].headers["authorization"] == "Bearer session"
        assert (
            user.seen[0].headers["authorization"] == "Bearer EMPTY"
        )  # the session's key is not for the user's server
    assert (reward, info.reward) == (1.0, 1.0)


def test_a_customer_that_the_policy_would_play_is_refused(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("OPENAI_API_KEY", "session")
    with pytest.raises(ConfigError, match="user_llm_base_url"):
        asyncio.run(workflow(user_llm="openai/customer").run(episode()))


def test_thinking_changes_nothing_but_is_no_error():
    thought = {"name": "think", "arguments": {"thoughts": "First the list."}}
    with (
        StubServer(by_turn([thought, MEETING, "It is on the list."])) as served,
        StubServer(CUSTOMER) as user,
    ):
        data = episode()
        assert (
            asyncio.run(
                workflow(user, add_thinking_tool=True).run(
                    data, base_url=served.base_url, api_key="k"
                )
            )
            == 1.0
        )
    results = [message for message in data["_run_info"].messages if message.role == "tool"]
    assert [result.error for result in results] == [False, False]


def test_thinking_is_offered_only_when_it_is_asked_for():
    with StubServer(SOLVED) as served, StubServer(CUSTOMER) as user:
        asyncio.run(workflow(user).run(episode(), base_url=served.base_url, api_key="k"))
        assert "think" not in [tool["function"]["name"] for tool in served.last["tools"]]


def proxy(body: dict[str, Any]) -> Any:
    return SOLVED(body) if "messages" in body else Raw(200, {"message": "success"})


def test_run_and_submit_posts_the_reward_to_the_proxy(monkeypatch):
    with StubServer(proxy) as served, StubServer(CUSTOMER) as user:
        monkeypatch.setenv("OPENAI_BASE_URL", served.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "session")
        assert asyncio.run(agent.run_and_submit(episode(econfig=workflow(user).econfig))) == 1.0
        posted = served.seen[-1]
    assert (posted.target, posted.body) == ("/v1/rl/set_reward", {"reward": 1.0})
    assert posted.headers["authorization"] == "Bearer session"


def test_a_reward_that_the_proxy_refuses_is_no_reward():
    endpoint = policy.Endpoint(
        "http://proxy", "k", Client(lambda _body: Answer({"detail": "no session"}, 410))
    )
    with pytest.raises(agent.InfrastructureFailed, match="410"):
        asyncio.run(policy.submit_reward(endpoint, 1.0))


def test_the_record_reads_as_text():
    with StubServer(SOLVED) as served, StubServer(CUSTOMER) as user:
        data = episode()
        asyncio.run(workflow(user).run(data, base_url=served.base_url, api_key="k"))
    text = str(data["_run_info"])
    for part in (
        "reward: 1",
        '"id": "create_task_1"',
        "turns: 6",
        "assistant: create_task(",
        "agent time: ",
        "user time",
    ):
        assert part in text
    assert len(data["_run_info"].agent_time) == 2


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ({}, ConfigError),
        ({"task_id": "no_such_task"}, UnknownName),
        ({"task_id": "create_task_1", "split": "nowhere"}, ConfigError),
        ({"task_id": "create_task_1", "econfig": {"max_step": 3}}, ConfigError),
        ({"task_id": "create_task_1", "econfig": {"turn_discount": 2.0}}, ConfigError),
    ],
)
def test_what_is_wrong_with_the_data_is_said(data, error):
    with pytest.raises(error):
        asyncio.run(
            workflow(user_llm="openai/customer").run(
                data, base_url="http://127.0.0.1:9", api_key="k"
            )
        )


def test_the_defaults_of_an_episode():
    config = utils.Tau2EnvConfig()
    assert (config.domain, config.max_steps, config.add_thinking_tool, config.solo_mode) == (
        "telecom",
        100,
        True,
        False,
    )
    assert (config.user_llm, config.user_llm_args, config.user_llm_base_url) == (None, None, None)
    assert (config.turn_discount, config.invalid_format_penalty) == (1.0, 0.1)
