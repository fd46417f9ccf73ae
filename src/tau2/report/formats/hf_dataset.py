"""Data sets in the layout of Hugging Face: a card, and JSON lines in `data/`.

A data set has two configurations, `simulations` and `messages`, whose columns are those of the
tables. Each is written in several files, a batch of simulations in each. The card lists the files
and declares the types, so that a column without a value in one file has its type all the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tau2.data_model.simulation import Info
from tau2.report.cleaner import Cleaner
from tau2.report.export import TABLES, as_jsonl, message_rows, redacted, simulation_rows
from tau2.report.formats.exported_run import ExportedRun, called_model
from tau2.storage.files import write_atomically
from tau2.storage.results import Results
from tau2.utils.batches import batched
from tau2.utils.text import plural

BATCH = 200
"""Simulations in one file, and in memory."""
_MAKERS = {"simulations": simulation_rows, "messages": message_rows}
_TYPES: Mapping[type, str] = {str: "string", int: "int64", float: "float64", bool: "bool"}
_MARKUP = str.maketrans(dict.fromkeys("|`<>[]\\\r\n", " "))
_CARD = """\
---
pretty_name: {title}
tags:
- tau2
- tool-use
configs:
{configs}
dataset_info:
{features}
---

# {heading}

Conversations between an AI agent, a simulated user and a company's tools, from {runs} of `tau2`.
A model that was trained on them can no longer be measured on the same tasks.

| run | domain | agent | its model | user | its model | trials |
|---|---|---|---|---|---|---|
{rows}

* `simulations`: a row for each conversation: task, reward, outcome, costs, and what the run was.
* `messages`: a row for each message: its place in the conversation, role, text and tool calls.

`run` and `simulation_id` connect them. Lists and objects are JSON in a text column. Text that looks
like a credential was taken out.
"""


def export_hf(runs: Sequence[ExportedRun], folder: Path, clean: Cleaner) -> dict[Path, int]:
    """Write `data/` and `README.md`; return each data file and its number of rows."""
    written: dict[str, dict[str, int]] = {table: {} for table in TABLES}
    models = {run.name: _Models() for run in runs}
    for number, (name, batch) in enumerate(_batches(runs)):
        models[name].add(batch)
        for table, columns in TABLES.items():
            rows = [redacted(row, clean.redact) for row in _MAKERS[table](name, batch)]
            file = f"data/{table}-{number:05}.jsonl"
            write_atomically(folder / file, as_jsonl(rows, columns))
            written[table][file] = len(rows)
    card = clean.redact(_card(runs, models, written, clean))
    write_atomically(folder / "README.md", card.encode("utf-8", "replace"))
    return {folder / file: rows for files in written.values() for file, rows in files.items()}


def _batches(runs: Sequence[ExportedRun]) -> Iterator[tuple[str, Results]]:
    """Yield the runs' names and some of their simulations at a time."""
    for run in runs:
        for batch in batched(run.simulations(), BATCH):
            yield run.name, run.about.model_copy(update={"simulations": batch})


class _Models:
    """The models that the agent and the user of a run called."""

    def __init__(self) -> None:
        self.agent: str | None = None
        self.user: str | None = None

    def add(self, batch: Results) -> None:
        """Note what a batch of simulations called."""
        info = batch.info
        for run in batch.simulations:
            self.agent = self.agent or called_model(info.agent_info.llm, run.agent_usage)
            self.user = self.user or called_model(info.user_info.llm, run.user_usage)


def _card(
    runs: Sequence[ExportedRun],
    models: Mapping[str, _Models],
    written: Mapping[str, Mapping[str, int]],
    clean: Cleaner,
) -> str:
    title = f"Conversations of {', '.join(clean(run.name) for run in runs)}"
    return _CARD.format(
        title=json.dumps(title, ensure_ascii=False),  # which is YAML too
        heading=_cell(title),
        runs=plural(len(runs), "run"),
        rows="\n".join(_run_row(run.name, run.about.info, models[run.name]) for run in runs),
        configs="\n".join(_config(table, list(files)) for table, files in written.items()),
        features="\n".join(_features(table) for table in written),
    )


def _run_row(name: str, info: Info, models: _Models) -> str:
    cells = (
        name,
        info.environment_info.domain_name,
        info.agent_info.implementation,
        models.agent or "none",
        info.user_info.implementation,
        models.user or "none",
        str(info.num_trials),
    )
    return f"| {' | '.join(map(_cell, cells))} |"


def _cell(text: str) -> str:
    """Return a text without what Markdown would take for more than text."""
    return text.translate(_MARKUP).strip()


def _config(table: str, files: Sequence[str]) -> str:
    lines = [f"- config_name: {table}", "  data_files:", "  - split: test", "    path:"]
    return "\n".join([*lines, *(f"    - {file}" for file in files)])


def _features(table: str) -> str:
    lines = [f"- config_name: {table}", "  features:"]
    for column, kind in TABLES[table].items():
        lines += [f"  - name: {column}", f"    dtype: {_TYPES[kind]}"]
    return "\n".join(lines)
