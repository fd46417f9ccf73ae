"""One llama.cpp per weights and adapter in this process, loaded on first use and closed at exit.

    engine = engine_for(weights_path("qwen-0.5b"))
    answer = engine.generate(engine.prompt_of(turns), Sampling(max_tokens=64, seed=7))

Calls of any thread share the engine: those at the same time are one batch of llama.cpp. Every
process loads its own weights; a forked child does not use its parent's.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tau2.actions.plain_chat import PlainTurn
from tau2.config import cache_dir
from tau2.errors import ConfigError
from tau2.llm.failure import CallFailed, from_error_body, unreachable
from tau2.llm.local.gguf import GgufHeader, read_header
from tau2.llm.local.kept import SHORTEST as LEAST_KEPT
from tau2.llm.local.kept import KeptConversations
from tau2.llm.local.library import (
    EngineOptions,
    LlamaServer,
    leak,
    rendered,
    start_server,
    tokenized,
    version,
)
from tau2.llm.local.prefixes import SHORTEST, PrefixStore
from tau2.llm.local.slots import Call, Slot, SlotPool, common_length
from tau2.utils.json_types import JsonMapping, JsonObject, JsonValue
from tau2.utils.output import flush

logger = logging.getLogger(__name__)

DEFAULT_CONTEXT = 8192
"""Tokens of one conversation, if the weights were trained on as many."""
DEFAULT_PARALLEL = 4
"""Conversations at once; the memory for each is taken when the weights are loaded."""
DEFAULT_THREADS = 1
"""Threads of llama.cpp; a second one helps only where a core is idle."""
DEFAULT_MAX_TOKENS = 1024
"""Of one answer."""

_INTERRUPTED = 130  # 128 + SIGINT, as shells have it
_PLACE = "\ufffdtau2\ufffd"  # stands for the first user's text while a prefix is rendered


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """How weights are loaded; None for the default, or for what is loaded already."""

    n_ctx: int | None = None
    n_parallel: int | None = None
    n_threads: int | None = None


@dataclass(frozen=True, slots=True)
class Sampling:
    """How text is chosen. As OpenAI has it: nothing but temperature and top_p shapes it."""

    max_tokens: int = DEFAULT_MAX_TOKENS
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    stop: tuple[str, ...] = ()
    grammar: str | None = None
    """GBNF that the text obeys."""
    logprobs: bool = False
    """Whether tokens come with their log-probabilities."""
    extra: JsonMapping = field(default_factory=dict)
    """Further fields of llama.cpp's completions, such as top_k."""

    def body(self) -> JsonObject:
        """Return the fields of a completion."""
        body: JsonObject = {
            "top_k": 0,
            "min_p": 0.0,
            "repeat_penalty": 1.0,
            **self.extra,
            "max_tokens": self.max_tokens,
            "temperature": self.temperature,
            "top_p": self.top_p,
            "seed": self.seed,
        }
        if self.stop:
            body["stop"] = list(self.stop)
        if self.grammar is not None:
            body["grammar"] = self.grammar
        if self.logprobs:
            body["logprobs"] = 1
        return body


@dataclass(frozen=True, slots=True)
class Generated:
    """What the engine generated."""

    text: str
    finish_reason: str
    """`stop`, or `length` when `max_tokens` ended it."""
    prompt_tokens: int
    completion_tokens: int
    reused_tokens: int
    """Tokens of the prompt that were evaluated before."""
    tokens: tuple[int, ...] = ()
    """The generated tokens; only with `logprobs`."""
    logprobs: tuple[float, ...] = ()
    """The log-probability of each, at temperature 1."""


class Engine:
    """Weights in memory, and the conversations that are evaluated."""

    def __init__(
        self,
        server: LlamaServer,
        header: GgufHeader,
        options: EngineOptions,
        prefixes: PrefixStore,
        *,
        has_adapter: bool = False,
    ) -> None:
        self._server = server
        self.header = header
        self.options = options
        self.has_adapter = has_adapter
        """Whether the weights were trained further, for these very prompts."""
        self._prefixes = prefixes
        self._kept = KeptConversations(prefixes.folder)
        self._slots = SlotPool(options.n_parallel)
        self._rendered_prefixes: dict[PlainTurn, str] = {}
        self._lock = threading.Lock()
        self._calls: set[Call] = set()
        self._ended = threading.Condition(self._lock)
        self._is_closed = False

    def prompt_of(self, turns: Sequence[PlainTurn]) -> str:
        """Return the prompt that the weights' own chat template makes of turns.

        Raises:
            CallFailed: the template refuses the turns.
        """
        return rendered(self._server, [turn._asdict() for turn in turns])

    def prefix_of(self, turns: Sequence[PlainTurn]) -> str:
        """Return the beginning of the prompt that all conversations with this system turn share."""
        if not turns or turns[0].role != "system":
            return ""
        system = turns[0]
        known = self._rendered_prefixes.get(system)
        if known is None:
            known = self._render_prefix(system)
            if len(self._rendered_prefixes) >= self.options.n_parallel * 4:
                self._rendered_prefixes.clear()
            self._rendered_prefixes[system] = known
        return known

    def _render_prefix(self, system: PlainTurn) -> str:
        by_user = self.prompt_of([system, PlainTurn("user", _PLACE)]).partition(_PLACE)[0]
        try:
            # Agents greet first, where the template permits it.
            greeted = self.prompt_of([system, PlainTurn("assistant", _PLACE)])
        except CallFailed:
            return by_user
        return by_user[: common_length(by_user, greeted.partition(_PLACE)[0])]

    def tokens_of(self, prompt: str) -> list[int]:
        """Return the tokens of a prompt."""
        return tokenized(self._server, prompt)

    def generate(
        self,
        prompt: str,
        sampling: Sampling,
        *,
        prefix: str = "",
        call: Call | None = None,
        on_text: Callable[[str], None] | None = None,
    ) -> Generated:
        """Return what follows a prompt. Blocks; other threads may call at the same time.

        Args:
            prompt: As `prompt_of` returns it.
            sampling: How text is chosen.
            prefix: The beginning of the prompt that other conversations have, too. It is evaluated
                once and kept on disk.
            call: How long it may take, and how it is given up.
            on_text: Receives the text piece by piece.

        Raises:
            CallFailed: the prompt is longer than the context, the time is over, or the engine
                failed.
        """
        call = call or Call()
        with self._lock:
            if self._is_closed:
                raise unreachable("the local engine is closed", was_sent=False)
            self._calls.add(call)
        try:
            with self._slots.slot_for(prompt, call, len(prefix)) as slot:
                self._change_conversation(slot, prompt, prefix)
                evaluated = self._load_prefix(slot, prompt, prefix, call)
                generated = self._generate(slot, prompt, sampling, call, on_text)
                return replace(generated, reused_tokens=generated.reused_tokens - evaluated)
        finally:
            with self._lock:
                self._calls.discard(call)
                self._ended.notify_all()

    def _generate(
        self,
        slot: Slot,
        prompt: str,
        sampling: Sampling,
        call: Call,
        on_text: Callable[[str], None] | None,
    ) -> Generated:
        answer = _Answer(call, on_text)
        slot.text = ""
        self._server.complete(self._body(slot, prompt, sampling), answer.add)
        generated = answer.result()
        slot.text = prompt
        if generated.finish_reason == "length":
            self._check_length(generated)
        return generated

    def _body(self, slot: Slot, prompt: str, sampling: Sampling) -> JsonObject:
        return {
            **sampling.body(),
            "prompt": prompt,
            "id_slot": slot.number,
            "cache_prompt": True,
            "return_progress": True,  # so that a call can be ended while its prompt is evaluated
        }

    def _check_length(self, generated: Generated) -> None:
        """Raise CallFailed when the context, not `max_tokens`, ended the answer."""
        used = generated.prompt_tokens + generated.completion_tokens
        if used >= self.options.n_ctx:
            raise from_error_body(
                {
                    "code": 400,
                    "type": "exceed_context_size_error",
                    "message": f"prompt and answer exceed the available context size "
                    f"({self.options.n_ctx} tokens)",
                }
            )

    def _change_conversation(self, slot: Slot, prompt: str, prefix: str) -> None:
        """Keep what the slot holds of another conversation; fetch what was kept of this one."""
        shared = slot.common(prompt)
        if shared == len(slot.text) > 0:
            return  # the conversation goes on here
        if len(slot.text) - shared > LEAST_KEPT:
            name = self._kept.new_name()
            try:
                self._save(slot, name)
            except OSError as error:
                logger.info("a conversation could not be kept: %s", error)
                self._kept.remove([name])
            else:
                self._kept.add(slot.text, name)
        found = self._kept.take(prompt, longer_than=max(shared, len(prefix)))
        if found is not None:
            self._restore(slot, found[1], found[0])
            self._kept.remove([found[1]])

    def _load_prefix(self, slot: Slot, prompt: str, prefix: str, call: Call) -> int:
        """Have the slot hold the prefix: as it is, from a file, or evaluated and written to one.

        Return how many tokens of it were evaluated.
        """
        if len(prefix) < SHORTEST or not prompt.startswith(prefix):
            return 0
        if slot.common(prompt) >= len(prefix):
            return 0
        with self._prefixes.lock_of(prefix):
            call.check()
            name = self._prefixes.found(prefix)
            if name is not None and self._restore(slot, name, prefix):
                return 0
            self._prefixes.remove(prefix)
            evaluated = self._evaluate(slot, prefix, call)
            self._prefixes.add(prefix, lambda name: self._save(slot, name))
            return evaluated

    def _restore(self, slot: Slot, name: str, text: str) -> bool:
        """Read evaluated tokens of a text from a file into a slot; return whether that worked."""
        slot.text = ""
        try:
            answer = self._server.route(f"/slots/{slot.number}?action=restore", {"filename": name})
        except CallFailed as failure:
            logger.info("evaluated tokens could not be read: %s", failure.text)
            return False
        if not answer.get("n_restored"):
            return False
        slot.text = text
        return True

    def _evaluate(self, slot: Slot, prefix: str, call: Call) -> int:
        slot.text = ""
        answer = _Answer(call, None)
        self._server.complete(self._body(slot, prefix, Sampling(max_tokens=0)), answer.add)
        generated = answer.result()
        slot.text = prefix
        return generated.prompt_tokens - generated.reused_tokens

    def _save(self, slot: Slot, name: str) -> None:
        try:
            self._server.route(f"/slots/{slot.number}?action=save", {"filename": name})
        except CallFailed as failure:
            raise OSError(failure.text) from failure

    def close(self) -> None:
        """End all calls, and free the memory."""
        with self._ended:
            if self._is_closed:
                return
            self._is_closed = True
            for call in self._calls:
                call.cancel()
            while self._calls:
                self._ended.wait()
        self._server.close()
        self._kept.close()
        self._prefixes.close()

    def abandon(self) -> None:
        """Give up an engine that this process inherited from its parent."""
        self._is_closed = True
        leak(self._server)


class _Answer:
    """Collects the pieces of one completion."""

    def __init__(self, call: Call, on_text: Callable[[str], None] | None) -> None:
        self._call = call
        self._on_text = on_text
        self._parts: list[str] = []
        self._tokens: list[int] = []
        self._logprobs: list[float] = []
        self._last: JsonMapping = {}
        self._problem: BaseException | None = None

    def add(self, chunk: JsonMapping) -> bool:
        """Take a piece; return whether the generation shall end. llama.cpp must see no error."""
        try:
            return self._add(chunk)
        except BaseException as error:  # noqa: BLE001  -- Ctrl-C too; `result` raises it again
            self._problem = error
            return True

    def _add(self, chunk: JsonMapping) -> bool:
        if chunk.get("error"):
            self._problem = from_error_body(chunk["error"])
            return True
        choices = chunk.get("choices") or ()
        for choice in choices:
            text = choice.get("text") or ""
            if text:
                self._parts.append(text)
                if self._on_text is not None:
                    self._on_text(text)
            self._add_logprobs(choice.get("logprobs"))
            if choice.get("finish_reason"):
                self._last = {**chunk, "finish_reason": choice["finish_reason"]}
        return self._call.is_over

    def _add_logprobs(self, given: JsonValue) -> None:
        for token in (given or {}).get("content") or ():
            self._tokens.append(int(token["id"]))
            self._logprobs.append(float(token["logprob"]))

    def result(self) -> Generated:
        """Return what was generated.

        Raises:
            CallFailed: there was an error, or the call was ended.
        """
        if self._problem is not None:
            raise self._problem
        if not self._last:
            self._call.check()
            raise unreachable("llama.cpp ended an answer before it was whole")
        usage = self._last.get("usage") or {}
        timings = self._last.get("timings") or {}
        return Generated(
            text="".join(self._parts),
            finish_reason=str(self._last["finish_reason"]),
            prompt_tokens=int(usage.get("prompt_tokens") or 0),
            completion_tokens=int(usage.get("completion_tokens") or 0),
            reused_tokens=int(timings.get("cache_n") or 0),
            tokens=tuple(self._tokens),
            logprobs=tuple(self._logprobs),
        )


class _Engines:
    """The engines of this process."""

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._loading: dict[tuple[Path, Path | None], threading.Lock] = {}
        self._loaded: dict[tuple[Path, Path | None], Engine] = {}

    def get(self, weights: Path, adapter: Path | None, settings: EngineSettings) -> Engine:
        key = (weights.resolve(), adapter.resolve() if adapter is not None else None)
        with self._lock:
            lock = self._loading.setdefault(key, threading.Lock())
        with lock:  # others wait for the same weights, not for different ones
            engine = self._loaded.get(key)
            if engine is None:
                engine = _load(weights, adapter, settings)
                self._loaded[key] = engine
            else:
                _check_same(engine, weights, settings)
            return engine

    def close(self) -> None:
        while self._loaded:
            _, engine = self._loaded.popitem()
            engine.close()

    def abandon(self) -> None:
        """In a forked child: its parent's threads are not here, nor is who holds the locks."""
        for engine in self._loaded.values():
            engine.abandon()
        self._forget()


_ENGINES = _Engines()


def _close_at_exit() -> None:
    """Free the engines. A second Ctrl-C ends the process, for nothing is left to be saved."""
    try:
        _ENGINES.close()
    except KeyboardInterrupt:
        # A normal exit would wait for the threads of llama.cpp.
        flush()
        os._exit(_INTERRUPTED)


atexit.register(_close_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_ENGINES.abandon)


def engine_for(
    weights: Path, adapter: Path | None = None, settings: EngineSettings | None = None
) -> Engine:
    """Return the engine of some weights; the first call loads them, which takes seconds.

    Raises:
        ConfigError: the weights are loaded with other settings.
        DataFileError: a file is no GGUF file.
        MissingExtra: xllamacpp is not installed.
        CallFailed: llama.cpp cannot load the weights.
    """
    return _ENGINES.get(weights, adapter, settings or EngineSettings())


def close_engines() -> None:
    """Free all weights; the next call loads them again."""
    _ENGINES.close()


def _load(weights: Path, adapter: Path | None, settings: EngineSettings) -> Engine:
    header = read_header(weights)
    n_ctx = settings.n_ctx or min(header.context_length or DEFAULT_CONTEXT, DEFAULT_CONTEXT)
    options = EngineOptions(
        n_ctx, settings.n_parallel or DEFAULT_PARALLEL, settings.n_threads or DEFAULT_THREADS
    )
    prefixes = PrefixStore(cache_dir() / "prefixes", _identity(weights, adapter))
    try:
        server = start_server(weights, adapter, options, prefixes.folder)
    except BaseException:
        prefixes.close()
        raise
    return Engine(server, header, options, prefixes, has_adapter=adapter is not None)


def _identity(weights: Path, adapter: Path | None) -> str:
    """Return what evaluated tokens depend on besides the text."""
    files = [weights] if adapter is None else [weights, adapter]
    facts = [(str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    return f"{version()} {facts}"


def _check_same(engine: Engine, weights: Path, settings: EngineSettings) -> None:
    for name in ("n_ctx", "n_parallel", "n_threads"):
        asked = getattr(settings, name)
        loaded = getattr(engine.options, name)
        if asked is not None and asked != loaded:
            raise ConfigError(
                f"{weights.name} is loaded with {name}={loaded}, so it cannot be asked with "
                f"{name}={asked}; give the same for every role, or leave it out"
            )
