"""The server's episode and settings, without AEnvironment."""

from __future__ import annotations

import asyncio
import json

import pytest
from tests.aenv.episodes import SEED, by_orchestrator, some_tasks
from tests.aenv.parts import MEETING, an_episode, episode, settings
from tests.stub import StubServer, failing

from tau2.errors import ConfigError, UnknownName

Settings = settings.Settings


def played(*steps, of=None):
    """Carry out steps on an episode: a text, a call, or a function of the episode.

    Return the answers.
    """
    of = of or an_episode()

    async def play():
        return [await one(of, step) for step in steps]

    return asyncio.run(play())


async def one(of, step):
    if isinstance(step, dict):
        return await of.call_tool(step["name"], step["arguments"])
    return await (of.send_message(step) if isinstance(step, str) else step(of))


def reward(of):
    return of.reward()


# --- settings
# ----------------------------------------------------------------------


def test_settings_come_from_variables():
    given = {
        "TAU2_DOMAIN": "retail",
        "TAU2_TASK_ID": "7",
        "TAU2_MAX_STEPS": "80",
        "TAU2_SOLO_MODE": "false",
        "TAU2_SEED": "3",
        "TAU2_USER_LLM": "openai/any",
        "TAU2_USER_LLM_API_BASE": "http://127.0.0.1:1/v1",
        "TAU2_USER_LLM_API_KEY": "sk-very-secret",
    }
    read = Settings.from_env(given)
    assert (read.domain, read.task_id, read.max_steps, read.solo, read.seed) == (
        "retail",
        "7",
        80,
        False,
        3,
    )
    cast = read.setup()
    assert (cast.llm_user, cast.max_steps) == ("openai/any", 80)
    assert cast.llm_args_user == {
        "temperature": 0.0,
        "api_base": "http://127.0.0.1:1/v1",
        "api_key": "sk-very-secret",
    }
    assert "very-secret" not in repr(read) + str(read) + read.model_dump_json()


def test_without_variables_the_original_defaults_hold():
    read = Settings.from_env({"TAU2_USER_LLM": "None", "TAU2_TASK_ID": ""})
    assert (read.domain, read.max_steps, read.solo, read.user_llm) == ("telecom", 50, True, None)


def test_a_named_user_is_company():
    assert not Settings(user="scripted_user").solo
    assert Settings(user="scripted_user", solo_mode=True).solo


@pytest.mark.parametrize(
    "changes", [{"max_steps": 0}, {"max_steps": "many"}, {"user_llm_api_base": 1, "none": 2}]
)
def test_a_wrong_setting_is_refused(changes):
    with pytest.raises(ValueError, match="Settings"):
        Settings().changed(changes)


# --- episodes
# ----------------------------------------------------------------------


def test_an_episode_from_greeting_to_reward():
    created, told, graded = played(MEETING, "It is on your list. ###STOP###", reward)
    assert not created.error
    assert (told["done"], told["reason"], told["status"]) == (True, "agent_stop", "completed")
    assert (graded["total_reward"], graded["rewards"], graded["steps"]) == (1.0, [0.0, 1.0], 2)
    assert (graded["done"], graded["status"], graded["breakdown"]["DB"]) == (True, "completed", 1.0)


@pytest.mark.parametrize(
    ("domain", "solo"), [("mock", False), ("mock", True), ("airline", False), ("retail", False)]
)
def test_the_same_policy_earns_the_same_as_in_the_orchestrator(domain, solo):
    task = some_tasks(domain, 1, solo=solo)[0]
    wanted = by_orchestrator(domain, task, solo=solo)
    calls = [call for move in wanted.moves if isinstance(move, list) for call in move]
    assert calls
    steps = [step for move in wanted.moves for step in (move if isinstance(move, list) else [move])]
    of = an_episode(domain=domain, task_id=task.id, seed=SEED, max_steps=200, solo_mode=solo)
    graded = played(*steps, reward, of=of)[-1]
    assert (graded["total_reward"], graded["db_hash"], graded["user_db_hash"]) == wanted[:3]


def test_nothing_has_begun_before_the_first_use():
    of = an_episode(task_id="no such task")
    assert of.status()["started"] is False
    assert played(reward, of=of)[0]["total_reward"] is None


def test_the_tools_of_a_domain_are_known_before_its_episodes():
    assert {"create_task", "get_users"} <= {tool.name for tool in an_episode(task_id="").tools()}
    assert {"check_notifications", "done"} <= {
        tool.name for tool in an_episode(task_id="", solo_mode=True).tools()
    }
    assert {"done"} <= {tool.name for tool in episode.Episode(Settings()).tools()}  # telecom, solo


def test_a_call_begins_the_episode_as_the_variables_say():
    (result,) = played({"name": "get_users", "arguments": {}})
    assert "user_1" in result.text


def test_an_episode_needs_a_task():
    with pytest.raises(ConfigError, match="TAU2_TASK_ID"):
        played(lambda of: of.reset(), of=an_episode(task_id=""))
    with pytest.raises(UnknownName, match="create_task_1"):
        played(lambda of: of.reset(task_id="create_task"))


def test_what_is_over_stays_over():
    of = an_episode()
    done, said, called, again = played(
        lambda e: e.finish(), "Hello?", MEETING, lambda e: e.finish(), of=of
    )
    assert (done["reason"], again["steps"]) == ("agent_stop", 1)
    assert (said["rejected"], called.text, called.error) == (
        "The episode is over.",
        "The episode is over.",
        True,
    )


def test_calls_that_arrive_together_are_carried_out_one_after_another():
    async def together():
        of = an_episode()
        return await asyncio.gather(*(of.call_tool(**MEETING) for _ in range(3)))

    ids = [json.loads(result.text)["task_id"] for result in asyncio.run(together())]
    assert ids == ["task_2", "task_3", "task_4"]


def test_an_empty_message_is_refused_and_counted():
    *refused, graded = played(*[""] * 3, reward)
    assert all("the message is empty" in answer["rejected"] for answer in refused)
    assert (refused[-1]["invalid_actions"], refused[-1]["done"], graded["total_reward"]) == (
        3,
        False,
        0.0,
    )
    (last,) = played(*[" "] * 10)[-1:]
    assert (last["done"], last["reason"]) == (True, "too_many_errors")


def test_what_is_played_is_told_without_what_the_user_wants():
    (told,) = played(lambda of: of.describe())
    assert told == {
        "domain": "mock",
        "task_id": "create_task_1",
        "solo_mode": False,
        "max_steps": 50,
        "ticket": None,
    }
    (alone,) = played(lambda of: of.describe(), of=an_episode(solo_mode=True))
    assert alone["ticket"]


# --- what training needs
# ----------------------------------------------------------------------


def test_nothing_but_the_reward_endpoint_tells_the_reward():
    of = an_episode()
    answers = played(lambda e: e.reset(), MEETING, "Done. ###STOP###", lambda e: e.finish(), of=of)
    created = answers.pop(1)
    assert set(json.loads(created.text)) == {"task_id", "title", "description", "status"}
    assert not any("reward" in key for answer in [*answers, of.status()] for key in answer)


def test_a_solo_agent_is_told_that_nobody_listens():
    of = an_episode(solo_mode=True)
    said, done = played("All done!", {"name": "done", "arguments": {}}, of=of)
    assert "nobody reads messages" in said["rejected"]
    assert (said["done"], said["steps"], done.text) == (False, 1, "The episode is over.")
    assert of.status()["reason"] == "agent_stop"


def test_no_status_tells_the_key_or_the_address():
    with StubServer(["Hi", failing(401, "broken, with key sk-very-secret")]) as user:
        model = {"user_llm_api_base": user.base_url, "user_llm_api_key": "sk-very-secret"}
        of = an_episode(user=None, user_llm="openai/any", **model)
        answers = played(lambda e: e.reset(), "Hello", reward, of=of)
        assert user.requests == 2
    told = json.dumps([*answers, of.status()])
    assert "broken" in told
    assert "very-secret" not in told
    assert user.base_url not in told
    assert of.settings.redacted("the key is sk-very-secret") == "the key is [redacted]"


def test_one_process_plays_many_episodes_of_many_domains():
    of = an_episode()
    retail = {"domain": "retail", "task_id": some_tasks("retail", 1)[0].id}
    resets = [lambda e: e.reset(seed=3), lambda e: e.reset(), lambda e: e.reset(**retail)]
    first, created, second, third = played(resets[0], MEETING, *resets[1:], of=of)
    assert not created.error
    assert (first["steps"], second["steps"]) == (0, 0)
    assert first["messages"][0] == second["messages"][0]
    assert third["domain"] == "retail"
    assert of.settings.seed is None  # a reset says all that differs from the variables
    assert "get_users" not in {tool.name for tool in of.tools()}


def test_an_episode_that_goes_on_is_graded_as_it_stands():
    before, _, after, told = played(reward, MEETING, reward, "Anything else?")
    assert before["status"] == "unfinished"
    assert before["total_reward"] is None  # not begun
    assert (after["total_reward"], after["done"], after["status"]) == (1.0, False, "unfinished")
    assert (told["reason"], told["steps"]) == ("user_stop", 2)  # grading has ended nothing


@pytest.mark.parametrize(
    ("reply", "status"), [(failing(401, "no such key"), "infra_failed"), (None, "user_failed")]
)
def test_failures_that_are_not_the_agents_have_names_and_no_reward(reply, status, monkeypatch):
    monkeypatch.setattr("tau2.config.DEFAULT_EMPTY_RETRIES", 0)
    with StubServer(["Hello, I need a task.", reply]) as user:
        of = an_episode(
            user=None,
            user_llm="openai/any",
            user_llm_api_base=user.base_url,
            user_llm_api_key="key",
        )
        told, graded = played("Hi", reward, of=of)
    assert (told["done"], told["truncated"], told["status"]) == (True, True, status)
    assert told["error"]
    assert (graded["total_reward"], graded["rewards"], graded["status"]) == (None, [], status)


def test_a_judge_that_does_not_answer_is_no_reward_of_zero(monkeypatch):
    of = an_episode()
    played(MEETING, of=of)

    def away():
        raise ConfigError("the judge is away")

    monkeypatch.setattr(of._rollout, "grade_now", away)
    (graded,) = played(reward, of=of)
    assert (graded["total_reward"], graded["status"], graded["error"]) == (
        None,
        "infra_failed",
        "the judge is away",
    )
