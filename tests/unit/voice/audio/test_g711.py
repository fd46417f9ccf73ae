"""Telephone code agrees with libsndfile for every sample, and formats survive the round trip."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from tau2.voice.audio import g711
from tau2.voice.audio.codec import AudioConverter, decode, encode
from tau2.voice.audio.formats import TELEPHONE, AudioFormat, Encoding

EVERY_SAMPLE = np.arange(-32768, 32768, dtype=np.int16)
EVERY_BYTE = bytes(range(256))
LAWS = {
    "ULAW": (g711.encode_mulaw, g711.decode_mulaw),
    "ALAW": (g711.encode_alaw, g711.decode_alaw),
}


@pytest.mark.parametrize("law", LAWS)
def test_every_sample_is_encoded_as_libsndfile_does(law):
    reference = io.BytesIO()
    soundfile.write(reference, EVERY_SAMPLE, 8000, format="RAW", subtype=law)
    assert LAWS[law][0](EVERY_SAMPLE).tobytes() == reference.getvalue()


@pytest.mark.parametrize("law", LAWS)
def test_every_byte_is_decoded_as_libsndfile_does(law):
    reference, _rate = soundfile.read(
        io.BytesIO(EVERY_BYTE),
        format="RAW",
        subtype=law,
        samplerate=8000,
        channels=1,
        dtype="int16",
    )
    assert (LAWS[law][1](np.frombuffer(EVERY_BYTE, np.uint8)) == reference).all()


def test_the_silence_of_every_format_is_silent():
    for encoding in Encoding:
        quiet = decode(AudioFormat(encoding, 8000).silence(20), AudioFormat(encoding, 8000))
        assert len(quiet) == 160
        assert np.abs(quiet).max() < 3e-4


def test_bytes_that_were_decoded_are_encoded_to_the_same_bytes():
    pcm = AudioFormat(Encoding.PCM16, 16000)
    assert encode(decode(EVERY_SAMPLE.tobytes(), pcm), pcm) == EVERY_SAMPLE.tobytes()
    for law in (Encoding.MULAW, Encoding.ALAW):
        codes = AudioFormat(law, 8000)
        # Mu-law has two zeros; the negative one becomes the positive one.
        whole = EVERY_BYTE.replace(b"\x7f", b"\xff") if law is Encoding.MULAW else EVERY_BYTE
        assert encode(decode(whole, codes), codes) == whole


def test_what_is_too_loud_clips():
    loud = np.array([2.0, -2.0], np.float32)
    assert decode(encode(loud, TELEPHONE), TELEPHONE) == pytest.approx([0.98, -0.98], abs=0.001)


def test_half_a_sample_is_refused():
    with pytest.raises(ValueError, match="buffer size"):
        decode(b"\x00\x00\x00", AudioFormat(Encoding.PCM16, 8000))


def test_a_converter_takes_bytes_cut_anywhere():
    rng = np.random.default_rng(1)
    source = AudioFormat(Encoding.PCM16, 24000)
    data = encode((0.1 * rng.standard_normal(24000)).astype(np.float32), source)
    whole = AudioConverter(source, TELEPHONE)
    expected = whole.process(data) + whole.flush()
    assert len(expected) == 8000
    cut = AudioConverter(source, TELEPHONE)
    parts = [cut.process(data[place : place + 1001]) for place in range(0, len(data), 1001)]
    assert b"".join(parts) + cut.flush() == expected
    assert cut.process(data) + cut.flush() == expected, "a flushed converter begins anew"


def test_a_converter_between_equal_formats_changes_nothing():
    converter = AudioConverter(TELEPHONE, TELEPHONE)
    assert converter.process(EVERY_BYTE) + converter.flush() == EVERY_BYTE
