"""The run guide, block by block, as its reader runs it: verbatim but for the address of the models.

OPENAI_BASE_URL points to a loopback stub that plays both sides; voice blocks belong to the voice engine. The guide is
not part of this repository: where it is absent, the tests are skipped, and the same steps are pinned below.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.reference import REFERENCE
from tests.stub import StubServer

from tau2 import registry as the_registry
from tau2.agent.base_agent import HalfDuplexAgent
from tau2.cli import main
from tau2.data_model.message import AssistantMessage, ToolCall
from tau2.data_model.simulation import Results
from tau2.data_model.tasks import Action, EvaluationCriteria, Task, UserScenario
from tau2.environment.db import DB
from tau2.environment.environment import Environment
from tau2.environment.toolkit import ToolKitBase, ToolType, is_tool
from tau2.errors import ConfigError
from tau2.orchestrator.orchestrator import Orchestrator
from tau2.runner import run_simulation
from tau2.user.user_simulator import UserSimulator

GUIDE = REFERENCE.parent / "guides" / "running-simulations.md" if REFERENCE else None
needs_guide = pytest.mark.skipif(
    GUIDE is None or not GUIDE.is_file(), reason="the run guide is not beside this checkout (see tests/reference.py)"
)


def blocks(language: str) -> list[str]:
    if GUIDE is None or not GUIDE.is_file():
        return []
    return re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text(), re.DOTALL)


TEXT_BLOCKS = [block for block in blocks("python") if "Voice" not in block and "MyCustom" not in block]
VOICE_BLOCKS = [block for block in blocks("python") if "Voice" in block]
COMMANDS = [
    shlex.split(command)[1:]
    for block in blocks("bash")
    for command in re.sub(r"\\\n\s*", "", block).splitlines()
    if command.startswith("tau2 ")
]


def both_sides(body: dict[str, Any]) -> str:
    """The agent is polite; the customer says goodbye at once, or first asks for the book of the scenario."""
    scenario = str(body["messages"][0])
    if "###STOP###" not in scenario:
        return "Hello, how can I help?"
    said = sum(message["role"] == "assistant" for message in body["messages"])
    return "I want to borrow Emma." if "Emma" in scenario and not said else "Thank you, that is all. ###STOP###"


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[StubServer]:
    with StubServer(both_sides) as stub:
        monkeypatch.setenv("OPENAI_BASE_URL", stub.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-of-a-reader")
        monkeypatch.chdir(tmp_path)
        yield stub


@needs_guide
@pytest.mark.parametrize("block", TEXT_BLOCKS, ids=range(len(TEXT_BLOCKS)))
def test_a_python_block_runs_as_it_stands(block: str, models: StubServer, tmp_path: Path) -> None:
    names: dict[str, Any] = {}
    exec(compile(block, str(GUIDE), "exec"), names)
    played = names.get("results", names.get("result"))
    simulations = played.simulations if isinstance(played, Results) else [played]
    assert simulations
    assert all(run.reward_info is not None and run.termination_reason == "user_stop" for run in simulations)
    assert models.requests >= len(simulations)
    if "save_path" in block:
        assert len(Results.load(tmp_path / "my_results" / "results.json").simulations) == len(simulations)


@needs_guide
@pytest.mark.parametrize("arguments", COMMANDS, ids=range(len(COMMANDS)))
def test_a_command_line_runs_as_it_stands(arguments: list[str], models: StubServer) -> None:
    assert main(arguments) == 0
    assert models.requests > 0


@needs_guide
@pytest.mark.parametrize("block", VOICE_BLOCKS, ids=range(len(VOICE_BLOCKS)))
def test_a_voice_block_says_that_this_version_plays_text(block: str, models: StubServer) -> None:
    with pytest.raises(ConfigError, match="plays text"):
        exec(compile(block, str(GUIDE), "exec"), {})
    assert models.requests == 0


class Shelf(DB):
    """How many of what there are."""

    books: dict[str, int]


class ShelfTools(ToolKitBase):
    """Takes books off a shelf."""

    @is_tool(ToolType.WRITE)
    def lend(self, title: str) -> str:
        """Lend a book.

        Args:
            title: Its title.

        Returns:
            A confirmation.
        """
        self.db.books[title] -= 1
        return f"{title} is lent"


class MyCustomEnvironment(Environment):
    """A library that no registry knows."""

    def __init__(self) -> None:
        super().__init__("my_domain", "Lend what is asked for.", ShelfTools(Shelf(books={"Emma": 2})))

    def get_user_tools(self, include: list[str] | None = None) -> list[Any]:
        return []


class MyCustomAgent(HalfDuplexAgent):
    """Lends Emma to whoever asks for anything."""

    def get_init_state(self, message_history: list[Any] | None = None) -> int:
        return 0

    def generate_next_message(self, message: Any, state: int) -> tuple[AssistantMessage, int]:
        if state == 0:
            call = ToolCall(id="", name="lend", arguments={"title": "Emma"})
            return AssistantMessage(tool_calls=[call], cost=0.0), 1
        return AssistantMessage(content="Here is Emma.", cost=0.0), state + 1


def library_task() -> Task:
    lend = Action(action_id="lend", name="lend", arguments={"title": "Emma"})
    return Task(
        id="emma",
        user_scenario=UserScenario(instructions="Borrow Emma."),
        evaluation_criteria=EvaluationCriteria(actions=[lend]),
    )


@pytest.fixture
def no_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every look-up of a name fail."""

    def refuse(*_: object) -> None:
        raise AssertionError("the registry was asked")

    for name in ("get_env_constructor", "get_tasks_loader", "get_agent_factory", "get_user_constructor"):
        monkeypatch.setattr(the_registry, name, refuse)


@needs_guide
@pytest.mark.usefixtures("no_registry", "models")
def test_the_custom_block_runs_without_a_registry() -> None:
    block = next(block for block in blocks("python") if "MyCustomEnvironment" in block)
    names: dict[str, Any] = {
        "MyCustomEnvironment": MyCustomEnvironment,
        "MyCustomAgent": MyCustomAgent,
        "task": library_task(),
    }
    exec(compile(block, str(GUIDE), "exec"), names)
    assert names["result"].reward_info.reward == 1.0


@pytest.mark.usefixtures("no_registry", "models")
def test_a_custom_world_is_played_and_graded_without_a_registry() -> None:
    environment = MyCustomEnvironment()
    orchestrator = Orchestrator(
        domain="my_domain",
        agent=MyCustomAgent(tools=environment.get_tools(), domain_policy=environment.get_policy()),
        user=UserSimulator(instructions="Borrow Emma.", llm="openai/gpt-4.1-mini"),
        environment=environment,
        task=library_task(),
    )
    result = run_simulation(orchestrator)
    assert result.reward_info is not None
    assert result.reward_info.reward == 1.0
    assert environment.tools is not None
    assert environment.tools.db.books == {"Emma": 1}
