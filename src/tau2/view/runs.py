"""The first screen: every run of a folder, the newest first."""

from __future__ import annotations

from pathlib import Path

from rich.text import Text

from tau2.report.safe_text import one_line
from tau2.storage.stored_runs import StoredRun, find_runs, read_run
from tau2.view.library import RunReader
from tau2.view.screen import Back, Quit, Screen
from tau2.view.simulations import SimulationsScreen
from tau2.view.wrap import fitted

_WIDTHS = (16, 10, 6, 7)  # cells of when, domain, simulations, reward


class RunsScreen(Screen):
    """Runs, read one at a time while nothing is pressed."""

    hints = "enter open  / search  r reload  q leave"
    help = (("r", "look again for runs"),)

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self._files: list[Path] = []
        self._known: dict[Path, StoredRun] = {}
        self._reload()

    def _reload(self) -> None:
        self._files, self._known = find_runs(self.folder), {}

    @property
    def title(self) -> str:
        """Where the runs are."""
        return f"{len(self._files)} run{'s' if len(self._files) != 1 else ''} in {one_line(self.folder, 300)}"

    def heading(self, width: int) -> str:
        """Return the names of the columns."""
        when, domain, number, reward = _WIDTHS
        return (
            f"{'when':<{when}}  {'domain':<{domain}}  {'sims':>{number}}  {'reward':>{reward}}  run"
        )

    def count(self) -> int:
        """Return the number of runs."""
        return len(self._files)

    def empty_note(self) -> str:
        """Return how to get a run."""
        return "no runs here; tau2 run --domain mock --agent oracle_agent --user scripted_user makes one"

    def row(self, index: int, width: int) -> Text:
        """Return a run; what is not read yet shows its name only."""
        file = self._files[index]
        run = self._known.get(file)
        if run is None:
            return Text(f"{'…':<{sum(_WIDTHS) + 6}}  {one_line(_name(file), 300)}", style="dim")
        if run.results is None:
            cut = fitted("cannot be read", sum(_WIDTHS) + 6)
            return Text(f"{cut}  {one_line(run.name, 300)}", style="yellow")
        index_lines = run.results.simulation_index
        rewards = [entry.reward for entry in index_lines or () if entry.reward is not None]
        cells = (
            (run.results.timestamp or "")[:16].replace("T", " "),
            one_line(run.results.info.environment_info.domain_name),
            "-" if index_lines is None else str(len(index_lines)),
            f"{sum(rewards) / len(rewards):.3f}" if rewards else "-",
        )
        when, domain, number, reward = (
            fitted(one_line(cell), size) for cell, size in zip(cells, _WIDTHS, strict=True)
        )
        return Text(
            f"{when}  {domain}  {_right(number)}  {_right(reward)}  {one_line(run.name, 300)}"
        )

    def press(self, key: str) -> Screen | Back | Quit | None:
        """Open a run, or look again."""
        if key == "r":
            self._reload()
            return None
        if key in {"enter", "right", "l"} and self._files:
            return SimulationsScreen(RunReader(self._files[self.cursor.at]))
        return Quit() if key in {"q", "esc"} else None

    def text_of(self, index: int) -> str:
        """Return a run's name and domain, also of one that is not read yet."""
        self._read(self._files[index])
        return super().text_of(index)

    def idle(self) -> bool:
        """Read one more run, the visible ones first."""
        seen = self._files[self.cursor.top : self.cursor.top + self.cursor.height]
        unread = next((file for file in (*seen, *self._files) if file not in self._known), None)
        if unread is not None:
            self._read(unread)
        return unread is not None

    def _read(self, file: Path) -> None:
        if file not in self._known:
            run = read_run(file)
            if run.results is not None:
                run.results.tasks.clear()  # a row shows none of them; hundreds of runs would keep thousands
            self._known[file] = run


def _name(file: Path) -> str:
    return RunReader(file).name


def _right(cell: str) -> str:
    return cell.rstrip().rjust(len(cell))
