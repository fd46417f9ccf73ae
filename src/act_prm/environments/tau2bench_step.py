"""One step of a policy in a tau2 episode: its actions are executed, and the new state is built."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from act_prm.environments.tau2bench_messages import (
    SENT,
    AgentMessage,
    agent_messages_of,
    assistant_message,
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
from tau2.utils.json_types import JsonObject


class StepExecution:
    """Executes the actions of one policy step, message by message, in the episode of a state.

    The environment sends each of `agent_messages` with `begin`, plays on, and calls `end`.
    """

    def __init__(
        self, state: Tau2BenchState, actions: Sequence[ActionFromLLM], tool_role: str
    ) -> None:
        self.state = state
        self.rollout = state.live()
        self.actions = with_ids(actions, state.timestep)
        self.agent_messages = agent_messages_of(self.actions)
        self.new_messages: list[Message] = []
        """What the policy observes."""
        self.last = StepResult()
        self.shaping = 0.0
        self.over = False
        self.cut_off = False
        """Whether the limit of turns ended the episode."""
        self.grading_error: str | None = None
        self._grade_at_cut_off: RewardInfo | None = None
        self._tool_role = tool_role

    def begin(self, message: AgentMessage) -> StepResult | None:
        """Submit a message and return None; return the result of one that was rejected."""
        if message.problem is not None:
            return self.rollout.reject(message.problem, message.calls[0].text or "")
        self.rollout.submit(message.as_openai)
        return None

    def end(self, message: AgentMessage, result: StepResult) -> bool:
        """Record the result of a message; return whether the episode is over."""
        self.last = result
        self.over = result.done
        self.shaping += result.shaping
        output = SENT if message.problem is None else f"Error: {message.problem}"
        if message.problem is not None or (message.to_user and message.calls):
            self._observe_output(message.calls[0], output)
        if result.rejected is None:
            self._observe(message, result)
        return self.over

    def _observe(self, message: AgentMessage, result: StepResult) -> None:
        outputs = [one for one in result.observation if isinstance(one, ToolMessage)]
        calls = [] if message.to_user else message.calls
        # `done` ends the episode and has no output.
        if len(calls) > len(outputs):
            calls = [call for call in calls if call.name != DONE_TOOL]
        for call, output in zip(calls, outputs, strict=False):
            self._observe_output(call, output.content or "")
        if not result.done:
            self.new_messages += [
                user_message(one.content or "")
                for one in result.observation
                if isinstance(one, UserMessage)
            ]

    def _observe_output(self, call: ActionFromLLM, output: str) -> None:
        self.new_messages.append(tool_message(call.call_id, output, self._tool_role))

    def cut(self, graded: RewardInfo | str, text: str, shaping: Shaping | None) -> None:
        """End the episode at the limit of turns.

        `graded` is the grade of the episode as it is, or why it could not be graded; `text` is the
        last message that the policy observes.
        """
        self.over = True
        self.cut_off = True
        # The potential of every end is 0, so the potential that was paid for is taken back.
        if shaping is not None:
            self.shaping -= shaping.term(0.0, shaping.potential(self.rollout.orchestrator))
        if isinstance(graded, str):
            self.grading_error = graded
        else:
            self._grade_at_cut_off = graded
        self.new_messages.append(user_message(text))

    @property
    def reward_info(self) -> RewardInfo | None:
        """How the episode was graded."""
        return self._grade_at_cut_off or self.last.reward_info

    @property
    def reward(self) -> float | None:
        """0.0 until the end, then the grade; None when there is none (see StepResult.reward)."""
        if self.grading_error is not None:
            return None
        return self._grade_at_cut_off.reward if self._grade_at_cut_off else self.last.reward

    @property
    def truncated(self) -> bool:
        """Whether a limit, a failure or an empty message of the policy ended the episode."""
        last = self.agent_messages[-1]
        silent = self.over and last.to_user and not last.text
        return self.cut_off or self.last.truncated or silent

    def metadata(self) -> JsonObject:
        """Return the metadata of the new state."""
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
        """Return the new state and the reward; close the episode if it is over.

        `messages` replaces the conversation so far, the policy's own message included.
        """
        if messages is None:
            prior_messages = [*self.state.messages, assistant_message(self.actions)]
        else:
            prior_messages = list(messages)
        info = {**self.state.tau2_info, "reward_info": self.reward_info, "run": self.rollout.run}
        state = self.state.model_copy(
            update={
                "prior_messages": prior_messages,
                "new_messages": self.new_messages,
                "model_response": model_response,
                "timestep": self.state.timestep + 1,
                "metadata": self.metadata(),
                "steps_before": len(self.rollout.steps),
                "tau2_info": info if self.over else self.state.tau2_info,
            }
        )
        if self.over:
            self.rollout.close()
        return step_result(state)


def step_result(state: Tau2BenchState) -> Tau2BenchStepResult:
    """Return a state as the result of the step that led to it."""
    facts = state.metadata
    return Tau2BenchStepResult(
        state=state,
        reward=(facts["reward"] or 0.0) + facts["shaping"],
        done=facts["done"],
        truncated=facts["truncated"],
        info=facts,
    )


def metadata_of(task_id: str, rollout: Rollout, result: StepResult) -> JsonObject:
    """Return the metadata of a state after a result, as plain data."""
    return {
        "correct": int((result.reward or 0.0) >= 1.0),
        "total": 1,
        "task_id": task_id,
        "reward": result.reward,
        "done": result.done,
        "truncated": result.truncated,
        "made_tool_call": False,
        "infra_failed": result.infra_failed,
        "user_failed": result.user_failed,
        "termination_reason": result.reason.value if result.reason is not None else None,
        "error": result.error,
        "invalid_actions": rollout.invalid_actions,
        "shaping": 0.0,
    }
