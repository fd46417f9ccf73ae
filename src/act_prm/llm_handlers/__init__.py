"""Models that are trained, and their replies as actions."""

from act_prm.llm_handlers.actions import get_actions
from act_prm.llm_handlers.types import ActionFromLLM

__all__ = ["ActionFromLLM", "get_actions"]
