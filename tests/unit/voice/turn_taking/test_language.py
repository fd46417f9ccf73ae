"""Word lists of languages are data."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest

from tau2.errors import DataFileError, UnknownName
from tau2.voice.turn_taking.language import languages, load_pack


def test_english_and_german_come_with_the_package() -> None:
    assert languages() == ("de", "en")


@pytest.mark.parametrize("language", languages())
def test_every_pack_has_something_to_say_in_each_list(language: str) -> None:
    pack = load_pack(language)
    assert pack.language == language
    assert not set(pack.yes_words) & set(pack.no_words)
    assert all(not pack.asks_to_stop(phrase) for phrase in pack.backchannels)


def test_what_is_a_backchannel_and_what_stops_a_speaker() -> None:
    english = load_pack("en")
    assert english.is_backchannel("Mm-hmm.")
    assert english.is_backchannel("I see.")
    assert not english.is_backchannel("Mm-hmm, but I wanted the blue one.")
    assert english.asks_to_stop("Hold on, that is the wrong order.")
    assert not english.asks_to_stop("That stops me from sleeping.")


def test_the_first_yes_or_no_decides() -> None:
    english = load_pack("en")
    assert english.answer("YES") is True
    assert english.answer("No. Not yet, yes?") is False
    assert english.answer("Perhaps.") is None
    assert load_pack("de").answer("Ja, sofort.") is True


def test_an_unknown_language_names_the_known_ones() -> None:
    with pytest.raises(UnknownName, match="de, en"):
        load_pack("xx")


def test_a_pack_of_ones_own_is_one_file(tmp_path: Path) -> None:
    german = resources.files("tau2.voice.turn_taking") / "packs" / "de.toml"
    file = tmp_path / "nl.toml"
    file.write_text(german.read_text(encoding="utf-8").replace('"de"', '"nl"'), encoding="utf-8")
    assert load_pack(file).language == "nl"


def test_a_misspelt_key_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    file = tmp_path / "nl.toml"
    file.write_text('language = "nl"\nbackchanels = ["ja"]\n', encoding="utf-8")
    with pytest.raises(DataFileError, match=r"nl\.toml is no language pack"):
        load_pack(file)
