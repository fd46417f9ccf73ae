"""`tau2 intro`: what there is and where to start."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Callable
from functools import partial
from typing import Any

from tau2.cli.exit_codes import OK
from tau2.cli.parsing import CommandParser
from tau2.utils.output import show
from tau2.utils.terminal_text import named

_WELCOME = """\
tau2 plays conversations between an agent, a simulated user and a company's
tools, and grades what happened. Five commands to start with:

  tau2 run --domain mock --agent oracle_agent --user scripted_user
                        play without any model or key
  tau2 view             look at what was played
  tau2 play             play the agent or the customer yourself
  tau2 domain retail    read a domain's policy, tools and tasks
  tau2 run --help       play with your models"""

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

    show(_WELCOME)
    show(_section("domains", registry.get_domains(), _about_domain))
    if (variants := _variants()) is not None:
        show(variants)
    show(_section("agents", registry.get_agents(), partial(_about_plugin, registry.agents)))
    show(_section("users", registry.get_users(), partial(_about_plugin, registry.users)))
    return OK


def _section(title: str, names: list[str], about: Callable[[str], str]) -> str:
    width = max((len(named(name)) for name in names), default=0)
    most = max(_NARROWEST, _WIDTH - width - 4)
    lines = [
        f"  {named(name):<{width}}  {_cut(about(name), most)}".rstrip() for name in sorted(names)
    ]
    return "\n".join([f"\n{title}", *lines])


def _variants() -> str | None:
    """Return the retrieval variants of the domains that have them; None where none has."""
    from tau2.errors import Tau2Error
    from tau2.registry import registry

    lines = []
    for domain in registry.domains.names():
        try:
            spec = registry.domains.get(domain)
        except Tau2Error:  # a plug-in that lacks a package; the welcome goes on without it
            continue
        if spec.variants:
            default = spec.variant(None)
            names = [f"{name} (default)" if name == default else name for name in spec.variants]
            text = f"{named(spec.name)}: {', '.join(map(named, names))}"
            lines += textwrap.wrap(text, _WIDTH, initial_indent="  ", subsequent_indent="    ")
    return "\n".join(["\nretrieval variants (--retrieval-config)", *lines]) if lines else None


def _cut(text: str, most: int) -> str:
    return textwrap.shorten(text, most, placeholder=" …")


def _about_domain(name: str) -> str:
    from tau2.registry import registry

    plugin = (
        registry.domains.package_of(name)
        if name in registry.domains
        else registry.get_env_constructor(name)
    )
    text = _first_sentence(plugin)
    return text.partition(": ")[2] or text


def _about_plugin(catalog: Any, name: str) -> str:
    if name in _ABOUT:
        return _ABOUT[name]
    spec = catalog.get(name) if name in catalog else None
    return (
        str(spec.metadata.get("summary") or _first_sentence(spec.make)) if spec is not None else ""
    )


def _first_sentence(described: Any) -> str:
    text = " ".join((getattr(described, "__doc__", None) or "").split())
    return text.partition(". ")[0].rstrip(".")
