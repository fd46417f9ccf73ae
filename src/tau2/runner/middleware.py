"""What lies around every model call of a run: the tape, the cache, limits per provider, and the budget.

From the outside in: the tape keeps every exchange as the simulation saw it, sent or answered by the cache, so that it
is complete. The cache comes next, so that what it answers needs neither a place at the provider nor money. Then the
call waits for its place. The budget is inside, so that money is held while a call is under way and not while it
waits; only a pause that the provider asks for meanwhile is waited for even then. Innermost, secrets are taken out of
what comes back. A layer that was there before the run stays around all of them.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tau2.data_model.simulation import TextRunConfig
from tau2.errors import ConfigError
from tau2.runner.events import RunCounted
from tau2.storage.results import companion

if TYPE_CHECKING:
    from tau2.llm import Middleware
    from tau2.llm.middleware.budget import Budget
    from tau2.llm.middleware.cache import ResponseCache
    from tau2.llm.secrets import Redactor
    from tau2.storage.journal import Stored

_COUNTS = "cache-*.json"


@dataclass(frozen=True, slots=True)
class MiddlewareStack:
    """The layers of one process."""

    cache: ResponseCache | None
    budget: Budget | None
    shared: Path | None

    def counted(self) -> RunCounted | None:
        """Return what was counted, if there was anything to count; the workers have told their part at their end."""
        from tau2.llm.middleware.ledger import dollars  # noqa: PLC0415  -- see installed_middleware

        if self.cache is None and self.budget is None:
            return None
        hits = misses = spent = cap = None
        if self.cache is not None:
            told = list(_told(self.shared))
            hits = self.cache.hits + sum(count["hits"] for count in told)
            misses = self.cache.misses + sum(count["misses"] for count in told)
        if self.budget is not None:
            spent, cap = dollars(self.budget.ledger.spent), dollars(self.budget.ledger.cap)
        return RunCounted(hits, misses, spent, cap)


@contextmanager
def installed_middleware(
    config: TextRunConfig,
    shared: Path | None = None,
    saved: Path | None = None,
    *,
    spent: float = 0.0,
) -> Iterator[MiddlewareStack]:
    """Put the layers of a run around every model call that is made in this context.

    Args:
        config: What is wanted: record, cache, provider_limits, max_cost.
        shared: Folder through which the processes of the run share limits and counts; None when there is only one.
        saved: Where the run is saved; None when it is not.
        spent: US dollars that the run has cost before.

    Raises:
        ConfigError: the run is to be recorded, but not saved.
    """
    from tau2.llm.middleware import use_middleware  # noqa: PLC0415  -- the model layer is loaded by runs, not by their tables
    from tau2.llm.middleware.redaction import RedactionMiddleware  # noqa: PLC0415  -- likewise

    redactor = redactor_of(config)
    layers = MiddlewareStack(
        _cache(config, redactor), _budget(config, shared, saved, spent), shared
    )
    around = [
        *_tape(config, saved, redactor),
        *_rest(config, layers),
        RedactionMiddleware(redactor).middleware,
    ]
    try:
        with use_middleware(*around):
            yield layers
    finally:
        if layers.budget is not None:
            layers.budget.ledger.close()


def redactor_of(config: TextRunConfig) -> Redactor:
    """Return what hides the secrets of a run: those of its models' arguments and of the environment."""
    from tau2.llm.secrets import Redactor, secrets_in_args, secrets_in_environment  # noqa: PLC0415  -- see installed_middleware

    args = (config.llm_args_agent, config.llm_args_user, config.llm_args_judge, config.review_args)
    return Redactor(secrets_in_environment().union(*map(secrets_in_args, args)))


def _tape(config: TextRunConfig, saved: Path | None, redactor: Redactor) -> list[Middleware]:
    from tau2.llm.middleware.recording import RECORDING_NAME, Recorder  # noqa: PLC0415  -- see installed_middleware

    if not config.record:
        return []
    if saved is None:
        raise ConfigError(
            "record keeps the tape beside the results: save the run (save_to, save_path or save_dir)"
        )
    return [Recorder(companion(saved, RECORDING_NAME), redactor).middleware]


def _cache(config: TextRunConfig, redactor: Redactor) -> ResponseCache | None:
    from tau2.llm.middleware.cache import ResponseCache  # noqa: PLC0415  -- see installed_middleware

    return ResponseCache(Path(config.cache).expanduser(), redactor) if config.cache else None


def _budget(
    config: TextRunConfig, shared: Path | None, saved: Path | None, spent: float
) -> Budget | None:
    from tau2.llm.middleware.budget import Budget  # noqa: PLC0415  -- see installed_middleware
    from tau2.llm.middleware.ledger import LEDGER_NAME, Ledger, down, up  # noqa: PLC0415  -- likewise

    if config.max_cost is None:
        return None
    folder = companion(saved, LEDGER_NAME) if saved is not None else None
    if folder is None and shared is not None:
        folder = shared / LEDGER_NAME
    return Budget(Ledger(down(config.max_cost), folder, up(spent)))


def _rest(config: TextRunConfig, layers: MiddlewareStack) -> list[Middleware]:
    from tau2.llm.middleware.limits import ProviderLimits, limits_of  # noqa: PLC0415  -- see installed_middleware

    limits = ProviderLimits(limits_of(config.provider_limits), layers.shared)
    cache = [layers.cache.middleware] if layers.cache is not None else []
    budget = [layers.budget.middleware, limits.wait_for_pause] if layers.budget is not None else []
    return [*cache, limits.middleware, *budget]


def tell(layers: MiddlewareStack) -> None:
    """Leave what this process counted for the one that started it."""
    if layers.cache is not None and layers.shared is not None:
        counts = {"hits": layers.cache.hits, "misses": layers.cache.misses}
        (layers.shared / f"cache-{uuid.uuid4().hex[:12]}.json").write_text(
            json.dumps(counts), encoding="utf-8"
        )


def _told(shared: Path | None) -> Iterator[dict[str, Any]]:
    for file in shared.glob(_COUNTS) if shared is not None else ():
        yield json.loads(file.read_text(encoding="utf-8"))


def cost_so_far(entries: Iterable[Stored]) -> float:
    """Return the US dollars that stored simulations cost, as far as that is known."""
    return sum((entry.agent_cost or 0.0) + (entry.user_cost or 0.0) for entry in entries)
