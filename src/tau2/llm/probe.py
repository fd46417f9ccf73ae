"""The smallest request to a model: does its endpoint answer, and accept the key?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tau2.environment.tool import Tool
from tau2.llm.args import attempt_timeout, split_args
from tau2.llm.attempts import ModelCall, send_with_retries
from tau2.llm.cost import cost_of
from tau2.llm.drivers import adrive
from tau2.llm.parse import tokens_of
from tau2.llm.request import Request
from tau2.llm.routing import backend_for
from tau2.llm.wire import tools_to_wire
from tau2.utils.json_types import JsonMapping

_LONGEST = 60.0  # seconds; a local server may have to load the model first
_RETRIES = 2
_MAX_TOKENS = 16  # the least that every provider accepts
_LENGTHS = frozenset({"max_tokens", "max_completion_tokens", "n"})
_MESSAGE = {"role": "user", "content": "Reply with OK."}


@dataclass(frozen=True, slots=True)
class Probe:
    """What a probe took."""

    prompt_tokens: int
    completion_tokens: int
    cost: float | None
    """US dollars; None when the price is not known."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What a program that is an agent expects with every request."""

    policy: str
    tools: Sequence[Tool]


async def probe(model: str, llm_args: JsonMapping, opening: Opening | None = None) -> Probe | None:
    """Ask a model for next to nothing; None for a model that no network is needed for.

    Args:
        model: Its name.
        llm_args: The arguments of its calls.
        opening: Given for a program that is an agent. It is asked as in an episode, because it may
            rely on a policy and tools, and know no limit of tokens.

    Raises:
        ModelError: the model cannot be reached, or refuses the request.
        ConfigError: it cannot be called as configured.
    """
    options, given = split_args(llm_args)
    backend = backend_for(model, given)
    if not backend.is_remote:
        return None
    args = {name: value for name, value in given.items() if name not in _LENGTHS}
    messages = [dict(_MESSAGE)]
    if opening is not None:
        messages.insert(0, {"role": "system", "content": opening.policy})
    request = Request(
        model=model,
        messages=messages,
        tools=tools_to_wire(opening.tools) if opening is not None else None,
        args=args if opening is not None else {**args, "max_tokens": _MAX_TOKENS},
        timeout=min(attempt_timeout(options, own_args=False), _LONGEST),
        call_name="probe",
    )
    sender = backend.sender()
    call = ModelCall(request, sender, min(options.num_retries, _RETRIES))
    response = await adrive(send_with_retries(call), sender)
    prompt, completion = tokens_of(response)
    return Probe(prompt or 0, completion or 0, cost_of(model, args, response))
