"""A program that takes two steps of training and writes what it measured; see test_processes."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

from transformers import AutoModelForCausalLM, AutoTokenizer

from act_prm.llm_handlers.chat import sampled_datum
from act_prm.llm_handlers.client import PolicyLoss, SamplingParams
from act_prm.llm_handlers.lora import LoraSettings, attach_lora
from act_prm.llm_handlers.torch_model import TorchModel, TorchSettings

PROMPTS = [[40, 41, 42], list(range(50, 90)), [7, 8, 9, 10], [99, 98]]


async def two_steps(folder: str) -> dict[str, object] | None:
    """Return what was measured; None in a process that does not decide."""
    base = attach_lora(AutoModelForCausalLM.from_pretrained(folder), LoraSettings(r=4), seed=0)
    settings = TorchSettings(train_tokens=60)
    model = TorchModel(base, AutoTokenizer.from_pretrained(folder), name="tiny", settings=settings)
    if not model.is_first:
        await model.serve()
        await model.close()
        return None
    facts = {"tokens": [], "losses": [], "norms": []}
    for step in range(2):
        replies = await model.sample(PROMPTS, SamplingParams(20, seed=step))
        facts["tokens"].append([reply.tokens for reply in replies])
        data = [
            sampled_datum(prompt, reply, advantage=(-1.0) ** at)
            for at, (prompt, reply) in enumerate(zip(PROMPTS, replies, strict=True))
        ]
        report = await model.forward_backward(data, "ppo", PolicyLoss(on_policy=True))
        facts["losses"].append(report.loss)
        facts["norms"].append((await model.optim_step(1e-2))["grad_norm"])
    rows = await model.logprobs(PROMPTS)
    facts["logprobs"] = [value for row in rows for value in row]
    facts["processes"] = int(os.environ.get("WORLD_SIZE", "1"))
    await model.close()
    return facts


if __name__ == "__main__":
    measured = asyncio.run(two_steps(sys.argv[1]))
    if measured is not None:
        Path(sys.argv[2]).write_text(json.dumps(measured), encoding="utf-8")
