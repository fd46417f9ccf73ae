"""The guide "Tau2 Gym".

Its code blocks run in one go, word for word, against a server that speaks OpenAI's API.

The guide's task ids are illustrations ("book_flight_1" in retail); here, real tasks answer to them,
so that no block has to be changed. The models' address is set in the environment.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import gymnasium
import pytest
from tests.stub import StubServer

from tau2.gym import AgentGymEnv
from tau2.registry import registry

_NAMED = os.environ.get("TAU2_GUIDES_DIR")
_FOLDER = Path(_NAMED) if _NAMED else Path(__file__).resolve().parents[3] / "shared" / "guides"
GUIDE = _FOLDER / "gym.md"

pytestmark = pytest.mark.skipif(
    not GUIDE.is_file(),
    reason="the guides are not beside this checkout (set TAU2_GUIDES_DIR to their folder)",
)

ILLUSTRATIONS = {
    "airline": ["book_flight_1"],
    "retail": ["book_flight_1"],
    "telecom": ["troubleshoot_mobile_data_1", "troubleshoot_network_1"],
}
_BLOCK = re.compile(r"^(#+ [^\n]+)$|^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    heading: str
    code: str


def blocks() -> Iterator[Block]:
    heading = ""
    for found in _BLOCK.finditer(GUIDE.read_text(encoding="utf-8")):
        if found.group(1):
            heading = found.group(1).strip("# ")
        else:
            yield Block(heading, found.group(2))


@pytest.fixture(autouse=True)
def served(monkeypatch):
    """Serve every model from loopback, and let real tasks answer to the guide's ids."""
    for domain, names in ILLUSTRATIONS.items():
        monkeypatch.setitem(
            registry._tasks, domain, _renamed(registry.get_tasks_loader(domain), names)
        )
    before = dict(gymnasium.registry)
    with StubServer("I would like some help.") as stub:
        monkeypatch.setenv("OPENAI_BASE_URL", stub.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "key")
        yield stub
    gymnasium.registry.clear()
    gymnasium.registry.update(before)


def _renamed(loader: Any, names: list[str]) -> Any:
    def load(split: str | None = None) -> list[Any]:
        tasks = loader() if split is None else loader(split)
        return [
            task.model_copy(update={"id": name}) for task, name in zip(tasks, names, strict=False)
        ]

    return load


def test_every_block_of_the_guide(served, capsys):
    names: dict[str, Any] = {"__name__": "__guide__"}
    told: dict[str, list[str]] = {}
    for block in blocks():
        exec(compile(block.code, f"{GUIDE.name}: {block.heading}", "exec"), names)
        if "env.reset()" in block.code or "env.step(" in block.code:
            told.setdefault(block.heading, []).append(names["observation"])
    assert served.requests > 0
    printed = capsys.readouterr().out

    assert "Available tools: 4 tools available" in printed
    assert "Reward: 0.0" in printed
    assert told["Normal Mode Example"][-1].startswith("tool: ")  # the task was created
    assert '"title": "Important Meeting"' in told["Normal Mode Example"][-1]
    assert "Initial observation: \n" in printed  # solo mode begins with nothing
    assert (
        '"result": "Error: ' in told["Solo Mode Example"][-1]
    )  # illustrated tools are answered as unknown
    assert "Tool: " in printed
    assert "Agent must follow this policy: " in printed
    assert all(line.startswith("tool: ") for line in told["Tool Calls"])
    assert told["Message to User"] == ["user: I would like some help."]
    assert told["Example Observation"] == ["user: I would like some help."]


def test_what_the_guide_says_of_the_form_of_an_observation(served):
    env = AgentGymEnv("mock", "create_task_1", all_messages_as_observation=True)
    env.reset()
    env.step("I'll help you.")
    observation = env.step("create_task(user_id='user_1', title='Important Meeting')")[0]
    roles = [line.partition(": ")[0] for line in observation.splitlines()]
    assert roles == ["assistant", "user", "assistant", "user", "assistant", "tool"]
    assert "assistant: create_task(title='Important Meeting', user_id='user_1')" in observation


def test_a_tools_line_has_the_three_keys_that_the_guide_shows(served):
    shown = re.search(r'Tool call results: `"tool: (\{.*?\})"`', GUIDE.read_text(encoding="utf-8"))
    assert shown is not None
    env = AgentGymEnv("mock", "create_task_1")
    env.reset()
    line = env.step("create_task(user_id='user_1', title='Important Meeting')")[0]
    told = json.loads(line.removeprefix("tool: "))
    assert list(told) == list(json.loads(shown.group(1)))
    assert told["arguments"] == {"user_id": "user_1", "title": "Important Meeting"}


def test_a_users_own_tool_calls_are_not_observed(served):
    served._reply = [{"name": "check_notifications", "arguments": {}}, "There is one."]
    env = AgentGymEnv("mock", "update_task_with_user_tools", all_messages_as_observation=True)
    assert env.reset()[0].splitlines()[1:] == ["user: There is one."]


def test_the_users_model_gets_its_arguments(served):
    env = AgentGymEnv(
        "airline",
        "book_flight_1",
        user_llm="gpt-4",
        user_llm_args={"temperature": 0.8, "top_p": 0.9},
    )
    env.reset()
    body = served.seen[-1].body
    assert (body["model"], body["temperature"], body["top_p"]) == ("gpt-4", 0.8, 0.9)
