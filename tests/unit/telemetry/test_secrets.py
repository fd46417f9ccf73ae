"""Planted secrets reach no log, no span, no review, and no record of a failure."""

from __future__ import annotations

import asyncio
import json

import pytest
from tests.cast import User, says
from tests.stub import StubServer, failing
from tests.unit.runner.conftest import a_config

from tau2.cli.logs import logging_to_stderr
from tau2.evaluator.evidence import Judge
from tau2.evaluator.review import review_simulation
from tau2.runner.batch import run_single_task
from tau2.runner.middleware import redactor_of
from tau2.runner.reviews import ReviewPlan, areview_all, call_log
from tau2.runner.tasks import get_tasks
from tau2.telemetry.attributes import as_content

TASK = get_tasks("mock", task_ids=["create_task_1"])[0]

IN_ARGS = {
    "api_key": "plum-kettle-orbit-1",
    "extra_headers": {
        "X-Team": "plum-kettle-orbit-2",
        "Authorization": "Bearer plum-kettle-orbit-3",
    },
    "extra_body": {"auth": {"client_secret": "plum-kettle-orbit-4"}},
}
IN_ENVIRONMENT = {
    "PLUM_SERVICE_TOKEN": "plum-kettle-orbit-5",
    "PLUM_URL": "http://me:plum-kettle-orbit-6@host/x",
}
IN_URL = "plum-kettle-orbit-7"
IN_TOOL = {"user_id": "user_1", "title": "sk-plumkettleorbit8", "password": "plum-kettle-orbit-9"}
SECRETS = [*(f"plum-kettle-orbit-{number}" for number in range(1, 10)), "sk-plumkettleorbit8"]
EVERYTHING = " ".join(SECRETS[:7]) + " sk-plumkettleorbit8"


def answers(body):
    """Fail once, saying every secret; then call a tool with secrets; then say them all."""
    answers.turn += 1
    match answers.turn:
        case 1:
            return failing(503, f"cannot take {EVERYTHING}", retry_after=0)
        case 2:
            return {"name": "create_task", "arguments": IN_TOOL}
    return f"I used {EVERYTHING}. ###STOP###"


def found(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret in text]


@pytest.fixture(autouse=True)
def planted(monkeypatch):
    answers.turn = 0
    for name, value in IN_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true")


@pytest.fixture
def args():
    with StubServer(answers) as stub:
        yield {**IN_ARGS, "api_base": f"{stub.base_url}?api_key={IN_URL}"}


def judge_args(args):
    verdict = json.dumps(
        {"summary": EVERYTHING, "errors": [{"source": "agent", "reasoning": EVERYTHING}]}
    )
    return {**args, "script": [verdict]}


def a_run(args, **options):
    reviewer = {
        "auto_review": True,
        "review_model": "scripted/reviewer",
        "review_args": judge_args(args),
    }
    return a_config(
        agent="llm_agent", llm_agent="openai/small", llm_args_agent=args, **reviewer, **options
    )


def test_log_files(cast, args, tmp_path):
    cast(user=lambda **_: User(says("My key is sk-plumkettleorbit8.")))
    run_single_task(a_run(args, verbose_logs=True), TASK, save_dir=tmp_path)
    (path,) = (tmp_path / "artifacts").rglob("task.log")
    text = path.read_text()
    assert (text.count("HTTP 503"), "create_task" in text) == (1, True)
    assert found(text) == []


def test_log_lines(cast, args, capsys):
    config = a_run(args)
    with logging_to_stderr("DEBUG", redactor_of(config).text):
        run_single_task(config, TASK)
    text = capsys.readouterr().err
    assert "cannot take [redacted]" in text
    assert found(text) == []


def test_spans(cast, args, monkeypatch):
    sdk = pytest.importorskip(
        "opentelemetry.sdk.trace", reason="the OpenTelemetry SDK is not installed (extra: otel)"
    )
    from opentelemetry import trace
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter, provider = InMemorySpanExporter(), sdk.TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    cast(user=lambda **_: User(says("My key is sk-plumkettleorbit8.")))
    run_single_task(a_run(args, otel=True), TASK)
    provider.shutdown()
    text = "".join(span.to_json() for span in exporter.get_finished_spans())
    assert "create_task" in text
    assert "cannot take" in text
    assert found(text) == []


def test_reviews(cast, args, tmp_path):
    run = run_single_task(a_run(args), TASK)
    assert run.review.errors[0].reasoning.startswith("[redacted]")
    assert found(run.review.model_dump_json()) == []
    stored = run.model_copy(update={"review": None})
    plan = ReviewPlan(Judge("scripted/reviewer", judge_args(args)), log=call_log(tmp_path))
    (reviewed,) = asyncio.run(areview_all([stored], plan))
    assert found(reviewed.review.model_dump_json()) == []
    (log,) = tmp_path.rglob("review.jsonl")
    assert found(log.read_text()) == []


def test_the_record_of_a_refusal(cast):
    with StubServer(failing(400, f"no {EVERYTHING}")) as stub:
        run = run_single_task(
            a_run({**IN_ARGS, "api_base": f"{stub.base_url}?api_key={IN_URL}"}), TASK
        )
    assert "HTTP 400: no [redacted]" in run.info["error"]
    assert found(run.model_dump_json()) == []


def test_the_question_of_a_review(cast, args):
    asked = []

    def reviewer(**request):
        asked.append(json.dumps(request["messages"]))
        return {
            "choices": [{"message": {"role": "assistant", "content": '{"errors": []}'}}],
            "usage": {},
        }

    run = run_single_task(a_run(args), TASK)
    review_simulation(run, TASK, Judge("scripted/reviewer", IN_ARGS, reviewer))
    assert "create_task" in asked[0]
    assert [secret for secret in found(asked[0]) if secret != IN_URL] == []


def test_data_is_hidden_at_any_depth():
    from tau2.llm.secrets import Redactor

    assert (
        as_content({"a": [{"password": "plum-kettle-orbit-9"}]}, Redactor())
        == '{"a": [{"password": "[redacted]"}]}'
    )
