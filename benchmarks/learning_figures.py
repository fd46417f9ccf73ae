"""The page `docs/learning.md` and its curves, from the folders that `benchmarks/learning.py` made.

    python benchmarks/learning_figures.py results/learning

Writes `docs/learning/<domain>.svg`, and the tables between the page's markers. Needs matplotlib.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from act_prm.metrics.intervals import mean_interval

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "learning.md"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
STAGES = {
    "untrained": "untrained",
    "sft": "SFT",
    "rl": "SFT, then RL",
    "shuffled": "SFT, then RL with shuffled rewards",
}
SPLITS = {"eval": "other tasks of known kinds", "test": "kinds held out of training"}
Row = dict[str, float]


@dataclass(frozen=True)
class Evaluation:
    """One seed's evaluation of a stage on a split."""

    seed: int
    solved: float
    episodes: int


def main() -> int:
    """Write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    parts = [part for domain in sorted(folder.iterdir()) for part in _section(domain)]
    page = PAGE.read_text(encoding="utf-8")
    head, tail = page.partition(BEGIN)[0], page.partition(END)[2]
    PAGE.write_text("\n".join([head + BEGIN, *parts, END]) + tail, encoding="utf-8")
    return 0


def _section(domain: Path) -> list[str]:
    """Return the lines about a domain: the table, the cost and the curves."""
    found = {
        (stage, split): list(_evaluations(domain, stage, split))
        for stage in STAGES
        for split in SPLITS
    }
    lines = [
        "",
        f"## {domain.name}",
        "",
        f"| | {' | '.join(SPLITS.values())} | seeds |",
        "|---|---|---|---|",
    ]
    for stage, label in STAGES.items():
        cells = [found[stage, split] for split in SPLITS]
        if any(cells):
            shown = " | ".join(_cell(cell) for cell in cells)
            lines.append(f"| {label} | {shown} | {len(cells[0])} |")
    lines += ["", *_seeds(domain, found), "", *_unfinished(domain), _cost(domain), ""]
    if _curves(domain):
        lines += [f"![reward by batch](learning/{domain.name}.svg)", ""]
    return lines


def _seeds(domain: Path, found: Mapping[tuple[str, str], Sequence[Evaluation]]) -> list[str]:
    """Return a table with a row for each trained model, and how long it was trained."""
    lines = [f"| seed | | batches | {' | '.join(SPLITS.values())} |", "|---|---|---|---|---|"]
    for stage, label in STAGES.items():
        for seed in sorted({one.seed for split in SPLITS for one in found[stage, split]}):
            batches = _batches(domain / f"{stage}-seed{seed}")
            cells = [
                _shares(one for one in found[stage, split] if one.seed == seed) for split in SPLITS
            ]
            lines.append(f"| {seed} | {label} | {batches} | {' | '.join(cells)} |")
    return lines


def _shares(evaluations: Iterable[Evaluation]) -> str:
    texts = [f"{one.solved:.0%} of {one.episodes}" for one in evaluations]
    return texts[0] if texts else "not run"


def _batches(folder: Path) -> int:
    return max((int(row["batch"]) for row in _rows(folder)), default=0)


def _unfinished(domain: Path) -> list[str]:
    """Return a sentence for each training that was begun and not finished."""
    folders = [
        (label, folder)
        for stage, label in STAGES.items()
        for folder in sorted(domain.glob(f"{stage}-seed?"))
        if _batches(folder) and not (folder / "checkpoints" / "final").is_dir()
    ]
    return [
        f"Begun, not finished: {label}, seed {folder.name[-1]}, after {_batches(folder)} batches.\n"
        for label, folder in folders
    ]


def _evaluations(domain: Path, stage: str, split: str) -> Iterable[Evaluation]:
    for folder in sorted(domain.glob(f"{stage}-seed*-{split}")):
        rows = [row for row in _rows(folder) if "eval/correct" in row]
        if rows:
            seed = int(folder.name.split("-seed")[1].split("-")[0])
            yield Evaluation(seed, rows[-1]["eval/correct"], int(rows[-1]["eval/n_trajectories"]))


def _rows(folder: Path) -> list[Row]:
    file = folder / "metrics.jsonl"
    if not file.is_file():
        return []
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def _cell(evaluations: Sequence[Evaluation]) -> str:
    """Return the share solved with its interval, and the range over the seeds."""
    if not evaluations:
        return "not run"
    episodes = sum(one.episodes for one in evaluations)
    solved = round(sum(one.solved * one.episodes for one in evaluations))
    low, high = mean_interval([1.0] * solved + [0.0] * (episodes - solved))
    shares = [one.solved for one in evaluations]
    seeds = f"; seeds {min(shares):.0%} to {max(shares):.0%}" if len(shares) > 1 else ""
    return f"**{solved / episodes:.0%}** ({low:.0%} to {high:.0%}{seeds}; {solved} of {episodes})"


def _cost(domain: Path) -> str:
    """Return a sentence on the CPU time of a stage, training and evaluations apart."""
    parts = []
    for stage, label in STAGES.items():
        trained = _cpu_minutes(domain.glob(f"{stage}-seed?"))
        if trained:
            parts.append(f"{label} {statistics.mean(trained):.0f}")
    played = _cpu_minutes(domain.glob("*-seed*-*"))
    evaluation = f"; an evaluation {statistics.mean(played):.0f}" if played else ""
    return f"CPU minutes a seed (one thread): {', '.join(parts)}{evaluation}."


def _cpu_minutes(folders: Iterable[Path]) -> list[float]:
    """Return the CPU time of the runs that were finished."""
    files = [file for folder in folders if (file := folder / "cost.json").is_file()]
    return [json.loads(file.read_text(encoding="utf-8"))["cpu_seconds"] / 60 for file in files]


def _curves(domain: Path) -> bool:
    """Draw the rewards of training by batch, mean and range over the seeds; False without any."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "tau2"  # the same rows make the same file
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7.6, 3.8))
    drawn = False
    for stage in ("rl", "shuffled"):
        runs = [
            [row["train/final_reward"] for row in _rows(folder) if "train/final_reward" in row]
            for folder in sorted(domain.glob(f"{stage}-seed?"))
        ]
        columns = [list(column) for column in zip(*[run for run in runs if run], strict=False)]
        if not columns:
            continue
        drawn = True
        batches = range(1, len(columns) + 1)
        [line] = axes.plot(batches, [statistics.mean(one) for one in columns], label=STAGES[stage])
        axes.fill_between(
            batches,
            [min(one) for one in columns],
            [max(one) for one in columns],
            color=line.get_color(),
            alpha=0.15,
        )
    if drawn:
        axes.set(xlabel="batch", ylabel="mean reward of the batch", ylim=(0, 1))
        axes.legend(loc="lower right")
        target = PAGE.parent / "learning" / f"{domain.name}.svg"
        target.parent.mkdir(exist_ok=True)
        figure.savefig(target, metadata={"Date": None})
    plt.close(figure)
    return drawn


if __name__ == "__main__":
    sys.exit(main())
