"""The base of environments: settings, tasks, their order, and hidden observations."""

from __future__ import annotations

import inspect
import random
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from act_prm.environments.types import EnvironmentState, EnvironmentStepResult, Message
from act_prm.llm_handlers.types import ActionFromLLM
from tau2.errors import ConfigError, nearest_name, needs_extra
from tau2.seeds import derive_seed
from tau2.utils.json_types import JsonMapping

TRUNCATION_MESSAGE = "The conversation is cut off here: the limit of {max_turns} turns is reached."


class Environment(ABC):
    """A source of episodes: `datasets` by split, `reset` to start an episode, `step` to act in it.

    Args:
        max_turns: Policy steps before an episode is truncated; None for no limit.
        num_tries: Trials of a task that was failed; trainers read it.
        tool_role: The role of tool results.
        truncation_message: The last message of a truncated episode; `{max_turns}` is filled in.
        split: The one of `datasets` that is played.
        seed: The seeds of all episodes are derived from it.
        data_seed: The order of tasks is derived from it; default: `seed`.
        verbose: For trainers.
        pretrained_model_config: Arguments of `AutoTokenizer.from_pretrained`, for `tokenizer`.
        hide_observations: Make `maybe_hide_observations` hide earlier observations.
        hidden_obs_content: The content of a hidden message.
        first_obs_to_show, last_obs_to_show: How many first and last messages are never hidden.

    Raises:
        ConfigError: a setting is unknown, or `max_turns` is less than 1.
    """

    run_url: str | None = None
    """The web page of the run; trainers set it."""
    run_cmd: str | None = None
    """The command that started the run; trainers set it."""

    def __init__(
        self,
        *,
        max_turns: int | None = None,
        num_tries: int = 1,
        tool_role: str = "tool",
        truncation_message: str = TRUNCATION_MESSAGE,
        split: str = "train",
        seed: int = 0,
        data_seed: int | None = None,
        verbose: bool = False,
        pretrained_model_config: JsonMapping | None = None,
        hide_observations: bool = False,
        hidden_obs_content: str = "...",
        first_obs_to_show: int = 1,
        last_obs_to_show: int = 0,
        **unknown: Any,
    ) -> None:
        refuse_unknown(type(self), unknown)
        if max_turns is not None and max_turns < 1:
            raise ConfigError(
                f"max_turns must be at least 1, not {max_turns}; use None for no limit"
            )
        self.max_turns = max_turns
        self.num_tries = num_tries
        self.tool_role = tool_role
        self.truncation_message = truncation_message
        self.split = split
        self.verbose = verbose
        self.seed = seed
        self.data_seed = seed if data_seed is None else data_seed
        self.pretrained_model_config = pretrained_model_config
        self.hide_observations = hide_observations
        self.hidden_obs_content = hidden_obs_content
        self.first_obs_to_show = first_obs_to_show
        self.last_obs_to_show = last_obs_to_show
        self.datasets: dict[str, list[Any]] = {}
        self._tokenizer: Any = None

    @property
    def tokenizer(self) -> Any:
        """The tokenizer of `pretrained_model_config`, loaded on first use; None without one."""
        if self._tokenizer is None and self.pretrained_model_config is not None:
            with needs_extra("train", "transformers"):
                from transformers import AutoTokenizer  # noqa: PLC0415  -- optional
            self._tokenizer = AutoTokenizer.from_pretrained(**self.pretrained_model_config)
        return self._tokenizer

    @tokenizer.setter
    def tokenizer(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer

    @property
    def dataset(self) -> list[Any]:
        """The tasks of the split. Raise ConfigError when there is no such split."""
        if self.split not in self.datasets:
            raise ConfigError(
                f"no split named {self.split!r}; there are {', '.join(self.datasets) or 'none'}"
            )
        return self.datasets[self.split]

    def __len__(self) -> int:
        return len(self.dataset)

    def __bool__(self) -> bool:
        """Return True: by its length alone, an environment without tasks would be false."""
        return True

    def adjust_sample_idx(self, sample_idx: int) -> int:
        """Return a number modulo the number of tasks. Raise ConfigError when the split is empty."""
        if not self.dataset:
            raise ConfigError(
                f"the split {self.split!r} has no tasks; increase its number of tasks"
            )
        return sample_idx % len(self.dataset)

    def shuffle(self, seed: int | None = None) -> None:
        """Shuffle the tasks of the split by a seed (default: `data_seed`)."""
        base = self.data_seed if seed is None else seed
        in_order = list(self.dataset)
        rng = random.Random(derive_seed(base, "shuffle", self.split))  # noqa: S311  -- no secret
        rng.shuffle(in_order)
        self.datasets[self.split] = in_order

    def maybe_hide_observations(
        self,
        messages: Sequence[Message],
        *,
        hide_observations: bool | None = None,
        hidden_obs_content: str | None = None,
        first_obs_to_show: int | None = None,
        last_obs_to_show: int | None = None,
    ) -> list[Message]:
        """Return the messages; if wanted, those of users and tools in the middle without content.

        Arguments default to the environment's settings. The given messages are not changed.
        """
        hide = self.hide_observations if hide_observations is None else hide_observations
        if not hide:
            return list(messages)
        content = self.hidden_obs_content if hidden_obs_content is None else hidden_obs_content
        first = self.first_obs_to_show if first_obs_to_show is None else first_obs_to_show
        last = self.last_obs_to_show if last_obs_to_show is None else last_obs_to_show
        hidden = range(first, len(messages) - last)
        return [
            self._hidden(message, content) if i in hidden else message
            for i, message in enumerate(messages)
        ]

    def _hidden(self, message: Message, content: str) -> Message:
        if message.get("role") not in {"user", "tool", self.tool_role}:
            return message
        return {**message, **{key: content for key in ("content", "output") if key in message}}

    @abstractmethod
    def reset(
        self, sample_idx: int = 0, generation_idx: int = 0, try_step: int = 0, batch_idx: int = 0
    ) -> EnvironmentState:
        """Start an episode and return its first state."""

    @abstractmethod
    def step(
        self,
        parsed_actions: Sequence[ActionFromLLM],
        model_response: Any,
        current_state: Any,
        current_messages: Sequence[Message] | None = None,
    ) -> EnvironmentStepResult:
        """Execute the actions of a policy step and return the result."""


@runtime_checkable
class AsyncTrainEnv(Protocol):
    """The methods that an environment for an event loop has besides."""

    async def reset_async(
        self, sample_idx: int = 0, generation_idx: int = 0, try_step: int = 0, batch_idx: int = 0
    ) -> EnvironmentState:
        """Do what `reset` does."""

    async def step_async(
        self, parsed_actions: Sequence[ActionFromLLM], model_response: Any, current_state: Any
    ) -> EnvironmentStepResult:
        """Do what `step` does."""


@runtime_checkable
class ForksStates(Protocol):
    """The method of an environment whose live states can be copied."""

    def fork(self, state: Any, n: int = 1) -> Sequence[EnvironmentState]:
        """Return n independent copies of a live state."""


def refuse_unknown(kind: type[Environment], given: JsonMapping) -> None:
    """Raise ConfigError for unknown settings of an environment, naming the nearest known ones."""
    if not given:
        return
    known = known_settings(kind)
    problems = []
    for name in given:
        near = nearest_name(name, known)
        hint = f" (did you mean {near!r}?)" if near is not None else ""
        problems.append(f"{name!r}{hint}")
    raise ConfigError(
        f"{kind.__name__} has no setting {', '.join(problems)}; known: {', '.join(known)}"
    )


def known_settings(kind: type[Environment]) -> list[str]:
    """Return the names of all settings of a class of environments."""
    signatures = [
        inspect.signature(one.__init__) for one in kind.__mro__ if issubclass(one, Environment)
    ]
    parameters = [
        parameter for signature in signatures for parameter in signature.parameters.values()
    ]
    named = {
        parameter.name
        for parameter in parameters
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD
    }
    return sorted(named - {"self"})
