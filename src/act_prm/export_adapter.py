"""Writes a trained adapter for other programs.

    python -m act_prm.export_adapter RUN_OR_CHECKPOINT --gguf adapter.gguf
    python -m act_prm.export_adapter RUN_OR_CHECKPOINT --merge FOLDER

The GGUF file is for llama.cpp: the backend `local/…` applies it to quantised weights. A merged
folder is a Hugging Face model without an adapter.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from act_prm.llm_handlers.folders import whole_folder
from act_prm.llm_handlers.load import ModelConfig, pretrained
from act_prm.llm_handlers.lora_gguf import (
    ADAPTER_CONFIG,
    adapter_config,
    base_model,
    write_adapter,
)
from act_prm.trainer.checkpoints import BEST, CHECKPOINTS, FINAL, WEIGHTS
from tau2.errors import ConfigError, DataFileError, Tau2Error, needs_extra
from tau2.utils.output import show, show_error


def main(argv: Sequence[str] | None = None) -> int:
    """Write what the command line asks for; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m act_prm.export_adapter",
        description="Write a trained LoRA adapter as a GGUF file, or merged into its model.",
    )
    parser.add_argument(
        "checkpoint", type=Path, help="a run's folder, a checkpoint of it, or a folder of peft"
    )
    parser.add_argument("--gguf", type=Path, metavar="FILE", help="write the adapter for llama.cpp")
    parser.add_argument("--merge", type=Path, metavar="FOLDER", help="write the whole model")
    parser.add_argument(
        "--base",
        metavar="NAME",
        help="the base model: a name, a folder or a GGUF file (default: the one that it names)",
    )
    options = parser.parse_args(argv)
    try:
        if options.gguf is None and options.merge is None:
            raise ConfigError("say what to write: --gguf FILE, --merge FOLDER, or both")
        adapter = adapter_of(options.checkpoint)
        base = options.base or str(adapter_config(adapter).get("base_model_name_or_path") or "")
        if not base:
            raise ConfigError(f"{adapter} does not name its base model; give --base")
        if options.gguf is not None:
            size = write_adapter(adapter, base_model(base), options.gguf)
            show(f"wrote {options.gguf}: {size / 1e6:.1f} MB, for {base}")
        if options.merge is not None:
            merge(adapter, base, options.merge)
            show(f"wrote {options.merge}: {base} with the adapter")
    except Tau2Error as failure:
        show_error(f"{parser.prog}: {failure}")
        return 2
    return 0


def adapter_of(checkpoint: Path) -> Path:
    """Return the folder of peft in a run, a checkpoint, or the folder itself.

    Of a run, the best checkpoint counts, or the final one where none was evaluated. Raise
    DataFileError when there is none.
    """
    checkpoints = [checkpoint, *(checkpoint / CHECKPOINTS / name for name in (BEST, FINAL))]
    candidates = [folder for one in checkpoints for folder in (one, one / WEIGHTS)]
    for folder in candidates:
        if (folder / ADAPTER_CONFIG).is_file():
            return folder
    raise DataFileError(
        f"{checkpoint}: there is no adapter; the checkpoints `{BEST}` and `{FINAL}` of a run that "
        "was trained with a --lora_config have one"
    )


def merge(adapter: Path, base: str, folder: Path) -> None:
    """Write the base model with the adapter merged into its weights, and its tokenizer."""
    with needs_extra("train", "peft"):
        import peft  # noqa: PLC0415  -- optional
    model, tokenizer = pretrained(replace(ModelConfig(base), device_map="cpu"))
    merged = peft.PeftModel.from_pretrained(model, str(adapter)).merge_and_unload()
    with whole_folder(folder) as draft:
        merged.save_pretrained(str(draft), safe_serialization=True)
        tokenizer.save_pretrained(str(draft))


if __name__ == "__main__":
    sys.exit(main())
