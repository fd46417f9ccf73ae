"""Seeds are derived, never shared: the same base and scope give the same seed in every process."""

from __future__ import annotations

import hashlib


def derive_seed(base: int, *scope: object) -> int:
    """Return a 32-bit seed: the first four bytes of SHA-256 over `base` and `scope`."""
    text = "\x1f".join((str(base), *(str(part) for part in scope)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
