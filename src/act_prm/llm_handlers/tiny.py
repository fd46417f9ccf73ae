"""A tiny model: random weights in the Qwen3 architecture, and a tokenizer of our own.

Its text is nonsense. With it, every code path of training runs on a CPU, offline, in seconds:

    python -m act_prm.llm_handlers.tiny FOLDER [--as Qwen/Qwen3-4B-Instruct-2507]

With `--as`, FOLDER is a Hugging Face home (HF_HOME) in which the tiny model has that name.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import sys
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from act_prm.llm_handlers.folders import whole_folder
from tau2.errors import ConfigError, needs_extra
from tau2.seeds import derive_seed
from tau2.utils.output import show

_CONTEXT = 32_768
_HEAD = 16
_TOKENIZER_FILES = (".md", "tools.py", "tasks.json")  # the sources of prompts and calls
_MAX_CHARACTERS = 100_000  # of one file, so that tasks do not outweigh policies
_SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
_MARKS = (
    "<tool_call>",
    "</tool_call>",
    "<tool_response>",
    "</tool_response>",
    "<think>",
    "</think>",
)
_BIAS_SCALE = 4.0  # of the constant in every embedding that carries the end-of-turn bias
# Scale of the logits; with the usual initialisation the model could never become certain of a
# token.
_LOGIT_SCALE = 12.0


def build_tiny_model(
    folder: Path,
    *,
    seed: int = 0,
    hidden: int = 64,
    layers: int = 2,
    vocab: int = 2048,
    eos_bias: float = 4.0,
) -> Path:
    """Write model, tokenizer and chat template as a Hugging Face folder and return it.

    The content depends on the arguments alone. `eos_bias` is added to the logit of the end-of-turn
    token: with 4 a completion has about 40 tokens, with 0 about `vocab`. Raise ConfigError for a
    `hidden` size that the heads do not divide.
    """
    if hidden % (2 * _HEAD):
        raise ConfigError(f"hidden is {hidden}; it must be a multiple of {2 * _HEAD}")
    with needs_extra("train", "transformers"):
        import transformers  # noqa: F401, PLC0415  -- fails early, naming the extra
    tokenizer = train_tokenizer(vocab)
    model = _random_model(tokenizer, seed=seed, hidden=hidden, layers=layers, eos_bias=eos_bias)
    with whole_folder(folder) as draft:
        model.save_pretrained(str(draft), safe_serialization=True)
        tokenizer.save_pretrained(str(draft))
    return folder


def install_tiny_as(repo_id: str, hf_home: Path, **options: Any) -> Path:
    """Write a tiny model into the Hugging Face cache under `hf_home`, with the name `repo_id`."""
    revision = hashlib.sha1(repo_id.encode(), usedforsecurity=False).hexdigest()
    repository = hf_home / "hub" / f"models--{repo_id.replace('/', '--')}"
    build_tiny_model(repository / "snapshots" / revision, **options)
    (repository / "refs").mkdir(exist_ok=True)
    (repository / "refs" / "main").write_text(revision, encoding="ascii")
    return repository / "snapshots" / revision


def train_tokenizer(vocab: int) -> Any:
    """Return a byte-level BPE tokenizer of `vocab` tokens, trained on tau2's policies and tasks."""
    with needs_extra("train", "tokenizers"):
        from tokenizers import (  # noqa: PLC0415  -- optional
            AddedToken,
            Tokenizer,
            decoders,
            models,
            pre_tokenizers,
            trainers,
        )
    with needs_extra("train", "transformers"):
        from transformers import PreTrainedTokenizerFast  # noqa: PLC0415  -- optional
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab - len(_MARKS),
        special_tokens=list(_SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    raw.train_from_iterator(_texts(), trainer=trainer)
    raw.add_tokens([AddedToken(mark, normalized=False) for mark in _MARKS])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=raw,
        eos_token="<|im_end|>",  # noqa: S106  -- a mark in a text, no secret
        pad_token="<|endoftext|>",  # noqa: S106  -- a mark in a text, no secret
        additional_special_tokens=["<|im_start|>"],
        model_max_length=_CONTEXT,
        clean_up_tokenization_spaces=False,
    )
    fast.chat_template = (
        resources.files(__package__)
        .joinpath("tiny_chat_template.jinja")
        .read_text(encoding="utf-8")
    )
    return fast


def _texts() -> Iterator[str]:
    for domain in sorted(resources.files("tau2.domains").iterdir(), key=lambda one: one.name):
        if domain.is_dir():
            for file in sorted(domain.iterdir(), key=lambda one: one.name):
                if file.name.endswith(_TOKENIZER_FILES) and file.name != "split_tasks.json":
                    yield file.read_text(encoding="utf-8")[:_MAX_CHARACTERS]


def _random_model(tokenizer: Any, *, seed: int, hidden: int, layers: int, eos_bias: float) -> Any:
    with needs_extra("train", "torch"):
        import torch  # noqa: PLC0415  -- optional
    with needs_extra("train", "transformers"):
        from transformers import Qwen3Config, Qwen3ForCausalLM  # noqa: PLC0415  -- optional

    heads = hidden // _HEAD
    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=heads // 2,
        head_dim=_HEAD,
        max_position_embeddings=_CONTEXT,
        tie_word_embeddings=False,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng():
        torch.manual_seed(derive_seed(seed, "tiny"))
        model = Qwen3ForCausalLM(config)
        torch.nn.init.normal_(model.get_output_embeddings().weight, std=_LOGIT_SCALE / hidden)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    _bias_ending(model, tokenizer.eos_token_id, eos_bias)
    return model.eval()


def _bias_ending(model: Any, end: int, eos_bias: float) -> None:
    """Raise the logit of one token everywhere, in an architecture without a bias.

    Dimension 0 of every embedding is a constant; the last norm scales it to about sqrt(hidden) for
    every input.
    """
    import torch  # noqa: PLC0415  -- optional

    embeddings = model.get_input_embeddings().weight
    head = model.get_output_embeddings().weight
    with torch.no_grad():
        spread = float(embeddings.std()) * math.sqrt(embeddings.shape[1])
        embeddings[:, 0] = _BIAS_SCALE * spread
        head[:, 0] = 0.0
        sample = torch.arange(min(64, embeddings.shape[0])).unsqueeze(0)
        carried = float(model.model(input_ids=sample).last_hidden_state[..., 0].mean())
        head[end, 0] = eos_bias / carried


def main(argv: Sequence[str] | None = None) -> int:
    """Write a tiny model as the command line says; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m act_prm.llm_handlers.tiny", description="Write a tiny model."
    )
    parser.add_argument("folder", type=Path, help="where to write it")
    parser.add_argument(
        "--as",
        dest="repo_id",
        metavar="REPO_ID",
        help="make FOLDER an HF_HOME with a model of this name",
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--vocab", type=int, default=2048)
    parser.add_argument("--eos-bias", type=float, default=4.0)
    given = vars(parser.parse_args(argv))
    folder = given.pop("folder")
    repo_id = given.pop("repo_id")
    made = (
        install_tiny_as(repo_id, folder, **given) if repo_id else build_tiny_model(folder, **given)
    )
    show(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
