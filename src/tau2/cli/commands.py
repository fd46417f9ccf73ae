"""The commands of `tau2`, and their modules and parsers."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from tau2.cli.parsing import CommandParser

COMMANDS = {
    "run": "play tasks and grade them",
    "view": "look at saved runs and conversations",
    "models": "list the local models and fetch their weights",
    "play": "play the agent or the customer yourself",
    "report": "write one HTML file that shows runs and their conversations",
    "export": "write runs as tables, or as conversations to train on",
    "compare": "test whether one run is better than another, with intervals",
    "evaluate-trajs": "grade stored conversations again, and list what changes",
    "blame": "find whose failure each failed simulation is, without a model",
    "review": "have a model find the mistakes of agent and user",
    "leaderboard": "rank stored runs, with confidence intervals",
    "submit": "prepare, check and verify a leaderboard submission",
    "replay": "play a recorded run again, offline, and find where it diverges",
    "domain": "show a domain's policy, tools and tasks",
    "new": "write a package for a domain, an agent, a user or a backend of your own",
    "start": "show domains, and runs while they are played, in a browser",
    "serve-domain": "let programs play the agent of a domain, over MCP",
    "serve-model": "serve a local model as an OpenAI-compatible endpoint of this machine",
    "voice": "serve a text agent that speaks, by OpenAI's voice protocols",
    "check-data": "check the files of every domain",
    "audit": "prove tasks: the reference earns 1, baselines earn 0",
    "users": "certify a simulated user: a report card",
    "protocols": "list the settings of published comparisons, for `tau2 run --protocol`",
    "tasks": "generate fresh tasks from a domain's database",
    "convert-results": "change a saved run between one file and a folder",
    "completion": "have the shell complete commands, options and names",
    "intro": "a first look: what there is and where to start",
}
"""What each command does. Command `check-data` is module `tau2.cli.check_data`, and so on."""


def module_of(name: str) -> Any:
    """Load and return the module of a command."""
    return import_module(f"tau2.cli.{name.replace('-', '_')}")


def parser_of(name: str) -> CommandParser:
    """Return the parser of a command."""
    summary = COMMANDS[name]
    # Not `capitalize`, which would write "HTML" in lower case.
    sentence = f"{summary[0].upper()}{summary[1:]}."
    parser = CommandParser(prog=f"tau2 {name}", description=sentence)
    module_of(name).add_arguments(parser)
    return parser
