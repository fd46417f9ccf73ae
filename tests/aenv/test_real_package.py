"""The example and the environment server on the real packages: each episode is the guide's own
command line.

Needs `aenvironment` and `openai-agents`, which the development environment has not: `make aenv`
makes one that has.
"""

from __future__ import annotations

import json
import re

import pytest
from tests.aenv.episodes import SEED, by_orchestrator, some_tasks
from tests.aenv.live import is_taken, play, post, serving
from tests.aenv.needs import NEEDS_PACKAGES
from tests.stub import StubServer, failing

from tau2.rollout import Rollout, RolloutSetup

pytestmark = [NEEDS_PACKAGES, pytest.mark.timeout(300)]

TASK = "create_task_1"
CALL = {"name": "create_task", "arguments": {"user_id": "user_1", "title": "Important Meeting"}}
DONE = [CALL, "It is on your list.", "###STOP###"]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    if is_taken():
        pytest.skip("port 8081 is taken, and AEnvironment's local mode knows no other")
    with serving(
        tmp_path_factory.mktemp("server"),
        TAU2_DOMAIN="mock",
        TAU2_USER_LLM_API_KEY="sk-very-secret-key",
    ):
        yield


def posted(function, **arguments):
    return post(f"/functions/{function}", arguments)["data"]


# --- the same episode everywhere
# ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("domain", "solo"),
    [("mock", False), ("airline", False), ("retail", False), ("telecom", False), ("telecom", True)],
)
def test_the_references_moves_earn_what_they_earn_in_the_orchestrator(server, domain, solo):
    for task in some_tasks(domain, 2, solo=solo):
        wanted = by_orchestrator(domain, task, solo=solo)
        with StubServer([*wanted.moves, "###STOP###"]) as model:
            alone = {"TAU2_SOLO_MODE": "true"} if solo else {}
            limits = ("--seed", str(SEED), "--max_steps", "200", "--max_turns", "200")
            outcome = play(domain, task.id, model.base_url, *limits, **alone)
        assert outcome["status"] == "completed", outcome
        details = outcome["details"]
        assert (outcome["reward"], details["db_hash"], details["user_db_hash"]) == wanted[:3]
        assert outcome["reward"] == 1.0


def test_the_tools_are_served_with_their_own_schemas(server):
    """What FastMCP leaves out (titles, and that nothing else is taken) says nothing to a model."""
    for domain in ("mock", "airline", "retail", "telecom"):
        task = some_tasks(domain, 1)[0]
        with StubServer("###STOP###") as model:
            play(domain, task.id, model.base_url)
        rollout = Rollout(RolloutSetup(domain, user="scripted_user"))
        rollout.reset(task)
        wanted = {tool["function"]["name"]: tool["function"] for tool in rollout.openai_tools}
        served = {tool["function"]["name"]: tool["function"] for tool in model.last["tools"]}
        assert set(served) == set(wanted)
        for name, tool in wanted.items():
            assert plain(served[name]["parameters"]) == plain(tool["parameters"]), name
            assert served[name]["description"] == tool["description"].strip()


def plain(schema, names=()):
    """Return a schema with its definitions in place, without titles and closed objects."""
    if isinstance(schema, list):
        return [plain(part, names) for part in schema]
    if not isinstance(schema, dict):
        return schema
    definitions = schema.get("$defs") or dict(names)
    if "$ref" in schema:
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        return {
            **plain(definitions[schema["$ref"].rpartition("/")[2]], definitions),
            **plain(rest, definitions),
        }
    kept = {key: value for key, value in schema.items() if key != "$defs"}
    if kept.get("additionalProperties") is False:
        del kept["additionalProperties"]
    if isinstance(kept.get("title"), str):
        del kept["title"]
    return {key: plain(value, definitions) for key, value in kept.items()}


# --- what training needs
# ---------------------------------------------------------------------------------


def test_tool_names_are_such_as_the_api_takes(server):
    with StubServer(DONE) as model:
        play("mock", TASK, model.base_url)
    names = [tool["function"]["name"] for body in model.bodies for tool in body["tools"]]
    assert names
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name in names)


def test_the_agent_remembers_every_turn(server):
    with StubServer(["Who are you?", CALL, "It is on your list.", "###STOP###"]) as model:
        play("mock", TASK, model.base_url)
    for earlier, later in zip(model.bodies, model.bodies[1:], strict=False):
        assert later["messages"][: len(earlier["messages"])] == earlier["messages"]
    assert [message["role"] for message in model.last["messages"]] == [
        *("system", "assistant", "user", "assistant", "user"),
        *("assistant", "tool", "assistant", "user"),
    ]


def test_a_failing_model_is_no_reward_of_zero(server):
    with StubServer(failing(401, "no such key")) as model:
        outcome = play("mock", TASK, model.base_url)
    assert (outcome["reward"], outcome["status"]) == (None, "infra_failed")
    assert "no such key" in outcome["error"]


def test_failed_turns_are_bounded(server):
    with StubServer({"name": "no_such_tool", "arguments": {}}) as model:
        outcome = play("mock", TASK, model.base_url)
    assert outcome["status"] == "unfinished"
    assert model.requests == 3
    assert "no_such_tool not found" in model.last["messages"][-1]["content"]


def test_tool_results_say_nothing_of_the_reward(server):
    with StubServer(DONE) as model:
        play("mock", TASK, model.base_url)
    (result,) = [message for message in model.last["messages"] if message["role"] == "tool"]
    assert set(json.loads(result["content"])) == {"task_id", "title", "description", "status"}


def test_sampling_and_model_are_arguments(server):
    with StubServer(DONE) as model:
        options = (
            "--temperature",
            "0.2",
            "--top_p",
            "0.9",
            "--max_completion_tokens",
            "77",
            "--model",
            "mine",
        )
        play("mock", TASK, model.base_url, *options)
    body = model.last
    assert (body["model"], body["temperature"], body["top_p"], body["max_completion_tokens"]) == (
        "mine",
        0.2,
        0.9,
        77,
    )


def test_nobody_is_told_the_free_text_of_a_solo_agent(server):
    with StubServer([None, "All done!", CALL, {"name": "done", "arguments": {}}]) as model:
        outcome = play("mock", TASK, model.base_url, TAU2_SOLO_MODE="true")
    assert (outcome["reward"], outcome["status"], outcome["reason"]) == (
        1.0,
        "completed",
        "agent_stop",
    )
    assert outcome["details"]["steps"] == 2
    assert "Nobody reads messages here" in model.last["messages"][-3]["content"]


def test_no_function_tells_the_key(server):
    functions = (
        "reset",
        "get_task_info",
        "get_system_prompt",
        "get_available_tools",
        "get_status",
        "done",
    )
    arguments = {"reset": {"domain": "mock", "task_id": TASK}}
    answers = [post(f"/functions/tau2_{name}", arguments.get(name)) for name in functions]
    answers += [
        post("/task/reward"),
        post("/functions/tau2_reset", {"task_id": "sk-very-secret-key"}),
    ]
    assert "very-secret" not in json.dumps(answers)


def test_one_process_plays_many_episodes(server):
    first = posted("tau2_reset", domain="mock", task_id=TASK)
    posted("tau2_done")
    second = posted("tau2_reset", domain="mock", task_id=TASK)
    assert posted("tau2_get_status")["done"] is False
    assert first["messages"] == second["messages"]


def test_arguments_that_do_not_fit_reach_the_episode(server):
    """A wrong call is answered by tau2 and counted, as in every other driver.

    No framework refuses it first.
    """
    wrong = [
        {"name": "create_task", "arguments": {"title": 3, "nonsense": True}},
        {"name": "create_task", "arguments": "{not json"},
    ]
    with StubServer([*wrong, *DONE]) as model:
        outcome = play("mock", TASK, model.base_url)
    results = [
        message["content"] for message in model.last["messages"] if message["role"] == "tool"
    ]
    assert results[0].startswith(
        "Error: invalid arguments for create_task: user_id: field required"
    )
    assert "the arguments could not be read" in results[1]
    assert (outcome["reward"], outcome["details"]["steps"]) == (1.0, 5)


def test_a_loop_that_stops_early_is_graded(server):
    with StubServer(DONE) as model:
        outcome = play("mock", TASK, model.base_url, "--max_turns", "2")
    assert (outcome["reward"], outcome["status"]) == (1.0, "unfinished")
    assert outcome["details"]["done"] is False


def test_a_wrong_task_names_the_known_ones(server):
    with StubServer(DONE) as model:
        outcome = play("mock", "create_task", model.base_url)
    assert (outcome["reward"], outcome["status"]) == (None, "infra_failed")
    assert "did you mean 'create_task_1'?" in outcome["error"]
    assert model.requests == 0
