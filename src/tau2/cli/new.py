"""`tau2 new`: write a package of one's own, that passes its own tests."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from tau2.cli.exit_codes import OK
from tau2.cli.parsing import CommandParser
from tau2.errors import ConfigError
from tau2.utils.output import show
from tau2.utils.terminal_text import clean, named
from tau2.utils.text import first_of, plural

if TYPE_CHECKING:
    from tau2.scaffold.interface import Interface

_TASKS = 2
_MOST = 8  # names or lines of one kind that are shown
_KINDS = ("domain", "agent", "user", "backend")
_EPILOG = """\
The folder NAME then holds a package with code, data, tests and an entry point,
by which tau2 finds it once it is installed. Nothing is overwritten.

examples:
  tau2 new domain bakery          a company: policy, tools, database, two tasks
  tau2 new domain shop --from openapi.yaml            with the tools of an API
  tau2 new domain shop --from shop.db                 with a database's rows
  tau2 new domain shop --from shop.models:DB          with a pydantic model
  tau2 new domain shop --from 'mcp:python server.py'  with tools of a server
  tau2 new domain shop --from openapi.yaml --only 'orders.*' --only '/refunds*'
  tau2 new agent my-agent         an agent that asks a model once per turn
  tau2 new user hasty             a simulated user without a model
  tau2 new backend my-model --dir packages"""
_TRIALS = {
    "domain": "tau2 run --domain {name} --agent oracle_agent --user scripted_user",
    "agent": "tau2 run --domain mock --agent {name} --user scripted_user --agent-llm scripted/stop",
    "user": "tau2 run --domain mock --agent oracle_agent --user {name}",
    "backend": "tau2 run --domain mock --agent-llm {name}/any --user scripted_user",
}


def add_arguments(parser: CommandParser) -> None:
    """Add what is written, under which name, and where."""
    parser.usage = (
        "tau2 new domain|agent|user|backend NAME [--from SOURCE [--only PATTERN]] [--dir DIR]"
    )
    parser.epilog = _EPILOG
    parser.add_argument("kind", choices=_KINDS, help="what the package holds")
    parser.add_argument(
        "name", metavar="NAME", help="what it is called: lower-case letters, digits, - and _"
    )
    parser.add_argument(
        "--from",
        dest="source",
        default=None,
        metavar="SOURCE",
        help="derive a domain from what there is: an OpenAPI document, a SQLite database, "
        "module:Model (pydantic), or mcp: with a command or an address behind it",
    )
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="PATTERN",
        help="take only operations, tools or tables with this name, tag or path, as in 'orders.*'; "
        "may be given several times",
    )
    parser.add_argument(
        "--header",
        dest="headers",
        action="append",
        default=[],
        metavar="HEADER",
        help="what an MCP server at an address is sent, as in 'Authorization: Bearer TOKEN'; it is "
        "not written anywhere; may be given several times",
    )
    parser.add_argument(
        "--dir", metavar="DIR", default=".", help="where its folder is made (default: here)"
    )


def run(options: argparse.Namespace) -> int:
    """Write the package, and say what comes next."""
    from tau2.scaffold.package import check_name, write_package

    check_name(options.name)
    _check_free(options.kind, options.name)
    interface = _interface(options)
    package = write_package(options.kind, options.name, Path(options.dir), interface)
    folder = named(package.folder)
    show(f"wrote {plural(len(package.files), 'file')} to {folder}:")
    show("\n".join(f"  {path}" for path in package.files))
    if interface is not None:
        _show_derived(interface, f"{folder}/README.md")
    trial = _TRIALS[options.kind].format(name=options.name)
    show(f"\nnext:\n  pip install -e '{folder}[test]'\n  pytest {folder}\n  {trial}")
    return OK


def _interface(options: argparse.Namespace) -> Interface | None:
    """Return what the domain is derived from, if anything."""
    if options.source is None:
        if options.only or options.headers:
            flag = "--only" if options.only else "--header"
            raise ConfigError(f"{flag} says what is taken of a source; name one with --from")
        return None
    if options.kind != "domain":
        raise ConfigError(f"--from is for domains; leave it out for a new {options.kind}")
    from tau2.scaffold.sources.kinds import read_source

    return read_source(options.source, options.only, _headers(options.headers))


def _headers(given: Sequence[str]) -> dict[str, str]:
    """Return name → value of headers that are spelled `Name: value`."""
    headers = {}
    for one in given:
        name, colon, value = (part.strip() for part in one.partition(":"))
        is_text = value.isprintable() and value.isascii()
        if not colon or not value or not is_text or not name.replace("-", "").isalnum():
            # The value may be a secret, so it is not shown.
            raise ConfigError("write --header as 'Name: value', such as 'Authorization: Bearer x'")
        headers[name] = value
    return headers


def _show_derived(interface: Interface, readme: str) -> None:
    """Say what was derived, and what was not."""
    parts = [plural(len(interface.tools), "tool"), plural(len(interface.tables), "table")]
    records = plural(sum(len(table.rows) for table in interface.tables), "record")
    made_up = "" if interface.has_own_records else " (made up)"
    tasks = plural(interface.task_count, "task")
    show(f"\nfrom {interface.source}: {', '.join(parts)}, {records}{made_up}, {tasks}")
    events = [tool.name for tool in interface.tools if tool.kind == "event"]
    if events:
        show(f"only noted in the database, as nothing else follows: {first_of(events, _MOST)}")
    for note in interface.notes[:_MOST]:
        show(f"note: {clean(note)}")
    if interface.left_out:
        show(f"left out ({len(interface.left_out):,}; all of them are in {readme}):")
        show("\n".join(f"  {clean(one)}" for one in interface.left_out[:_MOST]))
    if interface.task_count < _TASKS:
        show(f"no more tasks could be derived: write yours into tasks.json below {readme[:-10]}")


def _check_free(kind: str, name: str) -> None:
    """Raise ConfigError where tau2 knows something of that kind and name."""
    from tau2.llm.routing import backend_for, backend_names
    from tau2.registry import registry
    from tau2.scaffold.package import module_of

    known = {
        "domain": registry.get_domains,
        "agent": registry.get_agents,
        "user": registry.get_users,
        "backend": backend_names,
    }
    if name in known[kind]():
        raise ConfigError(f"the name {name!r} is taken by another {kind}; choose another one")
    if kind == "backend" and backend_for(f"{name}/any", {}).name != "litellm":
        raise ConfigError(f"models named {name}/... are reached already; choose another name")
    module = module_of(name)
    if find_spec(module) is not None:
        raise ConfigError(
            f"a package with the module {module} is installed, and the new one would take its "
            "place; choose another name"
        )
