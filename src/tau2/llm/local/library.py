"""The boundary to `xllamacpp`: llama.cpp's server in this process, without a word on the terminal.

Completions are called in the process; prompts are rendered and slots are saved over the server's
HTTP routes on the loopback interface, which the package offers in no other way. The routes answer
only who knows a key that is made anew for every engine.
"""

from __future__ import annotations

import http.client
import json
import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias
from urllib.parse import urlsplit

from tau2.errors import needs_extra
from tau2.llm.failure import CallFailed, from_error_body, unreachable
from tau2.utils.json_types import JsonMapping, JsonObject, JsonValue

OnChunk: TypeAlias = Callable[[JsonMapping], bool]
"""Receives each piece of a completion; returns whether the generation shall end."""

_ROUTE_SECONDS = 120.0  # a route waits for the batch that is being evaluated
_ERROR_STATUS = 400
# Prompt tokens between two moments at which a call can be ended: about a second on one thread. On a
# CPU, larger batches are no faster (6.6 CPU seconds for 1,041 tokens of SmolLM2 with 64 and 512).
_BATCH = 64


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How llama.cpp is started."""

    n_ctx: int
    """Tokens of one conversation: prompt and answer."""
    n_parallel: int
    """Conversations that are kept and answered at once."""
    n_threads: int


class LlamaServer(Protocol):
    """What the engine uses of llama.cpp. Every method may be called by any thread."""

    def complete(self, body: JsonObject, on_chunk: OnChunk) -> None:
        """Generate, and pass on the pieces; an error is a piece, too."""

    def route(self, path: str, body: JsonObject) -> JsonMapping:
        """Return what a route of the server answers. Raise CallFailed for an error."""

    def close(self) -> None:
        """Free the memory. No other call is under way."""


def is_installed() -> bool:
    """Return whether the package is there; imports nothing."""
    from importlib.util import find_spec  # noqa: PLC0415  -- for checks only

    return find_spec("xllamacpp") is not None


def version() -> str:
    """Return the version of the package; evaluated tokens of another one are not used."""
    from importlib.metadata import PackageNotFoundError  # noqa: PLC0415  -- as above
    from importlib.metadata import version as version_of  # noqa: PLC0415  -- as above

    try:
        return version_of("xllamacpp")
    except PackageNotFoundError:
        return "none"


def start_server(
    weights: Path, adapter: Path | None, options: EngineOptions, slot_dir: Path
) -> LlamaServer:
    """Load weights, and an adapter (a LoRA in GGUF).

    Raises:
        MissingExtra: xllamacpp is not installed.
        CallFailed: the weights cannot be loaded.
    """
    # Read once, when the library is loaded. Threads that wait spin otherwise, and starve others.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    with needs_extra("local", "xllamacpp"):
        import xllamacpp  # noqa: PLC0415  -- an optional package of 100 MB
    key = secrets.token_urlsafe(24)
    params = _params(xllamacpp, weights, options)
    params.api_keys = [key]
    params.slot_save_path = f"{slot_dir}/"
    if adapter is not None:
        lora = xllamacpp.CommonAdapterLoraInfo()
        lora.path = str(adapter)
        lora.scale = 1.0
        params.lora_adapters = [lora]
    try:
        server = xllamacpp.Server(params)
    except RuntimeError as error:
        name = weights.name if adapter is None else f"{weights.name} with {adapter.name}"
        raise CallFailed(f"llama.cpp cannot load {name}: {error}", was_sent=False) from error
    return _InProcessServer(server, key)


def _params(xllamacpp: Any, weights: Path, options: EngineOptions) -> Any:
    params = xllamacpp.CommonParams()
    params.model.path = str(weights)
    # Every conversation has its own share, so that a long one takes nothing from the others.
    params.n_ctx = options.n_ctx * options.n_parallel
    params.kv_unified = False
    params.n_parallel = options.n_parallel
    params.n_batch = _BATCH
    params.n_ubatch = _BATCH
    params.cpuparams.n_threads = options.n_threads
    params.cpuparams_batch.n_threads = options.n_threads
    params.cache_ram_mib = 0  # `slots` and `prefixes` keep evaluated prompts
    params.warmup = False
    params.verbosity = 0
    params.ui = False
    params.endpoint_slots = True
    return params


class _InProcessServer:
    def __init__(self, server: Any, key: str) -> None:
        self._server: Any = server
        self._key = key
        address = urlsplit(server.listening_address)
        self._host = address.hostname or "127.0.0.1"
        self._port = address.port

    def complete(self, body: JsonObject, on_chunk: OnChunk) -> None:
        self._server.handle_completions({**body, "stream": True}, on_chunk)

    def route(self, path: str, body: JsonObject) -> JsonMapping:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=_ROUTE_SECONDS)
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        try:
            connection.request("POST", path, json.dumps(body), headers)
            response = connection.getresponse()
            answer: JsonValue = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise unreachable(f"llama.cpp did not answer {path}: {error}") from error
        finally:
            connection.close()
        if response.status >= _ERROR_STATUS or not isinstance(answer, dict):
            raise from_error_body(answer.get("error") if isinstance(answer, dict) else answer)
        return answer

    def close(self) -> None:
        self._server = None  # the last reference: its threads end, and its memory is freed


def leak(server: LlamaServer) -> None:
    """Keep a server for ever: one that a forked child inherited has no threads to end."""
    _INHERITED.append(server)
    import ctypes  # noqa: PLC0415  -- only after a fork

    # At its exit the interpreter would free it, and wait for threads that are not there.
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(getattr(server, "_server", server)))


_INHERITED: list[LlamaServer] = []
"""Engines of the parent process, which a child must neither use nor free."""


def rendered(server: LlamaServer, turns: Sequence[JsonObject]) -> str:
    """Return turns as the prompt that the chat template of the weights makes of them."""
    return str(server.route("/apply-template", {"messages": list(turns)})["prompt"])


def tokenized(server: LlamaServer, text: str) -> list[int]:
    """Return the tokens of a prompt, as a completion of it counts them."""
    asked = {"content": text, "add_special": True, "parse_special": True}
    return [int(token) for token in server.route("/tokenize", asked)["tokens"]]
