"""Calls of language models: `complete` and `acomplete`, whatever serves the model.

Importing this package loads neither a model library nor an HTTP client; names are loaded on first
use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tau2.data_model.malformed import MALFORMED_KEY, malformed_reason

# Bound here, because the submodule of this name would shadow it otherwise.
from tau2.llm.deadline import deadline

if TYPE_CHECKING:
    from tau2.llm.backends.scripted import register_script
    from tau2.llm.call import acomplete, complete
    from tau2.llm.cost import Totals, totals
    from tau2.llm.middleware import Middleware, use_middleware
    from tau2.llm.request import Backend, CompletionFn, Flow, Request, Response, Send, Sleep
    from tau2.llm.routing import backend_names, check_model
    from tau2.llm.secrets import redact_args
    from tau2.llm.transport.async_client import aclose
    from tau2.llm.transport.sync_client import close
    from tau2.llm.wire import from_wire, to_wire, tools_to_wire

__all__ = [
    "MALFORMED_KEY",
    "Backend",
    "CompletionFn",
    "Flow",
    "Middleware",
    "Request",
    "Response",
    "Send",
    "Sleep",
    "Totals",
    "aclose",
    "acomplete",
    "backend_names",
    "check_model",
    "close",
    "complete",
    "deadline",
    "from_wire",
    "malformed_reason",
    "redact_args",
    "register_script",
    "to_wire",
    "tools_to_wire",
    "totals",
    "use_middleware",
]

_HOME = {
    "register_script": "backends.scripted",
    **dict.fromkeys(("complete", "acomplete"), "call"),
    **dict.fromkeys(("Totals", "totals"), "cost"),
    **dict.fromkeys(("Middleware", "use_middleware"), "middleware"),
    "aclose": "transport.async_client",
    "close": "transport.sync_client",
    "redact_args": "secrets",
    **dict.fromkeys(
        ("Backend", "CompletionFn", "Flow", "Request", "Response", "Send", "Sleep"), "request"
    ),
    **dict.fromkeys(("backend_names", "check_model"), "routing"),
    **dict.fromkeys(("from_wire", "to_wire", "tools_to_wire"), "wire"),
}


def __getattr__(name: str) -> Any:
    """Load the module that defines `name`."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
