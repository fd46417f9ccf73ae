"""`tau2 new`: write a package of one's own, that passes its own tests."""

from __future__ import annotations

import argparse
from pathlib import Path

from tau2.cli.exit_codes import OK
from tau2.cli.parsing import CommandParser
from tau2.errors import ConfigError
from tau2.utils.output import show
from tau2.utils.terminal_text import named
from tau2.utils.text import plural

_KINDS = ("domain", "agent", "user", "backend")
_EPILOG = """\
The folder NAME then holds a package with code, data, tests and an entry point by which
tau2 finds it once it is installed. Nothing is overwritten.

examples:
  tau2 new domain bakery            a company: policy, tools, database, two tasks
  tau2 new agent my-agent           an agent that asks a model once per turn
  tau2 new user hasty               a simulated user without a model
  tau2 new backend my-model --dir packages"""
_TRIALS = {
    "domain": "tau2 run --domain {name} --agent oracle_agent --user scripted_user",
    "agent": "tau2 run --domain mock --agent {name} --user scripted_user --agent-llm scripted/stop",
    "user": "tau2 run --domain mock --agent oracle_agent --user {name}",
    "backend": "tau2 run --domain mock --agent-llm {name}/any --user scripted_user",
}


def add_arguments(parser: CommandParser) -> None:
    """Add what is written, under which name, and where."""
    parser.usage = "tau2 new domain|agent|user|backend NAME [--dir DIR]"
    parser.epilog = _EPILOG
    parser.add_argument("kind", choices=_KINDS, help="what the package holds")
    parser.add_argument(
        "name", metavar="NAME", help="what it is called: lower-case letters, digits, - and _"
    )
    parser.add_argument(
        "--dir", metavar="DIR", default=".", help="where its folder is made (default: here)"
    )


def run(options: argparse.Namespace) -> int:
    """Write the package, and say what comes next."""
    from tau2.scaffold.package import check_name, write_package

    check_name(options.name)
    _check_free(options.kind, options.name)
    package = write_package(options.kind, options.name, Path(options.dir))
    folder = named(package.folder)
    show(f"wrote {plural(len(package.files), 'file')} to {folder}:")
    show("\n".join(f"  {path}" for path in package.files))
    trial = _TRIALS[options.kind].format(name=options.name)
    show(f"\nnext:\n  pip install -e '{folder}[test]'\n  pytest {folder}\n  {trial}")
    return OK


def _check_free(kind: str, name: str) -> None:
    """Raise ConfigError where tau2 knows something of that kind and name."""
    from tau2.llm.routing import backend_names
    from tau2.registry import registry

    known = {
        "domain": registry.get_domains,
        "agent": registry.get_agents,
        "user": registry.get_users,
        "backend": backend_names,
    }
    if name in known[kind]():
        raise ConfigError(f"the name {name!r} is taken by another {kind}; choose another one")
