"""`tau2 protocols`: the settings of published comparisons, and where each was published."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from tau2.cli.exit_codes import OK
from tau2.cli.parsing import CommandParser
from tau2.utils.output import show_json

if TYPE_CHECKING:
    from tau2.runner.protocols import Protocol

_EPILOG = """\
A protocol pins what makes two scores comparable: the simulated user with its model,
the limits of an episode, trials, seed, and how a knowledge base is searched. Settings
that are given to `tau2 run` win; the run then says where it departs.

examples:
  tau2 protocols
  tau2 protocols aa-tau3-banking
  tau2 run --domain banking_knowledge --protocol aa-tau3-banking \\
      --agent-llm openai/gpt-5.2"""


def add_arguments(parser: CommandParser) -> None:
    """Add which protocols."""
    parser.usage = "tau2 protocols [NAME ...] [--json]"
    parser.epilog = _EPILOG
    parser.add_argument(
        "names", metavar="NAME", nargs="*", default=[], help="a protocol (default: all)"
    )
    parser.add_switch("--json", help="print one JSON object only")


def run(options: argparse.Namespace) -> int:
    """Show protocols."""
    from tau2.report.terminal.console import terminal
    from tau2.report.terminal.protocols import protocols_view
    from tau2.runner.protocols import protocol_named, protocols

    chosen = [protocol_named(name) for name in options.names or protocols()]
    if options.json:
        show_json({protocol.name: _data(protocol) for protocol in chosen})
    else:
        terminal().print(protocols_view(chosen))
    return OK


def _data(protocol: Protocol) -> dict[str, Any]:
    return {
        "title": protocol.title,
        "domains": list(protocol.domains),
        "is_voice": protocol.is_voice,
        "settings": [
            {
                "field": setting.field,
                "value": setting.value,
                "source": setting.source,
                "domains": list(setting.domains or protocol.domains),
            }
            for setting in protocol.settings
        ],
    }
