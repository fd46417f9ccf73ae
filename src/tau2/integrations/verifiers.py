"""verifiers (v1): `TauTaskset`, whose tasks are conversations with a user of a domain.

The user's first message is the prompt. A tool server holds the live episode; the agent's harness
needs MCP. The package loads tasksets by id but takes no dotted ids: write a module with the lines
`from tau2.integrations.verifiers import TauTaskset` and `__all__ = ["TauTaskset"]`.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from pydantic import Field, TypeAdapter

from tau2.data_model.message import Message, ToolCall
from tau2.integrations.episode import Episode, EpisodeOutcome
from tau2.integrations.packages import needs_package
from tau2.integrations.toolbox import (
    domain_tools,
    instructions_by_task,
    schemas,
    setup_for_tools,
    task_ids,
)
from tau2.rollout import RolloutSetup
from tau2.utils.json_types import JsonObject
from tau2.utils.model_json import read_json, value_json

with needs_package("verifiers", "verifiers>=0.4"):
    import verifiers.v1 as vf
    from mcp.types import CallToolResult, TextContent, Tool

_MESSAGES: TypeAdapter[list[Message]] = TypeAdapter(list[Message])
_PLACEHOLDER = ""  # for the prompt, which `setup` replaces by the user's first message


class TauData(vf.TaskData):  # type: ignore[misc]  # optional
    """Names an episode."""

    domain: str
    task_id: str
    seed: int | None = None


class VerifiersState(vf.State):  # type: ignore[misc]  # optional
    """What the host and the tool server share about one episode."""

    episode: str = ""
    """The id of the rollout's trace."""
    task_id: str = ""
    seed: int | None = None
    messages: str = "[]"
    """All messages so far, as JSON."""
    outcome: JsonObject | None = None
    """The fields of `EpisodeOutcome`, once the episode is over."""


class TauToolsetConfig(vf.ToolsetConfig):  # type: ignore[misc]  # optional
    """The domain whose tools are served, and the options of its episodes."""

    domain: str = "mock"
    options: JsonObject = Field(default_factory=dict)
    """As for `Episode`: user, llm_user, llm_args_user, max_steps, evaluation_type and others."""
    most_live: int = Field(1024, ge=1)
    """Episodes that a shared server keeps; beyond that, the least recently used one is dropped."""


class TauTaskConfig(vf.TaskConfig):  # type: ignore[misc]  # optional
    """How the episodes of tasks are run."""

    tools: TauToolsetConfig = TauToolsetConfig()
    shared: bool = False
    """One tool server for all rollouts of an environment worker, not one process per rollout."""


class TauTasksetConfig(vf.TasksetConfig):  # type: ignore[misc]  # optional
    """The tasks of a taskset; `task.tools.domain` names the domain."""

    task: TauTaskConfig = TauTaskConfig()
    split: str | None = None
    count: int | None = None
    seed: int | None = None


class TauToolset(vf.Toolset[TauToolsetConfig, VerifiersState]):  # type: ignore[misc]  # optional
    """Holds the live episodes of the rollouts that call it, and executes their calls."""

    # The policy of a domain refers to its tools by their plain names.
    TOOL_PREFIX = None

    def __init__(self, config: TauToolsetConfig) -> None:
        super().__init__(config)
        self._live: OrderedDict[str, Episode] = OrderedDict()

    def register(self, mcp: Any) -> None:
        """Serve the tools with their own schemas, not with those of Python signatures."""
        mcp.list_tools = self.list_tools
        mcp.call_tool = self._with_state(self.call_tool)

    async def list_tools(self) -> list[Tool]:
        """Return the tools of the domain, `respond_user` last."""
        functions = [schema["function"] for schema in schemas(domain_tools(_setup_of(self.config)))]
        return [
            Tool(name=one["name"], description=one["description"], input_schema=one["parameters"])
            for one in functions
        ]

    async def call_tool(
        self, name: str, arguments: JsonObject, context: Any = None
    ) -> CallToolResult:
        """Execute one call of a rollout; errors of a tool are texts."""
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
        result = episode.rollout.result
        if result is not None and result.done:
            self.state.outcome = asdict(episode.outcome_of(result))


class TauTask(vf.Task[TauData, VerifiersState, TauTaskConfig]):  # type: ignore[misc]  # optional
    """One task of a domain.

    A failure of the infrastructure or of the simulated user becomes a TaskError, never a score.
    """

    @property
    def key(self) -> str:
        """The domain and the id of the task."""
        return f"{self.data.domain}/{self.data.task_id}"

    async def setup(self, trace: vf.Trace, runtime: vf.Runtime) -> None:
        """Start an episode; the user's first message is the prompt. Raise EpisodeFailed."""
        episode = _new_episode(self.config.tools)
        prompt = await episode.areset(self.data.task_id, self.data.seed)
        result = episode.rollout.result
        if result is not None and result.done:
            trace.state.outcome = asdict(episode.outcome_of(result))
            _outcome_of(trace.state).graded()
        trace.state.episode = trace.id
        trace.state.task_id = self.data.task_id
        trace.state.seed = self.data.seed
        trace.state.messages = _dumped(episode)
        trace.task.data = trace.task.data.model_copy(update={"prompt": prompt})
        episode.close()

    async def finalize(self, trace: vf.Trace, runtime: vf.Runtime) -> None:
        """Grade an episode that the agent left unfinished. Raise EpisodeFailed when it failed."""
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
        """Return whether the episode is over."""
        return trace.state.outcome is not None

    @vf.reward  # type: ignore[untyped-decorator]  # the package is optional
    async def reward(self, trace: vf.Trace) -> float:
        """Return the reward of the episode."""
        return _outcome_of(trace.state).graded()

    @vf.metric  # type: ignore[untyped-decorator]  # the package is optional
    async def ending(self, trace: vf.Trace) -> dict[str, float]:
        """Return how the episode ended, as numbers."""
        return _outcome_of(trace.state).flags()

    @classmethod
    def toolsets(cls, config: TauTaskConfig) -> list[vf.Toolset]:
        """Return the tool server of one rollout, unless all share one."""
        return [] if config.shared else [TauToolset(config.tools)]


class TauTaskset(vf.Taskset[TauTask, TauTasksetConfig]):  # type: ignore[misc]  # optional
    """The tasks of a domain, or of a split of it."""

    def load(self) -> Iterator[TauTask]:
        """Yield the tasks in the order of the domain. Raise UnknownName for the domain or split."""
        config = self.config
        domain = config.task.tools.domain
        ids = task_ids(domain, config.split, config.count)
        for task_id, system_prompt in instructions_by_task(_setup_of(config.task.tools), ids):
            data = TauData(
                id=task_id,
                name=f"{domain}/{task_id}",
                prompt=_PLACEHOLDER,
                system_prompt=system_prompt,
                domain=domain,
                task_id=task_id,
                seed=config.seed,
            )
            yield TauTask(data, config.task)

    @classmethod
    def toolsets(cls, config: TauTasksetConfig) -> list[vf.Toolset]:
        """Return the tool server that all rollouts share, if there is one."""
        return [TauToolset(config.task.tools)] if config.task.shared else []


def _setup_of(config: TauToolsetConfig) -> RolloutSetup:
    return setup_for_tools(config.domain, config.options)


def _new_episode(config: TauToolsetConfig) -> Episode:
    return Episode(config.domain, **config.options)


def _resumed(config: TauToolsetConfig, state: VerifiersState) -> Episode:
    """Return the episode that the state describes, live."""
    episode = _new_episode(config)
    messages = read_json(_MESSAGES, state.messages.encode())
    episode.resume(state.task_id, state.seed, messages)
    return episode


def _dumped(episode: Episode) -> str:
    return value_json(_MESSAGES, episode.rollout.trajectory)


def _outcome_of(state: VerifiersState) -> EpisodeOutcome:
    assert state.outcome is not None, "an episode that was finalized has an outcome"
    return EpisodeOutcome(**state.outcome)


__all__ = ["TauData", "TauTask", "TauTaskset", "TauToolset", "VerifiersState"]

if __name__ == "__main__":
    TauToolset.run()
