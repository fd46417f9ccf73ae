"""Where the public reference data lies, for compatibility checks; absent in a plain clone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_NAMED = os.environ.get("TAU2_REFERENCE_DIR")
_FOLDER = Path(_NAMED) if _NAMED else Path(__file__).resolve().parents[2] / "shared" / "reference"
REFERENCE: Path | None = _FOLDER if (_FOLDER / "tau2" / "domains").is_dir() else None

needs_reference = pytest.mark.skipif(
    REFERENCE is None,
    reason="the public reference data is not beside this checkout; "
    "TAU2_REFERENCE_DIR names another place",
)
