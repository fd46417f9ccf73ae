"""Write the tasks of a seed: `python -m tau2.domains.banking_knowledge.factory --out DIR`."""

from __future__ import annotations

import json
from pathlib import Path

from tau2.domains.banking_knowledge.factory.shipped import build
from tau2.environment.domain import dump_tasks
from tau2.taskgen.cli import run_factory

DEFAULT_SEED = 20265  # the seed of the committed data


def write_data(seed: int, out: Path) -> None:
    """Write tasks.json and split_tasks.json of a seed to a folder."""
    shipped = build(seed)
    out.mkdir(parents=True, exist_ok=True)
    dump_tasks(shipped.tasks, out / "tasks.json")
    (out / "split_tasks.json").write_text(json.dumps(shipped.splits) + "\n", encoding="utf-8")


def main(arguments: list[str] | None = None) -> None:
    """Read the command line and write the files."""
    package = "tau2.domains.banking_knowledge.factory"
    run_factory(package, __doc__, DEFAULT_SEED, write_data, arguments)


if __name__ == "__main__":
    main()
