"""Names: found without importing, suggested when misspelt, registered and replaced."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint
from unittest import mock

import pytest
from tests.cast import Agent, User

from tau2 import registry as registry_module
from tau2.errors import ConfigError, UnknownName
from tau2.participant.spec import AgentSpec
from tau2.registry import Catalog, Registry, call_with_known, registry


@pytest.fixture
def own():
    """Return a registry of this test's own."""
    return Registry()


def test_names_are_listed_without_loading_a_domain():
    script = """
import sys
from tau2.registry import registry
assert {"mock", "retail"} <= set(registry.get_domains())
print([name for name in sys.modules if name.startswith("tau2.domains.") and name.count(".") > 2])
"""
    shown = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout
    assert shown == "[]\n"


def test_everything_is_known_by_its_name(own):
    assert own.get_env_constructor("mock")().domain_name == "mock"
    assert len(own.get_tasks_loader("mock")()) == len(own.get_tasks_loader("mock")("base")) == 10
    assert "base" in own.get_task_splits_loader("mock")()
    assert callable(own.get_agent_factory("llm_agent"))
    assert callable(own.get_user_constructor("user_simulator"))
    info = own.get_info()
    assert (info.domains, info.agents) == (own.get_domains(), own.get_agents())


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda r: r.get_env_constructor("mok"), "no domain named 'mok'; did you mean 'mock'?"),
        (lambda r: r.get_tasks_loader("mok"), "no task set named 'mok'"),
        (lambda r: r.get_user_constructor("user_simulater"), "did you mean 'user_simulator'?"),
        (lambda r: r.agents.get("llm_agnt"), "did you mean 'llm_agent'?"),
    ],
)
def test_a_wrong_name_suggests_the_nearest(own, ask, words):
    with pytest.raises(UnknownName) as problem:
        ask(own)
    assert words in str(problem.value)
    assert isinstance(problem.value, KeyError)


def test_what_is_not_there_may_be_asked_about(own):
    assert own.get_agent_factory("nobody") is None
    assert own.get_task_splits_loader("nothing") is None
    assert own.get_agent_task_filter("nobody") is None
    assert own.get_agent_metadata("nobody", "solo_mode", default=3) == 3


def test_metadata_and_filters_of_plug_ins(own):
    assert own.get_agent_metadata("llm_agent_solo", "solo_mode") is True
    assert own.get_agent_metadata("llm_agent", "solo_mode") is False
    assert own.get_agent_task_filter("llm_agent_solo") is not None
    assert own.get_agent_task_filter("llm_agent") is None


def test_clients_register_their_own(own):
    own.register_domain(lambda solo_mode=False: "env", "mine")
    own.register_tasks(lambda split=None: ["task"], "mine", get_task_splits=lambda: {"base": []})
    own.register_agent_factory(
        lambda **_: Agent(), "mine", task_filter=bool, metadata={"solo_mode": True}
    )
    own.register_user(User, "mine")
    assert own.get_env_constructor("mine")(solo_mode=True) == "env"
    assert own.get_tasks_loader("mine")("base") == ["task"]
    assert own.get_task_splits_loader("mine")() == {"base": []}
    assert own.get_agent_metadata("mine", "solo_mode") is True
    assert own.get_agent_task_filter("mine") is bool
    assert own.get_user_constructor("mine") is User
    assert "mine" in own.get_domains()
    assert "mine" in own.get_users()
    assert "mine" not in registry.get_domains()


def test_a_name_is_taken_once(own):
    for register in (
        lambda: own.register_domain(lambda: None, "mock"),
        lambda: own.register_tasks(list, "mock"),
        lambda: own.register_agent_factory(lambda: None, "llm_agent"),
        lambda: own.register_agent(Agent, "llm_agent"),
        lambda: own.register_user(User, "user_simulator"),
    ):
        with pytest.raises(ValueError, match="registered already"):
            register()


def test_a_user_takes_turns(own):
    own.register_user(User)
    assert "User" in own.get_users()
    with pytest.raises(TypeError, match="int is not a user"):
        own.register_user(int)


def test_an_agent_class_is_made_with_what_it_takes(own):
    class Old:
        def __init__(self, tools, domain_policy, llm=None):
            self.made_with = (tools, domain_policy, llm)

    own.register_agent(Old, "old")
    made = own.get_agent_factory("old")(tools=[1], domain_policy="p", llm="m", task=None, seed=3)
    assert made.made_with == ([1], "p", "m")


def test_clients_replace_entries_and_whole_dictionaries(own):
    own._domains["mock"] = lambda: "replaced"
    assert own.get_env_constructor("mock")() == "replaced"
    own._agent_factories = {"only": lambda: "made"}
    assert own.get_agents() == ["only"]
    assert own.get_agent_factory("only")() == "made"
    own._tasks = dict(own._tasks)
    assert "mock" in own.get_task_sets()
    del own._users["user_simulator"]
    assert "user_simulator" not in own.get_users()
    assert len(own._users) == len(own.get_users())
    with pytest.raises(UnknownName):
        own.get_user_constructor("user_simulator")
    with pytest.raises(UnknownName):
        del own._users["user_simulator"]


def test_the_module_stands_for_the_registry(monkeypatch):
    assert registry_module.get_domains() == registry.get_domains()
    with monkeypatch.context() as patched:
        patched.setattr(registry_module, "_domains", {"only": None})
        assert registry.get_domains() == ["only"]
    with mock.patch.object(registry_module, "_agent_factories", {"only": None}):
        assert registry.get_agents() == ["only"]
    assert "mock" in registry.get_domains()
    assert "llm_agent" in registry.get_agents()


def test_a_spec_is_known_for_a_while():
    spec = AgentSpec("passing", make=lambda **_: Agent())
    with registry.agents.adding(spec):
        assert "passing" in registry.get_agents()
        assert registry.agents.get("passing") is spec
        with pytest.raises(ConfigError, match="already"), registry.agents.adding(spec):
            pass
    assert "passing" not in registry.get_agents()
    with pytest.raises(UnknownName):
        registry.agents.get("passing")


def entries(monkeypatch, *found: EntryPoint) -> Catalog:
    monkeypatch.setattr("tau2.registry.entry_points", lambda group: list(found))
    return Catalog("agent", "tau2.agent", ("AGENTS",), "tau2.agents")


def test_installed_plug_ins_are_found(monkeypatch):
    catalog = entries(
        monkeypatch, EntryPoint("lonely", "tests.unit.test_registry:LONELY", "tau2.agents")
    )
    assert "lonely" in catalog.names()
    assert catalog.get("lonely") is LONELY


LONELY = AgentSpec("lonely", make=lambda **_: Agent())


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (
            EntryPoint("gone", "no.such.module:X", "g"),
            r"plug-in 'gone' \(no\.such\.module:X\) cannot be loaded",
        ),
        (
            EntryPoint("other", "tests.unit.test_registry:LONELY", "g"),
            r"exports \['lonely'\] instead",
        ),
        (
            EntryPoint("llm_agent", "tests.unit.test_registry:LONELY", "g"),
            "two agents are named 'llm_agent'",
        ),
    ],
)
def test_a_plug_in_that_does_not_work_says_which_it_is(monkeypatch, entry, words):
    catalog = entries(monkeypatch, entry)
    with pytest.raises(ConfigError, match=words):
        catalog.get(entry.name)


def test_a_function_gets_the_options_it_has():
    assert call_with_known(lambda a, b=2: (a, b), {"a": 1, "c": 3}) == (1, 2)
    assert call_with_known(lambda **options: options, {"a": 1}) == {"a": 1}


def test_a_replaced_loader_need_not_know_the_tasks_of_the_splits(monkeypatch):
    from tau2.runner import load_tasks

    few = registry.get_tasks_loader("mock")()[:1]
    monkeypatch.setitem(registry._tasks, "mock", lambda task_split_name=None: few)
    assert load_tasks("mock", "base") == few
