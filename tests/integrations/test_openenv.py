"""OpenEnv's own server and client carry an episode over a loopback socket."""

from __future__ import annotations

import asyncio
import logging

import httpx
import pytest

pytest.importorskip(
    "openenv.core", reason="needs openenv-core in an environment of its own: make test-integrations"
)

from openenv.core import GenericEnvClient
from tests.cast import ON_THE_LIST
from tests.faults import servers
from tests.faults.storage import Tally
from tests.integrations.oracle import DOMAINS, SEED, script_of
from websockets.exceptions import ConnectionClosed

from tau2.errors import ConfigError, UnknownName
from tau2.integrations import RESPOND_USER, EpisodeOutcome
from tau2.integrations.openenv import TauAction, TauEnvClient, TauEnvironment, app, serve


def actions(script):
    for move in script.moves:
        for call in move.tool_calls or ():
            yield TauAction(name=call.name, arguments=call.arguments)
        if not move.tool_calls:
            yield TauAction(name=RESPOND_USER, arguments={"text": move.content})


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_scripted_episode_over_the_wire(domain):
    script = script_of(domain)

    async def play(url):
        async with TauEnvClient(url) as env:
            result = await env.reset(seed=SEED, episode_id="mine", task_id=script.task_id)
            names = [tool["function"]["name"] for tool in result.observation.tools]
            assert names[-1] == RESPOND_USER
            rewards = []
            for action in actions(script):
                result = await env.step(action)
                rewards.append(result.reward or 0.0)
            state = await env.state()
            assert (state.episode_id, state.step_count, result.done) == ("mine", len(rewards), True)
            assert script.ends_as(EpisodeOutcome(**state.outcome))
            assert sum(rewards) == script.reward

    with serve(domain, **script.options) as server:
        asyncio.run(play(server.base_url))


def test_sessions_do_not_meet_and_need_the_token():
    async def two(url):
        async with GenericEnvClient(url) as one, GenericEnvClient(url) as other:
            await one.reset(task_id="create_task_1", seed=1)
            await other.reset(task_id="create_task_1", seed=1)
            await one.step({"name": "create_task", "arguments": ON_THE_LIST})
            assert ((await one.state())["step_count"], (await other.state())["step_count"]) == (
                1,
                0,
            )

    async def without(url):
        async with GenericEnvClient(url.rpartition("/")[0]) as env:
            await env.reset()

    with serve("mock", user="scripted_user") as server:
        asyncio.run(two(server.base_url))
        with pytest.raises(ConnectionError):
            asyncio.run(without(server.base_url))


def test_only_loopback_is_served_and_only_with_a_token():
    with pytest.raises(ConfigError, match="loopback"), serve("mock", host="0.0.0.0"):
        pass
    with pytest.raises(ConfigError, match="token"):
        app("mock", token="")


def test_the_environment_without_a_server_and_a_failed_episode():
    broken = {
        "llm_user": "openai/none",
        "llm_args_user": {"api_base": "http://127.0.0.1:9/v1", "num_retries": 0},
    }
    env = TauEnvironment("mock", "create_task_1", **broken)
    seen = env.reset(seed=1)
    assert (seen.done, seen.reward) == (True, None)
    assert seen.infra_failed or seen.user_failed
    assert env.step(TauAction(name=RESPOND_USER, arguments={"text": "Hello?"})).reward is None
    with pytest.raises(ConfigError, match="no task is named"):
        TauEnvironment("mock").reset()


# --- what is refused
# --------------------------------------------------------------------------------

MEETING = {"name": "create_task", "arguments": ON_THE_LIST}


@pytest.fixture(scope="module")
def address():
    with serve("mock", user="scripted_user") as server:
        yield server.base_url


@pytest.mark.parametrize(
    ("path", "body", "status", "says"),
    [
        ("reset", {"task_id": "create_task"}, 404, "did you mean"),
        ("reset", {}, 400, "no task is named"),
        ("reset", {"task_id": "create_task_1", "colour": "red"}, 400, "'colour'"),
        ("reset", {"task_id": 7}, 400, "task_id is a text"),
        ("reset", {"task_id": "x" * 100_000}, 400, "at most 256"),
        ("reset", {"task_id": "create_task_1", "seed": "one"}, 422, "seed"),
        ("reset", [], 422, ""),
        ("step", {"action": MEETING}, 409, "call reset first"),
        ("step", {"action": {**MEETING, "colour": "red"}}, 422, "colour"),
        ("step", {"action": MEETING, "colour": "red"}, 400, "'colour'"),
        ("step", {"action": {"name": "x" * 1000}}, 422, "256"),
        ("step", {}, 422, "action"),
    ],
)
def test_what_cannot_be_played_is_refused_without_a_traceback(
    address, caplog, path, body, status, says
):
    with caplog.at_level(logging.DEBUG):
        answer = httpx.post(f"{address}/{path}", json=body)
    assert answer.status_code == status, answer.text
    assert says in answer.text
    assert not [record for record in caplog.records if record.exc_info]


def test_arguments_are_json_over_a_websocket_too(address):
    async def play(url):
        async with GenericEnvClient(url) as env:
            await env.reset(task_id="create_task_1", seed=1)
            with pytest.raises(RuntimeError, match="Invalid message"):
                await env.step({"name": "create_task", "arguments": {"title": float("nan")}})
            with pytest.raises(RuntimeError, match="Invalid message"):
                await env.step({**MEETING, "colour": "red"})
            await env.step(MEETING)
            assert (await env.state())["step_count"] == 1

    asyncio.run(play(address))


def test_hostile_requests_are_refused():
    tally = Tally()
    with servers.impatient(), servers.openenv() as target:
        servers.attack(target, tally)
    assert tally.broken == []
    assert tally.counts["tried"] == tally.counts["refused"]


def test_an_idle_session_ends(monkeypatch):
    monkeypatch.setattr("tau2.serving.guard.IDLE_SECONDS", 0.5)

    async def play(url):
        async with GenericEnvClient(url) as env:
            await env.reset(task_id="create_task_1", seed=1)
            await asyncio.sleep(1.5)
            await env.step(MEETING)

    ended = (ConnectionClosed, RuntimeError)
    with serve("mock", user="scripted_user") as server, pytest.raises(ended) as caught:
        asyncio.run(play(server.base_url))
    # The client of 0.10 connects again, to a session without an episode.
    is_new = "call reset first" in str(caught.value)
    assert is_new or isinstance(caught.value, ConnectionClosed)


def test_other_hosts_are_named():
    served = app("mock", token="a-token", hosts=["tau2.example"], user="scripted_user")

    async def ask(host):
        transport = httpx.ASGITransport(served)
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as client:
            return (await client.get("/a-token/health")).status_code

    assert asyncio.run(ask("tau2.example")) == 200
    assert asyncio.run(ask("127.0.0.1")) == 421


def test_an_unknown_task_of_the_environment_itself():
    with pytest.raises(UnknownName):
        TauEnvironment("mock", "nothing").reset()
