"""The figures of a spoken run: latency, interruptions, and who heard what."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tau2.data_model.simulation import SimulationRun
from tau2.metrics.hearing import Hearing, heard_by_agent, heard_by_user, total
from tau2.metrics.interaction import InteractionMetrics, events_of, metrics_of_events
from tau2.metrics.outcomes import Outcome, outcome_of
from tau2.metrics.timeline import timeline_of
from tau2.utils.text import plural

_METERS = (
    "audio_input_seconds",
    "audio_output_seconds",
    "active_seconds",
    "input_audio_tokens",
    "output_audio_tokens",
    "characters",
)


@dataclass(frozen=True, slots=True)
class SpeechUsage:
    """What the speech engines or the provider of the agent metered."""

    input_seconds: float = 0.0
    output_seconds: float = 0.0
    active_seconds: float = 0.0
    """In which a session that is charged by the minute listened or spoke."""
    audio_tokens: int = 0
    characters: int = 0

    def __str__(self) -> str:
        minutes = (
            ("heard", self.input_seconds),
            ("spoken", self.output_seconds),
            ("active", self.active_seconds),
        )
        parts = [f"{seconds / 60:.1f} minutes {what}" for what, seconds in minutes if seconds]
        if self.audio_tokens:
            parts.append(plural(self.audio_tokens, "audio token"))
        if self.characters:
            parts.append(f"{plural(self.characters, 'character')} synthesized")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class VoiceFigures:
    """What is shown of the calls of a run."""

    num_calls: int
    seconds: float
    """Of all calls together, in their own time."""
    metrics: InteractionMetrics
    agent_heard: Hearing | None
    user_heard: Hearing | None
    """None where it is not stored."""
    failures_misheard: int
    """Failures of the agent in calls in which it misheard a value."""
    failures_heard: int
    """Failures of the agent in calls in which it heard every value."""
    speech: SpeechUsage

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as JSON data."""
        return {
            "calls": self.num_calls,
            "seconds": round(self.seconds, 3),
            "interaction": self.metrics.as_dict(),
            "agent_heard": self.agent_heard.as_dict() if self.agent_heard else None,
            "user_heard": self.user_heard.as_dict() if self.user_heard else None,
            "failures_with_misheard_values": self.failures_misheard,
            "failures_with_values_heard": self.failures_heard,
            "speech": asdict(self.speech),
        }

    def lines(self) -> Mapping[str, str]:
        """Return the figures in words, each with its name."""
        counts = self.metrics.counts
        shown = {
            "calls": f"{plural(self.num_calls, 'call')}, {self.seconds / 60:.1f} minutes",
            "latency": self._latency(),
            "interruptions": f"by the agent {counts.agent_interrupts_count}, "
            f"by the user {counts.yield_total}",
        }
        if counts.yield_total:
            shown["interruptions"] += f" (the agent yielded to {self.metrics.yielded})"
        for listener, heard in (("agent", self.agent_heard), ("user", self.user_heard)):
            if heard is not None:
                shown[f"{listener} heard"] = str(heard)
        failures = self.failures_misheard + self.failures_heard
        if failures and self.agent_heard is not None:
            shown["lost"] = (
                f"{plural(failures, 'failure')}: {self.failures_misheard} with a misheard value, "
                f"{self.failures_heard} with every value heard"
            )
        if str(self.speech):
            shown["speech"] = str(self.speech)
        return shown

    def _latency(self) -> str:
        answer = self.metrics.response_latency_mean
        to_yield = self.metrics.yield_latency_mean
        parts = [f"{answer:.2f} s to answer"] if answer is not None else ["no answer"]
        if to_yield is not None:
            parts.append(f"{to_yield:.2f} s to yield")
        return ", ".join(parts)


def speech_usage(runs: Iterable[SimulationRun]) -> SpeechUsage:
    """Return what was metered in calls, by the usage records that are stored with them."""
    sums: Counter[str] = Counter()
    for run in runs:
        voice = (run.info or {}).get("voice")
        usage = voice.get("usage") if isinstance(voice, dict) else None
        records = usage.get("records") if isinstance(usage, dict) else None
        for record in records if isinstance(records, list) else ():
            if isinstance(record, dict):
                sums.update({name: _amount(record.get(name)) for name in _METERS})
    return SpeechUsage(
        input_seconds=sums["audio_input_seconds"],
        output_seconds=sums["audio_output_seconds"],
        active_seconds=sums["active_seconds"],
        audio_tokens=round(sums["input_audio_tokens"] + sums["output_audio_tokens"]),
        characters=round(sums["characters"]),
    )


def _amount(value: object) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return 0
    return value


def voice_figures(runs: Iterable[SimulationRun]) -> VoiceFigures | None:
    """Return the figures of spoken simulations; None where there is none."""
    spoken = [run for run in runs if run.ticks]
    if not spoken:
        return None
    events = []
    by_agent: list[Hearing | None] = []
    by_user: list[Hearing | None] = []
    seconds = 0.0
    misheard = heard = 0
    for run in spoken:
        timeline = timeline_of(run.ticks or ())
        seconds += timeline.seconds
        events += events_of(run.ticks or ())
        hearing = heard_by_agent(timeline)
        by_agent.append(hearing)
        by_user.append(heard_by_user(timeline))
        if outcome_of(run) is Outcome.AGENT_FAILURE and hearing is not None:
            misheard += bool(hearing.misheard_values)
            heard += not hearing.misheard_values
    return VoiceFigures(
        num_calls=len(spoken),
        seconds=seconds,
        metrics=metrics_of_events(events, n_simulations=len(spoken)),
        agent_heard=total(by_agent),
        user_heard=total(by_user),
        failures_misheard=misheard,
        failures_heard=heard,
        speech=speech_usage(spoken),
    )
