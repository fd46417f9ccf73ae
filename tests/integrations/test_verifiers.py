"""verifiers runs whole rollouts: runtime, interception, MCP tool server in a process of its own,
hooks, scores."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

vf = pytest.importorskip(
    "verifiers.v1", reason="needs verifiers in an environment of its own: make test-integrations"
)

from tests.cast import ON_THE_LIST  # noqa: E402
from tests.integrations.oracle import DOMAINS, SEED, script_of  # noqa: E402
from tests.stub import StubServer  # noqa: E402

from tau2.integrations import RESPOND_USER, EpisodeOutcome  # noqa: E402
from tau2.integrations.verifiers import (  # noqa: E402
    TauTaskConfig,
    TauTaskset,
    TauTasksetConfig,
    TauToolsetConfig,
)

BROKEN = {
    "llm_user": "openai/none",
    "llm_args_user": {"api_base": "http://127.0.0.1:9/v1", "num_retries": 0},
}


@pytest.fixture(autouse=True)
def plugins(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "plugins"))
    monkeypatch.setenv("TAU2_TEST_KEY", "any")


def replies(script):
    """Return what the model answers: a list of calls for each move, and a farewell."""
    for move in script.moves:
        said = [{"name": RESPOND_USER, "arguments": {"text": move.content}}]
        yield [
            {"name": call.name, "arguments": call.arguments} for call in move.tool_calls or ()
        ] or said
    yield "Goodbye."


def configured(domain, *, shared=False, **options):
    tools = TauToolsetConfig(domain=domain, options=options or {"user": "scripted_user"})
    return TauTasksetConfig(
        id="tau2_tasks", task=TauTaskConfig(tools=tools, shared=shared), seed=SEED
    )


def agent_of(stub):
    from tau2_loop import LoopConfig

    client = vf.EvalClientConfig(base_url=stub.base_url, api_key_var="TAU2_TEST_KEY")
    return vf.AgentConfig(
        harness=LoopConfig(), runtime=vf.SubprocessConfig(), model="stub", client=client
    )


def rollout(task, stub):
    async def run():
        async with vf.Agent(agent_of(stub)) as agent:
            return await agent.run(task)

    return asyncio.run(run())


def outcome_of(trace):
    return EpisodeOutcome(
        **{name: trace.info["tau2"][name] for name in EpisodeOutcome.__dataclass_fields__}
    )


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_scripted_episode(domain):
    script = script_of(domain)
    (task,) = TauTaskset(configured(domain)).include(keys=[f"{domain}/{script.task_id}"])
    with StubServer(list(replies(script))) as stub:
        trace = rollout(task, stub)
    assert trace.errors == []
    assert trace.reward == script.reward
    assert script.ends_as(outcome_of(trace))
    assert trace.stop_condition == "conversation_over"
    assert stub.requests == len(script.moves)


def test_a_model_that_leaves_early_is_graded_as_it_stands():
    (task,) = TauTaskset(configured("mock")).include(keys=["mock/create_task_1"])
    call = {"name": "create_task", "arguments": ON_THE_LIST}
    with StubServer([call, "Done."]) as stub:
        done = rollout(task, stub)
    with StubServer("I would rather not.") as stub:
        nothing = rollout(task, stub)
    assert (done.reward, nothing.reward) == (1.0, 0.0)
    assert outcome_of(nothing).reason == "agent_stop"


def test_a_failed_episode_is_an_error_and_no_score():
    (task,) = TauTaskset(configured("mock", **BROKEN)).include(keys=["mock/create_task_1"])
    with StubServer("Hello?") as stub:
        trace = rollout(task, stub)
    assert not trace.ok
    assert trace.last_error.type == "TaskError"
    assert "EpisodeFailed" in trace.last_error.message
    assert trace.rewards == {}


def test_one_tool_server_may_serve_all_rollouts():
    script = script_of("mock")

    async def run(stub):
        config = vf.SingleAgentEnvConfig(
            taskset=configured("mock", shared=True), agent=agent_of(stub)
        )
        env = vf.SingleAgentEnv(config)
        (task,) = env.taskset.include(keys=[f"mock/{script.task_id}"])
        context = vf.ModelContext(model="stub", client=config.agent.client)
        async with env.serving():
            return [await env.run_episode(task, context) for _ in range(2)]

    with StubServer([*replies(script)][:-1] * 2) as stub:
        episodes = asyncio.run(run(stub))
    traces = [trace for episode in episodes for trace in episode.traces]
    assert [script.ends_as(outcome_of(trace)) for trace in traces] == [True, True]
