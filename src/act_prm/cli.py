"""The command lines of `main.py` and `main_pytorch.py`: arguments, messages and exit codes.

Only this module and `progress` write to a terminal.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from act_prm.config import GeneratorConfig, ReplayBufferConfig, TrainerConfig
from act_prm.config.files import known_names, parse_value
from act_prm.progress import ProgressBars
from act_prm.run import Override, RunOptions, run
from act_prm.trainer import Interrupted
from tau2.errors import ConfigError, Tau2Error, UnknownName, nearest_name
from tau2.utils.json_types import JsonMapping, JsonObject
from tau2.utils.output import LogHandler, protected_output, show, show_error
from tau2.utils.terminal import Terminal, terminal
from tau2.utils.terminal_text import shell_command

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
        *(
            "seed",
            "replicate",
            "verbose",
            "resume_run",
            "load_checkpoint_path",
            "project_name",
            "report_to",
        ),
    }
)
"""Arguments of the run itself; all others are settings of configurations."""

_EXAMPLE = """\
a small run on a CPU, without a network:
  {program} --env_config tau2bench/mock --model_config tiny --lora_config r4_a8_all \\
    --generator_config grpo --trainer_config tiny_cpu_pg --seed 1

A run has a folder in --log_path: metrics.jsonl, reward_curve.svg, config.json, checkpoints/ and,
with --save_rollouts_every, rollouts/. Ctrl-C writes a checkpoint; the same command with
--resume_run continues from it. Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
"""


class _Parser(argparse.ArgumentParser):
    """Names the nearest argument to an unknown one."""

    def _print_message(self, message: str, file: Any = None) -> None:
        """Print help or an error; argparse itself writes to the stream."""
        if file is sys.stderr:
            show_error(message.removesuffix("\n"))
        else:
            show(message, end="")

    def parse_all(self, argv: Sequence[str]) -> JsonObject:
        """Return the given arguments by name."""
        given, unknown = self.parse_known_args(list(argv))
        if unknown:
            name = unknown[0].partition("=")[0]
            known = [option for action in self._actions for option in action.option_strings]
            near = nearest_name(name, known)
            hint = f"; did you mean {near}?" if near is not None else ""
            self.error(f"unknown argument {unknown[0]!r}{hint}")
        return vars(given)


def parser_of(program: str, *, pytorch: bool) -> _Parser:
    """Return the parser of a program."""
    where = "a Tinker service, or in this process where there is none"
    if pytorch:
        where = "PyTorch, in this process"
    parser = _Parser(
        prog=program,
        usage=f"python {program} --env_config NAME [--trainer_config NAME] [...]",
        description=f"Train a language model on tau2's tasks: {where}.",
        epilog=_EXAMPLE.format(program=f"python {program}"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    _add_configurations(parser.add_argument_group("configurations (names of files below configs/)"))
    _add_model(parser.add_argument_group("the model"))
    _add_run(parser.add_argument_group("the run"))
    settings = parser.add_argument_group(
        "settings",
        "Each applies to every configuration that has it.",
    )
    _add_settings(settings)
    return parser


def _add_configurations(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--env_config",
        required=True,
        metavar="NAME",
        help=_with_names("environments", "the training environment"),
    )
    group.add_argument(
        "--eval_env_config",
        metavar="NAME",
        help="the evaluation environment (default: the held-out tasks)",
    )
    group.add_argument(
        "--base_env_config", metavar="NAME", help="the environment of demonstrations"
    )
    group.add_argument(
        "--generator_config",
        metavar="NAME",
        help=_with_names("generator", "how trajectories are generated"),
    )
    group.add_argument(
        "--trainer_config", metavar="NAME", help=_with_names("trainer", "how the model is trained")
    )
    group.add_argument(
        "--replay_buffer_config",
        metavar="NAME",
        help=_with_names("replay_buffer", "the replay buffer"),
    )


def _with_names(kind: str, what: str) -> str:
    names = ", ".join(known_names(kind))
    return f"{what}: {names}" if names else what


def _add_model(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--model_config", metavar="NAME", help=_with_names("model", "how the model is loaded")
    )
    group.add_argument(
        "--lora_config",
        metavar="NAME",
        help=_with_names("lora", "the adapter; without one, all weights are trained"),
    )
    group.add_argument(
        "--model_name",
        metavar="MODEL",
        help="a Hugging Face name, a folder, a GGUF file, local/NAME, or tiny",
    )


def _add_run(group: argparse._ArgumentGroup) -> None:
    switch = argparse.BooleanOptionalAction
    group.add_argument(
        "--log_path", type=Path, metavar="FOLDER", help="the folder of all runs (default: logs)"
    )
    group.add_argument(
        "--run_name",
        metavar="NAME",
        help="the folder of this run (default: built from the names above)",
    )
    group.add_argument(
        "--seed", type=int, metavar="N", help="all random numbers are derived from it (default: 0)"
    )
    group.add_argument(
        "--replicate",
        type=int,
        metavar="N",
        help="the same run with other random numbers (default: 0)",
    )
    group.add_argument(
        "--is_async",
        action=switch,
        help="await the users of all episodes concurrently (default: on)",
    )
    group.add_argument("--verbose", action=switch, help="log more")
    group.add_argument(
        "--resume_run", action=switch, help="continue from the newest checkpoint of this run"
    )
    group.add_argument(
        "--load_checkpoint_path",
        type=Path,
        metavar="FOLDER",
        help="start with the model of a checkpoint",
    )
    group.add_argument(
        "--project_name", metavar="NAME", help="the project of the trackers (default: tau2)"
    )
    group.add_argument(
        "--report_to",
        metavar="NAMES",
        type=_names,
        help="also log to wandb, mlflow, tensorboard or trackio, or to several, with commas "
        "(default: none; with --project_name, wandb)",
    )
    group.add_argument(
        "--override",
        action="append",
        metavar="KIND.KEY=VALUE",
        type=Override.of,
        help="change any other setting, such as env.num_train_tasks=4; may be repeated",
    )


def _names(text: str) -> tuple[str, ...]:
    return tuple(filter(None, (name.strip() for name in text.split(","))))


def _add_settings(group: argparse._ArgumentGroup) -> None:
    fields = _setting_fields()
    for name in sorted(fields):
        field = fields[name]
        text = (field.description or "").replace("\n", " ").replace("%", "%%")
        if field.annotation is bool:
            group.add_argument(f"--{name}", action=argparse.BooleanOptionalAction, help=text)
        else:
            group.add_argument(f"--{name}", type=_value, metavar="VALUE", help=text)


def _setting_fields() -> dict[str, FieldInfo]:
    """Return the fields of trainers, generators and replay buffers that have an argument."""
    models: tuple[type[BaseModel], ...] = (ReplayBufferConfig, GeneratorConfig, TrainerConfig)
    fields = {name: field for model in models for name, field in model.model_fields.items()}
    return {
        name: field for name, field in fields.items() if name not in {"name", "tool_call_kwargs"}
    }


def _value(text: str) -> Any:
    """Return a value parsed as YAML, as in the files."""
    try:
        return parse_value(text)
    except ConfigError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def options_of(given: JsonMapping) -> RunOptions:
    """Return the parsed arguments as options."""
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
    with protected_output():
        console = terminal(stderr=True)
        return _guarded(lambda: _train(parser, words, console), [program, *words], parser)


def _train(parser: _Parser, words: list[str], console: Terminal) -> int:
    options = options_of(parser.parse_all(words))
    logging.basicConfig(
        level=logging.INFO if options.verbose else logging.WARNING,
        format="%(name)s: %(message)s",
        handlers=[LogHandler()],
    )
    with ProgressBars(console, verbose=bool(options.verbose)) as progress:
        finished = asyncio.run(run(options, progress, [parser.prog, *words]))
    show_error(f"done: {finished.state.batch} batches; see {finished.folder}")
    return OK


def _guarded(work: Callable[[], int], command: list[str], parser: _Parser) -> int:
    """Do the work; print a failure or interruption as a sentence, and return the exit code."""
    try:
        return work()
    except Interrupted as stopped:
        again = shell_command(
            ["python", *(word for word in command if word != "--resume_run"), "--resume_run"]
        )
        show_error(f"interrupted; a checkpoint is in {stopped.checkpoint}\ncontinue with: {again}")
        return INTERRUPTED
    except KeyboardInterrupt:
        show_error("interrupted at once; progress since the newest checkpoint is lost")
        return INTERRUPTED
    except (ConfigError, UnknownName) as mistake:
        show_error(f"{parser.prog}: {mistake}")
        return USAGE
    except Tau2Error as failure:
        show_error(f"{parser.prog}: {type(failure).__name__}: {failure}")
        return FAILED
