"""Write the intake data of a seed: `python -m tau2.domains.intake.factory --seed N --out DIR`."""

from __future__ import annotations

from pathlib import Path

from tau2.domains.intake.data_model import IntakeUserDB
from tau2.domains.intake.factory.shipped import build
from tau2.taskgen.cli import db_text, run_factory, write_files

DEFAULT_SEED = 20264  # the seed of the committed data


def write_data(seed: int, out: Path) -> None:
    """Write db.json, user_db.json, tasks.json and split_tasks.json of a seed to a folder."""
    write_files(out, *build(seed))
    (out / "user_db.json").write_text(db_text(IntakeUserDB()), encoding="utf-8")


def main(arguments: list[str] | None = None) -> None:
    """Read the command line and write the files."""
    run_factory("tau2.domains.intake.factory", __doc__, DEFAULT_SEED, write_data, arguments)


if __name__ == "__main__":
    main()
