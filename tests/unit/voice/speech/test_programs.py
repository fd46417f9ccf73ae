"""Speech by programs, with stand-ins for the programs on the path."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tau2.errors import MissingExtra, SpeechFailed
from tau2.voice.speech.engines import programs
from tau2.voice.speech.engines.programs import EspeakSynthesizer, FliteSynthesizer
from tau2.voice.speech.protocols import Voice

STAND_IN = """#!{python}
import shutil, sys, time
arguments = sys.argv[1:]
with open({log!r}, "a") as log:
    log.write(repr(arguments) + "\\n")
if arguments == ["--version"]:
    print("a program 1.2\\nmore")
    sys.exit()
text = open(arguments[arguments.index("-f") + 1], encoding="utf-8").read()
if "crash" in text:
    sys.exit("out of voice")
if "hang" in text:
    time.sleep(60)
if "silent" not in text:
    shutil.copy({wave!r}, arguments[-1])
"""


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install stand-ins that write what they were given."""
    found = tmp_path / "log"
    wave = tmp_path / "a.wav"
    soundfile.write(wave, np.full((1600, 2), 0.25, np.float32), 16000)
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("espeak-ng", "flite"):
        program = folder / name
        program.write_text(STAND_IN.format(python=sys.executable, log=str(found), wave=str(wave)))
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    programs._version.cache_clear()
    return found


def test_a_program_gets_arguments_and_files(log: Path) -> None:
    engine = EspeakSynthesizer()
    assert engine.version == "a program 1.2"
    speech = engine.synthesize("-v It is #W23; rm -rf $HOME", Voice(speed=1.2, pitch=2))
    assert speech.sample_rate == 16000
    assert speech.seconds == pytest.approx(0.1)
    assert [word.text for word in speech.words][:4] == ["-v", "It", "is", "#W23;"]
    arguments = log.read_text().splitlines()[-1]
    assert arguments.startswith("['-v', 'en-us', '-s', '198', '-p', '58', '-f', ")
    assert "rm" not in arguments
    FliteSynthesizer().synthesize("Hello", Voice("awb", speed=0.8))
    assert "'-voice', 'awb', '--setf', 'duration_stretch=1.2500'" in log.read_text()
    assert len(engine.synthesize(" ", Voice()).samples) == 0


def test_failures_of_a_program_are_speech_failures(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = FliteSynthesizer()
    with pytest.raises(SpeechFailed, match="flite failed with status 1: out of voice"):
        engine.synthesize("crash", Voice())
    with pytest.raises(SpeechFailed, match="flite wrote no audio"):
        engine.synthesize("silent", Voice())
    with pytest.raises(SpeechFailed, match="no voice '--help'"):
        engine.synthesize("Hello", Voice("--help"))
    monkeypatch.setattr(programs, "_MOST_BYTES", 10)
    with pytest.raises(SpeechFailed, match="bytes for one utterance"):
        engine.synthesize("Hello", Voice())
    monkeypatch.setattr(programs, "_SECONDS", 0.2)
    with pytest.raises(SpeechFailed, match=r"did not finish within 0\.2 s"):
        engine.synthesize("hang", Voice())


def test_a_program_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingExtra, match=r"espeak is not installed; .* apt install espeak-ng"):
        EspeakSynthesizer()
