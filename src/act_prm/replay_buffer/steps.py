"""One step of a policy in tokens, with everything that training and the files of a run need."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields

from act_prm.llm_handlers.client import Datum
from tau2.errors import DataFileError
from tau2.utils.json_types import JsonMapping, JsonObject

Message = JsonObject

ONLINE, THOUGHT, POLICY, DEMONSTRATION = "online", "thought", "policy", "demonstration"
"""Kinds of steps: of an online episode; a thought; thought and action as the policy would write
them; of a demonstration.
"""

_NESTED = ("state", "action", "next_obs", "tools", "info")


@dataclass(slots=True)
class EpisodeStep:
    """One step of a policy.

    `state_action_tokens` are the token ids of the prompt followed by those of the reply, exactly as
    they were sampled. Raise ValueError when the reply has another number of log-probabilities.
    """

    state: list[Message]
    """The prompt as messages, with the system prompt."""
    action: Message
    """The reply as a message."""
    next_obs: list[Message]
    """The next observation."""
    tools: list[JsonObject]
    state_action_tokens: list[int]
    state_len: int
    """Tokens of the prompt."""
    old_logprobs: list[float]
    """Of the reply under the policy that sampled it, [reply tokens]; empty for demonstrations."""
    temperature: float = 1.0
    top_p: float = 1.0
    finished: bool = True
    """Whether an end of turn or a stop text ended the reply, not max_tokens."""
    reward: float = 0.0
    done: bool = False
    truncated: bool = False
    timestep: int = 0
    try_step: int = 0
    batch_id: int = 0
    unique_data_sample_id: str = ""
    """The task id."""
    generation_id: int = 0
    split: str = "train"
    kind: str = ONLINE
    return_: float = 0.0
    """The discounted sum of this and all later rewards."""
    advantage: float = 0.0
    """Set by the step's group."""
    info: JsonObject = field(default_factory=dict)

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
        """Return the datum of the policy gradient: reply tokens have the step's advantage."""
        before = [0.0] * self.state_len
        return Datum(
            tokens=self.state_action_tokens,
            weights=before + [1.0] * self.reply_len,
            advantages=before + [self.advantage] * self.reply_len,
            logprobs=before + self.old_logprobs,
            temperature=self.temperature,
            top_p=self.top_p,
        )

    def sft_datum(self) -> Datum:
        """Return the datum of supervised fine-tuning: the reply, without advantages."""
        return Datum(self.state_action_tokens, [0.0] * self.state_len + [1.0] * self.reply_len)

    def as_row(self) -> JsonObject:
        """Return every field as plain data."""
        return asdict(self)

    def as_flat_row(self) -> JsonObject:
        """Return every field with messages and tools as JSON texts.

        Tables with typed columns merge the arguments of different tools into one record type and
        fill the gaps with nulls; a model trained on that learns to write nulls.
        """
        row = self.as_row()
        return row | {name: json.dumps(row[name], sort_keys=True) for name in _NESTED}

    @classmethod
    def of_row(cls, row: JsonMapping) -> EpisodeStep:
        """Return the step of a row of either form. Raise DataFileError for any other row."""
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
