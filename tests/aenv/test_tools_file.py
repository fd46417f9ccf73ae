"""What the server registers with AEnvironment, against a stand-in that only takes note."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
import sys
from types import ModuleType, SimpleNamespace

import pytest
from pydantic import TypeAdapter
from tests.aenv.parts import MEETING, SERVER, agent, an_episode, functions, load

from tau2.environment.tool import as_tool
from tau2.rollout import RolloutSetup
from tau2.serving.guard import Guard


class ToolError(Exception):
    """FastMCP's."""


class Served:
    """FastMCP's server, as much of it as is asked."""

    def __init__(self):
        self.tools = {}
        self.served = []

    def http_app(self, **options):
        return options

    async def run_http_async(self, **options):
        self.served.append(options)

    def tool(self):
        def add(function):
            self.tools[function.__name__] = function

        return add

    def remove_tool(self, name):
        del self.tools[name]


@pytest.fixture
def place(monkeypatch):
    """Stand in for AEnvironment; `place.load()` loads the server's file as it does."""
    noted = SimpleNamespace(tools={}, functions={}, reward=[], health=[], served=Served())

    def note(where):
        def register(function):
            where[function.__name__] = function
            return function

        return register

    package = ModuleType("aenv")
    package.register_tool, package.register_function = note(noted.tools), note(noted.functions)
    package.register_reward = package.register_health = note(noted.functions)
    registry = ModuleType("aenv.core.function_registry")
    registry.get_function_registry = lambda: SimpleNamespace(get_server=lambda: noted.served)
    errors = ModuleType("fastmcp.exceptions")
    errors.ToolError = ToolError
    for name, module in {
        "aenv": package,
        "aenv.core": ModuleType("aenv.core"),
        "aenv.core.function_registry": registry,
        "fastmcp": ModuleType("fastmcp"),
        "fastmcp.exceptions": errors,
    }.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setenv("TAU2_DOMAIN", "mock")
    monkeypatch.setenv("TAU2_USER", "scripted_user")
    monkeypatch.setenv("TAU2_USER_LLM_API_KEY", "sk-very-secret")
    monkeypatch.setenv("TAU2_SERVER_TOKEN", "a-token-of-the-tests")
    noted.load = lambda: load(SERVER / "src" / "tau2_tools.py", "a_loaded_server")
    yield noted
    sys.modules.pop("a_loaded_server", None)


@pytest.fixture
def server(place):
    """Load the server's file."""
    place.load()
    place.served.tools = dict(place.tools)  # AEnvironment hands over what was registered
    return place


def call(function, **arguments):
    return asyncio.run(function(**arguments))


def test_what_is_registered(server):
    assert set(server.tools) == {
        "create_task",
        "get_users",
        "update_task_status",
        "transfer_to_human_agents",
    }
    assert set(server.functions) == {
        *("tau2_reset", "tau2_get_task_info", "tau2_get_system_prompt", "tau2_get_available_tools"),
        *("tau2_get_status", "tau2_send_message", "tau2_done", "tau2_reward", "tau2_health"),
    }
    assert (
        sys.modules["a_loaded_server"].EPISODE.status()["started"] is False
    )  # loading begins no episode


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("TAU2_DOMAIN", "airlin", "did you mean 'airline'"),
        ("TAU2_TASK_ID", "create_task", "did you mean 'create_task_1'"),
        ("TAU2_MAX_STEPS", "many", "max_steps"),
        ("TAU2_SERVER_TOKEN", "short", "fewer than 16 characters"),
    ],
)
def test_a_server_that_cannot_serve_says_why_and_ends(place, monkeypatch, name, value, said):
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit, match=said):
        place.load()


def test_an_episode_over_the_registered_functions(server):
    asked = server.functions

    async def play():
        await asked["tau2_reset"](task_id="create_task_1")
        task = await server.tools["create_task"](**MEETING["arguments"])
        with pytest.raises(ToolError, match="Error: invalid arguments"):
            await server.tools["create_task"](nonsense=1)
        told = await asked["tau2_send_message"](message="It is on your list.")
        done = await asked["tau2_done"]()
        return json.loads(task)["title"], told["done"], done["done"], await asked["tau2_reward"]()

    title, told, done, reward = asyncio.run(play())
    assert (title, told, done) == ("Important Meeting", False, True)
    assert (reward["total_reward"], reward["status"], reward["steps"]) == (1.0, "completed", 4)
    assert call(asked["tau2_health"])["status"] == "healthy"


def test_what_is_played_is_told(server):
    asked = server.functions

    async def ask():
        await asked["tau2_reset"](task_id="create_task_1")
        names = ("task_info", "system_prompt", "available_tools")
        return [await asked[f"tau2_get_{name}"]() for name in names]

    info, prompt, tools = asyncio.run(ask())
    assert info["task_id"] == "create_task_1"
    assert "Task desk" in prompt["system_prompt"]
    assert {tool["function"]["name"] for tool in tools["tools"]} == set(server.tools)


def test_the_server_is_given_its_guard(server):
    """Whoever starts it: AEnvironment passes every interface as the host."""
    asyncio.run(server.served.run_http_async(host="0.0.0.0", port=8081))
    (options,) = server.served.served
    assert (options["host"], options["port"]) == ("127.0.0.1", 8081)
    outermost = server.served.http_app()["middleware"][0]
    assert outermost.cls is Guard
    assert outermost.kwargs["token"] == "a-token-of-the-tests"


def test_an_error_is_cut(server):
    with pytest.raises(RuntimeError) as raised:
        call(server.functions["tau2_reset"], task_id="x" * 100_000)
    assert len(str(raised.value)) <= 2000


def test_an_error_tells_no_key(server):
    with pytest.raises(RuntimeError, match=r"\[redacted\]") as raised:
        call(server.functions["tau2_reset"], task_id="sk-very-secret")
    assert "very-secret" not in str(raised.value)


def test_another_domain_brings_its_own_tools(server):
    call(server.functions["tau2_reset"], domain="airline", task_id="0")
    wanted = {tool.name for tool in sys.modules["a_loaded_server"].EPISODE.tools()}
    assert set(server.served.tools) == wanted
    kept = server.served.tools["transfer_to_human_agents"]
    call(server.functions["tau2_reset"], domain="airline", task_id="1")
    assert (
        server.served.tools["transfer_to_human_agents"] is kept
    )  # what stays the same stays untouched


# --- functions
# ----------------------------------------------------------------------


@pytest.mark.parametrize("domain", ["mock", "airline", "retail", "telecom"])
def test_schemas_keep_the_types_of_items_and_optional_arguments(domain):
    """The functions tell FastMCP what tau2 tells a model; nothing is lost to `list` and `dict`."""
    for tool in an_episode(domain=domain, task_id="").tools():
        function = functions.function_of(tool, None)
        schema = TypeAdapter(function).json_schema()
        assert schema == functions.inlined(tool.parameters)
        assert "$ref" not in json.dumps(schema)
        required = [
            p.name for p in inspect.signature(function).parameters.values() if p.default is p.empty
        ]
        assert required == tool.parameters.get("required", [])
        assert (function.__name__, function.__doc__) == (tool.name, tool.description)


def test_arguments_reach_the_episode_as_they_came():
    seen = []

    async def serve(name, arguments):
        seen.append((name, arguments))
        return "ok"

    def book(flights: list[dict[str, int]], cabin: str = "economy") -> str:
        """Book."""

    adapter = TypeAdapter(functions.function_of(as_tool(book), serve))
    assert asyncio.run(adapter.validate_python({"flights": "none", "more": 1})) == "ok"
    assert seen == [("book", {"flights": "none", "more": 1})]


def test_a_schema_that_names_itself_ends():
    schema = {
        "$ref": "#/$defs/Tree",
        "$defs": {"Tree": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}},
    }
    assert functions.inlined(schema) == {"type": "array", "items": {}}


# --- the folder
# ----------------------------------------------------------------------


def test_the_versions_agree():
    config = json.loads((SERVER / "config.json").read_text(encoding="utf-8"))
    assert f"{config['name']}@{config['version']}" == agent.ENV_NAME
    assert config["deployConfig"]["service"]["port"] == 8081


def test_every_variable_is_described():
    text = (SERVER / "README.md").read_text(encoding="utf-8")
    files = ("_tau2_settings.py", "_tau2_access.py")
    source = "".join((SERVER / "src" / name).read_text(encoding="utf-8") for name in files)
    named = set(re.findall(r'"(TAU2_\w+)"', source))
    assert len(named) == 12
    assert [name for name in named if f"`{name}`" not in text] == []


def test_a_cast_is_made_of_the_settings():
    assert isinstance(an_episode().settings.setup(), RolloutSetup)
