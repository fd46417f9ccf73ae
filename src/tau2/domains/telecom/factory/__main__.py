"""Write the telecom data of a seed: `python -m tau2.domains.telecom.factory --seed N --out DIR`."""

from __future__ import annotations

import json
from pathlib import Path

from tau2.domains.telecom.factory.phone import phone_of_the_shop
from tau2.domains.telecom.factory.shipped import choose_splits
from tau2.domains.telecom.factory.world import build_world
from tau2.taskgen.cli import db_text, run_factory

DEFAULT_SEED = 20250  # the seed of the committed data


def write_data(seed: int, out: Path) -> None:
    """Write db.json, user_db.json and split_tasks.json of a seed to a folder."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "db.json").write_text(db_text(build_world(seed)), encoding="utf-8")
    phone_of_the_shop().dump(out / "user_db.json", exclude={"surroundings"})
    (out / "split_tasks.json").write_text(
        json.dumps(choose_splits(), indent=0) + "\n", encoding="utf-8"
    )


def main(arguments: list[str] | None = None) -> None:
    """Read the command line and write the files."""
    run_factory("tau2.domains.telecom.factory", __doc__, DEFAULT_SEED, write_data, arguments)


if __name__ == "__main__":
    main()
