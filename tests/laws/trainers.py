"""The training faces as drivers: each plays a scripted episode through its own way of moving."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.laws.plays import Outcome, Play, moves_of, outcome
from tests.stub import StubServer

from act_prm.environments import get_env
from act_prm.llm_handlers.types import ActionFromLLM
from tau2.data_model.message import AssistantMessage

ROOT = Path(__file__).resolve().parents[2]
AENV = ROOT / "aenv" / "builtin-envs" / "tau2" / "src"
AREAL = ROOT / "examples" / "tau2"


def script(folder: Path, name: str) -> ModuleType:
    """Return a file that lies in no package as a module.

    It finds its neighbours as it does when it is run.
    """
    if name not in sys.modules:
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
        spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


# --- act_prm --------------------------------------------------------------------------------------


def by_act_prm(play: Play) -> Outcome:
    env = _act_prm(play, is_async=False)
    state, moves = env.begin(play.task, play.seed), moves_of(play)
    rollout, world, reward = state.rollout, state.rollout.environment, 0.0
    while not state.done:
        result = env.step([_action(next(moves))], None, state)
        state, reward = result.state, result.reward
    return outcome(rollout.run, world)._replace(reward=reward)


def by_async_act_prm(play: Play) -> Outcome:
    async def drive() -> Outcome:
        env = _act_prm(play, is_async=True)
        state, moves = env.begin(play.task, play.seed), moves_of(play)
        rollout, world, reward = state.rollout, state.rollout.environment, 0.0
        while not state.done:
            result = await env.step_async([_action(next(moves))], None, state)
            state, reward = result.state, result.reward
        return outcome(rollout.run, world)._replace(reward=reward)

    return asyncio.run(drive())


def _act_prm(play: Play, *, is_async: bool) -> Any:
    limits = {
        "max_steps": play.setup.max_steps,
        "max_turns": None,
        "num_train_tasks": 1,
        "num_test_tasks": 0,
    }
    return get_env(
        "tau2bench",
        is_async,
        domain=play.domain,
        user="scripted_user",
        task_ids=[play.task.id],
        **limits,
    )


def _action(move: AssistantMessage) -> ActionFromLLM:
    name, arguments = "respond_user", {"text": str(move.content)}
    if move.tool_calls:
        name, arguments = move.tool_calls[0].name, move.tool_calls[0].arguments
    return ActionFromLLM(
        role="assistant", type="function_call", call_id="call", name=name, arguments=arguments
    )


# --- AEnvironment ---------------------------------------------------------------------------------


def by_aenvironment(play: Play) -> Outcome:
    """Play against the episode of AEnvironment's server, in the calls that reach it from there."""

    async def drive() -> Outcome:
        settings = script(AENV, "_tau2_settings").Settings(
            domain=play.domain,
            task_id=play.task.id,
            seed=play.seed,
            user="scripted_user",
            max_steps=play.setup.max_steps,
        )
        episode, moves = script(AENV, "_tau2_episode").Episode(settings), moves_of(play)
        status = await episode.reset()
        while not status["done"]:
            await _tell(episode, next(moves))
            status = episode.status()
        run, world = await episode.ask(lambda rollout: (rollout.run, rollout.environment))
        return outcome(run, world)._replace(reward=(await episode.reward())["total_reward"])

    return asyncio.run(drive())


async def _tell(episode: Any, move: AssistantMessage) -> None:
    if move.tool_calls:
        await episode.call_tool(move.tool_calls[0].name, move.tool_calls[0].arguments)
    else:
        await episode.send_message(move.content)


# --- AReaL ----------------------------------------------------------------------------------------


def by_areal(play: Play) -> Outcome:
    """Play the example's own runner against a loopback model that says the moves.

    Its customer is scripted.
    """
    agent = script(AREAL, "tau2_agent")

    class Runner(agent.Tau2Runner):  # type: ignore[misc, name-defined]  # loaded by its path
        def stage(self, task: Any, seed: int | None = None) -> Any:
            self.staged = super().stage(task, seed)
            return self.staged

        def _user(self, environment: Any, task: Any) -> Any:
            return play.setup.make_user(environment, task)

    with StubServer(_replies(play)) as model:
        endpoint = agent.Endpoint(base_url=model.base_url, api_key="key")
        config = {
            "domain": play.domain,
            "user_llm": "nobody",
            "add_thinking_tool": False,
            "invalid_format_penalty": 0.0,
        }
        runner = Runner(config, endpoint=endpoint)
        info = asyncio.run(runner.run(play.task, play.seed))
    run = runner.staged.finalize()
    run.reward_info = info.reward_info
    return outcome(run, runner.staged.environment)._replace(reward=info.reward)


def _replies(play: Play) -> list[Any]:
    moves = moves_of(play)
    return [_reply(next(moves), number) for number in range(len(play.moves) + 1)]


def _reply(move: AssistantMessage, number: int) -> dict[str, Any]:
    calls = [
        {"id": f"c{number}", "name": call.name, "arguments": call.arguments}
        for call in move.tool_calls or ()
    ]
    return {"content": move.content, "tool_calls": calls}
