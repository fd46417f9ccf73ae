"""Requests in OpenAI's form as prompts of a local model, and what it generates as completions.

The model is asked in the one prompt form of `tau2.actions.plain_chat`, which the trainers use, too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tau2.actions.parse import TAGGED, Calls, read_text
from tau2.actions.plain_chat import plain_chat
from tau2.actions.tool_calls import MalformedAction
from tau2.actions.written_calls import argument_names, written_calls
from tau2.data_model.message import ToolRequestor
from tau2.errors import ConfigError
from tau2.llm.clock import clock
from tau2.llm.local.constraint import ConstraintOptions, constraint
from tau2.llm.local.slots import Call
from tau2.llm.response import RESPONSE_COST
from tau2.llm.wire import to_wire
from tau2.seeds import derive_seed, made_call_id, numbered_call_id, sent_seed
from tau2.utils.json_types import JsonMapping, JsonObject, JsonValue
from tau2.utils.text import repr_of

if TYPE_CHECKING:
    from tau2.llm.local.engine import Engine, Generated, Sampling

PASSED = frozenset(
    [
        "top_k",
        "min_p",
        "typical_p",
        "top_n_sigma",
        "repeat_penalty",
        "repeat_last_n",
        "presence_penalty",
        "frequency_penalty",
        "logit_bias",
        "mirostat",
        "mirostat_mode",
        "mirostat_tau",
        "mirostat_eta",
        "dynatemp_range",
        "dynatemp_exponent",
        "dry_multiplier",
        "dry_base",
        "dry_allowed_length",
        "dry_penalty_last_n",
        "dry_sequence_breakers",
        "xtc_probability",
        "xtc_threshold",
        "samplers",
        "ignore_eos",
        "json_schema",
    ]
)
"""Further sampling parameters of llama.cpp, which are passed on as given."""

READ = PASSED | {
    "max_tokens",
    "max_completion_tokens",
    "temperature",
    "top_p",
    "seed",
    "stop",
    "grammar",
    "response_format",
}
"""The arguments that have an effect."""

_MOST_STOPS = 16
_MOST_TOKENS = 2**20  # of one answer; no context is that long


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, as the engine gets it."""

    prompt: str
    prefix: str
    sampling: Sampling
    read: Callable[[str], JsonObject]
    """Returns the assistant's message, in OpenAI's form, that a generated text stands for."""


def ask(
    engine: Engine,
    messages: Sequence[JsonMapping],
    tools: Sequence[JsonMapping] | None,
    args: JsonMapping,
    *,
    tool_choice: str | JsonMapping | None = None,
) -> Asked:
    """Return a request in OpenAI's form as the engine gets it.

    Raises:
        ConfigError: an argument has a value that cannot be used.
        CallFailed: the chat template refuses the conversation.
    """
    offered = list(tools or ())
    turns = plain_chat(messages, offered, special_tokens=engine.header.special_tokens)
    prompt = engine.prompt_of(turns)
    # What only one conversation has, such as a scenario, is not worth a file.
    prefix = engine.prefix_of(turns) if offered else ""
    sampling = sampling_of(args, prompt)
    if offered and _is_constrained(args):
        options = ConstraintOptions(leaves_early=engine.has_adapter)
        constrained = constraint(messages, offered, tool_choice=tool_choice, options=options)
        return Asked(
            prompt, prefix, replace(sampling, grammar=constrained.grammar), constrained.read
        )
    number = len(messages)
    callable_tools = [] if tool_choice == "none" else offered
    return Asked(prompt, prefix, sampling, lambda text: _message(text, number, callable_tools))


def _is_constrained(args: JsonMapping) -> bool:
    """Return whether a grammar of ours binds what is written, and no other one."""
    others = (args.get("grammar"), args.get("json_schema"), args.get("response_format"))
    return args.get("constrained") is not False and all(other is None for other in others)


def completion_of(asked: Asked, generated: Generated, model: str) -> JsonObject:
    """Return what was generated as a chat completion that cost nothing."""
    message = asked.read(generated.text)
    reason = generated.finish_reason
    if message.get("tool_calls") and reason == "stop":
        reason = "tool_calls"
    return {
        "id": completion_id(asked),
        "object": "chat.completion",
        "created": int(clock.get().wall()),
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
        "usage": usage_of(generated),
        "_hidden_params": {RESPONSE_COST: 0.0},
    }


def completion_id(asked: Asked) -> str:
    """Return the id of a completion: the same for the same request."""
    return f"chatcmpl-{made_call_id(asked.prompt, asked.sampling.seed)}"


def usage_of(generated: Generated) -> JsonObject:
    """Return the token counts of a completion in OpenAI's form."""
    return {
        "prompt_tokens": generated.prompt_tokens,
        "completion_tokens": generated.completion_tokens,
        "total_tokens": generated.prompt_tokens + generated.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": generated.reused_tokens},
    }


def generate(
    engine: Engine, asked: Asked, call: Call, on_text: Callable[[str], None] | None = None
) -> Generated:
    """Return what the model says. Raise CallFailed when it cannot."""
    return engine.generate(
        asked.prompt, asked.sampling, prefix=asked.prefix, call=call, on_text=on_text
    )


def _message(text: str, number: int, tools: Sequence[JsonMapping]) -> JsonObject:
    """Return the message that a text stands for; a call that cannot be read stays text."""
    if not tools:
        return {"role": "assistant", "content": text}
    offered = argument_names(tools)

    def any_form(visible: str, requestor: ToolRequestor) -> Calls | None:
        """Read calls of the tools in any form: nobody tells small models how to write them."""
        return written_calls(visible, offered, requestor)

    try:
        message = read_text(text, (any_form, *TAGGED))
    except MalformedAction:
        return {"role": "assistant", "content": text}
    for index, call in enumerate(message.tool_calls or ()):
        call.id = numbered_call_id(number, index)
    return to_wire([message], keep_reasoning=True)[0]


def sampling_of(args: JsonMapping, prompt: str) -> Sampling:
    """Return how text is chosen; without a seed it follows from the prompt.

    Raises:
        ConfigError: a value that cannot be used.
    """
    from tau2.llm.local.engine import DEFAULT_MAX_TOKENS, Sampling  # noqa: PLC0415  -- see above

    extra = {name: args[name] for name in PASSED if args.get(name) is not None}
    schema = _schema(args.get("response_format"))
    if schema is not None:
        extra["json_schema"] = schema
    limits = (args.get("max_completion_tokens"), args.get("max_tokens"))
    limit = next((value for value in limits if value is not None), DEFAULT_MAX_TOKENS)
    seed = args.get("seed")
    grammar = args.get("grammar")
    if grammar is not None and not isinstance(grammar, str):
        raise ConfigError("grammar must be a text in GBNF")
    return Sampling(
        max_tokens=min(_whole("max_tokens", limit, lowest=1), _MOST_TOKENS),
        temperature=_number("temperature", args.get("temperature"), 0.0, highest=100.0),
        top_p=_number("top_p", args.get("top_p"), 1.0, highest=1.0),
        seed=derive_seed(0, "local", prompt) if seed is None else _seed(seed),
        stop=_stops(args.get("stop")),
        grammar=grammar,
        extra=extra,
    )


def _seed(value: JsonValue) -> int:
    # llama.cpp takes the seed as 32 bits without a sign, and -1 as "any".
    return sent_seed(_whole("seed", value, lowest=None)) % 2**31


def _whole(name: str, value: JsonValue, *, lowest: int | None) -> int:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if not is_whole or (lowest is not None and value < lowest):
        bound = "" if lowest is None else f" of at least {lowest}"
        raise ConfigError(f"{name} must be a whole number{bound}, not {repr_of(value)}")
    return int(value)


def _number(name: str, value: JsonValue, default: float, *, highest: float) -> float:
    if value is None:
        return default
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= highest:
        raise ConfigError(f"{name} must be a number from 0 to {highest:g}, not {repr_of(value)}")
    return float(value)


def _stops(value: JsonValue) -> tuple[str, ...]:
    if value is None:
        return ()
    stops = [value] if isinstance(value, str) else value
    is_texts = isinstance(stops, list | tuple) and all(
        isinstance(one, str) and one for one in stops
    )
    if not is_texts or len(stops) > _MOST_STOPS:
        raise ConfigError(f"stop must be a text, or a list of at most {_MOST_STOPS} texts")
    return tuple(stops)


def _schema(form: JsonValue) -> JsonObject | None:
    """Return the JSON schema that a `response_format` of OpenAI asks for."""
    if form is None:
        return None
    kind = form.get("type") if isinstance(form, dict) else None
    if kind == "text":
        return None
    if kind == "json_object":
        return {}
    named = form.get("json_schema") if isinstance(form, dict) else None
    schema = named.get("schema") if isinstance(named, dict) else None
    if kind == "json_schema" and isinstance(schema, dict):
        return schema
    raise ConfigError("response_format must be of the type text, json_object or json_schema")
