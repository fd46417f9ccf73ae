"""verifiers (v1): `TauTaskset`, whose tasks play against a customer through the tools of a domain.

The customer's first words are the prompt. A tool server holds the live episode; the harness of the agent needs MCP.
To load it by id, let a module of your own say `from tau2.integrations.verifiers import TauTaskset` and
`__all__ = ["TauTaskset"]`: the package takes no dotted ids.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from pydantic import Field, TypeAdapter

from tau2.data_model.message import Message, ToolCall
from tau2.integrations.episode import Episode, Outcome
from tau2.integrations.packages import needs_package
from tau2.integrations.toolbox import domain_tools, instructions, schemas, task_ids
from tau2.rollout import Cast

with needs_package("verifiers", "verifiers>=0.4"):
    import verifiers.v1 as vf
    from mcp.types import CallToolResult, TextContent, Tool

_MESSAGES: TypeAdapter[list[Message]] = TypeAdapter(list[Message])
_PLACEHOLDER = ""  # of the prompt: `setup` writes the customer's first words


class TauData(vf.TaskData):  # type: ignore[misc]  # the package is optional
    """What is played."""

    domain: str
    task_id: str
    seed: int | None = None


class TauState(vf.State):  # type: ignore[misc]  # the package is optional
    """What the host and the tool server tell one another of one episode."""

    episode: str = ""
    """The id of the rollout's trace."""
    task_id: str = ""
    seed: int | None = None
    messages: str = "[]"
    """All that was said and done so far, as JSON."""
    outcome: dict[str, Any] | None = None
    """The fields of `Outcome`, once the episode is over."""


class TauToolsetConfig(vf.ToolsetConfig):  # type: ignore[misc]  # the package is optional
    """Which domain's tools are served, and how episodes are played."""

    domain: str = "mock"
    options: dict[str, Any] = Field(default_factory=dict)
    """As for `Episode`: user, llm_user, llm_args_user, max_steps, evaluation_type and others."""
    most_live: int = Field(1024, ge=1)
    """Episodes that a shared server keeps; beyond them, the one that waited longest is forgotten."""


class TauTaskConfig(vf.TaskConfig):  # type: ignore[misc]  # the package is optional
    """How the tasks are played."""

    tools: TauToolsetConfig = TauToolsetConfig()
    shared: bool = False
    """One tool server for all rollouts of an environment worker, instead of a process for each rollout."""


class TauTasksetConfig(vf.TasksetConfig):  # type: ignore[misc]  # the package is optional
    """Which tasks there are; `task.tools.domain` names the domain."""

    task: TauTaskConfig = TauTaskConfig()
    split: str | None = None
    count: int | None = None
    seed: int | None = None


class TauToolset(vf.Toolset[TauToolsetConfig, TauState]):  # type: ignore[misc]  # the package is optional
    """Holds the live episodes of the rollouts that call it, and carries out their calls."""

    TOOL_PREFIX = None  # names as in the policy, which speaks of the tools

    def __init__(self, config: TauToolsetConfig) -> None:
        super().__init__(config)
        self._live: OrderedDict[str, Episode] = OrderedDict()

    def register(self, mcp: Any) -> None:
        """Serve the tools with their own schemas; an MCP server would make others from Python signatures."""
        mcp.list_tools = self.list_tools
        mcp.call_tool = self._with_state(self.call_tool)

    async def list_tools(self) -> list[Tool]:
        """Return the tools of the domain, `respond_user` last."""
        functions = [schema["function"] for schema in schemas(domain_tools(_cast_of(self.config)))]
        return [
            Tool(name=one["name"], description=one["description"], input_schema=one["parameters"])
            for one in functions
        ]

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Any = None
    ) -> CallToolResult:
        """Carry out one call of the rollout that makes it; errors of a tool are texts."""
        episode = self._episode()
        (text,) = await episode.aplay([ToolCall(name=name, arguments=arguments or {})])
        self._report(episode)
        return CallToolResult(content=[TextContent(type="text", text=text)], is_error=False)

    def _episode(self) -> Episode:
        state = self.state
        if state.episode not in self._live:
            self._live[state.episode] = _resumed(self.config, state)
        self._live.move_to_end(state.episode)
        while len(self._live) > self.config.most_live:
            self._live.popitem(last=False)[1].close()
        return self._live[state.episode]

    def _report(self, episode: Episode) -> None:
        self.state.messages = _dumped(episode)
        turn = episode.rollout.turn
        if turn is not None and turn.done:
            self.state.outcome = asdict(episode.outcome_of(turn))


class TauTask(vf.Task[TauData, TauState, TauTaskConfig]):  # type: ignore[misc]  # the package is optional
    """One task of a domain. A failure of the surroundings or of the simulated user is a TaskError, never a score."""

    @property
    def key(self) -> str:
        """What the task is known by: its domain and id."""
        return f"{self.data.domain}/{self.data.task_id}"

    async def setup(self, trace: vf.Trace, runtime: vf.Runtime) -> None:
        """Let the customer speak first: the prompt is what it says. Raise EpisodeFailed when it cannot."""
        episode = _new_episode(self.config.tools)
        prompt = await episode.areset(self.data.task_id, self.data.seed)
        turn = episode.rollout.turn
        if turn is not None and turn.done:
            trace.state.outcome = asdict(episode.outcome_of(turn))
            _outcome_of(trace.state).graded()
        trace.state.episode, trace.state.task_id, trace.state.seed = (
            trace.id,
            self.data.task_id,
            self.data.seed,
        )
        trace.state.messages = _dumped(episode)
        trace.task.data = trace.task.data.model_copy(update={"prompt": prompt})
        episode.close()

    async def finalize(self, trace: vf.Trace, runtime: vf.Runtime) -> None:
        """Grade an episode that the agent has left as it stands; raise EpisodeFailed for one that failed."""
        if trace.state.outcome is None:
            episode = _resumed(self.config.tools, trace.state)
            trace.state.outcome = asdict(await episode.afinish())
            trace.state.messages = _dumped(episode)
            episode.close()
        outcome = _outcome_of(trace.state)
        trace.info["tau2"] = {**asdict(outcome), "messages": json.loads(trace.state.messages)}
        outcome.graded()

    @vf.stop  # type: ignore[untyped-decorator]  # the package is optional
    async def conversation_over(self, trace: vf.Trace) -> bool:
        """Return whether the customer has gone."""
        return trace.state.outcome is not None

    @vf.reward  # type: ignore[untyped-decorator]  # the package is optional
    async def reward(self, trace: vf.Trace) -> float:
        """Return the reward of the episode."""
        return _outcome_of(trace.state).graded()

    @vf.metric  # type: ignore[untyped-decorator]  # the package is optional
    async def ending(self, trace: vf.Trace) -> dict[str, float]:
        """Return what tells outcomes apart."""
        return _outcome_of(trace.state).flags()

    @classmethod
    def toolsets(cls, config: TauTaskConfig) -> list[vf.Toolset]:
        """Return the tool server of one rollout, unless all share one."""
        return [] if config.shared else [TauToolset(config.tools)]


class TauTaskset(vf.Taskset[TauTask, TauTasksetConfig]):  # type: ignore[misc]  # the package is optional
    """The tasks of a domain, or of a split of it."""

    def load(self) -> Iterator[TauTask]:
        """Yield the tasks in the order of the domain. Raise UnknownName for a domain or split that is none."""
        config = self.config
        domain = config.task.tools.domain
        system_prompt = instructions(_cast_of(config.task.tools), by_tool=True)
        for task_id in task_ids(domain, config.split, config.count):
            data = TauData(
                id=task_id, name=f"{domain}/{task_id}", prompt=_PLACEHOLDER, system_prompt=system_prompt,
                domain=domain, task_id=task_id, seed=config.seed,
            )  # fmt: skip
            yield TauTask(data, config.task)

    @classmethod
    def toolsets(cls, config: TauTasksetConfig) -> list[vf.Toolset]:
        """Return the tool server that all rollouts share, if they do."""
        return [TauToolset(config.task.tools)] if config.task.shared else []


def _cast_of(config: TauToolsetConfig) -> Cast:
    return Cast(config.domain, env_kwargs=config.options.get("env_kwargs", {}))


def _new_episode(config: TauToolsetConfig) -> Episode:
    return Episode(config.domain, **config.options)


def _resumed(config: TauToolsetConfig, state: TauState) -> Episode:
    """Return the episode that the host opened, or the tool server played, as far as the state tells."""
    episode = _new_episode(config)
    episode.resume(state.task_id, state.seed, _MESSAGES.validate_json(state.messages))
    return episode


def _dumped(episode: Episode) -> str:
    return _MESSAGES.dump_json(episode.rollout.trajectory).decode()


def _outcome_of(state: TauState) -> Outcome:
    assert state.outcome is not None, "an episode that was finalized has an outcome"
    return Outcome(**state.outcome)


__all__ = ["TauData", "TauState", "TauTask", "TauTaskset", "TauToolset"]

if __name__ == "__main__":
    TauToolset.run()
