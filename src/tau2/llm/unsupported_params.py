"""What a model refuses, known by model family or learnt from a refusal.

Sampling parameters, a tool choice that forces a call, and answers that are not streamed.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from dataclasses import replace

from tau2.llm.failure import CallFailed
from tau2.llm.request import Request
from tau2.utils.json_types import JsonMapping, JsonObject

_DROPPABLE = (
    "temperature",
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "seed",
    "response_format",
)
"""Parameters that tune an answer; a call without them still asks the same."""

RENAMED = {"max_tokens": "max_completion_tokens"}
"""Parameters that a model may want under another name."""

_REASONING = re.compile(r"(?:^|/|:)(?:o[134](?:$|[-:])|gpt-5(?!.*chat))")
_REFUSED_BY_REASONING = frozenset({"temperature", "top_p", "max_tokens"})
BAD_REQUEST = frozenset({400, 422})
REFUSAL = re.compile(
    r"unsupported|not support|unrecogni[sz]ed|unknown|unexpected"
    r"|not (?:allowed|permitted|accepted)|cannot|deprecated"
    r"|extra (?:inputs|fields)|only the default",
    re.IGNORECASE,
)
_FORCED_CHOICE = "tool_choice"
_UNSTREAMED = "stream"
_CHOICE_REFUSAL = re.compile(
    r"tool[_ ]?choice|(?:forc|requir)\w* (?:the )?(?:use of )?(?:a )?(?:tool|function)|forced tool",
    re.IGNORECASE,
)
_MUST_STREAM = re.compile(
    r"(?:only|must|need\w*|require[sd]?|please|should|enable).{0,40}\bstream"
    r"|stream\w*['\"`]? (?:is|must|should|mode|=|to).{0,20}(?:required|true|enabled|only|be set)"
    r"|non[- ]?stream\w*.{0,60}(?:not|un)[ -]?(?:support|allow|available|permit)"
    r"|(?:not|n't) support.{0,30}non[- ]?stream",
    re.IGNORECASE,
)
_MOST_MODELS = 256  # models whose refusals are remembered; more than one run ever uses


class UnsupportedParams:
    """Remembers which parameters which model refused. Safe to share between threads."""

    def __init__(self) -> None:
        self._refused: OrderedDict[str, frozenset[str]] = OrderedDict()
        self._lock = threading.Lock()

    def adapt(self, model: str, args: JsonMapping) -> JsonObject:
        """Return `args` without what `model` refuses.

        What it wants under another name is renamed.
        """
        refused = self._refused_of(model, args)
        adapted = {}
        for name, value in args.items():
            if name not in refused:
                adapted[name] = value
            elif name in RENAMED:
                adapted[RENAMED[name]] = value
        return adapted

    def _refused_of(self, model: str, args: JsonMapping) -> frozenset[str]:
        refused = self._refused.get(endpoint_key(model, args), frozenset())
        return refused | _REFUSED_BY_REASONING if _REASONING.search(model) else refused

    def learn(self, model: str, args: JsonMapping, failure: CallFailed) -> bool:
        """Remember the parameter that `failure` refuses; return whether there was one."""
        name = refused_parameter(args, failure)
        if name is None:
            return False
        self._remember(model, args, name)
        return True

    def _remember(self, model: str, args: JsonMapping, name: str) -> None:
        key = endpoint_key(model, args)
        with self._lock:
            self._refused[key] = self._refused.get(key, frozenset()) | {name}
            self._refused.move_to_end(key)
            while len(self._refused) > _MOST_MODELS:
                self._refused.popitem(last=False)

    def adapt_request(self, request: Request) -> Request:
        """Return the request without what its model refuses."""
        refused = self._refused_of(request.model, request.args)
        if not refused:
            return request
        adapted = replace(request, args=self.adapt(request.model, request.args))
        if _FORCED_CHOICE in refused and _forces_a_call(request):
            adapted = replace(adapted, tool_choice="auto")
        if _UNSTREAMED in refused and not request.is_streamed:
            adapted = replace(adapted, is_streamed=True)
        return adapted

    def learn_from(self, request: Request, failure: CallFailed) -> bool:
        """Remember what `failure` refuses of a request; return whether there was anything."""
        if failure.status not in BAD_REQUEST:
            return False
        refuses_choice = failure.parameter == _FORCED_CHOICE or _CHOICE_REFUSAL.search(failure.text)
        if _forces_a_call(request) and refuses_choice:
            self._remember(request.model, request.args, _FORCED_CHOICE)
            return True
        if not request.is_streamed and _MUST_STREAM.search(failure.text):
            self._remember(request.model, request.args, _UNSTREAMED)
            return True
        return self.learn(request.model, request.args, failure)

    def forget(self) -> None:
        """Forget everything learnt."""
        with self._lock:
            self._refused.clear()


def endpoint_key(model: str, args: JsonMapping) -> str:
    """Return the key of a model; two endpoints may serve different models under one name."""
    return f"{args.get('api_base') or args.get('base_url') or ''} {model}"


def _forces_a_call(request: Request) -> bool:
    return bool(request.tools) and request.tool_choice not in (None, "auto", "none")


def refused_parameter(args: JsonMapping, failure: CallFailed) -> str | None:
    """Return the parameter of `args` that the endpoint refuses, if the call can do without it."""
    if failure.status not in BAD_REQUEST or not REFUSAL.search(failure.text):
        return None
    candidates = [name for name in (*_DROPPABLE, *RENAMED) if name in args]
    if failure.parameter in candidates:
        return failure.parameter
    return next((name for name in candidates if re.search(rf"\b{name}\b", failure.text)), None)


UNSUPPORTED_PARAMS = UnsupportedParams()
"""Process-wide, because what a model refuses does not depend on the episode.

Tests call `forget`.
"""
