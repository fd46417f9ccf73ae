"""What clients put in place of the functions of `tau2.utils.llm_utils`; looked up at every call, never bound.

That module lies above this layer, so it is not imported here: a client that patched it has imported it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

_PUBLIC = "tau2.utils.llm_utils"


def replaced(name: str) -> Callable[..., Any] | None:
    """Return what stands in place of `tau2.utils.llm_utils.<name>`, or None when nobody replaced it."""
    module = sys.modules.get(_PUBLIC)
    if module is None:
        return None
    originals: dict[str, Any] = getattr(module, "ORIGINALS", {})
    current: Callable[..., Any] | None = getattr(module, name, None)
    return None if current is originals.get(name) else current
