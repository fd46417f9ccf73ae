"""Runs as two tables, simulations and messages: JSON lines, CSV or Parquet.

The columns of a simulation are those of `Results.to_df`, and a few more. Text that looks like a
credential is taken out; everything else is as it was stored.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from tau2.data_model.message import Message, MultiToolMessage, ToolMessage
from tau2.data_model.outline import Outline, Usage
from tau2.errors import needs_extra
from tau2.metrics.outcomes import outcome_of, run_passed
from tau2.report.cleaner import Cleaner
from tau2.report.parquet import GROUP, parquet_pieces
from tau2.runner.run_settings import without_secrets
from tau2.storage.files import write_pieces_atomically
from tau2.storage.results import Results
from tau2.storage.results_table import rows
from tau2.storage.stored_simulations import one_by_one
from tau2.utils.batches import batched
from tau2.utils.finite_json import without_constants
from tau2.utils.json_types import JsonValue

ExportFormat = Literal["jsonl", "csv", "parquet"]
Row = dict[str, Any]

SIMULATION_COLUMNS: Mapping[str, type] = {
    "run": str, "simulation_id": str, "task_id": str, "trial": int, "seed": int, "reward": float,
    "passed": bool, "outcome": str, "termination_reason": str, "duration": float,
    "num_messages": int,
    "agent_cost": float, "agent_model_calls": int, "agent_prompt_tokens": int,
    "agent_completion_tokens": int,
    "user_cost": float, "user_model_calls": int, "user_prompt_tokens": int,
    "user_completion_tokens": int,
    "reward_breakdown": str, "error": str,
    "info_git_commit": str, "info_seed": int, "info_num_trials": int, "info_max_steps": int,
    "info_max_errors": int, "info_domain": str,
    "info_user_implementation": str, "info_user_llm": str, "info_user_llm_args": str,
    "info_agent_implementation": str, "info_agent_llm": str, "info_agent_llm_args": str,
    "task_num_agent_actions": int, "task_num_user_actions": int, "task_num_actions": int,
    "task_num_env_assertions": int, "task_num_nl_assertions": int,
}  # fmt: skip
MESSAGE_COLUMNS: Mapping[str, type] = {
    "run": str, "simulation_id": str, "task_id": str, "trial": int, "index": int, "role": str,
    "requestor": str, "content": str, "reasoning": str, "tool_calls": str, "tool_call_id": str,
    "error": bool, "cost": float, "prompt_tokens": int, "completion_tokens": int,
    "generation_time_seconds": float, "timestamp": str,
}  # fmt: skip
TABLES: Mapping[str, Mapping[str, type]] = {
    "simulations": SIMULATION_COLUMNS,
    "messages": MESSAGE_COLUMNS,
}

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def export(
    runs: Sequence[tuple[str, Results]],
    folder: Path,
    form: ExportFormat,
    *,
    clean: Cleaner | None = None,
) -> dict[Path, int]:
    """Write `simulations` and `messages` into a folder and return file → number of rows.

    Args:
        runs: Each run's name, which is the column `run`, and its results.
        folder: Made when it is not there; files of these names in it are replaced.
        form: `jsonl`, `csv` or `parquet`.
        clean: What takes credentials out of texts.

    Raises:
        MissingExtra: Parquet without pyarrow.
    """
    redact = (clean or Cleaner()).redact
    makers = {"simulations": simulation_rows, "messages": message_rows}
    written = {}
    for name, columns in TABLES.items():
        table = _Rows(redacted(row, redact) for run in runs for row in makers[name](*run))
        pieces = _WRITERS[form](table, columns)
        file = folder / f"{name}.{form}"
        write_pieces_atomically(file, pieces)
        written[file] = table.number
    return written


class _Rows:
    """Rows that are made while they are written, and counted."""

    def __init__(self, rows: Iterator[Row]) -> None:
        self._rows = rows
        self.number = 0

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            self.number += 1
            yield row


def redacted(row: Row, redact: Callable[[str], str]) -> Row:
    """Return a row without credentials in its texts."""
    return {key: redact(value) if isinstance(value, str) else value for key, value in row.items()}


def simulation_rows(name: str, results: Results) -> Iterator[Row]:
    """Yield one row per simulation, with the columns of `SIMULATION_COLUMNS`."""
    outlines = results.outlines()
    for run, public in zip(outlines, rows(results.info, results.tasks, outlines), strict=True):
        row = {"run": name, **public, **_outcome(run)}
        for column in ("info_user_llm_args", "info_agent_llm_args"):
            if row[column] is not None:
                row[column] = _json(without_secrets(row[column]))
        yield {column: row.get(column) for column in SIMULATION_COLUMNS}


def _outcome(run: Outline) -> Row:
    error = (run.info or {}).get("error")
    return {
        "passed": run_passed(run) if run.is_scored else None,
        "outcome": outcome_of(run).value,
        "reward_breakdown": _json(dict(run.breakdown)) if run.breakdown else None,
        "error": None if error is None else str(error),
        **_used("agent", run.agent_usage),
        **_used("user", run.user_usage),
    }


def _used(role: str, usage: Usage | None) -> Row:
    names = ("model_calls", "prompt_tokens", "completion_tokens")
    return {f"{role}_{name}": getattr(usage, name, None) for name in names}


def message_rows(name: str, results: Results) -> Iterator[Row]:
    """Yield one row per message, with the columns of `MESSAGE_COLUMNS`."""
    for run in one_by_one(results.simulations):
        whose = {"run": name, "simulation_id": run.id, "task_id": run.task_id, "trial": run.trial}
        for index, message in enumerate(_single(run.get_messages())):
            row = {**whose, "index": index, **_message(message)}
            yield {column: row.get(column) for column in MESSAGE_COLUMNS}


def _single(messages: Iterable[Message]) -> Iterator[Any]:
    for message in messages:
        yield from message.tool_messages if isinstance(message, MultiToolMessage) else (message,)


def _message(message: Any) -> Row:
    row: Row = {
        "role": message.role,
        "content": message.content,
        "timestamp": getattr(message, "timestamp", None),
    }
    if isinstance(message, ToolMessage):
        return row | {
            "requestor": message.requestor,
            "tool_call_id": message.id,
            "error": message.error,
        }
    calls = getattr(message, "tool_calls", None)
    usage = getattr(message, "usage", None) or {}
    return row | {
        "reasoning": getattr(message, "reasoning_content", None),
        "tool_calls": _json([_call(call) for call in calls]) if calls else None,
        "cost": getattr(message, "cost", None),
        "prompt_tokens": usage.get("prompt_tokens"),
        "completion_tokens": usage.get("completion_tokens"),
        "generation_time_seconds": getattr(message, "generation_time_seconds", None),
    }


def _call(call: Any) -> Row:
    return {"id": call.id, "name": call.name, "arguments": call.arguments}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _utf8(text: str) -> bytes:
    """Return text as UTF-8; a lone surrogate, which UTF-8 cannot hold, becomes a question mark."""
    return text.encode("utf-8", "replace")


def as_jsonl(table: Iterable[Row], columns: Mapping[str, type]) -> bytes:
    """Return rows as JSON lines in UTF-8."""
    return b"".join(_jsonl_pieces(table, columns))


def _jsonl_pieces(table: Iterable[Row], columns: Mapping[str, type]) -> Iterator[bytes]:
    for row in table:
        yield f"{_json_line({column: row[column] for column in columns})}\n".encode()


def _json_line(value: JsonValue) -> str:
    """Return a value as one line of JSON; numbers that JSON does not have are null."""
    data = without_constants(value)
    text = _json(data)
    try:
        text.encode()
    except UnicodeEncodeError:  # halves of characters, which are escaped
        return json.dumps(data, default=str)
    return text


def _csv_pieces(table: Iterable[Row], columns: Mapping[str, type]) -> Iterator[bytes]:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in table:
        values = [row[column] for column in columns]
        # An apostrophe keeps spreadsheets from running text as a formula.
        writer.writerow(
            f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
            for value in values
        )
        yield _taken(text)
    yield _taken(text)


def _taken(text: io.StringIO) -> bytes:
    written = text.getvalue()
    text.seek(0)
    text.truncate()
    return _utf8(written)


def _parquet_pieces(table: Iterable[Row], columns: Mapping[str, type]) -> Iterator[bytes]:
    with needs_extra("parquet", "pyarrow"):
        import pyarrow as pa  # noqa: PLC0415  -- optional
        import pyarrow.parquet as pq  # noqa: PLC0415, F401  -- before a file is made
    kinds = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
    schema = pa.schema([(column, kinds[kind]) for column, kind in columns.items()])
    groups = (
        [[_typed(row[column], kind) for row in some] for column, kind in columns.items()]
        for some in batched(table, GROUP)
    )
    return parquet_pieces(
        (
            pa.Table.from_arrays(list(map(pa.array, group, schema.types)), schema=schema)
            for group in groups
        ),
        schema,
    )


def _typed(value: Any, kind: type) -> Any:
    if isinstance(value, str):
        return _utf8(value).decode() if kind is str else None
    return None if value is None else kind(value)


_WRITERS: Mapping[ExportFormat, Callable[[Iterable[Row], Mapping[str, type]], Iterator[bytes]]] = {
    "jsonl": _jsonl_pieces,
    "csv": _csv_pieces,
    "parquet": _parquet_pieces,
}
