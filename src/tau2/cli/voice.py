"""`tau2 voice`: serve a text agent that speaks, by OpenAI's voice protocols."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tau2.cli.exit_codes import OK
from tau2.cli.flags import read_json_object
from tau2.cli.parsing import CommandParser
from tau2.cli.start import LAST_PORT, add_port
from tau2.errors import ConfigError
from tau2.utils.output import flush, show

if TYPE_CHECKING:
    from tau2.service.voice_server import Protocol, VoiceServer
    from tau2.voice.wire.session import MakeAgent

_EPILOG = """\
serve    a server for clients of OpenAI's Realtime and Live protocols: it hears by
         recognition, asks a text agent, and speaks by synthesis. Instructions and
         tools are those of each session; the tools run at the client's.

The agent is a model's (--agent-llm), follows a script (--script: a JSON list of texts,
or of objects with "say" and "calls"), or repeats what it hears. Engines are the best
that are installed. Only this machine can reach the server; Ctrl-C stops it. It needs
the extras voice and serve, and for real speech without a service voice-local:
  pip install 'tau2-bench[voice-local,serve]'

examples:
  tau2 voice serve
  tau2 voice serve --agent-llm openai/gpt-4.1 --port 8080
  tau2 voice serve --protocol realtime --script replies.json --synthesizer tone"""


def add_arguments(parser: CommandParser) -> None:
    """Add where the server is, who replies, and who speaks and hears."""
    parser.usage = "tau2 voice serve [options]"
    parser.epilog = _EPILOG
    parser.add_argument("action", choices=("serve",), help="what to do")
    add_port(parser)
    parser.add_argument(
        "--protocol", choices=("realtime", "live", "both"), default="both",
        help="what is spoken (default: both)",
    )  # fmt: skip
    agent = parser.add_argument_group("agent")
    agent.add_argument(
        "--agent", metavar="NAME", default="llm_agent", help="text agent (default: llm_agent)"
    )
    agent.add_argument("--agent-llm", metavar="MODEL", default=None, help="its model")
    agent.add_argument(
        "--agent-llm-args", metavar="JSON", type=read_json_object, default={}, help="its arguments"
    )
    agent.add_argument(
        "--script", metavar="FILE", default=None, help="messages to say instead of a model's"
    )
    speech = parser.add_argument_group("speech")
    speech.add_argument("--synthesizer", metavar="NAME", default=None, help="text to speech")
    speech.add_argument("--recognizer", metavar="NAME", default=None, help="speech to text")
    speech.add_argument("--detector", metavar="NAME", default=None, help="detection of speech")
    speech.add_argument("--voice", metavar="NAME", default="", help="one of the synthesizer's")


def run(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C."""
    if not 0 <= options.port <= LAST_PORT:
        raise ConfigError(f"--port must be between 0 and {LAST_PORT}, not {options.port}")
    try:
        with _server(options) as server:

            def announce() -> None:
                show(_announcement(server, _protocols(options)))
                flush()

            # Not before: Ctrl-C while the event loop is made would leave it open.
            server.run(on_started=announce)
    except KeyboardInterrupt:
        show("\nstopped")
    return OK


def _server(options: argparse.Namespace) -> VoiceServer:
    from tau2.service.voice_server import VoiceServer
    from tau2.voice.cascade.engines import best_engines
    from tau2.voice.speech.protocols import Voice
    from tau2.voice.wire.session import WireSetup

    named = best_engines(options.recognizer, options.synthesizer, options.detector)
    setup = WireSetup(
        _agents(options), named.detector, to_written=named.to_written, to_spoken=named.to_spoken
    )
    engines = named.engines(Voice(options.voice))
    return VoiceServer(setup, engines, options.port, protocols=_protocols(options))


def _agents(options: argparse.Namespace) -> MakeAgent:
    from tau2.llm import check_model
    from tau2.service.voice_agents import agents_named, agents_of_script, repeaters

    if options.script is not None:
        if options.agent_llm is not None:
            raise ConfigError("--script and --agent-llm exclude one another")
        return agents_of_script(Path(options.script))
    if options.agent_llm is None and options.agent == "llm_agent":
        return repeaters
    if options.agent_llm is not None:
        check_model(options.agent_llm, options.agent_llm_args)
    return agents_named(options.agent, options.agent_llm, options.agent_llm_args)


def _protocols(options: argparse.Namespace) -> tuple[Protocol, ...]:
    from tau2.service.voice_server import PROTOCOLS

    return PROTOCOLS if options.protocol == "both" else (options.protocol,)


def _announcement(server: VoiceServer, protocols: tuple[Protocol, ...]) -> str:
    from tau2.service.voice_server import PATHS

    base = server.websocket_base_url
    addresses = [f"  {name:<9} {base}{PATHS[name].removeprefix('/v1')}" for name in protocols]
    return "\n".join(
        [
            *addresses,
            f"  {'API key':<9} {server.token}",
            "",
            f"  AsyncOpenAI(api_key={server.token!r},",
            f"              websocket_base_url={base!r})",
            "",
            "Only this machine can reach it. Ctrl-C stops the server.",
        ]
    )
