"""Folders that are written atomically."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder that replaces `path` if the block succeeds, and is removed if it fails.

    A folder at `path` is kept until the new one is complete.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        yield draft
        _sync(draft)
        _replace(draft, path)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _sync(draft: Path) -> None:
    # mkdtemp gives access to the owner only.
    draft.chmod(0o755)
    for file in draft.rglob("*"):
        if file.is_file():
            with file.open("rb") as handle:
                os.fsync(handle.fileno())


def _replace(draft: Path, path: Path) -> None:
    if not path.exists():
        draft.rename(path)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{path.name}.old.", dir=path.parent))
    try:
        path.rename(old / path.name)
        draft.rename(path)
    finally:
        # The second rename failed: restore the old folder.
        if not path.exists():
            (old / path.name).rename(path)
        shutil.rmtree(old, ignore_errors=True)
