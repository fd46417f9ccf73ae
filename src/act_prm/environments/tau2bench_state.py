"""A live tau2 episode as a state: it belongs to the state alone, so any number of them live side by side."""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field

from act_prm.environments.types import EnvironmentState, EnvironmentStepResult
from tau2.rollout import Rollout


class Tau2BenchState(EnvironmentState):
    """Where an episode stands. The episode itself moves on with each step; `fork` keeps a place to come back to."""

    task_id: str
    rollout: Rollout | None = Field(default=None, exclude=True, repr=False)
    """The live episode; None for a state that was read from a file."""
    moves: int = Field(default=0, exclude=True, repr=False)
    """How many moves the episode had seen here: a state that was stepped already is told by it."""
    tau2_info: dict[str, Any] = Field(default_factory=dict, exclude=True, repr=False)
    """The task and, at the end, `reward_info` and `run` (the record of the episode)."""

    @property
    def done(self) -> bool:
        """Whether the episode is over."""
        return bool(self.metadata.get("done"))

    def fork(self, n: int = 1) -> list[Self]:
        """Return n states that stand here and go on independently. Raise RuntimeError when there is no way on."""
        return [self._over(child) for child in self.live().fork(n)]

    def live(self) -> Rollout:
        """Return the episode. Raise RuntimeError when this state was stepped, is over, or was read from a file."""
        if self.rollout is None:
            raise RuntimeError("this state has no live episode: reset the environment to begin one")
        if self.done:
            raise RuntimeError("the episode is over: reset the environment to begin another one")
        if len(self.rollout.steps) != self.moves or self.rollout.result is None:
            raise RuntimeError("this state has been stepped already: go on from the state that the step returned, "
                               "or fork a state before stepping it")  # fmt: skip
        return self.rollout

    def _over(self, rollout: Rollout) -> Self:
        own = {name: list(getattr(self, name)) for name in ("new_messages", "prior_messages")}
        return self.model_copy(update={**own, "metadata": dict(self.metadata), "rollout": rollout})


class Tau2BenchStepResult(EnvironmentStepResult):
    """What a step led to; `info` is the metadata of the new state."""

    state: Tau2BenchState

    @property
    def failed(self) -> bool:
        """Whether the episode failed for no fault of the agent: its reward of 0.0 means nothing; leave it out."""
        return bool(self.info.get("infra_failed") or self.info.get("user_failed"))
