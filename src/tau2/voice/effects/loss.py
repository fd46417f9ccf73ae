"""Packets that never arrive, in bursts (the model of Gilbert and Elliott)."""

from __future__ import annotations

import random
from dataclasses import dataclass
from math import log, log1p
from typing import TYPE_CHECKING, Literal, NamedTuple

from tau2.errors import needs_extra
from tau2.voice.audio.codec import decode, encode
from tau2.voice.audio.formats import TELEPHONE, AudioFormat

with needs_extra("voice", "numpy"):
    import numpy as np

if TYPE_CHECKING:
    from tau2.voice.audio.formats import Samples

Concealment = Literal["zero", "repeat"]

_MUTED_AFTER_MS = 60.0  # as long as Appendix I of ITU-T G.711 lets a repetition be heard


@dataclass(frozen=True, slots=True)
class Loss:
    """How packets are lost: two states, in one of which every packet is lost.

    The chain stays in the losing state for `burst_ms` on average, and is in it for a share of time
    that is `rate`; both lengths are geometric.
    """

    rate: float
    """The share of packets."""
    burst_ms: float = 100.0
    packet_ms: float = 20.0

    @property
    def ends(self) -> float:
        """The probability that a packet which is lost is the last of its burst."""
        return min(1.0, self.packet_ms / self.burst_ms)

    @property
    def begins(self) -> float:
        """The probability that the packet after one that arrived is lost."""
        return self.ends * self.rate / (1 - self.rate)

    def check(self) -> None:
        """Raise ValueError if the bursts are too short for the rate."""
        if self.begins > 1:
            raise ValueError(
                f"a loss of {self.rate:.0%} needs longer bursts than {self.burst_ms:g} ms"
            )


class LostSpan(NamedTuple):
    """Packets in a row that do not arrive. Milliseconds since the stream began."""

    start_ms: float
    end_ms: float


class PacketLoss:
    """Loses packets of a stream of bytes.

    Which packets are lost depends on the seed alone, and not on how the stream is cut.
    """

    def __init__(
        self,
        loss: Loss,
        *,
        seed: int,
        audio_format: AudioFormat = TELEPHONE,
        concealment: Concealment = "zero",
    ) -> None:
        loss.check()
        self._loss = loss
        self._format = audio_format
        self._concealment = concealment
        self._random = random.Random(seed)  # noqa: S311  -- a simulation, no secret
        self._packet = max(1, round(loss.packet_ms * audio_format.sample_rate / 1000))
        self._position = 0  # samples
        self._heard: Samples = np.zeros(self._packet, np.float32)
        self._is_losing = loss.rate > 0 and self._random.random() < loss.rate
        self._begin = 0
        self._end = self._length() * self._packet
        self.lost_samples = 0

    @property
    def lost_share(self) -> float:
        """The share of the stream that was lost so far."""
        return self.lost_samples / self._position if self._position else 0.0

    def process(self, data: bytes) -> tuple[bytes, list[LostSpan]]:
        """Return what arrives of the next bytes, and the losses that begin in them."""
        size = self._format.bytes_per_sample
        received = bytearray(data)
        spans: list[LostSpan] = []
        start = 0
        count = len(data) // size
        while start < count:
            stop = min(count, start + self._end - self._position)
            if self._is_losing:
                if self._position == self._begin:
                    spans.append(LostSpan(self._ms(self._begin), self._ms(self._end)))
                received[start * size : stop * size] = self._concealed(stop - start)
                self.lost_samples += stop - start
            elif self._concealment == "repeat":
                self._remember(data[start * size : stop * size])
            self._position += stop - start
            start = stop
            self._turn()
        return bytes(received), spans

    def _turn(self) -> None:
        """Change the state at the end of a run of packets."""
        if self._position < self._end:
            return
        self._is_losing = not self._is_losing
        self._begin = self._end
        self._end += self._length() * self._packet

    def _length(self) -> int:
        """Return how many packets in a row arrive, or are lost."""
        share = self._loss.ends if self._is_losing else self._loss.begins
        if share >= 1:
            return 1
        if share <= 0:
            return 1 << 62
        return 1 + int(log(1.0 - self._random.random()) / log1p(-share))

    def _remember(self, data: bytes) -> None:
        recent = np.concatenate((self._heard, decode(data[-self._tail :], self._format)))
        self._heard = recent[-self._packet :]

    @property
    def _tail(self) -> int:
        return self._packet * self._format.bytes_per_sample

    def _concealed(self, count: int) -> bytes:
        if self._concealment == "zero":
            return self._format.silence(self._ms(count))
        since = np.arange(count) + (self._position - self._begin)
        faded = _MUTED_AFTER_MS * self._format.sample_rate / 1000
        gain = np.clip(1.0 - since / faded, 0.0, 1.0)
        return encode((self._heard[since % self._packet] * gain).astype(np.float32), self._format)

    def _ms(self, samples: int) -> float:
        return samples * 1000 / self._format.sample_rate
