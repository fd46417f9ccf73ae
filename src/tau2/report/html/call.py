"""A spoken simulation as data: its timeline, and what was said and called in the order of time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tau2.data_model.simulation import SimulationRun
from tau2.metrics.hearing import marked_words, passages, strays, word_errors
from tau2.metrics.timeline import (
    Effect,
    EffectSpan,
    Heard,
    Segment,
    Speaker,
    TimedCall,
    Timeline,
    UserHeard,
    timeline_of,
)
from tau2.report.cleaner import Cleaner
from tau2.report.terminal.conversation import compact_call

MOST_SEGMENTS = 5_000
MOST_CHARS = 2_000  # of the words of one segment
_ALWAYS = 0.9  # an effect that lasts for so much of a call is named once and not drawn
_LANES: Mapping[Speaker, int] = {"agent": 0, "user": 1}


def call_data(
    run: SimulationRun, clean: Cleaner, audio: Mapping[str, str] | None
) -> dict[str, Any]:
    """Return the timeline of a spoken simulation as JSON data; times are in seconds.

    Args:
        run: A simulation with ticks.
        clean: What every text goes through.
        audio: Where its recording is: {"id": an element of the page} or {"src": an address}.
    """
    timeline = timeline_of(run.ticks or ())
    spans = effects_of(run, timeline)
    always = _always(spans, timeline)
    seconds = timeline.tick_seconds

    def at(tick: int) -> float:
        return round(tick * seconds, 3)

    return {
        "seconds": round(timeline.seconds, 3),
        "segments": [
            [
                _LANES[segment.speaker],
                at(segment.start),
                at(segment.end),
                clean(segment.text.strip(), 300),
                ", ".join(marks_of(segment)),
            ]
            for segment in timeline.segments[:MOST_SEGMENTS]
        ],
        "overlaps": [[at(span.start), at(span.end)] for span in timeline.overlaps()],
        "effects": [
            [
                _LANES[span.speaker],
                at(span.start),
                at(span.end),
                clean(effect_name(span.effect), 200),
            ]
            for span in spans[:MOST_SEGMENTS]
            if span.effect.kind not in always
        ],
        "always": [clean(kind.replace("_", " "), 80) for kind in always],
        "tools": [
            [at(made.tick), clean(compact_call(made.call), 160), _failed(made)]
            for made in timeline.calls[:MOST_SEGMENTS]
        ],
        "cuts": [[at(cut.tick), cut.dropped_ms] for cut in timeline.cuts[:MOST_SEGMENTS]],
        "audio": audio,
    }


def _failed(made: TimedCall) -> bool:
    return made.result is not None and made.result.error


def marks_of(segment: Segment) -> list[str]:
    """Return in words what is special about a segment."""
    marks = []
    if segment.is_backchannel:
        marks.append("backchannel")
    elif segment.starts_over_other:
        marks.append("interrupts")
    if segment.is_cut_off:
        marks.append("cut off")
    return marks


def effects_of(run: SimulationRun, timeline: Timeline) -> list[EffectSpan]:
    """Return the effects of a call: by the timeline that was stored, else by its ticks."""
    stored = run.effect_timeline
    events = stored.get("events") if isinstance(stored, dict) else stored
    if not isinstance(events, list):
        return timeline.effects
    spans = []
    for event in events:
        if not isinstance(event, dict) or not isinstance(event.get("effect_type"), str):
            continue
        start = _tick(event.get("start_ms"), timeline)
        end = _tick(event.get("end_ms"), timeline)
        params = event.get("params")
        text = params.get("text") or params.get("kind") if isinstance(params, dict) else None
        speaker: Speaker = "agent" if event.get("participant") == "agent" else "user"
        effect = Effect(str(event["effect_type"]), text if isinstance(text, str) else "")
        spans.append(
            EffectSpan(start or 0, timeline.num_ticks if end is None else end, effect, speaker)
        )
    return spans or timeline.effects


def _tick(milliseconds: object, timeline: Timeline) -> int | None:
    """Return the tick of a time; None for no time."""
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int | float):
        return None
    if not math.isfinite(milliseconds):
        return None
    return min(max(round(milliseconds / 1000 / timeline.tick_seconds), 0), timeline.num_ticks)


def effect_name(effect: Effect) -> str:
    """Return an effect in words."""
    name = effect.kind.replace("_", " ")
    return f"{name}: {effect.text}" if effect.text else name


def _always(spans: Sequence[EffectSpan], timeline: Timeline) -> list[str]:
    """Return the kinds of effects that last for the whole call."""
    most = _ALWAYS * timeline.num_ticks
    return list(dict.fromkeys(span.effect.kind for span in spans if span.ticks >= most))


# --- the conversation -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Spoken:
    """One entry of a spoken conversation."""

    entry: dict[str, Any]
    made: TimedCall | None = None
    """The tool call that it is, if it is one."""


def spoken_entries(timeline: Timeline, clean: Cleaner) -> Iterator[Spoken]:
    """Yield what was said and which tools were called, in the order of time."""
    heard = {passage.segments[-1].start: passage for passage in passages(timeline)}
    by_user = _heard_by_user(timeline)
    seconds = timeline.tick_seconds
    events: list[tuple[int, int, Segment | TimedCall | Heard]] = [
        *((segment.start, _LANES[segment.speaker], segment) for segment in timeline.segments),
        *((made.tick, len(_LANES), made) for made in timeline.calls),
        *((one.tick, len(_LANES), one) for one in strays(timeline)),
    ]
    for tick, _, event in sorted(events, key=lambda one: one[:2]):
        at = round(tick * seconds, 3)
        if isinstance(event, TimedCall):
            who = "user" if event.call.requestor == "user" else "agent"
            yield Spoken({"who": who, "at": at}, event)
            continue
        if isinstance(event, Heard):
            words = [[clean(event.text, MOST_CHARS), 0]]
            said = "(said nothing to the agent)"
            yield Spoken({"who": "user", "at": at, "to": at, "text": said, "heard": words})
            continue
        entry: dict[str, Any] = {
            "who": event.speaker,
            "at": at,
            "to": round(event.end * seconds, 3),
            "text": clean(event.text.strip(), MOST_CHARS) or "(no words are recorded)",
        }
        marks = marks_of(event)
        if marks:
            entry["marks"] = marks
        passage = heard.get(tick)
        if event.speaker == "user" and passage is not None:
            entry["heard"] = _marked(passage.said, passage.heard, clean)
        elif event.speaker == "agent" and tick in by_user:
            entry["heard"] = _marked(by_user[tick].transcript, by_user[tick].text, clean)
        yield Spoken(entry)


def _marked(said: str, heard: str, clean: Cleaner) -> list[list[str | int]]:
    """Return the words that were heard, each with 1 where it was said, else 0."""
    words = marked_words(said, clean(heard, MOST_CHARS))
    return [[word, int(is_right)] for word, is_right in words]


def _heard_by_user(timeline: Timeline) -> dict[int, UserHeard]:
    """Return what the user understood, by the start of the agent's segment that it is shown with.

    Nothing where it understood every word: then it may have read the agent's own transcript.
    """
    found = {}
    for one in timeline.user_heard:
        segment = timeline.agent_at(one.start) or timeline.agent_from(one.start)
        if segment is not None and word_errors(one.transcript, one.text).errors:
            found[segment.start] = one
    return found
