"""The middleware around every model call of a run.

From the outside in: recording, cache, provider limits, budget, redaction. Recording sees every
exchange as the simulation does, sent or answered by the cache, so recordings are complete. The
cache comes next: what it answers needs neither a place at the provider nor money. Then a call waits
for provider limits. The budget is inside them: money is held while a call is in progress, not while
it waits; only a pause that the provider asks for meanwhile is waited for with money held.
Innermost, secrets are taken out of what comes back. Middleware that was in use before the run stays
outside of all of these.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tau2.data_model.simulation import RunConfig, SimulationRun
from tau2.errors import ConfigError
from tau2.runner.events import RunCounted
from tau2.storage.results import companion
from tau2.utils.plain_data import clean

if TYPE_CHECKING:
    from tau2.llm import Middleware
    from tau2.llm.middleware.budget import Account, Budget
    from tau2.llm.middleware.cache import ResponseCache
    from tau2.llm.middleware.limits import Limit, SharedLimits, Sharing
    from tau2.llm.secrets import Redactor
    from tau2.storage.journal import Stored

_COUNTS = "cache-*.json"


@dataclass(frozen=True, slots=True)
class MiddlewareStack:
    """The middleware of one process that counts something."""

    cache: ResponseCache | None
    budget: Budget | None
    shared: Path | None

    def counted(self) -> RunCounted | None:
        """Return what was counted, here and by workers that ended; None if nothing counts."""
        from tau2.llm.middleware.ledger import dollars  # noqa: PLC0415  -- see installed_middleware

        if self.cache is None and self.budget is None:
            return None
        hits = misses = spent = cap = None
        if self.cache is not None:
            counts = [{"hits": self.cache.hits, "misses": self.cache.misses}]
            files = self.shared.glob(_COUNTS) if self.shared is not None else ()
            counts += [json.loads(file.read_text(encoding="utf-8")) for file in files]
            hits = sum(count["hits"] for count in counts)
            misses = sum(count["misses"] for count in counts)
        if self.budget is not None:
            spent = dollars(self.budget.account.spent)
            cap = dollars(self.budget.account.cap)
        return RunCounted(hits, misses, spent, cap)


class Cluster(Protocol):
    """What the workers of a run share when they are on several machines."""

    def account(self, cap: int) -> Account:
        """Return what this worker takes money from, up to a cap in picodollars."""

    def limits(self, name: str, limit: Limit) -> SharedLimits:
        """Return the limits of a provider over all workers."""


@contextmanager
def installed_middleware(
    config: RunConfig,
    shared: Path | None = None,
    saved: Path | None = None,
    *,
    spent: float = 0.0,
    cluster: Cluster | None = None,
) -> Iterator[MiddlewareStack]:
    """Use the middleware of a run for every model call that is made in this context.

    Args:
        config: What is wanted: record, cache, provider_limits, max_cost.
        shared: Folder through which the processes of the run share limits and counts; None when
            there is only one.
        saved: Where the run is saved; None when it is not.
        spent: US dollars that the run has cost before.
        cluster: Through what the processes share limits and money instead, when this is a worker
            of a cluster.

    Raises:
        ConfigError: the run is to be recorded, but not saved.
    """
    # Imported here and below, because tables and reports of runs do not need the model layer.
    from tau2.llm.middleware import use_middleware  # noqa: PLC0415  -- see above
    from tau2.llm.middleware.cache import ResponseCache  # noqa: PLC0415  -- see above
    from tau2.llm.middleware.redaction import RedactionMiddleware  # noqa: PLC0415  -- see above

    redactor = redactor_of(config)
    cache = ResponseCache(Path(config.cache).expanduser(), redactor) if config.cache else None
    budget = _budget(config, ledger_folder(shared, saved), spent, cluster)
    stack = MiddlewareStack(cache, budget, shared)
    try:
        with use_middleware(
            *_recording(config, saved, redactor),
            *_cache_limits_budget(config, stack, cluster),
            RedactionMiddleware(redactor).middleware,
        ):
            yield stack
    finally:
        if stack.budget is not None:
            stack.budget.account.close()


def redactor_of(config: RunConfig) -> Redactor:
    """Return the redactor for secrets in a run's settings and in the environment."""
    from tau2.llm import secrets  # noqa: PLC0415  -- see installed_middleware

    settings = config.model_dump(exclude_unset=True)
    found = secrets.secrets_in_environment() | secrets.secrets_in_args(settings)
    return secrets.redactor_of(found)


def without_known_secrets(run: SimulationRun, redactor: Redactor) -> SimulationRun:
    """Return a simulation in which no known secret stands, which usually is the same one.

    Middleware takes secrets out of what models say; a participant or a tool of the caller's own may
    repeat one as well.
    """
    try:
        text = run.model_dump_json()
    except (ValueError, RecursionError):
        return run  # it cannot be stored either, and whoever stores it says so
    if not redactor.in_conversation(text):
        return run
    data = clean(json.loads(text), redactor.conversation)
    return SimulationRun.model_validate(data)


def check_recording(config: RunConfig, saved: Path | None) -> None:
    """Raise ConfigError when a run is to be recorded, but not saved."""
    if config.record and saved is None:
        raise ConfigError(
            "record keeps the recording beside the results: "
            "save the run (save_to, save_path or save_dir)"
        )


def _recording(config: RunConfig, saved: Path | None, redactor: Redactor) -> list[Middleware]:
    from tau2.llm.middleware import recording  # noqa: PLC0415  -- see installed_middleware

    check_recording(config, saved)
    if not config.record or saved is None:
        return []
    folder = companion(saved, recording.RECORDING_NAME)
    return [recording.Recorder(folder, redactor).middleware]


def ledger_folder(shared: Path | None, saved: Path | None) -> Path | None:
    """Return where the ledger of a run is kept; None where it is kept in memory."""
    from tau2.llm.middleware.ledger import LEDGER_NAME  # noqa: PLC0415  -- see installed_middleware

    if saved is not None:
        return companion(saved, LEDGER_NAME)
    return shared / LEDGER_NAME if shared is not None else None


def _budget(
    config: RunConfig, folder: Path | None, spent: float, cluster: Cluster | None
) -> Budget | None:
    from tau2.llm.middleware import ledger  # noqa: PLC0415  -- likewise
    from tau2.llm.middleware.budget import Budget  # noqa: PLC0415  -- see installed_middleware

    if config.max_cost is None:
        return None
    cap = ledger.down(config.max_cost)
    if cluster is not None:
        return Budget(cluster.account(cap))
    return Budget(ledger.Ledger(cap, folder, ledger.up(spent)))


def _cache_limits_budget(
    config: RunConfig, stack: MiddlewareStack, cluster: Cluster | None
) -> list[Middleware]:
    from tau2.llm.middleware.limits import (  # noqa: PLC0415  -- see above
        ProviderLimits,
        limits_of,
        through_folder,
    )

    shared: Sharing | None = cluster.limits if cluster is not None else None
    if cluster is None and stack.shared is not None:
        shared = through_folder(stack.shared)
    limits = ProviderLimits(limits_of(config.provider_limits), shared)
    cache = [stack.cache.middleware] if stack.cache is not None else []
    budget = [stack.budget.middleware, limits.wait_for_pause] if stack.budget is not None else []
    return [*cache, limits.middleware, *budget]


def save_counts(stack: MiddlewareStack) -> None:
    """Save what this worker process counted, for the process that started it."""
    if stack.cache is not None and stack.shared is not None:
        save_cache_counts(stack.shared, stack.cache.hits, stack.cache.misses)


def save_cache_counts(shared: Path, hits: int, misses: int) -> None:
    """Save what a worker's cache answered, for the process that started it."""
    file = shared / f"cache-{uuid.uuid4().hex[:12]}.json"
    file.write_text(json.dumps({"hits": hits, "misses": misses}), encoding="utf-8")


def _counts_of_workers(shared: Path | None) -> Iterator[dict[str, int]]:
    for file in shared.glob(_COUNTS) if shared is not None else ():
        yield json.loads(file.read_text(encoding="utf-8"))


def cost_so_far(entries: Iterable[Stored]) -> float:
    """Return the US dollars that stored simulations cost, as far as prices are known."""
    return sum((entry.agent_cost or 0.0) + (entry.user_cost or 0.0) for entry in entries)
