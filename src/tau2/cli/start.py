"""`tau2 start`: the documentation of domains in a browser."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from tau2 import config
from tau2.cli.exit_codes import OK
from tau2.cli.parsing import CommandParser
from tau2.errors import ConfigError, MissingExtra, UnknownName
from tau2.utils.output import flush, show, show_error
from tau2.utils.terminal_text import indented, named

_EPILOG = """\
It shows each domain's policy, tools and tasks in a browser. Tools can be called
in a scratch environment, and the page shows what a call changed. Another page
lists the runs of a folder, under way and done, with their reports; it follows
them while they are played. The address contains a key: without it, access is
refused. Only this machine can reach it; Ctrl-C stops it.

examples:
  tau2 start                    every domain
  tau2 start retail airline
  tau2 start mock --port 8004
  tau2 start mock --dir results-of-may"""

LAST_PORT = 65535


def add_arguments(parser: CommandParser) -> None:
    """Add which domains, and where."""
    parser.epilog = _EPILOG
    parser.add_argument(
        "names", metavar="NAME", nargs="*", default=[], help="domains to show (default: all)"
    )
    parser.add_argument(
        "--dir",
        type=Path,
        default=None,
        metavar="DIR",
        help="folder of runs to show (default: where runs are saved)",
    )
    add_port(parser)


def add_port(parser: argparse._ActionsContainer) -> None:
    """Add where the pages are served."""
    parser.add_argument(
        "--port",
        type=int,
        default=0,
        metavar="N",
        help="port of this machine (default: a free one)",
    )


def run(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C."""
    from tau2.registry import registry

    known = registry.get_domains()
    for name in options.names:
        if name not in known:
            raise UnknownName("domain", name, known)
    names = list(dict.fromkeys(options.names)) or _usable(known)
    return serve(names, options.port, options.dir)


def _usable(names: Sequence[str]) -> list[str]:
    """Return the domains that can be loaded; say of the others why they are left out."""
    from tau2.registry import registry

    usable = []
    for name in names:
        try:
            registry.get_env_constructor(name)
        except MissingExtra:
            usable.append(name)  # its page says what is missing
        except ConfigError as problem:
            show_error(f"tau2 start: {indented(str(problem))}")
        else:
            usable.append(name)
    return usable


def serve(names: Sequence[str], port: int, runs: Path | None = None) -> int:
    """Show these domains, and the runs of a folder, until Ctrl-C.

    Raise ConfigError for a port that cannot be used.
    """
    if not 0 <= port <= LAST_PORT:
        raise ConfigError(f"--port must be between 0 and {LAST_PORT}, not {port}")
    try:
        _served(names, port, runs or config.simulations_dir())
    except KeyboardInterrupt:
        show("\nstopped")
    return OK


def _served(names: Sequence[str], port: int, runs: Path) -> None:
    from tau2.service.server import DocServer

    with DocServer(names, port, runs=runs) as server:

        def announce() -> None:
            show(
                f"{', '.join(map(named, names))}\n\n  {server.url}\n\n"
                f"runs in {named(runs)}, also while they are played:\n\n  {server.url}-/runs\n\n"
                "Open this address in a browser on this machine. Ctrl-C stops the server."
            )
            flush()

        # Not before: Ctrl-C while the event loop is made would leave it open.
        server.run(on_started=announce)
