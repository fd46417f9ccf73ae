"""Rollouts and learning of the trainer, beside plain `generate` and TRL's GRPOTrainer.

All have the same random tiny model, whose replies have about 40 tokens, and the same tasks of the
mock domain with the scripted user. In TRL a reply without a call ends the episode, so its row
stands beside episodes of one turn. Figures are per CPU second of one thread, so that a busy machine
changes them little. Needs `tau2-bench[train]`, and TRL for its row.

  python benchmarks/bench_trainer.py --tasks 2 --group 8 --batches 3
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import logging
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from act_prm.config import GeneratorConfig, TrainerConfig
from act_prm.environments import get_env
from act_prm.llm_handlers.client import SamplingParams
from act_prm.llm_handlers.tiny import build_tiny_model
from act_prm.llm_handlers.torch_model import TorchModel
from act_prm.replay_buffer import TrajectoryGroup, make_group
from act_prm.trainer import TrainingContext, get_trainer
from act_prm.trainer.phase_protocol import TrainingBatch
from act_prm.trainer.update import policy_gradient

MAX_TOKENS = 64
MAX_TURNS = 4
TASKS = ("update_task_1", "create_task_1")
COLUMNS = ("what", "CPU s", "episodes/s", "sampled tokens/s", "trained tokens/s", "passed tokens")


@dataclass
class Row:
    """One line of the table: sums over all batches."""

    what: str
    seconds: float = 0.0
    episodes: int = 0
    sampled: int = 0
    trained: int = 0
    passed: int = 0
    """Tokens of the sequences that were learned from, context included."""

    def cells(self) -> list[str]:
        def rate(count: int) -> str:
            return f"{count / self.seconds:,.1f}" if count else ""

        counts = (self.episodes, self.sampled, self.trained)
        return [
            self.what,
            f"{self.seconds:.1f}",
            *map(rate, counts),
            f"{self.passed:,}" if self.passed else "",
        ]


@dataclass
class Bench:
    """The model and the sizes that all rows share."""

    folder: Path
    tasks: int
    group: int
    batches: int
    rows: list[Row] = field(default_factory=list)

    def model(self) -> TorchModel:
        tokenizer = AutoTokenizer.from_pretrained(self.folder)
        return TorchModel(AutoModelForCausalLM.from_pretrained(self.folder), tokenizer, name="tiny")

    def context(self, model: TorchModel, turns: int, **config: Any) -> TrainingContext:
        env = get_env(
            "tau2bench",
            is_async=True,
            domain="mock",
            user="scripted_user",
            task_ids=list(TASKS[: self.tasks]),
            num_train_tasks=self.tasks,
            num_test_tasks=0,
            max_turns=turns,
        )
        sizes = {"batch_size": self.tasks, "group_size": self.group, "max_tokens": MAX_TOKENS}
        settings = {"trainer_name": "rl", "eval_every": 0, "save_every": 0, **sizes, **config}
        with tempfile.TemporaryDirectory() as folder:
            return TrainingContext(
                model, env, Path(folder), TrainerConfig(**settings), GeneratorConfig()
            )


def prepare(folder: Path) -> None:
    """Write the model that all rows begin with."""
    build_tiny_model(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    if importlib.util.find_spec("trl") is not None:
        import trl

        template = Path(trl.__file__).parent / "chat_templates" / "qwen3_instruct_2507.jinja"
        tokenizer.chat_template = template.read_text(encoding="utf-8")
        tokenizer.save_pretrained(str(folder))


def with_signal(groups: Sequence[TrajectoryGroup]) -> list[TrajectoryGroup]:
    """Return the groups with rewards of 0 and 1 in turn, so that there is always a gradient."""
    changed = []
    for group in groups:
        for number, trajectory in enumerate(group):
            trajectory.steps[-1].reward = float(number % 2)
        changed.append(make_group(group.trajectories, discount=1.0, mean_center=True))
    return changed


async def ours(bench: Bench, turns: int) -> None:
    """Measure rollouts, learning from joined episodes, and learning from their single steps."""
    model = bench.model()
    of = "1 turn" if turns == 1 else f"{turns} turns"
    rollouts = Row(f"rollouts of {of}")
    joined = Row(f"learning, {of}, episodes joined")
    apart = Row(f"learning, {of}, a sequence for each step")
    phase_context = bench.context(model, turns, learning_rate=1e-5)
    [phase] = get_trainer("rl")(phase_context).phases
    for index in range(bench.batches):
        began = time.process_time()
        batch = await phase.generate(index, index)
        rollouts.seconds += time.process_time() - began
        steps = [step for group in batch.groups for step in group.steps]
        rollouts.episodes += sum(len(group) for group in batch.groups)
        rollouts.sampled += sum(step.reply_len for step in steps)
        groups = with_signal(batch.groups)
        began = time.process_time()
        found = await phase.learn(TrainingBatch(groups), index)
        joined.seconds += time.process_time() - began
        data = [step.datum() for group in groups for step in group.steps]
        began = time.process_time()
        await policy_gradient(phase_context, data, index)
        apart.seconds += time.process_time() - began
        for row, name in ((joined, "tokens_per_episode"), (apart, "tokens_per_episode_unmerged")):
            row.episodes += int(found["episodes"])
            row.trained += sum(step.reply_len for step in steps)
            row.passed += round(found[name] * found["episodes"])
    both = Row(f"rollouts and learning, {of}")
    both.seconds = rollouts.seconds + joined.seconds
    both.episodes = rollouts.episodes
    both.sampled = rollouts.sampled
    both.trained = joined.trained
    both.passed = joined.passed
    bench.rows += [rollouts, joined, *([apart] if turns > 1 else []), both]
    await model.close()


async def generation(bench: Bench) -> None:
    """Measure the first turn of the episodes: our batched sampling, and plain `generate`."""
    model = bench.model()
    context = bench.context(model, 1)
    [phase] = get_trainer("rl")(context).phases
    batch = await phase.generate(0, 0)
    first = [one.steps[0] for group in batch.groups for one in group]
    prompts = [step.state_action_tokens[: step.state_len] for step in first]
    ours = Row("sampling one turn")
    began = time.process_time()
    for seed in range(bench.batches):
        replies = await model.sample(prompts, SamplingParams(MAX_TOKENS, seed=seed))
        ours.sampled += sum(len(reply.tokens) for reply in replies)
    ours.seconds = time.process_time() - began
    plain = Row("transformers generate, batched")
    alone = Row("transformers generate, one by one")
    began = time.process_time()
    for _ in range(bench.batches):
        plain.sampled += generated(model, prompts)
    plain.seconds = time.process_time() - began
    began = time.process_time()
    for prompt in prompts:
        alone.sampled += generated(model, [prompt])
    alone.seconds = time.process_time() - began
    bench.rows += [ours, plain, alone]
    await model.close()


def generated(model: TorchModel, prompts: list[list[int]]) -> int:
    """Complete the prompts with `generate`; return how many tokens were sampled."""
    tokenizer = model.tokenizer
    width = max(map(len, prompts))
    pad = tokenizer.pad_token_id
    ids = torch.tensor([[pad] * (width - len(one)) + one for one in prompts])
    with torch.inference_mode():
        found = model.model.generate(
            ids,
            attention_mask=(ids != pad).long(),
            do_sample=True,
            temperature=1.0,
            top_k=0,
            max_new_tokens=MAX_TOKENS,
            pad_token_id=pad,
        )
    return int((found[:, width:] != pad).sum())


def trl_rows(bench: Bench) -> None:
    """Measure TRL's GRPOTrainer on the environments that tau2 has for it."""
    import trl
    from datasets import Dataset

    from tau2.integrations.trl import environment_factory, rows

    chosen = [row for row in rows("mock") if row["task_id"] in TASKS[: bench.tasks]]
    size = bench.tasks * bench.group
    with tempfile.TemporaryDirectory() as output:
        arguments = trl.GRPOConfig(
            output_dir=output,
            max_steps=bench.batches,
            num_generations=bench.group,
            per_device_train_batch_size=size,
            max_completion_length=MAX_TOKENS,
            temperature=1.0,
            learning_rate=1e-5,
            beta=0.0,
            report_to=[],
            logging_steps=1,
            use_cpu=True,
            bf16=False,
            gradient_checkpointing=False,
            save_strategy="no",
            disable_tqdm=True,
        )
        trainer = trl.GRPOTrainer(
            model=AutoModelForCausalLM.from_pretrained(bench.folder),
            args=arguments,
            processing_class=AutoTokenizer.from_pretrained(bench.folder),
            train_dataset=Dataset.from_list(chosen),
            environment_factory=environment_factory("mock", user="scripted_user"),
        )
        began = time.process_time()
        trainer.train()
        row = Row("TRL GRPOTrainer, rollouts and learning, 1 turn", time.process_time() - began)
    logged = [one for one in trainer.state.log_history if "completions/mean_length" in one]
    row.episodes = size * bench.batches
    row.sampled = round(sum(one["completions/mean_length"] for one in logged) * size)
    row.trained = row.sampled
    row.passed = round(max(one["num_tokens"] for one in logged))
    bench.rows.append(row)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tasks", type=int, default=2, choices=range(1, len(TASKS) + 1))
    parser.add_argument("--group", type=int, default=8)
    parser.add_argument("--batches", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder) / "tiny", options.tasks, options.group, options.batches)
        prepare(bench.folder)
        asyncio.run(generation(bench))
        asyncio.run(ours(bench, MAX_TURNS))
        asyncio.run(ours(bench, 1))
        if importlib.util.find_spec("trl") is not None:
            trl_rows(bench)
    if options.json:
        print(json.dumps([vars(row) for row in bench.rows]))
        return
    table = [list(COLUMNS), *(row.cells() for row in bench.rows)]
    widths = [max(len(line[at]) for line in table) for at in range(len(COLUMNS))]
    for line in table:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        sys.stdout.write("  ".join(cells).rstrip() + "\n")


if __name__ == "__main__":
    main()
