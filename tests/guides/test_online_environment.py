"""The guide "tau2-bench Online Environment".

Its Python runs word for word, against a model on loopback.

Its command lines are played with the trainers' tests.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from tests.stub import StubServer

_NAMED = os.environ.get("TAU2_GUIDES_DIR")
_FOLDER = Path(_NAMED) if _NAMED else Path(__file__).resolve().parents[3] / "shared" / "guides"
GUIDE = _FOLDER / "online-environment.md"
ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(
    not GUIDE.is_file(),
    reason="the guides are not beside this checkout (set TAU2_GUIDES_DIR to their folder)",
)


def blocks() -> list[str]:
    return re.findall(
        r"^```python\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )


@pytest.fixture
def served(monkeypatch):
    with StubServer(["I would like to cancel a flight.", "Tomorrow's, please."]) as stub:
        monkeypatch.setenv("OPENAI_BASE_URL", stub.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "key")
        yield stub


def test_the_python_of_the_guide(served, capsys):
    names: dict[str, object] = {"__name__": "__guide__"}
    for block in blocks():
        exec(compile(block, GUIDE.name, "exec"), names)  # the guide's own words
    counted, tools, first, last = capsys.readouterr().out.splitlines()
    assert counted == "Number of train tasks: 5"
    assert tools.startswith("Tools: ['")
    assert tools.endswith("'respond_user']")
    assert first == "Initial message: I would like to cancel a flight."
    assert last == "Done: False, Reward: 0.0"
    assert served.requests == 2
    assert served.last["model"] == "gpt-4.1-2025-04-14"
    assert "Hello! How can I help you today?" in served.last["messages"][-1]["content"]


def test_the_configurations_that_the_guide_names_exist():
    named = re.findall(r"`(configs/[\w/.]+\.yaml)`", GUIDE.read_text(encoding="utf-8"))
    assert named
    assert all((ROOT / path).is_file() for path in named)


@pytest.mark.parametrize("domain", ["airline", "retail", "telecom"])
def test_the_domains_that_the_guide_names(domain, served):
    from act_prm.environments import get_env

    env = get_env("tau2bench", domain=domain, num_train_tasks=2, num_test_tasks=1)
    assert env.reset().new_messages[0]["role"] == "user"
