"""Weights that packages carry: those that were measured, or an error that names them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tau2.errors import ConfigError, MissingExtra, install_hint

EXTRA = "voice-local"


def package_version(package: str) -> str:
    """Return the installed version of a speech package. Raise MissingExtra where there is none."""
    try:
        return version(package)
    except PackageNotFoundError as error:
        raise MissingExtra(f"{package} is not installed; {install_hint(EXTRA)}") from error


def check_weights(package: str, folder: Path, digests: Mapping[str, str]) -> None:
    """Compare files of a package with the SHA-256 that is known of each.

    The packages are young, and each has a single maintainer.

    Raises:
        ConfigError: A file is missing or has other content.
    """
    for name, expected in digests.items():
        path = folder / name
        if not path.is_file():
            raise ConfigError(
                f"{package} {package_version(package)} has no weights {name}; {install_hint(EXTRA)}"
            )
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != expected:
            raise ConfigError(
                f"the weights {name} of {package} are not those that tau2 was measured with "
                f"(SHA-256 {found[:12]}… instead of {expected[:12]}…); reinstall: "
                f"{install_hint(EXTRA)}"
            )
