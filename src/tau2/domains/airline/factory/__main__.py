"""Write the airline data of a seed: `python -m tau2.domains.airline.factory --seed N --out DIR`."""

from __future__ import annotations

from pathlib import Path

from tau2.domains.airline.factory.shipped import build_tasks
from tau2.domains.airline.factory.world import AirlineScale, build_world
from tau2.taskgen.cli import run_factory, write_world

DEFAULT_SEED = 20251  # the seed of the committed data


def write_data(seed: int, out: Path, scale: AirlineScale | None = None) -> None:
    """Write db.json, tasks.json and split_tasks.json of a seed to a folder."""
    scale = scale or AirlineScale()
    world = build_world(seed, scale)
    write_world(out, world, build_tasks(seed, world, scale.tasks))


def main(arguments: list[str] | None = None) -> None:
    """Read the command line and write the files."""
    run_factory(
        "tau2.domains.airline.factory",
        __doc__,
        DEFAULT_SEED,
        lambda seed, out: write_data(seed, out),
        arguments,
    )


if __name__ == "__main__":
    main()
