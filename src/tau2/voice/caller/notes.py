"""The call so far as text, for a model that decides when to interrupt."""

from __future__ import annotations

from dataclasses import dataclass, field

_MOST_LINES = 40  # older ones are left out


@dataclass(slots=True)
class CallNotes:
    """Who said what, in the order in which it began; words that overlap are marked."""

    tick_seconds: float
    silence_seconds: float
    """Silence that is mentioned."""
    lines: list[tuple[str, str]] = field(default_factory=list)
    last_tick: int = 0

    def add(self, speaker: str, words: str, tick: int, *, is_over_other: bool = False) -> None:
        """Add words of a speaker."""
        if not words:
            return
        silence = (tick - self.last_tick) * self.tick_seconds
        if silence >= self.silence_seconds:
            self.lines.append(("", f"({silence:.0f} seconds of silence)"))
        self.last_tick = tick
        name = f"{speaker} (at the same time)" if is_over_other else speaker
        if self.lines and self.lines[-1][0] == name:
            self.lines[-1] = (name, self.lines[-1][1] + words)
        else:
            self.lines.append((name, words))

    def text(self) -> str:
        """Return the last lines."""
        shown = self.lines[-_MOST_LINES:]
        return "\n".join(f"{name}: {words.strip()}" if name else words for name, words in shown)
