"""`tau2 play`: a person plays the agent or the customer."""

from __future__ import annotations

import argparse
import asyncio
import re
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tau2 import config as settings
from tau2.cli.exit_codes import INTERRUPTED, OK
from tau2.cli.flags import read_json_object
from tau2.cli.parsing import CommandParser
from tau2.data_model.run_config import TextRunConfig
from tau2.errors import ConfigError, UnknownName
from tau2.utils.output import read_line, show
from tau2.utils.terminal_text import named, shell_word
from tau2.utils.text import plural

if TYPE_CHECKING:
    from rich.console import Console

    from tau2.data_model.tasks import Task
    from tau2.rollout import Rollout
    from tau2.view.content.blocks import Block
    from tau2.view.content.play import PlaySession

_EPILOG = """\
On a terminal, this opens an application to play in; with --plain, and where input or
output is not a terminal, lines are read and printed. What is not given is asked for;
Enter takes the first choice. No first choice needs a model or a key.

while you play:
  text                           is sent to the other participant
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

_ROLES = {"agent": "with the company's tools", "user": "the customer"}
_PERSON = "person"
_NOTHING_CHOSEN = "nothing was chosen; give --domain, --task-id and --as"
_Ask = Callable[[str, Sequence[tuple[str, str]], str], str]
"""Asks for one of several names, each given with what it is about, and knows the default."""
_HELLO = "/task and /policy say what it is about, /help what can be typed"
_COLOURS = {
    "good": "green",
    "bad": "red",
    "warn": "yellow",
    "dim": "dim",
    "agent": "cyan",
    "user": "green",
    "call": "yellow",
    "task": "blue",
}
"""Colours of what is printed, by style of `tau2.view.content.blocks`."""


def add_arguments(parser: CommandParser) -> None:
    """Add what is played, in which role, with whom, and where it is saved."""
    parser.epilog = _EPILOG
    parser.set_defaults(domain=None, task_id=None, role=None)
    what = parser.add_argument_group("what is played")
    what.add_argument(
        "-d", "--domain", metavar="NAME", help="the company (asked for when not given)"
    )
    what.add_argument("--task-id", metavar="ID", help="the task (asked for when not given)")
    what.add_argument(
        "--as",
        dest="role",
        choices=list(_ROLES),
        help="the side you play (asked for when not given)",
    )
    what.add_argument(
        "--retrieval-config",
        metavar="NAME",
        default=None,
        help="retrieval variant of a domain that has them (see tau2 domain NAME)",
    )
    what.add_argument(
        "--retrieval-config-kwargs",
        metavar="JSON",
        type=read_json_object,
        default=None,
        help="arguments of the retrieval variant",
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
    other = parser.add_argument_group("the other participant")
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
    form = parser.add_argument_group("form")
    form.add_argument(
        "--plain",
        action="store_true",
        default=False,
        help="read and print lines, also on a terminal",
    )


def run(options: argparse.Namespace) -> int:
    """Play one episode; return 0, or 130 when it was interrupted."""
    from tau2.report.terminal.console import terminal
    from tau2.view.terminals import is_usable

    in_application = not options.plain and is_usable()
    _ask_for_the_rest(options, _marked if in_application else _typed)
    _check_names(options)
    folder, config = _place(options)
    console = terminal()
    rollout, task = _rollout(options, console)
    episode = _Episode(rollout, task, folder, config)
    play = _in_application if in_application else _in_lines
    return play(episode, console)


# --- before the first word ------------------------------------------------------------------------


def _ask_for_the_rest(options: argparse.Namespace, ask: _Ask) -> None:
    """Ask for what the arguments leave open. Raise ConfigError when nothing is chosen."""
    from tau2.registry import registry
    from tau2.runner.tasks import load_tasks

    if options.domain is None:
        options.domain = ask("domain", [(name, "") for name in registry.get_domains()], "mock")
    if options.role is None:
        options.role = ask("you play the", list(_ROLES.items()), "agent")
    if options.task_id is None:
        tasks = load_tasks(options.domain)
        about = [task.description.purpose or "" if task.description else "" for task in tasks]
        names = [task.id for task in tasks]
        options.task_id = ask("task", list(zip(names, about, strict=True)), names[0])


def _marked(what: str, names: Sequence[tuple[str, str]], default: str) -> str:
    """Ask in an application."""
    from tau2.view.choose import ChooseApp

    app = ChooseApp(what, names, default)
    app.run()
    if app.return_code == INTERRUPTED:
        raise KeyboardInterrupt
    if app.chosen is None:
        raise ConfigError(_NOTHING_CHOSEN)
    return app.chosen


def _typed(what: str, names: Sequence[tuple[str, str]], default: str) -> str:
    """Ask until the answer is one of the names, or empty for the default."""
    most, known = 8, [name for name, _ in names]
    more = f", … {len(known) - most} more" if len(known) > most else ""
    show(f"{what}: {', '.join(known[:most])}{more}")
    while True:
        try:
            answer = read_line(f"  [{default}] ").strip() or default
        except EOFError:
            show()
            raise ConfigError(_NOTHING_CHOSEN) from None
        if answer in known:
            return answer
        show(f"  {UnknownName(what, answer, known)}")


def _check_names(options: argparse.Namespace) -> None:
    """Raise UnknownName for a domain, agent or user that does not exist."""
    from tau2.cli.preflight import check_names

    check_names(
        TextRunConfig(
            domain=options.domain,
            agent=options.agent,
            user=options.user,
            retrieval_config=options.retrieval_config,
            retrieval_config_kwargs=options.retrieval_config_kwargs,
        )
    )


def _place(options: argparse.Namespace) -> tuple[Path | None, TextRunConfig]:
    """Return where the conversation is saved. Raise ConfigError where a run lies already."""
    from tau2.runner.tasks import run_folder
    from tau2.storage.store import RunStore

    other = options.user if options.role == "agent" else options.agent
    players = [_PERSON, other] if options.role == "agent" else [other, _PERSON]
    time = datetime.now().strftime("%Y%m%d_%H%M%S")  # noqa: DTZ005  -- a person reads it
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
        retrieval_config=options.retrieval_config,
        retrieval_config_kwargs=options.retrieval_config_kwargs,
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

    setup = RolloutSetup(
        options.domain,
        user=options.user,
        agent=options.agent,
        llm_user=options.user_llm,
        llm_args_user=options.user_llm_args,
        llm_agent=options.agent_llm,
        llm_args_agent=options.agent_llm_args,
        max_steps=options.max_steps,
        retrieval_config=options.retrieval_config,
        retrieval_config_kwargs=options.retrieval_config_kwargs,
    )
    task = setup.find_task(options.task_id)
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
    return Rollout(setup, role=options.role, evaluation_type=graded), task


# --- the conversation -----------------------------------------------------------------------------


class _Episode(NamedTuple):
    """What is played, and where it is saved."""

    rollout: Rollout
    task: Task
    folder: Path | None
    config: TextRunConfig

    def save(self, session: PlaySession) -> str:
        """Save what was played, unless nothing is kept; return what was done, as a sentence."""
        from tau2.report.terminal.console import save_name

        if self.folder is None:
            return "not saved, as asked"
        _save(session.rollout, self.folder, self.config)
        name = shell_word(save_name(self.folder))
        return f"saved to {named(self.folder)}\nlook at it with: tau2 view {name}"


def _in_application(episode: _Episode, console: Console) -> int:
    """Play in the application; print afterwards what became of the conversation."""
    from tau2.view.content.blocks import grading_block
    from tau2.view.play import PlayApp

    kept: list[str] = []

    def ended() -> str:
        kept.append(episode.save(app.session))
        return kept[0].splitlines()[0]

    app = PlayApp(episode.rollout, episode.task, episode.config.seed, ended)
    with closing(app.session):
        app.run()
    if app.problem is not None:
        raise app.problem
    run = app.session.rollout.run
    if run is None:
        show(_left(app.session))
    else:
        _print(console, grading_block(run))
        show("\n".join(kept))
    return app.return_code or OK


def _in_lines(episode: _Episode, console: Console) -> int:
    """Read and print lines until the episode is over; return the exit code."""
    from tau2.view.content.play import PlaySession

    show(f"\nyou are the {episode.rollout.role.value}; {_HELLO}\n")
    with closing(PlaySession(episode.rollout, partial(_print, console))) as session:
        code = _read_lines(session, episode)
        show(_left(session) if session.rollout.run is None else f"\n{episode.save(session)}")
    return code


def _read_lines(session: PlaySession, episode: _Episode) -> int:
    try:
        # One event loop for the whole episode: a model's client keeps its connections there.
        with asyncio.Runner() as loop:
            loop.run(session.begin(episode.task, episode.config.seed))
            while not session.is_over:
                loop.run(session.answer(read_line(f"{episode.rollout.role.value}> ")))
    except EOFError:
        show()
    except KeyboardInterrupt:
        show()
        return INTERRUPTED
    return OK


def _left(session: PlaySession) -> str:
    moves = plural(len(session.rollout.steps), "move")
    return f"left after {moves}, before the end: not graded and not saved"


def _print(console: Console, block: Block) -> None:
    from rich.padding import Padding

    from tau2.report.safe_text import plain

    if block.head:
        console.print(plain(block.head, style=f"bold {_COLOURS.get(block.style, '')}".strip()))
    for text, style in block.body:
        line = plain(text, style=_COLOURS.get(style, ""))
        console.print(Padding(line, (0, 0, 0, 2)) if block.head else line)


def _save(rollout: Rollout, folder: Path, config: TextRunConfig) -> None:
    """Write the conversation as a run of one simulation."""
    from tau2.data_model.simulation import AgentInfo, UserInfo
    from tau2.runner.middleware import redactor_of, without_known_secrets
    from tau2.runner.tasks import get_info
    from tau2.storage.store import RunStore

    person: dict[str, Any] = (
        {"agent_info": AgentInfo(implementation=_PERSON)}
        if rollout.role.value == "agent"
        else {"user_info": UserInfo(implementation=_PERSON)}
    )
    assert rollout.run is not None, "only an episode that is over is saved"
    run = without_known_secrets(rollout.run, redactor_of(config))
    run.trial = 0
    run.seed = config.seed
    store = RunStore(folder)
    store.open(get_info(config, **person), [rollout.task], resume=False)
    try:
        store.save(run)
        store.finish()
    finally:
        store.close()
