"""`tau2 users certify`: a report card of a simulated user."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tau2.cli.exit_codes import OK, PROBLEMS
from tau2.cli.parsing import CommandParser
from tau2.errors import ConfigError
from tau2.utils.output import show, show_json
from tau2.utils.terminal_text import named
from tau2.utils.text import plural

if TYPE_CHECKING:
    from tau2.metrics.user_card import DomainCard, UserCard

_EPILOG = """\
The reference agent, which knows the solution, plays tasks with the user; what goes
wrong then is the user's doing. The card tells which share of the wishes it said, how
often it invented facts, left out actions on its device, ended too early or not at all,
how it speaks beside recorded users, and how much an agent's score depends on it.

examples:
  tau2 users certify --user scripted_user
  tau2 users certify --user user_simulator --llm openai/gpt-4.1 \\
      --domain retail --num-tasks 50
  tau2 users certify --user user_simulator --llm openai/my-model \\
      --llm-args '{"api_base": "http://127.0.0.1:8000/v1"}' -o card.html

exit codes:
  0  the user meets every demand
  1  it does not
  2  wrong usage, or a model that cannot be used"""


def add_arguments(parser: CommandParser) -> None:
    """Add who is certified, on what, and where the card goes."""
    parser.usage = "tau2 users certify --user NAME [--llm MODEL] [options]"
    parser.epilog = _EPILOG
    parser.add_argument("action", choices=("certify",), help="the only action so far")
    parser.add_argument("--user", required=True, metavar="NAME", help="the simulated user")
    parser.add_argument(
        "--llm", "--user-llm", dest="llm", metavar="MODEL", default=None, help="its model"
    )
    parser.add_argument(
        "--llm-args", "--user-llm-args", dest="llm_args", metavar="JSON", default=None,
        help="arguments of its model's calls, as JSON",
    )  # fmt: skip
    parser.add_argument(
        "--user-prompt", choices=("auto", "full", "short"), default="auto",
        help="prompt of a model-driven user (default: auto)",
    )  # fmt: skip
    parser.add_argument(
        "-d", "--domain", nargs="+", metavar="NAME", default=None, help="domains (default: all)"
    )
    parser.add_argument(
        "--num-tasks", type=int, default=20, metavar="N", help="tasks per domain (default: 20)"
    )
    parser.add_argument("--seed", type=int, default=300, help="seed of everything (default: 300)")
    parser.add_argument(
        "--max-concurrency", type=int, default=3, metavar="N",
        help="conversations at once (default: 3)",
    )  # fmt: skip
    parser.add_argument(
        "-o", "--output", type=Path, default=None, metavar="FILE",
        help="page to write (default: NAME-card.html here); the same figures as JSON lie beside it",
    )  # fmt: skip
    parser.add_switch("--no-probe", help="do not ask the model once before anything is played")
    parser.add_switch("--json", help="print the card as one JSON object only")


def run(options: argparse.Namespace) -> int:
    """Play, write page and JSON, and print the verdict."""
    from tau2.registry import registry
    from tau2.report.html.user_card import user_card_page
    from tau2.runner.certification import certify
    from tau2.storage.results import write_atomically

    if options.num_tasks < 1:
        raise ConfigError(f"--num-tasks: at least 1 task is needed, not {options.num_tasks}")
    for domain in options.domain or ():
        registry.get_env_constructor(domain)
    card = certify(
        options.user,
        options.domain or registry.get_domains(),
        llm=options.llm,
        llm_args=_arguments(options.llm_args),
        user_prompt=options.user_prompt,
        num_tasks=options.num_tasks,
        seed=options.seed,
        max_concurrency=options.max_concurrency,
        probe=not options.no_probe,
    )
    page = _target(options.output, options.user)
    data = page.with_suffix(".json")
    page.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(card.as_dict(), indent=2)
    write_atomically(page, user_card_page(card))
    write_atomically(data, f"{text}\n")
    if options.json:
        show_json(card.as_dict())
    else:
        _show(card)
        show(f"wrote {named(page)} and {named(data)}")
    return OK if card.is_certified else PROBLEMS


def _arguments(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        arguments = json.loads(text)
    except ValueError as problem:
        raise ConfigError(f"--llm-args is not JSON: {problem}") from None
    if not isinstance(arguments, dict):
        raise ConfigError("--llm-args must be a JSON object")
    return arguments


def _target(asked: Path | None, user: str) -> Path:
    from tau2.runner.tasks import slug

    if asked is None:
        return Path(f"{slug(user)}-card.html")
    return asked / f"{slug(user)}-card.html" if asked.is_dir() else asked.with_suffix(".html")


def _show(card: UserCard) -> None:
    model = f" ({card.model}, {card.prompt_form} prompt)" if card.prompt_form else ""
    show(f"{card.user}{model}")
    for domain in card.domains:
        _show_domain(domain)
    show("certified" if card.is_certified else "not certified")


def _show_domain(domain: DomainCard) -> None:
    user = domain.user
    show(f"\n{named(domain.domain)}: {plural(user.conversations, 'conversation')}")
    for one in domain.criteria:
        sign = "≥" if one.at_least else "≤"
        mark = "met" if one.is_met else "NOT MET"
        figures = f"{100 * one.value:5.1f} %  {sign} {100 * one.limit:2.0f} %"
        show(f"  {one.name:<28}  {figures}  {mark}")
    speech = f"{user.words_per_turn:.1f} words and {user.facts_per_turn:.2f} facts a turn"
    if domain.recorded is not None:
        recorded = domain.recorded
        speech += (
            f"; recorded users: {recorded.words_per_turn:.1f} and {recorded.facts_per_turn:.2f}"
        )
    show(f"  {speech}")
