"""Write the telecom data of a seed: `python -m tau2.domains.telecom.factory --seed N --out DIR`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from tau2.domains.telecom.data_model import TelecomDB
from tau2.domains.telecom.factory.phone import phone_of_the_shop
from tau2.domains.telecom.factory.tasks import choose_splits
from tau2.domains.telecom.factory.world import build_world

DEFAULT_SEED = 20250  # the seed of the committed data


def write_data(seed: int, out: Path) -> None:
    """Write db.json, user_db.json and split_tasks.json of a seed to a folder; tasks are built from their ids."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "db.json").write_text(db_text(build_world(seed)), encoding="utf-8")
    phone_of_the_shop().dump(out / "user_db.json", exclude={"surroundings"})
    (out / "split_tasks.json").write_text(json.dumps(choose_splits(), indent=0) + "\n", encoding="utf-8")


def db_text(db: TelecomDB) -> str:
    """Return the database as JSON with one record per line: small, and changes can be read line by line."""
    tables = db.model_dump(mode="json", exclude_none=True)
    return "{\n" + ",\n".join(f"{json.dumps(name)}: {_table(records)}" for name, records in tables.items()) + "\n}\n"


def _table(records: list[object]) -> str:
    return "[\n" + ",\n".join(json.dumps(record, separators=(",", ":")) for record in records) + "\n]"


def main(arguments: list[str] | None = None) -> None:
    """Read the command line and write the files."""
    parser = argparse.ArgumentParser(prog="python -m tau2.domains.telecom.factory", description=__doc__)
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    write_data(options.seed, options.out)


if __name__ == "__main__":
    main()
