"""The state of a tau2 episode. It holds the live episode, so any number may exist side by side."""

from __future__ import annotations

from typing import Self

from pydantic import Field

from act_prm.environments.types import EnvironmentState, EnvironmentStepResult
from tau2.rollout import Rollout


class Tau2BenchState(EnvironmentState):
    """The state of an episode before a policy step.

    A step advances the episode itself, so a state can be stepped once; `fork` it to step it again.
    """

    task_id: str
    rollout: Rollout | None = Field(default=None, exclude=True, repr=False)
    """The live episode; None for a state that was read from a file."""
    steps_before: int = Field(default=0, exclude=True, repr=False)
    """Steps of the rollout that led here; a rollout with more of them has left this state."""
    tau2_info: dict[str, object] = Field(default_factory=dict, exclude=True, repr=False)
    """The task and, at the end, `reward_info` and `run` (the record of the episode)."""

    @property
    def done(self) -> bool:
        """Whether the episode is over."""
        return bool(self.metadata.get("done"))

    def fork(self, n: int = 1) -> list[Self]:
        """Return n independent copies. Raise RuntimeError for a state that cannot be stepped."""
        return [self._with_rollout(child) for child in self.live().fork(n)]

    def live(self) -> Rollout:
        """Return the episode.

        Raise RuntimeError when this state was stepped, is over, or was read from a file.
        """
        if self.rollout is None:
            raise RuntimeError("this state has no live episode: reset the environment to begin one")
        if self.done:
            raise RuntimeError("the episode is over: reset the environment to begin another one")
        if len(self.rollout.steps) != self.steps_before or self.rollout.result is None:
            raise RuntimeError(
                "this state has been stepped already: step the state that the step returned, "
                "or fork a state before stepping it"
            )
        return self.rollout

    def _with_rollout(self, rollout: Rollout) -> Self:
        return self.model_copy(
            update={
                "new_messages": list(self.new_messages),
                "prior_messages": list(self.prior_messages),
                "metadata": dict(self.metadata),
                "rollout": rollout,
            }
        )


class Tau2BenchStepResult(EnvironmentStepResult):
    """The result of a step; `info` is the metadata of the new state."""

    state: Tau2BenchState

    @property
    def failed(self) -> bool:
        """Whether the infrastructure or the user failed: the reward of 0.0 says nothing."""
        return bool(self.info.get("infra_failed") or self.info.get("user_failed"))
