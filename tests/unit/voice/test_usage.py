"""What sessions used, and what that costs."""

from __future__ import annotations

import pytest

from tau2.voice.adapters.events import Usage
from tau2.voice.usage import SessionUsage, UsageRecord, cost_of, rates_of


def record(provider="openai", model="gpt-realtime", **fields):
    return UsageRecord(provider=provider, model=model, **fields)


def test_the_longest_name_prices_an_edition_and_no_other_model():
    dated = rates_of("openai", "gpt-realtime-2025-08-28")
    assert dated is not None
    assert dated.input_audio == 32.0
    assert rates_of("openai", "gpt-realtime-2") is None
    voices = {name: rates_of("deepgram", name) for name in ("aura-asteria-en", "aura-2-thalia-en")}
    assert [rates.characters for rates in voices.values()] == [15.0, 30.0]


def test_cached_tokens_cost_what_cached_tokens_cost():
    one = record(input_audio_tokens=1_000_000, input_cached_audio_tokens=250_000)
    assert cost_of(one) == pytest.approx(0.75 * 32 + 0.25 * 0.4)


def test_minutes_and_characters_are_priced():
    minutes = record("xai", "grok-voice-think-fast-2.0", audio_input_seconds=90)
    assert cost_of(minutes) == pytest.approx(0.12)
    spoken = record("elevenlabs", "eleven_turbo_v2_5", component="tts", characters=2000)
    assert cost_of(spoken) == pytest.approx(0.1)


def test_a_live_session_is_priced_by_the_minutes_of_each_state():
    live = record("openai_live", "gpt-live-1", active_seconds=120, standby_seconds=60)
    assert cost_of(live) == pytest.approx(0.12)


def test_seconds_are_not_charged_beside_tokens():
    both = record(input_audio_tokens=1_000_000, audio_input_seconds=60)
    assert cost_of(both) == pytest.approx(32)


def test_one_record_without_a_price_makes_the_whole_cost_unknown():
    usage = SessionUsage.of(
        [record(output_text_tokens=1_000_000), record(model="unheard-of", input_tokens=1)]
    )
    assert usage.cost is None
    assert usage.cost_breakdown == {"realtime:openai/gpt-realtime": 16.0}


def test_a_meter_without_a_price_makes_the_cost_unknown():
    assert cost_of(record("xai", "grok-voice-think-fast-2.0", output_audio_tokens=5)) is None


def test_what_is_not_charged_costs_nothing():
    told = record("xai", "grok-voice-think-fast-2.0", output_audio_tokens=5, billable=False)
    assert SessionUsage.of([told]).cost == 0.0
    assert cost_of(record("local", "oracle_agent", characters=100)) == 0.0


def test_deltas_are_added_and_of_totals_the_last_one_counts():
    reports = [
        record(input_text_tokens=1),
        record(input_text_tokens=2),
        record(input_text_tokens=10, semantics="cumulative", scope_id="r1"),
        record(input_text_tokens=30, semantics="cumulative", scope_id="r1"),
        record(input_text_tokens=100, semantics="cumulative", scope_id="r2"),
    ]
    usage = SessionUsage.of(reports)
    [total] = usage.records
    assert total.input_text_tokens == 133
    assert total.output_audio_tokens is None
    assert usage.num_raw_records == 5


def test_a_text_model_behind_a_voice_has_its_own_price():
    llm = record("anthropic", "claude-haiku-4-5", component="llm", input_tokens=1_000_000)
    assert cost_of(llm) == pytest.approx(1.0)


def test_a_report_of_anything_makes_a_record():
    odd = {"input_tokens": "many", "characters": -1, "audio_input_seconds": float("nan"), "x": 1}
    made = UsageRecord.from_event(Usage(odd), provider="p", model="m", tick=3)
    assert made.input_tokens is made.characters is made.audio_input_seconds is None
    assert made.raw["x"] == 1
    assert SessionUsage().cost is None
