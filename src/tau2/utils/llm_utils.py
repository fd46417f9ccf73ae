"""Public path of the original package.

Clients replace `completion`, `generate` and `get_response_cost` here. Every model call looks these
names up when it is made, so a replacement takes effect wherever the call comes from.
"""

from __future__ import annotations

from tau2._compat.llm_utils import (
    _parse_ft_model_name,
    completion,
    generate,
    get_cost,
    get_response_cost,
    get_response_usage,
    get_token_usage,
    to_litellm_messages,
    to_litellm_tools,
)
from tau2._compat.patching import patch_point

__all__ = [
    "_parse_ft_model_name",
    "completion",
    "generate",
    "get_cost",
    "get_response_cost",
    "get_response_usage",
    "get_token_usage",
    "to_litellm_messages",
    "to_litellm_tools",
]

patch_point(__name__, "completion", completion)
patch_point(__name__, "generate", generate)
patch_point(__name__, "get_response_cost", get_response_cost)
