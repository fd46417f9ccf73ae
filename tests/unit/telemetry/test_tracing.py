"""Spans of episodes, turns, model calls and tool calls.

No text in them unless asked for, never a secret.
"""

from __future__ import annotations

import pytest
from tests.cast import Agent, AsyncAgent, User, calls, create_meeting, says
from tests.stub import Raw, StubServer, by_turn, failing
from tests.unit.runner.conftest import a_config

pytest.importorskip(
    "opentelemetry.sdk.trace", reason="the OpenTelemetry SDK is not installed (extra: otel)"
)

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from tau2.data_model.simulation import SimulationRun
from tau2.errors import AgentError, MissingExtra, UnknownName
from tau2.llm.secrets import Redactor
from tau2.runner.batch import run_single_task
from tau2.runner.tasks import get_tasks
from tau2.telemetry import check_telemetry
from tau2.telemetry.destination import open_destination
from tau2.telemetry.evaluation import evaluation_events

TASK = get_tasks("mock", task_ids=["create_task_1"])[0]
KEY = "plain-words-nobody-may-see"


@pytest.fixture
def spans(monkeypatch):
    """The finished spans of an application that has set up OpenTelemetry.

    `spans()` by name, `spans("chat")` some.
    """
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    yield lambda start="": [
        span for span in exporter.get_finished_spans() if span.name.startswith(start)
    ]
    provider.shutdown()


@pytest.fixture
def model():
    """A model that solves the task."""
    call = {"name": "create_task", "arguments": {"user_id": "user_1", "title": "Important Meeting"}}
    with StubServer(by_turn([call, "It is on the list."], end="Bye.")) as stub:
        yield stub


def asking(model, **options):
    args = {"api_base": model.base_url, "api_key": KEY, "temperature": 0.5, "max_tokens": 50}
    return a_config(
        agent="llm_agent", llm_agent="openai/small", llm_args_agent=args, otel=True, **options
    )


def parent_of(span, spans):
    return next(
        (other for other in spans if span.parent and other.context.span_id == span.parent.span_id),
        None,
    )


def test_an_episode_is_a_tree(cast, model, spans):
    cast(user=lambda **_: User(says("Please.")))
    run = run_single_task(asking(model), TASK)
    (episode,) = spans("episode")
    (tool,) = spans("execute_tool")
    chats = spans("chat")
    assert run.reward_info.reward == 1.0
    assert episode.name == "episode create_task_1"
    assert episode.attributes["gen_ai.conversation.id"] == run.id
    assert (episode.attributes["tau2.reward"], episode.attributes["tau2.termination_reason"]) == (
        1.0,
        "user_stop",
    )
    assert {parent_of(span, spans()).name for span in spans("turn")} == {episode.name}
    assert {parent_of(span, spans()).name for span in chats} == {"turn agent"}
    assert parent_of(tool, spans()).name == "turn env"
    assert (tool.attributes["gen_ai.tool.name"], tool.attributes["tau2.requestor"]) == (
        "create_task",
        "assistant",
    )
    assert len({span.context.trace_id for span in spans()}) == 1


def test_a_model_call_follows_the_conventions(cast, model, spans):
    run_single_task(asking(model), TASK)
    said = dict(spans("chat")[0].attributes)
    assert said["gen_ai.operation.name"] == "chat"
    assert (said["gen_ai.provider.name"], said["gen_ai.request.model"]) == ("openai", "small")
    assert (said["gen_ai.request.temperature"], said["gen_ai.request.max_tokens"]) == (0.5, 50)
    assert said["gen_ai.usage.input_tokens"] > 0
    assert said["gen_ai.usage.output_tokens"] == 20
    assert said["gen_ai.response.finish_reasons"] == ("tool_calls",)
    assert (said["server.address"], said["server.port"]) == ("127.0.0.1", model.port)
    assert said["tau2.call_name"]


def test_every_attempt_is_a_span_and_says_why_it_failed(cast, spans):
    with StubServer([failing(429, f"slow down, {KEY}", retry_after=0), "Fine. ###STOP###"]) as stub:
        run_single_task(asking(stub), TASK)
    failed, answered = spans("chat")[:2]
    assert (failed.attributes["error.type"], failed.status.status_code) == ("429", StatusCode.ERROR)
    assert "slow down" in failed.status.description
    assert "error.type" not in answered.attributes


def test_a_failed_tool_call_and_a_failed_turn_say_so(cast, spans):
    cast(agent=lambda **_: Agent(says(calls("nothing"), AgentError("lost for words"))))
    run_single_task(a_config(otel=True), TASK)
    assert spans("execute_tool")[0].attributes["error.type"] == "tool_error"
    failed = spans("turn agent")[-1]
    assert (failed.attributes["error.type"], failed.status.description) == (
        "agent_error",
        "agent: lost for words",
    )


def test_an_attempt_that_breaks_off_is_an_episode_with_an_error(cast, spans):
    cast(agent=lambda **_: Agent(says(ConnectionError(f"no idea; Bearer {KEY}"))))
    run_single_task(a_config(otel=True, max_retries=1), TASK)
    assert [span.attributes["error.type"] for span in spans("episode")] == [
        "ConnectionError",
        "ConnectionError",
    ]
    assert spans("episode")[0].status.description == "no idea; [redacted]"


def test_there_are_no_texts_unless_they_are_asked_for(cast, model, spans, monkeypatch):
    cast(user=lambda **_: User(says("Please.")))
    run_single_task(asking(model), TASK)
    assert not any(
        "Please." in str(span.attributes) or "Meeting" in str(span.attributes) for span in spans()
    )
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true")
    run_single_task(asking(model), TASK)
    assert "Important Meeting" in spans("execute_tool")[-1].attributes["gen_ai.tool.call.arguments"]
    assert any(span.attributes.get("tau2.content") == "Please." for span in spans("turn user"))
    assert not any(KEY in span.to_json() for span in spans())


def test_episodes_at_once_do_not_mix(cast, spans):
    from tau2.runner.batch import run_tasks

    cast(
        agent=lambda **_: AsyncAgent(says(create_meeting(), "Done.")),
        user=lambda **_: User(says("Please.")),
    )
    tasks = get_tasks("mock", task_ids=["create_task_1", "update_task_1"])
    run_tasks(a_config(otel=True, num_trials=4, max_concurrency=8), tasks, console_display=False)
    assert len(spans("episode")) == 8
    assert {
        parent_of(span, spans()).context.trace_id == span.context.trace_id for span in spans("turn")
    } == {True}
    traces = [span.context.trace_id for span in spans("turn")]
    by_trace = [traces.count(episode.context.trace_id) for episode in spans("episode")]
    assert set(by_trace) == {5}


def test_without_the_option_nothing_is_traced(cast, spans):
    run_single_task(a_config(), TASK)
    assert spans() == []


def test_the_environment_says_where_spans_go(monkeypatch, capfd):
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "console")
    check_telemetry()
    destination = open_destination()
    destination.tracer.start_span("hello").end()
    destination.close()
    streams = capfd.readouterr()
    assert (streams.out, '"hello"' in streams.err, '"service.name": "tau2"' in streams.err) == (
        "",
        True,
        True,
    )


def test_nowhere_is_a_place_too(monkeypatch):
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "none")
    destination = open_destination()
    destination.tracer.start_span("hello").end()
    destination.close()


def test_an_exporter_that_nobody_has_is_refused_before_anything_is_played(cast, monkeypatch):
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "pigeon")
    with pytest.raises(UnknownName, match="pigeon"):
        run_single_task(a_config(otel=True), TASK)


def test_a_missing_exporter_names_the_extra(cast, monkeypatch):
    import sys

    monkeypatch.delenv("OTEL_TRACES_EXPORTER", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(MissingExtra, match=r"tau2-bench\[otel\]"):
        run_single_task(a_config(otel=True), TASK)


def test_the_reward_and_its_parts_are_events_of_the_episode(cast, spans):
    cast(agent=lambda **_: Agent(says("No.")), user=lambda **_: User(says("Please.")))
    run_single_task(a_config(otel=True), TASK)
    (episode,) = spans("episode")
    assert {event.name for event in episode.events} == {"gen_ai.evaluation.result"}
    said = {
        event.attributes["gen_ai.evaluation.name"]: event.attributes for event in episode.events
    }
    assert {name: dict(said[name]) for name in ("reward", "ACTION")} == {
        "reward": {
            "gen_ai.evaluation.name": "reward",
            "gen_ai.evaluation.score.value": 0.0,
            "gen_ai.evaluation.score.label": "fail",
            "gen_ai.evaluation.explanation": "rests on DB, COMMUNICATE",
        },
        "ACTION": {
            "gen_ai.evaluation.name": "ACTION",
            "gen_ai.evaluation.score.value": 0.0,
            "gen_ai.evaluation.score.label": "fail",
            "gen_ai.evaluation.explanation": "0 of 1 met",
        },
    }
    assert "differs" in said["DB"]["gen_ai.evaluation.explanation"]


def test_what_is_not_met_is_named_where_texts_are_wanted(cast, spans, monkeypatch):
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true")
    cast(agent=lambda **_: Agent(says("No.")), user=lambda **_: User(says("Please.")))
    run_single_task(a_config(otel=True), TASK)
    explained = [
        event.attributes["gen_ai.evaluation.explanation"] for event in spans("episode")[0].events
    ]
    assert "0 of 1 met: create_task" in explained


def test_an_episode_without_a_score_has_no_evaluation(cast, spans):
    with StubServer(failing(500)) as stub:
        run_single_task(asking(stub, max_retries=0), TASK)
    assert not spans("episode")[0].events


def test_an_episode_that_could_not_be_graded_says_so():
    now = "2026-01-01T00:00:00"
    run = SimulationRun(
        id="s", task_id="t", start_time=now, end_time=now, duration=0.0,
        termination_reason="user_stop", messages=[],
    )  # fmt: skip
    (event,) = evaluation_events(run, Redactor())
    assert event == {"gen_ai.evaluation.name": "reward", "error.type": "not_graded"}


def test_tokens_of_the_providers_cache_are_told(cast, spans):
    details = {"cached_tokens": 64, "cache_write_tokens": 16}
    answer = {
        "choices": [{"message": {"role": "assistant", "content": "Bye."}, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": 100, "completion_tokens": 2, "prompt_tokens_details": details,
        },
    }  # fmt: skip
    with StubServer(Raw(200, answer)) as stub:
        run = run_single_task(asking(stub), TASK)
    said = spans("chat")[0].attributes
    assert said["gen_ai.usage.input_tokens"] == 100
    assert said["gen_ai.usage.cache_read.input_tokens"] == 64
    assert said["gen_ai.usage.cache_creation.input_tokens"] == 16
    usage = run.agent_usage
    assert (usage.cached_tokens, usage.cache_write_tokens) == (
        64 * usage.model_calls,
        16 * usage.model_calls,
    )
