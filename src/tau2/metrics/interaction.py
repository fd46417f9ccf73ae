"""How a voice agent behaves in conversation: eight interaction metrics of spoken calls.

Definitions and windows are those of the tau-voice panel, so that figures compare with published
ones: how fast the agent answers and yields, how often it does, how often it interrupts, and whether
it ignores what asks for nothing (backchannels, vocal tics, speech directed at someone else). All
are computed from stored ticks.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from itertools import zip_longest
from statistics import fmean
from typing import Any

from tau2.data_model.message import Tick
from tau2.metrics.resampling import Interval, ratio_bootstrap
from tau2.metrics.timeline import (
    NON_DIRECTED,
    VOCAL_TIC,
    EffectSpan,
    Segment,
    Timeline,
    effect_spans,
    speaks,
    tick_seconds_of,
    timeline_of,
    without_stop_tick,
)
from tau2.storage.results import Results

VERSION = "1.1"
"""Of the published definitions."""

FEWEST_EVENTS = 10
"""A figure of fewer events is not shown: it says more about chance than about the agent."""

_ROUNDING = 1e-9  # 0.6 / 0.2 is a little less than 3


class NoVoiceTicksError(ValueError):
    """Interaction metrics were asked of simulations without ticks: they are of text."""


@dataclass(frozen=True, slots=True)
class Windows:
    """How long after an event its outcome is looked for, in seconds."""

    no_yield: float = 2.0
    """An agent that talks on for so long after an interruption does not yield."""
    backchannel_yield: float = 1.0
    """An agent that falls silent within this time of a backchannel made an error."""
    vocal_tic_yield: float = 1.0
    non_directed_yield: float = 1.0
    vocal_tic_response: float = 2.0
    """An agent that begins to speak within this time of a vocal tic made an error."""
    non_directed_response: float = 2.0

    def as_dict(self) -> dict[str, float]:
        """Return the windows by their public names."""
        return {f"{name}_window_sec": seconds for name, seconds in asdict(self).items()}


class EventKind(StrEnum):
    """What an agent did where it could have done otherwise."""

    RESPONSE = "response"
    NO_RESPONSE = "no_response"
    YIELD = "yield"
    NO_YIELD = "no_yield"
    AGENT_INTERRUPTION = "agent_interrupts_user"
    BACKCHANNEL_CORRECT = "backchannel_correct"
    BACKCHANNEL_ERROR = "backchannel_error"
    VOCAL_TIC_CORRECT = "vocal_tic_correct"
    VOCAL_TIC_ERROR = "vocal_tic_error"
    NON_DIRECTED_CORRECT = "non_directed_correct"
    NON_DIRECTED_ERROR = "non_directed_error"
    TALKED_THROUGH = "out_of_turn_talked_through"
    """The agent rightly talked on through a tic or a phrase outside of the user's own speech. The
    published panel has no event for it, and it is part of no rate."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a call."""

    kind: EventKind
    tick: int
    seconds: float
    """When, from the beginning of the call."""
    latency: float | None = None
    """Of a response or a yield, in seconds."""
    text: str = ""
    """What was said that the agent reacted to, or did not."""


@dataclass(frozen=True, slots=True)
class EventCounts:
    """What the metrics stand on."""

    n_simulations: int
    response_total: int
    yield_total: int
    backchannel_total: int
    vocal_tic_total: int
    non_directed_total: int
    agent_interrupts_count: int
    out_of_turn_talked_through: int


METRICS: Mapping[str, str] = {
    "response_latency_mean": "response latency",
    "yield_latency_mean": "yield latency",
    "response_rate": "response rate",
    "yield_rate": "yield rate",
    "agent_interruption_rate": "agent interruptions a turn",
    "selectivity_backchannel": "backchannels ignored",
    "selectivity_vocal_tic": "vocal tics ignored",
    "selectivity_non_directed": "other speech ignored",
}
"""The metrics in the order in which they are shown, and how they are called."""

LOWER_IS_BETTER = frozenset(
    {"response_latency_mean", "yield_latency_mean", "agent_interruption_rate"}
)
LATENCIES = frozenset({"response_latency_mean", "yield_latency_mean"})
"""Metrics in seconds; the others are rates."""


@dataclass(frozen=True, slots=True)
class InteractionMetrics:
    """The eight metrics; None where there was no event."""

    response_latency_mean: float | None
    """Seconds from the end of a user's turn to the agent's answer."""
    yield_latency_mean: float | None
    """Seconds from the beginning of an interruption to the agent's silence."""
    response_rate: float | None
    """Share of the user's turns that are answered before the user speaks again."""
    yield_rate: float | None
    """Share of interruptions to which the agent yields."""
    agent_interruption_rate: float | None
    """How often the agent begins to speak over the user, per turn of the user; may exceed 1."""
    selectivity_backchannel: float | None
    """Share of backchannels through which the agent talks on."""
    selectivity_vocal_tic: float | None
    """Share of vocal tics that the agent ignores."""
    selectivity_non_directed: float | None
    """Share of phrases to someone else that the agent ignores."""
    answered: int
    yielded: int
    counts: EventCounts

    def events_behind(self, metric: str) -> int:
        """Return how many events a metric stands on."""
        counts = self.counts
        return {
            "response_latency_mean": self.answered,
            "yield_latency_mean": self.yielded,
            "response_rate": counts.response_total,
            "yield_rate": counts.yield_total,
            "agent_interruption_rate": counts.response_total,
            "selectivity_backchannel": counts.backchannel_total,
            "selectivity_vocal_tic": counts.vocal_tic_total,
            "selectivity_non_directed": counts.non_directed_total,
        }[metric]

    def too_few(self) -> list[str]:
        """Return the metrics that stand on fewer than FEWEST_EVENTS events."""
        return [metric for metric in METRICS if self.events_behind(metric) < FEWEST_EVENTS]

    def as_dict(self) -> dict[str, Any]:
        """Return the metrics and counts by their public names."""
        values: dict[str, Any] = {metric: getattr(self, metric) for metric in METRICS}
        return values | {"counts": asdict(self.counts)}


@dataclass(frozen=True, slots=True)
class RunPanel:
    """The metrics of a run."""

    domain: str
    metrics: InteractionMetrics
    intervals: Mapping[str, Interval]
    """By metric, where there are at least two tasks with events: cluster bootstrap over tasks."""
    tick_seconds: float

    def as_dict(self) -> dict[str, Any]:
        """Return the panel as JSON data."""
        return self.metrics.as_dict() | {
            "intervals": {name: list(interval) for name, interval in self.intervals.items()},
            "too_few_events": self.metrics.too_few(),
        }


# --- events ---------------------------------------------------------------------------------------


def events_of(
    ticks: Sequence[Tick], windows: Windows | None = None, tick_seconds: float | None = None
) -> list[Event]:
    """Return the events of one call in the order of time.

    Args:
        ticks: All ticks of the call; the one in which the user hangs up is left out.
        windows: How long outcomes are looked for; default: as published.
        tick_seconds: How long a tick lasts; default: as the ticks say.
    """
    ticks = without_stop_tick(ticks)
    timeline = timeline_of(ticks, tick_seconds)
    reader = _EventReader(timeline, windows or Windows())
    loose = effect_spans(ticks, "user", is_shown=lambda tick: not speaks(tick.user_chunk))
    events = [
        *reader.responses(),
        *reader.reactions_to_speech(),
        *reader.interruptions(),
        *reader.reactions_to_effects(loose),
    ]
    return sorted(events, key=lambda event: event.tick)


class _EventReader:
    """Reads the events of one timeline."""

    def __init__(self, timeline: Timeline, windows: Windows) -> None:
        self._timeline = timeline
        self._windows = windows

    def _event(
        self, kind: EventKind, tick: int, text: str = "", latency_ticks: int | None = None
    ) -> Event:
        seconds = self._timeline.tick_seconds
        latency = None if latency_ticks is None else latency_ticks * seconds
        return Event(kind, tick, tick * seconds, latency, text)

    def _ticks(self, seconds: float) -> int:
        return int(seconds / self._timeline.tick_seconds + _ROUNDING)

    def responses(self) -> Iterator[Event]:
        """Yield whether each turn of the user was answered.

        No turns are backchannels, and segments at whose end the agent is speaking. The last turn
        after which nobody speaks is not counted.
        """
        turns = [
            segment
            for segment in self._timeline.user
            if not segment.is_backchannel and not segment.ends_under_other
        ]
        for turn, following in zip_longest(turns, turns[1:]):
            answer = self._timeline.agent_from(turn.end)
            if answer is not None and (following is None or answer.start <= following.start):
                gap = answer.start - turn.end
                yield self._event(EventKind.RESPONSE, turn.end, turn.text, gap)
            elif following is not None:
                yield self._event(EventKind.NO_RESPONSE, turn.end, turn.text)

    def interruptions(self) -> Iterator[Event]:
        """Yield where the agent begins to speak over the user."""
        for segment in self._timeline.agent:
            if segment.starts_over_other:
                yield self._event(EventKind.AGENT_INTERRUPTION, segment.start, segment.text)

    def reactions_to_speech(self) -> Iterator[Event]:
        """Yield how the agent reacted to speech of the user that begins while it speaks.

        Also to vocal tics and phrases to someone else that begin while it is silent.
        """
        for segment in self._timeline.user:
            if segment.starts_over_other:
                yield self._reaction_while_speaking(segment)
            elif VOCAL_TIC in segment.effects:
                yield self._reaction_in_silence(segment, VOCAL_TIC)
            elif NON_DIRECTED in segment.effects:
                yield self._reaction_in_silence(segment, NON_DIRECTED)

    def _reaction_while_speaking(self, segment: Segment) -> Event:
        windows = self._windows
        if segment.is_backchannel:
            kinds = (EventKind.BACKCHANNEL_ERROR, EventKind.BACKCHANNEL_CORRECT)
            window = windows.backchannel_yield
        elif VOCAL_TIC in segment.effects:
            kinds = (EventKind.VOCAL_TIC_ERROR, EventKind.VOCAL_TIC_CORRECT)
            window = windows.vocal_tic_yield
        elif NON_DIRECTED in segment.effects:
            kinds = (EventKind.NON_DIRECTED_ERROR, EventKind.NON_DIRECTED_CORRECT)
            window = windows.non_directed_yield
        else:
            kinds = (EventKind.YIELD, EventKind.NO_YIELD)
            window = windows.no_yield
        silent = self._silent_from(segment.start)
        within = silent is not None and silent < segment.start + self._ticks(window)
        latency = None
        if within and silent is not None and kinds[0] is EventKind.YIELD:
            latency = silent - segment.start
        return self._event(kinds[0] if within else kinds[1], segment.start, segment.text, latency)

    def _silent_from(self, tick: int) -> int | None:
        """Return the first tick from `tick` on in which the agent is silent; None at the end."""
        speaking = self._timeline.agent_at(tick)
        end = tick if speaking is None else speaking.end
        return end if end < self._timeline.num_ticks else None

    def _reaction_in_silence(self, span: Segment | EffectSpan, kind: str) -> Event:
        is_tic = kind == VOCAL_TIC
        windows = self._windows
        window = windows.vocal_tic_response if is_tic else windows.non_directed_response
        answer = self._timeline.agent_from(span.start)
        text = span.text if isinstance(span, Segment) else span.effect.text
        if answer is None or answer.start > span.end + self._ticks(window):
            kind_of = EventKind.VOCAL_TIC_CORRECT if is_tic else EventKind.NON_DIRECTED_CORRECT
            return self._event(kind_of, span.start, text)
        kind_of = EventKind.VOCAL_TIC_ERROR if is_tic else EventKind.NON_DIRECTED_ERROR
        return self._event(kind_of, answer.start, text)

    def reactions_to_effects(self, effects: Iterable[EffectSpan]) -> Iterator[Event]:
        """Yield how the agent reacted to tics and phrases outside of the user's own speech."""
        for span in effects:
            kind = span.effect.kind
            if kind not in {VOCAL_TIC, NON_DIRECTED}:
                continue
            speaking = self._timeline.agent_at(span.start)
            if speaking is None:
                yield self._reaction_in_silence(span, kind)
                continue
            is_tic = kind == VOCAL_TIC
            window = self._windows.vocal_tic_yield if is_tic else self._windows.non_directed_yield
            if speaking.end - span.start <= self._ticks(window):
                found = EventKind.VOCAL_TIC_ERROR if is_tic else EventKind.NON_DIRECTED_ERROR
            else:
                found = EventKind.TALKED_THROUGH
            yield self._event(found, span.start, span.effect.text)


# --- metrics --------------------------------------------------------------------------------------


def call_metrics(ticks: Sequence[Tick], windows: Windows | None = None) -> InteractionMetrics:
    """Return the metrics of one call."""
    return metrics_of_events(events_of(ticks, windows), n_simulations=1)


def metrics_of_events(events: Sequence[Event], *, n_simulations: int) -> InteractionMetrics:
    """Return the metrics that these events amount to."""
    counts = Counter(event.kind for event in events)
    latencies: dict[EventKind, list[float]] = defaultdict(list)
    for event in events:
        if event.latency is not None:
            latencies[event.kind].append(event.latency)

    def share(kind: EventKind, other: EventKind) -> float | None:
        total = counts[kind] + counts[other]
        return counts[kind] / total if total else None

    turns = counts[EventKind.RESPONSE] + counts[EventKind.NO_RESPONSE]
    interruptions = counts[EventKind.AGENT_INTERRUPTION]
    return InteractionMetrics(
        response_latency_mean=_mean(latencies[EventKind.RESPONSE]),
        yield_latency_mean=_mean(latencies[EventKind.YIELD]),
        response_rate=share(EventKind.RESPONSE, EventKind.NO_RESPONSE),
        yield_rate=share(EventKind.YIELD, EventKind.NO_YIELD),
        agent_interruption_rate=interruptions / turns if turns else None,
        selectivity_backchannel=share(EventKind.BACKCHANNEL_CORRECT, EventKind.BACKCHANNEL_ERROR),
        selectivity_vocal_tic=share(EventKind.VOCAL_TIC_CORRECT, EventKind.VOCAL_TIC_ERROR),
        selectivity_non_directed=share(
            EventKind.NON_DIRECTED_CORRECT, EventKind.NON_DIRECTED_ERROR
        ),
        answered=counts[EventKind.RESPONSE],
        yielded=counts[EventKind.YIELD],
        counts=EventCounts(
            n_simulations=n_simulations,
            response_total=turns,
            yield_total=counts[EventKind.YIELD] + counts[EventKind.NO_YIELD],
            backchannel_total=counts[EventKind.BACKCHANNEL_CORRECT]
            + counts[EventKind.BACKCHANNEL_ERROR],
            vocal_tic_total=counts[EventKind.VOCAL_TIC_CORRECT] + counts[EventKind.VOCAL_TIC_ERROR],
            non_directed_total=counts[EventKind.NON_DIRECTED_CORRECT]
            + counts[EventKind.NON_DIRECTED_ERROR],
            agent_interrupts_count=interruptions,
            out_of_turn_talked_through=counts[EventKind.TALKED_THROUGH],
        ),
    )


def _mean(values: Sequence[float]) -> float | None:
    return fmean(values) if values else None


def run_metrics(
    results: Results, windows: Windows | None = None, *, confidence: float = 0.95, seed: int = 0
) -> RunPanel:
    """Return the metrics of all spoken simulations of a run.

    Args:
        results: The run.
        windows: How long outcomes are looked for; default: as published.
        confidence: Of the intervals.
        seed: Of the bootstrap.

    Raises:
        NoVoiceTicksError: no simulation has ticks.
    """
    by_task: dict[str, list[Event]] = defaultdict(list)
    spoken = 0
    tick_seconds = 0.0
    for run in results.calls():
        if not spoken:
            tick_seconds = tick_seconds_of(run.ticks or ())
        spoken += 1
        by_task[run.task_id] += events_of(run.ticks or (), windows)
    if not spoken:
        raise NoVoiceTicksError("there is no spoken simulation: interaction metrics need ticks")
    events = [event for of_task in by_task.values() for event in of_task]
    intervals = {}
    for metric in METRICS:
        parts = [_parts(metric, of_task) for of_task in by_task.values()]
        interval = ratio_bootstrap(parts, confidence=confidence, seed=seed)
        if interval is not None:
            intervals[metric] = interval
    return RunPanel(
        results.info.environment_info.domain_name,
        metrics_of_events(events, n_simulations=spoken),
        intervals,
        tick_seconds,
    )


def _parts(metric: str, events: Sequence[Event]) -> tuple[float, int]:
    """Return the numerator and denominator of a metric for these events."""
    found = metrics_of_events(events, n_simulations=1)
    number = found.events_behind(metric)
    return (getattr(found, metric) or 0.0) * number, number


def panel_report(panels: Sequence[RunPanel], windows: Windows | None = None) -> dict[str, Any]:
    """Return the metrics of runs in the form of a submission, one entry per domain.

    The overall value of a metric is its mean over the domains that have one; counts are summed.
    Raise ValueError when two panels are of one domain.
    """
    domains = {panel.domain: panel for panel in panels}
    if len(domains) < len(panels):
        raise ValueError("two of the runs are of one domain")
    overall: dict[str, Any] = {}
    for metric in METRICS:
        values = [getattr(panel.metrics, metric) for panel in panels]
        overall[metric] = _mean([value for value in values if value is not None])
    counts: Counter[str] = Counter()
    for panel in panels:
        counts.update(asdict(panel.metrics.counts))
    overall["counts"] = dict(counts)
    ticks = {panel.tick_seconds for panel in panels}
    return {
        "version": VERSION,
        "config": {
            "tick_duration_sec": ticks.pop() if len(ticks) == 1 else None,
            **(windows or Windows()).as_dict(),
        },
        "domains": {domain: panel.as_dict() for domain, panel in domains.items()},
        "overall": overall,
    }
