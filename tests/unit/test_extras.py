"""Without an optional package, what needs it names what to install."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

IMPORTED_AS = {
    "google-re2": "re2",
    "markdown-it-py": "markdown_it",
    "opentelemetry-exporter-otlp-proto-http": "opentelemetry",
    "opentelemetry-sdk": "opentelemetry",
    "pyyaml": "yaml",
}
TRAINERS = {
    "chz",
    "datasets",
    "fastapi",
    "openenv",
    "skyrl_gym",
    "tinker_cookbook",
    "trl",
    "verifiers",
    "wandb",
}
"""Packages that no extra brings: their pins exclude one another."""


def test_uv_run_brings_what_the_training_scripts_need():
    whole = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert whole["tool"]["uv"]["default-groups"] == ["train"]
    assert whole["dependency-groups"]["train"] == ["tau2-bench[tinker,train]"]
    assert {"torch", "peft"} <= EXTRAS["train"]
    assert "uv.lock" in (ROOT / ".gitignore").read_text(encoding="utf-8").split()


def modules_of(requirements):
    names = [re.match(r"[\w.-]+", line).group().lower() for line in requirements]
    return {IMPORTED_AS.get(name, name.replace("-", "_")) for name in names}


EXTRAS = {
    extra: modules_of(requirements)
    for extra, requirements in PROJECT["optional-dependencies"].items()
    if extra != "dev"
}
CORE = modules_of(PROJECT["dependencies"])
BROUGHT_BY_CORE = {"markdown_it"}  # rich and textual need it
OPTIONAL = (set().union(*EXTRAS.values()) | TRAINERS) - CORE - BROUGHT_BY_CORE

# Imports every module in an environment from which the optional packages were uninstalled.
WALK = """
import importlib, json, pkgutil, sys, warnings
sys.modules.update(dict.fromkeys(json.loads(sys.argv[1])))  # None: neither found nor imported
problems = {}
for package in ("tau2", "act_prm"):
    root = importlib.import_module(package)
    for found in pkgutil.walk_packages(root.__path__, f"{package}.", onerror=lambda _name: None):
        if found.name.rpartition(".")[2] != "__main__":
            try:
                importlib.import_module(found.name)
            except BaseException as problem:
                problems[found.name] = [type(problem).__name__, str(problem)]
print(json.dumps(problems))
"""


@pytest.fixture(scope="module")
def problems():
    """What the import of each module says that cannot be imported."""
    command = [sys.executable, "-W", "ignore", "-c", WALK, json.dumps(sorted(OPTIONAL))]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=100, check=True)
    return json.loads(ended.stdout.splitlines()[-1])


def test_every_module_names_what_it_misses(problems):
    assert len(problems) > 12
    for module, (kind, text) in problems.items():
        assert kind == "MissingExtra", f"{module}: {kind} {text}"
        assert re.search(r"pip install '?[\w-]+", text), f"{module}: {text}"


@pytest.mark.parametrize(
    ("module", "install"),
    [
        ("tau2.gym.gym_agent", "tau2-bench[gym]"),
        ("tau2.service.server", "tau2-bench[serve]"),
        ("tau2.serving.limits", "tau2-bench[serve]"),
        ("tau2.service.program_server", "tau2-bench[mcp]"),
        ("tau2.environment.server", "tau2-bench[serve]"),
        ("tau2.telemetry.tracing", "tau2-bench[otel]"),
        ("tau2.voice.adapters.transport", "tau2-bench[voice]"),
        ("tau2.integrations.openenv", "openenv-core"),
        ("tau2.integrations.openenv_mcp", "openenv>=0.10"),
        ("tau2.integrations.skyrl_gym", "skyrl-gym"),
        ("tau2.integrations.tinker_cookbook", "tinker-cookbook"),
        ("tau2.integrations.verifiers", "verifiers"),
        ("act_prm.llm_handlers.torch_model", "tau2-bench[train]"),
        ("act_prm.llm_handlers.checkpoints", "tau2-bench[train]"),
    ],
)
def test_what_is_named_is_what_brings_it(problems, module, install):
    assert f"pip install '{install}" in problems[module][1]


def test_the_core_can_be_imported_without_them(problems):
    core = ("tau2.cli.main", "tau2.rollout", "tau2.report.export", "tau2.view.app")
    domains = ("tau2.domains.banking_knowledge.spec", "tau2.knowledge.tools")
    for module in (*core, *domains):
        assert module not in problems


def unguarded(path):
    """Yield the imports of optional packages within functions that no `needs_...` surrounds."""

    def walk(node, *, is_guarded):
        for child in ast.iter_child_nodes(node):
            inside = is_guarded or (isinstance(child, ast.With | ast.Try) and _guards(child))
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                continue
            names = []
            if isinstance(child, ast.Import):
                names = [alias.name for alias in child.names]
            elif isinstance(child, ast.ImportFrom) and not child.level:
                names = [child.module]
            for name in names:
                if name.partition(".")[0] in OPTIONAL and not inside:
                    yield f"{path.relative_to(ROOT)}: {name}"
            yield from walk(child, is_guarded=inside)

    yield from walk(ast.parse(path.read_text(encoding="utf-8")), is_guarded=False)


def _guards(node):
    if isinstance(node, ast.With):
        return any(
            re.match(r"needs_(extra|package)\(", ast.unparse(item.context_expr))
            for item in node.items
        )
    return any("ModuleNotFoundError" in ast.unparse(one.type) for one in node.handlers if one.type)


AFTER_ANOTHER = {
    "src/act_prm/llm_handlers/load.py: torch",  # `_pretrained` has imported both
    "src/act_prm/llm_handlers/load.py: transformers.utils",
    "src/act_prm/llm_handlers/tiny.py: torch",  # the caller's argument is a model
    "src/act_prm/replay_buffer/buffer.py: datasets",  # only where it is installed
    "src/tau2/runner/executors/ray.py: ray",  # the executor's constructor comes first
    "src/tau2/telemetry/destination.py: opentelemetry",  # `check_telemetry` comes first
    "src/tau2/telemetry/destination.py: opentelemetry.sdk.trace.export",
}


def test_imports_within_functions_name_what_they_miss_too():
    found = {one for path in (ROOT / "src").rglob("*.py") for one in unguarded(path)}
    assert found == AFTER_ANOTHER
