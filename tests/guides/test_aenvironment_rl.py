"""The guide "Tau2 RL" (AEnvironment).

Its command runs as it stands, its names and settings are what it says.

With the real packages (`make aenv` makes a place that has them) the command plays an episode;
without them, the same command line plays one against an episode in this process.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from tests.aenv.episodes import some_tasks
from tests.aenv.live import GUIDE_COMMAND, is_taken, play, serving
from tests.aenv.needs import NEEDS_PACKAGES
from tests.aenv.parts import EXAMPLE, Instance, ScriptedModel, agent, an_episode
from tests.stub import StubServer

_NAMED = os.environ.get("TAU2_GUIDES_DIR")
_FOLDER = Path(_NAMED) if _NAMED else Path(__file__).resolve().parents[3] / "shared" / "guides"
GUIDE = _FOLDER / "aenvironment-rl.md"
ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(
    not GUIDE.is_file(),
    reason="the guides are not beside this checkout (set TAU2_GUIDES_DIR to their folder)",
)

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(kind: str) -> list[str]:
    return [
        body for name, body in _BLOCK.findall(GUIDE.read_text(encoding="utf-8")) if name == kind
    ]


def command() -> str:
    return next(
        line
        for block in blocks("bash")
        for line in block.splitlines()
        if line.startswith("python ")
    )


def test_the_command_is_the_one_that_the_live_tests_run():
    assert command() == GUIDE_COMMAND.format(domain="telecom", task_id="<TASK_ID>")


def test_the_command_line_without_the_packages(monkeypatch, capsys):
    task = some_tasks("telecom", 1, solo=True)[0]
    words = shlex.split(command().replace("<TASK_ID>", shlex.quote(task.id)))
    package = ModuleType("aenv")
    package.setup_logging = lambda *_: None
    monkeypatch.setitem(sys.modules, "aenv", package)
    instance = Instance(an_episode(domain="telecom", task_id="", user=None))
    monkeypatch.setattr(agent, "open_environment", lambda _options: instance)
    monkeypatch.setattr(agent, "open_model", lambda _options: ScriptedModel())
    assert (ROOT / words[1]).samefile(EXAMPLE / "agent.py")
    assert agent.main([*words[2:], "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["status"], shown["reward"]) == (
        "completed",
        0.0,
    )  # it said nothing and did nothing
    assert agent.main(words[2:]) == 0
    assert capsys.readouterr().out == "reward: 0.0 (completed)\n"


@NEEDS_PACKAGES
@pytest.mark.timeout(300)
def test_the_command_line_with_the_packages(tmp_path):
    if is_taken():
        pytest.skip("port 8081 is taken, and AEnvironment's local mode knows no other")
    task = some_tasks("telecom", 1, solo=True)[0]
    with serving(tmp_path, TAU2_USER=""), StubServer({"name": "done", "arguments": {}}) as model:
        outcome = play("telecom", task.id, model.base_url)
    assert (outcome["status"], outcome["reward"]) == ("completed", 0.0)


def test_the_requirements_file_is_where_the_guide_installs_it_from():
    installed = [
        line for block in blocks("bash") for line in block.splitlines() if " install -r " in line
    ]
    assert installed
    assert all((ROOT / line.split()[-1]).is_file() for line in installed)


def test_the_settings_of_the_guide_are_the_defaults():
    (line,) = re.findall(r"ModelSettings\((.*?)\)`", GUIDE.read_text(encoding="utf-8"))
    named = {"temperature": 1.0, "top_p": 1.0, "extra_args": {"max_completion_tokens": 8192}}
    assert agent.Options.of({}).sampling() == named
    assert all(str(value) in line.replace('"', "'") for value in named.values())


def test_the_configuration_of_the_guide():
    config = yaml.safe_load(blocks("yaml")[0])
    module, _, function = config["reward_fn_path"].rpartition(".")
    assert (ROOT / (module.replace(".", "/") + ".py")).samefile(EXAMPLE / "agent.py")
    assert callable(getattr(agent, function))
    options = agent.Options.of({"gconfig": config["gconfig"]})
    assert (options.temperature, options.max_completion_tokens) == (1.0, 8192)


def test_the_variables_of_the_guide_reach_the_instance(monkeypatch):
    names = re.findall(r"^- `(TAU2_\w+)`$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(names) == 3
    for name in names:
        monkeypatch.setenv(name, name.lower())
    variables = agent.Options.of({"task_id": "1"}).variables()
    assert [variables[name] for name in names] == [name.lower() for name in names]
    assert variables["TAU2_SOLO_MODE"] == "false"
