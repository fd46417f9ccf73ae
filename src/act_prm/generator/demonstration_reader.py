"""Demonstrations as steps to imitate: each action after the conversation before it."""

from __future__ import annotations

from collections.abc import Sequence

from act_prm.generator.context import GeneratorContext
from act_prm.generator.demonstrations import Demonstration, Demonstrations
from act_prm.generator.prompts import Prompt
from act_prm.replay_buffer import EpisodeStep
from act_prm.replay_buffer.steps import DEMONSTRATION


class DemonstrationReader:
    """Turns reference episodes into steps to imitate."""

    def __init__(self, context: GeneratorContext) -> None:
        self.context = context
        self.demonstrations = Demonstrations(context)

    def steps(self, tasks: Sequence[int], batch_id: int) -> list[EpisodeStep]:
        """Return the steps of these tasks' demonstrations.

        Those too long for a prompt are left out.
        """
        steps: list[EpisodeStep] = []
        for _, demonstration in self.demonstrations.existing(list(tasks)):
            after: Prompt | None = None
            for at in range(len(demonstration)):
                step = self._step(demonstration, at, batch_id, after)
                if step is not None:
                    steps.append(step)
                    after = step.state, step.state_action_tokens
        return steps

    def _step(
        self, demonstration: Demonstration, at: int, batch_id: int, after: Prompt | None
    ) -> EpisodeStep | None:
        context = self.context
        history = demonstration.history(at, lambda i: demonstration.actions[i])
        reply = context.chat.reply(demonstration.actions[at])
        system = {"role": "system", "content": demonstration.system_prompt}
        prompt = context.prompt(
            [system, *context.hide_observations(history)],
            demonstration.tools,
            # A demonstrated action may be longer than the policy is allowed to write.
            reserve=max(len(reply) - context.sampling.max_tokens, 0),
            after=after,
        )
        if prompt is None:
            return None
        messages, ids = prompt
        return EpisodeStep(
            state=messages,
            action={"role": "assistant", "content": demonstration.actions[at]},
            next_obs=demonstration.after(at),
            tools=demonstration.tools,
            state_action_tokens=[*ids, *reply],
            state_len=len(ids),
            old_logprobs=[],
            reward=demonstration.rewards[at],
            done=at + 1 == len(demonstration),
            timestep=at,
            batch_id=batch_id,
            unique_data_sample_id=demonstration.task_id,
            split=context.env.split,
            kind=DEMONSTRATION,
        )
