"""Write the airline's data of a seed: `python -m tau2.domains.airline.factory --seed N --out DIR`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from tau2.domains.airline.data_model import FlightDB
from tau2.domains.airline.factory.tasks import ship_tasks
from tau2.domains.airline.factory.world import Scale, build_world
from tau2.environment.domain import dump_tasks

DEFAULT_SEED = 20251  # the seed of the committed data


def write_data(seed: int, out: Path, scale: Scale | None = None) -> None:
    """Write db.json, tasks.json and split_tasks.json of a seed to a folder."""
    scale = scale or Scale()
    world = build_world(seed, scale)
    tasks, splits = ship_tasks(seed, world, scale.tasks)
    out.mkdir(parents=True, exist_ok=True)
    (out / "db.json").write_text(db_text(world), encoding="utf-8")
    dump_tasks(tasks, out / "tasks.json")
    (out / "split_tasks.json").write_text(json.dumps(splits) + "\n", encoding="utf-8")


def db_text(db: FlightDB) -> str:
    """Return the database as JSON with one record per line: small, and changes can be read line by line."""
    tables = (f"{json.dumps(name)}: {_table(records)}" for name, records in db.model_dump(exclude_none=True).items())
    return "{\n" + ",\n".join(tables) + "\n}\n"


def _table(records: dict[str, object]) -> str:
    lines = (f"{json.dumps(key)}:{json.dumps(record, separators=(',', ':'))}" for key, record in records.items())
    return "{\n" + ",\n".join(lines) + "\n}"


def main(arguments: list[str] | None = None) -> None:
    """Read the command line and write the files."""
    parser = argparse.ArgumentParser(prog="python -m tau2.domains.airline.factory", description=__doc__)
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    write_data(options.seed, options.out)


if __name__ == "__main__":
    main()
