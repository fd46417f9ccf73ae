"""Every parser and loader that reads what a model, a server, a stranger or a user wrote.

Each has seeds (sound inputs), a function, and the exceptions that it documents.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode

from tests.cast import create_meeting, mock_task, play, says
from tests.faults.mutations import spelled
from tests.faults.storage import finished

from tau2.actions.message import as_message
from tau2.actions.parse import TAGGED, WHOLE_TEXT, MalformedAction, parse_action_string, read_text
from tau2.actions.tool_calls import parse_arguments, parse_tool_calls
from tau2.cli.config_file import read_config_file
from tau2.cli.flags import build_config, flags_of, read_json_object
from tau2.data_model.message import AssistantMessage, UserMessage
from tau2.data_model.run_config import TextRunConfig
from tau2.domains.mock.environment import get_environment
from tau2.environment.db import read_data_file
from tau2.environment.domain import load_splits, load_tasks_file, parse_tasks
from tau2.errors import ConfigError, DataFileError
from tau2.evaluator.evaluator_communicate import mentions
from tau2.evaluator.evaluator_nl_assertions import verdicts
from tau2.evaluator.review import parse_review
from tau2.gym.text import observation_of, read_action
from tau2.integrations.reply import read_reply
from tau2.llm.args import split_args
from tau2.llm.backends import anthropic, openai_compatible, responses
from tau2.llm.failure import CallFailed, from_status
from tau2.llm.http_backend import HttpProtocol
from tau2.llm.middleware.recording import decode_entry, encode_entry
from tau2.llm.parse import checked_completion, parse_completion, token_details_of, tokens_of
from tau2.llm.response import clean_response
from tau2.llm.secrets import Redactor, secrets_in_args
from tau2.llm.transport.endpoint import endpoint_of
from tau2.llm.transport.response import BodyReader, HttpResponse
from tau2.llm.wire import from_wire
from tau2.orchestrator.episode import Role
from tau2.report.safe_text import clean, one_line
from tau2.runner.episode_log import read_log
from tau2.runner.stored_config import load_config
from tau2.service.app import documentation_app
from tau2.service.templating import as_html
from tau2.serving.guard import Guard
from tau2.storage.framed import framed
from tau2.storage.inspection import salvaged
from tau2.storage.journal import read_journal
from tau2.storage.results import (
    decode_results,
    decode_simulation,
    encode_results,
    indexed,
    load_results,
)
from tau2.submission.checks import validate
from tau2.submission.prepare import Submission
from tau2.utils.text import error_text
from tau2.view.content.blocks import blocks_of

Form = Literal["document", "text", "bytes"]
"""What a parser is given: JSON data, a text, or the bytes of a text."""


@dataclass(frozen=True, slots=True)
class Parser:
    """One parser or loader."""

    name: str
    form: Form
    seeds: tuple[str, ...]
    """Sound inputs; documents as JSON."""
    read: Callable[[Any], object]
    documented: tuple[type[BaseException], ...] = ()
    """What it may raise."""
    weight: float = 1.0
    """How many inputs it gets, relative to the others."""


# --- answers of servers ---------------------------------------------------------------------------

_CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
_USAGE = {
    "prompt_tokens": 12,
    "completion_tokens": 3,
    "total_tokens": 15,
    "prompt_tokens_details": {"cached_tokens": 2},
    "completion_tokens_details": {"reasoning_tokens": 1},
}
_COMPLETIONS = (
    {
        "id": "x",
        "model": "m",
        "choices": [
            {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hi"}}
        ],
        "usage": _USAGE,
    },
    {
        "choices": [
            {
                "finish_reason": "tool_calls",
                "message": {"content": None, "tool_calls": [_CALL, _CALL], "reasoning": "Hm."},
            }
        ],
        "usage": _USAGE,
        "cost": 0.25,
    },
    {
        "choices": [
            {
                "message": {
                    "content": [{"type": "text", "text": "<think>a</think>b"}],
                    "function_call": {"name": "f", "arguments": "{}"},
                    "reasoning_details": [{"type": "reasoning.text", "text": "Hm."}],
                    "provider_specific_fields": {"thought_signatures": ["s"]},
                }
            }
        ]
    },
    {"error": {"message": "no", "code": "rate_limit_exceeded", "param": "top_p"}},
    {"base_resp": {"status_code": 1004, "status_msg": "login"}, "choices": None},
)
_ANTHROPIC = (
    {
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [
            {"type": "thinking", "thinking": "Hm.", "signature": "s"},
            {"type": "redacted_thinking", "data": "s"},
            {"type": "text", "text": "Hi", "citations": []},
            {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}},
        ],
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 3, "output_tokens": 2, "cache_read_input_tokens": 1},
    },
    {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}},
)
_RESPONSES = (
    {
        "object": "response",
        "status": "completed",
        "output": [
            {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": "Hm."}]},
            {
                "type": "message",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "Hi", "annotations": []}],
            },
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": '{"a": 1}'},
        ],
        "usage": {"input_tokens": 3, "output_tokens": 2},
    },
    {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}, "output": []},
    {"status": "failed", "error": {"code": "server_error", "message": "no"}},
)
_ENDPOINT = endpoint_of(
    "openai/m", {"api_base": "http://127.0.0.1:1/v1", "api_key": "k-0123456789-abcdef"}
)


def _answer(protocol: HttpProtocol, body: bytes) -> None:
    """Read an answer with status 200 as far as a message of the conversation."""
    completion = protocol.completion_of(HttpResponse(200, {}, body), _ENDPOINT)
    plain = checked_completion(clean_response(completion), from_server=True)
    tokens_of(plain)
    token_details_of(plain)
    parsed = parse_completion(plain, {"call_1"})
    AssistantMessage(content=parsed.content, tool_calls=parsed.tool_calls or None).model_dump_json()


def _json_answer(protocol: HttpProtocol) -> Callable[[Any], object]:
    return lambda document: _answer(protocol, spelled(document))


def _event(data: object) -> str:
    return f"data: {json.dumps(data)}\n\n"


def _delta(**fields: object) -> object:
    return {"choices": [{"index": 0, "delta": fields}]}


_STREAMS = (
    "".join(
        [
            _event(_delta(role="assistant", content="H")),
            _event(_delta(content="i")),
            _event({"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": _USAGE}),
            "data: [DONE]\n\n",
        ]
    ),
    "".join(
        [
            ": keep-alive\n\n",
            _event(_delta(tool_calls=[{"index": 0, "id": "c", "function": {"name": "f"}}])),
            _event(_delta(tool_calls=[{"index": 0, "function": {"arguments": '{"a":'}}])),
            _event(_delta(tool_calls=[{"index": 0, "function": {"arguments": "1}"}}])),
            "data: [DONE]\n\n",
        ]
    ),
    "event: error\n" + _event({"error": {"message": "busy", "code": 529}}),
    "event: message_start\n"
    + _event({"type": "message_start", "message": _ANTHROPIC[0]})
    + "event: content_block_delta\n"
    + _event(
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}}
    ),
)


def _streams_of_documents() -> tuple[str, ...]:
    deltas = [
        [_delta(role="assistant", content="H"), _delta(content="i", reasoning_content="Hm")],
        [
            _delta(tool_calls=[{"index": 0, "id": "c", "function": {"name": "f"}}]),
            _delta(tool_calls=[{"index": 0, "function": {"arguments": '{"a": 1}'}}]),
            {"choices": [{"delta": {}, "finish_reason": "tool_calls"}], "usage": _USAGE},
        ],
    ]
    return tuple(map(json.dumps, deltas))


def _stream(document: Any) -> None:
    chunks = document if isinstance(document, list) else [document]
    text = "".join(f"data: {spelled(chunk).decode()}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
    _answer(openai_compatible.PROTOCOL, text.encode())


def _refusal(document: Any) -> None:
    """Read an answer of an error status, with its headers."""
    fields = document if isinstance(document, dict) else {"body": document}
    headers = fields.get("headers")
    given = headers if isinstance(headers, Mapping) else {}
    raw = [
        (str(name).encode("latin-1", "replace"), str_of(value).encode("latin-1", "replace"))
        for name, value in given.items()
    ]
    body = spelled(fields.get("body"))
    reader = BodyReader()
    reader.add(body)
    response = reader.response(429, raw)
    text = response.body.decode("utf-8", "replace")
    failure = from_status(429, text, response.headers, 1_700_000_000.0)
    assert failure.retry_after is None or failure.retry_after >= 0


def str_of(value: object) -> str:
    """Return any value as a text, as a header or a form field has it."""
    return value if isinstance(value, str) else spelled(value).decode()


_REFUSALS = (
    {
        "body": {"error": {"message": "slow down", "code": "rate_limit", "param": None}},
        "headers": {"Retry-After": "2", "retry-after-ms": "20", "Content-Type": "text/html"},
    },
    {
        "body": [{"error": {"message": "no", "status": "RESOURCE_EXHAUSTED", "details": []}}],
        "headers": {"retry-after": "Wed, 21 Oct 2035 07:28:00 GMT", "content-encoding": ""},
    },
    {
        "body": {
            "detail": [{"loc": ["body"], "msg": "bad"}],
            "metadata": {"raw": "x"},
            "innererror": {"code": "content_filter"},
        },
        "headers": {"content-encoding": "gzip"},
    },
)


def _history(document: Any) -> None:
    for message in from_wire(document if isinstance(document, list) else [document]):
        message.model_dump_json()


_HISTORY = (
    [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
        {"role": "assistant", "content": None, "tool_calls": [_CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": '{"a": 1}'},
    ],
)

# --- what models write ----------------------------------------------------------------------------

_ACTIONS = (
    '{"name": "create_task", "arguments": {"user_id": "user_1", "title": "Tea"}}',
    "create_task(user_id='user_1', title=\"Tea\", tags=['a', 1, True, None, {'b': -2.5}])",
    '<think>Hm.</think>Well.\n<tool_call>\n{"name": "f", "arguments": {"a": "1"}}\n</tool_call>',
    "<tool_call><function=f><parameter=a>1</parameter></function></tool_call>",
    '```json\n{"name": "f", "arguments": "{\\"a\\": 1}"}\n```',
    '[{"type": "function", "function": {"name": "f", "parameters": {}}}]',
    "Sure (yes), 2 + 2 = 4.",
)


def _action(text: str) -> None:
    for syntaxes in (WHOLE_TEXT, TAGGED, (*WHOLE_TEXT, *TAGGED)):
        for requestor in ("assistant", "user"):
            _tolerant(read_text, text, syntaxes, requestor)
    _tolerant(read_reply, text)
    message = _tolerant(parse_action_string, text)
    if message is not None:
        message.model_dump_json()


def _tolerant(read: Callable[..., Any], *given: object) -> Any:
    try:
        return read(*given)
    except MalformedAction:
        return None
    except ValueError as problem:
        if "empty" not in str(problem):
            raise
        return None


def _played_action(text: str) -> None:
    """Read an action of a person (`tau2 play`) or of a policy (`gym`)."""
    for role in (Role.AGENT, Role.USER):
        observation_of([read_action(text, role)])


def _arguments(document: Any) -> None:
    json.dumps(parse_arguments(document), ensure_ascii=False).encode()
    calls, _ = parse_tool_calls(document, {"call_1"})
    for call in calls:
        call.model_dump_json()


def _own_message(document: Any) -> None:
    as_message(document).model_dump_json()


_ARGUMENTS = (
    {"a": 1, "b": [1.5, {"c": None}], "d": "text"},
    [_CALL, {**_CALL, "id": None}, {"name": "g", "input": {"x": 1}}],
    '{"a": 1, "b": "2"}',
    '"{\\"a\\": 1}"',
)

_TOOL_CALL = (
    {"name": "create_task", "arguments": {"user_id": "user_1", "title": "Tea", "description": "x"}},
    {"name": "update_task_status", "arguments": {"task_id": "task_1", "status": "completed"}},
    {"name": "get_users", "arguments": {}},
)
_ENVIRONMENT = get_environment()


def _tool_call(document: Any) -> None:
    """Execute a call as a model spelled it."""
    calls, _ = parse_tool_calls([{"id": "c", "function": document}])
    for call in calls:
        _ENVIRONMENT.get_response(call).model_dump_json()


_JUDGEMENTS = (
    '{"results": [{"expectedOutcome": "It is done.", "reasoning": "x", "metExpectation": true}]}',
    '<think>{"results": []}</think>```json\n[{"number": 1, "metExpectation": "no"},]\n```',
    '{"1": true, "2": {"metExpectation": false, "reasoning": "y"}}',
    (
        '{"summary": "Fine.", "errors": [{"turn": 2, "source": "agent", "description": "x",'
        ' "severity": "critical_helped", "tags": ["a"]}]}'
    ),
)


def _judgement(text: str) -> None:
    for check in verdicts(["It is done.", "It was kind."], text).values():
        check.model_dump_json()
    for mode in ("full", "user"):
        review = parse_review(text, _RUN.get_messages(), mode)
        if review is not None:
            review.model_dump_json()


_STATEMENTS = (
    "You owe $1,234.50 and 2.000,75 EUR; 12 % of 3 1/2 GB is -5.",
    "Order #W123-45, Rs. 300, 1’000 CHF, 10 000 km, (5), +7°C, v1.2.3",
    "Your balance is 42 and nothing more.",
)


def _statement(text: str) -> None:
    half = len(text) // 2
    for info in ("1234.5", "-5", "nothing more", text[:40], text[half : half + 30]):
        mentions(text, info)
    mentions("You owe 5.", text)


# --- files ----------------------------------------------------------------------------------------

_RUN = play("create_task_1", agent=says(create_meeting(), "Done."), user=says("Add it."))
_TASKS = [mock_task("create_task_1"), mock_task("update_task_1")]


def _dumped(tasks: Any) -> str:
    return json.dumps([task.model_dump(mode="json", exclude_none=True) for task in tasks])


class Files:
    """Loaders of files, which are written into a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._run = finished(folder / "run")
        self.journal = (self._run / "journal.jsonl").read_text()
        self.results = (self._run / "results.json").read_text()
        self.simulation = next((self._run / "simulations").iterdir()).read_text()
        self.single = (finished(folder / "single", "json") / "results.json").read_text()
        self.log = _a_log()
        self.entry = encode_entry(1, {"call": 1, "messages": [{"role": "user"}]}).decode()
        self.submission = _a_submission()
        self._flags = flags_of(TextRunConfig)
        (folder / "submission").mkdir()

    def written(self, name: str, content: bytes) -> Path:
        """Write a file and return its path."""
        path = self._folder / name
        path.write_bytes(content)
        return path

    def journal_lines(self, content: bytes) -> None:
        """Read a journal, whose lines are damaged, or sound with other content."""
        read_journal(self.written("journal.jsonl", content))
        lines = [line[18:] for line in content.split(b"\n") if line]
        again = b"".join(framed(b"{" + line) for line in lines if line)
        read_journal(self.written("journal.jsonl", again))

    def episode_log(self, content: bytes) -> None:
        """Read the log of an episode likewise."""
        read_log(self.written("log.jsonl", content))
        crc = 0
        whole = b""
        for line in filter(None, content.split(b"\n")):
            whole += (new := framed(b"{" + line[18:], crc))
            crc = int(new[8:16], 16)
        read_log(self.written("log.jsonl", whole))

    def recording(self, content: bytes) -> None:
        """Read a line of a recording likewise."""
        decode_entry(content)
        decode_entry(framed(b"{" + content[18:].replace(b"\n", b""))[:-1])

    def results_file(self, document: Any) -> None:
        """Read a results file in both forms."""
        content = decode_results(spelled(document), Path("results.json"))
        encode_results(indexed(content.metadata), "dir")

    def results_bytes(self, content: bytes) -> None:
        """Read a damaged results file, and save what can be saved."""
        salvaged(content)
        decode_results(content, Path("results.json"))

    def run_folder(self, document: Any) -> None:
        """Load a folder whose results file was changed."""
        (self._run / "results.json").write_bytes(spelled(document))
        load_results(self._run)

    def stored_simulation(self, document: Any) -> None:
        """Read a simulation, show it, and write it again."""
        run = decode_simulation(spelled(document), Path("s.json"))
        for block in blocks_of(run, _TASKS[0], []):
            assert block.text is not None
        observation_of(run.get_messages())

    def simulation_bytes(self, content: bytes) -> None:
        """Read a damaged simulation."""
        decode_simulation(content, Path("s.json"))

    def data_file(self, suffix: str) -> Callable[[bytes], object]:
        """Return a reader of data files of one form."""
        return lambda content: read_data_file(self.written(f"data.{suffix}", content))

    def tasks_file(self, content: bytes) -> None:
        """Read a file of tasks."""
        load_tasks_file(self.written("tasks.json", content))

    def splits_file(self, document: Any) -> None:
        """Read a file of splits."""
        load_splits(self.written("splits.json", spelled(document)))

    def config_file(self, suffix: str) -> Callable[[bytes], object]:
        """Return a reader of configurations."""

        def read(content: bytes) -> None:
            values = read_config_file(self.written(f"run.{suffix}", content), self._flags)
            build_config(TextRunConfig, values, self._flags)

        return read

    def settings(self, document: Any) -> None:
        """Check the fields of a configuration."""
        values = document if isinstance(document, dict) else {}
        build_config(TextRunConfig, values, self._flags)

    def stored_settings(self, content: bytes) -> None:
        """Read the configuration of a stored run."""
        self.written("config.json", content)
        load_config(self._folder / "results.json")

    def submitted(self, document: Any) -> None:
        """Check a submission."""
        folder = self._folder / "submission"
        (folder / "submission.json").write_bytes(spelled(document))
        for defect in validate(folder):
            one_line(str(defect))


def _a_log() -> str:
    """Return the log of an episode with one turn."""
    head = {
        "kind": "begun",
        "format": 1,
        "task": "x",
        "task_id": "t",
        "trial": 0,
        "seed": 1,
        "id": "i",
        "start_time": "2026-01-01T00:00:00",
        "opening": 1,
    }
    turn = {"kind": "turn", "steps": 1, "errors": 0, "elapsed": 0.5, "messages": []}
    message = json.loads(UserMessage(content="Hi").model_dump_json())
    lines = [json.dumps(head), json.dumps({**turn, "messages": [message]})]
    text = b""
    crc = 0
    for line in lines:
        text += (new := framed(line.encode(), crc))
        crc = int(new[8:16], 16)
    return text.decode()


def _a_submission() -> str:
    """Return the content of a submission's own file."""
    given: dict[str, Any] = {}
    for name, field in Submission.model_fields.items():
        if field.is_required():
            given[name] = {} if "Dict" in str(field.annotation) else "x"
    return json.dumps(
        {
            **given,
            "model_name": "m",
            "model_organization": "o",
            "submitting_organization": "o",
            "submission_date": "2026-01-01",
            "submission_type": "standard",
            "contact_info": {"email": "a@example.org", "name": "A"},
            "results": {"mock": {"pass_1": 50.0, "cost": 0.1}},
            "details": {"mock": {"trajectories": "mock.json", "num_tasks": 2, "num_trials": 1}},
            "trajectories_available": True,
        }
    )


_CONFIG = {
    "domain": "mock",
    "agent": "llm_agent",
    "llm_agent": "openai/m",
    "llm_args_agent": {"temperature": 0.0, "api_base": "http://127.0.0.1:1"},
    "num_trials": 2,
    "task_ids": ["a", "b"],
    "timeout": 10.0,
    "provider_limits": {"openai": {"in_flight": 2, "rpm": 10}},
    "max_cost": 1.5,
    "user_persona": {"verbosity": "minimal"},
}


def _yaml(values: Mapping[str, Any]) -> str:
    return "".join(f"{name}: {json.dumps(value)}\n" for name, value in values.items())


_TOML = (
    'domain = "mock"\nnum_trials = 2\ntask_ids = ["a", "b"]\ntimeout = 1.5\n'
    "[llm_args_agent]\ntemperature = 0.0\nextra = {a = 1, b = 2026-01-01T00:00:00Z}\n"
)


# --- settings -------------------------------------------------------------------------------------


def _model_args(document: Any) -> None:
    """Read the arguments of a model."""
    args = document if isinstance(document, dict) else {}
    known = secrets_in_args(args)
    Redactor(known).data(args)
    split_args(args)
    endpoint_of("openai/m", args)


_ARGS = (
    {
        "api_base": "https://user:secret-0123456789@example.org/v1?key=secret-0123456789",
        "api_key": "k-0123456789",
        "extra_headers": {"Authorization": "Bearer abcdefghijklmnop", "X-A": "b"},
        "extra_query": {"a": "b"},
        "extra_body": {"key": "v-0123456789", "x": [1]},
        "timeout": 10,
        "num_retries": 2,
        "ssl_verify": True,
        "temperature": 0.0,
        "max_tokens": 10,
    },
)


def _json_option(text: str) -> None:
    read_json_object(text)


# --- pages and servers ----------------------------------------------------------------------------


def _shown(text: str) -> None:
    one_line(clean(text), 200)
    str(as_html(text)).encode("utf-8", "replace")
    error_text(ValueError(text))
    Redactor(["secret-0123456789"]).text(text)


_SHOWN = (
    "# Policy\n\n* one [link](https://example.org) `code`\n\n| a | b |\n|---|---|\n| 1 | 2 |\n",
    "\x1b]8;;http://example.org\x07text\x1b[0m and \u202ereversed\u2066 Bearer abcdef0123456789",
    "api_key=secret-0123456789 and https://user:pass@example.org/?token=0123456789abcdef",
)


async def _done(_scope: Any, receive: Any, send: Any) -> None:
    """Stand in for an application that reads JSON."""
    json.loads((await receive())["body"] or b"null")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


class Site:
    """A server without a socket: of forms (the documentation), or of JSON behind the same guard."""

    def __init__(self, *, forms: bool) -> None:
        hosts = ("127.0.0.1:1",)
        self._is_form = forms
        self._app = (
            Guard(documentation_app(["mock"]), "token", lambda: hosts, body="form")
            if forms
            else Guard(_done, "token", lambda: hosts, place="header")
        )
        self._loop = asyncio.new_event_loop()
        weakref.finalize(self, self._loop.close)

    def request(self, document: Any) -> None:
        """Answer one request: below 500, without an exception."""
        fields = document if isinstance(document, dict) else {}
        form = fields.get("form")
        pairs = form.items() if isinstance(form, dict) else ()
        body = urlencode([(str_of(k), str_of(v)) for k, v in pairs], errors="replace").encode()
        if not self._is_form:
            body = spelled(fields.get("body"))
        path = "/" + str_of(fields.get("path", "")).lstrip("/")
        headers = fields.get("headers")
        named = headers.items() if isinstance(headers, dict) else ()
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": str_of(fields.get("method"))[:20],
            "scheme": "http",
            "path": path,
            "raw_path": path.encode("utf-8", "replace"),
            "query_string": str_of(fields.get("query")).encode("utf-8", "replace"),
            "headers": [(b"host", b"127.0.0.1:1"), *((_ascii(k), _ascii(v)) for k, v in named)],
            "server": ("127.0.0.1", 1),
            "client": ("127.0.0.1", 2),
            "root_path": "",
        }
        status = self._loop.run_until_complete(self._answered(scope, body))
        assert 200 <= status < 500, f"status {status}"

    async def _answered(self, scope: Any, body: bytes) -> int:
        statuses: list[int] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        await self._app(scope, receive, send)
        return statuses[0]


def _ascii(value: object) -> bytes:
    return str_of(value).encode("latin-1", "replace").replace(b"\n", b"").replace(b"\r", b"")


_FORM = {"content-type": "application/x-www-form-urlencoded"}
_REQUESTS = (
    {"method": "GET", "path": "/token/mock/tasks", "query": "q=meeting&page=2&split=base"},
    {"method": "GET", "path": "/token/mock/tools/agent/create_task", "query": ""},
    {"method": "GET", "path": "/token/mock/policy", "query": ""},
    {
        "method": "POST",
        "path": "/token/mock/tools/agent/create_task",
        "query": "",
        "headers": _FORM,
        "form": {"arg.user_id": "user_1", "arg.title": "Tea", "arg.description": ""},
    },
    {
        "method": "POST",
        "path": "/token/mock/restart",
        "query": "",
        "headers": _FORM,
        "form": {"task": "create_task_1", "side": "agent", "tool": "get_users"},
    },
)


_JSON_REQUESTS = (
    {
        "method": "POST",
        "path": "/step",
        "query": "",
        "headers": {
            "content-type": "application/json",
            "authorization": "Bearer token",
            "origin": "http://127.0.0.1:1",
            "content-length": "20",
        },
        "body": {"action": {"text": "Hi"}, "id": 1},
    },
)


# --- all of them ----------------------------------------------------------------------------------


def _documents(*values: Any) -> tuple[str, ...]:
    return tuple(map(json.dumps, values))


def parsers(folder: Path) -> list[Parser]:
    """Return all parsers; those of files write into `folder`."""
    return [*_of_servers(), *_of_models(), *_of_files(folder), *_of_settings(folder), *_of_pages()]


def _of_servers() -> list[Parser]:
    failed = (CallFailed,)
    docs = _documents
    chat = openai_compatible.PROTOCOL
    native = anthropic.PROTOCOL
    newer = responses.PROTOCOL
    native_messages = docs(*_ANTHROPIC)
    texts = docs(*_COMPLETIONS, *_ANTHROPIC, *_RESPONSES)
    return [
        Parser("chat completions", "document", docs(*_COMPLETIONS), _json_answer(chat), failed, 3),
        Parser("Anthropic messages", "document", native_messages, _json_answer(native), failed, 3),
        Parser("OpenAI responses", "document", docs(*_RESPONSES), _json_answer(newer), failed, 3),
        Parser("bodies", "bytes", texts, partial(_answer, chat), failed, 4),
        Parser("streams", "document", _streams_of_documents(), _stream, failed, 2),
        Parser("stream texts", "bytes", _STREAMS, partial(_answer, chat), failed, 4),
        Parser("Anthropic streams", "bytes", _STREAMS, partial(_answer, native), failed),
        Parser("error bodies and headers", "document", docs(*_REFUSALS), _refusal, failed, 4),
        Parser("messages of a trainer", "document", docs(*_HISTORY), _history, (ValueError,)),
    ]


def _of_models() -> list[Parser]:
    docs = _documents
    return [
        Parser("tool calls in text", "text", _ACTIONS, _action, (), 2),
        Parser("actions of play and gym", "text", _ACTIONS, _played_action, (ValueError,), 4),
        Parser("arguments", "document", docs(*_ARGUMENTS), _arguments, (), 4),
        Parser("actions as objects", "document", docs(*_HISTORY[0]), _own_message, (TypeError,)),
        Parser("calls of tools", "document", docs(*_TOOL_CALL), _tool_call),
        Parser("judgements and reviews", "text", _JUDGEMENTS, _judgement, (), 2),
        Parser("numbers in statements", "text", _STATEMENTS, _statement, (), 0.7),
    ]


def _of_files(folder: Path) -> list[Parser]:
    files = Files(folder)
    wrong = (DataFileError,)
    tasks = _dumped(_TASKS)
    splits = _documents({"base": ["create_task_1"], "train": []})
    data = (files.results[:3000], _CONFIG_TEXT)
    return [
        Parser("tasks", "document", (tasks,), lambda raw: parse_tasks(raw, "tasks.json"), wrong),
        Parser("task files", "bytes", (tasks,), files.tasks_file, wrong, 0.5),
        Parser("split files", "document", splits, files.splits_file, wrong, 0.5),
        Parser("JSON files", "bytes", (tasks, _CONFIG_TEXT), files.data_file("json"), wrong, 0.5),
        Parser("YAML files", "bytes", (_yaml(_CONFIG),), files.data_file("yaml"), wrong, 0.2),
        Parser("TOML files", "bytes", (_TOML,), files.data_file("toml"), wrong, 0.5),
        Parser(
            "results", "document", (files.results, files.single), files.results_file, wrong, 0.4
        ),
        Parser("results, damaged", "bytes", (files.single,), files.results_bytes, wrong, 0.5),
        Parser("run folders", "document", (files.results,), files.run_folder, wrong, 0.3),
        Parser(
            "simulations, and as they are shown",
            "document",
            (files.simulation,),
            files.stored_simulation,
            wrong,
            0.5,
        ),
        Parser("simulations, damaged", "bytes", (files.simulation,), files.simulation_bytes, wrong),
        Parser(
            "journals", "bytes", (files.journal[:2500], files.journal), files.journal_lines, (), 0.3
        ),
        Parser("logs of episodes", "bytes", (files.log,), files.episode_log, (), 0.5),
        Parser("recordings", "bytes", (files.entry,), files.recording, (), 2),
        Parser("submissions", "document", (files.submission,), files.submitted, (), 0.3),
        Parser(
            "settings of stored runs",
            "bytes",
            data,
            files.stored_settings,
            (ConfigError, DataFileError),
            0.5,
        ),
    ]


_CONFIG_TEXT = json.dumps(_CONFIG)


def _of_settings(folder: Path) -> list[Parser]:
    files = Files(folder / "settings")
    wrong = (ConfigError, DataFileError)
    option = (argparse.ArgumentTypeError,)
    options = ('{"temperature": 0}', "temperature=0,top_p=0.5", json.dumps(_ARGS[0]))
    yaml = (_yaml(_CONFIG),)
    whole = (_CONFIG_TEXT,)
    args = _documents(*_ARGS)
    return [
        Parser("settings", "document", whole, files.settings, wrong, 6),
        Parser("YAML configurations", "bytes", yaml, files.config_file("yaml"), wrong, 0.2),
        Parser("TOML configurations", "bytes", (_TOML,), files.config_file("toml"), wrong, 0.5),
        Parser("JSON configurations", "bytes", whole, files.config_file("json"), wrong, 0.5),
        Parser("arguments of models", "document", args, _model_args, (ConfigError,), 0.5),
        Parser("JSON options", "text", options, _json_option, option, 2),
    ]


def _of_pages() -> list[Parser]:
    forms = _documents(*_REQUESTS)
    bodies = _documents(*_JSON_REQUESTS)
    return [
        Parser("texts that are shown", "text", _SHOWN, _shown, (), 0.5),
        Parser("requests of forms", "document", forms, Site(forms=True).request, (), 0.3),
        Parser("requests of JSON", "document", bodies, Site(forms=False).request, (), 0.5),
    ]
