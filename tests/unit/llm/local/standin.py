"""A stand-in for llama.cpp: words are tokens, and every slot remembers what it has evaluated.

It answers with the lines of a script, checks what the real server would, and counts the tokens that
it had to evaluate.
"""

from __future__ import annotations

import json
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tau2.llm.failure import from_error_body
from tau2.llm.local.library import EngineOptions

Say = Callable[[dict[str, Any]], str]


class StandIn:
    """What `start_server` returns, without a model."""

    def __init__(self, options: EngineOptions, slot_dir: Path, say: Say) -> None:
        self.options = options
        self.slot_dir = slot_dir
        self.say = say
        self.slots: dict[int, list[str]] = {number: [] for number in range(options.n_parallel)}
        self.bodies: list[dict[str, Any]] = []
        self.evaluated = 0
        self.most_at_once = 0
        self.is_closed = False
        self.gate: threading.Event | None = None
        """What every answer waits for, if anything."""
        self.refuses_assistant_first = False
        self.at_once = 0
        self._lock = threading.Lock()

    def complete(self, body: dict[str, Any], on_chunk: Callable[[Any], bool]) -> None:
        assert not self.is_closed
        with self._lock:
            self.bodies.append(body)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            self._complete(body, on_chunk)
        finally:
            with self._lock:
                self.at_once -= 1

    def _complete(self, body: dict[str, Any], on_chunk: Callable[[Any], bool]) -> None:
        tokens = body["prompt"].split(" ")
        if len(tokens) >= self.options.n_ctx:
            text = (
                f"request ({len(tokens)} tokens) exceeds the available context size "
                f"({self.options.n_ctx} tokens), try increasing it"
            )
            on_chunk({"error": {"code": 400, "message": text, "type": "exceed_context_size_error"}})
            return
        known = self.slots[body["id_slot"]]
        reused = next(
            (i for i, pair in enumerate(zip(known, tokens, strict=False)) if pair[0] != pair[1]),
            min(len(known), len(tokens)),
        )
        with self._lock:
            self.evaluated += len(tokens) - reused
            self.slots[body["id_slot"]] = tokens
        while self.gate is not None and not self.gate.wait(0.01):
            if on_chunk({"choices": [], "prompt_progress": {}}):
                return
        room = self.options.n_ctx - len(tokens)
        words = self.say(body).split(" ") if body["max_tokens"] else [""]
        allowed = min(max(1, body["max_tokens"]), room)
        for index, word in enumerate(words[:allowed]):
            piece = word if index == 0 else f" {word}"
            if on_chunk({"choices": [{"text": piece, "finish_reason": None}]}):
                return
        count = min(len(words), allowed)
        on_chunk(
            {
                "choices": [
                    {"text": "", "finish_reason": "length" if len(words) > allowed else "stop"}
                ],
                "usage": {"prompt_tokens": len(tokens), "completion_tokens": count},
                "timings": {"cache_n": reused, "prompt_n": len(tokens) - reused},
            }
        )

    def route(self, path: str, body: dict[str, Any]) -> Any:
        assert not self.is_closed
        if path == "/apply-template":
            return {"prompt": self._rendered(body["messages"])}
        if path == "/tokenize":
            return {"tokens": list(range(len(body["content"].split(" "))))}
        number = int(path.removeprefix("/slots/").partition("?")[0])
        file = self.slot_dir / body["filename"]
        if path.endswith("=save"):
            file.write_text(json.dumps(self.slots[number]))
            return {"n_saved": len(self.slots[number])}
        self.slots[number] = json.loads(file.read_text())
        return {"n_restored": len(self.slots[number])}

    def _rendered(self, messages: list[dict[str, str]]) -> str:
        if self.refuses_assistant_first and messages[1:2] and messages[1]["role"] == "assistant":
            raise from_error_body({"code": 500, "message": "the conversation must alternate"})
        turns = [f"<|im_start|> {turn['role']} {turn['content']} <|im_end|> " for turn in messages]
        return "".join(turns) + "<|im_start|> assistant "

    def close(self) -> None:
        self.is_closed = True


def write_gguf(
    path: Path,
    *,
    context: int = 4096,
    kind: str = "model",
    tokens: tuple[tuple[str, int], ...] = (("a", 1), ("<|im_end|>", 3), ("[END]", 3)),
) -> Path:
    """Write a header of weights, as far as it is read."""

    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value.encode())) + value.encode()

    def strings(values: list[str]) -> bytes:
        return struct.pack("<IIQ", 9, 8, len(values)) + b"".join(map(text, values))

    pairs = [
        text("general.architecture") + struct.pack("<I", 8) + text("llama"),
        text("general.type") + struct.pack("<I", 8) + text(kind),
        text("llama.context_length") + struct.pack("<II", 4, context),
        text("tokenizer.ggml.tokens") + strings([token for token, _ in tokens]),
        text("tokenizer.ggml.token_type")
        + struct.pack("<IIQ", 9, 5, len(tokens))
        + struct.pack(f"<{len(tokens)}i", *(number for _, number in tokens)),
        text("tokenizer.chat_template") + struct.pack("<I", 8) + text("{{ messages }}"),
    ]
    head = b"GGUF" + struct.pack("<IQQ", 3, 0, len(pairs))
    path.write_bytes(head + b"".join(pairs))
    return path
