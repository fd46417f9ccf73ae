"""Checks before a run starts: names exist, models can be called, the folder can be used."""

from __future__ import annotations

from pathlib import Path

from tau2.data_model.run_config import RunConfig
from tau2.errors import ConfigError, UnknownName
from tau2.registry import registry
from tau2.runner.build import VOICE_AGENT
from tau2.runner.resolve import resolve, with_variant
from tau2.runner.tasks import played_agent, run_folder
from tau2.storage.store import RunStore
from tau2.utils.output import is_answering, read_line

_WAYS = """\
four ways forward:
  1. set the key of the provider in the environment, e.g. export OPENAI_API_KEY=...
  2. use a server of your own: \
{flag} openai/NAME {flag}-args '{{"api_base": "http://127.0.0.1:8000/v1"}}'
  3. play without any model: --agent oracle_agent --user scripted_user
  4. play a small model of this machine: tau2 models get qwen-0.5b, then
     --agent-llm local/qwen-0.5b --user scripted_user"""


PROGRAMS = frozenset({"mcp_agent", "mcp_agent_solo"})
"""Agents that are known to `tau2 serve-domain` alone."""


def check_names(config: RunConfig) -> None:
    """Raise UnknownName for a domain, agent, user, task set or variant that does not exist.

    Raise ConfigError for a retrieval variant in a domain that has none, and for an agent that only
    `tau2 serve-domain` has.
    """
    agent = played_agent(config)
    # A speech model that is the agent itself is no text agent.
    agents = [*registry.get_agents(), VOICE_AGENT] if config.is_voice else registry.get_agents()
    known = {
        "domain": (config.domain, registry.get_domains()),
        "agent": (agent, agents),
        "user": (config.user, registry.get_users()),
        "task set": (config.task_set_name or config.domain, registry.get_task_sets()),
    }
    for kind, (name, names) in known.items():
        if kind == "agent" and name in PROGRAMS and name not in names:
            raise ConfigError(
                f"agent {name!r} is a program that connects to tau2: play, or continue, with "
                "`tau2 serve-domain`; --agent-command has `tau2 run` start one for every episode"
            )
        if name not in names:
            raise UnknownName(kind, name, names)
    with_variant(config)


def check_models(config: RunConfig) -> None:
    """Raise ConfigError, with ways out, when the agent's or the user's model cannot be called."""
    from tau2.llm import check_model

    for role, used in resolve(config).models(()).items():
        if role not in {"agent", "user"}:
            continue
        try:
            check_model(used.model, used.args)
        except ConfigError as problem:
            if role == "agent" and getattr(config, "agent_url", None) is not None:
                raise ConfigError(
                    f"the agent at --agent-url cannot be asked: {problem}"
                ) from problem
            ways = _WAYS.format(flag=f"--{role}-llm")
            raise ConfigError(
                f"the {role}'s model {used.model!r} cannot be used: {problem}\n{ways}"
            ) from problem


def folder_for(config: RunConfig) -> tuple[Path, RunConfig]:
    """Return where the run is saved, and the configuration.

    A run that lies there is continued with --auto-resume, or after a question on a terminal.

    Raises:
        ConfigError: a run lies there and is not to be continued.
    """
    folder = run_folder(config)
    if folder.suffix == ".json":
        raise ConfigError(f"--save-to {config.save_to}: give the name of a folder, without .json")
    if config.auto_resume or not RunStore(folder).exists():
        return folder, config
    if is_answering() and says_yes(
        f"{folder} holds a run already. Continue it, playing only what is missing?"
    ):
        return folder, config.model_copy(update={"auto_resume": True})
    raise ConfigError(
        f"{folder} holds a run already; continue it with --auto-resume, "
        "or choose another name with --save-to"
    )


def says_yes(question: str) -> bool:
    """Ask a person; the end of the input is a no."""
    while True:
        try:
            answer = read_line(f"{question} [y/n] ").strip().lower()
        except EOFError:
            return False
        if answer in {"y", "yes", "n", "no"}:
            return answer.startswith("y")
