"""Public path of the original package."""

from tau2._compat.checkpoint import (
    create_checkpoint_fns,
    create_checkpoint_replacer,
    create_checkpoint_saver,
    try_resume,
)

__all__ = [
    "create_checkpoint_fns",
    "create_checkpoint_replacer",
    "create_checkpoint_saver",
    "try_resume",
]
