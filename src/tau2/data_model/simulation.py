"""Simulations and results: what a run leaves behind."""

from __future__ import annotations

from collections.abc import Generator
from enum import StrEnum
from importlib import import_module
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, Field, PrivateAttr

from tau2.data_model.audio import AudioNativeConfig
from tau2.data_model.message import (
    AssistantMessage,
    Message,
    StoredMessage,
    Tick,
    ToolMessage,
    UserMessage,
    _now,
)
from tau2.data_model.persona import PersonaConfig
from tau2.data_model.review import (
    AuthenticationClassification,
    ErrorSource,
    ErrorType,
    HallucinationCheck,
    HallucinationCheckError,
    Review,
    ReviewError,
    SimulationNote,
    UserOnlyReview,
    UserOnlyReviewError,
)
from tau2.data_model.reward import (
    ActionCheck,
    CommunicateCheck,
    DBCheck,
    EnvAssertionCheck,
    NLAssertionCheck,
    RewardInfo,
)
from tau2.data_model.run_config import BaseRunConfig, RunConfig, TextRunConfig, VoiceRunConfig
from tau2.data_model.utterances import as_conversation
from tau2.utils.json_types import JsonObject, JsonValue

ResultsFormat = Literal["json", "dir"]


class TerminationReason(StrEnum):
    """Why an episode ended."""

    USER_STOP = "user_stop"
    AGENT_STOP = "agent_stop"
    MAX_STEPS = "max_steps"
    TIMEOUT = "timeout"
    TOO_MANY_ERRORS = "too_many_errors"
    AGENT_ERROR = "agent_error"
    USER_ERROR = "user_error"
    INFRASTRUCTURE_ERROR = "infrastructure_error"
    CONTEXT_WINDOW_EXCEEDED = "context_window_exceeded"
    UNEXPECTED_ERROR = "unexpected_error"


FINISHED = frozenset({TerminationReason.AGENT_STOP, TerminationReason.USER_STOP})
"""The regular endings: a participant ended the conversation."""

INFRASTRUCTURE_REASONS = frozenset(
    {TerminationReason.INFRASTRUCTURE_ERROR, TerminationReason.UNEXPECTED_ERROR}
)
"""Neither participant ended the conversation: the infrastructure failed."""

NO_SCORE = INFRASTRUCTURE_REASONS | {TerminationReason.USER_ERROR}
"""Termination reasons that say nothing about the agent; such simulations do not count."""


class Unit(NamedTuple):
    """One trial of one task: what is scheduled, and stored once."""

    task_id: str
    trial: int


class SessionUsage(BaseModel):
    """Tokens and calls of one side in one episode."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    model_calls: int = 0
    malformed_tool_calls: int = 0
    cut_off: int = 0
    """Messages that reached the model's length limit (finish reason `length`)."""
    content_filtered: int = 0
    """Messages that the provider's content filter cut off."""
    cached_tokens: int = 0
    """Of the prompt tokens, those that the provider read from its cache."""
    cache_write_tokens: int = 0
    """Of the prompt tokens, those that the provider wrote to its cache."""


class SimulationRun(BaseModel):
    """The record of one episode: its messages, why it ended, and how it was graded."""

    id: str
    task_id: str
    timestamp: str = Field(default_factory=_now)
    start_time: str
    end_time: str
    duration: float
    termination_reason: TerminationReason
    agent_cost: float | None = None
    user_cost: float | None = None
    agent_usage: SessionUsage | None = None
    user_usage: SessionUsage | None = None
    reward_info: RewardInfo | None = None
    messages: list[StoredMessage] | None = None
    ticks: list[Tick] | None = None
    trial: int | None = None
    seed: int | None = None
    mode: str = "half_duplex"
    speech_environment: JsonObject | None = None
    review: Review | None = None
    user_only_review: UserOnlyReview | None = None
    info: JsonObject | None = None
    auth_classification: AuthenticationClassification | None = None
    hallucination_retries_used: int = 0
    hallucination_check: HallucinationCheck | None = None
    provider_session_id: str | None = None
    policy: str | None = None
    effect_timeline: JsonValue = None
    _conversation: list[Message] | None = PrivateAttr(default=None)
    """What was read from the ticks."""

    def get_messages(self) -> list[Message]:
        """Return the conversation in order.

        A call that is stored as ticks alone, or with its chunks as messages, is read from its
        ticks: utterances as text, and the tool calls between them.
        """
        if self.ticks and (not self.messages or any(map(_is_chunk, self.messages))):
            if self._conversation is None:
                ordered = sorted(self.ticks, key=lambda tick: tick.tick_id)
                self._conversation = as_conversation(ordered)
            return self._conversation
        return self.messages or []

    def __await__(self) -> Generator[None, None, SimulationRun]:
        """Return the record itself.

        A fork of the original awaits what `run_single_task` returns.
        """
        return self
        yield

    @property
    def agent_messages(self) -> list[Message]:
        """What the agent has sent and received: no calls of the user's own tools."""
        return [message for message in self.get_messages() if _is_of_agent(message)]

    @property
    def unit(self) -> Unit:
        """The trial and task that was simulated.

        A record that names no trial counts as the first.
        """
        return Unit(self.task_id, self.trial or 0)

    @property
    def is_scored(self) -> bool:
        """Whether there is a reward that counts: none of NO_SCORE ended the episode."""
        return self.reward_info is not None and self.termination_reason not in NO_SCORE

    @property
    def reward(self) -> float | None:
        """The reward; None without a grade. Whether it counts says `is_scored`."""
        return self.reward_info.reward if self.reward_info is not None else None

    @property
    def num_messages(self) -> int:
        """How long the conversation is."""
        return len(self.get_messages())

    @property
    def breakdown(self) -> tuple[tuple[str, float], ...]:
        """Each basis of the reward with its score."""
        parts = self.reward_info.reward_breakdown if self.reward_info is not None else None
        return tuple((basis.value, score) for basis, score in (parts or {}).items())

    @property
    def environment_faults(self) -> tuple[str, ...]:
        """Why a lost reward may not be the agent's doing."""
        return tuple(self.reward_info.environment_faults) if self.reward_info is not None else ()


def _is_chunk(message: Message) -> bool:
    return isinstance(message, AssistantMessage | UserMessage) and message.is_audio


def _is_of_agent(message: Message) -> bool:
    if isinstance(message, UserMessage):
        return not message.is_tool_call()
    return not isinstance(message, ToolMessage) or message.requestor == "assistant"


class UserInfo(BaseModel):
    """The simulated user of a run."""

    implementation: str
    llm: str | None = None
    llm_args: JsonObject | None = None
    global_simulation_guidelines: str | None = None
    voice_settings: JsonObject | None = None
    persona_config: PersonaConfig | None = None
    prompt_form: str | None = None
    """Which prompt a model-driven user was given, where it has several: full or short."""


class AgentInfo(BaseModel):
    """The agent of a run."""

    implementation: str
    llm: str | None = None
    llm_args: JsonObject | None = None
    voice_settings: JsonObject | None = None


class EnvironmentInfo(BaseModel):
    """The environment of a run."""

    domain_name: str
    policy: str
    tool_defs: JsonObject | None = None


def _words() -> JsonObject:
    return {"chunk_by": "words", "chunk_size": 1}


class Info(BaseModel):
    """What a run was: enough to judge whether two runs may be compared."""

    git_commit: str = "unknown"
    num_trials: int
    max_steps: int
    max_errors: int
    user_info: UserInfo
    agent_info: AgentInfo
    environment_info: EnvironmentInfo
    seed: int | None = None
    text_streaming_config: JsonObject | None = Field(default_factory=_words)
    speech_complexity: str | None = None
    audio_native_config: AudioNativeConfig | None = None
    retrieval_config: str | None = None
    retrieval_config_kwargs: JsonObject | None = None
    engine_version: str | None = None
    task_set_name: str | None = None
    task_split_name: str | None = None
    judge: str | None = None
    strict_compat: bool | None = None
    timeout: float | None = None
    enforce_communication_protocol: bool | None = None
    protocol: str | None = None
    """The published comparison whose settings were used."""
    protocol_departures: list[str] | None = None
    """Where the run departs from it, in words."""


class SimulationIndexEntry(BaseModel):
    """One line of the index of a results folder."""

    id: str
    task_id: int | str
    trial: int | None = None
    reward: float | None = Field(default=None, allow_inf_nan=False)
    termination_reason: str | None = None
    agent_cost: float | None = None
    duration: float | None = None

    @classmethod
    def of(cls, run: SimulationRun) -> SimulationIndexEntry:
        """Make the entry of a simulation."""
        return cls(
            id=run.id,
            task_id=run.task_id,
            trial=run.trial,
            reward=run.reward_info.reward if run.reward_info else None,
            termination_reason=run.termination_reason.value,
            agent_cost=run.agent_cost,
            duration=run.duration,
        )


def __getattr__(name: str) -> Any:
    """Return `Results`, which moved to `tau2.storage.results`; this path of it is public."""
    if name != "Results":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module("tau2.storage.results").Results


__all__ = [  # noqa: F822  -- Results is loaded on first use
    "FINISHED",
    "INFRASTRUCTURE_REASONS",
    "NO_SCORE",
    "ActionCheck",
    "AgentInfo",
    "AudioNativeConfig",
    "AuthenticationClassification",
    "BaseRunConfig",
    "CommunicateCheck",
    "DBCheck",
    "EnvAssertionCheck",
    "EnvironmentInfo",
    "ErrorSource",
    "ErrorType",
    "HallucinationCheck",
    "HallucinationCheckError",
    "Info",
    "NLAssertionCheck",
    "Results",
    "ResultsFormat",
    "Review",
    "ReviewError",
    "RewardInfo",
    "RunConfig",
    "SessionUsage",
    "SimulationIndexEntry",
    "SimulationNote",
    "SimulationRun",
    "TerminationReason",
    "TextRunConfig",
    "Unit",
    "UserInfo",
    "UserOnlyReview",
    "UserOnlyReviewError",
    "VoiceRunConfig",
]
