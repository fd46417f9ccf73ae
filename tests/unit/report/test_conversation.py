from __future__ import annotations

from tests.unit.report.conftest import a_run, shown

from tau2.data_model.message import (
    AssistantMessage,
    MultiToolMessage,
    SystemMessage,
    ToolCall,
    ToolMessage,
)
from tau2.data_model.simulation import (
    ActionCheck,
    CommunicateCheck,
    DBCheck,
    EnvAssertionCheck,
    NLAssertionCheck,
    RewardInfo,
)
from tau2.data_model.tasks import (
    Action,
    EnvAssertion,
    EvaluationCriteria,
    RewardType,
    Task,
    UserScenario,
)
from tau2.report.terminal.conversation import compact_call, conversation_view, message_view
from tau2.view.content.blocks import blocks_of

GRADED = RewardInfo(
    reward=0.0,
    db_check=DBCheck(db_match=False, db_reward=0.0),
    action_checks=[
        ActionCheck(
            action=Action(action_id="1", name="look", arguments={"a": 1}),
            action_match=True,
            action_reward=1,
        )
    ],
    env_assertions=[
        EnvAssertionCheck(
            env_assertion=EnvAssertion(env_type="user", func_name="is_on", arguments={"x": 1}),
            met=False,
            reward=0,
            justification="is_on raised: no phone",
        )
    ],
    communicate_checks=[
        CommunicateCheck(info="42", met=True, justification="Found in: 'It is 42'")
    ],
    nl_assertions=[
        NLAssertionCheck(nl_assertion="It is kind", met=False, justification="It was rude")
    ],
    reward_basis=[RewardType.DB, RewardType.ACTION],
    info={"env": {"gold_errors": ["look(): gone"]}, "note": "one thing", "action": None},
)


def test_a_conversation_shows_who_said_and_did_what(screen):
    text = shown(screen, conversation_view(a_run("buy")))
    assert "task buy, trial 0, seed 5" in text
    assert "ended: user_stop after 4 messages, 1.0 s" in text
    assert "0. agent" in text
    assert "1. user" in text
    assert '→ look(order="#W1")' in text
    assert "3. result for the agent" in text


def test_every_check_is_shown_with_its_reason(screen):
    text = shown(screen, conversation_view(a_run(reward_info=GRADED)))
    assert "✗ DB            the databases end not as the reference actions leave them" in text
    assert "✗ ENV_ASSERTION is_on(x=1) is True: is_on raised: no phone" in text
    assert "✓ ACTION        assistant: look(a=1)" in text
    assert "✓ COMMUNICATE   42: Found in: 'It is 42'" in text
    assert "✗ NL_ASSERTION  It is kind: It was rude" in text
    assert "reward 0.00, which rests on DB, ACTION" in text
    assert "a reference action failed: look(): gone" in text
    assert "note: one thing" in text


def test_a_simulation_without_a_score_says_why(screen):
    failed = a_run(reward=None, messages=[], info={"error": "no route", "error_type": "Gone"})
    text = shown(screen, conversation_view(failed))
    assert text.count("Gone: no route") == 1, "why it ended is why it has no score"
    assert text.count("not scored") == 1
    lost = a_run(reward=None, termination_reason="user_stop")
    assert "not scored: it was never graded" in shown(screen, conversation_view(lost))


def test_the_task_is_shown_before_the_conversation(screen):
    criteria = EvaluationCriteria(
        actions=[Action(action_id="1", requestor="user", name="reboot", arguments={})],
        communicate_info=["42"],
        nl_assertions=["It is kind"],
    )
    task = Task(
        id="buy",
        user_scenario=UserScenario(instructions="You want it."),
        evaluation_criteria=criteria,
    )
    text = shown(screen, conversation_view(a_run("buy"), task))
    assert "You want it." in text
    assert "user: reboot()" in text
    assert "graded on: DB, COMMUNICATE" in text


def test_several_results_errors_and_thoughts(screen):
    several = MultiToolMessage(
        tool_messages=[
            ToolMessage(id="1", content="x" * 600),
            ToolMessage(id="2", content="no", error=True),
        ]
    )
    text = shown(screen, message_view(several))
    assert "(+100 characters)" in text
    assert "result for the agent, an error" in text
    text = shown(
        screen, message_view(AssistantMessage(content="Yes", reasoning_content="They want yes"))
    )
    assert "(thinks) They want yes" in text
    assert "Rules" in shown(screen, message_view(SystemMessage(content="Rules")))


def test_nothing_said_is_visible(screen):
    assert "(nothing)" in shown(screen, message_view(AssistantMessage(content=None)))


def test_a_call_is_one_line():
    call = ToolCall(name="f", arguments={"a": [1, {"b": "ü\nx"}], "c": None})
    assert compact_call(call) == 'f(a=[1, {"b": "ü\\nx"}], c=null)'


def test_why_an_episode_ended_is_told_before_the_checks(screen):
    info = {"error": "'x'", "error_type": "KeyError", "bug_place": "mine.py:7, in agent"}
    screen.width = 160
    run = a_run(reward=None, termination_reason="unexpected_error", messages=[], info=info)
    text = shown(screen, conversation_view(run))
    why = "an unexpected error was raised: KeyError: 'x', raised at mine.py:7, in agent"
    assert 0 < text.index(why) < text.rindex("not scored")
    blocks = blocks_of(run, None, ())
    assert any(why in line for block in blocks for line, _ in block.body)


def test_a_regular_end_needs_no_reason(screen):
    assert "ended: user_stop after 4 messages, 1.0 s " in shown(screen, conversation_view(a_run()))
