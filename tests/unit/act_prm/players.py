"""A policy with a table of replies and real gradients, and an environment of one word, for tests of
training.

A reply begins with a token of its own, which carries all of its log-probability; the rest of it
follows of itself. So probabilities, gradients and what is learned can be worked out by hand.
"""

from __future__ import annotations

import json
import math
import random

from act_prm.environments.base import Environment
from act_prm.environments.types import EnvironmentState, EnvironmentStepResult
from act_prm.llm_handlers.client import LossReport, SampledCompletion, checked
from act_prm.llm_handlers.folders import whole_folder
from tau2.seeds import derive_seed

END = 3
MARK = 2_000_000  # the first token of reply k is MARK + k
GOOD = '<tool_call>\n{"name": "good", "arguments": {}}\n</tool_call>'
BAD = '<tool_call>\n{"name": "bad", "arguments": {}}\n</tool_call>'
HARD = -0.05  # log-probability of a letter of an action that nothing explains


class Letters:
    """A tokenizer whose tokens are letters."""

    eos_token_id = END

    def encode(self, text, *, add_special_tokens=False):
        return [ord(letter) for letter in text]

    def decode(self, token_ids, *, skip_special_tokens=True):
        return "".join(chr(one) for one in token_ids if one < MARK and one != END)

    def apply_chat_template(
        self, conversation, *, tools=None, add_generation_prompt=False, tokenize=False
    ):
        lines = [
            f"[{one['role']}] {one['content']}{json.dumps(one.get('tool_calls', ''))}"
            for one in conversation
        ]
        return "\n".join([*lines, "[assistant] " if add_generation_prompt else ""])


class TableModel:
    """Draws its replies from a table by a softmax over `logits`.

    Learns them by gradient descent.
    """

    name = "table"
    context_length = 100_000

    def __init__(self, replies=(GOOD, BAD), *, explains="because"):
        self.tokenizer = Letters()
        self.replies = list(replies)
        self.logits = [0.0] * len(self.replies)
        self.gradient = [0.0] * len(self.replies)
        self.explains = explains
        self.sampled = []
        self.scored = []
        self.trained = []
        self.steps = 0
        self.closed = False

    def logs(self, logits=None, temperature=1.0):
        scaled = [one / temperature for one in (self.logits if logits is None else logits)]
        total = math.log(math.fsum(math.exp(one) for one in scaled))
        return [one - total for one in scaled]

    async def sample(self, prompts, params):
        self.sampled.append((len(prompts), params))
        return [self._reply(params, at) for at, _ in enumerate(prompts)]

    def _reply(self, params, at):
        logs = self.logs(temperature=params.temperature or 1e-3)
        chance = random.Random(derive_seed(params.seed, "prompt", at))
        [k] = chance.choices(range(len(logs)), [math.exp(one) for one in logs])
        text = self.replies[k]
        stopped = any(text.endswith(stop) for stop in params.stop)
        tokens = [MARK + k, *self.tokenizer.encode(text), *([] if stopped else [END])]
        return SampledCompletion(tokens, [logs[k], *[0.0] * (len(tokens) - 1)], text, finished=True)

    async def logprobs(self, sequences):
        self.scored += sequences
        return [self._row(one, self.logits) for one in sequences]

    def _row(self, tokens, logits):
        text, logs = self.tokenizer.decode(tokens[-400:]), self.logs(logits)
        letter = 0.0 if self.explains in text else HARD
        return [0.0, *[logs[one - MARK] if one >= MARK else letter for one in tokens[1:]]]

    async def forward_backward(self, data, loss_fn, policy=None):
        kept = checked(data, loss_fn)
        self.trained.append((loss_fn, len(kept)))
        total, loss, chances = (
            sum(sum(one.weights) for one in kept),
            0.0,
            [math.exp(one) for one in self.logs()],
        )
        for datum in kept:
            for at, token in enumerate(datum.tokens):
                if datum.weights[at] and token >= MARK:
                    k, gain = token - MARK, 1.0
                    if loss_fn != "cross_entropy":
                        gain = math.exp(self.logs()[k] - datum.logprobs[at]) * datum.advantages[at]
                    loss -= gain / total
                    for j, chance in enumerate(chances):
                        self.gradient[j] += datum.weights[at] * gain * ((j == k) - chance) / total
        return LossReport(loss, {"n_tokens": float(sum(one.n_trained for one in kept))})

    async def optim_step(self, learning_rate):
        norm = math.sqrt(sum(one * one for one in self.gradient))
        self.logits = [
            old + learning_rate * one for old, one in zip(self.logits, self.gradient, strict=True)
        ]
        self.gradient = [0.0] * len(self.replies)
        self.steps += 1
        return {"grad_norm": norm}

    async def save_state(self, path):
        with whole_folder(path) as draft:
            (draft / "table.json").write_text(
                json.dumps({"logits": self.logits, "steps": self.steps})
            )
        return str(path)

    async def load_state(self, path):
        read = json.loads((path / "table.json").read_text())
        self.logits, self.steps = read["logits"], read["steps"]

    async def save_weights(self, path):
        return await self.save_state(path)

    async def close(self):
        self.closed = True


class ReferenceModel(TableModel):
    """Remembers what it was before training."""

    async def reference_logprobs(self, sequences):
        return [self._row(one, [0.0] * len(self.replies)) for one in sequences]


TOOLS = [
    {"type": "function", "name": name, "description": "", "parameters": {}}
    for name in ("good", "bad")
]


class WordEnv(Environment):
    """Episodes of `turns` turns; the reward is 1 if the last call is `good`.

    `broken` episodes fail at once.
    """

    def __init__(self, tasks=4, *, turns=1, split="train", infra=(), user=(), **settings):
        super().__init__(split=split, **settings)
        self.datasets = {"train": list(range(tasks)), "eval": list(range(tasks))}
        self.turns, self.infra, self.user = turns, set(infra), set(user)
        self.begun = []

    def reset(self, sample_idx=0, generation_idx=0, try_step=0, batch_idx=0):
        self.begun.append((sample_idx, generation_idx, try_step))
        facts = {
            "infra_failed": generation_idx in self.infra,
            "user_failed": generation_idx in self.user,
        }
        return EnvironmentState(
            system_prompt="Call good.",
            new_messages=[{"role": "user", "content": f"task {sample_idx}"}],
            tools=TOOLS,
            sample_id=sample_idx,
            generation_id=generation_idx,
            batch_id=batch_idx,
            try_step=try_step,
            metadata={"correct": 0, "total": 1, **facts},
        )

    def step(self, parsed_actions, model_response, current_state, current_messages=None):
        over = current_state.timestep + 1 >= self.turns
        good = any(action.name == "good" for action in parsed_actions)
        state = current_state.model_copy(
            update={
                "prior_messages": [*current_state.messages, dict(model_response)],
                "new_messages": [{"role": "user", "content": "go on"}],
                "timestep": current_state.timestep + 1,
                "metadata": {**current_state.metadata, "correct": int(over and good)},
            }
        )
        reward = float(over and good)
        return EnvironmentStepResult(state=state, reward=reward, done=over, info=state.metadata)


class AsyncWordEnv(WordEnv):
    """The same, awaited."""

    async def reset_async(self, **where):
        return self.reset(**where)

    async def step_async(self, **move):
        return self.step(**move)
