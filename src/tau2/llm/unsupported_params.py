"""What models refuse: sampling parameters of reasoning models, known by family or learnt from a refusal."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from tau2.llm.failure import CallFailed

_DROPPABLE = (
    "temperature",
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "seed",
    "response_format",
)
"""Parameters that tune an answer without changing what is asked; a call without them is still the same call."""

_RENAMED = {"max_tokens": "max_completion_tokens"}
_REASONING = re.compile(r"(?:^|/|:)(?:o[134](?:$|[-:])|gpt-5(?!.*chat))")
_BAD_REQUEST = frozenset({400, 422})
_REFUSAL = re.compile(
    r"unsupported|not support|unrecogni[sz]ed|unknown|unexpected|not (?:allowed|permitted|accepted)|cannot|deprecated"
    r"|extra (?:inputs|fields)|only the default",
    re.IGNORECASE,
)
_MOST_MODELS = 256  # models whose refusals are remembered; more than one run ever uses


class Quirks:
    """Remembers, for this process, which parameters which model refused. Safe to share between threads."""

    def __init__(self) -> None:
        self._refused: OrderedDict[str, frozenset[str]] = OrderedDict()
        self._lock = threading.Lock()

    def fit(self, model: str, args: Mapping[str, Any]) -> dict[str, Any]:
        """Return `args` as `model` takes them."""
        refused = self._refused.get(_key(model, args), frozenset())
        if _REASONING.search(model):
            refused |= {"temperature", "top_p", "max_tokens"}
        return {
            _RENAMED.get(k, k) if k in refused else k: v
            for k, v in args.items()
            if _stays(k, refused)
        }

    def learn(self, model: str, args: Mapping[str, Any], failure: CallFailed) -> bool:
        """Remember the parameter that `failure` refuses; return whether `fit` now gives other arguments."""
        name = refused_parameter(args, failure)
        if name is None:
            return False
        key = _key(model, args)
        with self._lock:
            self._refused[key] = self._refused.get(key, frozenset()) | {name}
            self._refused.move_to_end(key)
            while len(self._refused) > _MOST_MODELS:
                self._refused.popitem(last=False)
        return True

    def forget(self) -> None:
        """Forget everything learnt."""
        with self._lock:
            self._refused.clear()


def _stays(name: str, refused: frozenset[str]) -> bool:
    return name not in refused or name in _RENAMED


def _key(model: str, args: Mapping[str, Any]) -> str:
    """Two endpoints may serve different models under one name."""
    return f"{args.get('api_base') or args.get('base_url') or ''} {model}"


def refused_parameter(args: Mapping[str, Any], failure: CallFailed) -> str | None:
    """Return the parameter of `args` that the endpoint says it does not take, if the call can do without it."""
    if failure.status not in _BAD_REQUEST or not _REFUSAL.search(failure.text):
        return None
    candidates = [name for name in (*_DROPPABLE, *_RENAMED) if name in args]
    if failure.parameter in candidates:
        return failure.parameter
    return next((name for name in candidates if re.search(rf"\b{name}\b", failure.text)), None)


QUIRKS = Quirks()
"""Shared by all calls of the process: what a model refuses does not depend on the episode."""
