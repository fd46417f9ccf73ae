"""How a run is configured.

Every field becomes a flag of `tau2 run`; its docstring is the flag's help.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    field_validator,
)

from tau2 import config as defaults
from tau2.data_model.audio import (
    AudioNativeConfig,
    SpeechComplexity,
    SpeechCondition,
    VoiceSettings,
)
from tau2.utils.json_types import JsonMapping, JsonObject

ReviewMode = Literal["full", "user"]
ExecutorName = Literal["local", "ray"]
UserPrompt = Literal["auto", "full", "short"]
UserMonitorMode = Literal["act", "report", "off"]
AgentProgramProtocol = Literal["chat", "responses", "a2a", "mcp"]
"""How a program that is the agent is spoken to."""

URL_AGENT = "url_agent"
"""The agent that speaks for a program at a URL."""
A2A_AGENT = "a2a_agent"
"""The same for an A2A server, which keeps the conversation itself."""
PROGRAM_AGENT = "program_agent"
"""A program with a loop of its own, which is called for every episode and plays over MCP."""
SOLO_PROGRAM_AGENT = "program_agent_solo"
"""The same without a user."""

DEFAULT_TEXT_AGENT = "hearing_oracle"
"""Who is behind the voice of provider `local` when neither an agent nor a model is named."""


def _is_encodable(name: str) -> bool:
    try:
        os.fsencode(name)
    except UnicodeEncodeError:  # halves of characters
        return False
    return True


class BaseRunConfig(BaseModel):
    """What text and voice runs share. A misspelt field is an error."""

    # What does not validate may hold a key: an error must not repeat it.
    model_config = ConfigDict(
        extra="forbid", use_attribute_docstrings=True, hide_input_in_errors=True
    )

    domain: str = "airline"
    """The company to simulate."""
    task_set_name: str | None = None
    """Task set to play; default: the domain's own."""
    task_split_name: str | None = "base"
    """Split of the task set (train, test, base ...)."""
    task_ids: list[str] | None = None
    """Play only these tasks."""
    num_tasks: int | None = None
    """Play only the first N tasks."""
    tasks_file: str | None = None
    """JSON file whose tasks are played instead of a task set (see `tau2 tasks generate`)."""
    llm_user: str = defaults.DEFAULT_LLM_USER
    """Model of the simulated user, e.g. openai/gpt-4.1."""
    llm_args_user: JsonObject = Field(default_factory=lambda: dict(defaults.DEFAULT_LLM_ARGS_USER))
    """Arguments of the user's model calls, as JSON."""
    llm_judge: str | None = None
    """Model that judges natural-language assertions.

    Default: TAU2_JUDGE_LLM or the published one.
    """
    llm_args_judge: JsonObject = Field(default_factory=dict)
    """Arguments of the judge's model calls, as JSON."""
    num_trials: int = defaults.DEFAULT_NUM_TRIALS
    """Times every task is played."""
    max_errors: int = defaults.DEFAULT_MAX_ERRORS
    """Failed tool calls of one participant after which an episode is stopped."""
    timeout: float | None = None
    """Wall-clock limit of one episode, in seconds; bounds model calls too."""
    save_to: str | None = None
    """Name of the run's folder below the simulations folder.

    Default: domain, date and time.
    """
    max_concurrency: int = defaults.DEFAULT_MAX_CONCURRENCY
    """Episodes played at once."""
    workers: int = 0
    """Worker processes; 0 plays everything in this process."""
    worker_timeout: float = Field(default=120.0, gt=0)
    """Seconds without a sign of life after which a worker process is replaced; its episodes are
    played again."""
    executor: ExecutorName = "local"
    """Where episodes are played: local (this machine) or ray (a Ray cluster, see RAY_ADDRESS)."""
    provider_limits: dict[str, int | dict[str, float]] | None = None
    """Limits per provider, as JSON: {"openai": 40} calls in flight, or {"openai": {"in_flight": 40,
    "rpm": 500, "tpm": 200000}}; "*" means every other provider."""
    record: bool = False
    """Keep every model exchange beside the results, for `tau2 replay`."""
    cache: str | None = None
    """Folder of cached responses: an equal request is not sent again (docs/record-replay.md)."""
    max_cost: float | None = None
    """US dollars that the whole run may cost.

    The worst case of every call is reserved before it is made.
    """
    seed: int = defaults.DEFAULT_SEED
    """Seed from which the seed of every episode is derived."""
    log_level: str = defaults.DEFAULT_LOG_LEVEL
    """Least severe log level shown."""
    verbose_logs: bool = False
    """Keep one log file per episode."""
    max_retries: int = defaults.DEFAULT_MAX_RETRIES
    """Further attempts at an episode that failed for infrastructure reasons."""
    retry_delay: float = defaults.DEFAULT_RETRY_DELAY
    """Seconds before such an attempt."""
    probe: bool = True
    """Ask every model once before the first task; stop when one cannot be used."""
    stop_after_failures: int = defaults.DEFAULT_STOP_AFTER_FAILURES
    """Infrastructure failures of one model in a row after which the run stops; 0 for never."""
    keep_going: bool = False
    """Go on after a bug in an agent, user or backend of your own: its episodes have no score."""
    auto_resume: bool = False
    """Continue an existing run without asking: only what is missing is played."""
    auto_review: bool = False
    """Have a model review every episode."""
    review_mode: ReviewMode = "full"
    """What a review covers: agent and user, or the simulated user only."""
    review_model: str = defaults.DEFAULT_LLM_EVAL_USER_SIMULATOR
    """Model that reviews."""
    review_args: JsonObject = Field(default_factory=dict)
    """Arguments of the reviewer's model calls, as JSON."""
    otel: bool = False
    """Trace episodes, turns and calls with OpenTelemetry (extra: otel; set up by OTEL_*)."""
    hallucination_retries: int = 3
    """Replays of a call whose model-driven user made something up (docs/user-monitor.md)."""
    is_remote: bool = False
    """Accepted for compatibility; has no effect."""
    protocol: str | None = None
    """Published comparison whose settings are used, by name (see `tau2 protocols`); settings that
    are given win, and the run says where it departs."""
    retrieval_config: str | None = None
    """Retrieval variant of a knowledge domain."""
    retrieval_config_kwargs: JsonObject | None = None
    """Arguments of the retrieval variant, as JSON."""

    def validate(self) -> None:  # type: ignore[override]  # as in the original
        """Do nothing: a configuration is validated when it is made, and before a run."""

    @property
    def is_voice(self) -> bool:
        """Whether the run is full duplex."""
        return False

    @field_validator("provider_limits", mode="wrap")
    @classmethod
    def _has_limits(cls, value: Any, validated: ValidatorFunctionWrapHandler) -> Any:
        """Say of a value that fits in none of its forms where it is and what may stand there."""
        try:
            return validated(value)
        except ValidationError as problem:
            provider, *kinds = max((error["loc"] for error in problem.errors()), key=len) or (None,)
            if provider is None:
                raise
            wrong = value[provider]
            name = f"{provider}"
            if isinstance(wrong, Mapping) and len(kinds) > 1:
                wrong = wrong[kinds[1]]
                name += f": {kinds[1]}"
            raise ValueError(
                f"{name}: {wrong!r} is no limit; write the calls in flight as a number, as in "
                f'{{"{provider}": 40}}, or numbers by name, as in '
                f'{{"{provider}": {{"in_flight": 40, "rpm": 500, "tpm": 200000}}}}'
            ) from None

    @field_validator("save_to", "tasks_file")
    @classmethod
    def _can_name_a_file(cls, value: str | None) -> str | None:
        if value is not None and ("\0" in value or not _is_encodable(value)):
            raise ValueError(f"no file can have the name {value[:80]!a}")
        return value


class TextRunConfig(BaseRunConfig):
    """A half-duplex run."""

    agent: str = defaults.DEFAULT_AGENT_IMPLEMENTATION
    """The agent: llm_agent, oracle_agent, lazy_agent ... (see `tau2 intro`)."""
    llm_agent: str = defaults.DEFAULT_LLM_AGENT
    """Model of the agent, e.g. openai/gpt-4.1 or local/qwen-0.5b (docs/local-models.md)."""
    llm_args_agent: JsonObject = Field(
        default_factory=lambda: dict(defaults.DEFAULT_LLM_ARGS_AGENT)
    )
    """Arguments of the agent's model calls, as JSON."""
    agent_url: str | None = None
    """Address of a program that is the agent (docs/your-agent.md); its key: TAU2_AGENT_KEY."""
    agent_protocol: AgentProgramProtocol | None = None
    """How the program at agent_url is spoken to: chat (chat completions), responses, a2a, or mcp:
    it is told of every episode and plays over MCP (docs/agent-programs.md) (default: chat)."""
    agent_command: str | None = None
    """Command that is started for every episode and plays it over MCP: the address is in
    TAU2_MCP_URL, the token in TAU2_MCP_TOKEN (docs/agent-programs.md)."""
    session_timeout: float = Field(default=600.0, gt=0, allow_inf_nan=False)
    """Seconds without a call, after which a program that plays over MCP has failed."""
    user: str = defaults.DEFAULT_USER_IMPLEMENTATION
    """The simulated user: user_simulator, scripted_user, dummy_user."""
    user_persona: JsonObject | None = None
    """Manner of the simulated user, as JSON, e.g. {"verbosity": "minimal"}."""
    user_prompt: UserPrompt = "auto"
    """Prompt of a model-driven user: full, short (for small models), or auto: by the model's name
    (docs/participants.md)."""
    user_monitor: UserMonitorMode = "act"
    """What happens when the simulated user fails: act (ask again once, then end the episode as a
    user failure), report (record it only), off (docs/user-monitor.md)."""
    max_steps: int = defaults.DEFAULT_MAX_STEPS
    """Messages and tool executions after which an episode is stopped."""
    enforce_communication_protocol: bool = False
    """Fail a participant that sends text and tool calls in one message, or nothing."""
    text_streaming_config: JsonObject | None = None
    """Settings of text streaming, as JSON."""

    @property
    def plays_over_mcp(self) -> bool:
        """Whether the agent is a program that is called for every episode."""
        return self.agent_command is not None or self.agent_protocol == "mcp"

    @property
    def effective_agent(self) -> str:
        """The agent's name."""
        if self.plays_over_mcp:
            return self.agent if self.agent == SOLO_PROGRAM_AGENT else PROGRAM_AGENT
        if self.agent_url is None:
            return self.agent
        return A2A_AGENT if self.agent_protocol == "a2a" else URL_AGENT

    @property
    def effective_user(self) -> str:
        """The simulated user's name."""
        return self.user

    @property
    def effective_max_steps(self) -> int:
        """The longest episode, in hops."""
        return self.max_steps

    @property
    def effective_agent_model(self) -> str:
        """The agent's model: of a program at a URL, how it is spoken to and what it is called."""
        if self.agent_url is None or self.plays_over_mcp:
            return self.llm_agent
        if self.agent_protocol == "a2a":
            return "a2a/agent"
        parts = ["agent", self.agent_protocol or "chat"]
        # The default names a model of a provider. It is compared, because a configuration that was
        # printed or sent to a worker sets every field.
        is_named = self.llm_agent != defaults.DEFAULT_LLM_AGENT
        return "/".join([*parts, self.llm_agent] if is_named else parts)

    @property
    def effective_agent_args(self) -> JsonObject:
        """Arguments of the agent's model calls.

        A program at a URL gets those that were given, and no defaults.
        """
        if self.agent_url is None or self.plays_over_mcp:
            return self.llm_args_agent
        is_given = self.llm_args_agent != defaults.DEFAULT_LLM_ARGS_AGENT
        return {**(self.llm_args_agent if is_given else {}), "api_base": self.agent_url}

    @property
    def effective_agent_provider(self) -> str:
        """The provider of the agent's model."""
        return self.effective_agent_model.partition("/")[0]

    @property
    def effective_user_model(self) -> str:
        """The user's model."""
        return self.llm_user


class VoiceRunConfig(BaseRunConfig):
    """A full-duplex run."""

    audio_native_config: AudioNativeConfig
    """The speech model and its timing."""
    speech_complexity: SpeechComplexity = "regular"
    """How hard the audio is to understand."""
    speech_condition: SpeechCondition | None = None
    """What is heard beside the user: regular, noise (10 dB) or speech (competing); default: what
    speech_complexity says (docs/domains/intake.md)."""
    agent_voice_settings: VoiceSettings | None = None
    """How the agent of provider local speaks and hears, as JSON."""
    user_voice_settings: VoiceSettings | None = None
    """How the simulated user speaks and hears, as JSON."""
    user: str = defaults.DEFAULT_USER_IMPLEMENTATION
    """Who decides what the simulated user says: user_simulator or scripted_user."""
    user_persona: JsonObject | None = None
    """Manner of the simulated user, as JSON, e.g. {"verbosity": "minimal"}."""
    user_prompt: UserPrompt = "auto"
    """Prompt of a model-driven user: full, short (for small models), or auto: by the model's name
    (docs/participants.md)."""
    audio_debug: bool = False
    """The same as audio_taps."""
    audio_taps: bool = False
    """Keep the audio of every stage beside the recording of a call."""

    @field_validator("audio_native_config")
    @classmethod
    def _can_be_run(cls, value: AudioNativeConfig) -> AudioNativeConfig:
        return value.checked()

    @property
    def is_voice(self) -> bool:
        """Whether the run is full duplex."""
        return True

    @property
    def effective_agent(self) -> str:
        """The agent's name."""
        return "discrete_time_audio_native_agent"

    @property
    def effective_user(self) -> str:
        """The simulated user's name."""
        return "voice_streaming_user_simulator"

    @property
    def effective_max_steps(self) -> int:
        """The longest episode, in ticks."""
        return self.audio_native_config.max_steps_ticks

    @property
    def text_agent(self) -> str | None:
        """The text agent behind the voice; None where the provider is the agent."""
        audio = self.audio_native_config
        local = audio.local_config
        is_behind_live = audio.live_config is not None and audio.live_config.delegation == "client"
        if audio.provider != "local" and local is None and not is_behind_live:
            return None
        if local is not None and local.agent is not None:
            return local.agent
        return DEFAULT_TEXT_AGENT if local is None or local.llm is None else "llm_agent"

    @property
    def effective_agent_model(self) -> str:
        """The agent's model: of the text agent behind the voice, or the speech model."""
        audio = self.audio_native_config
        local = audio.local_config
        return local.llm if local is not None and local.llm is not None else audio.model

    @property
    def effective_agent_provider(self) -> str:
        """The provider of the agent's model."""
        return self.audio_native_config.provider

    @property
    def effective_user_model(self) -> str:
        """The user's model."""
        return self.llm_user


RunConfig = TextRunConfig | VoiceRunConfig


def run_config_kind(values: JsonMapping) -> type[TextRunConfig] | type[VoiceRunConfig]:
    """Return which kind of run the fields of a configuration are of."""
    return VoiceRunConfig if "audio_native_config" in values else TextRunConfig
