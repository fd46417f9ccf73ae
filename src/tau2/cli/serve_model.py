"""`tau2 serve-model`: a local model as an OpenAI-compatible endpoint."""

from __future__ import annotations

import argparse
import json

from tau2.cli.exit_codes import OK
from tau2.cli.parsing import CommandParser
from tau2.cli.start import LAST_PORT, add_port
from tau2.errors import ConfigError
from tau2.llm.failure import CallFailed
from tau2.llm.local.catalog import DEFAULT_MODEL
from tau2.utils.json_types import JsonObject
from tau2.utils.output import flush, show
from tau2.utils.terminal_text import named

_EPILOG = """\
Any client of OpenAI's chat completions can then use the model, with the base URL and
the API key that are printed; tools and streaming work. Only this machine can reach it;
Ctrl-C stops it. It needs the extras local and serve:
  pip install 'tau2-bench[local,serve]'

examples:
  tau2 serve-model
  tau2 serve-model qwen-1.5b --port 8080 --n-parallel 8
  tau2 serve-model models/mine.gguf"""

_SETTINGS = {
    "n_ctx": "tokens of one conversation (default: 8192, or what the model was trained on)",
    "n_parallel": "conversations that are answered at once (default: 4)",
    "n_threads": "threads of the engine (default: 1)",
}


def add_arguments(parser: CommandParser) -> None:
    """Add which model, where, and how it is loaded."""
    parser.epilog = _EPILOG
    parser.add_argument(
        "model",
        metavar="MODEL",
        nargs="?",
        default=DEFAULT_MODEL,
        help=f"a name of `tau2 models list`, or a GGUF file (default: {DEFAULT_MODEL})",
    )
    add_port(parser)
    parser.add_argument("--adapter", metavar="FILE", help="a LoRA adapter in GGUF")
    for name, text in _SETTINGS.items():
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, dest=name, type=int, metavar="N", help=text)


def run(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C."""
    from tau2.llm import check_model
    from tau2.llm.backends.local import PREFIX

    if not 0 <= options.port <= LAST_PORT:
        raise ConfigError(f"--port must be between 0 and {LAST_PORT}, not {options.port}")
    name = options.model.removeprefix(PREFIX)
    given = vars(options)
    args = {setting: given[setting] for setting in ("adapter", *_SETTINGS) if setting in given}
    check_model(PREFIX + name, args)
    try:
        _served(name, args, options.port)
    except CallFailed as failure:
        raise ConfigError(failure.text) from failure
    except KeyboardInterrupt:
        show("\nstopped")
    return OK


def _served(name: str, args: JsonObject, port: int) -> None:
    from tau2.llm.backends.local import PREFIX, engine_of
    from tau2.llm.local.engine import close_engines
    from tau2.service.model_server import ModelServer

    engine = engine_of(PREFIX + name, args)
    shown = name.rpartition("/")[2].removesuffix(".gguf")
    try:
        with ModelServer(engine, shown, port) as server:

            def announce() -> None:
                show(_announcement(server.base_url, server.token, shown, engine.options.n_ctx))
                flush()

            # Not before: Ctrl-C while the event loop is made would leave it open.
            server.run(on_started=announce)
    finally:
        close_engines()


def _announcement(base_url: str, token: str, model: str, n_ctx: int) -> str:
    args = json.dumps({"api_base": base_url, "api_key": token})
    return (
        f"{named(model)}, {n_ctx:,} tokens a conversation\n\n"
        f"  base URL  {base_url}\n"
        f"  API key   {token}\n\n"
        f"  tau2 run --domain mock --agent-llm openai/{named(model)} \\\n"
        f"      --agent-llm-args '{args}'\n\n"
        "Only this machine can reach it. Ctrl-C stops the server."
    )
