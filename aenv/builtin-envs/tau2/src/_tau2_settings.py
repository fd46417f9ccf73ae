"""The settings of an episode: read from environment variables, changed by a reset.

A name that begins with an underscore keeps AEnvironment's loader from taking this file for a file
of tools.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from tau2.llm.secrets import redact, secrets_in_args
from tau2.rollout import RolloutSetup

_UNSET = frozenset({"", "none", "null"})
"""Texts that mean "not set": `str(None)` gets into environment variables easily."""

VARIABLES: Mapping[str, str] = {
    "TAU2_DOMAIN": "domain",
    "TAU2_TASK_ID": "task_id",
    "TAU2_SEED": "seed",
    "TAU2_MAX_STEPS": "max_steps",
    "TAU2_SOLO_MODE": "solo_mode",
    "TAU2_USER": "user",
    "TAU2_USER_LLM": "user_llm",
    "TAU2_USER_LLM_API_BASE": "user_llm_api_base",
    "TAU2_USER_LLM_API_KEY": "user_llm_api_key",
}
"""Environment variable → field of Settings."""


class Settings(BaseModel):
    """What is played and with whom. The user model's key is never shown."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    domain: str = "telecom"
    task_id: str = ""
    seed: int | None = None
    max_steps: int = Field(default=50, ge=1)
    """Messages and tool executions before an episode is truncated."""
    solo_mode: bool | None = None
    """None: on its own exactly when no simulated user is named."""
    user: str | None = None
    """A registered user, such as `scripted_user`; None: the simulator that asks `user_llm`."""
    user_llm: str | None = None
    user_llm_api_base: str | None = None
    user_llm_api_key: SecretStr | None = None

    @classmethod
    def from_env(cls, variables: Mapping[str, str]) -> Settings:
        """Return the settings that environment variables spell.

        Raise ValueError for a value of the wrong type.
        """
        given = {field: variables.get(name, "").strip() for name, field in VARIABLES.items()}
        return cls.model_validate(
            {field: text for field, text in given.items() if text.lower() not in _UNSET}
        )

    def changed(self, changes: Mapping[str, Any]) -> Settings:
        """Return these settings with some replaced; None replaces nothing.

        Raise ValueError for a wrong type.
        """
        given = {field: value for field, value in changes.items() if value is not None}
        return type(self).model_validate({**dict(self), **given})

    @property
    def solo(self) -> bool:
        """Whether the agent works on its own."""
        if self.solo_mode is not None:
            return self.solo_mode
        return self.user is None and self.user_llm is None

    def setup(self) -> RolloutSetup:
        """Return the setup of the episode."""
        named: dict[str, Any] = {"user": self.user, "llm_user": self.user_llm}
        given = {name: value for name, value in named.items() if value is not None}
        args = {"temperature": 0.0, "api_base": self.user_llm_api_base, "api_key": self._key()}
        llm_args = {name: value for name, value in args.items() if value is not None}
        return RolloutSetup(
            self.domain, llm_args_user=llm_args, solo=self.solo, max_steps=self.max_steps, **given
        )

    def _key(self) -> str | None:
        key = self.user_llm_api_key
        return key.get_secret_value() if key is not None else None

    def redacted(self, text: str) -> str:
        """Return a text without the key and without anything that looks like one."""
        return redact(text, secrets_in_args({"api_key": self._key()}))
