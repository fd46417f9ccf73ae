"""The learning proof: a small model, trained with the shipped trainer, plays what it has not seen.

    python benchmarks/learning.py --domain mock --seeds 1 2 3 --out results/learning

For every seed there are four stages: the untrained model; supervised fine-tuning on the oracle's
episodes (`sft`); a policy gradient on top (`rl`); and the same policy gradient with the rewards of
every group shuffled (`shuffled`), which must not learn. Each is evaluated greedily on other tasks
of the kinds for training ("eval") and on tasks of kinds held out of training ("test").

Every stage is a run of `main_pytorch.py` with a folder of its own. A finished stage is not run
again, and an interrupted one goes on from its last checkpoint. `benchmarks/learning_figures.py`
makes the page `docs/learning.md` from the folders.

Needs the extra `train` (a CPU build of torch suffices) and `tau2 models get smollm2`.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UNTRAINED, SFT, RL, SHUFFLED = "untrained", "sft", "rl", "shuffled"
STAGES = (UNTRAINED, SFT, RL, SHUFFLED)
SPLITS = ("eval", "test")
COST_FILE = "cost.json"


@dataclass(frozen=True)
class Plan:
    """What the command line asks for."""

    domain: str
    model: str
    model_name: str | None
    lora: str
    out: Path
    sft_batches: int | None
    rl_batches: int | None

    def folder(self, stage: str, seed: int, split: str | None = None) -> Path:
        """Return the folder of a stage, or of its evaluation on a split."""
        name = f"{stage}-seed{seed}" + (f"-{split}" if split else "")
        return self.out / self.domain / name

    def common(self, seed: int, folder: Path) -> list[str]:
        """Return the arguments of every run."""
        given = {
            "env_config": f"tau2bench/{self.domain}_generated",
            "model_config": self.model,
            "lora_config": self.lora,
            "generator_config": "grpo",
            "log_path": str(folder.parent),
            "run_name": folder.name,
            "seed": str(seed),
        }
        if self.model_name is not None:
            given["model_name"] = self.model_name
        return [part for name, value in given.items() for part in (f"--{name}", value)]


def main() -> int:
    """Run the stages that are not finished yet."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--domain", default="mock", choices=("mock", "retail"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=list(STAGES))
    parser.add_argument("--model", default="smollm2_135m", help="a file of configs/model")
    parser.add_argument("--model-name", help="other weights, such as a GGUF file")
    parser.add_argument("--lora", default="r16_a32_all", help="a file of configs/lora")
    parser.add_argument(
        "--sft-batches", type=int, help="default: of configs/trainer/learning_sft.yaml"
    )
    parser.add_argument(
        "--rl-batches", type=int, help="default: of configs/trainer/learning_rl.yaml"
    )
    parser.add_argument("--out", type=Path, default=Path("results/learning"))
    options = parser.parse_args()
    plan = Plan(
        options.domain,
        options.model,
        options.model_name,
        options.lora,
        options.out.resolve(),
        options.sft_batches,
        options.rl_batches,
    )
    for stage in (stage for stage in STAGES if stage in options.stages):
        for seed in options.seeds:
            _train(plan, stage, seed)
            for split in SPLITS:
                _evaluate(plan, stage, seed, split)
    return 0


def _train(plan: Plan, stage: str, seed: int) -> None:
    """Train one stage; the untrained model has nothing to train."""
    if stage == UNTRAINED:
        return
    arguments = ["--trainer_config", "learning_sft" if stage == SFT else "learning_rl"]
    batches = plan.sft_batches if stage == SFT else plan.rl_batches
    if batches is not None:
        arguments += ["--num_batches", str(batches)]
    if stage != SFT:
        arguments += ["--load_checkpoint_path", str(_checkpoint(plan, SFT, seed))]
    if stage == SHUFFLED:
        arguments += ["--shuffle_rewards"]
    _run(plan, seed, plan.folder(stage, seed), arguments)


def _evaluate(plan: Plan, stage: str, seed: int, split: str) -> None:
    """Play a split greedily: a run without batches is an evaluation alone."""
    arguments = ["--trainer_config", "learning_rl", "--num_batches", "0", "--eval_every", "1"]
    arguments += ["--override", f"eval_env.split={split}"]
    if stage != UNTRAINED:
        arguments += ["--load_checkpoint_path", str(_checkpoint(plan, stage, seed))]
    _run(plan, seed, plan.folder(stage, seed, split), arguments)


def _checkpoint(plan: Plan, stage: str, seed: int) -> Path:
    return plan.folder(stage, seed) / "checkpoints" / "final"


def _run(plan: Plan, seed: int, folder: Path, arguments: list[str]) -> None:
    """Run `main_pytorch.py` to its end, from its last checkpoint if it has one."""
    checkpoints = folder / "checkpoints"
    if (checkpoints / "final").is_dir():
        return
    begun = checkpoints.is_dir() and any(checkpoints.iterdir())
    command = [
        sys.executable,
        str(ROOT / "main_pytorch.py"),
        *plan.common(seed, folder),
        *arguments,
    ]
    if begun:
        command = [part for part in command if not part.startswith("--load_checkpoint")]
        command += ["--resume_run"]
    print(f"{folder.name}: {'going on' if begun else 'started'}", flush=True)
    started = time.time()
    before = _child_seconds()
    # More threads than free cores only wait for each other.
    environment = {"OMP_WAIT_POLICY": "passive", **os.environ}
    subprocess.run(command, check=True, cwd=ROOT, env=environment)
    cost = {
        "cpu_seconds": round(_child_seconds() - before),
        "seconds": round(time.time() - started),
    }
    (folder / COST_FILE).write_text(json.dumps(cost) + "\n", encoding="utf-8")


def _child_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
