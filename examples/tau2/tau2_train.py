"""Train an agent on tau2 with AReaL.

    python examples/tau2/tau2_train.py --config examples/tau2/config.yaml econfig.domain=airline
    actor.path=<model>

The older form `allocation_mode=sglang:d4t2+archon:d4p2t1` is understood too. AReaL is imported when
training starts.
"""

from __future__ import annotations

import argparse
import dataclasses
import logging
import os
import secrets
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tau2_allocation import translated, translated_config
from tau2_policy import sampling_args
from tau2_utils import dataset_rows

from tau2.errors import ConfigError, MissingExtra, Tau2Error

WORKFLOW = (
    "tau2_agent.Tau2AgentWorkflow"  # by name: AReaL hands its workers this process's search path
)
FILTER = "tau2_utils.worth_training"
EVAL_TEMPERATURE = 0.6
FEWEST_ROWS = 128  # a split may hold fewer tasks than one batch; AReaL drops incomplete batches
_DEFAULT_ADMIN_KEY = (
    "areal-admin-key"  # published in AReaL's source: its proxy refuses to serve a network with it
)
_INSTALL = (
    "AReaL is not installed (or an import of its own failed): install torch for your machine "
    "first, then "
    "`pip install areal==1.0.4`; see docs/areal.md for a machine without GPUs"
)


def __getattr__(name: str) -> Any:
    """Load what needs AReaL on first use."""
    if name != "Tau2PPOConfig":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return config_class()


def config_class() -> Any:
    """Return Tau2PPOConfig. Raise MissingExtra that says how to install AReaL."""
    try:
        from tau2_config import Tau2PPOConfig
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "areal":
            raise
        raise MissingExtra(_INSTALL) from error
    return Tau2PPOConfig


def get_tau2_dataset(
    domain: str,
    type: str = "rl",  # noqa: A002  -- public name
    split: str = "train",
    *,
    at_least: int = 0,
) -> Any:
    """Return the tasks of a split as rows {"task_id", "split"}, all repeated to `at_least` rows.

    A `datasets.Dataset` where that package is installed, as with AReaL; else a list of the same
    rows.
    """
    if type != "rl":
        raise ConfigError(f"tau2 tasks are for type 'rl', not {type!r}")
    rows = dataset_rows(domain, split, at_least)
    try:
        from datasets import Dataset
    except ModuleNotFoundError:
        return rows
    return Dataset.from_list(rows)


def parsed(args: Sequence[str]) -> tuple[Path, list[str]]:
    """Return the configuration file and the overrides of a command line.

    A script's name before them is skipped.
    """
    words = list(args[1:]) if args and args[0].endswith(".py") else list(args)
    parser = argparse.ArgumentParser(
        prog="tau2_train.py", description="Train an agent on tau2 with AReaL."
    )
    parser.add_argument(
        "--config", required=True, help="the configuration file, such as examples/tau2/config.yaml"
    )
    known, overrides = parser.parse_known_args(words)
    path = Path(known.config)
    if not path.is_file():
        raise ConfigError(f"the configuration file {known.config!r} does not exist")
    return path, overrides


def load_config(args: Sequence[str]) -> Any:
    """Return the Tau2PPOConfig of a command line in the older or current form, by AReaL's parser.

    Raise ConfigError for what this example can tell is wrong, MissingExtra without AReaL.
    """
    kind = config_class()
    from areal.api.cli_args import load_expr_config

    path, overrides = parsed(args)
    parse = _areals_parser()
    with ExitStack() as stack:
        current = _current_form(path, parse, stack)
        config, _ = load_expr_config(
            ["--config", str(current), *translated(overrides, parse)], kind
        )
    config.econfig.check()
    share_discount(config)
    keep_private(config)
    return config


def _areals_parser() -> Callable[[str], object] | None:
    from areal.api import alloc_mode

    mode = getattr(alloc_mode, "_AllocationMode", None)  # kept, but hidden, for the combined form
    return getattr(mode, "from_str", None)


def _current_form(path: Path, parse: Callable[[str], object] | None, stack: ExitStack) -> Path:
    """Return the file, or a translated copy (while the stack is open) if it has older keys."""
    import yaml

    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise ConfigError(f"the configuration file {str(path)!r} does not hold a mapping")
    current = translated_config(content, parse)
    if current == {name: value for name, value in content.items() if name != "allocation_mode"}:
        return path
    copy = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "config.yaml"
    copy.write_text(yaml.safe_dump(current, sort_keys=False), encoding="utf-8")
    return copy


def share_discount(config: Any) -> None:
    """Let AReaL's proxy discount turns by `econfig.turn_discount`.

    Raise ConfigError when the two contradict.
    """
    agent, episode = config.rollout.agent, config.econfig
    if agent.turn_discount != episode.turn_discount:
        if 1.0 not in (agent.turn_discount, episode.turn_discount):
            raise ConfigError(
                f"econfig.turn_discount={episode.turn_discount} contradicts "
                "rollout.agent.turn_discount="
                f"{agent.turn_discount}; give the first one only"
            )
        agent.turn_discount = episode.turn_discount = min(
            agent.turn_discount, episode.turn_discount
        )


def keep_private(config: Any) -> None:
    """Replace AReaL's published admin key, after the configuration was written to disk."""
    key = secrets.token_urlsafe(32)
    for owner in (config.rollout, config.rollout.agent):
        if owner.admin_api_key == _DEFAULT_ADMIN_KEY:
            owner.admin_api_key = key


def datasets_of(config: Any) -> tuple[Any, Any]:
    """Return the training rows and, for evaluation, the validation rows or None."""
    train, valid = config.train_dataset, config.valid_dataset
    at_least = max(FEWEST_ROWS, train.batch_size)
    rows = get_tau2_dataset(
        config.econfig.domain, train.type, split_of(train.path), at_least=at_least
    )
    if not config.do_eval:
        return rows, None
    if valid is None:
        raise ConfigError("do_eval=true needs a valid_dataset")
    return rows, get_tau2_dataset(config.econfig.domain, valid.type, split_of(valid.path))


def split_of(path: str) -> str:
    """Return the split that a dataset's path such as "tau2/train" names."""
    return path.rstrip("/").rpartition("/")[2]


def workflow_arguments(config: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the workflow's constructor arguments for training and evaluation, as plain data."""
    sampling, evaluation = sampling_args(config.gconfig), sampling_args(config.eval_gconfig)
    if evaluation == sampling:
        evaluation = {**evaluation, "temperature": EVAL_TEMPERATURE}
    episode = dataclasses.asdict(config.econfig)
    return {"econfig": episode, "gen_args": sampling}, {"econfig": episode, "gen_args": evaluation}


def check_process(config: Any) -> None:
    """Raise ConfigError where AReaL 1.0.4 cannot serve agents, before anything is started."""
    if os.environ.get("AREAL_SPMD_MODE", "0").lower() in {"1", "true"}:
        raise ConfigError(
            "AReaL serves agents only from a single controller, not under areal.infra.launcher.*: "
            "run "
            "`python tau2_train.py ... scheduler.type=local` (or slurm), or tau2_rl.sh, which does"
        )
    if config.scheduler.type not in {"local", "slurm"}:
        raise ConfigError(
            f"scheduler.type must be local or slurm for agents, not {config.scheduler.type!r}"
        )


def _log_to_file(config: Any) -> None:
    from areal.utils.stats_logger import StatsLogger

    handler = logging.FileHandler(
        Path(StatsLogger.get_log_path(config.stats_logger)) / "tau2.log", encoding="utf-8"
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    for name in ("tau2", "tau2_agent"):
        logging.getLogger(name).addHandler(handler)


def main(args: Sequence[str]) -> None:
    """Train as a command line says.

    Raise ConfigError before anything is started when it cannot work.
    """
    config = load_config(args)
    check_process(config)
    train, valid = datasets_of(config)
    arguments, eval_arguments = workflow_arguments(config)
    _log_to_file(config)
    from areal import PPOTrainer

    with PPOTrainer(config, train_dataset=train, valid_dataset=valid) as trainer:
        trainer.train(
            workflow=WORKFLOW,
            workflow_kwargs=arguments,
            eval_workflow=WORKFLOW if valid is not None else None,
            eval_workflow_kwargs=eval_arguments if valid is not None else None,
            dynamic_filter_fn=FILTER,
        )


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Tau2Error as problem:
        sys.exit(f"tau2_train.py: {problem}")
