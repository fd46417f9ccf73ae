"""Models that run in this process: `local/<name>`, and `local/<path>.gguf`.

    local/qwen-0.5b             weights that `tau2 models list` names
    local/models/mine.gguf      weights of one's own, by their path

They need the extra `local`, and neither a key nor a server. With an `api_base`, or another name and
an address in the environment, `local/...` is a model of that server instead.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from tau2.errors import ConfigError, DataFileError, MissingExtra, UnknownName
from tau2.llm.args import CALL_OPTIONS, NOT_IN_BODY, check_names
from tau2.llm.request import Backend, Request, Response, by_prefix_alone
from tau2.utils.json_types import JsonMapping, JsonValue
from tau2.utils.text import repr_of

if TYPE_CHECKING:
    from tau2.llm.local.engine import Engine, EngineSettings
    from tau2.llm.local.slots import Call

PREFIX = "local/"
_ENDING = ".gguf"
_ADDRESS_VARIABLES = ("OPENAI_BASE_URL", "OPENAI_API_BASE")
_EFFECTLESS = (
    CALL_OPTIONS | NOT_IN_BODY | {"n", "user", "parallel_tool_calls", "cache_prompt", "tool_choice"}
)
"""Arguments that other parts of tau2 apply, or that ask for what is done anyway."""
_MOST_SLOTS = 64
_MOST_TOKENS = 2**20
_MOST_THREADS = 256


def _leaves(model: str, args: JsonMapping) -> bool:
    if args.get("api_base") or args.get("base_url"):
        return True
    from tau2.llm.local.catalog import model_names  # noqa: PLC0415  -- only for this prefix

    if model.endswith(_ENDING) or model.removeprefix(PREFIX) in model_names():
        return False
    return any(os.environ.get(variable) for variable in _ADDRESS_VARIABLES)


def _check(model: str, args: JsonMapping) -> None:
    from tau2.llm.local import chat, library  # noqa: PLC0415  -- only runs of local models

    check_names(args)
    known = chat.READ | _EFFECTLESS
    unknown = next((name for name in args if name not in known), None)
    if unknown is not None:
        raise ConfigError(
            f"the argument {unknown!r} has no effect on model {model!r}, which runs in this "
            "process; leave it out"
        )
    if args.get("n") not in (None, 1):
        raise ConfigError(f"a local model gives one answer at a time, not n={repr_of(args['n'])}")
    chat.sampling_of(args, "")
    _settings(args)
    _files(model, args)
    if not library.is_installed():
        raise ConfigError(
            f"model {model!r} runs in this process on llama.cpp, which is not installed: "
            "pip install 'tau2-bench[local]', or give api_base if a server serves it"
        )


def engine_of(model: str, args: JsonMapping) -> Engine:
    """Return the engine of a model, which the first call loads.

    Raises:
        ConfigError: there are no such weights, or they are loaded with other settings.
        CallFailed: llama.cpp cannot load them.
    """
    from tau2.llm.local.engine import engine_for  # noqa: PLC0415  -- as above

    weights, adapter = _files(model, args)
    return engine_for(weights, adapter, _settings(args))


def _files(model: str, args: JsonMapping) -> tuple[Path, Path | None]:
    """Return the weights of a model, and its adapter. Raise ConfigError for what is not there."""
    from tau2.llm.local.catalog import known_model  # noqa: PLC0415  -- as above
    from tau2.llm.local.gguf import read_header  # noqa: PLC0415  -- as above
    from tau2.llm.local.weights import GGUF, adapter_path  # noqa: PLC0415  -- as above

    name = model.removeprefix(PREFIX)
    if name.endswith(GGUF):
        weights = Path(name).expanduser()
        adapter = None
    else:
        weights = _known_weights(name)
        adapter = adapter_path(known_model(name))
    given = args.get("adapter")
    if given is not None and not isinstance(given, str):
        raise ConfigError(f"adapter is the path of a GGUF file, not {repr_of(given)}")
    if given:
        adapter = Path(given).expanduser()
    try:
        kinds = [read_header(path).kind for path in (weights, adapter) if path is not None]
    except DataFileError as error:
        raise ConfigError(f"model {model!r} cannot be loaded: {error}") from error
    for path, kind, wanted in zip((weights, adapter), kinds, ("model", "adapter"), strict=False):
        if kind != wanted:
            raise ConfigError(f"{path} holds {kind!r} weights, where {wanted!r} weights are needed")
    return weights, adapter


def _known_weights(name: str) -> Path:
    from tau2.llm.local.weights import weights_path  # noqa: PLC0415  -- as above

    try:
        return weights_path(name)
    except UnknownName as error:
        raise ConfigError(
            f"{error}. Name a GGUF file, as in local/<path>.gguf, or give api_base if a server "
            "serves the model"
        ) from error


def _settings(args: JsonMapping) -> EngineSettings:
    from tau2.llm.local.engine import EngineSettings  # noqa: PLC0415  -- as above

    constrained = args.get("constrained")
    if constrained is not None and not isinstance(constrained, bool):
        raise ConfigError(f"constrained is true or false, not {repr_of(constrained)}")
    return EngineSettings(
        n_ctx=_count(args, "n_ctx", _MOST_TOKENS),
        n_parallel=_count(args, "n_parallel", _MOST_SLOTS),
        n_threads=_count(args, "n_threads", _MOST_THREADS),
    )


def _count(args: JsonMapping, name: str, highest: int) -> int | None:
    value: JsonValue = args.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= highest:
        raise ConfigError(
            f"{name} must be a whole number from 1 to {highest:,}, not {repr_of(value)}"
        )
    return value


def _answer(request: Request, call: Call) -> Response:
    from tau2.llm.local import chat  # noqa: PLC0415  -- as above

    try:
        engine = engine_of(request.model, request.args)
    except MissingExtra as error:
        raise ConfigError(str(error)) from error
    asked = chat.ask(
        engine, request.messages, request.tools, request.args, tool_choice=request.tool_choice
    )
    return chat.completion_of(asked, chat.generate(engine, asked, call), request.model)


def _send(request: Request) -> Response:
    from tau2.llm.local.slots import Call  # noqa: PLC0415  -- as above

    return _answer(request, Call(request.timeout))


async def _asend(request: Request) -> Response:
    from tau2.llm.local.slots import Call  # noqa: PLC0415  -- as above
    from tau2.llm.local.threads import in_thread  # noqa: PLC0415  -- as above

    call = Call(request.timeout)
    return await in_thread(lambda: _answer(request, call), call)


BACKEND = Backend(
    "local",
    claims=by_prefix_alone,
    send=_send,
    asend=_asend,
    check=_check,
    is_free=True,
    leaves=_leaves,
    rank=5,
)
