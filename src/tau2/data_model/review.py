"""What a reviewing model says of a simulation."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from pydantic import AliasChoices, BaseModel, Field, computed_field, field_validator

from tau2.utils.json_types import JsonValue


class ErrorSource(StrEnum):
    """Who made a mistake."""

    AGENT = "agent"
    USER = "user"
    UNKNOWN = "unknown"
    """The reviewer did not say; our own reviewer always does."""


class ErrorType(StrEnum):
    """How bad a mistake is."""

    CRITICAL = "critical"
    MINOR = "minor"


class UserOnlyReviewError(BaseModel):
    """A mistake of the simulated user."""

    turn_idx: int | None = None
    tick_start: int | None = None
    tick_end: int | None = None
    error_type: ErrorType | str | None = None
    """The kind of mistake, in the reviewer's word; our own reviewer repeats the severity."""
    severity: str | None = None
    """`critical`, `minor`, or a word that begins with one of them (`critical_helped`)."""
    error_tags: list[str] = Field(
        default_factory=list, validation_alias=AliasChoices("error_tags", "tags")
    )
    reasoning: str = ""
    correct_behavior: str | None = None

    @field_validator("error_tags", mode="before")
    @classmethod
    def _null_is_no_tag(cls, value: JsonValue) -> JsonValue:
        return [] if value is None else value

    @field_validator("reasoning", mode="before")
    @classmethod
    def _null_is_no_text(cls, value: JsonValue) -> JsonValue:
        return "" if value is None else value

    @property
    def is_critical(self) -> bool:
        """Whether the mistake decided the conversation, by its severity or else by its type."""
        return (self.severity or self.error_type or "").lower().startswith("critical")

    @property
    def weight(self) -> ErrorType:
        """How bad the mistake is, in one of two words."""
        return ErrorType.CRITICAL if self.is_critical else ErrorType.MINOR


class ReviewError(UserOnlyReviewError):
    """A mistake of the agent or of the user."""

    source: ErrorSource = ErrorSource.UNKNOWN

    @field_validator("source", mode="before")
    @classmethod
    def _other_is_unknown(cls, value: JsonValue) -> JsonValue:
        return value if value in set(ErrorSource) else ErrorSource.UNKNOWN


class Review(BaseModel):
    """A review of agent and user."""

    summary: str = ""
    errors: list[ReviewError] = Field(default_factory=list)
    cost: float | None = None
    model: str | None = None
    """Which model reviewed."""

    @field_validator("summary", mode="before")
    @classmethod
    def _null_is_no_summary(cls, value: JsonValue) -> JsonValue:
        return "" if value is None else value

    @computed_field  # type: ignore[prop-decorator]  # pydantic's documented order
    @property
    def has_errors(self) -> bool:
        """Whether any mistake was found."""
        return bool(self.errors)

    @computed_field  # type: ignore[prop-decorator]  # as above
    @property
    def agent_error(self) -> bool:
        """Whether the agent made a mistake."""
        return any(error.source is ErrorSource.AGENT for error in self.errors)

    @computed_field  # type: ignore[prop-decorator]  # as above
    @property
    def user_error(self) -> bool:
        """Whether the user made a mistake."""
        return any(error.source is ErrorSource.USER for error in self.errors)

    @computed_field  # type: ignore[prop-decorator]  # as above
    @property
    def critical_user_error(self) -> bool:
        """Whether a mistake of the user decided the conversation."""
        return any(error.source is ErrorSource.USER and error.is_critical for error in self.errors)


class UserOnlyReview(BaseModel):
    """A review of the simulated user."""

    summary: str = ""
    errors: list[UserOnlyReviewError] = Field(default_factory=list)
    cost: float | None = None
    model: str | None = None
    """Which model reviewed."""

    @field_validator("summary", mode="before")
    @classmethod
    def _null_is_no_summary(cls, value: JsonValue) -> JsonValue:
        return "" if value is None else value

    @computed_field  # type: ignore[prop-decorator]  # as above
    @property
    def has_errors(self) -> bool:
        """Whether any mistake was found."""
        return bool(self.errors)

    @computed_field  # type: ignore[prop-decorator]  # as above
    @property
    def user_error(self) -> bool:
        """Whether the user made a mistake."""
        return bool(self.errors)

    @computed_field  # type: ignore[prop-decorator]  # as above
    @property
    def critical_user_error(self) -> bool:
        """Whether a mistake decided the conversation."""
        return any(error.is_critical for error in self.errors)


def mistakes(reviews: Iterable[Review | UserOnlyReview]) -> dict[str, int]:
    """Return the number of mistakes by role and severity: `agent_critical`, `user_minor` ...

    Mistakes of an unknown source are no role's.
    """
    roles = (ErrorSource.AGENT, ErrorSource.USER)
    counts = {f"{role}_{weight}": 0 for role in roles for weight in ErrorType}
    for review in reviews:
        for error in review.errors:
            source = error.source if isinstance(error, ReviewError) else ErrorSource.USER
            if source in roles:
                counts[f"{source}_{error.weight}"] += 1
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
