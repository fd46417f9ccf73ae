"""The Agent Trajectory Interchange Format (ATIF): one JSON file for each simulation.

A trajectory is what the agent saw: the policy, the user's messages, and its own turns with their
tool calls and results. The format has no tool calls of users; those of a simulated user are under
`extra` of its step. Specification: RFC 0001 of Harbor (harbor-framework/harbor).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from tau2.data_model.message import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from tau2.data_model.simulation import Info, SessionUsage, SimulationRun
from tau2.report.cleaner import Cleaner
from tau2.report.formats.exported_run import (
    ExportedRun,
    as_json,
    called_model,
    file_stem,
    known,
    result_of,
    single_messages,
)
from tau2.runner.run_settings import without_secrets
from tau2.storage.files import write_atomically
from tau2.utils.json_types import JsonObject

VERSION = "ATIF-v1.7"
"""The oldest version that has every field written here, so that readers of later ones do too."""
_NOTES = (
    "The first step is the policy of the domain; the prompt that the agent put it in is not stored."
)


def export_atif(runs: Sequence[ExportedRun], folder: Path, clean: Cleaner) -> dict[Path, int]:
    """Write each simulation as `RUN/SIMULATION.json`; return each run's folder and its count."""
    written = {}
    for run in runs:
        inside = folder / file_stem(run.name)
        number = 0
        for simulation in run.simulations():
            content = as_json(trajectory(run.name, run.about.info, simulation), clean)
            write_atomically(inside / f"{file_stem(simulation.id)}.json", content)
            number += 1
        written[inside] = number
    return written


def trajectory(name: str, info: Info, run: SimulationRun) -> JsonObject:
    """Return a simulation as an ATIF document; nothing is taken out of it yet.

    Args:
        name: The run's name.
        info: What the run was.
        run: The simulation.
    """
    steps = _Steps()
    policy = run.policy or info.environment_info.policy
    if policy:
        steps.add("system", policy)
    for message in single_messages(run):
        steps.take(message)
    agent = info.agent_info
    return known(
        schema_version=VERSION,
        session_id=name,
        trajectory_id=run.id,
        agent=known(
            name=agent.implementation,
            version=info.engine_version or "unknown",
            model_name=called_model(agent.llm, run.agent_usage),
            extra={"llm_args": without_secrets(agent.llm_args)} if agent.llm_args else None,
        ),
        steps=steps.steps,
        notes=_NOTES if policy else None,
        final_metrics=_final_metrics(run, len(steps.steps)),
        extra={
            "domain": info.environment_info.domain_name,
            "user": info.user_info.implementation,
            **known(user_model_name=called_model(info.user_info.llm, run.user_usage)),
            **result_of(run),
        },
    )


class _Steps:
    """The steps of a trajectory, made message by message."""

    def __init__(self) -> None:
        self.steps: list[JsonObject] = []
        self._ids: set[str] = set()
        self._open: list[tuple[str, str, JsonObject]] = []
        """Calls without a result: the stored id, the id written, and the step."""

    def add(self, source: str, text: str | None, **fields: Any) -> JsonObject:
        """Append a step; fields that are None are left out."""
        step = known(step_id=len(self.steps) + 1, source=source, message=text or "", **fields)
        self.steps.append(step)
        return step

    def take(self, message: Message) -> None:
        """Append a message, or put a tool's result into the step of its call."""
        if isinstance(message, ToolMessage):
            self._take_result(message)
        elif isinstance(message, AssistantMessage):
            self._take_turn(message)
        elif isinstance(message, UserMessage):
            calls = [self._call(call) for call in message.calls]
            extra = {"tool_calls": calls} if calls else None
            step = self.add("user", message.content, timestamp=_time(message), extra=extra)
            self._expect(message.calls, calls, step)
        elif isinstance(message, SystemMessage):
            self.add("system", message.content, timestamp=_time(message))

    def _take_turn(self, message: AssistantMessage) -> None:
        calls = [self._call(call) for call in message.calls]
        step = self.add(
            "agent",
            message.content,
            timestamp=_time(message),
            reasoning_content=message.reasoning_content,
            tool_calls=calls or None,
            metrics=_metrics(message) or None,
        )
        self._expect(message.calls, calls, step)

    def _call(self, call: ToolCall) -> JsonObject:
        number = len(self._ids) + 1
        written = call.id if call.id and call.id not in self._ids else f"call-{number}"
        while written in self._ids:
            number += 1
            written = f"call-{number}"
        self._ids.add(written)
        return {
            "tool_call_id": written,
            "function_name": call.name,
            "arguments": call.arguments,
        }

    def _expect(
        self, calls: Sequence[ToolCall], written: Sequence[JsonObject], step: JsonObject
    ) -> None:
        self._open += [
            (call.id, entry["tool_call_id"], step)
            for call, entry in zip(calls, written, strict=True)
        ]

    def _take_result(self, message: ToolMessage) -> None:
        found = next((entry for entry in self._open if entry[0] == message.id), None)
        result = known(content=message.content or "")
        if found is None:  # a result of a call that is not stored
            step = self.add("system", "", timestamp=_time(message))
        else:
            self._open.remove(found)
            _, written, step = found
            result = {"source_call_id": written, **result}
        if message.error:
            result["extra"] = {"error": True}
        if step["source"] == "user":
            step["extra"].setdefault("tool_results", []).append(result)
        else:
            step.setdefault("observation", {"results": []})["results"].append(result)


def _time(message: Any) -> str | None:
    """Return when a message was made; None for a time that is not ISO 8601."""
    try:
        datetime.fromisoformat(message.timestamp or "")
    except ValueError:
        return None
    return str(message.timestamp)


def _metrics(message: AssistantMessage) -> JsonObject:
    usage = message.usage or {}
    seconds = message.generation_time_seconds
    return known(
        prompt_tokens=_count(usage, "prompt_tokens"),
        completion_tokens=_count(usage, "completion_tokens"),
        cached_tokens=_cached(usage),
        cost_usd=message.cost if usage or message.cost else None,
        extra=None if seconds is None else {"generation_time_seconds": seconds},
    )


def _cached(usage: Mapping[str, Any]) -> int | None:
    """Return the tokens read from a cache: in our own form, or in OpenAI's, as in foreign runs."""
    details = usage.get("prompt_tokens_details")
    nested = _count(details, "cached_tokens") if isinstance(details, Mapping) else None
    own = _count(usage, "cached_tokens")
    return nested if own is None else own


def _count(usage: Mapping[str, Any], name: str) -> int | None:
    value = usage.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _final_metrics(run: SimulationRun, steps: int) -> JsonObject:
    agent = run.agent_usage
    return known(
        total_prompt_tokens=agent.prompt_tokens if agent else None,
        total_completion_tokens=agent.completion_tokens if agent else None,
        total_cached_tokens=(agent.cached_tokens or None) if agent else None,
        total_cost_usd=run.agent_cost,
        total_steps=steps,
        extra=_extra_metrics(agent, run.user_usage, run.user_cost) or None,
    )


def _extra_metrics(
    agent: SessionUsage | None, user: SessionUsage | None, user_cost: float | None
) -> JsonObject:
    return known(
        agent_model_calls=agent.model_calls if agent else None,
        user_model_calls=user.model_calls if user else None,
        user_prompt_tokens=user.prompt_tokens if user else None,
        user_completion_tokens=user.completion_tokens if user else None,
        user_cost_usd=user_cost,
    )
