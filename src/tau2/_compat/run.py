"""The runner under its older path, with the flat-argument calls of older versions.

`run_task` and `run_tasks` here take names and models as arguments, make a TextRunConfig of them and
delegate to `tau2.runner`; everything else is the runner's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tau2.config import DEFAULT_LLM_AGENT, DEFAULT_LLM_USER
from tau2.data_model.simulation import RunConfig, SimulationRun, TextRunConfig, VoiceRunConfig
from tau2.data_model.tasks import Task
from tau2.evaluator.evaluator import EvaluationType
from tau2.registry import RegistryInfo
from tau2.runner import batch
from tau2.runner.batch import run_domain, run_single_task
from tau2.runner.tasks import (
    get_info,
    get_options,
    get_tasks,
    load_task_splits,
    load_tasks,
    make_run_name,
)
from tau2.storage.results import Results
from tau2.utils.json_types import JsonObject


def _config(
    domain: str,
    agent: str,
    user: str,
    llm_agent: str | None,
    llm_args_agent: JsonObject | None,
    llm_user: str | None,
    llm_args_user: JsonObject | None,
    **fields: Any,
) -> TextRunConfig:
    return TextRunConfig(
        domain=domain,
        agent=agent,
        user=user,
        llm_agent=llm_agent or DEFAULT_LLM_AGENT,
        llm_args_agent=llm_args_agent or {},
        llm_user=llm_user or DEFAULT_LLM_USER,
        llm_args_user=llm_args_user or {},
        **fields,
    )


def run_task(
    domain: str,
    task: Task,
    agent: str,
    user: str,
    llm_agent: str | None = None,
    llm_args_agent: JsonObject | None = None,
    llm_user: str | None = None,
    llm_args_user: JsonObject | None = None,
    max_steps: int = 100,
    max_errors: int = 10,
    evaluation_type: EvaluationType = EvaluationType.ALL,
    seed: int | None = None,
    solo_mode: bool = False,  # noqa: ARG001  -- the agent decides; accepted for compatibility
    enforce_communication_protocol: bool = False,
    **fields: Any,
) -> SimulationRun:
    """Play one task once and return the graded simulation.

    `fields` are further fields of TextRunConfig.
    """
    config = _config(
        domain,
        agent,
        user,
        llm_agent,
        llm_args_agent,
        llm_user,
        llm_args_user,
        max_steps=max_steps,
        max_errors=max_errors,
        enforce_communication_protocol=enforce_communication_protocol,
        **fields,
    )
    # Looked up in its module: clients replace it there.
    return batch.run_single_task(config, task, seed=seed, evaluation_type=evaluation_type)


def run_tasks(
    domain: str,
    tasks: Sequence[Task],
    agent: str,
    user: str,
    llm_agent: str | None = None,
    llm_args_agent: JsonObject | None = None,
    llm_user: str | None = None,
    llm_args_user: JsonObject | None = None,
    num_trials: int = 1,
    max_steps: int = 100,
    max_errors: int = 10,
    save_to: str | Path | None = None,
    console_display: bool = True,
    evaluation_type: EvaluationType = EvaluationType.ALL,
    max_concurrency: int = 1,
    seed: int = 300,
    log_level: str = "INFO",
    solo_mode: bool = False,  # noqa: ARG001  -- the agent decides; accepted for compatibility
    hallucination_retries: int = 0,
    **fields: Any,
) -> Results:
    """Play tasks and return all results.

    `save_to` is a results file, written as one file when the run ends.
    """
    config = _config(
        domain,
        agent,
        user,
        llm_agent,
        llm_args_agent,
        llm_user,
        llm_args_user,
        num_trials=num_trials,
        max_steps=max_steps,
        max_errors=max_errors,
        max_concurrency=max_concurrency,
        seed=seed,
        log_level=log_level,
        hallucination_retries=hallucination_retries,
        **fields,
    )
    return batch.run_tasks(
        config,
        tasks,
        save_path=save_to,
        evaluation_type=evaluation_type,
        console_display=console_display,
        results_format="json",
    )


__all__ = [
    "EvaluationType",
    "RegistryInfo",
    "RunConfig",
    "TextRunConfig",
    "VoiceRunConfig",
    "get_info",
    "get_options",
    "get_tasks",
    "load_task_splits",
    "load_tasks",
    "make_run_name",
    "run_domain",
    "run_single_task",
    "run_task",
    "run_tasks",
]
