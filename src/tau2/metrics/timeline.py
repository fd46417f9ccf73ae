"""The timeline of a spoken call: who speaks when, and what happens meanwhile, read from its ticks.

A segment is a stretch in which one participant speaks without a silent tick; a backchannel is a
segment of its own, also where another utterance follows it without a pause. Ticks are counted by
their place, from 0; an end is exclusive.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from tau2.data_model.conventions import TOKEN
from tau2.data_model.message import (
    AssistantMessage,
    Tick,
    ToolCall,
    ToolMessage,
    TurnTakingAction,
    UserMessage,
)
from tau2.data_model.utterances import TICK_SECONDS
from tau2.utils.json_types import JsonObject, JsonValue

Speaker = Literal["user", "agent"]

_SHORTEST_TICK = 0.001  # seconds; a file may say anything
_LONGEST_TICK = 60.0

VOCAL_TIC = "vocal_tic"
NON_DIRECTED = "non_directed_speech"
PACKET_LOSS = "packet_loss"

_TAKES_TURN = ("generate_message", "interrupt")

_KINDS: dict[str, str] = {
    "non_directed": NON_DIRECTED,
    "non_directed_phrase": NON_DIRECTED,
    "out_of_turn_speech": NON_DIRECTED,
    "burst": "burst_noise",
    "dynamic_muffling": "muffling",
    "constant_muffling": "muffling",
    "frame_drop": PACKET_LOSS,
    "frame_drops": PACKET_LOSS,
}
"""Further names of effects, as stored by other versions."""


class Effect(NamedTuple):
    """Something that is heard besides what a participant says, or that changes how it sounds."""

    kind: str
    text: str = ""
    """What is said, of a vocal tic or of speech that is not directed at the agent."""


@dataclass(slots=True)
class Span:
    """A stretch of ticks."""

    start: int
    end: int

    @property
    def ticks(self) -> int:
        """How many ticks it lasts."""
        return self.end - self.start


@dataclass(slots=True)
class EffectSpan(Span):
    """How long an effect lasts."""

    effect: Effect
    speaker: Speaker
    """On whose side of the line it is heard."""


@dataclass(slots=True)
class Segment(Span):
    """A stretch in which one participant speaks."""

    speaker: Speaker
    text: str = ""
    action: str = ""
    """Of the user: what its turn taking decided in the first tick."""
    starts_over_other: bool = False
    """Whether the other participant is speaking when it begins."""
    ends_under_other: bool = False
    """Whether the other participant speaks in the first tick behind it."""
    is_cut_off: bool = False
    """Of the agent: whether an interruption kept it from saying the rest."""
    utterance_ids: list[str] = field(default_factory=list)
    effects: set[str] = field(default_factory=set)
    """Kinds of the effects in it."""

    @property
    def is_backchannel(self) -> bool:
        """Whether it is a sign of listening, such as "uh-huh", that asks for nothing."""
        return self.action == "backchannel"


@dataclass(frozen=True, slots=True)
class TimedCall:
    """A tool call and when it was made."""

    tick: int
    call: ToolCall
    result: ToolMessage | None


@dataclass(frozen=True, slots=True)
class Heard:
    """What the agent understood of the user."""

    tick: int
    """When the transcript was there."""
    text: str
    span: tuple[float, float] | None = None
    """When it was said, in ticks; None where that is not recorded."""


@dataclass(frozen=True, slots=True)
class UserHeard:
    """What the user understood of the agent's audio, when it answered."""

    start: int
    """The tick in which the agent began."""
    text: str
    transcript: str
    """What the agent said by its own account."""


@dataclass(frozen=True, slots=True)
class Cut:
    """What the agent had still to say was dropped, because the user interrupted."""

    tick: int
    dropped_ms: float | None
    """How much; None where it is not recorded."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """A call. All lists are in the order of time."""

    tick_seconds: float
    num_ticks: int
    user: list[Segment]
    agent: list[Segment]
    effects: list[EffectSpan]
    calls: list[TimedCall]
    cuts: list[Cut]
    heard: list[Heard]
    user_heard: list[UserHeard]

    @property
    def seconds(self) -> float:
        """How long the call lasts."""
        return self.num_ticks * self.tick_seconds

    @property
    def segments(self) -> list[Segment]:
        """What both participants say."""
        return sorted([*self.user, *self.agent], key=lambda segment: segment.start)

    def agent_from(self, tick: int) -> Segment | None:
        """Return the first segment of the agent that begins in `tick` or later."""
        place = bisect_left(self.agent, tick, key=_start_of)
        return self.agent[place] if place < len(self.agent) else None

    def agent_at(self, tick: int) -> Segment | None:
        """Return what the agent is saying in a tick; None where it is silent."""
        place = bisect_right(self.agent, tick, key=_start_of) - 1
        return self.agent[place] if place >= 0 and tick < self.agent[place].end else None

    def overlaps(self) -> list[Span]:
        """Return where both participants speak."""
        both = []
        user = agent = 0
        while user < len(self.user) and agent < len(self.agent):
            one = self.user[user]
            other = self.agent[agent]
            span = Span(max(one.start, other.start), min(one.end, other.end))
            if span.ticks > 0:
                both.append(span)
            if one.end <= other.end:
                user += 1
            else:
                agent += 1
        return both

    def silences(self, at_least_seconds: float = 0.0) -> list[Span]:
        """Return where nobody speaks for that long."""
        silent = []
        end = 0
        for segment in self.segments:
            if segment.start > end:
                silent.append(Span(end, segment.start))
            end = max(end, segment.end)
        if end < self.num_ticks:
            silent.append(Span(end, self.num_ticks))
        return [span for span in silent if span.ticks * self.tick_seconds >= at_least_seconds]


def _start_of(segment: Segment) -> int:
    return segment.start


def timeline_of(ticks: Sequence[Tick], tick_seconds: float | None = None) -> Timeline:
    """Return the timeline of a call.

    Args:
        ticks: All ticks of the call.
        tick_seconds: How long one lasts; default: as the first tick says, or 0.2 s.
    """
    return Timeline(
        tick_seconds=tick_seconds or tick_seconds_of(ticks),
        num_ticks=len(ticks),
        user=_segments(ticks, "user"),
        agent=_segments(ticks, "agent"),
        effects=[*effect_spans(ticks, "user"), *effect_spans(ticks, "agent")],
        calls=list(_calls(ticks)),
        cuts=[Cut(place, _dropped(tick)) for place, tick in enumerate(ticks) if _is_cut_off(tick)],
        heard=list(_heard(ticks)),
        user_heard=list(_user_heard(ticks)),
    )


def tick_seconds_of(ticks: Sequence[Tick]) -> float:
    """Return how long a tick lasts: what the first one that says it says, else 0.2 s.

    A length that no tick can have says nothing.
    """
    known = (tick.tick_duration_seconds for tick in ticks)
    sound = (seconds for seconds in known if seconds and _SHORTEST_TICK <= seconds <= _LONGEST_TICK)
    return next(sound, TICK_SECONDS)


def without_stop_tick(ticks: Sequence[Tick]) -> Sequence[Tick]:
    """Return ticks without the one in which the user hangs up.

    The signal to end the call is stored as one tick of the user's speech, which would otherwise
    count as an interruption.
    """
    if len(ticks) > 1 and speaks(ticks[-1].user_chunk) and not speaks(ticks[-2].user_chunk):
        return ticks[:-1]
    return ticks


def speaks(chunk: UserMessage | AssistantMessage | None) -> bool:
    """Return whether there is speech in a chunk."""
    return chunk is not None and chunk.contains_speech


def chunk_of(tick: Tick, speaker: Speaker) -> UserMessage | AssistantMessage | None:
    """Return what one participant says in a tick."""
    return tick.user_chunk if speaker == "user" else tick.agent_chunk


def _segments(ticks: Sequence[Tick], speaker: Speaker) -> list[Segment]:
    other: Speaker = "agent" if speaker == "user" else "user"
    found: list[Segment] = []
    current: Segment | None = None
    for place, tick in enumerate(ticks):
        chunk = chunk_of(tick, speaker)
        other_speaks = speaks(chunk_of(tick, other))
        if chunk is None or not chunk.contains_speech:
            if current is not None:
                current.ends_under_other = other_speaks
                current.is_cut_off |= speaker == "agent" and _is_cut_off(tick)
            if found and chunk is not None:
                found[-1].text += _text_of(chunk)  # a transcript may come after the sound
            current = None
            continue
        decision = chunk.turn_taking_action
        if current is not None and current.is_backchannel and _begins_turn(decision):
            current = None  # it says "uh-huh" and, without a pause, takes the turn
        if current is None:
            current = Segment(
                start=place,
                end=place,
                speaker=speaker,
                action=decision.action if decision is not None else "",
                starts_over_other=other_speaks,
            )
            found.append(current)
        current.end = place + 1
        current.text += _text_of(chunk)
        current.is_cut_off |= speaker == "agent" and _is_cut_off(tick)
        current.utterance_ids += [
            one for one in chunk.utterance_ids or () if one not in current.utterance_ids
        ]
        current.effects |= {effect.kind for effect in effects_in(chunk)}
    return found


def _begins_turn(decision: TurnTakingAction | None) -> bool:
    return decision is not None and decision.action in _TAKES_TURN


def _text_of(chunk: UserMessage | AssistantMessage) -> str:
    if chunk.content:
        return TOKEN.sub("", chunk.content)
    transcript = (chunk.raw_data or {}).get("proportional_transcript")
    return transcript if isinstance(transcript, str) else ""


def _agent_data(tick: Tick) -> JsonObject:
    return (tick.agent_chunk.raw_data if tick.agent_chunk is not None else None) or {}


def _is_cut_off(tick: Tick) -> bool:
    data = _agent_data(tick)
    return bool(data.get("was_truncated") or data.get("truncations"))


def _dropped(tick: Tick) -> float | None:
    """Return how many milliseconds of the agent's speech were dropped in a tick."""
    dropped = [one.get("dropped_ms") for one in _objects(_agent_data(tick).get("truncations"))]
    known = [float(value) for value in dropped if isinstance(value, int | float)]
    return sum(known) if known else None


def _heard(ticks: Sequence[Tick]) -> Iterator[Heard]:
    """Yield what the agent understood: as its provider reported it, else as the tick says.

    Only reports of a provider say when it was said. The agent hears each tick one tick later.
    """
    began: float | None = None
    seconds = tick_seconds_of(ticks)
    for place, tick in enumerate(ticks):
        reports = _objects(_agent_data(tick).get("user_activity"))
        is_reported = False
        for report in reports:
            text, at_ms = report.get("text"), report.get("at_ms")
            at = at_ms / 1000 / seconds - 1 if isinstance(at_ms, int | float) else None
            if report.get("kind") == "speech_started":
                began = at
            elif report.get("kind") == "transcript" and isinstance(text, str) and text.strip():
                is_reported = True
                span = (began, at) if began is not None and at is not None else None
                yield Heard(place, text.strip(), span)
        if tick.user_transcript and tick.user_transcript.strip() and not is_reported:
            yield Heard(place, tick.user_transcript.strip())


def _user_heard(ticks: Sequence[Tick]) -> Iterator[UserHeard]:
    for tick in ticks:
        data = (tick.user_chunk.raw_data if tick.user_chunk is not None else None) or {}
        record = data.get("heard")
        # Without this, the user read the agent's own transcript and misheard nothing.
        if not isinstance(record, dict) or "word_error_rate" not in record:
            continue
        start = record.get("start_tick")
        text = record.get("text")
        transcript = record.get("transcript")
        if isinstance(start, int) and isinstance(text, str) and isinstance(transcript, str):
            yield UserHeard(start, text, transcript)


def _objects(value: JsonValue) -> list[JsonObject]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _calls(ticks: Sequence[Tick]) -> Iterator[TimedCall]:
    results = {
        result.id: result
        for tick in ticks
        for result in (*tick.agent_tool_results, *tick.user_tool_results)
    }
    for place, tick in enumerate(ticks):
        chunks = [chunk for chunk in (tick.agent_chunk, tick.user_chunk) if chunk is not None]
        # Older files hold the calls of a tick on its chunks.
        of_chunks = [call for chunk in chunks for call in chunk.calls]
        for call in [*tick.agent_tool_calls, *tick.user_tool_calls] or of_chunks:
            yield TimedCall(place, call, results.get(call.id))


# --- effects --------------------------------------------------------------------------------------


def effect_spans(
    ticks: Sequence[Tick], speaker: Speaker, *, is_shown: Callable[[Tick], bool] = lambda _: True
) -> list[EffectSpan]:
    """Return how long each effect on a participant's side lasts.

    Args:
        ticks: The call.
        speaker: Whose side of the line.
        is_shown: Which ticks are looked at; an effect ends at one that is not.
    """
    spans: list[EffectSpan] = []
    running: dict[Effect, EffectSpan] = {}
    for place, tick in enumerate(ticks):
        present = effects_in(chunk_of(tick, speaker)) if is_shown(tick) else []
        going_on = {}
        for effect in dict.fromkeys(present):
            span = running.get(effect) or EffectSpan(place, place, effect, speaker)
            if effect not in running:
                spans.append(span)
            span.end = place + 1
            going_on[effect] = span
        running = going_on
    return spans


def effects_in(chunk: UserMessage | AssistantMessage | None) -> list[Effect]:
    """Return the effects of a chunk, in any form in which they have been stored."""
    if chunk is None:
        return []
    stored = (chunk.speech_effects, chunk.source_effects, chunk.channel_effects)
    return [effect for part in stored for effect in _read_effects(part)]


def _read_effects(stored: Any) -> Iterable[Effect]:
    """Read a list of effect events, an object that holds one, or the public format's fields."""
    if isinstance(stored, list):
        for part in stored:
            if isinstance(part, dict):
                yield from _read_effects(part)
    elif isinstance(stored, dict) and isinstance(stored.get("effect_type"), str):
        # One without an end lasts as long as the call, whose timeline of effects has it.
        if "start_ms" not in stored or stored.get("end_ms") is not None:
            yield _effect_event(stored)
    elif isinstance(stored, dict):
        yield from _read_effects(stored.get("events"))
        yield from _public_effects(stored)


def _effect_event(event: JsonObject) -> Effect:
    params = event.get("params")
    inner = params if isinstance(params, dict) else {}
    kind = str(event["effect_type"])
    if kind == "out_of_turn_speech" and VOCAL_TIC in {inner.get("kind"), inner.get("type")}:
        kind = VOCAL_TIC
    return _effect(kind, event.get("text") or inner.get("text"))


def _public_effects(fields: JsonObject) -> Iterator[Effect]:
    insert = fields.get("speech_insert")
    if isinstance(insert, dict):
        kind = VOCAL_TIC if insert.get("type", VOCAL_TIC) == VOCAL_TIC else NON_DIRECTED
        yield _effect(kind, insert.get("text"))
    if fields.get("burst_noise_file"):
        yield _effect("burst_noise", None)
    if fields.get("dynamic_muffling_enabled"):
        yield _effect("muffling", None)


def _effect(kind: str, text: object) -> Effect:
    return Effect(_KINDS.get(kind, kind), text if isinstance(text, str) else "")
