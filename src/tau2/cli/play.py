"""`tau2 play`: a person in the seat of the agent or of the customer."""

from __future__ import annotations

import argparse
import re
import shlex
import sys
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tau2 import config as settings
from tau2.cli.exit_codes import INTERRUPTED, OK
from tau2.cli.flags import read_json_object
from tau2.cli.parsing import CommandParser
from tau2.data_model.run_config import TextRunConfig
from tau2.errors import ConfigError, UnknownName

if TYPE_CHECKING:
    from rich.console import Console

    from tau2.data_model.tasks import Task
    from tau2.rollout import Rollout
    from tau2.view.stage import Stage

_EPILOG = """\
What is not given is asked for; Enter takes the answer in brackets, none of which needs
a model or a key.

while you play:
  words                          go to the other side
  get_user(user_id=user_1)       calls a tool; JSON with name and arguments does too
  /policy /task /tools           what there is to know
  /undo                          takes your last move back
  /done                          ends the conversation; it is then graded
  /help                          the rest; the tab key completes names

examples:
  tau2 play
  tau2 play --domain mock --task-id create_task_1
  tau2 play --domain retail --as user \\
      --agent llm_agent --agent-llm openai/gpt-4.1"""

_SEATS = ("agent", "user")
_PERSON = "person"


def add_arguments(parser: CommandParser) -> None:
    """Add what is played, from which seat, against whom, and where it is saved."""
    parser.epilog = _EPILOG
    parser.set_defaults(domain=None, task_id=None, seat=None)
    what = parser.add_argument_group("what is played")
    what.add_argument(
        "-d", "--domain", metavar="NAME", help="the company (asked for when not given)"
    )
    what.add_argument("--task-id", metavar="ID", help="the task (asked for when not given)")
    what.add_argument(
        "--as", dest="seat", choices=_SEATS, help="the side you play (asked for when not given)"
    )
    what.add_argument(
        "--seed", type=int, default=settings.DEFAULT_SEED, metavar="N", help="seed of the episode"
    )
    what.add_argument(
        "--max-steps",
        type=int,
        default=settings.DEFAULT_MAX_STEPS,
        metavar="N",
        help="steps at most",
    )
    other = parser.add_argument_group("the other side")
    other.add_argument(
        "--agent", metavar="NAME", default="oracle_agent", help="default: oracle_agent, no model"
    )
    other.add_argument(
        "--agent-llm", metavar="MODEL", default=settings.DEFAULT_LLM_AGENT, help="the agent's model"
    )
    other.add_argument(
        "--agent-llm-args", metavar="JSON", type=read_json_object, default={}, help="its arguments"
    )
    other.add_argument(
        "--user", metavar="NAME", default="scripted_user", help="default: scripted_user, no model"
    )
    other.add_argument(
        "--user-llm", metavar="MODEL", default=settings.DEFAULT_LLM_USER, help="the user's model"
    )
    other.add_argument(
        "--user-llm-args", metavar="JSON", type=read_json_object, default={}, help="its arguments"
    )
    saved = parser.add_argument_group("what is kept")
    saved.add_argument(
        "--save-to",
        metavar="NAME",
        default=None,
        help="name of the run (default: made from the time)",
    )
    saved.add_argument("--no-save", action="store_true", default=False, help="keep nothing")


def run(options: argparse.Namespace) -> int:
    """Play one episode; return 0, or 130 when it was interrupted."""
    from tau2.report.terminal.console import terminal
    from tau2.view.stage import Stage

    try:
        _ask_for_the_rest(options)
    except EOFError:
        print()
        raise ConfigError("nothing was chosen; give --domain, --task-id and --as") from None
    _check_names(options)
    folder, config = _place(options)
    console = terminal()
    rollout, task = _rollout(options, console)
    stage = Stage(rollout, console.print)
    try:
        _say_hello(stage, console)
        stage.begin(task, options.seed)
        code = _play(stage)
        return _ended(stage, code, folder, config)
    finally:
        stage.rollout.close()


# --- before the first word ------------------------------------------------------------------------------------------


def _ask_for_the_rest(options: argparse.Namespace) -> None:
    from tau2.registry import registry

    if options.domain is None:
        options.domain = _chosen("domain", registry.get_domains(), "mock")
    if options.seat is None:
        options.seat = _chosen("you play the", list(_SEATS), "agent")
    if options.task_id is None:
        ids = _task_ids(options.domain)
        options.task_id = _chosen("task", ids, ids[0])


def _chosen(what: str, names: list[str], default: str) -> str:
    """Ask until the answer is one of the names, or empty for the default."""
    most = 8
    shown = ", ".join(names[:most]) + (f", … {len(names) - most} more" if len(names) > most else "")
    print(f"{what}: {shown}")
    while True:
        answer = input(f"  [{default}] ").strip() or default
        if answer in names:
            return answer
        print(f"  {UnknownName(what, answer, names)}")


def _task_ids(domain: str) -> list[str]:
    from tau2.runner.tasks import load_tasks

    return [task.id for task in load_tasks(domain)]


def _check_names(options: argparse.Namespace) -> None:
    """Raise UnknownName for a domain, agent or user that does not exist."""
    from tau2.cli.preflight import check_names

    check_names(TextRunConfig(domain=options.domain, agent=options.agent, user=options.user))


def _place(options: argparse.Namespace) -> tuple[Path | None, TextRunConfig]:
    """Return where the conversation is saved. Raise ConfigError for a run that lies there already."""
    from tau2.runner.tasks import run_folder
    from tau2.storage.store import RunStore

    other = options.user if options.seat == "agent" else options.agent
    players = [_PERSON, other] if options.seat == "agent" else [other, _PERSON]
    time = datetime.now().strftime("%Y%m%d_%H%M%S")  # noqa: DTZ005  -- a person reads it on their own clock
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", "_".join([time, options.domain, *players]))
    config = TextRunConfig(
        domain=options.domain,
        agent=options.agent,
        user=options.user,
        llm_agent=options.agent_llm,
        llm_args_agent=options.agent_llm_args,
        llm_user=options.user_llm,
        llm_args_user=options.user_llm_args,
        seed=options.seed,
        max_steps=options.max_steps,
        task_ids=[options.task_id],
        save_to=options.save_to or name,
    )
    if options.no_save:
        return None, config
    folder = run_folder(config)
    if RunStore(folder).exists():
        raise ConfigError(f"{folder} holds a run already; choose another name with --save-to")
    return folder, config


def _rollout(options: argparse.Namespace, console: Console) -> tuple[Rollout, Task]:
    from rich.text import Text

    from tau2.evaluator.evaluator import EvaluationType
    from tau2.rollout import Rollout, RolloutSetup
    from tau2.rollout.model_checks import require_judge

    cast = RolloutSetup(
        options.domain,
        user=options.user,
        agent=options.agent,
        llm_user=options.user_llm,
        llm_args_user=options.user_llm_args,
        llm_agent=options.agent_llm,
        llm_args_agent=options.agent_llm_args,
        max_steps=options.max_steps,
    )
    task = cast.find_task(options.task_id)
    graded = EvaluationType.ALL
    try:
        require_judge(task, graded, None)
    except ConfigError:
        graded = EvaluationType.ENV
        console.print(
            Text(
                "no judge model can be asked here, so only the databases are graded", style="yellow"
            )
        )
    return Rollout(cast, role=options.seat, evaluation_type=graded), task


# --- the conversation -----------------------------------------------------------------------------------------------


def _say_hello(stage: Stage, console: Console) -> None:
    from rich.text import Text

    who = stage.rollout.role.value
    console.print(
        Text(
            f"\nyou are the {who}; /task and /policy say what it is about, /help what can be typed\n"
        )
    )


def _play(stage: Stage) -> int:
    """Read lines until the episode is over; return the exit code."""
    who = stage.rollout.role.value
    _complete_with(stage)
    try:
        while not stage.is_over:
            stage.answer(input(f"{who}> "))
    except EOFError:
        print()
    except KeyboardInterrupt:
        print()
        return INTERRUPTED
    return OK


def _complete_with(stage: Stage) -> None:
    """Have the tab key complete names, where the terminal's line editor can."""
    if not sys.stdin.isatty():
        return
    with suppress(ImportError):  # no line editor on this machine: names are typed in full
        import readline

        def candidate(word: str, number: int) -> str | None:
            line = readline.get_line_buffer()[: readline.get_endidx()]
            found = stage.completions(line, word)
            return found[number] if number < len(found) else None

        readline.set_completer_delims(" \t\n(,")
        readline.set_completer(candidate)
        readline.parse_and_bind("tab: complete")


def _ended(stage: Stage, code: int, folder: Path | None, config: TextRunConfig) -> int:
    """Save what was played to its end, and say what happened."""
    run = stage.rollout.run
    if run is None:
        moves = len(stage.rollout.steps)
        print(
            f"left after {moves} move{'s' if moves != 1 else ''}, before the end: not graded and not saved"
        )
        return code
    if folder is None:
        print("\nnot saved, as asked")
        return code
    _save(stage.rollout, folder, config)
    from tau2.report.terminal.console import save_name

    print(f"\nsaved to {folder}\nlook at it with: tau2 view {shlex.quote(save_name(folder))}")
    return code


def _save(rollout: Rollout, folder: Path, config: TextRunConfig) -> None:
    """Write the conversation as a run of one simulation."""
    from tau2.data_model.simulation import AgentInfo, UserInfo
    from tau2.runner.tasks import get_info
    from tau2.storage.store import RunStore

    seat: dict[str, Any] = (
        {"agent_info": AgentInfo(implementation=_PERSON)}
        if rollout.role.value == "agent"
        else {"user_info": UserInfo(implementation=_PERSON)}
    )
    run = rollout.run
    assert run is not None, "only an episode that is over is saved"
    run.trial, run.seed = 0, config.seed
    store = RunStore(folder)
    store.open(get_info(config, **seat), [rollout.task], resume=False)
    try:
        store.save(run)
        store.finish()
    finally:
        store.close()
