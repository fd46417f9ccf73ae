"""The table of contents: complete, light, silent."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
import warnings
from pathlib import Path

import pytest
import yaml

import tau2

ROOT = Path(__file__).resolve().parents[2]

PUBLIC = [
    "BaseRunConfig", "CommunicationMode", "ConsoleDisplay", "Environment", "EvaluationType",
    "FullDuplexAgent", "FullDuplexUser", "HalfDuplexAgent", "HalfDuplexUser", "LLMAgent",
    "LLMConfigMixin", "LLMSoloAgent",
    "MarkdownDisplay", "Orchestrator", "Registry", "RunConfig", "SimulationRun", "Task",
    "TextRunConfig", "UserSimulator", "VoiceRunConfig", "VoiceStreamingUserSimulator",
    "evaluate_simulation", "registry",
    "run_domain", "runner",
]  # fmt: skip


def test_the_public_names_are_these():
    assert sorted(tau2.__all__) == sorted(PUBLIC)
    assert tau2.__all__ == sorted(tau2.__all__)
    assert set(PUBLIC) <= set(dir(tau2))


@pytest.mark.parametrize("name", PUBLIC)
def test_every_name_loads(name):
    assert getattr(tau2, name) is not None


def test_what_type_checkers_read_is_what_is_loaded():
    tree = ast.parse(Path(tau2.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    read = {
        alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name != "Any"
    }
    assert sorted(read) == sorted(PUBLIC)
    assert {name: read[name] for name in tau2._HOME} == tau2._HOME


def test_the_import_is_light_silent_and_offline():
    code = (
        "import socket, sys\n"
        "def refuse(*_, **__): raise AssertionError('a socket')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "before = set(sys.modules)\n"
        "import tau2\n"
        "print(sorted(set(sys.modules) - before))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert ended.stdout == "['__future__', 'tau2']\n"
    assert ended.stderr == ""
    counted = subprocess.run(
        [sys.executable, "-c", "import tau2, sys; print(len(sys.modules))"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert int(counted.stdout) <= 60


def test_nothing_heavy_is_needed_to_run_without_models():
    code = (
        "import json, sys\n"
        "from tau2 import TextRunConfig, Orchestrator, evaluate_simulation\n"
        "from tau2.runner import run_tasks\n"
        "heavy = ['litellm', 'openai', 'gymnasium', 'numpy', 'pandas', 'torch', 'rich',"
        " 'fastapi', 'httpx', 'aiohttp']\n"
        "print(json.dumps([name for name in heavy if name in sys.modules]))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert json.loads(ended.stdout) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("BaseAgent", "HalfDuplexAgent"),
        ("LocalAgent", "HalfDuplexAgent"),
        ("BaseUser", "HalfDuplexUser"),
        ("BaseStreamingAgent", "FullDuplexAgent"),
        ("BaseStreamingUser", "FullDuplexUser"),
    ],
)
def test_old_names_still_lead_to_the_new_ones(old, new):
    with pytest.warns(DeprecationWarning, match=f"tau2.{old} is now tau2.{new}") as caught:
        assert getattr(tau2, old) is getattr(tau2, new)
    assert caught[0].filename == __file__


def test_current_names_do_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in PUBLIC:
            getattr(tau2, name)


def test_other_names_do_not_exist():
    with pytest.raises(AttributeError, match="has no attribute 'Orchestra'"):
        _ = tau2.Orchestra


def test_the_registry_is_one_object_under_two_paths():
    from tau2 import registry
    from tau2.registry import registry as the_instance

    assert registry.get_domains() == the_instance.get_domains()
    assert registry._domains is the_instance._domains


def project() -> dict[str, object]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_version_is_said_in_one_way():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert project()["version"] == citation["version"] == tau2.__version__


def test_every_place_names_the_same_versions_of_python():
    pythons = [
        line.rpartition(" ")[2] for line in project()["classifiers"] if "Python :: 3." in line
    ]
    makefile = re.search(r"^VERSIONS := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    assert makefile is not None
    assert makefile[1].split() == pythons
    assert workflow["jobs"]["test"]["strategy"]["matrix"]["python"] == pythons
    assert project()["requires-python"] == f">={pythons[0]}"
