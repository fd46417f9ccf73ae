"""The guide "Running Simulations".

Its text blocks run as they stand, against a server that speaks OpenAI's API.

Nothing in a text block is replaced. The models' address is set in the environment, and the two
domains whose task sets are played whole are cut to two tasks. In the blocks for audio the provider
is `local`, whose speech is the tone channel here, and the line is clean: what detects tones takes
noise for speech.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.cast import a_task, calls
from tests.stub import StubServer, by_turn

from tau2.agent.base_agent import HalfDuplexAgent
from tau2.cli import main
from tau2.data_model.message import AssistantMessage, ToolCall
from tau2.data_model.simulation import Results
from tau2.domains.mock.data_model import MockDB, Task, User
from tau2.environment.environment import Environment
from tau2.environment.toolkit import ToolKitBase, ToolType, is_tool
from tau2.registry import Catalog, Registry, registry
from tau2.runner import voice as voice_engines
from tau2.voice.speech.registry import EngineCatalog

_NAMED = os.environ.get("TAU2_GUIDES_DIR")
_FOLDER = Path(_NAMED) if _NAMED else Path(__file__).resolve().parents[3] / "shared" / "guides"
GUIDE = _FOLDER / "running-simulations.md"

pytestmark = pytest.mark.skipif(
    not GUIDE.is_file(),
    reason="the guides are not beside this checkout (set TAU2_GUIDES_DIR to their folder)",
)

_BLOCK = re.compile(r"^(#+ [^\n]+)$|^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    heading: str
    language: str
    code: str


def blocks() -> Iterator[Block]:
    """Yield the code blocks of the guide with the heading above each."""
    heading = ""
    for found in _BLOCK.finditer(GUIDE.read_text(encoding="utf-8") if GUIDE.is_file() else ""):
        if found.group(1):
            heading = found.group(1).strip("# ")
        else:
            yield Block(heading, found.group(2), found.group(3))


def voice(block: Block) -> bool:
    return "VoiceRunConfig(" in block.code


PYTHON = [block for block in blocks() if block.language == "python" and not voice(block)]
VOICE = [block for block in blocks() if voice(block)]
COMMANDS = [
    line
    for block in blocks()
    if block.language == "bash"
    for line in block.code.replace("\\\n", " ").splitlines()
    if line.startswith("tau2 ")
]


@pytest.fixture(autouse=True)
def served(monkeypatch, tmp_path):
    """Serve every model from loopback; cut the task sets that a block plays whole."""
    monkeypatch.chdir(tmp_path)
    for domain in ("airline", "telecom"):
        monkeypatch.setitem(registry._tasks, domain, _first_two(registry.get_tasks_loader(domain)))
    with StubServer(by_turn(["I would like some help."])) as stub:
        monkeypatch.setenv("OPENAI_BASE_URL", stub.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "key")
        yield stub


def _first_two(loader):
    return lambda *split: loader(*split)[:2]


def run(block: Block, **namespace: Any) -> dict[str, Any]:
    exec(compile(block.code, f"{GUIDE.name}: {block.heading}", "exec"), namespace)
    return namespace


def custom(block: Block) -> bool:
    return "MyCustomEnvironment" in block.code


@pytest.mark.parametrize("command", COMMANDS)
def test_level_1_a_command_line(command, capsys):
    argv = shlex.split(command)[1:]
    assert main(argv) == 0
    assert "reward" in capsys.readouterr().out.lower()
    (saved,) = Path(os.environ["TAU2_SIMULATIONS_DIR"]).iterdir()
    trials = int(argv[argv.index("--num-trials") + 1]) if "--num-trials" in argv else 1
    assert len(Results.load(saved).simulations) == 2 * trials


@pytest.mark.parametrize(
    "block", [b for b in PYTHON if not custom(b)], ids=lambda block: block.heading
)
def test_levels_2_and_3(block, served, tmp_path, capsys):
    names = run(block)
    if "results" in names:
        assert {run.termination_reason.value for run in names["results"].simulations} == {
            "user_stop"
        }
    if "result" in names:
        assert names["result"].reward_info is not None
    if "save_path" in block.code:
        assert len(Results.load(tmp_path / "my_results").simulations) == 2
    assert served.requests > 0
    printed = capsys.readouterr().out
    assert "print(" not in block.code or "eward" in printed


@pytest.fixture
def tones(monkeypatch):
    """Have both sides of a call speak in tones, as if no other engine were installed."""
    names = EngineCatalog.usable_names
    monkeypatch.setattr(
        EngineCatalog, "usable_names", lambda self: [n for n in names(self) if n in _FOR_TESTS]
    )
    monkeypatch.setattr(voice_engines, "BEST_SYNTHESIZERS", ("tone",))
    monkeypatch.setattr(voice_engines, "BEST_RECOGNIZERS", ("tone",))


_FOR_TESTS = ("tone", "energy")
_PLAYED_AS = {
    'provider="openai"': 'provider="local"',
    'speech_complexity="regular"': 'speech_complexity="control"',
}


@pytest.mark.parametrize("block", VOICE, ids=lambda block: block.heading)
def test_levels_2_and_3_by_voice(block, served, tones):
    code = block.code
    for written, played in _PLAYED_AS.items():
        assert written in code
        code = code.replace(written, played)
    names = run(block._replace(code=code))
    played = names["results"].simulations if "results" in names else [names["result"]]
    assert {simulation.termination_reason.value for simulation in played} == {"user_stop"}
    for simulation in played:
        assert simulation.reward_info is not None
        assert simulation.speech_environment["complexity"] == "control"
        said = [message.content for message in simulation.messages if message.role == "user"]
        assert "I would like some help." in said[0]
    assert served.requests > 0
    # Calls that were played again, because the stub is no good user, are recorded too.
    recordings = Path(os.environ["TAU2_SIMULATIONS_DIR"]).glob("*/artifacts/*/*/audio/both.wav")
    recorded = {path.parent.parent.name for path in recordings}
    if "results" in names:
        assert {f"sim_{simulation.id}" for simulation in played} <= recorded


# --- what no registry knows -----------------------------------------------------------------------


class MyTools(ToolKitBase):
    db: MockDB

    @is_tool(ToolType.WRITE)
    def note(self, text: str) -> str:
        """Write something down.

        Args:
            text: What to write down.
        """
        self.db.tasks[text] = Task(task_id=text, title=text, status="pending")
        return "noted"


class MyCustomEnvironment(Environment):
    def __init__(self) -> None:
        super().__init__(
            "my_domain", "Write down what the customer says.", MyTools(MockDB(users={"u": _U}))
        )

    def get_user_tools(self, include: list[str] | None = None) -> list:
        return []


_U = User(user_id="u", name="U")


class MyCustomAgent(HalfDuplexAgent):
    def get_init_state(self, message_history=None):
        return 0

    def generate_next_message(self, message, state):
        if state == 0:
            call = ToolCall(id="n", name="note", arguments={"text": "tea"})
            return AssistantMessage(tool_calls=[call], cost=0.0), 1
        return AssistantMessage(content="Done.", cost=0.0), 2


@pytest.fixture
def no_names(monkeypatch):
    """Make every look-up of a name fail."""

    def refuse(*_args, **_kwargs):
        raise AssertionError("a name was looked up")

    for owner, names in (
        (Registry, [name for name in vars(Registry) if name.startswith("get_")]),
        (Catalog, ["get", "names"]),
    ):
        for name in names:
            monkeypatch.setattr(owner, name, refuse)


@pytest.mark.parametrize("block", [b for b in PYTHON if custom(b)], ids=lambda block: block.heading)
def test_level_3_custom_instances_without_a_registry(block, no_names, capsys):
    names = run(
        block,
        MyCustomEnvironment=MyCustomEnvironment,
        MyCustomAgent=MyCustomAgent,
        task=a_task(calls("note", text="tea")),
    )
    assert names["result"].reward_info.reward == 1.0
    assert names["result"].termination_reason == "user_stop"
    assert "Reward: 1.0" in capsys.readouterr().out


def test_the_guide_was_read():
    assert len(COMMANDS) == 3
    assert len(VOICE) == 2
    assert len(PYTHON) >= 5
    assert sum(map(custom, PYTHON)) == 1
