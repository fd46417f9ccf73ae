"""Laws of rollouts: one episode, whoever drives it; forks that share a past and nothing else."""

from __future__ import annotations

import asyncio
import json
import pickle
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cast import STOP, Agent, AsyncUser, Call, User, mock_task, stage, ticking
from tests.laws.casts import AGENT_CALLS, USER_CALLS, script

from tau2.agent.oracle_agent import create_oracle_agent
from tau2.data_model.message import AssistantMessage, Message, ToolCall
from tau2.data_model.simulation import SimulationRun
from tau2.data_model.tasks import Task
from tau2.gym import AgentGymEnv, AgentVectorEnv, AsyncAgentGymEnv
from tau2.orchestrator.orchestrator import Orchestrator
from tau2.registry import registry
from tau2.rollout import Cast, Rollout
from tau2.runner.simulation import run_simulation
from tau2.seeds import derive_seed

# --- sync = async = run, byte for byte ------------------------------------------------------------------------------

TASKS = st.sampled_from(
    ["create_task_1_with_env_assertions", "update_task_with_message_history", "update_task_with_user_tools"]
).map(mock_task)
RULES = st.fixed_dictionaries(
    {
        "max_steps": st.integers(1, 14),
        "max_errors": st.integers(1, 3),
        "validate_communication": st.booleans(),
        "seed": st.sampled_from([None, 7]),
    }
)


def as_record(run: SimulationRun, episode: Orchestrator) -> str:
    """Return all there is to know of a played and graded episode, except how long it took."""
    raw = json.loads(run.model_dump_json(exclude={"duration"}))
    raw["worlds"] = [episode.environment.get_db_hash(), episode.environment.get_user_db_hash()]
    raw["steps"] = [episode.step_count, episode.num_errors]
    return json.dumps(raw)


def lines_of(agent: Agent) -> Any:
    """Yield what a scripted agent says, line by line, and the stop token for ever."""
    yield from map(agent._message, agent.script)
    while True:
        yield agent._message(STOP)


def by_rollout(episode: Orchestrator) -> str:
    rollout, lines = Rollout(), lines_of(episode.agent)
    rollout.begin(episode)
    while not rollout.advance().done:
        rollout.step(next(lines))
    return as_record(rollout.run, episode)


def by_awaited_rollout(episode: Orchestrator) -> str:
    async def play() -> str:
        rollout, lines = Rollout(), lines_of(episode.agent)
        rollout.begin(episode)
        while not (await rollout.aadvance()).done:
            await rollout.astep(next(lines))
        return as_record(rollout.run, episode)

    return asyncio.run(play())


def by_forks(episode: Orchestrator) -> str:
    """Play every turn on a fork of the turn before."""
    rollout, lines = Rollout(), lines_of(episode.agent)
    rollout.begin(episode)
    turn = rollout.advance()
    while not turn.done:
        (rollout,) = rollout.fork()
        rollout.orchestrator.simulation_id = "sim"
        turn = rollout.step(next(lines))
    return as_record(rollout.run, rollout.orchestrator)


@settings(max_examples=100)
@given(task=TASKS, agent=script(AGENT_CALLS, failures=False), user=script(USER_CALLS), rules=RULES)
def test_a_rollout_is_the_orchestrators_own_episode(task, agent, user, rules):
    def staged(kind: type[User] = User) -> Orchestrator:
        return stage(task, Agent(agent), kind(user), now=ticking(), **rules)

    episode = staged()
    wanted = as_record(run_simulation(episode), episode)
    assert by_rollout(staged()) == wanted
    assert by_awaited_rollout(staged(AsyncUser)) == wanted
    assert by_forks(staged()) == wanted


# --- every driver, every domain -------------------------------------------------------------------------------------


def transcript(messages: list[Message]) -> list[Any]:
    """Return what was said and done, without times, costs and the words an action was written in."""
    kept = {"role", "content", "tool_calls", "requestor", "error", "id"}
    return [message.model_dump(include=kept) for message in messages]


def outcome(run: SimulationRun, environment: Any) -> Any:
    reward = run.reward_info.reward if run.reward_info else None
    hashes = environment.get_db_hash(), environment.get_user_db_hash()
    return transcript(run.messages), run.termination_reason, reward, hashes


def cast_for(domain: str) -> Cast:
    return Cast(domain, user="scripted_user", agent="oracle_agent")


def by_orchestrator(domain: str, task: Task, seed: int) -> tuple[Any, list[AssistantMessage]]:
    """Play the reference against the scripted user; return the outcome and the reference's own moves."""
    cast = cast_for(domain)
    environment = cast.environment()
    agent = create_oracle_agent(environment.get_tools(), environment.get_policy(), task=task)
    episode = cast.wire(task, environment, agent, cast.make_user(environment, task), seed)
    run = run_simulation(episode, evaluation_type="env")
    own = run.messages[1:]  # after the greeting
    return outcome(run, environment), [message for message in own if isinstance(message, AssistantMessage)]


def as_text(message: AssistantMessage) -> str:
    """Return a move as a model would write it into an environment."""
    calls = [{"id": c.id, "name": c.name, "arguments": c.arguments} for c in message.tool_calls or ()]
    return json.dumps(calls) if calls else str(message.content)


def some_tasks(domain: str, count: int) -> list[Task]:
    tasks = registry.get_tasks_loader(domain)()
    playable = [task for task in tasks if task.evaluation_criteria and not _has_history(task)]
    rng = random.Random(derive_seed(1, "conformance", domain))
    return rng.sample(playable, min(count, len(playable)))


def _has_history(task: Task) -> bool:
    """Return whether a task begins in the middle; the reference agent would use the ids of its calls again."""
    return task.initial_state is not None and bool(task.initial_state.message_history)


DOMAINS = [name for name in registry.get_domains() if name != "telecom-workflow"]  # telecom's world and tasks


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_same_policy_through_every_driver(domain):
    for task in some_tasks(domain, 3):
        wanted, moves = by_orchestrator(domain, task, seed=11)
        assert by_plain_steps(domain, task, moves) == wanted
        assert by_gym(domain, task, moves) == wanted
        assert asyncio.run(by_async_gym(domain, task, moves)) == wanted
        assert by_vector(domain, task, moves) == [wanted, wanted]


def by_plain_steps(domain: str, task: Task, moves: list[AssistantMessage]) -> Any:
    rollout = Rollout(cast_for(domain), evaluation_type="env")
    rollout.reset(task, seed=11)
    for move in moves:
        rollout.step(move)
    return outcome(rollout.run, rollout.environment)


def by_gym(domain: str, task: Task, moves: list[AssistantMessage]) -> Any:
    env = AgentGymEnv(domain, task.id, user="scripted_user", evaluation_type="env")
    env.reset(seed=11)
    for move in moves:
        env.step(as_text(move))
    return outcome(env.rollout.run, env.rollout.environment)


async def by_async_gym(domain: str, task: Task, moves: list[AssistantMessage]) -> Any:
    env = AsyncAgentGymEnv(domain, task.id, user="scripted_user", evaluation_type="env")
    await env.reset(seed=11)
    for move in moves:
        await env.step(as_text(move))
    return outcome(env.rollout.run, env.rollout.environment)


def by_vector(domain: str, task: Task, moves: list[AssistantMessage]) -> list[Any]:
    envs = AgentVectorEnv(domain, [task.id, task.id], user="scripted_user", evaluation_type="env")
    envs.reset(seed=[11, 11])
    for move in moves:
        envs.step([as_text(move)] * 2)
    return [outcome(env.rollout.run, env.rollout.environment) for env in envs.envs]


# --- forks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_fork_goes_on_as_a_fresh_replay_does(domain):
    """From random turns: forks, snapshots, and the parent itself all go the same way, and none disturbs another."""
    rng = random.Random(derive_seed(2, "forks", domain))
    for task in some_tasks(domain, 4):
        wanted, moves = by_orchestrator(domain, task, seed=11)
        at = rng.randrange(len(moves))
        parent = Rollout(cast_for(domain), evaluation_type="env")
        parent.reset(task, seed=11)
        for move in moves[:at]:
            parent.step(move)
        here = parent.environment.get_db_hash()
        child, stray = parent.fork(2)
        later = Rollout(cast_for(domain), evaluation_type="env")
        later.restore(pickle.loads(pickle.dumps(parent.snapshot())))
        goes_astray(stray)
        assert parent.environment.get_db_hash() == here
        for rollout in (child, later, parent):
            for move in moves[at:]:
                rollout.step(move)
            assert outcome(rollout.run, rollout.environment) == wanted


def goes_astray(rollout: Rollout) -> None:
    """Change whatever can be changed: call every tool with anything, then leave."""
    for tool in rollout.tools:
        if not rollout.turn.done:
            arguments = dict.fromkeys(tool.parameters.get("properties", {}), "1")
            rollout.step(ToolCall(name=tool.name, arguments=arguments))
    for message in rollout.trajectory:
        message.timestamp = "never"


@settings(max_examples=60)
@given(agent=script(AGENT_CALLS, failures=False), user=script(USER_CALLS, failures=False), data=st.data())
def test_siblings_never_meet(agent, user, data):
    rollout = Rollout()
    rollout.begin(stage(mock_task("update_task_with_user_tools"), Agent(), User(user), now=ticking()))
    rollout.advance()
    cut = data.draw(st.integers(0, len(agent)))
    for line in agent[:cut]:
        if not rollout.turn.done:
            rollout.step(move(line))
    if rollout.turn.done:
        return
    before = world(rollout)
    one, other = rollout.fork(2)
    for line in agent[cut:]:
        if not one.turn.done:
            one.step(move(line))
    assert world(other) == world(rollout) == before
    assert other.orchestrator.user_state == rollout.orchestrator.user_state


def move(line: Any) -> Any:
    return Agent()._message(line) if isinstance(line, Call | list) else str(line)


def world(rollout: Rollout) -> Any:
    episode = rollout.orchestrator
    hashes = episode.environment.get_db_hash(), episode.environment.get_user_db_hash()
    return hashes, transcript(episode.get_trajectory()), episode.step_count, episode.num_errors
