"""The simulated user driven by a language model, and the placeholder for an absent user."""

from __future__ import annotations

from typing import Any

from tau2._compat.patching import patch_point
from tau2.data_model.tasks import Task, UserInstructions
from tau2.participant.llm_config import LLMConfigMixin
from tau2.participant.spec import UserSpec
from tau2.user.base_user import (
    OUT_OF_SCOPE,
    STOP,
    TRANSFER,
    BaseUser,
    HalfDuplexUser,
    UserError,
    UserState,
    ValidUserInputMessage,
    is_valid_user_history_message,
)
from tau2.user.user_simulator.dummy import DummyUser
from tau2.user.user_simulator.simulator import (
    SYSTEM_PROMPT,
    UserSimulator,
    get_global_user_sim_guidelines,
)
from tau2.utils.llm_utils import generate

patch_point(__name__, "SYSTEM_PROMPT", SYSTEM_PROMPT)
patch_point(__name__, "generate", generate)
patch_point(__name__, "get_global_user_sim_guidelines", get_global_user_sim_guidelines)


def make_user_simulator(**kwargs: Any) -> UserSimulator:
    """Make a UserSimulator; a `task` stands in for missing `instructions`."""
    task: Task | None = kwargs.get("task")
    instructions: UserInstructions | None = kwargs.get("instructions")
    if instructions is None and task is not None:
        instructions = str(task.user_scenario)
    user = UserSimulator(
        tools=kwargs.get("tools"),
        instructions=instructions,
        llm=kwargs.get("llm"),
        llm_args=kwargs.get("llm_args"),
        persona_config=kwargs.get("persona_config"),
        completion_fn=kwargs.get("completion_fn"),
        prompt_form=kwargs.get("prompt_form") or "auto",
    )
    if kwargs.get("seed") is not None:
        user.set_seed(kwargs["seed"])
    return user


USERS = (
    UserSpec("user_simulator", make=make_user_simulator, continues="messages"),
    UserSpec("dummy_user", make=DummyUser, needs_model=False, solo=True, continues="messages"),
)

__all__ = [
    "OUT_OF_SCOPE",
    "STOP",
    "SYSTEM_PROMPT",
    "TRANSFER",
    "USERS",
    "BaseUser",
    "DummyUser",
    "HalfDuplexUser",
    "LLMConfigMixin",
    "UserError",
    "UserSimulator",
    "UserState",
    "ValidUserInputMessage",
    "generate",
    "get_global_user_sim_guidelines",
    "is_valid_user_history_message",
    "make_user_simulator",
]
