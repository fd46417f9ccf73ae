"""A cap on cost: the worst case of a call is held before it is made, and settled after it.

The worst case of a call is its prompt at one token per byte (no tokenizer makes more), plus what
every chat format adds, plus `max_tokens` for every choice, at the model's price. A call that names
no `max_tokens` is sent with DEFAULT_MAX_TOKENS, since nothing else bounds it. A response costs what
its usage says, or what it states itself; one that says neither, and a call that may have been
answered unseen (a time-out, a lost connection), costs its worst case. The cap holds as far as the
prices are right and the endpoint honours `max_tokens`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from itertools import chain
from typing import Protocol

from tau2.errors import BudgetExhausted, ConfigError, DeadlineExceeded
from tau2.llm.clock import remaining
from tau2.llm.cost import cost_of
from tau2.llm.failure import CallFailed
from tau2.llm.middleware import NextSend
from tau2.llm.middleware.ledger import ReserveResult, dollars, up
from tau2.llm.prices import COMPILED_ON, Price, most_per_prompt_token, price_of
from tau2.llm.request import Flow, Request, Response, Sleep
from tau2.llm.routing import backend_for
from tau2.llm.transport.endpoint import SELF_HOSTED
from tau2.llm.unsupported_params import UNSUPPORTED_PARAMS, refused_parameter
from tau2.utils.json_types import JsonMapping, JsonObject, JsonValue

DEFAULT_MAX_TOKENS = 4096
"""Of one answer, reasoning included; sent only under a cap, when the arguments name none."""

_BOUNDS = ("max_tokens", "max_completion_tokens")
_PER_MESSAGE = 16  # tokens that chat formats put around a message
_PER_CALL = 1024  # tokens that providers add on their own, mostly to explain tools
_PER_MEDIUM = 16_384  # tokens of one image or sound; none costs more
_MAYBE_ANSWERED = frozenset({408, 502, 504})  # a proxy gave up; the model may have worked


def known_price(model: str, args: JsonMapping) -> Price:
    """Return a model's price.

    Raises:
        ConfigError: the price is not known, so that nothing can be promised.
    """
    if backend_for(model, args).is_free:
        return Price(0.0, 0.0)
    hosted = model.partition("/")[0] in SELF_HOSTED
    price = price_of("" if hosted else model, args)
    if price is None:
        raise ConfigError(
            f"max_cost needs the price of model {model!r}, which the table of {COMPILED_ON} does "
            "not have; give input_cost_per_token and output_cost_per_token in its arguments "
            "(both 0 for a server of your own)"
        )
    if price.prompt < 0 or price.completion < 0:
        raise ConfigError(f"the price of model {model!r} is negative")
    return price


def worst_case(request: Request) -> float:
    """Return the most US dollars that a bounded request can cost.

    Raises:
        ConfigError: the price is not known, or `max_tokens` or `n` is no positive number.
    """
    price = known_price(request.model, request.args)
    sent = _sent_args(request.args)
    bounds = [_counted(sent[name]) for name in _BOUNDS if name in sent]
    longest = max(bounds, default=DEFAULT_MAX_TOKENS)
    prompt = _prompt_bound(request) * most_per_prompt_token(request.model)
    return price.of(prompt, longest * _counted(sent.get("n") or 1))


def _counted(value: JsonValue) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigError(
            f"max_cost needs max_tokens and n to be whole numbers above 0, not {value!r}"
        )
    return value


def _sent_args(args: JsonMapping) -> JsonObject:
    """Return the arguments as they are sent: those in `extra_body` win."""
    extra = args.get("extra_body")
    return {**args, **(extra if isinstance(extra, Mapping) else {})}


def _prompt_bound(request: Request) -> int:
    """Return the most tokens that a prompt can have."""
    sent = [request.messages, request.tools, request.args.get("extra_body")]
    text = json.dumps(sent, ensure_ascii=False, default=str)
    size = len(text.encode("utf-8", "replace"))
    contents = [message.get("content") for message in request.messages]
    parts = chain.from_iterable(content for content in contents if isinstance(content, list))
    media = [part for part in parts if isinstance(part, Mapping) and part.get("type") != "text"]
    return size + _PER_CALL + _PER_MESSAGE * len(request.messages) + _PER_MEDIUM * len(media)


def bounded(request: Request) -> Request:
    """Return a request whose answer has a longest length."""
    sent = _sent_args(request.args)
    if any(sent.get(name) is not None for name in _BOUNDS):
        return request
    address = {
        name: request.args[name] for name in ("api_base", "base_url") if name in request.args
    }
    thinking = sent.get("thinking")
    budget = thinking.get("budget_tokens") if isinstance(thinking, Mapping) else 0
    longest = DEFAULT_MAX_TOKENS + (budget if isinstance(budget, int) else 0)
    bound = UNSUPPORTED_PARAMS.adapt(request.model, {**address, "max_tokens": longest})
    args = {name: value for name, value in request.args.items() if name not in _BOUNDS}
    return replace(request, args={**args, **bound})


class Account(Protocol):
    """What money is taken from: a ledger, or whoever keeps one for a cluster."""

    cap: int
    poll: float
    """Seconds between two attempts to reserve money."""

    @property
    def spent(self) -> int:
        """Picodollars that are spent, as far as is known here."""

    def reserving(self, amount: int) -> Flow[ReserveResult]:
        """Hold an amount, if it is there."""

    def settle(self, held: int, spent: int) -> None:
        """Give back what was held, and write down what was spent."""

    def close(self) -> None:
        """Close the account; what is still held counts as spent."""


class Budget:
    """The cap of one run.

    Its middleware is the innermost that may wait, so it holds only what is being sent.
    """

    def __init__(self, account: Account) -> None:
        self.account = account

    def middleware(self, request: Request, send: NextSend) -> Flow[Response]:
        """Hold the worst case, send, and settle.

        Raises:
            BudgetExhausted: there will never be enough for the call.
            DeadlineExceeded: the episode's time was over before there was enough.
        """
        limited = bounded(request)
        while True:
            try:
                return (yield from self._paid(limited, send))
            except CallFailed as failure:
                # The caller did not ask for this bound, so it cannot handle its refusal.
                refused = refused_parameter(limited.args, failure)
                if refused is None or refused in request.args:
                    raise
                UNSUPPORTED_PARAMS.learn(limited.model, limited.args, failure)
                limited = bounded(request)

    def _paid(self, request: Request, send: NextSend) -> Flow[Response]:
        most = up(worst_case(request))
        yield from self._reserve(request, most)
        # If the flow is closed while the call is under way, its worst case counts.
        spent = most
        try:
            response = yield from send(request)
            spent = _cost(request, response, most)
        except CallFailed as failure:
            may_have_answered = failure.was_sent
            if failure.status is not None:
                may_have_answered = failure.status in _MAYBE_ANSWERED
            spent = most if may_have_answered else 0
            raise
        except DeadlineExceeded as error:
            # Without a cause nothing was sent.
            spent = most if error.__cause__ is not None else 0
            raise
        finally:
            self.account.settle(most, spent)
        return response

    def _reserve(self, request: Request, most: int) -> Flow[None]:
        account = self.account
        while (found := (yield from account.reserving(most))) is not ReserveResult.GRANTED:
            if found is ReserveResult.NEVER:
                cap, spent = dollars(account.cap), dollars(account.spent)
                raise BudgetExhausted(
                    f"max_cost ${cap:.4f}: ${spent:.4f} is spent, "
                    f"and the next call of model {request.model!r} may cost up to "
                    f"${dollars(most):.4f}"
                )
            if remaining() <= account.poll:
                raise DeadlineExceeded(
                    f"the episode's time was over before model {request.model!r} could be paid"
                )
            yield Sleep(account.poll)


def _cost(request: Request, response: object, most: int) -> int:
    if not isinstance(response, Mapping):
        return most
    cost = cost_of(request.model, request.args, response, ask_patches=False)
    return most if cost is None else up(cost)
