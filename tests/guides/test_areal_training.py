"""The guide "AReaL training".

Its commands run word for word, against a stand-in for AReaL that notes what it gets.

What AReaL itself makes of these commands is tested with the real package in
`tests/areal/integration`.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from tests.areal.example import CONFIG, EXAMPLE, ROOT, script

from tau2.registry import registry

_NAMED = os.environ.get("TAU2_GUIDES_DIR")
_FOLDER = Path(_NAMED) if _NAMED else Path(__file__).resolve().parents[3] / "shared" / "guides"
GUIDE = _FOLDER / "areal-training.md"

pytestmark = pytest.mark.skipif(
    not GUIDE.is_file(),
    reason="the guides are not beside this checkout (set TAU2_GUIDES_DIR to their folder)",
)

_BLOCK = re.compile(
    r"^(#+ [^\n]+)$|^```(?P<kind>\w*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL
)
_STAND_IN = {
    "__init__.py": "",
    "api/__init__.py": "",
    "api/alloc_mode.py": "",
    "api/cli_args.py": """
import json, sys
from dataclasses import dataclass

@dataclass
class PPOConfig:
    seed: int = 1

def load_expr_config(argv, kind):
    fields = list(kind.__dataclass_fields__)
    print(json.dumps({"argv": argv, "kind": kind.__name__, "fields": fields}))
    sys.exit(0)
""",
}


class Block(NamedTuple):
    heading: str
    kind: str
    body: str


def blocks() -> Iterator[Block]:
    heading = ""
    for found in _BLOCK.finditer(GUIDE.read_text(encoding="utf-8") if GUIDE.is_file() else ""):
        if found.group(1):
            heading = found.group(1).strip("# ")
        else:
            yield Block(heading, found["kind"], found["body"])


TRAINING = [block for block in blocks() if block.kind == "bash" and "tau2_train.py" in block.body]


@pytest.fixture
def stand_in(tmp_path):
    """A package `areal` that prints what it is asked to load."""
    for name, text in _STAND_IN.items():
        path = tmp_path / "areal" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def shell(body: str, *paths: Path) -> dict[str, Any]:
    """Run a block in the repository's folder and return what AReaL was given."""
    search = os.pathsep.join(map(str, paths))
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    env = {**os.environ, "PYTHONPATH": search, "PATH": programs, "PYTHONDONTWRITEBYTECODE": "1"}
    command = ["bash", "-euc", body]
    done = subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@pytest.mark.parametrize("block", TRAINING, ids=lambda block: block.heading)
def test_a_training_command_reaches_areal_in_its_own_terms(block, stand_in):
    shim = EXAMPLE / "launcher_shim"
    body = block.body.replace("/path/to/AReaL", str(shim))  # where this version has the launchers
    given = shell(body, *([] if "PYTHONPATH" in block.body else [shim]), stand_in)
    config, words = given["argv"][1], given["argv"][2:]
    assert (given["kind"], (ROOT / config).resolve()) == ("Tau2PPOConfig", CONFIG)
    assert {"econfig", "do_eval", "seed"} <= set(given["fields"])
    asked = dict(re.findall(r"^ +([\w.]+)=(\S+)", block.body, re.MULTILINE))
    generator, trainer = asked.pop("allocation_mode").split("+")
    kind = "slurm" if "launcher.slurm" in block.body else "local"
    expected = [
        f"rollout.backend='{generator}'",
        f"actor.backend='{trainer}'",
        f"scheduler.type={kind}",
    ]
    assert sorted(words) == sorted(
        [*(f"{name}={value}" for name, value in asked.items()), *expected]
    )


def test_there_are_two_training_commands():
    assert len(TRAINING) == 2


@pytest.mark.parametrize("block", TRAINING, ids=lambda block: block.heading)
def test_every_key_of_a_command_is_in_the_file(block):
    content = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    for name in re.findall(r"^ +([\w.]+)=", block.body, re.MULTILINE):
        place: Any = content
        for part in name.split("."):
            assert part in place, name
            place = place[part]


def test_every_parameter_of_the_table_exists():
    content = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    names = re.findall(r"^\| `([\w.]+)` \|", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(names) == 7
    for name in names:
        section, _, key = name.rpartition(".")
        assert key in (content[section] if section else content), name


def test_the_sizes_that_the_guide_computes():
    engines = script("tau2_allocation").parse_allocation("sglang:d4t2+archon:d4p2t1")
    assert [(engine.backend, engine.world_size) for engine in engines] == [
        ("sglang", 8),
        ("archon", 8),
    ]


def test_every_backend_and_dimension_of_the_guide():
    allocation = script("tau2_allocation")
    for generator in ("sglang", "vllm"):
        for trainer in ("archon", "fsdp", "megatron"):
            assert allocation.backends_of(f"{generator}:d1+{trainer}:d1")
    assert allocation.parse_allocation("megatron:d2p2t2c2e2")[0].world_size == 16


def test_the_files_of_the_architecture():
    described = next(block for block in blocks() if block.heading == "Architecture").body
    names = re.findall(r"^(\S+) +- ", described, re.MULTILINE)
    assert len(names) == 5
    assert [name for name in names if not (EXAMPLE / name).is_file()] == []


def test_the_supported_domains():
    text = GUIDE.read_text(encoding="utf-8").partition("## Supported Domains")[2]
    for domain in re.findall(r"`(\w+)`", text):
        assert domain in registry.get_domains()
        assert script("tau2_train").get_tau2_dataset(domain)
