"""`tau2 domain`: show a domain's policy, tools and tasks."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tau2.cli.exit_codes import OK
from tau2.cli.parsing import CommandParser
from tau2.cli.start import add_port, serve
from tau2.utils.output import show_json

if TYPE_CHECKING:
    from tau2.report.terminal.domain_page import DomainPage

_PARTS = ("policy", "tools", "tasks")
_EPILOG = """\
examples:
  tau2 domain mock                  everything
  tau2 domain retail --policy       what the agent has to follow
  tau2 domain retail --tools        signatures and descriptions
  tau2 domain retail --tasks --json | head
  tau2 domain retail --serve        the same in a browser, with tools to try out"""


def add_arguments(parser: CommandParser) -> None:
    """Add which domain, which parts, and the form."""
    parser.epilog = _EPILOG
    parser.add_argument("name", metavar="NAME", help="name of the domain")
    parser.add_switch("--policy", help="only the policy")
    parser.add_switch("--tools", help="only the tools of the agent and the user")
    parser.add_switch("--tasks", help="only the splits and tasks")
    parser.add_argument(
        "--retrieval-config",
        metavar="NAME",
        default=None,
        help="policy and tools of this retrieval variant (default: the domain's default)",
    )
    parser.add_switch("--json", help="print JSON")
    parser.add_switch("--serve", help="show it in a browser instead, as `tau2 start` does")
    add_port(parser)


def run(options: argparse.Namespace) -> int:
    """Print the chosen parts of a domain; all when none is chosen."""
    if options.serve:
        return _serve(options)
    page = load_page(options.name, options.retrieval_config)
    chosen = [part for part in _PARTS if getattr(options, part)]
    if options.json:
        show_json(page.as_dict(chosen or _PARTS))
        return OK
    _print(page, chosen)
    return OK


def _serve(options: argparse.Namespace) -> int:
    from tau2.registry import registry

    registry.get_env_constructor(options.name)
    return serve([options.name], options.port)


def load_page(name: str, variant: str | None = None) -> DomainPage:
    """Return a domain as a page, with the policy and the tools of a retrieval variant.

    Raise UnknownName, or ConfigError for a variant of a domain that has none.
    """
    from tau2.registry import registry
    from tau2.report.terminal.domain_page import DomainPage
    from tau2.runner.resolve import readable_environment

    environment = readable_environment(name, variant)()
    splits = registry.get_task_splits_loader(name)
    load = registry.get_tasks_loader(name)
    spec = registry.domains.get(name) if name in registry.domains else None
    return DomainPage(
        name=name,
        policy=environment.get_policy(),
        tools=_tools(environment.tools),
        user_tools=_tools(environment.user_tools),
        tasks=load(None),
        splits=splits() if splits is not None else {},
        discoverable=_discoverable(environment.tools),
        user_discoverable=_discoverable(environment.user_tools),
        variants=spec.variants if spec is not None else {},
        variant=spec.variant(variant) if spec is not None else None,
    )


def _tools(toolkit: Any) -> list[tuple[Any, str]]:
    return [] if toolkit is None else _typed(toolkit, toolkit.get_tools())


def _discoverable(toolkit: Any) -> list[tuple[Any, str]]:
    return [] if toolkit is None else _typed(toolkit, toolkit.get_discoverable_tools())


def _typed(toolkit: Any, tools: Mapping[str, Any]) -> list[tuple[Any, str]]:
    return [(tool, toolkit.tool_type(name).value) for name, tool in tools.items()]


def _print(page: DomainPage, chosen: list[str]) -> None:
    from rich.text import Text

    from tau2.report.safe_text import plain
    from tau2.report.terminal.console import terminal
    from tau2.report.terminal.domain_page import overview, tasks_view, tools_view, variants_view

    console = terminal()
    if not chosen:
        console.print(overview(page))
        if page.variants:
            console.print(variants_view(page))
    if not chosen or "policy" in chosen:
        if not chosen:
            console.print(Text("\nPolicy\n", style="bold underline"))
        console.print(plain(page.policy.strip()), soft_wrap=not console.is_terminal)
    if not chosen or "tools" in chosen:
        console.print(tools_view(page))
    if not chosen or "tasks" in chosen:
        console.print(tasks_view(page))
