"""An episode as tools: what they answer, how it ends, and what is no grade."""

from __future__ import annotations

import asyncio

import pytest
from tests.cast import ON_THE_LIST
from tests.integrations.oracle import DOMAINS, script_of
from tests.stub import StubServer, failing

from tau2.data_model.message import ToolCall
from tau2.errors import ConfigError, MissingExtra
from tau2.integrations import RESPOND_USER, Episode, EpisodeFailed
from tau2.integrations.episode import OVER
from tau2.integrations.packages import needs_package


def begun(**options):
    episode = Episode("mock", **{"user": "scripted_user", **options})
    assert episode.reset("create_task_1", seed=7)
    return episode


def by_tools(script):
    """Return the moves of a script as tool calls, `respond_user` among them."""
    for move in script.moves:
        yield move.tool_calls or [ToolCall(name=RESPOND_USER, arguments={"text": move.content})]


@pytest.mark.parametrize("domain", DOMAINS)
def test_tools_end_in_the_same_worlds_as_the_orchestrator(domain):
    script = script_of(domain)
    episode = Episode(domain, **script.options)
    episode.reset(script.task_id, script.seed)
    for calls in by_tools(script):
        episode.play(calls)
    assert episode.over
    assert script.ends_as(episode.finish())

    async def awaited():
        twin = Episode(domain, **script.options)
        await twin.areset(script.task_id, script.seed)
        for calls in by_tools(script):
            await twin.aplay(calls)
        return await twin.afinish()

    assert script.ends_as(asyncio.run(awaited()))


@pytest.mark.parametrize("domain", DOMAINS)
def test_an_episode_is_taken_up_from_its_messages_at_any_turn(domain):
    script = script_of(domain)
    live = Episode(domain, **script.options)
    live.reset(script.task_id, script.seed)
    for at, move in enumerate(script.moves):
        other = Episode(domain, **script.options)
        other.resume(script.task_id, script.seed, live.rollout.trajectory)
        assert other.rollout.orchestrator.step_count == live.rollout.orchestrator.step_count
        for later in script.moves[at:]:
            other.rollout.step(later)
        assert script.ends_as(other.finish())
        live.rollout.step(move)


def test_every_call_gets_its_text_in_order():
    texts = begun().play(
        [
            ToolCall(name="get_users", arguments={}),
            ToolCall(name="no_such_tool", arguments={}),
            ToolCall(name=RESPOND_USER, arguments={"text": "One moment."}),
            ToolCall(name="create_task", arguments=ON_THE_LIST),
        ]
    )
    assert ["user_1" in texts[0], "Error" in texts[1], "Important Meeting" in texts[3]] == [
        True
    ] * 3


def test_after_the_end_every_tool_says_so():
    episode = begun()
    episode.call("create_task", ON_THE_LIST)
    assert episode.say("It is on your list. Is there anything else?").endswith(OVER)
    assert (episode.say("Hello?"), episode.call("get_users", {})) == (OVER, OVER)
    assert episode.finish() == episode.finish()
    assert episode.finish().graded() == 1.0


def test_done_beside_other_calls_ends_the_episode_after_them():
    episode = begun()
    created, done = episode.play(
        [ToolCall(name="create_task", arguments=ON_THE_LIST), ToolCall(name="done", arguments={})]
    )
    assert ("Important Meeting" in created, done, episode.finish().reward) == (True, OVER, 1.0)


@pytest.mark.parametrize(
    "arguments", [{}, {"text": ""}, {"text": " "}, {"text": 3}, {"words": "Hello"}]
)
def test_saying_nothing_is_told_to_the_agent_only(arguments):
    episode = begun()
    before = len(episode.rollout.trajectory)
    assert "`text`" in episode.call(RESPOND_USER, arguments)
    assert (len(episode.rollout.trajectory), episode.rollout.invalid_actions) == (before, 1)


def test_an_agent_that_leaves_is_graded_as_it_stands():
    left, solved = begun(), begun()
    solved.call("create_task", ON_THE_LIST)
    assert (left.finish().reward, solved.finish().reward) == (0.0, 1.0)


def test_a_fork_is_an_episode_of_its_own():
    episode = begun()
    twin = episode.fork()
    twin.call("create_task", ON_THE_LIST)
    assert (twin.finish().reward, episode.over, episode.finish().reward) == (1.0, False, 0.0)


def test_a_user_that_cannot_be_reached_is_no_zero():
    with StubServer(failing(500)) as stub:
        model = {"api_base": stub.base_url, "api_key": "key", "num_retries": 0}
        episode = Episode("mock", llm_user="openai/any", llm_args_user=model)
        episode.reset("create_task_1")
    outcome = episode.finish()
    assert (outcome.reward, outcome.failed, outcome.infra_failed or outcome.user_failed) == (
        None,
        True,
        True,
    )
    with pytest.raises(EpisodeFailed, match="no reward"):
        outcome.graded()


def test_solo_episodes_are_refused():
    with pytest.raises(ConfigError, match="solo"):
        Episode("mock", solo=True)


def test_a_missing_package_is_named_with_what_to_install():
    with (
        pytest.raises(MissingExtra, match=r"pip install 'nothing-there>=1'"),
        needs_package("nothing_there", "nothing-there>=1"),
    ):
        import nothing_there  # noqa: F401
    with (
        pytest.raises(ModuleNotFoundError, match="json_that_broke"),
        needs_package("nothing_there", "nothing-there"),
    ):
        import json_that_broke  # noqa: F401
