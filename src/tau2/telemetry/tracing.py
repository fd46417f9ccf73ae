"""Watches episodes and turns what it sees into spans."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tau2.data_model.message import AssistantMessage, ToolCall, ToolMessage, UserMessage
from tau2.data_model.simulation import SimulationRun
from tau2.errors import needs_extra
from tau2.llm.request import Flow, Request, Response
from tau2.llm.secrets import Redactor
from tau2.orchestrator.episode import Ask, Failure, Role
from tau2.orchestrator.tracing import EpisodeInfo, Notify
from tau2.telemetry.attributes import (
    as_content,
    error_type,
    of_episode,
    of_request,
    of_response,
    of_run,
    of_tool_call,
    shows_content,
)
from tau2.telemetry.destination import open_destination
from tau2.telemetry.evaluation import EVALUATION_EVENT, evaluation_events

with needs_extra("otel", "opentelemetry"):
    from opentelemetry.trace import SpanKind, StatusCode

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

_LONGEST_ERROR = 1000  # characters of an error that a span quotes
_BROKEN_OFF = (asyncio.CancelledError, GeneratorExit, KeyboardInterrupt)


def start_tracing(redactor: Redactor) -> Tracing:
    """Return what traces the episodes of a run in this process.

    Raise MissingExtra or UnknownName.
    """
    destination = open_destination()
    return Tracing(destination.tracer, redactor, close=destination.close, content=shows_content())


class Tracing:
    """Traces episodes with one tracer.

    Args:
        tracer: What makes the spans.
        redactor: Takes secrets out of errors and texts.
        content: Whether messages, and the arguments and results of tools, are part of the
            spans.
        close: Ends the tracer.
    """

    def __init__(
        self,
        tracer: Tracer,
        redactor: Redactor | None = None,
        *,
        content: bool = False,
        close: Callable[[], None] = lambda: None,
    ) -> None:
        self._tracer = tracer
        self._redactor = redactor or Redactor()
        self._content = content
        self.close = close

    @contextmanager
    def episode(self, info: EpisodeInfo) -> Iterator[EpisodeSpans]:
        """Enclose one attempt at an episode in a span."""
        made = _Spans(self._tracer, self._redactor)
        with made.current("episode " + info.task_id[:200], of_episode(info)) as span:
            yield EpisodeSpans(made, span, info, content=self._content)


@dataclass(frozen=True, slots=True)
class _Spans:
    """Makes spans whose errors hold no secrets."""

    tracer: Tracer
    redactor: Redactor = field(default_factory=Redactor)

    @contextmanager
    def current(self, name: str, attributes: dict[str, Any]) -> Iterator[Span]:
        """Make a span that is the parent of what happens within."""
        with (
            self.tracer.start_as_current_span(
                name, attributes=attributes, record_exception=False, set_status_on_exception=False
            ) as span,
            self._failing(span),
        ):
            yield span

    @contextmanager
    def call(self, request: Request) -> Iterator[Span]:
        """Make a span of an attempt to reach a model.

        It is never the current span, because a generator shares the context of its driver.
        """
        attributes = of_request(request)
        name = f"chat {attributes['gen_ai.request.model']}"
        span = self.tracer.start_span(name, kind=SpanKind.CLIENT, attributes=attributes)
        try:
            with self._failing(span, self.redactor.with_secrets_of(request.args)):
                yield span
        finally:
            span.end()

    @contextmanager
    def _failing(self, span: Span, redactor: Redactor | None = None) -> Iterator[None]:
        try:
            yield
        except _BROKEN_OFF:
            span.set_attribute("error.type", "cancelled")
            span.set_status(StatusCode.ERROR, "broken off")
            raise
        except BaseException as problem:
            span.set_attribute("error.type", error_type(problem))
            self.failed(span, str(problem), redactor)
            raise

    def failed(self, span: Span, text: str, redactor: Redactor | None = None) -> None:
        """Mark a span as failed and say why."""
        span.set_status(StatusCode.ERROR, (redactor or self.redactor).text(text)[:_LONGEST_ERROR])


class EpisodeSpans:
    """The spans of one episode."""

    def __init__(self, spans: _Spans, episode: Span, info: EpisodeInfo, *, content: bool) -> None:
        self._spans = spans
        self._episode = episode
        self._content = content
        self._names = {Role.AGENT: info.agent, Role.USER: info.user}

    @contextmanager
    def turn(self, ask: Ask) -> Iterator[Notify]:
        """Enclose one turn in a span."""
        attributes: dict[str, Any] = {"tau2.role": ask.to.value}
        if ask.to in self._names:
            attributes |= {
                "gen_ai.operation.name": "invoke_agent",
                "gen_ai.agent.name": self._names[ask.to],
            }
        with self._spans.current(f"turn {ask.to.value}", attributes) as span:
            yield lambda answer: self._answered(span, answer)

    def _answered(self, span: Span, answer: Any) -> None:
        if isinstance(answer, Failure):
            span.set_attribute("error.type", answer.reason.value)
            self._spans.failed(span, answer.text)
            return
        if not isinstance(answer, AssistantMessage | UserMessage):
            return  # results of tools have spans of their own
        span.set_attribute("tau2.tool_calls", len(answer.calls))
        if self._content and answer.content:
            span.set_attribute("tau2.content", as_content(answer.content, self._spans.redactor))

    @contextmanager
    def tool_call(self, call: ToolCall) -> Iterator[Notify]:
        """Enclose one tool call in a span."""
        attributes = of_tool_call(call)
        if self._content:
            attributes["gen_ai.tool.call.arguments"] = as_content(
                call.arguments, self._spans.redactor
            )
        with self._spans.current(
            f"execute_tool {attributes['gen_ai.tool.name']}", attributes
        ) as span:
            yield lambda result: self._result(span, result)

    def _result(self, span: Span, result: ToolMessage) -> None:
        if result.error:
            span.set_attribute("error.type", "tool_error")
            span.set_status(StatusCode.ERROR)
        if self._content:
            span.set_attribute(
                "gen_ai.tool.call.result", as_content(result.content or "", self._spans.redactor)
            )

    def middleware(
        self, request: Request, send: Callable[[Request], Flow[Response]]
    ) -> Flow[Response]:
        """Enclose one attempt to reach a model in a span."""
        with self._spans.call(request) as span:
            response = yield from send(request)
            for name, value in of_response(response).items():
                span.set_attribute(name, value)
        return response

    def ended(self, run: SimulationRun) -> None:
        """Say on the episode's span how it ended, and how it was graded."""
        for name, value in of_run(run).items():
            self._episode.set_attribute(name, value)
        for event in evaluation_events(run, self._spans.redactor, content=self._content):
            self._episode.add_event(EVALUATION_EVENT, event)
