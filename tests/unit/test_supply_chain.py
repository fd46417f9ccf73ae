"""What tau2 brings: bounds without known holes, a lock that fits them, licences that are free."""

from __future__ import annotations

import importlib.util
import itertools
import re
import subprocess
import sys
import tomllib
from importlib.metadata import Distribution, PackageNotFoundError
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
EXTRAS = PROJECT["optional-dependencies"]
LOCK = (ROOT / "constraints.txt").read_text(encoding="utf-8")
NOT_LOCKED = {"llm", "local", "mcp", "ray", "tinker", "train", "voice-local"}

FIXED_IN = {
    "aiohttp": "3.14.3",  # CVE-2026-69244, and request smuggling before it
    "certifi": "2024.7.4",  # CVE-2024-39689: a root that is no longer trusted
    "filelock": "3.20.3",  # CVE-2025-68146, CVE-2026-22701: races with links
    "h11": "0.16",  # CVE-2025-43859: request smuggling
    "jinja2": "3.1.6",  # CVE-2025-27516: out of the sandbox
    "litellm": "1.84",  # CVE-2026-42208, CVE-2026-49468 in its proxy
    "markdown-it-py": "2.2.0",  # CVE-2023-26302
    "mcp": "1.23",  # CVE-2025-66416: foreign names that resolve to this machine
    "orjson": "3.11.6",  # CVE-2025-67221: recursion without a bound
    "pyarrow": "23.0.1",  # CVE-2026-25087: use after free
    "pytest": "9.0.3",  # CVE-2025-71176: a guessable folder
    "pyyaml": "5.4",  # CVE-2020-14343
    "ray": "2.55",  # CVE-2025-62593, CVE-2026-27482, CVE-2026-32981 in its dashboard
    "starlette": "1.3.1",  # CVE-2026-48710, CVE-2026-54283
    "torch": "2.12.1",  # CVE-2025-32434, CVE-2026-24747, CVE-2025-3000
    "transformers": "5.5",  # CVE-2026-5241
}
"""The first version without the holes that are known of a package."""

GROUPS = (PROJECT["dependencies"], *EXTRAS.values())
# An extra may bring another one of this project.
EVERY = [one for one in map(Requirement, itertools.chain(*GROUPS)) if one.name != PROJECT["name"]]


def lowest(requirement):
    """Return the lower bound of a requirement."""
    bounds = [Version(one.version) for one in requirement.specifier if one.operator in {">=", "=="}]
    assert bounds, f"{requirement} has no lower bound"
    return max(bounds)


@pytest.mark.parametrize("requirement", EVERY, ids=str)
def test_lower_bounds_are_free_of_known_holes(requirement):
    fixed = FIXED_IN.get(canonicalize_name(requirement.name), "0")
    assert lowest(requirement) >= Version(fixed)


def test_releases_of_an_intruder_are_excluded():
    (litellm,) = [one for one in EVERY if one.name == "litellm"]
    assert not any(litellm.specifier.contains(version) for version in ("1.82.7", "1.82.8"))


def locked():
    """Return the locked versions by name: several, where they differ between Pythons."""
    versions = {}
    for name, version in re.findall(r"^([\w.-]+)==([^\s;\\]+)", LOCK, re.MULTILINE):
        versions.setdefault(canonicalize_name(name), []).append(version)
    return versions


def test_the_lock_fits_what_the_project_asks_for():
    versions = locked()
    groups = [PROJECT["dependencies"], PYPROJECT["dependency-groups"]["build"]]
    groups += [lines for extra, lines in EXTRAS.items() if extra not in NOT_LOCKED]
    for requirement in map(Requirement, itertools.chain(*groups)):
        assert all(
            requirement.specifier.contains(version)
            for version in versions[canonicalize_name(requirement.name)]
        ), f"{requirement}: make lock"


def test_everything_in_the_lock_is_free_of_the_known_holes():
    for name, versions in locked().items():
        fixed = SpecifierSet(f">={FIXED_IN.get(name, '0')}")
        assert all(fixed.contains(version, prereleases=True) for version in versions), name


def test_the_lock_names_hashes_and_no_place():
    entries = [line for line in re.split(r"\n(?=\S)", LOCK) if "==" in line]
    assert len(entries) > 80
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert not re.search(r"://|^-|(?<![\w/])/\w|@ ", LOCK, re.MULTILINE)


# --- licences
# ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def licences():
    spec = importlib.util.spec_from_file_location("licences", ROOT / "tools" / "licences.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_is_installed_here_is_free():
    command = [sys.executable, str(ROOT / "tools" / "licences.py"), "dev", "gym", "serve"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    assert re.search(r"^pydantic +\S+ +MIT$", ended.stdout, re.MULTILINE)
    assert "not free or unknown: 0" in ended.stdout


@pytest.mark.parametrize(
    ("expression", "is_free"),
    [
        ("MIT", True),
        ("MIT OR GPL-3.0-only", True),
        ("MIT AND GPL-3.0-only", False),
        ("(MIT OR AGPL-3.0-only) AND BSD-3-Clause", True),
        ("(MIT AND AGPL-3.0-only) OR (SSPL-1.0)", False),
        ("GPL-3.0-only", False),
        ("BUSL-1.1", False),
        ("Proprietary", False),
        ("", False),
    ],
)
def test_which_licences_are_free(licences, expression, is_free):
    assert licences.is_free(expression) is is_free


class Package(Distribution):
    """An installed distribution whose metadata is a text."""

    def __init__(self, text):
        self.text = text

    def read_text(self, _name):
        return f"Metadata-Version: 2.4\nName: some\nVersion: 1\n{self.text}\n"

    def locate_file(self, path):
        raise NotImplementedError


@pytest.mark.parametrize(
    ("metadata", "licence"),
    [
        ("License-Expression: MIT", "MIT"),
        ("License: Apache 2.0", "Apache-2.0"),
        ("Classifier: License :: OSI Approved :: BSD License", "BSD-3-Clause"),
        ("License: a long text\nClassifier: License :: OSI Approved :: MIT License", "MIT"),
        ("License: GPL", "GPL"),
        ("Summary: nothing is said", ""),
    ],
)
def test_where_a_licence_is_named(licences, metadata, licence):
    assert licences.licence_of(Package(metadata)) == licence


def test_a_package_that_is_absent_is_told(licences, capsys, monkeypatch):
    found = licences.distribution

    def without_the_engine(name):
        if name == "xllamacpp":  # `make run` installs it
            raise PackageNotFoundError(name)
        return found(name)

    monkeypatch.setattr(licences, "distribution", without_the_engine)
    assert licences.main(["local"]) == 1
    assert "xllamacpp: not installed here" in capsys.readouterr().err
