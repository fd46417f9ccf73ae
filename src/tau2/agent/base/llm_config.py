"""Public path of the original package."""

from tau2.participant.llm_config import LLMConfigMixin

__all__ = ["LLMConfigMixin"]
