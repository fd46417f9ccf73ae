"""A GGUF file of a small random model of the architecture llama, for tests."""

from __future__ import annotations

from pathlib import Path

MARKS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message.role + '\\n' + message.content "
    "+ '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


def _letters() -> list[str]:
    """Return the letters that stand for the 256 bytes in byte-level tokenizers."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [one for one in range(256) if one not in plain]
    names = {one: chr(one) for one in plain}
    names |= {one: chr(256 + at) for at, one in enumerate(others)}
    return [names[one] for one in range(256)]


PIECES = [*MARKS, *_letters(), "ab"]
HIDDEN, HEADS, KV_HEADS, LAYERS, INNER = 64, 4, 2, 2, 96


def write_llama(file: Path, *, seed: int = 0, context: int = 512) -> Path:
    import gguf
    import numpy as np

    writer = gguf.GGUFWriter(str(file), "llama")
    writer.add_name("small")
    writer.add_context_length(context)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_dimension_count(HIDDEN // HEADS)
    writer.add_rope_freq_base(10_000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(PIECES))
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(PIECES)
    kinds = gguf.TokenType
    writer.add_token_types([*[kinds.CONTROL] * len(MARKS), *[kinds.NORMAL] * 257])
    writer.add_token_merges(["a b"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_pad_token_id(2)
    writer.add_add_bos_token(value=False)
    writer.add_chat_template(TEMPLATE)

    _add_tensors(writer, np.random.default_rng(seed))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def _add_tensors(writer, random) -> None:
    import numpy as np

    def tensor(name: str, *shape: int) -> None:
        scale = 1.0 if name.endswith("norm.weight") else 0.3
        values = random.normal(0, scale, shape).astype(np.float32)
        writer.add_tensor(name, np.abs(values) if len(shape) == 1 else values)

    kv = HIDDEN * KV_HEADS // HEADS
    tensor("token_embd.weight", len(PIECES), HIDDEN)
    tensor("output_norm.weight", HIDDEN)
    # Only letters and such are ever written: what is half of a character has no text of its own.
    printable = np.array([len(one) == 1 and one.isascii() for one in PIECES])
    head = random.normal(0, 0.3, (len(PIECES), HIDDEN)).astype(np.float32)
    writer.add_tensor("output.weight", head * printable[:, None])
    for layer in range(LAYERS):
        block = f"blk.{layer}"
        tensor(f"{block}.attn_norm.weight", HIDDEN)
        tensor(f"{block}.ffn_norm.weight", HIDDEN)
        tensor(f"{block}.attn_q.weight", HIDDEN, HIDDEN)
        tensor(f"{block}.attn_k.weight", kv, HIDDEN)
        tensor(f"{block}.attn_v.weight", kv, HIDDEN)
        tensor(f"{block}.attn_output.weight", HIDDEN, HIDDEN)
        tensor(f"{block}.ffn_gate.weight", INNER, HIDDEN)
        tensor(f"{block}.ffn_up.weight", INNER, HIDDEN)
        tensor(f"{block}.ffn_down.weight", HIDDEN, INNER)
