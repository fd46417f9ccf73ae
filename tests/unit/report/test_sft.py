"""Conversations to imitate: who is left out, and which turns count."""

from __future__ import annotations

import json

import pytest
from tests.templates import CHATML, TemplateTokenizer

from tau2.actions.parse import TAGGED, read_text
from tau2.data_model.message import AssistantMessage, ToolCall, ToolMessage, UserMessage
from tau2.data_model.run_config import TextRunConfig
from tau2.errors import ConfigError
from tau2.report.sft import Played, SftRows, refuse_held_out, write_rows
from tau2.runner import get_tasks, run_tasks
from tau2.runner.events import ignore_events


@pytest.fixture(scope="module")
def played():
    tasks = get_tasks("mock", None, ["create_task_1"])
    config = TextRunConfig(domain="mock", agent="oracle_agent", user="scripted_user", seed=3)
    results = run_tasks(config, tasks, console_display=False, sink=ignore_events)
    return Played(tasks[0], results.simulations[0])


def with_messages(played, *messages):
    run = played.run.model_copy(update={"messages": list(messages)})
    return Played(played.task, run)


def test_a_reference_episode_is_a_conversation_in_the_form_that_local_models_play(played):
    maker = SftRows("mock")
    [row] = maker.of([played])
    roles = [turn["role"] for turn in row["messages"]]
    calls = [one["content"] for one in row["messages"] if "<tool_call>" in one["content"]]

    assert roles[:3] == ["system", "user", "assistant"]
    assert roles[-1] == "assistant"
    assert "create_task(user_id: str" in row["messages"][0]["content"]
    assert read_text(calls[-1], TAGGED).tool_calls[0].name == "create_task"
    assert (row["task_id"], row["reward"], row["seed"]) == ("create_task_1", 1.0, played.run.seed)
    assert maker.summary.replies == roles.count("assistant")


def test_with_a_tokenizer_tokens_and_masks_cover_what_is_imitated(played):
    tokenizer = TemplateTokenizer(CHATML)
    maker = SftRows("mock", tokenizer=tokenizer)
    [row] = maker.of([played])
    learnt = [one for one, keep in zip(row["tokens"], row["loss_mask"], strict=True) if keep]
    said = [one["content"] for one in row["messages"] if one.get("weight")]

    assert tokenizer.decode(learnt) == "".join(said)
    assert maker.summary.tokens == len(row["tokens"])
    assert maker.summary.learnt_tokens == len(learnt)


def test_episodes_that_earned_too_little_or_are_too_long_are_left_out_and_counted(played):
    failed = played.run.model_copy(
        update={"reward_info": played.run.reward_info.model_copy(update={"reward": 0.0})}
    )
    broken = played.run.model_copy(update={"reward_info": None})
    maker = SftRows("mock", tokenizer=TemplateTokenizer(CHATML), max_tokens=100)
    assert maker.of([Played(played.task, failed), Played(played.task, broken), played]) == []
    assert maker.summary.left_out == {
        "reward too low": 1,
        "no reward": 1,
        "more than 100 tokens": 1,
    }
    assert len(SftRows("mock", min_reward=0.0).of([Played(played.task, failed)])) == 1
    with pytest.raises(ConfigError, match="--max-tokens needs --tokenizer"):
        SftRows("mock", max_tokens=100)


def test_turns_that_break_the_form_and_calls_that_failed_are_context_only(played):
    call = ToolCall(id="c1", name="get_users", arguments={})
    other = ToolCall(id="c2", name="get_users", arguments={})
    wrong = ToolCall(id="c3", name="get_user", arguments={})
    talk = with_messages(
        played,
        AssistantMessage(role="assistant", content="Hi!"),
        UserMessage(role="user", content="List them."),
        AssistantMessage(role="assistant", content="Let me see.", tool_calls=[call]),
        ToolMessage(id="c1", role="tool", content="[]"),
        AssistantMessage(role="assistant", tool_calls=[wrong]),
        ToolMessage(id="c3", role="tool", content="Error: no such tool", error=True),
        AssistantMessage(role="assistant", tool_calls=[call, other]),
        ToolMessage(id="c1", role="tool", content="[]"),
        ToolMessage(id="c2", role="tool", content="[]"),
        AssistantMessage(role="assistant", content="Nobody."),
        UserMessage(role="user", content="Thanks."),
    )
    maker = SftRows("mock")
    [row] = maker.of([talk])
    weights = [one["weight"] for one in row["messages"] if one["role"] == "assistant"]

    assert weights == [0, 0, 0, 1]
    assert row["messages"][-1]["content"] == "Nobody."
    assert maker.summary.context_only == {"more than one call or text": 2, "failed call": 1}


def test_what_the_customer_does_on_a_phone_of_their_own_is_not_shown_to_the_agent(played):
    mine = ToolCall(id="u1", name="restart", arguments={}, requestor="user")
    talk = with_messages(
        played,
        UserMessage(role="user", content="Help."),
        UserMessage(role="user", tool_calls=[mine]),
        ToolMessage(id="u1", role="tool", content="secret of the phone", requestor="user"),
        UserMessage(role="user", content="I restarted it."),
        AssistantMessage(role="assistant", content="Good."),
    )
    [row] = SftRows("mock").of([talk])
    assert "secret of the phone" not in json.dumps(row)


def test_credentials_are_taken_out(played):
    talk = with_messages(
        played,
        UserMessage(role="user", content="My key is sk-abcdefghijklmnopqrstuvwx0123456789ABCDEF"),
        AssistantMessage(role="assistant", content="Never say that."),
    )
    [row] = SftRows("mock").of([talk])
    assert "abcdefghijklmnop" not in json.dumps(row)


def test_tasks_held_out_of_training_are_refused_by_split_and_by_kind(played):
    task = played.task
    generated = [task.model_copy(update={"id": one}) for one in ("mock_7_new_any_0", "gen-new-7-1")]
    refuse_held_out([task, task.model_copy(update={"id": "renewal_4"})], {"train": [task.id]})
    with pytest.raises(ConfigError, match=r"1 task held out .*create_task_1.*--include-test-tasks"):
        refuse_held_out([task], {"test": [task.id]})
    with pytest.raises(ConfigError, match=r"3 tasks held out of training \(create_task_1, gen-new"):
        refuse_held_out([task, *generated], {"test_new": [task.id]})


def test_parquet_keeps_the_rows(played, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    rows = SftRows("mock").of([played])
    write_rows(rows, tmp_path / "sft.parquet", "parquet")
    [back] = parquet.read_table(tmp_path / "sft.parquet").to_pylist()
    assert [one["content"] for one in back["messages"]] == [
        one["content"] for one in rows[0]["messages"]
    ]
