"""The figures of a spoken run: latency, interruptions, and who heard what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tau2.data_model.simulation import SimulationRun
from tau2.metrics.hearing import Hearing, heard_by_agent, heard_by_user, total
from tau2.metrics.interaction import InteractionMetrics, events_of, metrics_of_events
from tau2.metrics.outcomes import Outcome, outcome_of
from tau2.metrics.timeline import timeline_of
from tau2.utils.text import plural


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
        }

    def lines(self) -> Mapping[str, str]:
        """Return the figures in words, each with its name."""
        counts = self.metrics.counts
        shown = {
            "calls": f"{plural(self.num_calls, 'call')}, {self.seconds / 60:.1f} minutes",
            "latency": self._latency(),
            "interruptions": f"by the agent {counts.agent_interrupts_count}, "
            f"by the user {counts.yield_total} (the agent yielded to {self.metrics.yielded})",
        }
        for listener, heard in (("agent", self.agent_heard), ("user", self.user_heard)):
            if heard is not None:
                shown[f"{listener} heard"] = str(heard)
        failures = self.failures_misheard + self.failures_heard
        if failures and self.agent_heard is not None:
            shown["lost"] = (
                f"{plural(failures, 'failure')}: {self.failures_misheard} with a misheard value, "
                f"{self.failures_heard} with every value heard"
            )
        return shown

    def _latency(self) -> str:
        answer = self.metrics.response_latency_mean
        to_yield = self.metrics.yield_latency_mean
        parts = [f"{answer:.2f} s to answer"] if answer is not None else ["no answer"]
        if to_yield is not None:
            parts.append(f"{to_yield:.2f} s to yield")
        return ", ".join(parts)


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
    )
