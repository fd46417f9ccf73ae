"""What a model says as actions, and the models that say it."""

from act_prm.llm_handlers.actions import get_actions
from act_prm.llm_handlers.types import ActionFromLLM

__all__ = ["ActionFromLLM", "get_actions"]
