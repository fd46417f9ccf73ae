"""What a caller utters besides: coughs, and words to someone else in the room."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.voice_cast import Phone, clean_line

from tau2.data_model.message import UserMessage
from tau2.voice.caller.inserts import Insert, InsertKind, InsertSchedule
from tau2.voice.turn_taking.language import load_pack

ENGLISH = load_pack("en")
SCHEDULE = InsertSchedule(5, ENGLISH, 0.2, per_minute=0.7)


class TestSchedule:
    def test_they_come_as_often_as_the_level_says(self) -> None:
        minutes = 40
        often = replace(SCHEDULE, per_minute=7.0)
        due = [often.due(tick) for tick in range(minutes * 300)]
        assert sum(insert is not None for insert in due) / minutes == pytest.approx(7, abs=0.7)

    def test_none_where_a_level_has_none(self) -> None:
        silent = replace(SCHEDULE, per_minute=0.0)
        polite = replace(SCHEDULE, per_minute=60.0, vocal_tics=False, non_directed=False)
        assert not any(silent.due(tick) or polite.due(tick) for tick in range(2000))

    def test_only_the_kinds_that_are_on(self) -> None:
        tics = replace(SCHEDULE, per_minute=60.0, non_directed=False)
        kinds = {insert.kind for tick in range(500) if (insert := tics.due(tick))}
        assert kinds == {InsertKind.VOCAL_TIC}

    def test_a_tick_is_drawn_without_regard_to_others(self) -> None:
        often = replace(SCHEDULE, per_minute=60.0)
        forwards = [often.due(tick) for tick in range(100)]
        backwards = [often.due(tick) for tick in reversed(range(100))]
        assert forwards == backwards[::-1]


class At(InsertSchedule):
    """Inserts at given ticks."""

    def __init__(self, inserts: dict[int, Insert]) -> None:
        object.__setattr__(self, "inserts", inserts)

    def due(self, tick: int) -> Insert | None:
        return self.inserts.get(tick)  # type: ignore[attr-defined]


def phone_with(inserts: dict[int, Insert], monkeypatch: pytest.MonkeyPatch, lines: Any) -> Phone:
    phone = Phone(lines, clean_line)
    monkeypatch.setattr(type(phone.user), "_schedule", At(inserts))
    return phone


ASIDE = Insert(InsertKind.NON_DIRECTED, "Sit down.")
COUGH = Insert(InsertKind.VOCAL_TIC, "[cough]")
UM = Insert(InsertKind.VOCAL_TIC, "um")


def effects(chunks: list[UserMessage], name: str) -> list[int]:
    """Return the ticks in which an effect is recorded."""
    return [
        chunk.chunk_id or 0
        for chunk in chunks
        for event in [*(chunk.speech_effects or []), *(chunk.source_effects or [])]
        if event["effect_type"] == name
    ]


class TestInTheCall:
    def test_words_to_someone_else_are_heard_and_are_no_words_of_the_caller(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        phone = phone_with({3: ASIDE}, monkeypatch, ["Hello."])
        phone.wait(8)
        quiet, muffled = phone.chunks[2].audio_content, phone.chunks[3].audio_content
        assert quiet != muffled
        assert not any(chunk.contains_speech or chunk.content for chunk in phone.chunks)
        ticks = effects(phone.chunks, "out_of_turn_speech")
        assert ticks == [3, 4, 5]
        event = (phone.chunks[3].source_effects or [])[0]
        assert event["params"] == {"text": "Sit down."}
        assert (event["start_ms"], event["end_ms"]) == (600.0, 600.0 + 9 * 64)

    @pytest.mark.parametrize("tic", [COUGH, UM])
    def test_a_tic_is_a_sound_and_no_turn(
        self, monkeypatch: pytest.MonkeyPatch, tic: Insert
    ) -> None:
        phone = phone_with({3: tic}, monkeypatch, ["Hello."])
        phone.wait(8)
        assert effects(phone.chunks, "vocal_tic")[0] == 3
        quiet, loud = phone.chunks[2].audio_content, phone.chunks[3].audio_content
        assert quiet != loud
        assert not any(chunk.contains_speech for chunk in phone.chunks)

    def test_it_waits_until_the_caller_has_spoken(self, monkeypatch: pytest.MonkeyPatch) -> None:
        phone = phone_with({15: ASIDE}, monkeypatch, ["Good morning to you."])
        phone.wait(40)
        spoken = [chunk.chunk_id or 0 for chunk in phone.chunks if chunk.contains_speech]
        assert 15 in spoken
        assert min(effects(phone.chunks, "out_of_turn_speech")) == max(spoken) + 1
        assert phone.recognized() == "Good morning to you."

    def test_the_caller_takes_no_turn_while_it_speaks_to_someone_else(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        phone = phone_with({14: ASIDE}, monkeypatch, ["Good morning."])
        phone.wait(40)
        spoken = [chunk.chunk_id or 0 for chunk in phone.chunks if chunk.contains_speech]
        assert min(spoken) == 17  # 15 without it
