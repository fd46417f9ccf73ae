"""What a reviewing model says of a simulation."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from pydantic import BaseModel, Field


class ErrorSource(StrEnum):
    """Who made a mistake."""

    AGENT = "agent"
    USER = "user"


class ErrorType(StrEnum):
    """How bad a mistake is."""

    CRITICAL = "critical"
    MINOR = "minor"


class UserOnlyReviewError(BaseModel):
    """A mistake of the simulated user."""

    turn_idx: int | None = None
    error_type: ErrorType | str = ErrorType.MINOR
    reasoning: str = ""
    correct_behavior: str | None = None


class ReviewError(UserOnlyReviewError):
    """A mistake of either side."""

    source: ErrorSource = ErrorSource.AGENT


class Review(BaseModel):
    """A review of both sides."""

    summary: str = ""
    errors: list[ReviewError] = Field(default_factory=list)
    cost: float | None = None
    model: str | None = None
    """Which model reviewed."""

    @property
    def has_errors(self) -> bool:
        """Whether any mistake was found."""
        return bool(self.errors)


class UserOnlyReview(BaseModel):
    """A review of the simulated user."""

    summary: str = ""
    errors: list[UserOnlyReviewError] = Field(default_factory=list)
    cost: float | None = None
    model: str | None = None
    """Which model reviewed."""

    @property
    def has_errors(self) -> bool:
        """Whether any mistake was found."""
        return bool(self.errors)


def mistakes(reviews: Iterable[Review | UserOnlyReview]) -> dict[str, int]:
    """Return the number of mistakes by role and severity: `agent_critical`, `user_minor` ..."""
    counts = {f"{source}_{severity}": 0 for source in ErrorSource for severity in ErrorType}
    for review in reviews:
        for error in review.errors:
            side = error.source if isinstance(error, ReviewError) else ErrorSource.USER
            severity = (
                ErrorType.CRITICAL if error.error_type == ErrorType.CRITICAL else ErrorType.MINOR
            )
            counts[f"{side}_{severity}"] += 1
    return counts


class HallucinationCheckError(BaseModel):
    """Something the simulated user made up."""

    turn_idx: int | None = None
    reasoning: str = ""


class HallucinationCheck(BaseModel):
    """Whether the simulated user made anything up."""

    errors: list[HallucinationCheckError] = Field(default_factory=list)
    cost: float | None = None


class AuthenticationClassification(BaseModel):
    """Whether the agent established who the customer is."""

    status: str
    reasoning: str = ""


class SimulationNote(BaseModel):
    """A person's remark on a simulation."""

    simulation_id: str
    note: str
    author: str | None = None
    created_at: str | None = None
