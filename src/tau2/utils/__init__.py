"""Small shared helpers; the submodules are public paths of the original package.

Some names load on first use, because what they need is not light.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from tau2.utils.utils import DATA_DIR, format_time, get_now

_HOME = {
    "BaseModelNoExtra": "tau2.utils.pydantic_utils",
    "dump_file": "tau2.utils.io_utils",
    "expand_paths": "tau2.utils.io_utils",
    "get_commit_hash": "tau2.utils.utils",
    "get_dict_hash": "tau2.utils.utils",
    "get_pydantic_hash": "tau2.utils.pydantic_utils",
    "load_file": "tau2.utils.io_utils",
    "show_dict_diff": "tau2.utils.utils",
    "update_pydantic_model_with_dict": "tau2.utils.pydantic_utils",
}

__all__ = ["DATA_DIR", "format_time", "get_now"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
