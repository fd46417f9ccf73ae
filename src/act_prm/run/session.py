"""One training run: its folder, model, environments and trainer, and Ctrl-C."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from act_prm.environments import Environment, get_env
from act_prm.llm_handlers.client import ServesOthers, TrainableModel
from act_prm.llm_handlers.load import load_model
from act_prm.metrics import Reporter, TrackedRun, Tracker, check_trackers, trackers_of
from act_prm.metrics.trackers import DEFAULT_PROJECT
from act_prm.replay_buffer import ReplayBuffer
from act_prm.run.options import RunOptions
from act_prm.run.resolve import Resolved, resolve
from act_prm.trainer import Trainer, TrainingContext, get_trainer
from act_prm.trainer.checkpoints import TrainerState, newest_checkpoint
from act_prm.trainer.update import HasReference
from tau2.errors import ConfigError
from tau2.seeds import derive_seed
from tau2.utils.json_types import JsonObject

logger = logging.getLogger(__name__)

CONFIG = "config.json"
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True)
class FinishedRun:
    """A run that was trained to its end."""

    folder: Path
    state: TrainerState


async def run(
    options: RunOptions, reporter: Reporter, command: list[str] | None = None
) -> FinishedRun:
    """Train as the options say.

    Raises:
        ConfigError, UnknownName, DataFileError: the options or configurations are invalid; raised
            before any model is called.
        Interrupted: Ctrl-C was pressed; a checkpoint was written.
    """
    check_trackers(options.trackers)
    resolved = resolve(options)
    folder = run_folder(options)
    environments = _environments(resolved)
    seed = derive_seed(options.seed or 0, "replicate", options.replicate)
    model = await load_model(resolved.model, resolved.lora, seed=seed)
    if isinstance(model, ServesOthers) and not model.is_first:
        # One of several processes: the first has the environments and writes the files.
        await model.serve()
        await model.close()
        return FinishedRun(folder, TrainerState())
    sinks: list[Tracker] = []
    try:
        _check_model(model, resolved)
        tracked = TrackedRun(
            options.project_name or DEFAULT_PROJECT, options.name, resolved.as_json(), folder
        )
        sinks = trackers_of(options.trackers, tracked)
        context = TrainingContext(
            model=model,
            folder=folder,
            config=resolved.trainer,
            generator=resolved.generator,
            buffer=ReplayBuffer(resolved.replay_buffer.max_size),
            prompt_form=str(resolved.model.get("prompt_form", "auto")),
            seed=seed,
            reporter=reporter,
            sinks=list(sinks),
            **environments,
        )
        resolved.write(folder / CONFIG, command)
        trainer = get_trainer(resolved.trainer.trainer_name)(context)
        await _prepare(trainer, options)
        with stops_on_interrupt(trainer, reporter):
            return FinishedRun(folder, await trainer.train())
    finally:
        for sink in sinks:
            sink.close()
        await model.close()


def run_folder(options: RunOptions) -> Path:
    """Return the folder of a run.

    Raise ConfigError when it has a run that is not to be resumed, or none that could be.
    """
    folder = options.log_path / options.name
    newest = newest_checkpoint(folder)
    if newest is not None and not options.resume_run:
        raise ConfigError(
            f"{folder} has a run already (newest checkpoint: {newest.name}); continue it with "
            "--resume_run, or start another one with --replicate N, --run_name NAME or another "
            "--log_path"
        )
    if newest is None and options.resume_run:
        raise ConfigError(f"{folder} has no checkpoint to resume from; leave out --resume_run")
    return folder


def _environments(resolved: Resolved) -> dict[str, Any]:
    evaluated = _env(resolved.eval_env) if resolved.trainer.eval_every else None
    if evaluated is not None and not len(evaluated):
        logger.warning("split %r has no tasks, so there is no evaluation", evaluated.split)
        evaluated = None
    base = _env(resolved.base_env) if resolved.base_env is not None else None
    return {"env": _env(resolved.env), "eval_env": evaluated, "base_env": base}


def _env(config: JsonObject) -> Environment:
    settings = dict(config)
    name = settings.pop("name", "tau2bench")
    return get_env(name, bool(settings.pop("is_async", True)), **settings)


def _check_model(model: TrainableModel, resolved: Resolved) -> None:
    if resolved.trainer.kl_penalty_coef and not isinstance(model, HasReference):
        raise ConfigError(
            f"kl_penalty_coef needs a model with a reference; {model.name} has none: set it to 0"
        )


async def _prepare(trainer: Trainer, options: RunOptions) -> None:
    if options.resume_run:
        path = await trainer.resume()
        trainer.context.reporter.note(f"resuming from {path}, after {trainer.state.batch} batches")
        return
    if options.load_checkpoint_path is not None:
        await trainer.load(options.load_checkpoint_path)
    trainer.start_fresh()


@contextmanager
def stops_on_interrupt(trainer: Trainer, reporter: Reporter) -> Iterator[None]:
    """Make Ctrl-C or SIGTERM stop the trainer with a checkpoint; a second one stops Python.

    Schedulers send SIGTERM before they take a machine away.
    """
    loop = asyncio.get_running_loop()

    def stop() -> None:
        for number in _STOP_SIGNALS:
            loop.remove_signal_handler(number)
        reporter.note(
            "stopping after a checkpoint (press Ctrl-C again to stop at once, without one)"
        )
        trainer.interrupt()

    try:
        for number in _STOP_SIGNALS:
            loop.add_signal_handler(number, stop)
    except (NotImplementedError, RuntimeError, ValueError):
        # Only the main thread of POSIX systems has signal handlers on a loop.
        yield
        return
    try:
        yield
    finally:
        for number in _STOP_SIGNALS:
            loop.remove_signal_handler(number)
