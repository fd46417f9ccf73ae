"""A submission to a leaderboard: a folder with `submission.json` and the trajectories behind it.

The fields of `submission.json` are those of the public leaderboard; pass^k is in percent there,
faults of the environment or the reference count as failures, and `details` says what the figures
are based on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tau2 import __version__
from tau2.data_model.message import AssistantMessage, Message, UserMessage
from tau2.errors import ConfigError
from tau2.metrics.agent_metrics import compute_metrics
from tau2.metrics.interaction import panel_report, run_metrics
from tau2.report.cleaner import Cleaner
from tau2.runner.run_settings import without_secrets
from tau2.storage.files import write_atomically
from tau2.storage.results import Results, encode_results
from tau2.utils import finite_json
from tau2.utils.json_types import JsonObject

SUBMISSION_NAME = "submission.json"
TRAJECTORIES_NAME = "trajectories"
PLACEHOLDER = "TO BE FILLED IN"
PASSES = (1, 2, 3, 4)
STANDARD_AGENT = "llm_agent"
STANDARD_USER = "user_simulator"
STANDARD_VOICE_AGENT = "discrete_time_audio_native_agent"
STANDARD_VOICE_USER = "voice_streaming_user_simulator"
STANDARD_COMPLEXITY = "regular"


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid")


def _is_none(value: object) -> bool:
    return value is None


class DomainFigures(_Record):
    """What the leaderboard shows of one domain."""

    pass_1: float | None = Field(default=None, ge=0, le=100)
    """In percent, as are the others; null where tasks have fewer trials."""
    pass_2: float | None = Field(default=None, ge=0, le=100)
    pass_3: float | None = Field(default=None, ge=0, le=100)
    pass_4: float | None = Field(default=None, ge=0, le=100)
    cost: float | None = Field(default=None, ge=0)
    """The agent's US dollars per simulation; null when unknown."""
    retrieval_config: str | None = Field(default=None, exclude_if=_is_none)
    """The retrieval variant; not written for domains that have none."""


class DomainDetails(_Record):
    """What the figures of one domain are of."""

    trajectories: str
    """Name of the file below `trajectories/`."""
    num_tasks: int
    num_trials: int
    num_simulations: int
    num_scored: int
    """Simulations that say something about the agent: the denominator."""
    task_split: str | None = None
    agent: str
    user: str
    user_llm: str | None = None
    seed: int | None = None
    engine_version: str | None = None


class Contact(_Record):
    """Who answers questions."""

    email: str = PLACEHOLDER
    name: str | None = None
    github: str | None = None


class Verification(_Record):
    """What was changed of the benchmark."""

    modified_prompts: bool = False
    omitted_questions: bool = False
    details: str = ""


class Methodology(_Record):
    """How the figures came about."""

    evaluation_date: str
    tau2_bench_version: str
    user_simulator: str
    notes: str = ""
    verification: Verification = Field(default_factory=Verification)


class VoiceConfig(_Record):
    """How the calls of a voice submission were made."""

    provider: str
    model: str
    tick_duration_seconds: float
    max_steps_seconds: float
    user_tts_provider: str | None = None
    """The synthesizer of the simulated user."""


class Submission(_Record):
    """The content of `submission.json`."""

    model_name: str = PLACEHOLDER
    model_organization: str = PLACEHOLDER
    submitting_organization: str = PLACEHOLDER
    submission_date: str
    submission_type: Literal["standard", "custom"]
    """`standard`: the package's own agent and user simulator, unchanged."""
    contact_info: Contact = Field(default_factory=Contact)
    is_new: bool = True
    trajectories_available: bool = True
    references: list[dict[str, str]] = Field(default_factory=list)
    modality: Literal["voice"] | None = Field(default=None, exclude_if=_is_none)
    """None, and not written, for text; so are the two fields below."""
    voice_config: VoiceConfig | None = Field(default=None, exclude_if=_is_none)
    interaction_metrics: JsonObject | None = Field(default=None, exclude_if=_is_none)
    """As `tau2 submit interaction-metrics` gives them."""
    results: dict[str, DomainFigures]
    methodology: Methodology
    details: dict[str, DomainDetails]


@dataclass(frozen=True, slots=True)
class Submitter:
    """What no run knows; what is None becomes a placeholder."""

    model_name: str | None = None
    model_organization: str | None = None
    submitting_organization: str | None = None
    email: str | None = None
    notes: str = ""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A submission that is not written yet."""

    submission: Submission
    trajectories: Mapping[str, bytes]
    """File name → content."""


def domain_of(results: Results) -> str:
    """Return the domain a run played."""
    return results.info.environment_info.domain_name


def prepare(
    runs: Sequence[Results], who: Submitter, *, today: date, clean: Cleaner | None = None
) -> Prepared:
    """Return the submission of runs, one per domain.

    Trajectories are stored without providers' raw answers, tracebacks and anything that looks like
    a credential.

    Raises:
        ConfigError: two runs are of one domain, or the runs are not of one agent, model and user
            simulator.
    """
    _refuse_mixture(runs)
    redact = (clean or Cleaner()).redact
    first = runs[0]
    changes = changes_of(first)
    ordered = sorted(runs, key=domain_of)
    names = {domain_of(run): _file_name(run) for run in ordered}
    submission = Submission(
        model_name=who.model_name or _model_of(first) or PLACEHOLDER,
        model_organization=who.model_organization or PLACEHOLDER,
        submitting_organization=who.submitting_organization or PLACEHOLDER,
        submission_date=today.isoformat(),
        submission_type="custom" if changes else "standard",
        contact_info=Contact(email=who.email or PLACEHOLDER),
        **_voice_fields(ordered),
        results={domain_of(run): figures_of(run) for run in ordered},
        methodology=Methodology(
            evaluation_date=max(run.timestamp or "" for run in runs)[:10] or today.isoformat(),
            tau2_bench_version=first.info.engine_version or __version__,
            user_simulator=first.info.user_info.llm or first.info.user_info.implementation,
            notes=who.notes,
            verification=Verification(modified_prompts=bool(changes), details="; ".join(changes)),
        ),
        details={domain_of(run): _details(run, names[domain_of(run)]) for run in ordered},
    )
    contents = {
        names[domain_of(run)]: redact(encode_results(_public(run), "json").decode())
        for run in ordered
    }
    return Prepared(submission, {name: text.encode() for name, text in contents.items()})


def _voice_fields(runs: Sequence[Results]) -> dict[str, Any]:
    """Return what a submission of calls has besides; nothing for text."""
    config = runs[0].info.audio_native_config
    if config is None:
        return {}
    settings = runs[0].info.user_info.voice_settings or {}
    synthesis = settings.get("synthesis_config")
    synthesizer = synthesis.get("provider") if isinstance(synthesis, dict) else None
    return {
        "modality": "voice",
        "voice_config": VoiceConfig(
            provider=config.provider,
            model=config.model,
            tick_duration_seconds=config.tick_duration_seconds,
            max_steps_seconds=config.max_steps_seconds,
            user_tts_provider=synthesizer if isinstance(synthesizer, str) else None,
        ),
        "interaction_metrics": panel_report([run_metrics(run) for run in runs]),
    }


def _refuse_mixture(runs: Sequence[Results]) -> None:
    if not runs:
        raise ConfigError("a submission needs at least one run")
    domains = [domain_of(run) for run in runs]
    twice = next((domain for domain in domains if domains.count(domain) > 1), None)
    if twice is not None:
        raise ConfigError(
            f"two of the runs are of domain {twice!r}; a submission has one run per domain"
        )
    agents = [run.info.agent_info for run in runs]
    users = [run.info.user_info for run in runs]
    for what, values in (
        ("agents", {agent.implementation for agent in agents}),
        ("agent models", {agent.llm for agent in agents}),
        ("user simulators", {f"{user.implementation} ({user.llm})" for user in users}),
    ):
        if len(values) > 1:
            names = ", ".join(sorted(map(str, values)))
            raise ConfigError(f"the runs have different {what}: {names}")


def changes_of(results: Results) -> list[str]:
    """Return what makes a run a custom one: any but the package's own agent and user simulator."""
    info = results.info
    changes = []
    is_voice = info.audio_native_config is not None
    agent = STANDARD_VOICE_AGENT if is_voice else STANDARD_AGENT
    user = STANDARD_VOICE_USER if is_voice else STANDARD_USER
    if info.agent_info.implementation != agent:
        changes.append(f"agent {info.agent_info.implementation} instead of {agent}")
    if info.user_info.implementation != user:
        changes.append(f"user {info.user_info.implementation} instead of {user}")
    if is_voice and info.speech_complexity != STANDARD_COMPLEXITY:
        changes.append(
            f"speech complexity {info.speech_complexity} instead of {STANDARD_COMPLEXITY}"
        )
    if info.user_info.persona_config is not None:
        changes.append("the simulated users have personas")
    return changes


def figures_of(results: Results) -> DomainFigures:
    """Return a run's figures as the leaderboard has them."""
    metrics = compute_metrics(results, as_published=True)
    passes = {
        f"pass_{k}": 100 * metrics.pass_hat_ks[k] if k in metrics.pass_hat_ks else None
        for k in PASSES
    }
    return DomainFigures(
        **passes,
        cost=metrics.avg_agent_cost,
        retrieval_config=results.info.retrieval_config,
    )


def _details(results: Results, name: str) -> DomainDetails:
    info = results.info
    runs = results.outlines()
    return DomainDetails(
        trajectories=name,
        num_tasks=len(results.tasks),
        num_trials=info.num_trials,
        num_simulations=len(runs),
        num_scored=sum(run.is_scored for run in runs),
        task_split=info.task_split_name,
        agent=info.agent_info.implementation,
        user=info.user_info.implementation,
        user_llm=info.user_info.llm,
        seed=info.seed,
        engine_version=info.engine_version,
    )


def _model_of(results: Results) -> str | None:
    """Return the agent's model where one was called, or where that is not recorded."""
    usages = [run.agent_usage for run in results.outlines()]
    called = any(usage is None or usage.model_calls for usage in usages)
    return results.info.agent_info.llm if called else None


def _file_name(results: Results) -> str:
    parts = [_model_of(results) or results.info.agent_info.implementation, domain_of(results)]
    safe = [re.sub(r"[^A-Za-z0-9.-]+", "-", part).strip("-.") or "none" for part in parts]
    return "_".join(safe) + ".json"


def _public(results: Results) -> Results:
    """Return a run as it may be published."""
    info = results.info.model_copy(deep=True)
    for participant in (info.agent_info, info.user_info):
        if participant.llm_args is not None:
            participant.llm_args = without_secrets(participant.llm_args)
    simulations = []
    for run in results.simulations:
        notes = {key: value for key, value in (run.info or {}).items() if key != "error_traceback"}
        messages = None if run.messages is None else list(map(_public_message, run.messages))
        simulations.append(run.model_copy(update={"messages": messages, "info": notes or None}))
    return results.model_copy(
        update={"info": info, "simulations": simulations, "simulation_index": None}
    )


def _public_message(message: Message) -> Message:
    """Return a message without what only its provider can read."""
    if not isinstance(message, AssistantMessage | UserMessage):
        return message
    calls = [call.model_copy(update={"provider_data": None}) for call in message.calls]
    private = {"raw_data": None, "provider_data": None}
    return message.model_copy(update={**private, "tool_calls": calls or message.tool_calls})


def write(prepared: Prepared, folder: Path) -> None:
    """Write a submission into a new or empty folder. Raise ConfigError when something is in it.

    Also for what would not be read as it is.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"{folder} is not an empty folder; choose another with --output-dir")
    try:
        text = finite_json.dumps(prepared.submission.model_dump(warnings=False), indent=2)
    except ValueError as problem:
        raise ConfigError(f"{SUBMISSION_NAME} cannot be written: {problem}") from problem
    below = folder / TRAJECTORIES_NAME
    below.mkdir(parents=True, exist_ok=True)
    for name, content in prepared.trajectories.items():
        write_atomically(below / name, content)
    write_atomically(folder / SUBMISSION_NAME, f"{text}\n".encode())
