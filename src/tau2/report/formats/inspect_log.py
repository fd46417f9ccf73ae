"""Logs of Inspect (`.eval`): one file for each run, a zip of JSON with an entry per simulation.

A task is a sample and a trial an epoch; the score `reward` is the reward. What is written is
version 2 of the format, as `inspect_ai` reads it. Nothing here needs that package.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from tau2.data_model.message import Message, ToolCall, ToolMessage
from tau2.data_model.simulation import Info, SessionUsage, SimulationRun
from tau2.data_model.tasks import Task
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
from tau2.utils.json_types import JsonObject

VERSION = 2
SCORER = "reward"
_NO_MODEL = "none/none"
"""What Inspect calls the model of a run without one."""
_LONGEST_SUMMARY = 1000  # characters of a text in the summary of a sample
_IN_SUMMARY = ("id", "epoch", "input", "target", "scores", "model_usage", "role_usage",
               "started_at", "completed_at", "total_time", "uuid")  # fmt: skip


def export_inspect(runs: Sequence[ExportedRun], folder: Path, clean: Cleaner) -> dict[Path, int]:
    """Write each run as `RUN.eval`; return each file and its number of simulations."""
    folder.mkdir(parents=True, exist_ok=True)
    return {
        (file := folder / f"{file_stem(run.name)}.eval"): _write_log(run, file, clean)
        for run in runs
    }


def _write_log(run: ExportedRun, file: Path, clean: Cleaner) -> int:
    about = run.about
    tasks = {task.id: task for task in about.tasks}
    totals = _Totals()
    with _replacing(file) as part, ZipFile(part, "w") as archive:
        for simulation in run.simulations():
            epoch = totals.epoch_of(simulation)
            made = sample(about.info, tasks.get(simulation.task_id), simulation, epoch)
            content = as_json(made, clean)
            _add(archive, f"samples/{made['id']}_epoch_{epoch}.json", content)
            totals.add(made, clean)
            totals.add_models(about.info, simulation)
        _add(archive, "summaries.json", as_json(totals.summaries, clean))
        header = _header(run, totals)
        _add(archive, "header.json", as_json(header, clean))
    return len(totals.summaries)


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """Yield the path of a file that takes the place of `path` once it is whole."""
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _add(archive: ZipFile, name: str, content: bytes) -> None:
    # The time of an entry is always the same, so that the same run gives the same bytes.
    entry = ZipInfo(name)
    archive.writestr(entry, content, compress_type=ZIP_DEFLATED)


class _Totals:
    """What the log says of all samples, added up one by one."""

    def __init__(self) -> None:
        self.summaries: list[JsonObject] = []
        self.rewards: list[float] = []
        self.usage: dict[str, dict[str, Counter[str]]] = {"model_usage": {}, "role_usage": {}}
        self.agent_model: str | None = None
        self.user_model: str | None = None
        self._epochs: set[tuple[str, int]] = set()

    def epoch_of(self, run: SimulationRun) -> int:
        """Return a simulation's trial from 1 on; of units played again, the next free number."""
        epoch = run.unit.trial + 1
        while (run.task_id, epoch) in self._epochs:
            epoch += 1
        self._epochs.add((run.task_id, epoch))
        return epoch

    def add(self, made: JsonObject, clean: Cleaner) -> None:
        """Count a sample."""
        summary = {name: made[name] for name in _IN_SUMMARY if name in made}
        for name in ("input", "target"):
            summary[name] = clean(summary[name], _LONGEST_SUMMARY)
        if "error" in made:
            summary["error"] = made["error"]["message"]
        self.summaries.append(
            {**summary, "completed": True, "message_count": len(made["messages"])}
        )
        if "scores" in made:
            self.rewards.append(made["scores"][SCORER]["value"])
        for kind, total in self.usage.items():
            for name, used in made[kind].items():
                total.setdefault(name, Counter()).update(used)

    def add_models(self, info: Info, run: SimulationRun) -> None:
        """Note the models that a simulation called."""
        self.agent_model = self.agent_model or called_model(info.agent_info.llm, run.agent_usage)
        self.user_model = self.user_model or called_model(info.user_info.llm, run.user_usage)

    def results(self) -> JsonObject:
        """Return the scores over all samples."""
        scored = len(self.rewards)
        metrics = {}
        if scored:
            metrics["mean"] = {"name": "mean", "value": sum(self.rewards) / scored}
        return {
            "total_samples": len(self.summaries),
            "completed_samples": sum("error" not in summary for summary in self.summaries),
            "scores": [
                {
                    "name": SCORER,
                    "scorer": SCORER,
                    "scored_samples": scored,
                    "unscored_samples": len(self.summaries) - scored,
                    "metrics": metrics,
                }
            ],
        }


def _header(run: ExportedRun, totals: _Totals) -> JsonObject:
    about = run.about
    info = about.info
    times = [summary[end] for summary in totals.summaries for end in ("started_at", "completed_at")]
    started = min(times, default=about.timestamp)
    named = f"{run.name} {about.timestamp}"
    run_id = hashlib.sha256(named.encode("utf-8", "replace")).hexdigest()[:22]
    domain = info.environment_info.domain_name
    return {
        "version": VERSION,
        "status": "success",
        "eval": known(
            eval_id=run_id,
            run_id=run_id,
            task_id=run_id,
            created=about.timestamp or started or "1970-01-01T00:00:00+00:00",
            task=domain,
            solver=info.agent_info.implementation,
            dataset={
                "name": info.task_set_name or domain,
                "samples": len(about.tasks),
                "sample_ids": [task.id for task in about.tasks],
            },
            model=totals.agent_model or _NO_MODEL,
            config={"epochs": info.num_trials},
            packages=known(**{"tau2-bench": info.engine_version}),
            metadata=known(
                run=run.name,
                agent_llm_args=_args(info.agent_info.llm_args),
                user=info.user_info.implementation,
                user_llm=totals.user_model,
                user_llm_args=_args(info.user_info.llm_args),
                seed=info.seed,
                max_steps=info.max_steps,
                git_commit=info.git_commit,
                judge=info.judge,
            ),
            scorers=[{"name": SCORER, "metrics": [{"name": "mean"}]}],
        ),
        "results": totals.results(),
        "stats": {
            "started_at": started or "",
            "completed_at": max(times, default=""),
            **totals.usage,
        },
    }


def _args(args: JsonObject | None) -> JsonObject | None:
    return without_secrets(args) if args else None


def sample(info: Info, task: Task | None, run: SimulationRun, epoch: int) -> JsonObject:
    """Return a simulation as a sample of an Inspect log; nothing is taken out of it yet.

    Args:
        info: What the run was.
        task: The task, which says what the user wants and what was to be done.
        run: The simulation.
        epoch: Its trial, from 1 on.
    """
    messages = list(_messages(info, run))
    actions = task.reference_actions if task else []
    result = result_of(run)
    return known(
        id=run.task_id,
        epoch=epoch,
        uuid=run.id,
        input=str(task.user_scenario) if task else "",
        target="\n".join(_called(action.name, action.arguments) for action in actions),
        messages=messages,
        output=_output(called_model(info.agent_info.llm, run.agent_usage), messages),
        **_graded(run, result),
        metadata=result,
        **_usage(info, run),
        started_at=run.start_time or None,
        completed_at=run.end_time or None,
        total_time=run.duration,
    )


def _graded(run: SimulationRun, result: JsonObject) -> JsonObject:
    """Return the score of a simulation, or the error that left it without one."""
    if run.is_scored:
        parts = {"reward_breakdown": result.get("reward_breakdown", {})}
        return {"scores": {SCORER: {"value": result["reward"], "metadata": parts}}}
    reason = result.get("error") or f"the simulation ended by {run.termination_reason.value}"
    return {"error": {"message": reason, "traceback": "", "traceback_ansi": ""}}


def _usage(info: Info, run: SimulationRun) -> JsonObject:
    """Return the tokens and the cost of a simulation by model and by role."""
    by_model: dict[str, Counter[str]] = {}
    by_role: dict[str, Counter[str]] = {}
    for role, model, usage, cost in (
        ("agent", info.agent_info.llm, run.agent_usage, run.agent_cost),
        ("user", info.user_info.llm, run.user_usage, run.user_cost),
    ):
        if usage and usage.model_calls:
            by_role[role] = _used(usage, cost)
            by_model.setdefault(model or _NO_MODEL, Counter()).update(by_role[role])
    return {"model_usage": by_model, "role_usage": by_role}


def _used(usage: SessionUsage, cost: float | None) -> Counter[str]:
    used: Counter[str] = Counter(
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.completion_tokens,
        total_tokens=usage.prompt_tokens + usage.completion_tokens,
    )
    if usage.cached_tokens:
        used["input_tokens_cache_read"] = usage.cached_tokens
    if usage.cache_write_tokens:
        used["input_tokens_cache_write"] = usage.cache_write_tokens
    if cost is not None:
        used.update({"total_cost": cost})
    return used


def _messages(info: Info, run: SimulationRun) -> Iterator[JsonObject]:
    """Yield the policy and the conversation as chat messages."""
    policy = run.policy or info.environment_info.policy
    if policy:
        yield {"id": f"{run.id}.policy", "role": "system", "content": policy}
    names: dict[str, str] = {}
    for number, message in enumerate(single_messages(run)):
        names |= {call.id: call.name for call in _calls(message)}
        yield {"id": f"{run.id}.{number}", **_chat_message(message, names, info)}


def _calls(message: Message) -> list[ToolCall]:
    return [] if isinstance(message, ToolMessage) else message.calls


def _chat_message(message: Any, names: dict[str, str], info: Info) -> JsonObject:
    text = message.content or ""
    if isinstance(message, ToolMessage):
        failed = {"type": "unknown", "message": text} if message.error else None
        return known(
            role="tool",
            content=text,
            tool_call_id=message.id,
            function=names.get(message.id),
            error=failed,
            metadata={"requestor": "user"} if message.requestor == "user" else None,
        )
    calls = [_call(call) for call in _calls(message)]
    if message.role != "assistant":
        # Inspect has no tool calls of users: what only calls tools shows the calls as text.
        called = "\n".join(_called(call.name, call.arguments) for call in _calls(message))
        metadata = {"tool_calls": calls} if calls else None
        return known(role=message.role, content=text or called, metadata=metadata)
    thought = message.reasoning_content
    parts = [{"type": "reasoning", "reasoning": thought}, {"type": "text", "text": text}]
    return known(
        role="assistant",
        content=parts if thought else text,
        tool_calls=calls or None,
        model=info.agent_info.llm if message.usage else None,
    )


def _call(call: ToolCall) -> JsonObject:
    return {"id": call.id, "function": call.name, "arguments": call.arguments, "type": "function"}


def _called(name: str, arguments: JsonObject) -> str:
    return f"{name}({json.dumps(arguments, ensure_ascii=False, default=str)})"


def _output(model: str | None, messages: Sequence[JsonObject]) -> JsonObject:
    """Return the agent's last message as the output of its model."""
    last = next((one for one in reversed(messages) if one["role"] == "assistant"), None)
    choices = [{"message": last, "stop_reason": "stop"}] if last else []
    return {"model": model or _NO_MODEL, "choices": choices}
