"""SkyRL-gym: `TauTextEnv`, a text environment with the agent's tool calls in `<tool_call>` tags.

After `register()`, use `skyrl_gym.make("tau2", extras={"domain": "retail", "task_id": ...})`; a row
of a SkyRL dataset has these extras beside its prompt.
"""

from __future__ import annotations

from typing import Literal

from tau2.data_model.message import Message
from tau2.errors import ConfigError
from tau2.integrations.episode import Episode, EpisodeOutcome
from tau2.integrations.packages import needs_package
from tau2.integrations.reply import UnreadableReply, as_reply, read_reply, tools_as_text
from tau2.integrations.toolbox import task_ids
from tau2.rollout import StepResult
from tau2.utils.json_types import JsonMapping, JsonObject

with needs_package("skyrl_gym", "skyrl-gym>=0.4"):
    import skyrl_gym
    from skyrl_gym.envs.base_text_env import BaseTextEnv, BaseTextEnvStepOutput

ENV_ID = "tau2"
PLACEHOLDER = "The environment writes the conversation."
"""The prompt of a dataset row, which SkyRL requires; `init` replaces it."""

_ROW = ("domain", "task_id", "seed", "max_turns")
_OWN = ("tool_role", "on_failure", *_ROW)


class TauTextEnv(BaseTextEnv):  # type: ignore[misc]  # the package is optional
    """One episode as text.

    Args:
        env_config: Options of every episode: fields of `RolloutSetup`, `evaluation_type`, `domain`,
            and `tool_role`: the role of tool results, for chat templates without "tool";
            `on_failure`: "mark" ends a failed episode with reward 0.0 and flags in metadata and
            metrics, since SkyRL cannot leave out a trajectory; "raise" raises EpisodeFailed, which
            ends the training step.
        extras: The dataset row: `domain`, `task_id`, `seed`, `max_turns`.
    """

    def __init__(
        self, env_config: JsonMapping | None = None, extras: JsonMapping | None = None
    ) -> None:
        super().__init__()
        row = {name: value for name in _ROW if (value := (extras or {}).get(name)) is not None}
        settings = {**(env_config or {}), **row}
        if "domain" not in settings or "task_id" not in settings:
            raise ConfigError("an episode needs `domain` and `task_id` in the dataset row (extras)")
        self.task_id = str(settings["task_id"])
        self.seed: int | None = settings.get("seed")
        self.max_turns = settings.get("max_turns")
        self.tool_role: str = settings.get("tool_role", "tool")
        self.on_failure: Literal["mark", "raise"] = settings.get("on_failure", "mark")
        options = {name: value for name, value in settings.items() if name not in _OWN}
        self.episode = Episode(str(settings["domain"]), **options)
        self.outcome: EpisodeOutcome | None = None

    def init(self, prompt: list[dict[str, str]]) -> tuple[list[dict[str, str]], JsonObject]:
        """Start the episode; return the conversation so far and the task's id.

        A system message of `prompt` stands before this package's own.
        """
        self.turns = 0
        self.outcome = None
        self.episode.reset(self.task_id, self.seed)
        rollout = self.episode.rollout
        own = [message["content"] for message in prompt or () if message.get("role") == "system"]
        system = "\n\n".join([*own, rollout.system_prompt, tools_as_text(rollout.openai_tools)])
        opening = [self._as_text(message) for message in rollout.messages]
        return [{"role": "system", "content": system}, *opening], {"task_id": self.task_id}

    def step(self, action: str) -> BaseTextEnvStepOutput:
        """Act; the last step returns the reward. Raise RuntimeError before `init`."""
        self.turns += 1
        if self.outcome is not None:
            return self._output([], done=True)
        result = self.episode.rollout.result
        observations: list[dict[str, str]] = []
        # An episode that ended during `init` is graded here, whatever the action is.
        if result is None or not result.done:
            result, observations = self._act(action)
        out_of_turns = self.max_turns is not None and self.turns >= int(self.max_turns)
        if not result.done and not out_of_turns:
            return self._output(observations, done=False, reward=result.shaping)
        self.outcome = self.episode.finish()
        reward = self.outcome.reward or 0.0
        if self.on_failure == "raise":
            reward = self.outcome.graded()
        # `finish` makes one more step where the episode was not over, with a shaping term of its
        # own.
        closing = 0.0 if result.done else self.episode.shaping
        return self._output([], done=True, reward=reward + result.shaping + closing)

    def _act(self, action: str) -> tuple[StepResult, list[dict[str, str]]]:
        rollout = self.episode.rollout
        try:
            result = rollout.step(read_reply(action))
        except UnreadableReply as problem:
            error = {"role": self.tool_role, "content": f"Error: {problem}"}
            return rollout.reject(str(problem), action), [error]
        return result, [self._as_text(message) for message in result.observation]

    def _output(
        self, observations: list[dict[str, str]], *, done: bool, reward: float = 0.0
    ) -> BaseTextEnvStepOutput:
        metadata: JsonObject = {"task_id": self.task_id}
        if self.outcome is not None:
            metadata |= {
                "reason": self.outcome.reason,
                "error": self.outcome.error,
                "db_hash": self.outcome.db_hash,
                **self.outcome.flags(),
            }
        return BaseTextEnvStepOutput(
            observations=observations, reward=reward, done=done, metadata=metadata
        )

    def _as_text(self, message: Message) -> dict[str, str]:
        role = self.tool_role if message.role == "tool" else message.role
        return {"role": role, "content": as_reply(message)}

    def get_metrics(self) -> JsonObject:
        """Return the numbers of turns and of unreadable replies, and how the episode ended."""
        flags = self.outcome.flags() if self.outcome is not None else {}
        return {"turns": self.turns, "unreadable": self.episode.rollout.invalid_actions, **flags}

    def close(self) -> None:
        """End the episode at once."""
        self.episode.close()


def register(env_id: str = ENV_ID) -> None:
    """Register the environment with `skyrl_gym.make`; calling it again changes nothing."""
    if env_id not in skyrl_gym.registry:
        skyrl_gym.register(id=env_id, entry_point=f"{__name__}:TauTextEnv")


def rows(
    domain: str, split: str | None = None, *, count: int | None = None, seed: int | None = None
) -> list[JsonObject]:
    """Return one SkyRL dataset row per task: a placeholder prompt, env_class and the extras."""
    return [
        {
            "prompt": [{"role": "user", "content": PLACEHOLDER}],
            "env_class": ENV_ID,
            "domain": domain,
            "task_id": task_id,
            "seed": seed,
        }
        for task_id in task_ids(domain, split, count)
    ]


__all__ = ["ENV_ID", "TauTextEnv", "register", "rows"]
