"""One turn of the model: its moves are made one after the other, and what they led to is written down."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from act_prm.environments.tau2bench_messages import (
    SENT,
    Move,
    assistant_message,
    moves_of,
    tool_message,
    user_message,
    with_ids,
)
from act_prm.environments.tau2bench_state import Tau2BenchState, Tau2BenchStepResult
from act_prm.environments.types import Message
from act_prm.llm_handlers.types import ActionFromLLM
from tau2.data_model.conventions import DONE_TOOL
from tau2.data_model.message import ToolMessage, UserMessage
from tau2.data_model.simulation import RewardInfo
from tau2.rollout import Rollout, Shaping, StepResult


class ModelTurn:
    """What the model's actions become in the episode of a state."""

    def __init__(
        self, state: Tau2BenchState, actions: Sequence[ActionFromLLM], tool_role: str
    ) -> None:
        self.state, self.rollout, self._role = state, state.live(), tool_role
        self.actions = with_ids(actions, state.timestep)
        self.moves = moves_of(self.actions)
        self.messages: list[Message] = []
        """What the model gets to see of it."""
        self.last = StepResult()
        self.shaping = 0.0
        self.over = self.cut_off = False
        self.grading_error: str | None = None
        self._at_the_limit: RewardInfo | None = None

    def begin(self, move: Move) -> StepResult | None:
        """Make a move and return None; or return what a move that cannot be made led to."""
        if move.problem is not None:
            return self.rollout.reject(move.problem, move.calls[0].text or "")
        self.rollout.submit(move.wire)
        return None

    def end(self, move: Move, turn: StepResult) -> bool:
        """Write down what a move led to; return whether the episode is over."""
        self.last, self.over = turn, turn.done
        self.shaping += turn.shaping
        if move.problem is not None:
            self._tell(tool_message(move.calls[0].call_id, f"Error: {move.problem}", self._role))
        elif move.tells and move.calls:
            self._tell(tool_message(move.calls[0].call_id, SENT, self._role))
        if turn.rejected is None:
            self._hear(move, turn)
        return self.over

    def _hear(self, move: Move, turn: StepResult) -> None:
        results = [message for message in turn.observation if isinstance(message, ToolMessage)]
        calls = [] if move.tells else move.calls
        if len(calls) > len(results):  # `done` ends the episode instead of being carried out
            calls = [call for call in calls if call.name != DONE_TOOL]
        for call, result in zip(calls, results, strict=False):
            self._tell(tool_message(call.call_id, result.content or "", self._role))
        for message in turn.observation:
            if isinstance(message, UserMessage) and not turn.done:
                self._tell(user_message(message.content or ""))

    def _tell(self, message: Message) -> None:
        self.messages.append(message)

    def cut(self, graded: RewardInfo | str, last_words: str, shaping: Shaping | None) -> None:
        """End the episode at the limit of turns; what it is worth so far is its reward, or why nobody can say."""
        self.over = self.cut_off = True
        if shaping is not None:  # the potential is 0 at every end
            self.shaping -= shaping.term(0.0, shaping.potential(self.rollout.orchestrator))
        if isinstance(graded, str):
            self.grading_error = graded
        else:
            self._at_the_limit = graded
        self._tell(user_message(last_words))

    @property
    def reward_info(self) -> RewardInfo | None:
        """How the end was graded."""
        return self._at_the_limit or self.last.reward_info

    @property
    def reward(self) -> float | None:
        """0.0 until the end, then the grade; None when the episode failed for no fault of the agent."""
        if self.grading_error is not None:
            return None
        return self._at_the_limit.reward if self._at_the_limit is not None else self.last.reward

    @property
    def truncated(self) -> bool:
        """Whether the episode was cut off: by a limit, a failure, or a model that said nothing."""
        silent = self.over and self.moves[-1].tells and not self.moves[-1].said
        return self.cut_off or self.last.truncated or silent

    def metadata(self) -> dict[str, Any]:
        """Return what is said of the new state."""
        facts = metadata_of(self.state.task_id, self.rollout, self.last)
        return facts | {
            "reward": self.reward,
            "correct": int((self.reward or 0.0) >= 1.0),
            "done": self.over,
            "truncated": self.truncated,
            "made_tool_call": any(action.is_call for action in self.actions),
            "infra_failed": facts["infra_failed"] or self.grading_error is not None,
            "error": facts["error"] or self.grading_error,
            "termination_reason": "max_turns" if self.cut_off else facts["termination_reason"],
            "shaping": self.shaping,
            "seed": self.state.metadata.get("seed"),
        }

    def result(
        self, model_response: Any, messages: Sequence[Message] | None
    ) -> Tau2BenchStepResult:
        """Return the new state and what the turn was worth; an episode that is over is let go of."""
        metadata = self.metadata()
        known = self.state.messages if messages is None else list(messages)
        said = [assistant_message(self.actions)] if messages is None else []
        info = {**self.state.tau2_info, "reward_info": self.reward_info, "run": self.rollout.run}
        state = self.state.model_copy(
            update={
                "prior_messages": [*known, *said],
                "new_messages": self.messages,
                "model_response": model_response,
                "timestep": self.state.timestep + 1,
                "metadata": metadata,
                "moves": len(self.rollout.steps),
                "tau2_info": info if self.over else self.state.tau2_info,
            }
        )
        if self.over:
            self.rollout.close()
        return step_result(state)


def step_result(state: Tau2BenchState) -> Tau2BenchStepResult:
    """Return where a state stands as the result of a step."""
    facts = state.metadata
    return Tau2BenchStepResult(
        state=state,
        reward=(facts["reward"] or 0.0) + facts["shaping"],
        done=facts["done"],
        truncated=facts["truncated"],
        info=facts,
    )


def metadata_of(task_id: str, rollout: Rollout, turn: StepResult) -> dict[str, Any]:
    """Return what can be said of an episode; plain data."""
    return {
        "correct": int((turn.reward or 0.0) >= 1.0),
        "total": 1,
        "task_id": task_id,
        "reward": turn.reward,
        "done": turn.done,
        "truncated": turn.truncated,
        "made_tool_call": False,
        "infra_failed": turn.infra_failed,
        "user_failed": turn.user_failed,
        "termination_reason": turn.reason.value if turn.reason is not None else None,
        "error": turn.error,
        "invalid_actions": rollout.invalid_actions,
        "shaping": 0.0,
    }
