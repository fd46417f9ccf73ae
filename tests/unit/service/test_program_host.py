"""Programs that play the agent by calling tools, without a protocol between them and the run."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager

import pytest

from tau2 import TextRunConfig, run_domain
from tau2.errors import AgentError, ConfigError
from tau2.registry import registry
from tau2.runner.batch import arun_tasks
from tau2.runner.tasks import configured_tasks
from tau2.service import program_host
from tau2.service.program_host import ProgramHost
from tau2.service.program_tools import OVER, ProgramTools

TASK = {"user_id": "user_1", "title": "Important Meeting"}


@contextmanager
def a_host(patience=5.0, solo=False):
    host = ProgramHost(patience)
    with registry.agents.adding(host.spec(solo=solo)):
        yield host


def a_config(*task_ids, **settings):
    return TextRunConfig(
        **{
            "domain": "mock",
            "agent": "mcp_agent",
            "user": "scripted_user",
            "task_ids": list(task_ids) or None,
            "max_retries": 0,
            **settings,
        }
    )


def played(*programs, config=None, patience=5.0, solo=False):
    """Have programs join one after another, each after the one before; return the simulations."""
    config = config or a_config("create_task_1")

    async def story(host):
        run = asyncio.ensure_future(
            arun_tasks(config, configured_tasks(config), console_display=False)
        )
        for program in programs:
            session, offer = await host.join()
            await program(ProgramTools(session, offer), session)
        return (await run).simulations

    with a_host(patience, solo) as host:
        return asyncio.run(story(host))


async def said(tools, name, **arguments):
    answer = await tools.call(name, arguments)
    return answer.text


async def leaves(tools, session):
    session.leave()


async def solves(tools, session):
    await tools.call("wait_for_user", {})
    await tools.call("create_task", TASK)
    await tools.call("end_conversation", {"message": "It is on your list. Goodbye."})


def test_arguments_reach_the_domain_as_they_are_stored():
    answers = []

    async def sends_no_number(tools, session):
        await tools.call("wait_for_user", {})
        answers.append(await said(tools, "create_task", **{**TASK, "title": float("inf")}))
        session.leave()

    (run,) = played(sends_no_number)
    (call,) = [
        call for message in run.messages for call in getattr(message, "tool_calls", None) or ()
    ]
    assert call.arguments == {**TASK, "title": None}
    assert "inf" not in answers[0]


def oracle(setting):
    return run_domain(
        TextRunConfig(domain="mock", agent="oracle_agent", user="scripted_user", **setting),
        console_display=False,
    )


def told(run):
    """What was said and called, whatever the ids of the calls are."""
    return [
        (m.role, m.content, [(call.name, call.arguments) for call in m.calls]) for m in run.messages
    ]


def parrot(messages):
    """A program that makes the calls and says the words of a recorded agent."""

    async def program(tools, session):
        for message in messages:
            for call in message.calls:
                await tools.call(call.name, call.arguments)
            if message.content:
                await tools.call("send_message_to_user", {"message": message.content})

    return program


def test_the_oracle_s_actions_earn_what_the_oracle_earns(tmp_path, monkeypatch):
    monkeypatch.setenv("TAU2_SIMULATIONS_DIR", str(tmp_path))
    recorded = oracle({"save_to": "oracle"}).simulations
    given = {task.id: len(task.history) or 1 for task in configured_tasks(a_config())}
    programs = [
        parrot([m for m in run.messages[given[run.task_id] :] if m.role == "assistant"])
        for run in recorded
    ]
    mine = played(*programs, config=a_config(max_concurrency=1))
    for run, own in zip(recorded, mine, strict=True):
        assert own.task_id == run.task_id
        assert told(own) == told(run)
        assert own.reward_info.reward == run.reward_info.reward == 1
        assert own.reward_info.db_check == run.reward_info.db_check
        assert (own.seed, own.termination_reason) == (run.seed, run.termination_reason)


def test_a_program_is_told_what_it_needs():
    seen = {}

    async def looks(tools, session):
        seen["tools"] = {tool["name"]: tool for tool in tools.listed()}
        seen["instructions"] = tools.instructions
        seen["policy"] = await said(tools, "get_policy")
        seen["first"] = await said(tools, "wait_for_user")
        seen["after a call"] = await said(tools, "get_users") and await said(tools, "wait_for_user")
        seen["answer"] = await said(tools, "send_message_to_user", message="What is its title?")
        session.leave()

    (run,) = played(looks)
    create = seen["tools"]["create_task"]
    assert create["inputSchema"]["required"] == ["user_id", "title"]
    assert create["annotations"]["readOnlyHint"] is False
    assert seen["tools"]["get_users"]["annotations"]["readOnlyHint"] is True
    assert {"wait_for_user", "send_message_to_user", "end_conversation"} <= seen["tools"].keys()
    assert seen["policy"] == seen["instructions"]
    assert "Call `wait_for_user` first" in seen["policy"]
    assert seen["first"].startswith("You: Hi! How can I help you today?\n\nCustomer: ")
    assert seen["after a call"] == "The customer waits for you: answer with `send_message_to_user`."
    assert [m.content for m in run.messages if m.role == "user"][1] == seen["answer"]


def test_a_program_that_closes_its_session_has_ended_the_conversation():
    async def acts_and_leaves(tools, session):
        await tools.call("create_task", TASK)
        session.leave()

    (run,) = played(acts_and_leaves)
    assert run.termination_reason == "agent_stop"
    assert run.reward_info.reward == 1, "it did what the customer wanted"


def test_a_silent_program_is_a_failure_of_the_agent():
    async def falls_silent(tools, session):
        await tools.call("get_users", {})

    (run,) = played(falls_silent, patience=0.5)
    assert run.termination_reason == "agent_error"
    assert run.info["error"] == "agent: the program made no call for 0.5 seconds"
    assert run.reward_info.reward == 0


def test_a_program_that_is_gone_has_failed_at_once():
    async def is_killed(tools, session):
        await tools.call("get_users", {})
        session.vanish(AgentError("the program is gone"))

    async def is_killed_before(tools, session):
        session.vanish(AgentError("the program is gone"))

    (run,) = played(is_killed_before, is_killed)
    assert run.termination_reason == "agent_error"
    assert run.info["error"] == "agent: the program is gone"


@pytest.mark.parametrize("has_begun", [True, False])
def test_a_server_that_stops_is_no_failure_of_the_agent(has_begun):
    async def story(host):
        config = a_config("create_task_1")
        run = asyncio.ensure_future(
            arun_tasks(config, configured_tasks(config), console_display=False)
        )
        if has_begun:
            session, offer = await host.join()
            await ProgramTools(session, offer).call("get_users", {})
        else:
            await asyncio.sleep(0.05)
        host.abandon("the MCP server of this run has stopped")
        return (await run).simulations

    with a_host() as host:
        (run,) = asyncio.run(story(host))
    assert run.termination_reason == "infrastructure_error"
    assert run.info["error"] == "the MCP server of this run has stopped"
    assert run.reward_info is None


def test_a_program_that_never_called_has_played_nothing():
    async def says_nothing(tools, session):
        await asyncio.sleep(0.8)

    (run,) = played(leaves, says_nothing, solves, patience=0.5)
    assert run.termination_reason == "agent_stop"
    assert run.reward_info.reward == 1


def test_errors_are_told_in_the_domain_s_words_and_counted():
    answers = []

    async def errs(tools, session):
        answers.append(await tools.call("nonsense", {}))
        answers.append(await tools.call("create_task", {"user_id": 7}))
        answers.append(await tools.call("send_message_to_user", {"message": " "}))
        answers.append(await tools.call("send_message_to_user", {"message": {"text": 1}}))
        answers.append(await tools.call("wait_for_user", {"seconds": 3}))
        answers.append(await tools.call("create_task", None))
        answers.append(await tools.call("get_users", {}))

    (run,) = played(errs, config=a_config("create_task_1", max_errors=3))
    texts = [answer.text for answer in answers]
    assert texts[:2] == [
        "Error: Tool 'nonsense' not found.",
        "Error: invalid arguments for create_task: title: field required",
    ]
    assert texts[2:5] == [
        "Error: `message` is missing or empty",
        "Error: `message` must be a text",
        "Error: there is no argument `seconds`",
    ]
    assert all(answer.is_error for answer in answers[:5])
    assert texts[5:] == [OVER, OVER]
    assert run.termination_reason == "too_many_errors"


def test_limits_hold():
    async def never_ends(tools, session):
        while await said(tools, "get_users") != OVER:
            pass

    (run,) = played(never_ends, config=a_config("create_task_1", max_steps=20))
    assert run.termination_reason == "max_steps"

    async def sleeps(tools, session):
        await tools.call("get_users", {})
        await session.ended()

    (run,) = played(sleeps, config=a_config("create_task_1", timeout=0.1))
    assert run.termination_reason == "timeout"


def test_calls_that_do_nothing_are_limited():
    async def waits_and_waits(tools, session):
        while not (await tools.call("get_policy", {})).is_error:
            pass

    (run,) = played(waits_and_waits)
    assert run.termination_reason == "agent_stop"
    assert run.reward_info.reward == 0


def test_calls_at_once_are_played_in_the_order_in_which_they_came():
    async def hurries(tools, session):
        names = ["first", "second", "third"]
        await asyncio.gather(
            *(tools.call("create_task", {"user_id": "user_1", "title": name}) for name in names)
        )
        session.leave()

    (run,) = played(hurries)
    calls = [call.arguments["title"] for message in run.messages for call in message.calls]
    assert calls == ["first", "second", "third"]
    results = [message for message in run.messages if message.role == "tool"]
    assert [result.id for result in results] == [
        call.id for message in run.messages for call in message.calls
    ]


def test_many_programs_play_at_once():
    config = a_config("create_task_1", num_trials=20, max_concurrency=20)

    async def story(host):
        run = asyncio.ensure_future(
            arun_tasks(config, configured_tasks(config), console_display=False)
        )

        async def one():
            session, offer = await host.join()
            await solves(ProgramTools(session, offer), session)

        await asyncio.gather(*(one() for _ in range(20)))
        return (await run).simulations

    with a_host() as host:
        runs = asyncio.run(story(host))
    assert [run.reward_info.reward for run in runs] == [1] * 20


def test_an_agent_without_a_customer():
    seen = {}

    async def works(tools, session):
        seen["tools"] = {tool["name"] for tool in tools.listed()}
        seen["instructions"] = tools.instructions
        await tools.call("create_task", TASK)
        seen["end"] = await said(tools, "done")

    config = a_config("create_task_1", agent="mcp_agent_solo")
    (task,) = configured_tasks(config)
    (run,) = played(works, config=config, solo=True)
    assert run.termination_reason == "agent_stop"
    assert run.reward_info.reward == 1
    assert task.ticket in seen["instructions"]
    assert "send_message_to_user" not in seen["tools"]
    assert {"done", "get_policy", "create_task"} <= seen["tools"]
    assert seen["end"] == OVER


def test_who_comes_without_an_episode_is_told_why(monkeypatch):
    monkeypatch.setattr(program_host, "JOIN_SECONDS", 0.01)
    host = ProgramHost()
    with pytest.raises(ConfigError, match="as many episodes are under way as may be at once"):
        asyncio.run(host.join())
    host.close()
    with pytest.raises(ConfigError, match="all episodes of this run have been played"):
        asyncio.run(host.join())


def test_who_waits_is_told_that_all_have_been_played():
    async def waiting():
        host = ProgramHost()
        joining = asyncio.ensure_future(host.join())
        await asyncio.sleep(0)
        host.close()
        await asyncio.wait_for(joining, 5)

    with pytest.raises(ConfigError, match="all episodes of this run have been played"):
        asyncio.run(waiting())


def test_the_only_program_of_a_run_waits_for_it_to_begin(monkeypatch):
    monkeypatch.setattr(program_host, "JOIN_SECONDS", 0.01)

    async def waiting():
        host = ProgramHost()
        joining = asyncio.ensure_future(host.join(is_only_one=True))
        await asyncio.sleep(0.1)
        assert not joining.done()
        host.close()
        await joining

    with pytest.raises(ConfigError, match="all episodes of this run have been played"):
        asyncio.run(waiting())


def test_the_agent_of_such_a_run_needs_a_program():
    with a_host() as host:
        spec = host.spec()
        with pytest.raises(ConfigError, match="play with `tau2 serve-domain`"):
            spec.make(tools=[], domain_policy="")
