"""A folder of answers, by what was asked: the same question is not paid for twice.

The key is the whole request: model, messages, tools, tool choice, every argument but the secret ones, and the address
(without credentials) where the model is served. A request whose temperature is 0 has one answer. Any other is a draw,
and two draws must not become one: its key also holds the task, trial and seed of the simulation it is made for. The
same question asked again within one attempt is numbered, so that best-of-n stays n answers.

Failures, answers without content, answers that were cut off without the request asking for it, and answers in which
something would have to be hidden are not kept. Each answer is a file of its own, replaced atomically and checked when
it is read: a damaged one is a miss.
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
from typing import Any
from urllib.parse import urlsplit

from tau2.llm.attempt_context import AttemptContext, current_attempt
from tau2.llm.failure import CallFailed
from tau2.llm.middleware import NextSend
from tau2.llm.parse import checked_completion, parse_completion
from tau2.llm.request import Flow, Request, Response
from tau2.llm.secrets import PRIVATE_ARGS, Redactor
from tau2.storage.files import naming

logger = logging.getLogger(__name__)

FORMAT = 1
_LARGEST = 64 * 2**20  # bytes of one answer's file
_ADDRESSES = ("OPENAI_BASE_URL", "OPENAI_API_BASE", "HOSTED_VLLM_API_BASE")


@dataclass(slots=True)
class _Asked:
    """Which numbers of each question are taken in one attempt."""

    taken: defaultdict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def number(self, key: str) -> Iterator[int]:
        """Take the lowest free number of a question; it is free again when no answer comes."""
        with self.lock:
            number = next(n for n in range(len(self.taken[key]) + 1) if n not in self.taken[key])
            self.taken[key].add(number)
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
    """Answers from a folder; `middleware` surrounds model calls. Processes may share the folder."""

    def __init__(self, folder: Path, redactor: Redactor | None = None) -> None:
        self.folder, self._redactor = folder, redactor or Redactor()
        self.hits = self.misses = 0
        self._counting = threading.Lock()

    def middleware(self, request: Request, send: NextSend) -> Flow[Response]:
        """Return the kept answer, or send and keep what comes."""
        unit = current_attempt.get()
        asked = unit.state_of(self, _Asked) if unit is not None else _Asked()
        key = key_of(request, unit)
        with asked.number(key) as number:
            file = self._file(key, number)
            kept = _read(file)
            self._count(hit=kept is not None)
            if kept is not None:
                return kept
            response = yield from send(request)
            if _says_all(request, response):
                self._keep(file, request, response)
            else:
                asked.free(key, number)
        return response

    def _file(self, key: str, number: int) -> Path:
        name = hashlib.sha256(f"{key} {number}".encode()).hexdigest()
        return self.folder / name[:2] / f"{name}.json"

    def _count(self, *, hit: bool) -> None:
        with self._counting:
            self.hits += hit
            self.misses += not hit

    def _keep(self, file: Path, request: Request, response: Response) -> None:
        plain = json.loads(json.dumps(response, default=str))
        if plain != response or self._redactor.with_secrets_of(request.args).data(plain) != plain:
            logger.info(
                "model %s: an answer with a secret, or that JSON does not hold, is not cached",
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


def key_of(request: Request, unit: AttemptContext | None) -> str:
    """Return what names a request, and its simulation where its answer is a draw."""
    args = {name: value for name, value in request.args.items() if name not in PRIVATE_ARGS}
    asked: list[Any] = [
        FORMAT,
        request.model,
        request.messages,
        request.tools,
        request.tool_choice,
        args,
    ]
    asked.append(_address(request))
    if unit is not None and not _is_certain(request):
        asked.append([unit.task_id, unit.trial, unit.seed])
    return hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()


def _is_certain(request: Request) -> bool:
    temperature = request.args.get("temperature")
    return isinstance(temperature, int | float) and temperature == 0


def _address(request: Request) -> str:
    """Return where a model is served, without credentials: one name may mean two models on two servers."""
    given = request.args.get("api_base") or request.args.get("base_url")
    given = given or next((os.environ[name] for name in _ADDRESSES if os.environ.get(name)), "")
    parts = urlsplit(str(given))
    return f"{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"


def _says_all(request: Request, response: Response) -> bool:
    """Return whether an answer says something, and was not cut off where the request allowed more."""
    try:
        plain = checked_completion(response)
        bounds = any(request.args.get(name) for name in ("max_tokens", "max_completion_tokens"))
        return not parse_completion(plain).is_empty and (
            bounds or plain["choices"][0].get("finish_reason") != "length"
        )
    except CallFailed:
        return False


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _read(file: Path) -> dict[str, Any] | None:
    """Return a kept answer; None for a file that is absent, damaged or not ours."""
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
    """Write a file whole or not at all; not synced, for what a power cut takes is only asked again."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.stem[:16]}.{uuid.uuid4().hex[:12]}.part")
    with naming(file):
        try:
            part.write_bytes(content)
            part.replace(file)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
