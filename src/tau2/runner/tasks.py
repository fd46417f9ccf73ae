"""Which tasks a run plays, what it is called, and what is recorded of it."""

from __future__ import annotations

import inspect
import itertools
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from tau2 import __version__, config
from tau2.data_model.audio import VoiceSettings
from tau2.data_model.simulation import (
    AgentInfo,
    EnvironmentInfo,
    Info,
    RunConfig,
    TextRunConfig,
    Unit,
    UserInfo,
    VoiceRunConfig,
)
from tau2.data_model.tasks import Task
from tau2.environment.db import read_data_file
from tau2.environment.domain import parse_tasks
from tau2.environment.environment import Environment
from tau2.environment.task_check import cut_lines
from tau2.errors import ConfigError, DataFileError, UnknownName
from tau2.registry import Catalog, RegistryInfo, registry
from tau2.runner.resolve import environment_of, with_variant
from tau2.runner.run_settings import without_secrets
from tau2.seeds import derive_seed
from tau2.storage.results import Results
from tau2.taskgen.generation import SEEN
from tau2.user.user_simulator.forms import form_of
from tau2.utils.json_types import JsonObject


class UnitSpec(NamedTuple):
    """One unit with what it needs to be played."""

    task: Task
    trial: int
    seed: int

    @property
    def unit(self) -> Unit:
        """Task id and trial."""
        return Unit(self.task.id, self.trial)


def unit_seed(base: int, task_id: str, trial: int) -> int:
    """Return the seed of one trial of one task."""
    return derive_seed(base, "simulation", task_id, trial)


def unit_specs(
    config: RunConfig, tasks: Sequence[Task], is_done: Callable[[Unit], bool] | None = None
) -> list[UnitSpec]:
    """Return the units of a run, trial by trial, without those that are done."""
    return [
        UnitSpec(task, trial, unit_seed(config.seed, task.id, trial))
        for trial in range(config.num_trials)
        for task in tasks
        if is_done is None or not is_done(Unit(task.id, trial))
    ]


def get_options() -> RegistryInfo:
    """Return every domain, agent, user and task set that can be asked for."""
    return registry.get_info()


def load_task_splits(task_set_name: str) -> dict[str, list[str]] | None:
    """Return a task set's splits, or None when it has none."""
    loader = registry.get_task_splits_loader(task_set_name)
    return loader() if loader is not None else None


def load_tasks(task_set_name: str, task_split_name: str | None = None) -> list[Task]:
    """Return the tasks of a task set, or of one of its splits. Raise UnknownName."""
    loader = registry.get_tasks_loader(task_set_name)
    tasks: list[Task] = loader(task_split_name) if task_split_name is not None else loader()
    if task_split_name is not None and registry.has_own_splits(task_set_name):
        _check_split(task_set_name, task_split_name, tasks)
    return tasks


def generate_tasks(
    domain: str, n: int, seed: int = 0, difficulty: str | None = None, kinds: str = SEEN
) -> list[Task]:
    """Return `n` new tasks of a domain's task factory, the same for the same arguments.

    `kinds` is "seen" for kinds that training tasks are of, "new" for those held out of training.
    Raise UnknownName, or ConfigError for a domain without a factory or without held-out kinds.
    """
    generate = registry.domains.get(domain).generate
    if generate is None:
        raise ConfigError(f"domain {domain!r} has no task factory")
    if kinds == SEEN:
        return generate(n, seed, difficulty)
    if "kinds" not in inspect.signature(generate).parameters:
        raise ConfigError(f"the task factory of domain {domain!r} holds out no kinds")
    return generate(n, seed, difficulty, kinds=kinds)


def _check_split(task_set_name: str, split_name: str, tasks: Sequence[Task]) -> None:
    """Refuse a split that names unknown tasks; loading somebody else's data has warned of it."""
    splits = load_task_splits(task_set_name) or {}
    known = {task.id for task in tasks}
    missing = [task_id for task_id in splits.get(split_name, ()) if task_id not in known]
    if missing and not config.is_foreign_data():
        source = f"task set {task_set_name}: split {split_name}"
        problems = [f"{source}: {UnknownName('task', task_id, known)}" for task_id in missing]
        raise DataFileError(cut_lines(problems, source))


def get_tasks(
    task_set_name: str,
    task_split_name: str | None = None,
    task_ids: Sequence[str] | None = None,
    num_tasks: int | None = None,
) -> list[Task]:
    """Return tasks, filtered by id (in the order of the ids) or cut to the first N.

    Raise UnknownName.
    """
    source = f"{task_set_name}/{task_split_name or 'default split'}"
    if task_ids is not None and len(
        found := _some(task_set_name, task_split_name, task_ids)
    ) == len(set(task_ids)):
        return _filtered(found, source, task_ids, num_tasks)
    return _filtered(load_tasks(task_set_name, task_split_name), source, task_ids, num_tasks)


def _some(task_set_name: str, task_split_name: str | None, task_ids: Sequence[str]) -> list[Task]:
    """Return the tasks with these ids from a loader that can look them up.

    Nothing from another one.
    """
    loader = registry.get_tasks_loader(task_set_name)
    if "task_ids" not in inspect.signature(loader).parameters:
        return []
    wanted = {"task_ids": [str(task_id) for task_id in task_ids]}
    found: list[Task] = (
        loader(task_split_name, **wanted) if task_split_name is not None else loader(**wanted)
    )
    return found


def _filtered(
    tasks: list[Task], source: str, task_ids: Sequence[str] | None, num_tasks: int | None
) -> list[Task]:
    """Return the tasks of these ids, in their order, cut to the first N.

    Raise UnknownName or ConfigError.
    """
    if task_ids is not None:
        by_id = {task.id: task for task in tasks}
        wanted = [str(task_id) for task_id in task_ids]
        for task_id in wanted:
            if task_id not in by_id:
                raise UnknownName(f"task in {source}", task_id, by_id)
        tasks = [by_id[task_id] for task_id in dict.fromkeys(wanted)]
    if num_tasks is not None and num_tasks < 1:
        raise ConfigError(f"num_tasks must be at least 1, not {num_tasks}")
    return tasks if num_tasks is None else tasks[:num_tasks]


def tasks_of_file(path: str | Path) -> list[Task]:
    """Return the tasks of a JSON file. Raise DataFileError naming file, task and field."""
    return parse_tasks(read_data_file(Path(path)), path)


def current_tasks(results: Results) -> list[Task]:
    """Return the domain's tasks of today that a run was played on.

    Raise UnknownName when the domain has no tasks.
    """
    domain = results.info.environment_info.domain_name
    wanted = {task.id for task in results.tasks}
    known = registry.get_task_sets()
    loaded = [
        registry.get_tasks_loader(name)(None)
        for name in (domain, f"{domain}_full")
        if name in known
    ]
    found = max(
        ([task for task in tasks if task.id in wanted] for tasks in loaded), key=len, default=[]
    )
    if found:
        return found
    raise UnknownName("task set with the tasks of this run", domain, known)


def configured_tasks(run_config: RunConfig) -> list[Task]:
    """Return the tasks that a configuration names. Raise UnknownName or ConfigError."""
    tasks = _wanted_tasks(run_config)
    agent = played_agent(run_config)
    accepts = registry.get_agent_task_filter(agent)
    if isinstance(run_config, VoiceRunConfig) and run_config.task_ids is None:
        # A call cannot begin in the middle of a conversation.
        tasks = [task for task in tasks if not task.history]
    if accepts is None:
        return tasks
    playable = [task for task in tasks if accepts(task)]
    if run_config.task_ids is not None and len(playable) < len(tasks):
        refused = next(task.id for task in tasks if task not in playable)
        raise ConfigError(
            f"agent {agent!r} cannot play task {refused!r}: the task lacks what it needs"
        )
    return playable


def played_agent(run_config: RunConfig) -> str:
    """Return the name of the agent: in a voice run, of the text agent behind the voice if any."""
    if isinstance(run_config, VoiceRunConfig) and run_config.text_agent is not None:
        return run_config.text_agent
    return run_config.effective_agent


def _wanted_tasks(run_config: RunConfig) -> list[Task]:
    if run_config.tasks_file is None:
        name = run_config.task_set_name or run_config.domain
        return get_tasks(
            name, run_config.task_split_name, run_config.task_ids, run_config.num_tasks
        )
    tasks = tasks_of_file(run_config.tasks_file)
    return _filtered(tasks, run_config.tasks_file, run_config.task_ids, run_config.num_tasks)


def slug(text: str) -> str:
    """Return text as a file name part."""
    return re.sub(r"[^A-Za-z0-9.-]+", "-", text).strip("-.") or "none"


def make_run_name(run_config: RunConfig) -> str:
    """Return `<time>_<domain>_<agent>_<model>_<user>_<model>`, without unused models.

    A voice run is named after its provider, too.
    """
    agent = played_agent(run_config)
    user = run_config.user
    parts = [run_config.domain]
    if isinstance(run_config, VoiceRunConfig):
        parts.append(f"voice-{run_config.audio_native_config.provider}")
    if not isinstance(run_config, VoiceRunConfig) or run_config.text_agent is not None:
        parts.append(agent)
    parts += _model(registry.agents, agent, run_config.effective_agent_model)
    parts += [user, *_model(registry.users, user, run_config.llm_user)]
    time = datetime.now().strftime("%Y%m%d_%H%M%S")  # noqa: DTZ005  -- local, for people
    return "_".join([time, *(slug(part) for part in parts)])


def _model(catalog: Catalog[Any], name: str, llm: str) -> list[str]:
    """Return the last part of a model's name, or nothing when the participant needs no model."""
    return [llm.rpartition("/")[2]] if name not in catalog or catalog.get(name).needs_model else []


def short_run_name(run_config: RunConfig) -> str:
    """Return `<domain>-<date>-<time>`, such as `retail-20261129-1943`: short enough to type."""
    parts = [run_config.domain, *(["voice"] if run_config.is_voice else [])]
    time = datetime.now().strftime("%Y%m%d-%H%M")  # noqa: DTZ005  -- local, for people
    return "-".join([*(slug(part) for part in parts), time])


def run_folder(run_config: RunConfig) -> Path:
    """Return the folder a configuration saves to.

    Raise ConfigError for a name that leaves the folder of runs.
    """
    if run_config.save_to is None:
        return _free(config.simulations_dir() / short_run_name(run_config))
    named = Path(run_config.save_to)
    if named.is_absolute():
        return named
    if ".." in named.parts:
        raise ConfigError(
            f"save_to {run_config.save_to!r} must not contain '..'; give an absolute path instead"
        )
    return config.simulations_dir() / named


def _free(folder: Path) -> Path:
    """Return the folder, or one with a number.

    A name made from the time must not meet a run of the same minute.
    """
    names = itertools.chain(
        [folder], (folder.with_name(f"{folder.name}-{number}") for number in itertools.count(2))
    )
    return next(path for path in names if not path.exists())


def commit_hash() -> str:
    """Return the commit of the checkout this package runs from, or "unknown".

    Never that of the user's project.
    """
    git = config.PACKAGE_ROOT.parent / ".git"
    try:
        head = (git / "HEAD").read_text().strip()
        return (
            (git / head.removeprefix("ref: ")).read_text().strip()
            if head.startswith("ref: ")
            else head
        )
    except OSError:
        return "unknown"


def get_info(run_config: RunConfig, **overrides: Any) -> Info:
    """Return what is recorded of a run; `overrides` replace fields of the record."""
    return run_info(run_config, environment_of(run_config)(), **overrides)


def _prompt_form(run_config: RunConfig) -> str | None:
    """Return which prompt the model-driven user of a run is given; None for another user."""
    if run_config.user != "user_simulator":
        return None
    return form_of(run_config.llm_user, run_config.user_prompt)


def _voice_facts(voice: VoiceRunConfig) -> JsonObject:
    """Return what is recorded of a voice run only."""
    return {
        "text_streaming_config": None,
        "speech_complexity": voice.speech_complexity,
        "audio_native_config": without_secrets(voice.audio_native_config.model_dump()),
    }


def _voice_settings(settings: VoiceSettings | None) -> JsonObject | None:
    return without_secrets(settings.model_dump()) if settings is not None else None


def run_info(run_config: RunConfig, environment: Environment, **overrides: Any) -> Info:
    """Do what `get_info` does, with a fresh environment of the domain that exists already."""
    run_config = with_variant(run_config)
    info = environment.get_info()
    text = run_config if isinstance(run_config, TextRunConfig) else None
    voice = run_config if isinstance(run_config, VoiceRunConfig) else None
    persona = run_config.user_persona
    # A persona with weighted choices differs from one episode to the next.
    is_weighted = any(isinstance(value, dict) for value in (persona or {}).values())
    facts: JsonObject = {
        "git_commit": commit_hash(),
        "num_trials": run_config.num_trials,
        "max_steps": run_config.effective_max_steps,
        "max_errors": run_config.max_errors,
        "user_info": UserInfo(
            implementation=run_config.effective_user,
            llm=run_config.llm_user,
            llm_args=without_secrets(run_config.llm_args_user),
            persona_config=None if is_weighted else persona,
            voice_settings=_voice_settings(voice.user_voice_settings) if voice else None,
            prompt_form=_prompt_form(run_config),
        ),
        "agent_info": AgentInfo(
            implementation=run_config.effective_agent,
            llm=run_config.effective_agent_model,
            llm_args=without_secrets(_agent_args(run_config)),
            voice_settings=_voice_settings(voice.agent_voice_settings) if voice else None,
        ),
        "environment_info": EnvironmentInfo(domain_name=info.domain_name, policy=info.policy),
        "seed": run_config.seed,
        "retrieval_config": run_config.retrieval_config,
        "retrieval_config_kwargs": without_secrets(run_config.retrieval_config_kwargs or {})
        or None,
        "engine_version": __version__,
        "task_set_name": run_config.task_set_name or run_config.domain,
        "task_split_name": run_config.task_split_name,
        "judge": run_config.llm_judge or config.judge_model(),
        "strict_compat": environment.strict_compat,
        "timeout": run_config.timeout,
        "enforce_communication_protocol": text.enforce_communication_protocol if text else None,
        "protocol": run_config.protocol,
        "protocol_departures": _departures(run_config, environment),
    }
    more = _voice_facts(voice) if voice is not None else {}
    return Info.model_validate(facts | more | overrides)


def _departures(run_config: RunConfig, environment: Environment) -> list[str] | None:
    """Return where a run departs from its protocol; None for one without."""
    if run_config.protocol is None:
        return None
    from tau2.runner.protocols import departures  # noqa: PLC0415  -- most runs follow none

    return departures(run_config, environment)


def _agent_args(run_config: RunConfig) -> JsonObject:
    """Return the arguments of the model calls of the text agent of a run."""
    if isinstance(run_config, TextRunConfig):
        return run_config.effective_agent_args
    local = run_config.audio_native_config.local_config
    return local.llm_args if local is not None else {}
