"""What `tau2 run` plays when no model is named and there is no key: a small model in this process.

Where that cannot be had, the scripted pair. What was named by the user is always played.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tau2.data_model.run_config import (
    DEFAULT_TEXT_AGENT,
    RunConfig,
    TextRunConfig,
    VoiceRunConfig,
)
from tau2.errors import ConfigError, install_hint
from tau2.utils.json_types import JsonMapping
from tau2.utils.text import megabytes

SCRIPTED_AGENT = "oracle_agent"
SCRIPTED_USER = "scripted_user"


@dataclass(frozen=True, slots=True)
class Embedded:
    """A configuration that can be played without a key."""

    config: RunConfig
    note: str | None = None
    """What was chosen in place of the default model, in sentences; None if nothing was."""


def without_key(config: RunConfig) -> Embedded:
    """Return a configuration that needs no key for a model that nobody named."""
    from tau2.runner.resolve import resolve

    if isinstance(config, VoiceRunConfig):
        return _call_without_key(config)
    run = resolve(config)
    given = config.model_fields_set
    chosen: dict[str, str] = {}
    missing: list[str] = []
    if (
        run.agent_model is not None
        and not given & {"llm_agent", "agent_url"}
        and _lacks_key(config.llm_agent, config.llm_args_agent)
    ):
        missing = what_is_missing()
        if not missing:
            chosen["llm_agent"] = _default_model()
        elif "agent" not in given:
            chosen["agent"] = SCRIPTED_AGENT
    if (
        run.user_model is not None
        and not given & {"user", "llm_user"}
        and _lacks_key(config.llm_user, config.llm_args_user)
    ):
        chosen["user"] = SCRIPTED_USER
    if not chosen:
        return Embedded(config)
    return Embedded(config.model_copy(update=chosen), _note(config, chosen, missing))


def _call_without_key(config: VoiceRunConfig) -> Embedded:
    """Return the configuration of a voice run that needs no key for a model that nobody named."""
    from tau2.runner.resolve import resolve

    run = resolve(config)
    given = config.model_fields_set
    audio = config.audio_native_config
    local = audio.local_config
    names_agent = local is not None and (local.agent is not None or local.llm is not None)
    note = None
    if (
        run.user_model is not None
        and not given & {"user", "llm_user"}
        and _lacks_key(config.llm_user, config.llm_args_user)
    ):
        note = (
            f"No model is named for the user, and there is no key for {config.llm_user}, "
            f"so the user is {SCRIPTED_USER}."
        )
        config = config.model_copy(update={"user": SCRIPTED_USER})
    if audio.provider == "local" and not names_agent:
        user = SCRIPTED_USER if note is not None else run.user
        note = (
            f"No agent is named, so {DEFAULT_TEXT_AGENT} talks with {user}. Their score says "
            "nothing about any model: name one with --agent-llm, or an agent with --agent."
        )
    return Embedded(config, note)


def what_is_missing() -> list[str]:
    """Return the commands that bring what the default local model lacks on this machine."""
    from tau2.llm.local import library
    from tau2.llm.local.catalog import DEFAULT_MODEL, known_model
    from tau2.llm.local.weights import is_there

    model = known_model(DEFAULT_MODEL)
    missing = []
    if not library.is_installed():
        missing.append(install_hint("local"))
    if not is_there(model):
        size = megabytes(model.weights.size)
        missing.append(f"tau2 models get {model.name}    (downloads {size})")
    return missing


def _default_model() -> str:
    from tau2.llm.local.catalog import DEFAULT_MODEL
    from tau2.llm.local.weights import PREFIX

    return PREFIX + DEFAULT_MODEL


def _lacks_key(model: str, args: JsonMapping) -> bool:
    """Return whether a model cannot be called, and a key is all that it lacks."""
    from tau2.llm import check_model

    def problem(given: dict[str, Any]) -> ConfigError | None:
        try:
            check_model(model, given)
        except ConfigError as error:
            return error
        return None

    return problem(dict(args)) is not None and problem({**args, "api_key": "any"}) is None


def _note(config: TextRunConfig, chosen: dict[str, str], missing: list[str]) -> str:
    if chosen.keys() == {"user"}:
        return (
            f"No model is named for the user, and there is no key for {config.llm_user}, "
            f"so the user is {chosen['user']}."
        )
    cause = f"No model is named, and there is no key for {config.llm_agent}"
    if "llm_agent" in chosen:
        user = f", and the user is {chosen['user']}" if "user" in chosen else ""
        return (
            f"{cause}, so the agent is {chosen['llm_agent']}, a small model in this process"
            f"{user}. Name another model with --agent-llm."
        )
    steps = "\n".join(f"  {step}" for step in missing)
    return (
        f"{cause}, so the scripted pair plays: {chosen['agent']} and "
        f"{chosen.get('user', config.user)}. Their score says nothing about any model.\n"
        f"To have a small model in this process play the agent:\n{steps}"
    )
