"""Simulated users. The public names of the original package load on first use."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME = {
    "BaseUser": "tau2.user.base_user",
    "DummyUser": "tau2.user.user_simulator",
    "HalfDuplexUser": "tau2.user.base_user",
    "OUT_OF_SCOPE": "tau2.user.base_user",
    "STOP": "tau2.user.base_user",
    "TRANSFER": "tau2.user.base_user",
    "UserError": "tau2.user.base_user",
    "UserSimulator": "tau2.user.user_simulator",
    "UserState": "tau2.user.base_user",
    "ValidUserInputMessage": "tau2.user.base_user",
    "get_global_user_sim_guidelines": "tau2.user.user_simulator",
    "is_valid_user_history_message": "tau2.user.base_user",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
