"""What a voice session used, and what that costs.

Providers charge by different meters: tokens of text and audio, minutes of audio, minutes in which a
session is active or on standby, characters that are spoken. A `UsageRecord` has a field for each.
Prices are list prices in US dollars that providers published, for orientation and not for
accounting; what has no known price makes the whole cost None, never 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field

from tau2.utils.json_types import JsonMapping, JsonObject
from tau2.voice.adapters.events import Usage

PRICING_VERSION = "2026-11-20"
"""When the prices were last looked up; those of other providers than OpenAI are of 2026-08-04."""

_MILLION = 1_000_000
_NO_METER = 10**15  # no session uses so much of anything
_SECONDS_PER_MINUTE = 60

_INTEGER_METERS = (
    "input_tokens",
    "output_tokens",
    "input_text_tokens",
    "input_audio_tokens",
    "input_cached_tokens",
    "input_cached_text_tokens",
    "input_cached_audio_tokens",
    "output_text_tokens",
    "output_audio_tokens",
    "characters",
)
_SECONDS_METERS = (
    "audio_input_seconds",
    "audio_output_seconds",
    "active_seconds",
    "standby_seconds",
)
METERS = (*_INTEGER_METERS, *_SECONDS_METERS)
"""The names of the meters: of `UsageRecord`, and in the events of adapters."""


class UsageRecord(BaseModel):
    """One report of what was used; a meter is None where the report does not say it."""

    model_config = ConfigDict(extra="ignore")

    provider: str
    model: str
    component: Literal["realtime", "llm", "stt", "tts"] = "realtime"
    semantics: Literal["delta", "cumulative"] = "delta"
    """Deltas are added up; of cumulative records of one scope the last one counts."""
    scope_id: str | None = None
    """What a cumulative record counts in, such as a response; None is the session."""
    tick_number: int | None = None
    billable: bool = True
    """False for figures that the provider tells but does not charge for."""

    input_tokens: int | None = None
    """Text, audio and cached tokens together."""
    output_tokens: int | None = None
    input_text_tokens: int | None = None
    """With the cached ones."""
    input_audio_tokens: int | None = None
    """With the cached ones."""
    input_cached_tokens: int | None = None
    input_cached_text_tokens: int | None = None
    input_cached_audio_tokens: int | None = None
    output_text_tokens: int | None = None
    output_audio_tokens: int | None = None
    characters: int | None = None
    """That were spoken by a synthesizer."""
    audio_input_seconds: float | None = None
    audio_output_seconds: float | None = None
    active_seconds: float | None = None
    """In which a Live session listened or spoke."""
    standby_seconds: float | None = None
    """In which a Live session was open and did neither."""

    raw: JsonObject | None = None
    """The provider's own report."""

    @classmethod
    def from_event(cls, usage: Usage, *, provider: str, model: str, tick: int) -> Self:
        """Return the record of an adapter's event; what is no known meter is in `raw` only."""
        return cls(
            provider=usage.provider or provider,
            model=usage.model or model,
            component=usage.component,
            semantics="cumulative" if usage.is_cumulative else "delta",
            scope_id=usage.scope_id,
            tick_number=tick,
            billable=usage.is_billable,
            raw=dict(usage.meters),
            **meters_of(usage.meters),
        )


def meters_of(report: JsonMapping) -> JsonObject:
    """Return the known meters of a report: numbers that are not negative."""
    meters: JsonObject = {}
    for name in METERS:
        value = report.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        if 0 <= value < _NO_METER:
            meters[name] = int(value) if name in _INTEGER_METERS else float(value)
    return meters


class Rates(NamedTuple):
    """US dollars per million tokens or characters, and per minute; None is unknown."""

    input_text: float | None = None
    input_audio: float | None = None
    output_text: float | None = None
    output_audio: float | None = None
    cached_text: float | None = None
    """Of cached input; None: like other input."""
    cached_audio: float | None = None
    input_minute: float | None = None
    characters: float | None = None
    active_minute: float | None = None
    standby_minute: float | None = None


_REALTIME = Rates(4.0, 32.0, 16.0, 64.0, 0.4, 0.4)
_REALTIME_MINI = Rates(0.6, 10.0, 2.4, 20.0, 0.06, 0.3)
_LIVE = Rates(active_minute=0.05, standby_minute=0.02)
_FLASH_NATIVE = Rates(0.5, 3.0, 2.0, 12.0)

PRICES: Mapping[tuple[str, str], Rates] = {
    ("openai", "gpt-realtime"): _REALTIME,
    ("openai", "gpt-realtime-1.5"): _REALTIME,
    ("openai", "gpt-realtime-mini"): _REALTIME_MINI,
    ("openai", "gpt-realtime-2.1-mini"): _REALTIME_MINI,
    ("openai", "gpt-live-1"): _LIVE,
    ("openai", "gpt-live-1.1"): _LIVE,
    ("gemini", "gemini-3.1-flash-live-preview"): Rates(0.75, 3.0, 4.5, 12.0),
    ("gemini", "gemini-live-2.5-flash-native-audio"): _FLASH_NATIVE,
    ("gemini", "gemini-2.5-flash-native-audio-preview"): _FLASH_NATIVE,
    # Transcripts of spoken answers are free.
    ("qwen", "qwen3-omni-flash-realtime"): Rates(0.52, 4.57, 0.0, 18.13),
    ("qwen", "qwen3.5-omni-plus-realtime"): Rates(2.1, 16.5, 0.0, 62.0),
    ("qwen", "qwen3.5-omni-flash-realtime"): Rates(0.55, 4.5, 0.0, 17.7),
    # Not confirmed on a page of the provider.
    ("nova", "amazon.nova-2-sonic-v1:0"): Rates(0.33, 3.0, 2.75, 12.0),
    ("nova", "amazon.nova-sonic-v1:0"): Rates(0.06, 3.4, 0.24, 13.6),
    ("xai", "grok-voice-think-fast-1.0"): Rates(input_minute=0.05),
    ("xai", "grok-voice-think-fast-2.0"): Rates(input_minute=0.08),
    ("deepgram", "nova-3"): Rates(input_minute=0.0048),
    ("deepgram", "aura-"): Rates(characters=15.0),
    ("deepgram", "aura-2-"): Rates(characters=30.0),
    ("elevenlabs", "eleven_turbo_"): Rates(characters=50.0),
    ("elevenlabs", "eleven_flash_"): Rates(characters=50.0),
    ("elevenlabs", "eleven_multilingual_"): Rates(characters=100.0),
}
"""By provider and the beginning of the model's name; the longest beginning counts.

After a name that ends with a dash or underscore anything may follow, else only an edition: a date,
`preview`, `latest`. (gpt-realtime-2 is no edition of gpt-realtime.)
"""

_EDITION = re.compile(r"(?:-preview|-latest)?(?:-\d{2,4}){0,3}")

_SAME_PRICE_ELSEWHERE = {"openai_live": "openai"}
"""Providers whose models are another's."""

_FREE_PROVIDERS = frozenset({"local"})
"""They run on this machine."""


def rates_of(provider: str, model: str) -> Rates | None:
    """Return the prices of a model, by the longest beginning of its name in the table."""
    owner = _SAME_PRICE_ELSEWHERE.get(provider, provider)
    fitting = [name for who, name in PRICES if who == owner and _is_of(model, name)]
    return PRICES[owner, max(fitting, key=len)] if fitting else None


def _is_of(model: str, name: str) -> bool:
    if not model.startswith(name):
        return False
    return name[-1] in "-_" or _EDITION.fullmatch(model.removeprefix(name)) is not None


def cost_of(record: UsageRecord) -> float | None:
    """Return what a record costs in US dollars; None if a meter of it has no known price."""
    if not record.billable or record.provider in _FREE_PROVIDERS:
        return 0.0
    rates = rates_of(record.provider, record.model)
    if rates is None:
        return _text_model_cost(record)
    parts = [*_input_costs(record, rates), *_output_costs(record, rates)]
    parts += [
        _priced(record.characters, rates.characters, _MILLION),
        _priced(_charged_input_seconds(record), rates.input_minute, _SECONDS_PER_MINUTE),
        _priced(record.active_seconds, rates.active_minute, _SECONDS_PER_MINUTE),
        _priced(record.standby_seconds, rates.standby_minute, _SECONDS_PER_MINUTE),
    ]
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


def _priced(amount: float | None, rate: float | None, unit: int) -> float | None:
    if not amount:
        return 0.0
    return None if rate is None else amount * rate / unit


def _charged_input_seconds(record: UsageRecord) -> float | None:
    """Return the seconds of input that are charged; where tokens are told, those are charged."""
    by_tokens = record.input_tokens is not None or record.input_audio_tokens is not None
    return None if by_tokens else record.audio_input_seconds


def _input_costs(record: UsageRecord, rates: Rates) -> list[float | None]:
    text = record.input_text_tokens
    audio = record.input_audio_tokens
    cached_text = record.input_cached_text_tokens
    if text is None and audio is None:
        # No modalities are told: a text model.
        text = record.input_tokens
        cached_text = record.input_cached_tokens
    return [
        _with_cache(text, cached_text, rates.input_text, rates.cached_text),
        _with_cache(audio, record.input_cached_audio_tokens, rates.input_audio, rates.cached_audio),
    ]


def _with_cache(
    tokens: int | None, cached: int | None, rate: float | None, cached_rate: float | None
) -> float | None:
    """Return what input tokens cost, of which some were cached."""
    if not tokens or not cached or cached_rate is None:
        return _priced(tokens, rate, _MILLION)
    full = _priced(max(tokens - cached, 0), rate, _MILLION)
    return None if full is None else full + min(cached, tokens) * cached_rate / _MILLION


def _output_costs(record: UsageRecord, rates: Rates) -> list[float | None]:
    text = record.output_text_tokens
    audio = record.output_audio_tokens
    if text is None and audio is None:
        text = record.output_tokens
    return [
        _priced(text, rates.output_text, _MILLION),
        _priced(audio, rates.output_audio, _MILLION),
    ]


def _text_model_cost(record: UsageRecord) -> float | None:
    """Return what a text model costs behind a voice, by the prices of text models."""
    if record.component != "llm":
        return None
    from tau2.llm.prices import price_of  # noqa: PLC0415  -- only cascades need it

    price = price_of(record.model)
    if price is None:
        return None
    return price.of(record.input_tokens or 0, record.output_tokens or 0)


class SessionUsage(BaseModel):
    """What one simulation used: one record for each provider, model and component."""

    records: list[UsageRecord] = Field(default_factory=list)
    cost: float | None = None
    """US dollars; None if anything has no known price."""
    cost_breakdown: dict[str, float] | None = None
    """The priced records, by `component:provider/model`."""
    pricing_version: str | None = None
    num_raw_records: int = 0
    """How many reports the records were made from."""

    @classmethod
    def of(cls, reports: Iterable[UsageRecord]) -> Self:
        """Return the sum of what was reported, in the order of the session, and its cost."""
        reported = list(reports)
        records = summed(reported)
        costs = {_key(record): cost_of(record) for record in records if record.billable}
        known = {key: cost for key, cost in costs.items() if cost is not None}
        return cls(
            records=records,
            cost=sum(known.values()) if len(known) == len(costs) else None,
            cost_breakdown=known or None,
            pricing_version=PRICING_VERSION,
            num_raw_records=len(reported),
        )


def _key(record: UsageRecord) -> str:
    return f"{record.component}:{record.provider}/{record.model}"


def summed(reports: Iterable[UsageRecord]) -> list[UsageRecord]:
    """Return one delta record for each provider, model and component, and whether it is billed.

    Of cumulative reports, the last of each scope is added.
    """
    deltas: dict[tuple[str, bool], list[UsageRecord]] = {}
    totals: dict[tuple[str, bool], dict[str | None, UsageRecord]] = {}
    for record in reports:
        group = (_key(record), record.billable)
        deltas.setdefault(group, [])
        if record.semantics == "cumulative":
            totals.setdefault(group, {})[record.scope_id] = record
        else:
            deltas[group].append(record)
    return [_sum([*records, *totals.get(group, {}).values()]) for group, records in deltas.items()]


def _sum(records: list[UsageRecord]) -> UsageRecord:
    first = records[0]
    meters: JsonObject = {}
    for name in METERS:
        values = [value for record in records if (value := getattr(record, name)) is not None]
        meters[name] = sum(values) if values else None
    return UsageRecord(
        provider=first.provider,
        model=first.model,
        component=first.component,
        billable=first.billable,
        **meters,
    )
