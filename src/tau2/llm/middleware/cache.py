"""A cache: a folder of responses, by what was asked, so that no request is paid for twice.

The key is the whole request: model, messages, tools, tool choice, every argument but the secret
ones, and the address (without credentials) where the model is served. A request whose temperature
is 0 has one answer. Any other is a draw, and two draws must not become one: its key also holds the
task, trial and seed of the simulation it is made for. The same request made again within one
attempt is numbered, so that best-of-n stays n answers.

Failures, empty answers, answers that were cut off without the request asking for it, and answers in
which something would have to be redacted are not kept. Each response is a file of its own, replaced
atomically and checked when it is read: a damaged one is a miss.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import threading
import uuid
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from tau2.llm.attempt_context import AttemptContext, current_attempt
from tau2.llm.failure import CallFailed
from tau2.llm.middleware import NextSend
from tau2.llm.parse import checked_completion, parse_completion
from tau2.llm.prices import is_anthropic
from tau2.llm.request import Flow, Request, Response
from tau2.llm.secrets import PRIVATE_ARGS, Redactor
from tau2.storage.files import naming
from tau2.utils.json_types import JsonObject, JsonValue

logger = logging.getLogger(__name__)

FORMAT = 1
_LARGEST = 64 * 2**20  # bytes of one response's file
_ADDRESSES = ("OPENAI_BASE_URL", "OPENAI_API_BASE", "HOSTED_VLLM_API_BASE")
_ANTHROPIC_ADDRESSES = ("ANTHROPIC_BASE_URL", "ANTHROPIC_API_BASE")


@dataclass(slots=True)
class _Numbers:
    """Which numbers of each key are taken in one attempt."""

    taken: defaultdict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def take(self, key: str) -> Iterator[int]:
        """Take the lowest free number of a key; it is free again if the block fails."""
        with self.lock:
            taken = self.taken[key]
            number = next(number for number in range(len(taken) + 1) if number not in taken)
            taken.add(number)
        try:
            yield number
        except BaseException:
            self.free(key, number)
            raise

    def free(self, key: str, number: int) -> None:
        """Give a number back."""
        with self.lock:
            self.taken[key].discard(number)


class ResponseCache:
    """Responses in a folder, which processes may share.

    Args:
        folder: Where the responses are kept.
        redactor: Knows the secrets of the run.
    """

    def __init__(self, folder: Path, redactor: Redactor | None = None) -> None:
        self.folder = folder
        self.hits = 0
        self.misses = 0
        self._redactor = redactor or Redactor()
        self._counting = threading.Lock()

    def middleware(self, request: Request, send: NextSend) -> Flow[Response]:
        """Return the cached response, or send and cache what comes."""
        if request.is_stateful:
            # What was answered once would continue a conversation that the endpoint knows not.
            return (yield from send(request))
        attempt = current_attempt.get()
        numbers = attempt.state_of(self, _Numbers) if attempt is not None else _Numbers()
        key = key_of(request, attempt)
        with numbers.take(key) as number:
            name = hashlib.sha256(f"{key} {number}".encode()).hexdigest()
            file = self.folder / name[:2] / f"{name}.json"
            cached = _read(file)
            with self._counting:
                self.hits += cached is not None
                self.misses += cached is None
            if cached is not None:
                return cached
            response = yield from send(request)
            if _is_complete(request, response):
                self._keep(file, request, response)
            else:
                numbers.free(key, number)  # it will be asked again, and answered under this number
        return response

    def _keep(self, file: Path, request: Request, response: Response) -> None:
        try:
            plain = json.loads(json.dumps(response, default=str))
        except (ValueError, TypeError, RecursionError):  # no JSON
            plain = None
        redactor = self._redactor.with_secrets_of(request.args)
        if plain != response or redactor.data(plain) != plain:
            logger.info(
                "model %s: a response with a secret, or that is no plain JSON, is not cached",
                request.model,
            )
            return
        text = json.dumps(plain)
        content = {
            "format": FORMAT,
            "model": request.model,
            "sha256": _checksum(text),
            "response": text,
        }
        _replace(file, json.dumps(content).encode())


def key_of(request: Request, attempt: AttemptContext | None) -> str:
    """Return what names a request, and its simulation where its answer is a draw."""
    args = {name: value for name, value in request.args.items() if name not in PRIVATE_ARGS}
    asked: list[JsonValue] = [
        FORMAT,
        request.model,
        request.messages,
        request.tools,
        request.tool_choice,
        args,
        _address(request),
    ]
    temperature = request.args.get("temperature")
    is_draw = not isinstance(temperature, int | float) or temperature != 0
    if attempt is not None and is_draw:
        asked.append([attempt.task_id, attempt.trial, attempt.seed])
    return hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()


def _address(request: Request) -> str:
    """Return where a model is served, without credentials.

    Part of the key, because one name may mean two models on two servers.
    """
    given = request.args.get("api_base") or request.args.get("base_url")
    names = _ANTHROPIC_ADDRESSES if is_anthropic(request.model) else _ADDRESSES
    given = given or next((os.environ[name] for name in names if os.environ.get(name)), "")
    parts = urlsplit(str(given))
    return f"{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"


def _is_complete(request: Request, response: Response) -> bool:
    """Return whether a response says something, and was not cut off against the request."""
    try:
        plain = checked_completion(response)
        if parse_completion(plain).is_empty:
            return False
    except CallFailed:
        return False
    is_cut = plain["choices"][0].get("finish_reason") == "length"
    return not is_cut or any(
        request.args.get(name) for name in ("max_tokens", "max_completion_tokens")
    )


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _read(file: Path) -> JsonObject | None:
    """Return a cached response; None if the file is absent, damaged or of another format."""
    try:
        with file.open("rb") as opened:
            content = json.loads(opened.read(_LARGEST))
        text = content["response"]
        if content["format"] != FORMAT or content["sha256"] != _checksum(text):
            return None
        response = json.loads(text)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return response if isinstance(response, dict) else None


def _replace(file: Path, content: bytes) -> None:
    """Write a file as a whole or not at all.

    It is not synced: what a power cut takes is only asked again.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.stem[:16]}.{uuid.uuid4().hex[:12]}.part")
    with naming(file):
        try:
            part.write_bytes(content)
            part.replace(file)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
