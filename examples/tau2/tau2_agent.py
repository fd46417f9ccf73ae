"""The agent workflow that AReaL trains: one tau2 episode per call, its reward as a float.

As a script it plays one episode: `echo '{"task_id": "create_task_1", ...}' | python tau2_agent.py`.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from tau2_failures import (
    EpisodeDiscarded,
    EpisodeTimedOut,
    InfrastructureFailed,
    UserSimulatorFailed,
)
from tau2_policy import (
    POLICY_MODEL,
    Endpoint,
    completion_fn,
    sampling_args,
    submit_reward,
    user_args,
)
from tau2_utils import Tau2EnvConfig, Tau2RunInfo, plain_dict

from tau2.agent.llm_agent import LLMAgent, LLMSoloAgent
from tau2.data_model.malformed import malformed_reason
from tau2.data_model.message import AssistantMessage, UserMessage
from tau2.data_model.simulation import SimulationRun, TerminationReason
from tau2.data_model.tasks import Task
from tau2.environment.environment import Environment
from tau2.environment.toolkit import ToolKitBase, ToolType, is_tool
from tau2.errors import ConfigError, ModelError, ParticipantError
from tau2.orchestrator.orchestrator import Orchestrator
from tau2.registry import registry
from tau2.rollout import find_task
from tau2.runner.simulation import arun_simulation
from tau2.user.user_simulator import DummyUser, UserSimulator

logger = logging.getLogger("tau2_agent")

DEFAULT_TIMEOUT = 600.0
_UNPARSED_CALL = "<tool_call>"  # what AReaL's parser leaves in the text when it cannot read a call
_LONGEST_LINE = 10_000_000  # characters of the JSON line that the script reads


class _Thinking(ToolKitBase):
    """One more tool for the agent; it changes nothing."""

    @is_tool(ToolType.THINK)
    def think(self, thoughts: str) -> str:
        """
        Write down your thoughts before you act. Nobody reads them and nothing changes.

        Args:
            thoughts: What you consider.

        Returns:
            An empty text.
        """
        return ""


@lru_cache(maxsize=64)
def _thinking(kind: type[ToolKitBase]) -> type[ToolKitBase]:
    return type(f"Thinking{kind.__name__}", (kind, _Thinking), {})


def add_thinking_tool(environment: Environment) -> None:
    """Give the agent of this environment, and of its forks, the `think` tool."""
    if environment.tools is not None and not environment.tools.has_tool("think"):
        environment.tools.__class__ = _thinking(type(environment.tools))


def get_task(domain: str, task_id: str, split: str | None = None) -> Task:
    """Return a task of a domain. Raise UnknownName; ConfigError when it is not in `split`."""
    splits = registry.get_task_splits_loader(domain) if split else None
    task = find_task(domain, str(task_id))
    if splits is not None and str(task_id) not in map(str, splits().get(split, ())):
        raise ConfigError(f"task {task_id!r} is not in split {split!r} of {domain}")
    return task


def malformed_calls(messages: Any, known_tools: Any) -> int:
    """Return how many calls of the policy nobody could carry out.

    A call counts when its arguments are no JSON object, when no tool has its name, or when it was
    left in the text; so does an answer that held nothing at all.
    """
    count = 0
    for message in messages:
        if isinstance(message, AssistantMessage):
            count += _UNPARSED_CALL in (message.content or "")
            count += int((message.raw_data or {}).get("empty_answers", 0))
            for call in message.tool_calls or ():
                count += (
                    malformed_reason(call.arguments) is not None or call.name not in known_tools
                )
    return count


class Tau2Runner:
    """Plays episodes of one kind against one policy.

    Safe to use from many episodes at once: it keeps nothing.

    Args:
        econfig: A Tau2EnvConfig, or its fields as a mapping.
        gconfig: AReaL's GenerationHyperparameters, or sampling parameters as a mapping.
        endpoint: Where the policy is asked; default: the environment.
        timeout: Seconds of wall clock for one episode.

    Raises:
        ConfigError: a value without sense, or no simulated user where one is needed.
    """

    def __init__(
        self,
        econfig: Any = None,
        gconfig: Any = None,
        *,
        endpoint: Endpoint | None = None,
        timeout: float | None = DEFAULT_TIMEOUT,
    ) -> None:
        self.config = econfig if isinstance(econfig, Tau2EnvConfig) else Tau2EnvConfig.of(econfig)
        self.config.check()
        self.gconfig = gconfig
        self.timeout = timeout
        self.endpoint = endpoint or Endpoint.of()
        if not self.config.solo_mode and not self.config.user_llm:
            raise ConfigError(
                "there is no user: name a model in econfig.user_llm, or set econfig.solo_mode"
            )

    async def run(self, task: Task, seed: int | None = None) -> Tau2RunInfo:
        """Play a task, grade it, and return the record.

        Raises:
            InfrastructureFailed: the policy's endpoint or the judge did not answer.
            UserSimulatorFailed: the simulated user broke down.
            EpisodeTimedOut: the time ran out.
        """
        orchestrator = self.stage(task, seed)
        try:
            run = await arun_simulation(orchestrator)
        except ModelError as problem:
            raise _discarded(orchestrator, problem) from problem
        _check(run)
        return self._info(run, orchestrator)

    def stage(self, task: Task, seed: int | None = None) -> Orchestrator:
        """Return the wired episode, not yet begun."""
        config = self.config
        environment = registry.get_env_constructor(config.domain)(solo_mode=config.solo_mode)
        environment.prepare(task)
        if config.add_thinking_tool:
            add_thinking_tool(environment)
        return Orchestrator(
            domain=config.domain,
            agent=self._agent(environment, task),
            user=self._user(environment, task),
            environment=environment,
            task=task,
            max_steps=config.max_steps,
            seed=seed,
            solo_mode=config.solo_mode,
            timeout=self.timeout,
        )

    def _agent(self, environment: Environment, task: Task) -> LLMAgent:
        args, ask = sampling_args(self.gconfig), None
        model = str(plain_dict(self.gconfig).get("model") or POLICY_MODEL)
        if self.endpoint.http_client is not None:
            ask = completion_fn(self.endpoint)
        else:
            model, args = f"openai/{model}", args | self.endpoint.model_args()
        wiring: dict[str, Any] = {
            "tools": environment.get_tools(),
            "domain_policy": environment.get_policy(),
            "llm": model,
            "llm_args": args,
            "completion_fn": ask,
        }
        if not self.config.solo_mode:
            return LLMAgent(**wiring)
        if environment.user_tools is not None:
            wiring["tools"] += environment.get_user_tools(include=task.user_tools)
        return LLMSoloAgent(**wiring, task=task)

    def _user(self, environment: Environment, task: Task) -> Any:
        if self.config.solo_mode:
            return DummyUser()
        own = (
            environment.get_user_tools(include=task.user_tools)
            if environment.user_tools is not None
            else []
        )
        return UserSimulator(
            tools=own or None,
            instructions=str(task.user_scenario),
            llm=self.config.user_llm,
            llm_args=user_args(self.config, self.endpoint),
        )

    def _info(self, run: SimulationRun, orchestrator: Orchestrator) -> Tau2RunInfo:
        assert run.reward_info is not None
        messages = run.get_messages()
        malformed = malformed_calls(messages, {tool.name for tool in orchestrator.agent.tools})
        graded = float(run.reward_info.reward)
        return Tau2RunInfo(
            reward=graded - self.config.invalid_format_penalty * malformed,
            graded_reward=graded,
            malformed_calls=malformed,
            agent_time=_seconds(messages, AssistantMessage),
            user_time=_seconds(messages, UserMessage),
            messages=messages,
            task=orchestrator.task,
            reward_info=run.reward_info,
            error=(run.info or {}).get("error"),
        )


def _seconds(messages: Any, kind: type) -> list[float]:
    timed = (message.generation_time_seconds for message in messages if isinstance(message, kind))
    return [float(seconds) for seconds in timed if seconds is not None]


def _discarded(orchestrator: Orchestrator, problem: ModelError) -> EpisodeDiscarded:
    """Return a model error as a failure of the user's model or of the policy's endpoint."""
    users = not orchestrator.done and orchestrator.to_role == "user"
    kind = UserSimulatorFailed if users else InfrastructureFailed
    return kind(f"task {orchestrator.task.id}: {type(problem).__name__}: {problem}")


_FAILURES: Mapping[TerminationReason, type[EpisodeDiscarded]] = {
    TerminationReason.USER_ERROR: UserSimulatorFailed,
    TerminationReason.TIMEOUT: EpisodeTimedOut,
    TerminationReason.INFRASTRUCTURE_ERROR: InfrastructureFailed,
    TerminationReason.UNEXPECTED_ERROR: InfrastructureFailed,
}


def _check(run: SimulationRun) -> None:
    kind = _FAILURES.get(run.termination_reason)
    if kind is not None:
        why = (run.info or {}).get("error") or run.termination_reason.value
        raise kind(f"task {run.task_id}: {why}")


class Tau2AgentWorkflow:
    """What AReaL is given: `await run(data)` plays one episode and returns its reward.

    Args:
        econfig: Defaults of every episode: a Tau2EnvConfig, or its fields as a mapping.
        gconfig, gen_args: Sampling of the policy, under the two names in use; `gen_args` wins.
        timeout: Seconds of wall clock for one episode.
    """

    def __init__(
        self,
        econfig: Any = None,
        gconfig: Any = None,
        gen_args: Any = None,
        timeout: float | None = DEFAULT_TIMEOUT,
    ) -> None:
        self.econfig = Tau2EnvConfig.of(econfig)
        self.sampling = plain_dict(gconfig) | plain_dict(gen_args)
        self.timeout = timeout

    async def run(self, data: dict[str, Any], **extra_kwargs: Any) -> float:
        """Play the episode that `data` names and return its reward, a Python float.

        `data`: `task_id`; optionally `split`, `seed`, `econfig`, `gconfig`, and `base_url`,
        `api_key`, `http_client` where they are not keyword arguments (as AReaL passes them) nor in
        the environment. The record of the episode is left in `data["_run_info"]`.

        Raise an EpisodeDiscarded instead of returning a reward for an episode that says nothing
        about the policy.
        """
        data["_run_info"] = info = await self.play(data, **extra_kwargs)
        return float(info.reward)

    async def play(self, data: Mapping[str, Any], **extra_kwargs: Any) -> Tau2RunInfo:
        """Do what `run` does and return the record; `data` stays as it is."""
        runner = self._runner(data, extra_kwargs)
        task = get_task(runner.config.domain, data["task_id"], data.get("split"))
        return await runner.run(task, data.get("seed"))

    def _runner(self, data: Mapping[str, Any], extra: Mapping[str, Any]) -> Tau2Runner:
        if not data.get("task_id"):
            raise ConfigError("data must name a task_id")
        return Tau2Runner(
            Tau2EnvConfig.of(self.econfig, data.get("econfig")),
            self.sampling | plain_dict(data.get("gconfig")),
            endpoint=Endpoint.of(extra, data),
            timeout=data.get("timeout", self.timeout),
        )


async def run_agent_return_reward(data: dict[str, Any]) -> tuple[float, Tau2RunInfo]:
    """Play the episode that `data` names and return its reward and its record."""
    data["_run_info"] = info = await Tau2AgentWorkflow().play(data)
    return float(info.reward), info


async def run_and_submit(data: dict[str, Any]) -> float:
    """Play the episode and post its reward to the policy's proxy, which spreads it over the turns.

    Raise InfrastructureFailed when the proxy does not take it.
    """
    reward, _ = await run_agent_return_reward(data)
    await submit_reward(Endpoint.of(data), reward)
    return reward


def main() -> int:
    """Read one JSON line, play it, submit the reward, and print it.

    The record goes to standard error.
    """
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    try:
        data = json.loads(sys.stdin.readline(_LONGEST_LINE))
        if not isinstance(data, dict):
            raise ConfigError("standard input must hold one line with a JSON object")
        reward = asyncio.run(run_and_submit(data))
    except (ValueError, ConfigError, EpisodeDiscarded, ParticipantError) as problem:
        sys.stderr.write(f"no reward: {type(problem).__name__}: {problem}\n")
        return 1
    sys.stderr.write(f"{data['_run_info']}\n")
    sys.stdout.write(f"{json.dumps({'reward': reward})}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
