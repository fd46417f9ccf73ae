"""A cap on what model calls cost: the worst case of every call is held before it is made, and settled after it.

The worst case of a call is its prompt at one token per byte (no tokenizer makes more), plus what every chat format
adds, plus `max_tokens` for every choice, at the model's price. A call that names no `max_tokens` is sent with
DEFAULT_MAX_TOKENS, since nothing else bounds it. An answer costs what its usage says, or what it states itself; one
that says neither, and a call that may have been answered unseen (a time-out, a lost line), costs its worst case. The
cap holds as far as the prices are right and the endpoint honours `max_tokens`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tau2.errors import BudgetExhausted, ConfigError, DeadlineExceeded
from tau2.llm.backends.scripted import PREFIX
from tau2.llm.clock import remaining
from tau2.llm.cost import cost_of
from tau2.llm.endpoint import SELF_HOSTED
from tau2.llm.failure import CallFailed
from tau2.llm.middleware import NextSend
from tau2.llm.middleware.ledger import Ledger, Reservation, dollars, up
from tau2.llm.prices import COMPILED_ON, Price, price_of
from tau2.llm.request import Flow, Request, Response, Sleep
from tau2.llm.unsupported_params import UNSUPPORTED_PARAMS, refused_parameter

DEFAULT_MAX_TOKENS = (
    4096  # of one answer, thoughts included; sent only under a cap, when the arguments name none
)
_BOUNDS = ("max_tokens", "max_completion_tokens")
_PER_MESSAGE = 16  # tokens that chat formats put around a message
_PER_CALL = 1024  # tokens that providers add on their own, mostly to explain tools
_PER_MEDIUM = 16_384  # tokens of one image or sound; none costs more
_POLL = 0.05  # seconds between two looks whether money was given back
_MAYBE_ANSWERED = frozenset(
    {408, 502, 504}
)  # somebody on the way gave up; the model may have worked


def known_price(model: str, args: Mapping[str, Any]) -> Price:
    """Return a model's price. Raise ConfigError when it is not known: then nothing can be promised."""
    if model.startswith(PREFIX):
        return Price(0.0, 0.0)
    hosted = model.partition("/")[0] in SELF_HOSTED
    price = price_of("" if hosted else model, args)
    if price is None:
        raise ConfigError(
            f"max_cost needs the price of model {model!r}, which the table of {COMPILED_ON} does not have; give "
            "input_cost_per_token and output_cost_per_token in its arguments (both 0 for a server of your own)"
        )
    if price.prompt < 0 or price.completion < 0:
        raise ConfigError(f"the price of model {model!r} is negative")
    return price


def worst_case(request: Request) -> float:
    """Return the most US dollars that a bounded request can cost. Raise ConfigError without a price or a bound."""
    price = known_price(request.model, request.args)
    sent = _sent(request.args)
    longest = max(
        (_counted(sent[name]) for name in _BOUNDS if name in sent), default=DEFAULT_MAX_TOKENS
    )
    return price.of(_prompt_bound(request), longest * _counted(sent.get("n") or 1))


def _counted(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigError(
            f"max_cost needs max_tokens and n to be whole numbers above 0, not {value!r}"
        )
    return value


def _sent(args: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments as they are sent: those in `extra_body` win."""
    extra = args.get("extra_body")
    return {**args, **(extra if isinstance(extra, Mapping) else {})}


def _prompt_bound(request: Request) -> int:
    """Return the most tokens that a prompt can have."""
    sent = json.dumps(
        [request.messages, request.tools, request.args.get("extra_body")],
        ensure_ascii=False,
        default=str,
    )
    parts = [part for message in request.messages for part in _parts(message.get("content"))]
    media: int = sum(isinstance(part, Mapping) and part.get("type") != "text" for part in parts)
    size = len(sent.encode("utf-8", "replace"))
    return size + _PER_CALL + _PER_MESSAGE * len(request.messages) + _PER_MEDIUM * media


def _parts(content: Any) -> list[Any]:
    return content if isinstance(content, list) else []


def bounded(request: Request) -> Request:
    """Return a request whose answer has a longest length."""
    sent = _sent(request.args)
    if any(sent.get(name) is not None for name in _BOUNDS):
        return request
    args = {name: value for name, value in request.args.items() if name not in _BOUNDS}
    return replace(
        request, args={**args, **UNSUPPORTED_PARAMS.adapt(request.model, _as_asked(request.args))}
    )


def _as_asked(args: Mapping[str, Any]) -> dict[str, Any]:
    address = {name: args[name] for name in ("api_base", "base_url") if name in args}
    return {**address, "max_tokens": DEFAULT_MAX_TOKENS}


class Budget:
    """The cap of one run; `middleware` surrounds model calls, the innermost one: what it holds is being sent."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def middleware(self, request: Request, send: NextSend) -> Flow[Response]:
        """Hold the worst case, send, and settle. Raise BudgetExhausted when there will never be enough for it."""
        limited = bounded(request)
        while True:
            try:
                return (yield from self._paid(limited, send))
            except CallFailed as failure:
                if not _refuses_our_bound(request, limited, failure):
                    raise
                UNSUPPORTED_PARAMS.learn(limited.model, limited.args, failure)
                limited = bounded(request)

    def _paid(self, request: Request, send: NextSend) -> Flow[Response]:
        most = up(worst_case(request))
        yield from self._held(request, most)
        spent = most
        try:
            response = yield from send(request)
            spent = _cost(request, response, most)
        except CallFailed as failure:
            spent = most if _may_be_billed(failure) else 0
            raise
        except DeadlineExceeded as error:
            spent = most if error.__cause__ is not None else 0  # without a cause nothing was sent
            raise
        finally:
            self.ledger.settle(most, spent)
        return response

    def _held(self, request: Request, most: int) -> Flow[None]:
        while (answer := self.ledger.reserve(most)) is not Reservation.GRANTED:
            if answer is Reservation.NEVER:
                raise BudgetExhausted(
                    f"max_cost ${dollars(self.ledger.cap):.4f}: ${dollars(self.ledger.spent):.4f} is spent, and the "
                    f"next call of model {request.model!r} may cost up to ${dollars(most):.4f}"
                )
            if remaining() <= _POLL:
                raise DeadlineExceeded(
                    f"the episode's time was over before model {request.model!r} could be paid"
                )
            yield Sleep(_POLL)


def _refuses_our_bound(request: Request, limited: Request, failure: CallFailed) -> bool:
    name = refused_parameter(limited.args, failure)
    return name is not None and name not in request.args


def _cost(request: Request, response: Response, most: int) -> int:
    cost = (
        cost_of(request.model, request.args, response, ask_patches=False)
        if isinstance(response, Mapping)
        else None
    )
    return most if cost is None else up(cost)


def _may_be_billed(failure: CallFailed) -> bool:
    """Return whether the model may have answered, unseen."""
    if failure.status is not None:
        return failure.status in _MAYBE_ANSWERED
    return type(failure.__cause__).__name__ != "ConnectError"
