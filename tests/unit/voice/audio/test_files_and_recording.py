"""Recordings are the same bytes each time; files from strangers are read with care."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from tau2.errors import DataFileError
from tau2.voice.audio import files
from tau2.voice.audio.codec import decode, encode
from tau2.voice.audio.files import audio_file, read_audio, write_audio
from tau2.voice.audio.formats import TELEPHONE
from tau2.voice.audio.recording import (
    AudioTaps,
    Label,
    labels_text,
    recording,
    write_labels,
    write_recording,
)

TICK = 1600


def spoken(seed, ticks=1):
    rng = np.random.default_rng(seed)
    return encode((0.1 * rng.standard_normal(TICK * ticks)).astype(np.float32), TELEPHONE)


CALL = [(spoken(1), None), (b"", spoken(2)), (spoken(3)[:400], spoken(4))]


def test_the_user_is_left_and_the_agent_right():
    (left, right), rate = read_audio(recording(CALL))
    assert rate == 8000
    assert len(left) == len(right) == 3 * TICK
    assert (left[:TICK] == decode(spoken(1), TELEPHONE)).all()
    assert not left[TICK : 2 * TICK].any()
    assert (left[2 * TICK :][:400] == decode(spoken(3)[:400], TELEPHONE)).all()
    assert not left[2 * TICK + 400 :].any()
    assert (right[TICK:] == decode(spoken(2) + spoken(4), TELEPHONE)).all()


def test_the_same_call_is_the_same_file(tmp_path):
    for name in ("both.wav", "both.flac"):
        write_recording(tmp_path / "a" / name, CALL)
        write_recording(tmp_path / "b" / name, iter(CALL))
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert (tmp_path / "a" / "both.wav").read_bytes() == recording(CALL)
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["both.flac", "both.wav"]


def test_flac_holds_the_same_samples():
    wav, _ = read_audio(recording(CALL))
    flac, _ = read_audio(recording(CALL, file_format="FLAC"))
    assert all((one == other).all() for one, other in zip(wav, flac, strict=True))


def test_what_is_longer_than_a_tick_is_cut():
    (left, _right), _rate = read_audio(recording([(spoken(1, ticks=2), None)]))
    assert (left == decode(spoken(1, ticks=2)[:TICK], TELEPHONE)).all()


def test_a_call_without_ticks_is_an_empty_file():
    channels, _rate = read_audio(recording([]))
    assert [len(channel) for channel in channels] == [0, 0]


def test_labels_are_lines_of_start_end_and_text(tmp_path):
    labels = [Label(1.5, 2.0, "agent: no\ttabs\nor\x1blines"), Label(0.0, 1.25, "user: hi")]
    write_labels(tmp_path / "labels.txt", labels)
    assert labels_text(labels) == (
        "0.000000\t1.250000\tuser: hi\n1.500000\t2.000000\tagent: no tabs or lines\n"
    )
    assert (tmp_path / "labels.txt").read_text(encoding="utf-8") == labels_text(labels)


def test_taps_become_files_when_the_call_ends(tmp_path):
    with AudioTaps(tmp_path / "taps") as taps:
        for seed in range(3):
            taps.add_bytes("user_output", spoken(seed))
        taps.add("tts_output", np.zeros(100, np.float32), 24000)
        assert not list((tmp_path / "taps").glob("*.wav"))
    assert sorted(path.name for path in (tmp_path / "taps").iterdir()) == [
        "tts_output.wav",
        "user_output.wav",
    ]
    (heard,), rate = read_audio(tmp_path / "taps" / "user_output.wav")
    assert rate == 8000
    assert (heard == decode(b"".join(map(spoken, range(3))), TELEPHONE)).all()
    taps.close()


def test_each_side_hears_the_other_a_tick_later(tmp_path):
    with AudioTaps(tmp_path) as taps:
        taps.add_call(CALL)
    stages = {path.stem: read_audio(path)[0][0] for path in tmp_path.iterdir()}
    (user, agent), _rate = read_audio(recording(CALL))
    assert (stages["agent_output"] == agent).all()
    assert (stages["agent_input"][TICK:] == agent[:-TICK]).all()
    assert (stages["agent_user-input"][TICK:] == user[:-TICK]).all()
    assert not stages["agent_input"][:TICK].any()
    assert len(stages["agent_user-input"]) == len(user)


def test_a_tap_has_a_name_of_the_list(tmp_path):
    with pytest.raises(ValueError, match="unknown tap 'x'"):
        AudioTaps(tmp_path).add("x", np.zeros(1, np.float32), 8000)


def test_a_disk_that_fails_costs_the_taps_alone(tmp_path, caplog):
    (tmp_path / "taps").write_text("a file is in the way")
    with AudioTaps(tmp_path / "taps") as taps:
        for _ in range(2):
            taps.add_bytes("user_output", spoken(1))
    assert caplog.text.count("the audio of stages is not kept") == 1


def test_what_was_written_is_read(tmp_path):
    samples = np.linspace(-1, 1, 500, dtype=np.float32)
    for name in ("a.wav", "a.flac"):
        write_audio(tmp_path / name, [samples], 16000)
        (read,), rate = read_audio(tmp_path / name)
        assert rate == 16000
        assert np.abs(read - samples).max() < 1e-4


def test_a_file_that_is_too_large_is_refused(tmp_path):
    path = tmp_path / "a.wav"
    write_audio(path, [np.zeros(8000, np.float32)], 8000)
    with pytest.raises(DataFileError, match="more than 1,000 bytes"):
        read_audio(path, largest=1000)
    with pytest.raises(DataFileError, match=r"longer than 0\.5 s"):
        read_audio(path, longest=0.5)


def test_a_file_that_is_not_there_is_an_error_of_the_file(tmp_path):
    with pytest.raises(DataFileError, match="cannot be read"):
        read_audio(tmp_path / "nowhere.wav")


def test_many_channels_at_a_high_rate_are_not_unpacked_for_an_hour(monkeypatch):
    monkeypatch.setattr(files, "MOST_SAMPLES", 16_000)
    both = audio_file([np.zeros(8001, np.float32)] * 2, 8000, "FLAC")
    with pytest.raises(DataFileError, match="longer than 1 s"):
        read_audio(both)


def test_silence_compressed_to_nothing_is_not_unpacked():
    bomb = audio_file([np.zeros(8000 * 120, np.float32)], 8000, "FLAC")
    assert len(bomb) < 100_000
    with pytest.raises(DataFileError, match="longer than 10 s"):
        read_audio(bomb, longest=10)


@pytest.mark.parametrize(
    "content",
    [b"", b"RIFF", b"RIFF\xff\xff\xff\x7fWAVEfmt ", b"fLaC" + b"\xff" * 50, b"OggS" + b"\0" * 99],
)
def test_what_is_no_audio_is_an_error_of_the_file(content):
    with pytest.raises(DataFileError):
        read_audio(content)


def test_other_formats_of_libsndfile_are_refused():
    other = io.BytesIO()
    soundfile.write(other, np.zeros(10), 8000, format="AIFF", subtype="PCM_16")
    with pytest.raises(DataFileError, match="neither a WAV nor a FLAC"):
        read_audio(other.getvalue())


def test_a_truncated_or_damaged_file_never_raises_anything_else():
    rng = np.random.default_rng(0)
    for whole in (recording(CALL), recording(CALL, file_format="FLAC")):
        for _ in range(150):
            damaged = bytearray(whole[: rng.integers(1, len(whole))])
            for place in rng.integers(0, len(damaged), 4):
                damaged[place] = rng.integers(256)
            try:
                channels, _rate = read_audio(bytes(damaged), longest=60)
            except DataFileError:
                continue
            assert all(np.isfinite(channel).all() for channel in channels)
