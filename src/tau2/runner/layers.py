"""What lies around every model call of a run: limits per provider, and whatever else the configuration asks for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tau2.data_model.simulation import TextRunConfig


@contextmanager
def installed(config: TextRunConfig, limits_folder: Path | None = None) -> Iterator[None]:
    """Put the layers of a run around every model call that is made in this context."""
    from tau2.llm import around_send  # noqa: PLC0415  -- the model layer is loaded by runs, not by their tables
    from tau2.llm.flow import stacked  # noqa: PLC0415
    from tau2.llm.limits import ProviderLimits, limits_of  # noqa: PLC0415

    layers = [ProviderLimits(limits_of(config.provider_limits), limits_folder).around]
    outer = around_send.get()
    token = around_send.set(stacked(*([outer] if outer is not None else []), *layers))
    try:
        yield
    finally:
        around_send.reset(token)
