"""Train a little through TinkerModel against a server: `play.py BASE_URL MODEL_FOLDER`."""

from __future__ import annotations

import asyncio
import math
import sys
import tempfile
import time
from pathlib import Path

from act_prm.llm_handlers.chat import Chat, demonstrated_datum, sampled_datum
from act_prm.llm_handlers.client import SamplingParams
from act_prm.llm_handlers.load import load_model
from act_prm.llm_handlers.tinker_model import TinkerModel

_STARTED = time.monotonic()


def tell(line: str) -> None:
    """Write one line with the seconds since the start."""
    sys.stdout.write(f"[{time.monotonic() - _STARTED:6.1f} s] {line}\n")
    sys.stdout.flush()


async def play(base_url: str, model_folder: str) -> None:
    """Create, imitate, sample, reinforce, save and load.

    Every step must do what the protocol says.
    """
    model = await load_model(
        {"provider": "tinker", "model_name": model_folder, "lora_rank": 4, "base_url": base_url}
    )
    assert isinstance(model, TinkerModel)
    tell("created")
    chat = Chat(model.tokenizer)
    prompt = chat.prompt([{"role": "user", "content": "Where is my parcel?"}])
    await imitate(
        model, [demonstrated_datum(prompt, chat.reply("It will be with you on Monday."))] * 2
    )
    sequence = prompt + chat.reply("It will be with you on Monday.")
    with tempfile.TemporaryDirectory() as folder:
        await model.save_state(Path(folder) / "first")
        (before,) = await model.logprobs([sequence])
        await reinforce(model, prompt)
        await model.load_state(Path(folder) / "first")
        tell("loaded the first state again")
    (after,) = await model.logprobs([sequence])
    assert after[0] == 0.0
    assert max(abs(a - b) for a, b in zip(before, after, strict=True)) < 1e-3
    tell(f"weights for sampling at {await model.save_weights(Path('sampler'))}")
    await model.close()


async def imitate(model: TinkerModel, data: list) -> None:
    """Four steps on one sentence must make it likelier."""
    losses = []
    for _ in range(4):
        report = await model.forward_backward(data, "cross_entropy")
        losses.append(report.loss)
        told = await model.optim_step(1e-2)
        tell(
            f"imitation loss {report.loss:.4f} over {report.metrics['n_tokens']:.0f} tokens, "
            f"step metrics {told}"
        )
    assert losses[-1] < losses[0], losses


async def reinforce(model: TinkerModel, prompt: list[int]) -> None:
    """Sample a group and step on it with both policy losses."""
    params = SamplingParams(max_tokens=16, seed=1)
    replies = await model.sample([prompt] * 4, params)
    again = await model.sample([prompt] * 4, params)
    tell(
        f"sampled {[len(one.tokens) for one in replies]} tokens, the same again: {replies == again}"
    )
    scored = await model.logprobs([prompt + one.tokens for one in replies])
    gap = max(
        abs(a - b)
        for one, row in zip(replies, scored, strict=True)
        for a, b in zip(one.logprobs, row[len(prompt) :], strict=True)
    )
    tell(f"log-probabilities of sampling and scoring differ by at most {gap:.2e}")
    assert gap < 0.05
    assert all(len(one.tokens) == len(one.logprobs) for one in replies)
    for loss_fn in ("importance_sampling", "ppo"):
        data = [
            sampled_datum(prompt, one, advantage=(-1.0) ** at) for at, one in enumerate(replies)
        ]
        report = await model.forward_backward(data, loss_fn)
        assert math.isfinite(report.loss)
        await model.optim_step(1e-3)
        tell(f"{loss_fn} loss {report.loss:.4f} {report.metrics}")


if __name__ == "__main__":
    asyncio.run(play(*sys.argv[1:]))
