"""How often one participant of an episode asked a model, and how often it was answered."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class AnswerCount:
    """Model calls of one participant."""

    asked: int = 0
    answered: int = 0
    model: str = ""
    """The model that was asked last."""

    @property
    def never_answered(self) -> bool:
        """Whether a model was asked and none has ever answered."""
        return self.asked > 0 and self.answered == 0


answer_count: ContextVar[AnswerCount | None] = ContextVar("tau2_answer_count", default=None)
"""Where model calls of this context are counted; None outside of a participant's turn."""
