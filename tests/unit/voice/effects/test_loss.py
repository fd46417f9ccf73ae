"""Packets are lost at the rate and in the bursts that were asked for."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from tau2.voice.audio.codec import decode, encode
from tau2.voice.audio.formats import TELEPHONE
from tau2.voice.effects.loss import Loss, PacketLoss

PACKET = 160
LONG = 200_000  # packets: more than an hour


def lossy(rate, burst_ms=100.0, seed=1, packets=LONG, **options):
    line = PacketLoss(Loss(rate, burst_ms), seed=seed, **options)
    received, spans = line.process(b"\x00" * (packets * PACKET))
    lost = np.frombuffer(received, np.uint8)[::PACKET] == 0xFF
    return line, lost, spans


@pytest.mark.parametrize("rate", [0.005, 0.02, 0.1])
@pytest.mark.parametrize("burst_ms", [20.0, 100.0, 200.0])
def test_the_measured_loss_is_within_its_interval(rate, burst_ms):
    loss = Loss(rate, burst_ms)
    line, lost, spans = lossy(rate, burst_ms)
    # The standard error of the mean of a two-state chain, and of a geometric length.
    memory = 1 - loss.begins - loss.ends
    error = sqrt(rate * (1 - rate) / LONG * (1 + memory) / (1 - memory))
    assert line.lost_share == pytest.approx(lost.mean())
    assert abs(line.lost_share - rate) < 3 * error
    lengths = np.array([span.end_ms - span.start_ms for span in spans])
    spread = 20 * sqrt(1 - loss.ends) / loss.ends
    assert abs(lengths.mean() - burst_ms) < 3 * spread / sqrt(len(lengths)) + 1e-9


def test_whole_packets_are_lost_and_all_others_arrive():
    data = bytes(np.random.default_rng(0).integers(0, 0x70, 500 * PACKET, dtype=np.uint8))
    received, spans = PacketLoss(Loss(0.2), seed=3).process(data)
    expected = bytearray(data)
    for span in spans:
        begin, end = (int(ms * 8) for ms in span)
        assert begin % PACKET == 0
        assert end % PACKET == 0
        size = len(expected[begin:end])
        expected[begin:end] = b"\xff" * size
    assert received == expected
    assert spans


@pytest.mark.parametrize("concealment", ["zero", "repeat"])
@pytest.mark.parametrize("size", [37, 160, 400, 1600])
def test_it_does_not_matter_how_the_stream_is_cut(concealment, size):
    rng = np.random.default_rng(0)
    data = encode((0.1 * rng.standard_normal(200 * PACKET)).astype(np.float32), TELEPHONE)
    whole = PacketLoss(Loss(0.2), seed=3, concealment=concealment).process(data)
    line = PacketLoss(Loss(0.2), seed=3, concealment=concealment)
    parts = [line.process(data[place : place + size]) for place in range(0, len(data), size)]
    assert b"".join(audio for audio, _ in parts) == whole[0]
    assert [span for _, spans in parts for span in spans] == whole[1]


def test_another_seed_loses_other_packets():
    assert lossy(0.1, seed=1, packets=1000)[2] == lossy(0.1, seed=1, packets=1000)[2]
    assert lossy(0.1, seed=1, packets=1000)[2] != lossy(0.1, seed=2, packets=1000)[2]


def test_no_loss_is_no_loss():
    line, lost, spans = lossy(0.0, packets=1000)
    assert not lost.any()
    assert not spans
    assert line.lost_share == 0


def test_a_loss_may_begin_with_the_call():
    began = sum(bool(lossy(0.3, seed=seed, packets=1)[1][0]) for seed in range(300))
    assert 60 < began < 120


def test_repetition_fades_out_within_60_ms():
    data = encode(np.full(4000 * PACKET, 0.5, np.float32), TELEPHONE)
    received, spans = PacketLoss(Loss(0.05, 200.0), seed=1, concealment="repeat").process(data)
    heard = decode(received, TELEPHONE)
    long = next(span for span in spans if span.end_ms - span.start_ms >= 100)
    gone = heard[int(long.start_ms * 8) : int(long.end_ms * 8)]
    assert gone[0] == pytest.approx(0.5, abs=0.02)
    assert gone[240] == pytest.approx(0.25, abs=0.02)
    assert not gone[480:].any()
    assert (np.diff(gone[:480]) <= 0).all()


def test_a_rate_that_such_short_bursts_cannot_reach_is_refused():
    with pytest.raises(ValueError, match="a loss of 90% needs longer bursts than 20 ms"):
        PacketLoss(Loss(0.9, 20.0), seed=1)
