"""Demonstrations from a file of `tau2 export sft`: conversations as steps to imitate."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from act_prm.llm_handlers.chat import Chat
from act_prm.replay_buffer import EpisodeStep
from act_prm.replay_buffer.steps import DEMONSTRATION
from tau2.errors import ConfigError, DataFileError, needs_extra
from tau2.utils.json_types import JsonMapping, JsonObject

logger = logging.getLogger(__name__)

_ROLES = frozenset({"system", "user", "assistant"})


class DemonstrationFile:
    """The conversations of a file, encoded by the chat template of the model that is trained.

    Args:
        file: JSON lines or Parquet, with `messages` and perhaps `task_id` in each row.
        chat: The template; its prompts are of the form `signatures`, as those of the file.
        limit: A conversation is cut before the reply with which it has more tokens.

    Raises:
        DataFileError: the file cannot be read, or a row is no conversation; names the row.
        ConfigError: prompts are of another form, or no reply fits.
    """

    def __init__(self, file: Path, chat: Chat, limit: int) -> None:
        if not chat.template.writes_plainly((), [_ANY_TOOL]):
            raise ConfigError(
                f"{file} has prompts of the form signatures, but online prompts are native; set "
                "prompt_form: signatures in the model's configuration "
                "(--override model.prompt_form=signatures)"
            )
        self._chat = chat
        self._limit = limit
        self._rows = [_checked(row, f"{file}: row {at}") for at, row in enumerate(_rows_of(file))]
        self._made: dict[int, list[EpisodeStep]] = {}
        if not self._rows:
            raise DataFileError(f"{file}: there are no conversations in it")
        if not any(self.steps([at], 0) for at in range(len(self))):
            raise ConfigError(f"{file}: no reply fits into {limit:,} tokens")

    def __len__(self) -> int:
        return len(self._rows)

    def steps(self, rows: Sequence[int], batch_id: int) -> list[EpisodeStep]:
        """Return the steps of the conversations with these numbers."""
        steps: list[EpisodeStep] = []
        for at in rows:
            if at not in self._made:
                self._made[at] = self._encoded(at)
            for step in self._made[at]:
                step.batch_id = batch_id
            steps += self._made[at]
        return steps

    def _encoded(self, number: int) -> list[EpisodeStep]:
        """Return the replies of one conversation that are imitated, each after all before it."""
        row = self._rows[number]
        turns: list[JsonObject] = row["messages"]
        steps: list[EpisodeStep] = []
        tokens: list[int] = []
        last = 0
        for at, turn in enumerate(turns):
            if turn["role"] != "assistant" or not any(one["role"] == "user" for one in turns[:at]):
                continue
            longer = self._chat.following(tokens, turns[last:at]) if tokens else None
            prompt = longer or self._chat.prompt(turns[:at])
            tokens = [*prompt, *self._chat.reply(turn["content"])]
            last = at
            if len(tokens) > self._limit:
                logger.warning("demonstration %d is cut at %d tokens", number, len(prompt))
                break
            if turn.get("weight") == 0:
                continue
            steps.append(
                EpisodeStep(
                    state=turns[:at],
                    action={"role": "assistant", "content": turn["content"]},
                    next_obs=[],
                    tools=[],
                    state_action_tokens=tokens,
                    state_len=len(prompt),
                    old_logprobs=[],
                    timestep=len(steps),
                    unique_data_sample_id=str(row.get("task_id", "")),
                    generation_id=number,
                    kind=DEMONSTRATION,
                )
            )
        return steps


_ANY_TOOL: JsonObject = {"type": "function", "function": {"name": "any", "parameters": {}}}


def _rows_of(file: Path) -> list[Any]:
    if file.suffix == ".parquet":
        with needs_extra("parquet", "pyarrow"):
            import pyarrow as pa  # noqa: PLC0415  -- optional
            import pyarrow.parquet as pq  # noqa: PLC0415  -- optional
        try:
            rows: list[Any] = pq.read_table(file, columns=["messages", "task_id"]).to_pylist()
        except (OSError, pa.ArrowException) as error:
            raise DataFileError(f"{file}: the demonstrations cannot be read: {error}") from error
        return rows
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines if line.strip()]
    except (OSError, ValueError, RecursionError) as error:
        raise DataFileError(f"{file}: the demonstrations cannot be read: {error}") from error


def _checked(row: Any, place: str) -> JsonMapping:
    turns = row.get("messages") if isinstance(row, dict) else None
    if not isinstance(turns, list) or not all(map(_is_turn, turns)):
        raise DataFileError(
            f"{place}: not a conversation of `tau2 export sft`: `messages` are turns with a role "
            "(system, user or assistant) and content"
        )
    return {**row, "messages": turns}


def _is_turn(turn: Any) -> bool:
    return (
        isinstance(turn, dict)
        and turn.get("role") in _ROLES
        and isinstance(turn.get("content"), str)
    )
