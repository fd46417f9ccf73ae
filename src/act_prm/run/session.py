"""One run: its folder, its model and environments, its trainer, and what Ctrl-C does to it."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from act_prm.environments import get_env
from act_prm.llm_handlers.client import TrainableModel
from act_prm.llm_handlers.load import load_model
from act_prm.metrics import Reporter, WandbLog
from act_prm.replay_buffer import ReplayBuffer
from act_prm.run.options import RunOptions
from act_prm.run.resolve import Resolved, resolve
from act_prm.trainer import Trainer, TrainingContext, get_trainer
from act_prm.trainer.checkpoints import TrainerState, newest_checkpoint
from act_prm.trainer.update import HasReference
from tau2.errors import ConfigError
from tau2.seeds import derive_seed

logger = logging.getLogger(__name__)

CONFIG = "config.json"


@dataclass(frozen=True)
class FinishedRun:
    """A run that came to its end."""

    folder: Path
    state: TrainerState


async def run(
    options: RunOptions, reporter: Reporter, command: list[str] | None = None
) -> FinishedRun:
    """Train as the options say and return how far that was.

    Raise ConfigError and its like before anything is paid for, and Interrupted after Ctrl-C, with a checkpoint left.
    """
    resolved = resolve(options)
    folder = run_folder(options)
    environments = _environments(resolved)
    seed = derive_seed(options.seed or 0, "replicate", options.replicate)
    model = await load_model(resolved.model, resolved.lora, seed=seed)
    sinks: list[WandbLog] = []
    try:
        _check_model(model, resolved)
        if options.project_name:
            sinks.append(
                WandbLog(options.project_name, options.name, resolved.as_json(), str(folder))
            )
        context = TrainingContext(
            model=model,
            folder=folder,
            config=resolved.trainer,
            generator=resolved.generator,
            buffer=ReplayBuffer(resolved.replay_buffer.max_size),
            seed=seed,
            reporter=reporter,
            sinks=list(sinks),
            **environments,
        )
        _write_config(folder, resolved, command)
        trainer = get_trainer(resolved.trainer.trainer_name)(context)
        await _prepare(trainer, options)
        with stops_on_interrupt(trainer, reporter):
            return FinishedRun(folder, await trainer.train())
    finally:
        for sink in sinks:
            sink.close()
        await model.close()


def run_folder(options: RunOptions) -> Path:
    """Return the folder of a run. Raise ConfigError for one that holds another run or has none to resume."""
    folder = options.log_path / options.name
    newest = newest_checkpoint(folder)
    if newest is not None and not options.resume_run:
        raise ConfigError(
            f"{folder} holds a run already (newest checkpoint: {newest.name}); go on with it by --resume_run, or "
            "begin another one with --replicate N, --run_name NAME or another --log_path"
        )
    if newest is None and options.resume_run:
        raise ConfigError(f"{folder} has no checkpoint to resume from; leave out --resume_run")
    return folder


def _environments(resolved: Resolved) -> dict[str, Any]:
    evaluated = _env(resolved.eval_env) if resolved.trainer.eval_every else None
    if evaluated is not None and not len(evaluated):
        logger.warning("split %r has no tasks: there is no evaluation", evaluated.split)
        evaluated = None
    base = _env(resolved.base_env) if resolved.base_env is not None else None
    return {"env": _env(resolved.env), "eval_env": evaluated, "base_env": base}


def _env(config: dict[str, Any]) -> Any:
    settings = dict(config)
    name = settings.pop("name", "tau2bench")
    return get_env(name, bool(settings.pop("is_async", False)), **settings)


def _check_model(model: TrainableModel, resolved: Resolved) -> None:
    if resolved.trainer.kl_penalty_coef and not isinstance(model, HasReference):
        raise ConfigError(
            f"kl_penalty_coef needs a model with a reference; {model.name} has none: set it to 0"
        )


def _write_config(folder: Path, resolved: Resolved, command: list[str] | None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    told = {"command": command, **resolved.as_json()} if command else resolved.as_json()
    (folder / CONFIG).write_text(
        json.dumps(told, indent=1, ensure_ascii=False, default=str) + "\n", encoding="utf-8"
    )


async def _prepare(trainer: Trainer, options: RunOptions) -> None:
    if options.resume_run:
        path = await trainer.resume()
        trainer.context.reporter.note(f"going on from {path}, after {trainer.state.batch} batches")
        return
    if options.load_checkpoint_path is not None:
        await trainer.load(options.load_checkpoint_path)
    trainer.start_anew()


@contextmanager
def stops_on_interrupt(trainer: Trainer, reporter: Reporter) -> Iterator[None]:
    """Let the first Ctrl-C stop the trainer in good order; the second one is Python's own."""
    loop = asyncio.get_running_loop()

    def stop() -> None:
        loop.remove_signal_handler(signal.SIGINT)
        reporter.note(
            "stopping; a checkpoint is written first (Ctrl-C again stops at once, without one)"
        )
        trainer.interrupt()

    try:
        loop.add_signal_handler(signal.SIGINT, stop)
    except (
        NotImplementedError,
        RuntimeError,
        ValueError,
    ):  # not the main thread, or no such signals here
        yield
        return
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
