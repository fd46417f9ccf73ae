"""One turn of a policy, token by token, with all that training and a reader of the files may ask about it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from act_prm.llm_handlers.client import Datum
from tau2.errors import DataFileError

Message = dict[str, Any]

ONLINE, THOUGHT, POLICY, DEMONSTRATION = "online", "thought", "policy", "demonstration"
"""Kinds of steps: played; an action explained; the thought and its action as the policy says them; shown."""

_NESTED = ("state", "action", "next_obs", "tools", "info")


@dataclass(slots=True)
class EpisodeStep:
    """One turn. `state_action_tokens` are the prompt's ids followed by the reply's, as they were sampled.

    Raise ValueError when the reply has another number of tokens than of log-probabilities.
    """

    state: list[Message]
    """The conversation the model was shown, system prompt included."""
    action: Message
    """The reply as a message."""
    next_obs: list[Message]
    """What it led to."""
    tools: list[dict[str, Any]]
    state_action_tokens: list[int]
    state_len: int
    """Tokens of the prompt."""
    old_logprobs: list[float]
    """Of the reply's tokens under the policy that sampled it; empty where nothing was sampled (demonstrations)."""
    temperature: float = 1.0
    reward: float = 0.0
    done: bool = False
    truncated: bool = False
    timestep: int = 0
    try_step: int = 0
    batch_id: int = 0
    unique_data_sample_id: str = ""
    """The task."""
    generation_id: int = 0
    split: str = "train"
    kind: str = ONLINE
    return_: float = 0.0
    """Discounted sum of the rewards from here on."""
    advantage: float = 0.0
    """Set by the step's group."""
    info: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.old_logprobs and len(self.old_logprobs) != self.reply_len:
            raise ValueError(
                f"{len(self.old_logprobs)} log-probabilities for {self.reply_len} tokens"
            )

    @property
    def reply_len(self) -> int:
        """Tokens of the reply."""
        return len(self.state_action_tokens) - self.state_len

    def datum(self) -> Datum:
        """Return the step as a sequence for the policy gradient: the reply in the loss, at the step's advantage."""
        before = [0.0] * self.state_len
        return Datum(
            tokens=self.state_action_tokens,
            weights=before + [1.0] * self.reply_len,
            advantages=before + [self.advantage] * self.reply_len,
            logprobs=before + self.old_logprobs,
        )

    def lesson(self) -> Datum:
        """Return the step as a sequence to imitate."""
        return Datum(self.state_action_tokens, [0.0] * self.state_len + [1.0] * self.reply_len)

    def as_row(self) -> dict[str, Any]:
        """Return every field, as JSON knows it."""
        return asdict(self)

    def as_flat_row(self) -> dict[str, Any]:
        """Return every field with messages and tools as JSON texts.

        Tables with typed columns merge the arguments of different tools into one record and fill the gaps with
        nulls; a model trained on those learns to write nulls. A text stays what it was.
        """
        row = self.as_row()
        return row | {
            name: json.dumps(row[name], ensure_ascii=False, sort_keys=True) for name in _NESTED
        }

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> EpisodeStep:
        """Return the step of a row of either form. Raise DataFileError for what is no step."""
        known = {one.name for one in fields(cls)}
        try:
            values = {
                name: json.loads(value) if name in _NESTED and isinstance(value, str) else value
                for name, value in row.items()
                if name in known
            }
            return cls(**values)
        except (TypeError, ValueError, AttributeError) as error:
            raise DataFileError(f"not a step of an episode: {error}") from error
