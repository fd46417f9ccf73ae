"""SkyRL-gym: `TauTextEnv`, a text environment in which the agent's tool calls stand in `<tool_call>` tags.

`register()` makes `skyrl_gym.make("tau2", extras={"domain": "retail", "task_id": ..., "seed": ...})` work; a row of a
SkyRL dataset has these extras beside its prompt.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from tau2.data_model.message import Message
from tau2.errors import ConfigError
from tau2.integrations.episode import Episode, Outcome
from tau2.integrations.packages import needs_package
from tau2.integrations.reply import UnreadableReply, as_reply, read_reply, tools_as_text
from tau2.integrations.toolbox import task_ids
from tau2.rollout import Turn

with needs_package("skyrl_gym", "skyrl-gym>=0.4"):
    import skyrl_gym
    from skyrl_gym.envs.base_text_env import BaseTextEnv, BaseTextEnvStepOutput

ENV_ID = "tau2"
PLACEHOLDER = "The environment writes the conversation."
"""The prompt of a dataset row, which SkyRL wants; `init` replaces it."""

_ROW = ("domain", "task_id", "seed", "max_turns")
_OWN = ("tool_role", "on_failure", *_ROW)


class TauTextEnv(BaseTextEnv):  # type: ignore[misc]  # the package is optional
    """One episode, played in text.

    Args:
        env_config: Options of every episode: fields of `Cast`, `evaluation_type`, `domain`, and
            `tool_role`: the role of tool results, for chat templates without "tool";
            `on_failure`: "mark" ends a failed episode with reward 0.0 and flags in metadata and metrics, since
            SkyRL cannot leave out a trajectory; "raise" raises EpisodeFailed, which ends the training step.
        extras: The dataset row: `domain`, `task_id`, `seed`, `max_turns`.
    """

    def __init__(
        self, env_config: Mapping[str, Any] | None = None, extras: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__()
        given, row = dict(env_config or {}), dict(extras or {})
        settings = {**given, **{name: row[name] for name in _ROW if row.get(name) is not None}}
        if "domain" not in settings or "task_id" not in settings:
            raise ConfigError("an episode needs `domain` and `task_id` in the dataset row (extras)")
        self.task_id, self.seed = str(settings["task_id"]), settings.get("seed")
        self.max_turns = settings.get("max_turns")
        self.tool_role: str = settings.get("tool_role", "tool")
        self.on_failure: Literal["mark", "raise"] = settings.get("on_failure", "mark")
        options = {name: value for name, value in settings.items() if name not in _OWN}
        self.episode = Episode(str(settings["domain"]), **options)
        self.outcome: Outcome | None = None

    def init(self, prompt: list[dict[str, str]]) -> tuple[list[dict[str, str]], dict[str, Any]]:
        """Start the episode; return the conversation so far (after the prompt's own system message) and its id."""
        self.turns, self.outcome = 0, None
        self.episode.reset(self.task_id, self.seed)
        rollout = self.episode.rollout
        own = [message["content"] for message in prompt or () if message.get("role") == "system"]
        system = "\n\n".join([*own, rollout.system_prompt, tools_as_text(rollout.openai_tools)])
        opening = [self._as_text(message) for message in rollout.messages]
        return [{"role": "system", "content": system}, *opening], {"task_id": self.task_id}

    def step(self, action: str) -> BaseTextEnvStepOutput:
        """Make the agent's move; the reward comes with the last one. Raise RuntimeError before `init`."""
        self.turns += 1
        if self.outcome is not None:
            return self._output([], done=True)
        turn = self.episode.rollout.turn
        return (
            self._stepped(turn, [])
            if turn is not None and turn.done
            else self._stepped(*self._moved(action))
        )

    def _moved(self, action: str) -> tuple[Turn, list[dict[str, str]]]:
        rollout = self.episode.rollout
        try:
            turn = rollout.step(read_reply(action))
        except UnreadableReply as problem:
            return rollout.reject(str(problem), action), [
                {"role": self.tool_role, "content": f"Error: {problem}"}
            ]
        return turn, [self._as_text(message) for message in turn.heard]

    def _stepped(self, turn: Turn, heard: list[dict[str, str]]) -> BaseTextEnvStepOutput:
        out_of_turns = self.max_turns is not None and self.turns >= int(self.max_turns)
        if not turn.done and not out_of_turns:
            return self._output(heard, done=False, shaping=turn.shaping)
        self.outcome = self.episode.finish()
        reward = self.outcome.graded() if self.on_failure == "raise" else self.outcome.reward or 0.0
        closing = 0.0 if turn.done else self.episode.shaping
        return self._output([], done=True, reward=reward, shaping=turn.shaping + closing)

    def _output(
        self, heard: list[dict[str, str]], *, done: bool, reward: float = 0.0, shaping: float = 0.0
    ) -> BaseTextEnvStepOutput:
        metadata = {"task_id": self.task_id, **(self._ending() if self.outcome is not None else {})}
        return BaseTextEnvStepOutput(
            observations=heard, reward=reward + shaping, done=done, metadata=metadata
        )

    def _ending(self) -> dict[str, Any]:
        outcome = self.outcome
        assert outcome is not None
        return {
            "reason": outcome.reason,
            "error": outcome.error,
            "db_hash": outcome.db_hash,
            **outcome.flags(),
        }

    def _as_text(self, message: Message) -> dict[str, str]:
        role = self.tool_role if message.role == "tool" else message.role
        return {"role": role, "content": as_reply(message)}

    def get_metrics(self) -> dict[str, Any]:
        """Return numbers of the episode: turns, unreadable replies, and how it ended."""
        flags = self.outcome.flags() if self.outcome is not None else {}
        return {"turns": self.turns, "unreadable": self.episode.rollout.invalid_actions, **flags}

    def close(self) -> None:
        """End the episode, wherever it stands."""
        self.episode.close()


def register(env_id: str = ENV_ID) -> None:
    """Make `skyrl_gym.make` know the environment; once is enough, again does no harm."""
    if env_id not in skyrl_gym.registry:
        skyrl_gym.register(id=env_id, entry_point=f"{__name__}:TauTextEnv")


def rows(
    domain: str, split: str | None = None, *, count: int | None = None, seed: int | None = None
) -> list[dict[str, Any]]:
    """Return one row per task for a SkyRL dataset: prompt (a placeholder), env_class and the extras."""
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
