"""`tau2 serve-domain`: a run whose agent is a program that connects over MCP."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import threading
from functools import partial
from typing import TYPE_CHECKING

from tau2.cli.flags import Flag, add_flags, build_config, flags_of, given_values
from tau2.cli.logs import logging_to_stderr
from tau2.cli.parsing import CommandParser
from tau2.cli.run import play
from tau2.cli.start import LAST_PORT, add_port
from tau2.data_model.run_config import TextRunConfig
from tau2.errors import ConfigError
from tau2.utils.output import flush, show, show_error
from tau2.utils.terminal_text import named

if TYPE_CHECKING:
    from tau2.runner.events import Event, Sink
    from tau2.service.program_host import ProgramHost
    from tau2.service.program_launch import Launcher

_STOP_SECONDS = 5.0
TOKEN = "TAU2_MCP_TOKEN"  # noqa: S105  -- the name of a variable
"""The environment variable whose value is the token, in place of a random one."""

_GROUPS = {
    "what is played": (
        *("task_set_name", "task_split_name", "tasks_file", "task_ids", "num_tasks", "num_trials"),
        *("protocol", "retrieval_config", "retrieval_config_kwargs"),
    ),
    "user and judge": (
        *("user", "llm_user", "llm_args_user", "user_persona", "user_prompt", "user_monitor"),
        *("llm_judge", "llm_args_judge"),
    ),
    "limits of one episode": ("max_steps", "max_errors", "timeout"),
    "the run": (
        *("save_to", "auto_resume", "max_concurrency", "provider_limits", "seed", "max_retries"),
        *("retry_delay", "probe", "stop_after_failures", "record", "cache", "max_cost"),
        *("verbose_logs", "otel", "log_level"),
    ),
}
_FIELDS = frozenset(field for fields in _GROUPS.values() for field in fields)
_FLAGS: list[Flag] = [flag for flag in flags_of(TextRunConfig) if flag.field in _FIELDS]

_EPILOG = """\
Every session of a client is the next episode: it gets the domain's tools, and
send_message_to_user, wait_for_user, end_conversation and get_policy. The run ends when
all are played; it is graded and saved as by `tau2 run`. Only this machine can connect.
It needs the extra mcp:  pip install 'tau2-bench[mcp]'

examples:
  tau2 serve-domain mock --user scripted_user --num-tasks 3
  tau2 serve-domain retail --user-llm openai/gpt-4.1 --max-concurrency 4 --port 8765
  a program that is started for every episode, or called at its address:
  tau2 serve-domain retail --agent-command "python my_agent.py" --num-trials 4
  tau2 serve-domain retail --agent-url http://127.0.0.1:9000/episodes
  one episode with the program that starts tau2, in the settings of an MCP client:
    {"command": "tau2", "args": ["serve-domain", "mock", "--stdio"]}

docs/agent-programs.md has agents on it, with several SDKs."""


def add_arguments(parser: CommandParser) -> None:
    """Add the domain, how programs connect, and the settings of the run."""
    parser.usage = "tau2 serve-domain DOMAIN [options]"
    parser.epilog = _EPILOG
    parser.add_argument("domain", metavar="DOMAIN", help="the company to simulate")
    ways = parser.group("how programs connect")
    ways.add_argument(
        "--stdio", action="store_true", default=False,
        help="play one episode with the program that started this one, over its pipes",
    )  # fmt: skip
    add_port(ways)
    ways.add_argument(
        "--agent-command", metavar="COMMAND", default=None,
        help="start this program for every episode, with the address in TAU2_MCP_URL and the token "
        "in TAU2_MCP_TOKEN",
    )  # fmt: skip
    ways.add_argument(
        "--agent-url", metavar="URL", default=None,
        help="tell the program at this address of every episode: a POST of mcp_url and token",
    )  # fmt: skip
    ways.add_argument(
        "--session-timeout", type=float, default=600.0, metavar="SECONDS",
        help="without a call, after which the agent has failed (default: 600)",
    )  # fmt: skip
    ways.add_argument(
        "--solo", action="store_true", default=False,
        help="there is no customer: the agent works on the tickets of tasks that have one",
    )  # fmt: skip
    add_flags(parser, _FLAGS, _GROUPS)
    output = parser.group("output")
    output.add_argument(
        "--json", action="store_true", default=False,
        help="print the summary as one JSON object only",
    )  # fmt: skip
    output.add_argument(
        "--quiet", action="store_true", default=False, help="no progress, one line at the end"
    )


def run(options: argparse.Namespace) -> int:
    """Play as the arguments say; return 0, or 1 when a simulation has no score."""
    config = _configured(options)
    options.redactor.learn(config.model_dump(exclude_unset=True))
    options.resume = None
    options.dry_run = False
    options.results_format = "dir"
    from tau2.cli.preflight import check_names
    from tau2.registry import registry
    from tau2.runner.middleware import redactor_of
    from tau2.service.program_host import ProgramHost

    events = _Events()
    host = ProgramHost(options.session_timeout, events.begin)
    over = _over_stdio if options.stdio else _over_http
    if config.log_level.upper() != "DEBUG":
        # Version 1 of the package calls it an error when a client closes its session.
        logging.getLogger("mcp").setLevel(logging.CRITICAL)
    with (
        registry.agents.adding(host.spec(solo=options.solo)),
        logging_to_stderr(config.log_level, redactor_of(config).text),
    ):
        check_names(config)  # before anything is served
        return over(config, options, host, events)


def _configured(options: argparse.Namespace) -> TextRunConfig:
    from tau2.service.program_host import AGENT, SOLO_AGENT

    if not 0 <= options.port <= LAST_PORT:
        raise ConfigError(f"--port must be between 0 and {LAST_PORT}, not {options.port}")
    if not 0 < options.session_timeout < float("inf"):
        raise ConfigError(
            f"--session-timeout is in seconds and above 0, not {options.session_timeout:g}"
        )
    if sum(map(bool, (options.stdio, options.agent_command, options.agent_url))) > 1:
        raise ConfigError("--stdio, --agent-command and --agent-url exclude one another")
    values = given_values(options, _FLAGS)
    values["domain"] = options.domain
    values["agent"] = SOLO_AGENT if options.solo else AGENT
    values["session_timeout"] = options.session_timeout
    if values.get("protocol") is not None:
        from tau2.runner.protocols import protocol_named

        protocol = protocol_named(values["protocol"])
        values = {**protocol.values(options.domain, is_voice=False), **values}
    if options.stdio:
        values = _one_episode(values)
    config: TextRunConfig = build_config(TextRunConfig, values, _FLAGS)
    return config


def _one_episode(values: dict[str, object]) -> dict[str, object]:
    """Return the settings of a run of one episode. Raise ConfigError when they name several."""
    ids = values.get("task_ids")
    is_several = isinstance(ids, list) and len(ids) > 1
    if is_several or values.get("num_tasks", 1) != 1 or values.get("num_trials", 1) != 1:
        raise ConfigError(
            "--stdio plays one episode with the program that started it: name one task with "
            "--task-ids, or leave out --stdio to serve several over HTTP"
        )
    return {**values, "num_tasks": 1, "num_trials": 1}


class _Events:
    """The events of the run on their way to what shows it.

    An episode is shown from its program's first call on. After Ctrl-C, the run ends once no
    program plays: episodes that wait for one have not begun.
    """

    def __init__(self) -> None:
        self.announcement = ""
        """Shown when the run starts."""
        self._sink: Sink | None = None
        self._waiting: dict[tuple[str, int], Event] = {}
        self._begun: set[tuple[str, int]] = set()
        self._is_stopping = False

    def listen(self, sink: Sink) -> Sink:
        """Return the sink that the run sends its events to."""
        self._sink = sink
        return self._receive

    def begin(self, task_id: str, trial: int) -> None:
        """Show that a program has begun an episode."""
        self._begun.add((task_id, trial))
        event = self._waiting.pop((task_id, trial), None)
        if event is not None and self._sink is not None:
            self._sink(event)

    def _receive(self, event: Event) -> None:
        from tau2.runner.events import (
            RunStarted,
            RunStopping,
            SimulationStarted,
            SimulationStored,
        )

        assert self._sink is not None, "events come from a run that listens"
        if isinstance(event, SimulationStarted):
            self._waiting[event.task_id, event.trial] = event
            return
        if isinstance(event, RunStarted) and self.announcement and event.already_done < event.total:
            show(self.announcement)
            flush()
        if isinstance(event, SimulationStored):
            self.begin(*event.run.unit)  # it may have failed before
            self._begun.discard(event.run.unit)
        if isinstance(event, RunStopping):
            self._is_stopping = True
            event = RunStopping(len(self._begun))
        self._sink(event)
        if self._is_stopping and self._waiting and not self._begun:
            # As a second Ctrl-C does.
            asyncio.get_running_loop().call_soon(signal.raise_signal, signal.SIGINT)


def _over_http(
    config: TextRunConfig, options: argparse.Namespace, host: ProgramHost, events: _Events
) -> int:
    from tau2.service.program_server import ProgramServer

    launcher = _launcher(options)
    token = os.environ.get(TOKEN) or None
    with ProgramServer(host, options.port, token) as server:
        started = threading.Event()
        thread = threading.Thread(
            target=server.run, args=(started.set,), name="tau2-mcp", daemon=True
        )
        thread.start()
        started.wait()
        if launcher is not None:
            host.launch = partial(server.called, launcher)
        elif not (options.json or options.quiet):
            shown = server.token if token is None else f"${TOKEN}"
            events.announcement = _announcement(server.mcp_url, shown, options.domain)
        try:
            return play(config, options, "serve-domain", events.listen)
        finally:
            host.close()
            server.linger()
            server.stop()
            thread.join(_STOP_SECONDS)


def _launcher(options: argparse.Namespace) -> Launcher | None:
    """Return what calls the program of the options, if they name one."""
    from tau2.service.program_launch import command_launcher, url_launcher

    if options.agent_command is not None:
        return command_launcher(options.agent_command)
    if options.agent_url is not None:
        return url_launcher(options.agent_url, options.session_timeout)
    return None


def _announcement(url: str, token: str, domain: str) -> str:
    return (
        f"agents of {named(domain)} connect over MCP (streamable HTTP):\n\n"
        f"  URL     {url}\n"
        f"  header  Authorization: Bearer {token}\n\n"
        "Every session is the next episode. Only this machine can reach it; "
        "Ctrl-C stops the run.\n"
    )


def _over_stdio(
    config: TextRunConfig, options: argparse.Namespace, host: ProgramHost, events: _Events
) -> int:
    from tau2.service.program_server import StdioWire, serve_stdio

    flush()
    wire = StdioWire()

    def serve() -> None:
        try:
            asyncio.run(serve_stdio(host, wire))
        except ConfigError as problem:
            show_error(f"tau2 serve-domain: {problem}")

    serving = threading.Thread(target=serve, name="tau2-mcp", daemon=True)
    serving.start()
    code = play(config, options, "serve-domain", events.listen)
    flush()
    host.close()
    serving.join()  # the client may go on to call, and is told that it is over
    return code
