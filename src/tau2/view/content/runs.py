"""The list of runs: one row of figures per run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tau2.errors import DataFileError
from tau2.report.safe_text import one_line
from tau2.view.content.blocks import Line, Style
from tau2.view.content.library import RunReader, average_reward
from tau2.view.content.rows import Column, Row

NO_RUNS = "no runs here; tau2 run --domain mock --agent oracle_agent --user scripted_user makes one"
COLUMNS = (
    Column("when", 16),
    Column("domain", 10),
    Column("sims", 9, is_number=True),
    Column("reward", 6, is_number=True),
    Column("run"),
)


@dataclass(frozen=True, slots=True)
class RunEntry:
    """What the list shows of a run. Before its file is read, only the name is known."""

    path: Path
    name: str
    when: str = "…"
    domain: str = "…"
    simulations: str = "…"
    reward: str = "…"
    is_under_way: bool = False

    @property
    def row(self) -> Row:
        """The row of the run."""
        under_way: Style = "warn" if self.is_under_way else ""
        figures: tuple[Line, ...] = (
            (self.domain, ""),
            (self.simulations, under_way),
            (self.reward, ""),
        )
        return Row(str(self.path), ((self.when, ""), *figures, (self.name, "")))


def unread(file: Path) -> RunEntry:
    """Return what is known of a run whose file is not read yet."""
    return RunEntry(file, one_line(RunReader(file).name, 300))


def read(file: Path) -> RunEntry:
    """Return the figures of a run; a file that cannot be read is reported, not raised."""
    reader = RunReader(file)
    name = one_line(reader.name, 300)
    try:
        metadata = reader.metadata
        # The entries of a single file are its conversations: reading many such files takes minutes.
        is_counted = metadata.simulation_index is not None or reader.is_under_way
        entries = reader.entries if is_counted else []
        number = str(len(entries)) if is_counted else "-"
        if reader.is_under_way:
            number += f"/{reader.expected}"
    except (DataFileError, OSError):
        return RunEntry(file, name, "cannot be read", "", "", "")
    reward = average_reward(entries)
    return RunEntry(
        file,
        name,
        when=one_line((metadata.timestamp or "")[:16].replace("T", " ")),
        domain=one_line(reader.domain),
        simulations=number,
        reward="-" if reward is None else f"{reward:.3f}",
        is_under_way=reader.is_under_way,
    )
