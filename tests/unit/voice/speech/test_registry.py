"""Engines are found by name, in the package and in others."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from tau2.errors import ConfigError, UnknownName
from tau2.voice.speech import registry
from tau2.voice.speech.engines.energy import EnergyDetector
from tau2.voice.speech.engines.tone import ToneSynthesizer
from tau2.voice.speech.registry import DETECTORS, RECOGNIZERS, SYNTHESIZERS, EngineCatalog


def test_the_tone_channel_and_the_energy_detector_are_always_there() -> None:
    assert "tone" in SYNTHESIZERS.usable_names()
    assert "tone" in RECOGNIZERS.usable_names()
    assert "energy" in DETECTORS.usable_names()
    assert SYNTHESIZERS.get("tone").voices() == ("tone",)


def test_an_engine_is_made_once() -> None:
    assert DETECTORS.get("energy") is DETECTORS.get("energy")


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="no synthesizer named 'tones'; did you mean 'tone'"):
        SYNTHESIZERS.get("tones")
    assert "tones" not in SYNTHESIZERS


def test_an_option_that_the_engine_does_not_take_is_refused() -> None:
    with pytest.raises(ConfigError, match="synthesizer 'tone' cannot be made"):
        SYNTHESIZERS.get("tone", colour="red")
    with pytest.raises(ConfigError, match="takes no arguments"):
        SYNTHESIZERS.get("tone/large")


def test_an_engine_of_this_process_is_known_for_a_while() -> None:
    with SYNTHESIZERS.adding("whistle", ToneSynthesizer):
        assert isinstance(SYNTHESIZERS.get("whistle"), ToneSynthesizer)
        with pytest.raises(ConfigError, match="named 'whistle' already"):
            SYNTHESIZERS.add("whistle", ToneSynthesizer)
    assert "whistle" not in SYNTHESIZERS


def test_another_package_adds_an_engine_by_an_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    here = f"{EnergyDetector.__module__}:{EnergyDetector.__name__}"
    found = [
        EntryPoint("loudness", here, "tau2.speech_detectors"),
        EntryPoint("broken", "no_such_package:Detector", "tau2.speech_detectors"),
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: found)
    catalog: EngineCatalog[EnergyDetector] = EngineCatalog("detector", "tau2.speech_detectors", {})
    assert catalog.names() == ["broken", "loudness"]
    assert isinstance(catalog.get("loudness"), EnergyDetector)
    with pytest.raises(ConfigError, match=r"detector 'broken' \(no_such_package:Detector\)"):
        catalog.get("broken")


def test_the_first_usable_engine_is_taken() -> None:
    assert SYNTHESIZERS.first_usable(["nobody", "tone"]) == "tone"
    assert SYNTHESIZERS.first_usable(["nobody"]) is None


def test_listing_names_imports_no_engine() -> None:
    program = (
        "import sys; from tau2.voice.speech.registry import SYNTHESIZERS; SYNTHESIZERS.names(); "
        "SYNTHESIZERS.usable_names(); assert not {'numpy', 'httpx'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
