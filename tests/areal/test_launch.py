"""Finding out how the installed AReaL is started, and older launch commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.areal.example import EXAMPLE, script

launch = script("tau2_launch")
SHIM = EXAMPLE / "launcher_shim"


def areal_with(folder: Path, *modules: str) -> Path:
    """Make an AReaL with these modules."""
    (folder / "areal").mkdir(parents=True)
    (folder / "areal" / "__init__.py").write_text("REAL = True\n", encoding="utf-8")
    for module in modules:
        path = folder / "areal" / module
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("import sys\nprint('areal:', *sys.argv[1:])\n", encoding="utf-8")
        (path.parent / "__init__.py").touch()
    return folder


def run(folder: Path, *words: str, paths: tuple[Path, ...]) -> subprocess.CompletedProcess[str]:
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, *words]
    return subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture
def training(tmp_path):
    """A training script that says how it was called."""
    path = tmp_path / "train.py"
    path.write_text(
        "import json, sys\nprint(json.dumps([sys.path[0], *sys.argv[1:]]))\n", encoding="utf-8"
    )
    return path


@pytest.mark.parametrize("kind", ["local", "slurm"])
def test_areal_104_is_its_own_controller(kind, tmp_path):
    areal = areal_with(tmp_path, f"infra/launcher/{kind}.py") / "areal"
    assert launch.command(kind, ["t.py", "a=1"], areal, "py") == [
        "py",
        "t.py",
        "a=1",
        f"scheduler.type={kind}",
    ]
    chosen = ["t.py", "scheduler.type=slurm"]
    assert launch.command(kind, chosen, areal, "py") == ["py", *chosen]


def test_an_older_areal_has_a_launcher_for_agents(tmp_path):
    areal = areal_with(tmp_path, "launcher/slurm.py") / "areal"
    assert launch.command("slurm", ["t.py"], areal, "py") == [
        "py",
        "-m",
        "areal.launcher.slurm",
        "t.py",
    ]


def test_areal_is_found_without_being_imported(tmp_path):
    areal_with(tmp_path)
    assert launch.areal_folder([str(SHIM), str(tmp_path)]) == tmp_path / "areal"
    assert launch.areal_folder([str(SHIM)]) is None


@pytest.mark.parametrize("words", [[], ["neither"], ["local"], ["local", "--config"]])
def test_a_wrong_call_says_how(words, capsys):
    assert launch.main(words[0] if words else "", words[1:]) == 2
    assert "usage: local|slurm SCRIPT.py" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["local", "slurm"])
def test_the_older_launch_command_reaches_the_script(kind, tmp_path, training):
    areal = areal_with(tmp_path / "installed", f"infra/launcher/{kind}.py")
    words = ("-m", f"areal.launcher.{kind}", "train.py", "--config", "c.yaml", "a=[1, 2]")
    done = run(tmp_path, *words, paths=(SHIM, areal))
    assert json.loads(done.stdout) == [
        str(tmp_path),
        "--config",
        "c.yaml",
        "a=[1, 2]",
        f"scheduler.type={kind}",
    ]


def test_the_older_launch_command_uses_an_older_areal(tmp_path, training):
    areal = areal_with(tmp_path / "installed", "launcher/local.py")
    done = run(tmp_path, "-m", "areal.launcher.local", "train.py", "a=1", paths=(SHIM, areal))
    assert done.stdout == "areal: train.py a=1\n"


def test_the_shim_does_not_stand_before_areal(tmp_path):
    areal = areal_with(tmp_path / "installed", "api/thing.py")
    code = "import areal, areal.api.thing, areal.launcher.local; print(areal.REAL, areal.__file__)"
    done = run(tmp_path, "-c", code, paths=(SHIM, areal))
    assert done.stdout.splitlines()[-1] == f"True {areal / 'areal' / '__init__.py'}"


def test_without_areal_the_shim_still_reaches_the_script(tmp_path, training):
    done = run(tmp_path, "-m", "areal.launcher.local", "train.py", paths=(SHIM,))
    assert json.loads(done.stdout)[1:] == ["scheduler.type=local"]


def test_the_shell_script_starts_training(tmp_path, training):
    areal = areal_with(tmp_path / "installed")
    (areal / "areal" / "__init__.py").write_text(
        "raise SystemExit('areal was imported')\n", encoding="utf-8"
    )
    env = {**os.environ, "PYTHONPATH": str(areal), "PYTHON": sys.executable, "KIND": "local"}
    command = ["bash", str(EXAMPLE / "tau2_rl.sh"), "actor.path=/m"]
    done = subprocess.run(
        command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=60
    )
    assert "areal was imported" in done.stderr  # the script itself ran, from another folder


@pytest.mark.parametrize("kind", ["local", "slurm"])
def test_an_older_command_line_works_in_the_root_of_the_repository(kind, training, tmp_path):
    root = EXAMPLE.parents[1]
    real = areal_with(tmp_path / "site", f"infra/launcher/{kind}.py")
    words = ("-m", f"areal.launcher.{kind}", str(training), "a=1")
    done = run(root, *words, paths=(real,))
    assert json.loads(done.stdout)[1:] == ["a=1", f"scheduler.type={kind}"], done.stderr


def test_in_the_root_of_the_repository_the_installed_areal_is_imported(tmp_path):
    root = EXAMPLE.parents[1]
    real = areal_with(tmp_path / "site", "api/thing.py")
    done = run(root, "-c", "import areal; print(areal.REAL, areal.__file__)", paths=(real,))
    assert done.stdout.split() == ["True", str(real / "areal" / "__init__.py")], done.stderr
