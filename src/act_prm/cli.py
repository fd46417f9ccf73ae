"""The command lines of `main.py` and `main_pytorch.py`: their arguments, their progress, their exit codes.

With `progress`, the only module of the package that speaks to a terminal.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from rich.console import Console

from act_prm.config import GeneratorConfig, ReplayBufferConfig, TrainerConfig
from act_prm.config.files import known_names, parse_value
from act_prm.progress import ProgressBars
from act_prm.run import Override, RunOptions, run
from act_prm.trainer import Interrupted
from tau2.errors import ConfigError, Tau2Error, UnknownName

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130

_OWN = frozenset(
    {
        *("env_config", "eval_env_config", "base_env_config", "generator_config", "trainer_config"),
        *(
            "replay_buffer_config",
            "model_config",
            "lora_config",
            "model_name",
            "log_path",
            "run_name",
            "is_async",
        ),
        *("seed", "replicate", "verbose", "resume_run", "load_checkpoint_path", "project_name"),
    }
)
"""The arguments that are about the run itself; all others are settings of configurations."""

_EXAMPLE = """\
a small run on a CPU, without a network:
  {program} --env_config tau2bench/mock --model_config tiny --lora_config r4_a8_all \\
    --generator_config grpo --trainer_config tiny_cpu_pg --seed 1

A run leaves a folder in --log_path: metrics.jsonl, reward_curve.svg, config.json, checkpoints/ and, where the trainer
is told to keep them, rollouts/. Ctrl-C leaves a checkpoint; the same command with --resume_run goes on from it.
Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
"""


class _Parser(argparse.ArgumentParser):
    """Names the nearest argument to one that it does not know."""

    def parse_all(self, argv: Sequence[str]) -> dict[str, Any]:
        """Return what was given, by name."""
        given, unknown = self.parse_known_args(list(argv))
        if unknown:
            self.error(self._told(unknown))
        return vars(given)

    def _told(self, unknown: Sequence[str]) -> str:
        name = unknown[0].partition("=")[0]
        known = [option for action in self._actions for option in action.option_strings]
        near = get_close_matches(name, known, n=1, cutoff=0.5)
        return f"unknown argument {unknown[0]!r}" + (f"; did you mean {near[0]}?" if near else "")


def parser_of(program: str, *, pytorch: bool) -> _Parser:
    """Return the parser of a program."""
    where = (
        "PyTorch, in this process"
        if pytorch
        else "a Tinker service, or in this process where there is none"
    )
    parser = _Parser(
        prog=program,
        usage=f"python {program} --env_config NAME [--trainer_config NAME] [--generator_config NAME] [...]",
        description=f"Train a language model on tau2's tasks: {where}.",
        epilog=_EXAMPLE.format(program=f"python {program}"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    _add_configurations(
        parser.add_argument_group("what is put together (names of files below configs/)")
    )
    _add_model(parser.add_argument_group("the model"))
    _add_run(parser.add_argument_group("the run"))
    settings = parser.add_argument_group(
        "settings",
        "Each changes every configuration that has it; what is not given stays as configured.",
    )
    _add_settings(settings)
    return parser


def _add_configurations(group: Any) -> None:
    group.add_argument(
        "--env_config", required=True, metavar="NAME", help=_named("environments", "trained in")
    )
    group.add_argument(
        "--eval_env_config", metavar="NAME", help="evaluated in (default: the held-out tasks of it)"
    )
    group.add_argument(
        "--base_env_config", metavar="NAME", help="whose reference episodes are demonstrations"
    )
    group.add_argument(
        "--generator_config",
        metavar="NAME",
        help=_named("generator", "how trajectories come about"),
    )
    group.add_argument(
        "--trainer_config", metavar="NAME", help=_named("trainer", "what is done with them")
    )
    group.add_argument(
        "--replay_buffer_config", metavar="NAME", help=_named("replay_buffer", "what is kept")
    )


def _named(kind: str, what: str) -> str:
    names = ", ".join(known_names(kind))
    return f"{what}: {names}" if names else what


def _add_model(group: Any) -> None:
    group.add_argument(
        "--model_config", metavar="NAME", help=_named("model", "how the model is loaded")
    )
    group.add_argument(
        "--lora_config", metavar="NAME", help=_named("lora", "its adapter; none: all is trained")
    )
    group.add_argument(
        "--model_name", metavar="MODEL", help="a Hugging Face name, a folder, or tiny"
    )


def _add_run(group: Any) -> None:
    switch = argparse.BooleanOptionalAction
    group.add_argument(
        "--log_path", type=Path, metavar="FOLDER", help="where runs are kept (default: logs)"
    )
    group.add_argument(
        "--run_name", metavar="NAME", help="the run's own folder (default: made of the names above)"
    )
    group.add_argument(
        "--seed", type=int, metavar="N", help="all randomness follows from it (default: 0)"
    )
    group.add_argument(
        "--replicate", type=int, metavar="N", help="the same run with other draws (default: 0)"
    )
    group.add_argument(
        "--is_async", action=switch, help="let episodes wait for their models together"
    )
    group.add_argument("--verbose", action=switch, help="say more")
    group.add_argument(
        "--resume_run", action=switch, help="go on from the newest checkpoint of this run"
    )
    group.add_argument(
        "--load_checkpoint_path",
        type=Path,
        metavar="FOLDER",
        help="begin with a checkpoint's model",
    )
    group.add_argument(
        "--project_name", metavar="NAME", help="also log to this project of Weights & Biases"
    )
    group.add_argument(
        "--override", action="append", metavar="KIND.KEY=VALUE", type=Override.of,
        help="change any other setting, such as env.num_train_tasks=4; may be repeated",
    )  # fmt: skip


def _add_settings(group: Any) -> None:
    fields = _setting_fields()
    for name in sorted(fields):
        field = fields[name]
        told = (field.description or "").replace("\n", " ").replace("%", "%%")
        if field.annotation is bool:
            group.add_argument(f"--{name}", action=argparse.BooleanOptionalAction, help=told)
        else:
            group.add_argument(f"--{name}", type=_value, metavar="VALUE", help=told)


def _setting_fields() -> dict[str, Any]:
    """Return the fields of trainers, generators and replay buffers that one word on the command line can set."""
    models: tuple[type[BaseModel], ...] = (ReplayBufferConfig, GeneratorConfig, TrainerConfig)
    fields = {name: field for model in models for name, field in model.model_fields.items()}
    return {
        name: field for name, field in fields.items() if name not in {"name", "tool_call_kwargs"}
    }


def _value(text: str) -> Any:
    """Return a value read as YAML, so that null, numbers and texts are what they are in the files."""
    try:
        return parse_value(text)
    except ConfigError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def options_of(given: Mapping[str, Any]) -> RunOptions:
    """Return the parsed arguments as options; what was not given keeps its default."""
    own = {name: value for name, value in given.items() if name in _OWN}
    settings = {
        name: value for name, value in given.items() if name not in _OWN and name != "override"
    }
    return RunOptions(**own, given=settings, overrides=tuple(given.get("override", ())))


def main(argv: Sequence[str] | None = None, *, program: str = "main.py") -> int:
    """Run the command line of `main.py` and return its exit code."""
    return _main(argv, program, pytorch=False)


def main_pytorch(argv: Sequence[str] | None = None, *, program: str = "main_pytorch.py") -> int:
    """Run the command line of `main_pytorch.py` and return its exit code."""
    return _main(argv, program, pytorch=True)


def _main(argv: Sequence[str] | None, program: str, *, pytorch: bool) -> int:
    words = list(sys.argv[1:] if argv is None else argv)
    parser = parser_of(program, pytorch=pytorch)
    console = Console(stderr=True)
    return _guarded(lambda: _train(parser, words, console), console, [program, *words], parser)


def _train(parser: _Parser, words: list[str], console: Console) -> int:
    options = options_of(parser.parse_all(words))
    logging.basicConfig(
        level=logging.INFO if options.verbose else logging.WARNING, format="%(name)s: %(message)s"
    )
    with ProgressBars(console, verbose=bool(options.verbose)) as watcher:
        outcome = asyncio.run(run(options, watcher, [parser.prog, *words]))
    console.print(
        f"done: {outcome.state.batch} batches; see {outcome.folder}",
        highlight=False,
        soft_wrap=True,
    )
    return OK


def _guarded(work: Callable[[], int], console: Console, command: list[str], parser: _Parser) -> int:
    """Do the work; tell failures and interruptions in a sentence, as an exit code."""

    def tell(text: str) -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    try:
        return work()
    except Interrupted as stopped:
        again = shlex.join(
            ["python", *(word for word in command if word != "--resume_run"), "--resume_run"]
        )
        tell(f"interrupted; a checkpoint is in {stopped.checkpoint}\ngo on with: {again}")
        return INTERRUPTED
    except KeyboardInterrupt:
        tell("interrupted at once; what was learned since the newest checkpoint is lost")
        return INTERRUPTED
    except (ConfigError, UnknownName) as mistake:
        tell(f"{parser.prog}: {mistake}")
        return USAGE
    except Tau2Error as failure:
        tell(f"{parser.prog}: {type(failure).__name__}: {failure}")
        return FAILED
