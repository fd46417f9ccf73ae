"""`rpm` and `tpm` among a model's arguments: requests and tokens per minute of that model.

Unlike `provider_limits` of a run they hold in one process only, for every call of the model there.
"""

from __future__ import annotations

from functools import lru_cache

from tau2.errors import ConfigError
from tau2.llm.middleware import NextSend
from tau2.llm.middleware.limits import Limit, ProviderLimits
from tau2.llm.request import Flow, Request, Response
from tau2.utils.json_types import JsonValue

_MOST_MODELS = 64
_ANY = "*"


def paced(request: Request, send: NextSend) -> Flow[Response]:
    """Send a request when its model's `rpm` and `tpm` allow it.

    Raises:
        ConfigError: one of them is no number above 0.
        DeadlineExceeded: the episode's time was over first.
    """
    args = request.args
    rpm = _per_minute("rpm", args.get("rpm"))
    tpm = _per_minute("tpm", args.get("tpm"))
    if rpm is None and tpm is None:
        return (yield from send(request))
    address = str(args.get("api_base") or args.get("base_url") or "")
    limits = _kept(request.model, address, rpm, tpm)
    return (yield from limits.middleware(request, send))


@lru_cache(maxsize=_MOST_MODELS)
def _kept(
    model: str,  # noqa: ARG001  -- a part of the key
    base: str,  # noqa: ARG001  -- likewise
    rpm: float | None,
    tpm: float | None,
) -> ProviderLimits:
    return ProviderLimits({_ANY: Limit(rpm=rpm, tpm=tpm)})


def _per_minute(name: str, value: JsonValue) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise ConfigError(f"{name} must be a number above 0, not {value!r}")
    return float(value)
