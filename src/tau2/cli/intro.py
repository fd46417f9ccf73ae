"""`tau2 intro`: what there is and where to start."""

from __future__ import annotations

import argparse
import shutil
import textwrap
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from tau2.cli.exit_codes import OK
from tau2.cli.parsing import CommandParser
from tau2.errors import ConfigError, MissingExtra
from tau2.utils.output import show
from tau2.utils.terminal_text import indented, named

_WELCOME = """\
tau2 plays conversations between an agent, a simulated user and a company's
tools, and grades what happened. Five commands to start with:

  tau2 run --domain mock --agent oracle_agent --user scripted_user
                        play without any model or key
  tau2 view             look at what was played
  tau2 play             play the agent or the customer yourself
  tau2 domain retail    read a domain's policy, tools and tasks
  tau2 run --help       play with your models

`tau2 new domain NAME` begins a company of your own; an agent, a user and a
model backend likewise."""

_ABOUT = {
    "dummy_user": "stands in where an agent works without a user",
    "handover_agent": "baseline: hands every customer over to a person",
    "hearing_oracle": "the oracle, with what it hears in place of what it knows",
    "lazy_agent": "baseline: ends politely and does nothing",
    "llm_agent": "your model, with the domain's tools and policy",
    "llm_agent_gt": "your model, told the reference actions",
    "llm_agent_solo": "your model on a ticket, without a user",
    "oracle_agent": "executes the reference actions; no model",
    "oracle_agent_solo": "the same, without a user",
    "paraphrasing_oracle": "oracle_agent that words its messages as models do",
    "random_agent": "baseline: calls tools at random",
    "scripted_user": "follows an agenda made from the task; no model",
    "user_simulator": "your model in the role of the customer",
}
_WIDTH = 78  # one screen of 80 columns
_NARROWEST = 20  # columns of what a name is about


def add_arguments(_parser: CommandParser) -> None:
    """There is nothing to choose."""


def run(_options: argparse.Namespace) -> int:
    """Print the welcome, and every domain, agent and user."""
    from tau2.registry import registry
    from tau2.service.descriptions import domain_description

    show(_WELCOME)
    sections = (
        ("domains", registry.get_domains(), domain_description),
        ("agents", registry.get_agents(), partial(_about_plugin, registry.agents)),
        ("users", registry.get_users(), partial(_about_plugin, registry.users)),
    )
    problems: list[str] = []
    for title, names, about in sections:
        show(_section(title, _described(names, about, problems)))
        if title == "domains" and (variants := _variants(problems)) is not None:
            show(variants)
    if backends := _backends(problems):
        show(_section("model backends of other packages", backends))
    if problems:
        show("\ncannot be used here")
        show("\n".join(f"  {indented(problem)}" for problem in problems))
    return OK


def _described(
    names: list[str], about: Callable[[str], str], problems: list[str]
) -> dict[str, str]:
    """Return name → what it is; for what cannot be loaded, add its error to `problems`."""
    described = {}
    for name in sorted(names):
        try:
            described[name] = about(name)
        except (ConfigError, MissingExtra) as problem:
            problems.append(str(problem))
    return described


def _backends(problems: list[str]) -> dict[str, str]:
    """Return the model backends of other packages; add to `problems` what cannot be used."""
    from tau2.llm.routing import installed_backends

    found = installed_backends()
    problems += [problem for problem in found.values() if problem]
    return {
        name: f"models named {name}/..." for name, problem in sorted(found.items()) if not problem
    }


def _section(title: str, described: Mapping[str, str]) -> str:
    width = max((len(named(name)) for name in described), default=0)
    room = max(_room(), width + 4 + _NARROWEST)
    lines = []
    for name, about in described.items():
        text = f"{named(name):<{width}}  {about}"
        indent = " " * (width + 4)
        lines += textwrap.wrap(text, room, initial_indent="  ", subsequent_indent=indent)
    return "\n".join([f"\n{title}", *lines])


def _room() -> int:
    """Return how long a line may be: as the terminal, where that is narrower than a usual one."""
    return min(_WIDTH, shutil.get_terminal_size().columns - 2)


def _variants(problems: list[str]) -> str | None:
    """Return the retrieval variants of the domains that have them; None where none has.

    Add to `problems` which domains need an extra that is not installed.
    """
    from tau2.registry import registry

    lines = []
    for domain in registry.domains.names():
        try:
            spec = registry.domains.get(domain)
        except MissingExtra as problem:
            problems.append(f"domain {domain!r}: {problem}")
            continue
        except ConfigError:
            continue  # is among the problems already
        if spec.variants:
            default = spec.variant(None)
            names = [f"{name} (default)" if name == default else name for name in spec.variants]
            text = f"{named(spec.name)}: {', '.join(map(named, names))}"
            lines += textwrap.wrap(text, _room(), initial_indent="  ", subsequent_indent="    ")
    return "\n".join(["\nretrieval variants (--retrieval-config)", *lines]) if lines else None


def _about_plugin(catalog: Any, name: str) -> str:
    if name in _ABOUT:
        return _ABOUT[name]
    spec = catalog.get(name) if name in catalog else None
    if spec is None:
        return ""
    return spec.description or str(spec.metadata.get("summary") or _first_sentence(spec.make))


def _first_sentence(described: Any) -> str:
    text = " ".join((getattr(described, "__doc__", None) or "").split())
    return text.partition(". ")[0].rstrip(".")
