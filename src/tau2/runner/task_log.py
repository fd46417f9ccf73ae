"""One log file per episode.

Turns, tool calls and model calls with their times, readable by a person.

`<run>/artifacts/task_<task>/sim_<simulation>/task.log`. Secrets are redacted. Every line of ours
begins with the seconds since the start; every line of a text begins with `|`, so that no text can
look like one of ours.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from tau2.data_model.message import AssistantMessage, ToolCall, ToolMessage, UserMessage
from tau2.data_model.simulation import SimulationRun
from tau2.data_model.utterances import TICK_SECONDS, Speaker, utterances
from tau2.llm.failure import CallFailed
from tau2.llm.parse import tokens_of
from tau2.llm.request import Flow, Request, Response
from tau2.llm.secrets import Redactor
from tau2.orchestrator.episode import Ask, Failure
from tau2.orchestrator.tracing import EpisodeInfo, Notify
from tau2.storage.files import make_within
from tau2.storage.results import companion
from tau2.utils.text import beginning_of, clean_text, plural

logger = logging.getLogger(__name__)

ARTIFACTS_NAME = "artifacts"
LOG_NAME = "task.log"
_LONGEST_TEXT = 20_000  # characters of one text that are kept
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_NAME = 80
_SPEAKERS: Mapping[Speaker, str] = {"user": "user", "assistant": "agent"}
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""Characters that would move the cursor when the file is shown on a terminal."""


def artifacts_folder(path: Path) -> Path:
    """Return where the logs of the run at `path` lie."""
    return companion(path, ARTIFACTS_NAME)


class TaskLogs:
    """Writes one log per episode below a folder, which is made if the run's folder is there."""

    def __init__(self, folder: Path, redactor: Redactor | None = None) -> None:
        self._folder = folder
        self._redactor = redactor or Redactor()

    @contextmanager
    def episode(self, info: EpisodeInfo) -> Iterator[TaskLog]:
        """Enclose one attempt at an episode; a disk that fails costs the log, not the episode."""
        log = TaskLog(self._opened(info), self._redactor)
        try:
            log.begin(info)
            yield log
        except BaseException as problem:
            log.note(f"broken off: {type(problem).__name__}", str(problem))
            raise
        finally:
            log.close()

    def _opened(self, info: EpisodeInfo) -> TextIO | None:
        names = (f"task_{as_name(info.task_id)}", f"sim_{as_name(info.simulation_id)}")
        path = self._folder.joinpath(*names, LOG_NAME)
        try:
            make_within(self._folder.parent, path.parent)
            return path.open("a", encoding="utf-8", errors="replace")
        except OSError as problem:
            logger.warning("%s: no log is kept: %s", path, problem)
            return None

    def close(self) -> None:
        """Do nothing: no file is open between episodes."""


def as_name(text: str) -> str:
    """Return text as a part of a file's name."""
    return _NOT_IN_A_NAME.sub("-", text).strip("-.")[:_LONGEST_NAME] or "none"


class TaskLog:
    """The log of one episode."""

    def __init__(self, file: TextIO | None, redactor: Redactor) -> None:
        self._file = file
        self._redactor = redactor
        self._began = time.perf_counter()

    def begin(self, info: EpisodeInfo) -> None:
        """Say what is played."""
        cast = f"{info.domain}: {info.agent} x {info.user}"
        self.note(f"task {info.task_id}, trial {info.trial}, seed {info.seed}, {cast}")
        self.note(f"simulation {info.simulation_id}, {time.strftime('%Y-%m-%d %H:%M:%S %z')}")

    def note(self, what: str, *texts: str, redactor: Redactor | None = None) -> None:
        """Write one event and the texts that belong to it."""
        clean = (redactor or self._redactor).text
        at = time.perf_counter() - self._began
        lines = [f"{at:10.3f} s  {' '.join(_plain(clean(what)).split())}"]
        for text in texts:
            shown = beginning_of(text, _LONGEST_TEXT, lambda part: _plain(clean(part)))
            lines += [f"{'':12}  | {line}" for line in shown.splitlines()]
        self._write("\n".join(lines) + "\n")

    def _write(self, text: str) -> None:
        if self._file is None:
            return
        try:
            self._file.write(text)
            self._file.flush()
        except OSError as problem:
            logger.warning("%s: the log ends here: %s", self._file.name, problem)
            self.close()

    def close(self) -> None:
        """Close the file. May be called again."""
        file = self._file
        self._file = None
        try:
            if file is not None:
                file.close()
        except OSError as problem:
            logger.warning("the log of an episode is incomplete: %s", problem)

    @contextmanager
    def turn(self, ask: Ask) -> Iterator[Notify]:
        """Enclose one turn."""
        began = time.perf_counter()
        yield lambda answer: self._answered(ask, answer, time.perf_counter() - began)

    def _answered(self, ask: Ask, answer: Any, seconds: float) -> None:
        if isinstance(answer, Failure):
            self.note(
                f"{ask.to.value} failed after {seconds:.3f} s: {answer.reason.value}", answer.text
            )
        elif isinstance(answer, AssistantMessage | UserMessage):
            calls = [f"-> {call.name}({self._arguments(call)})" for call in answer.calls]
            self.note(f"{ask.to.value} after {seconds:.3f} s", answer.content or "", *calls)

    def _arguments(self, call: ToolCall) -> str:
        return json.dumps(self._redactor.data(call.arguments), ensure_ascii=False, default=str)

    @contextmanager
    def tool_call(self, call: ToolCall) -> Iterator[Notify]:
        """Enclose one tool call."""
        began = time.perf_counter()

        def notify(result: ToolMessage) -> None:
            kind = "error of" if result.error else "result of"
            self.note(
                f"{kind} {call.name} after {time.perf_counter() - began:.3f} s",
                result.content or "",
            )

        yield notify

    def middleware(
        self, request: Request, send: Callable[[Request], Flow[Response]]
    ) -> Flow[Response]:
        """Write one line per attempt to reach a model."""
        began = time.perf_counter()
        name = request.call_name or "call"
        asked = f"model {request.model} ({name}, {plural(len(request.messages), 'message')})"
        try:
            response = yield from send(request)
        except CallFailed as failure:
            status = f"HTTP {failure.status}" if failure.status else failure.verdict.__name__
            took = f"{time.perf_counter() - began:.3f} s"
            self.note(
                f"{asked} failed after {took}: {status}",
                failure.text,
                redactor=self._redactor.with_secrets_of(request.args),
            )
            raise
        prompt, completion = tokens_of(response)
        known = ["?" if tokens is None else str(tokens) for tokens in (prompt, completion)]
        took = f"{time.perf_counter() - began:.3f} s"
        self.note(f"{asked} answered after {took}: {' + '.join(known)} tokens")
        return response

    def ended(self, run: SimulationRun) -> None:
        """Say how the episode ended and was graded; of a call, who said what when."""
        for said in _spoken(run):
            self.note(*said)
        reward = (
            f"reward {run.reward_info.reward:.2f}"
            if run.is_scored and run.reward_info
            else "no score"
        )
        why = [
            str(run.info[key]) for key in ("error", "review_error") if run.info and key in run.info
        ]
        self.note(f"ended: {run.termination_reason.value}, {reward}, {run.duration:.3f} s", *why)


def _spoken(run: SimulationRun) -> Iterator[tuple[str, str]]:
    """Yield when each utterance of a call was heard, and its words."""
    ticks = run.ticks or []
    both = [said for speaker in _SPEAKERS for said in utterances(ticks, speaker)]
    for said in sorted(both, key=lambda one: one.start):
        seconds = ticks[said.start].tick_duration_seconds or TICK_SECONDS
        when = f"{said.start * seconds:.1f} to {said.end * seconds:.1f} s of the call"
        yield f"{_SPEAKERS[said.speaker]} from {when}", said.text


def _plain(text: str) -> str:
    return _CONTROLS.sub("", clean_text(text.replace("\r\n", "\n")))
