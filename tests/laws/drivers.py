"""Whatever can play an episode, as one function each: `drive(play)` returns the outcome.

A further driver is one more function in DRIVERS; it has to make `moves_of(play)` in order until the
episode is over.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

from tests.cast import Agent, AsyncAgent
from tests.laws.plays import Outcome, Play, moves_of, outcome
from tests.laws.trainers import by_act_prm, by_aenvironment, by_areal, by_async_act_prm

from tau2.gym import AgentGymEnv, AgentVectorEnv, AsyncAgentGymEnv
from tau2.orchestrator.orchestrator import Orchestrator
from tau2.rollout import Rollout
from tau2.runner.simulation import arun_simulation, run_simulation
from tau2.utils.tools import to_functional_format

Driver = Callable[[Play], Outcome]


def texts_of(play: Play) -> Iterator[str]:
    """Yield the moves as a model writes them: calls in JSON and in functional form by turns."""
    for number, move in enumerate(moves_of(play)):
        for call in move.tool_calls or ():
            in_json = json.dumps({"name": call.name, "arguments": call.arguments})
            yield in_json if number % 2 else to_functional_format(call)
        if not move.tool_calls:
            yield str(move.content)


def staged(play: Play, agent: type[Agent]) -> Orchestrator:
    environment = play.setup.new_environment()
    user = play.setup.make_user(environment, play.task)
    script = itertools.islice(moves_of(play), play.setup.max_steps)
    return play.setup.wire(play.task, environment, agent(tuple(script)), user, play.seed)


def by_run(play: Play) -> Outcome:
    episode = staged(play, Agent)
    return outcome(run_simulation(episode), episode.environment)


def by_arun(play: Play) -> Outcome:
    episode = staged(play, AsyncAgent)
    return outcome(asyncio.run(arun_simulation(episode)), episode.environment)


def by_rollout(play: Play) -> Outcome:
    rollout, moves = Rollout(play.setup), moves_of(play)
    result = rollout.reset(play.task, seed=play.seed)
    while not result.done:
        result = rollout.step(next(moves))
    return outcome(rollout.run, rollout.environment)


def by_awaited_rollout(play: Play) -> Outcome:
    async def drive() -> Outcome:
        rollout, moves = Rollout(play.setup), moves_of(play)
        result = await rollout.areset(play.task, seed=play.seed)
        while not result.done:
            result = await rollout.astep(next(moves))
        return outcome(rollout.run, rollout.environment)

    return asyncio.run(drive())


def by_gym(play: Play) -> Outcome:
    env, texts = AgentGymEnv(play.domain, play.task.id, user="scripted_user"), texts_of(play)
    env.reset(seed=play.seed)
    over = False
    while not over:
        _, reward, terminated, truncated, _ = env.step(next(texts))
        over = terminated or truncated
    return told(env, reward)


def by_async_gym(play: Play) -> Outcome:
    async def drive() -> Outcome:
        env, texts = (
            AsyncAgentGymEnv(play.domain, play.task.id, user="scripted_user"),
            texts_of(play),
        )
        await env.reset(seed=play.seed)
        over = False
        while not over:
            _, reward, terminated, truncated, _ = await env.step(next(texts))
            over = terminated or truncated
        return told(env, reward)

    return asyncio.run(drive())


def by_vector(play: Play) -> Outcome:
    """Play it twice, side by side; both have to be the same."""
    envs, texts = (
        AgentVectorEnv(play.domain, [play.task.id] * 2, user="scripted_user"),
        texts_of(play),
    )
    envs.reset(seed=[play.seed] * 2)
    over = False
    while not over:
        _, rewards, terminated, truncated, _ = envs.step([next(texts)] * 2)
        over = bool((terminated | truncated).any())
    one, other = (told(env, float(reward)) for env, reward in zip(envs.envs, rewards, strict=True))
    assert one == other
    return one


def told(env: Any, reward: float) -> Outcome:
    """Return the outcome of an environment's episode, with the reward that it handed out."""
    return outcome(env.rollout.run, env.rollout.environment)._replace(reward=reward)


DRIVERS: dict[str, Driver] = {
    "Orchestrator.run": by_run,
    "Orchestrator.arun": by_arun,
    "Rollout": by_rollout,
    "Rollout, awaited": by_awaited_rollout,
    "AgentGymEnv": by_gym,
    "AsyncAgentGymEnv": by_async_gym,
    "AgentVectorEnv": by_vector,
    "act_prm": by_act_prm,
    "act_prm, awaited": by_async_act_prm,
    "AEnvironment": by_aenvironment,
    "AReaL": by_areal,
}
"""By name; the first is the one that the others are measured by."""
