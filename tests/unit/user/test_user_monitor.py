"""The monitor over simulated users: what it finds, at which turn, and what it lets pass."""

from __future__ import annotations

from typing import Any

import pytest

from tau2.data_model.message import AssistantMessage, Message, ToolCall, ToolMessage, UserMessage
from tau2.data_model.tasks import (
    Action,
    EvaluationCriteria,
    StructuredUserInstructions,
    Task,
    UserScenario,
)
from tau2.runner.build import build_environment
from tau2.user.monitor import Finding, MonitoredTools, UserMonitor, user_findings

GREETING = "Hi! How can I help you today?"
WISH = "I want to cancel my trip to Denver."
PHONE = ("toggle_airplane_mode", "check_status_bar", "reboot_device", "reset_apn_settings")


def a_task(**parts: Any) -> Task:
    instructions = {
        "domain": "airline",
        "reason_for_call": "You want to cancel your trip from Boston to Denver on May 17.",
        "known_info": "You are Ada Lovell. Your user id is ada_lovell_1234, your zip code 02134.",
        "task_instructions": "The refund goes to your card ending in 4421.",
        **parts,
    }
    return Task(
        id="cancel",
        user_scenario=UserScenario(instructions=StructuredUserInstructions(**instructions)),
        evaluation_criteria=EvaluationCriteria(
            actions=[
                Action(action_id="a", name="cancel_reservation", arguments={"reservation_id": "X"})
            ]
        ),
    )


def agent(text: str) -> AssistantMessage:
    return AssistantMessage(content=text)


def customer(text: str) -> UserMessage:
    return UserMessage(content=text)


def cancels() -> list[Message]:
    call = ToolCall(id="c1", name="cancel_reservation", arguments={})
    return [
        AssistantMessage(tool_calls=[call]),
        ToolMessage(id="c1", content="{}", requestor="assistant"),
    ]


def does(tool: str, result: str = "Done.", *, error: bool = False) -> list[Message]:
    call = ToolCall(id=f"u-{tool}", name=tool, arguments={}, requestor="user")
    return [
        UserMessage(tool_calls=[call]),
        ToolMessage(id=f"u-{tool}", content=result, requestor="user", error=error),
    ]


def found(*messages: Message | str, task: Task | None = None, tools: tuple[str, ...] = ()) -> Any:
    """Return the findings; texts are said in turns, and the agent begins."""
    known = MonitoredTools(tools, frozenset({"cancel_reservation"}))
    monitor = UserMonitor(task or a_task(), known)
    findings: list[Finding] = []
    speaker = agent
    for line in messages:
        message = speaker(line) if isinstance(line, str) else line
        findings += monitor.observe(message)
        of_user = isinstance(message, ToolMessage) and message.requestor == "user"
        speaker = customer if of_user or isinstance(message, AssistantMessage) else agent
    return [(finding.kind.value, finding.turn) for finding in findings]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("repeats_agent", "Could you please tell me your user ID?"),
        ("speaks_as_agent", "Let me look up your account. Could you provide your order number?"),
        ("speaks_as_agent", "I've cancelled your reservation. Anything else I can help you with?"),
        ("contradicts_fact", "My user id is ada_lovell_9999."),
        ("contradicts_fact", "I am Ada Lovell, zip code 90210."),
        ("contradicts_fact", "It is the one on August 3."),
        ("invents_fact", "My email is ada@mailbox.example."),
        ("invents_fact", "You can call me at 617-555-0199."),
        ("out_of_scope", "###OUT-OF-SCOPE###"),
        ("ends_early", "My user id is ada_lovell_1234. ###TRANSFER###"),
        ("ends_early", "Thanks, that was everything. ###STOP###"),
    ],
)
def test_a_fault_is_found_at_its_turn(kind: str, text: str) -> None:
    assert (kind, 3) in found(GREETING, WISH, "Could you please tell me your user ID?", text)


@pytest.mark.parametrize(
    "text",
    [
        "My user id is ada_lovell_1234.",
        "ada_lovell_1234, zip 02134",
        "I am Ada Lovell. Can you help me with that?",
        "It was May 17, or the day before.",
        "The card ending in 4421, please. What else do you need from me?",
        "I don't have it at hand. Could you please look it up?",
        "Is there anything else you need from me before you cancel it?",
        "Thank you for your patience. It is ada_lovell_1234.",
        "I can confirm that your summary is right. I've reviewed your instructions, too.",
        "You have support 24/7, and this is Urgent: 1/2 of my trip is at stake.",
        "May 16 or May 18 would do as well, and the next day, too.",
        'The website said: "Your refund will be processed in 5 days." Is that true?',
    ],
)
def test_what_customers_say_is_no_fault(text: str) -> None:
    assert found(GREETING, WISH, "Could you please tell me your user ID?", text) == []


def test_words_of_the_scenario_are_no_fault() -> None:
    says = "Perfect. Let me submit that referral now."
    assert ("speaks_as_agent", 3) in found(GREETING, WISH, "Which one?", says)
    told = a_task(task_instructions=f'You agree with: "{says}"')
    kinds = [kind for kind, _ in found(GREETING, WISH, "Which one?", says, task=told)]
    assert "speaks_as_agent" not in kinds


def test_values_that_the_agent_said_are_known() -> None:
    agent_says = "I found reservation XK4T7Q on May 29 for $345. Is it that one?"
    assert found(GREETING, WISH, agent_says, "Yes, XK4T7Q on May 29, I paid $345.") == []


def test_the_digits_on_the_customers_own_card_are_known() -> None:
    environment = build_environment("retail")
    user_id, profile = next(iter(environment.tools.db.users.items()))
    [digits, *_] = [
        method.last_four
        for method in profile.payment_methods.values()
        if hasattr(method, "last_four")
    ]
    task = a_task(known_info=f"Your user id is {user_id}.")
    said = customer(f"{WISH} Charge my card ending in {digits}, user id {user_id}.")
    assert user_findings([agent(GREETING), said], task, environment) == []
    assert user_findings([agent(GREETING), said], task) != []


def test_one_invented_value_is_one_finding() -> None:
    said = "My email is ada@mailbox.example."
    assert found(GREETING, f"{WISH} {said}", "Is that right?", said) == [("invents_fact", 1)]


def test_the_wish_is_to_be_said_before_the_end() -> None:
    asked = "Could you tell me your user ID?"
    dodges = [GREETING, "Hi, I need help.", asked, "ada_lovell_1234", "How can I help?"]
    assert found(*dodges, "That's all. ###STOP###")[0] == ("no_wish", 5)
    assert (
        found(GREETING, "Please cancel it.", *cancels(), "It is cancelled.", "Bye ###STOP###") == []
    )


def test_it_is_said_once_that_the_wish_was_not_said() -> None:
    turns = [turn for _ in range(9) for turn in ("What do you want to do?", "I am not sure.")]
    assert found(*turns) == [("no_wish", 11)]


def test_ending_is_right_once_the_change_was_made() -> None:
    plan = "I can cancel it and refund your card. Shall I go ahead?"
    agreed = "Yes, please go ahead."
    assert found(GREETING, WISH, plan, f"{agreed} ###STOP###") == [("ends_early", 3)]
    assert found(GREETING, WISH, plan, agreed, "I will do that now.", "Great! ###STOP###") == [
        ("ends_early", 5)
    ]
    done = [GREETING, WISH, plan, agreed, *cancels(), "It has been cancelled.", "Bye ###STOP###"]
    assert found(*done) == []


def test_one_who_is_refused_may_leave() -> None:
    refusal = "I am sorry, this fare cannot be cancelled. Would you like me to do something else?"
    assert found(GREETING, WISH, refusal, "No, then not. Thanks. ###STOP###") == []
    assert found(GREETING, WISH, refusal, "Then get me a person. ###TRANSFER###") == []


def test_goodbyes_without_an_end_are_found() -> None:
    done = [GREETING, WISH, *cancels(), "It has been cancelled. Anything else?"]
    byes = ["No, thank you. Goodbye!", "You are welcome!", "Thanks again, bye!"]
    assert found(*done, *byes) == [("keeps_closing", 7)]
    assert found(*done, "Thanks!", "You are welcome.", "Bye! ###STOP###") == []


PHONE_TASK = a_task(
    reason_for_call="Your phone has no signal and you want service back.", known_info="You are Ada."
)
ASKED = "Please turn airplane mode off and restart the phone."
OPENING = (GREETING, "My phone has no signal.", ASKED)


@pytest.mark.parametrize(
    "text",
    [
        "I turned off airplane mode.",
        "Okay, I've switched airplane mode off. What next?",
        "I just restarted my phone.",
        "Done, I reset the APN settings as well.",
        "I checked the status bar, and there are no bars.",
    ],
)
def test_an_action_is_claimed_only_after_its_call(text: str) -> None:
    assert found(*OPENING, text, task=PHONE_TASK, tools=PHONE) == [("claims_action", 3)]
    acted = [message for tool in PHONE for message in does(tool)]
    assert found(*OPENING, *acted, text, task=PHONE_TASK, tools=PHONE) == []
    assert found(*OPENING, text, task=PHONE_TASK) == []  # it has no tools, so there is no phone


def test_a_failed_call_is_no_action() -> None:
    failed = does("reboot_device", "It did not work.", error=True)
    said = "I restarted my phone."
    assert found(*OPENING, *failed, said, task=PHONE_TASK, tools=PHONE) == [("claims_action", 5)]


@pytest.mark.parametrize(
    "text",
    [
        "Should I turn off airplane mode?",
        "I have not restarted my phone yet.",
        "I will reset the APN settings if you tell me how.",
        "You asked whether I turned airplane mode off.",
        "I am content when the status bar shows bars again.",
        "At the end I check the status bar myself.",
        "Yes, let's go ahead and reset the APN settings.",
    ],
)
def test_a_plan_or_a_question_is_no_claim(text: str) -> None:
    assert found(*OPENING, text, task=PHONE_TASK, tools=PHONE) == []


def test_a_switch_is_reported_as_it_stands() -> None:
    off = does("toggle_airplane_mode", "Airplane mode is OFF.")
    told = {"task": PHONE_TASK, "tools": PHONE}
    assert found(*OPENING, *off, "Airplane mode is off now.", **told) == []
    assert found(*OPENING, *off, "Airplane mode is still on.", **told) == [("contradicts_fact", 5)]


def test_a_conversation_is_judged_from_messages_alone() -> None:
    messages = [agent(GREETING), customer("I can help you with that. What is your user id?")]
    assert [str(finding) for finding in user_findings(messages, a_task())]


def test_nothing_is_judged_that_was_said_before_the_episode() -> None:
    task = a_task()
    history = [agent(GREETING), customer(f"{WISH} My email is ada@mailbox.example.")]
    told = {"message_history": [message.model_dump() for message in history]}
    earlier = Task.model_validate({**task.model_dump(), "initial_state": told})
    assert user_findings(history, task)
    assert user_findings(history, earlier) == []


def test_checking_a_message_changes_nothing() -> None:
    monitor = UserMonitor(a_task())
    monitor.observe(agent(GREETING))
    wrong = customer(f"{WISH} My email is ada@mailbox.example.")
    assert monitor.check(wrong) == monitor.check(wrong) != []
    assert monitor.observe(customer(WISH)) == []


def test_anything_may_be_said() -> None:
    strange = [
        "",
        "\ud800",
        "###",
        "\x00" * 50,
        "1" * 5000,
        "####STOP###",
        "🙂" * 999,
        "yes\n" * 9999,
    ]
    for text in strange:
        found(text or " ", text or " ", text or " ", tools=PHONE)
