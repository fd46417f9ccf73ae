"""Demonstrations as lessons: each action after what was seen before it, without thoughts."""

from __future__ import annotations

from collections.abc import Sequence

from act_prm.generator.demonstrations import Demonstration, Demonstrations
from act_prm.generator.setting import Setting
from act_prm.replay_buffer import EpisodeStep
from act_prm.replay_buffer.steps import DEMONSTRATION


class DemonstrationReader:
    """Turns reference episodes into steps to imitate."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.demonstrations = Demonstrations(setting)

    def steps(self, tasks: Sequence[int], batch_id: int) -> list[EpisodeStep]:
        """Return the steps of these tasks' demonstrations; one that fits no prompt is left out."""
        shown = [one for _, one in self.demonstrations.some(list(tasks))]
        found = (self._step(one, at, batch_id) for one in shown for at in range(len(one)))
        return [step for step in found if step is not None]

    def _step(self, shown: Demonstration, at: int, batch_id: int) -> EpisodeStep | None:
        setting = self.setting
        told = setting.shown(shown.history(at, lambda i: shown.actions[i]))
        reply = setting.chat.reply(shown.actions[at])
        system = {"role": "system", "content": shown.system_prompt}
        prompt = setting.prompt(
            [system, *told], shown.tools, reserve=max(len(reply) - setting.sampling.max_tokens, 0)
        )
        if prompt is None:
            return None
        messages, ids = prompt
        return EpisodeStep(
            state=messages,
            action={"role": "assistant", "content": shown.actions[at]},
            next_obs=shown.after(at),
            tools=shown.tools,
            state_action_tokens=[*ids, *reply],
            state_len=len(ids),
            old_logprobs=[],
            reward=shown.rewards[at],
            done=at + 1 == len(shown),
            timestep=at,
            batch_id=batch_id,
            unique_data_sample_id=shown.task_id,
            split=setting.env.split,
            kind=DEMONSTRATION,
        )
