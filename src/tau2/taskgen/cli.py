"""Writing generated data: the files of a domain's folder, and the command line of a factory."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tau2.data_model.tasks import Task
from tau2.environment.db import DB
from tau2.environment.domain import Splits, dump_tasks
from tau2.taskgen.tasks import ShippedTasks


def db_text(db: DB) -> str:
    """Return a database as JSON with one record per line, so that diffs can be read."""
    tables = db.model_dump(mode="json", exclude_none=True).items()
    return (
        "{\n"
        + ",\n".join(f"{json.dumps(name)}: {_table(records)}" for name, records in tables)
        + "\n}\n"
    )


def _table(records: Any) -> str:
    if isinstance(records, list):
        return "[\n" + ",\n".join(_record(record) for record in records) + "\n]"
    return (
        "{\n"
        + ",\n".join(f"{json.dumps(key)}:{_record(record)}" for key, record in records.items())
        + "\n}"
    )


def _record(record: object) -> str:
    return json.dumps(record, separators=(",", ":"))


def write_world(out: Path, db: DB, shipped: ShippedTasks) -> None:
    """Write db.json, tasks.json and split_tasks.json to a folder."""
    write_files(out, db, shipped.tasks, shipped.splits)


def write_files(out: Path, db: DB, tasks: Sequence[Task], splits: Splits) -> None:
    """Write db.json, tasks.json and split_tasks.json to a folder."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "db.json").write_text(db_text(db), encoding="utf-8")
    dump_tasks(tasks, out / "tasks.json")
    (out / "split_tasks.json").write_text(json.dumps(splits) + "\n", encoding="utf-8")


def run_factory(
    package: str,
    description: str | None,
    default_seed: int,
    write: Callable[[int, Path], None],
    arguments: list[str] | None,
) -> None:
    """Read `--seed` and `--out` and write the files of a domain."""
    parser = argparse.ArgumentParser(prog=f"python -m {package}", description=description)
    parser.add_argument(
        "--seed",
        type=int,
        default=default_seed,
        help=f"default: {default_seed}, the seed of the committed files",
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder the files are written to"
    )
    options = parser.parse_args(arguments)
    write(options.seed, options.out)
