"""The scripted customer in conversation.

It opens, answers, confirms, acts, and knows when to leave.
"""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import shop

from tau2.data_model.message import AssistantMessage, Message, ToolCall, UserMessage
from tau2.data_model.persona import PersonaConfig
from tau2.data_model.tasks import Task, UserScenario
from tau2.errors import UserError
from tau2.user.scripted_user import STOP, TRANSFER, Conversation, ScriptedUser
from tau2.user.scripted_user.answering import PATIENCE
from tau2.user.scripted_user.phrases import PHRASES

GREETING = "Hi! How can I help you today?"
ANYTHING_ELSE = "That has been cancelled. Is there anything else I can help you with?"


class Talk:
    """One conversation with a scripted user; calling it says something and returns the answer."""

    def __init__(self, task: Task | None = None, **kwargs: Any) -> None:
        self.user = ScriptedUser(task=task or shop.task(), **kwargs)
        self.state: Conversation = self.user.get_init_state([])

    def reply(self, message: Any) -> UserMessage:
        answer, self.state = self.user.generate_next_message(message, self.state)
        return answer

    def __call__(self, text: str) -> str:
        answer = self.reply(shop.says(text))
        assert not answer.tool_calls, f"it acted instead of speaking: {answer.tool_calls}"
        return answer.content or ""

    def acts(self, text: str) -> ToolCall:
        [call] = self.reply(shop.says(text)).tool_calls or ()
        return call

    def result(self, call: ToolCall, text: str, *, error: bool = False) -> UserMessage:
        return self.reply(shop.result(text, call.id, requestor="user", error=error))


def test_it_opens_with_what_it_wants() -> None:
    assert (
        Talk()(GREETING)
        .rstrip(".?")
        .endswith("cancel my order #S100 because I ordered it by mistake")
    )


def test_it_tells_the_facts_it_is_asked_for() -> None:
    talk = Talk()
    talk(GREETING)
    answer = talk("Could I have your full name and zip code?")
    assert "Ada Quill" in answer
    assert "12345" in answer
    assert "#S100" in talk("What is the order number?")


def test_it_says_what_it_does_not_know_and_offers_what_it_does() -> None:
    talk = Talk()
    talk(GREETING)
    answer = talk("What is your email address?")
    assert answer.startswith("I do not remember my email address.")
    assert "Ada Quill" in answer
    answer = talk("And your phone number?")
    assert "phone number" in answer
    assert not any(char.isdigit() for char in answer.replace("12345", ""))


def test_it_identifies_when_asked_who_it_is() -> None:
    talk = Talk()
    talk(GREETING)
    answer = talk("I need to verify your identity first.")
    assert "Ada Quill" in answer
    assert "12345" in answer


def test_it_confirms_a_plan_and_waits_for_the_action() -> None:
    talk = Talk()
    talk(GREETING)
    answer = talk("I would cancel order #S100. Shall I go ahead?")
    assert "yes" in answer.lower()
    assert STOP not in answer
    assert STOP not in talk("One moment please, I am processing it.")
    assert STOP in talk(ANYTHING_ELSE)


def test_a_completion_alone_is_questioned_before_it_leaves() -> None:
    talk = Talk()
    talk(GREETING)
    first = talk("Your order has been cancelled.")
    assert STOP not in first
    assert first.endswith("?")
    assert STOP in talk("Yes, everything is done.")


def test_a_step_on_the_way_is_no_completion() -> None:
    talk = Talk()
    talk(GREETING)
    assert STOP not in talk("I have cancelled the first order. Let me now look at the second one.")
    assert not talk.state.asked_if_all


def test_a_long_story_is_told_in_parts() -> None:
    parts = [
        f"You want to return the {thing} {'because it is too big for you ' * 4}."
        for thing in ("rug", "lamp", "bed")
    ]
    talk = Talk(shop.task(reason=" ".join(parts)))
    opening = talk(GREETING)
    assert "rug" in opening
    assert "lamp" in opening
    assert "bed" not in opening
    assert "bed" in talk("What is your name?")


def test_what_was_not_raised_yet_is_raised_before_leaving() -> None:
    talk = Talk(
        shop.task(instructions="You also want a receipt. You want the agent to call you back.")
    )
    talk(GREETING)
    assert "I also want a receipt." in talk(ANYTHING_ELSE)
    assert "I want you to call me back." in talk("Done. Anything else?")
    assert STOP in talk("Done. Anything else?")


def test_a_matter_of_order_is_told_early() -> None:
    talk = Talk(shop.task(instructions="Have the agent tell you the price first."))
    assert "Please tell me the price first." in talk(GREETING)


def test_a_goodbye_does_not_cut_it_short() -> None:
    talk = Talk(shop.task(instructions="You also want a receipt."))
    talk(GREETING)
    assert "receipt" in talk("Thank you for contacting us. Goodbye!")
    assert STOP in talk("It is in the mail. Goodbye!")


@pytest.mark.parametrize(
    ("rule", "said", "answer"),
    [
        (
            "If the agent says it is not possible, ask for a voucher.",
            "Unfortunately I cannot do that.",
            "a voucher",
        ),
        (
            "If the agent asks for the reason, say that it is too loud.",
            "What is the reason?",
            "It is too loud.",
        ),
        ("If asked to confirm, only accept the lamp.", "Shall I go ahead?", "the lamp"),
        (
            "If the agent offers a red lamp, say you prefer blue.",
            "We could offer a red lamp.",
            "I prefer blue.",
        ),
    ],
)
def test_conditions_are_followed_once_they_are_met(rule: str, said: str, answer: str) -> None:
    talk = Talk(shop.task(reason="You want to cancel your order.", instructions=rule))
    assert answer not in talk(GREETING)
    assert answer in talk(said)
    assert answer not in talk(said)


def test_a_refusal_is_questioned_once_and_then_accepted() -> None:
    talk = Talk()
    talk(GREETING)
    assert STOP not in talk("I am sorry, but that is against our policy.")
    assert STOP in talk("I am sorry, but I really cannot.")


@pytest.mark.parametrize(
    ("instructions", "said"),
    [
        (
            "",
            "Unfortunately that is still not possible. Would you like to keep it as it is?",
        ),
        (
            "",
            "There are no flights available on the 17th either. Shall I look for other dates?",
        ),
        (
            "You do not want to cancel the order if you cannot get a full refund.",
            "That cannot be refunded. Keep the order, or cancel the order without a full refund?",
        ),
        (
            "You only want it changed if the new one costs less.",
            "The new one would cost more than what you paid. Would you still like to proceed?",
        ),
        (
            "",
            "I really cannot do it. If you like, I can transfer you to a human agent.",
        ),
    ],
)
def test_it_leaves_when_it_is_refused_again(instructions: str, said: str) -> None:
    talk = Talk(shop.task(shop.act("cancel", order_id="#S100"), instructions=instructions))
    talk(GREETING)
    assert not _leaves(talk("I am sorry, but that is against our policy."))
    assert _leaves(talk(said))


def _leaves(answer: str) -> bool:
    return STOP in answer or TRANSFER in answer


def test_a_first_refusal_with_something_else_on_offer_is_not_the_end() -> None:
    talk = Talk()
    talk(GREETING)
    said = "There are no flights available then. Would another date do? How would you proceed?"
    answer = talk(said)
    assert not _leaves(answer)
    assert answer not in PHRASES["no_preference"]


def test_a_transfer_does_not_replace_what_was_agreed() -> None:
    talk = Talk(shop.task(shop.act("cancel", order_id="#S100")))
    talk(GREETING)
    talk("I will cancel order #S100. Shall I go ahead?")
    talk("I have looked at your account.")
    offer = "If you think that this is wrong, I recommend a transfer to a human agent. Shall I?"
    assert not _leaves(talk(offer))


def test_after_a_refusal_another_offer_of_help_is_taken_up() -> None:
    talk = Talk(shop.task(shop.act("cancel", order_id="#S100")))
    talk(GREETING)
    talk("I am sorry, but that is against our policy.")
    assert not _leaves(talk("You're welcome. If you like, I can swap it."))


def test_a_wrong_word_about_the_customer_is_contradicted_once() -> None:
    talk = Talk(shop.task(instructions="You're pretty sure that you're a Gold member."))
    talk(GREETING)
    said = "You are a regular member, so two bags are free. If you have questions, let me know!"
    assert "Gold member" in talk(said)
    assert "Gold member" not in talk(f"{said} Really.")


def test_two_outcomes_settle_two_wishes() -> None:
    talk = Talk(shop.task(reason="You want to move your trip. You also want to add two bags."))
    talk(GREETING)
    talk("I am sorry, but it is against our policy to change the date of it.")
    assert STOP in talk("The luggage has been added.")


def test_open_questions_are_answered_from_the_story() -> None:
    talk = Talk(
        shop.task(reason="You want to swap the lamp for one with a green shade and a short cable.")
    )
    talk(GREETING)
    assert "green shade" in talk("Which shade and cable would you like?")
    assert talk("Which bulb would you like?") in PHRASES["no_preference"]


def test_preferences_of_the_solution_are_known() -> None:
    swap = shop.act("swap", payment_method_id="gift_card_77", reason="too loud")
    talk = Talk(shop.task(swap, reason="You want another lamp."))
    talk(GREETING)
    assert "gift card" in talk("Which payment method should I use?")
    assert "77" not in talk("Which payment method should I use?"), (
        "an identifier is nothing a customer knows"
    )
    assert "too loud" in talk("May I ask the reason?")


def test_a_transfer_is_answered_with_its_token() -> None:
    talk = Talk()
    talk(GREETING)
    assert TRANSFER not in talk("Would you like me to transfer you to a human agent?")
    assert TRANSFER in talk("YOU ARE BEING TRANSFERRED TO A HUMAN AGENT. PLEASE HOLD ON.")


def test_a_transfer_may_be_unwanted() -> None:
    talk = Talk(shop.task(instructions="You do not want to be transferred."))
    talk(GREETING)
    assert talk("Would you like me to transfer you to a human agent?").startswith("No")


def test_it_gives_up_on_a_conversation_that_goes_in_circles() -> None:
    talk = Talk()
    talk(GREETING)
    answers = [talk("What colour is the sky on Mars?") for _ in range(PATIENCE + 1)]
    assert STOP in answers[-1]
    assert not any(STOP in answer for answer in answers[: PATIENCE - 2])


def test_even_consent_has_an_end_when_nothing_new_is_asked() -> None:
    talk = Talk()
    talk(GREETING)
    assert any(STOP in talk("Shall I go ahead?") for _ in range(PATIENCE + 2))


# Tools of the customer's own


def test_it_does_what_it_is_asked_and_reports() -> None:
    talk = Talk(tools=shop.phone())
    talk(GREETING)
    call = talk.acts("Please toggle the airplane mode on your side.")
    assert (call.name, call.arguments, call.requestor) == ("toggle_airplane_mode", {}, "user")
    assert "Airplane mode is now OFF." in (
        talk.result(call, "Airplane mode is now OFF.").content or ""
    )


def test_it_does_one_thing_at_a_time() -> None:
    talk = Talk(tools=shop.phone())
    talk(GREETING)
    first = talk.acts("Please restart your phone. Then tell me what the status bar shows.")
    [second] = talk.result(first, "Rebooted").tool_calls or ()
    assert (first.name, second.name) == ("reboot_device", "check_status_bar")
    assert first.id != second.id
    report = talk.result(second, "Full signal").content or ""
    assert "Rebooted" in report
    assert "Full signal" in report


def test_a_switch_pressed_the_wrong_way_is_pressed_again() -> None:
    talk = Talk(tools=shop.phone())
    talk(GREETING)
    first = talk.acts("Please turn off airplane mode.")
    [second] = talk.result(first, "Airplane mode is now ON.").tool_calls or ()
    assert second.name == "toggle_airplane_mode"
    assert not talk.result(second, "Airplane mode is now OFF.").tool_calls


def test_it_asks_back_when_something_is_missing() -> None:
    talk = Talk(tools=shop.phone())
    talk(GREETING)
    assert (
        talk("Please grant the app permission.")
        == "Which app name and permission should I use for that?"
    )
    call = talk.acts("app name: mail; permission: sms")
    assert call.arguments == {"app_name": "mail", "permission": "sms"}


def test_a_failure_is_reported_as_one() -> None:
    talk = Talk(tools=shop.phone())
    talk(GREETING)
    call = talk.acts("Please restart your phone.")
    answer = talk.result(call, "battery empty", error=True).content or ""
    assert "not work" in answer
    assert "battery empty" in answer


def test_it_does_not_leave_while_its_own_eyes_say_otherwise() -> None:
    talk = Talk(tools=shop.phone())
    talk(GREETING)
    talk.result(talk.acts("What does the status bar show?"), "No service")
    assert talk("Glad that it works! Is there anything else?").startswith(
        "But it does not work yet. It says: No service"
    )
    assert STOP in talk("I am afraid that is all I can do. Is there anything else?")


def test_it_never_claims_what_it_cannot_do() -> None:
    talk = Talk(tools=shop.phone())
    talk(GREETING)
    assert "Done" not in talk("Please open the cover of the router.")


def test_it_looks_first_and_cleans_up_last_when_its_story_says_so() -> None:
    story = (
        "First, use check_status_bar to see the signal. You want the agent to close your ticket. "
        "Once it is done, restart your phone."
    )
    task = Task(id="t", user_scenario=UserScenario(instructions=story))
    talk = Talk(task, tools=shop.phone())
    look = talk.acts(GREETING)
    assert look.name == "check_status_bar"
    assert "close my ticket" in (talk.result(look, "No signal").content or "")
    assert not talk.reply(shop.says("Shall I go ahead?")).tool_calls
    restart = talk.acts("Your ticket has been closed. Is there anything else?")
    assert restart.name == "reboot_device"
    assert STOP in (talk.result(restart, "Rebooted").content or "")


# Manner


def manner(**choices: Any) -> PersonaConfig:
    return PersonaConfig(**choices)


def test_a_terse_customer_says_less_and_a_talkative_one_more() -> None:
    said = {}
    for verbosity in ("minimal", "standard", "talkative"):
        talk = Talk(persona_config=manner(verbosity=verbosity))
        said[verbosity] = [
            len(talk(text)) for text in (GREETING, "Your name and zip code?", "Shall I go ahead?")
        ]
    assert sum(said["minimal"]) < sum(said["standard"]) < sum(said["talkative"])


def test_a_detail_given_wrong_is_put_right_in_the_next_message() -> None:
    talk = Talk(persona_config=manner(corrects_itself=True))
    talk(GREETING)
    wrong = talk("Your name and zip code?")
    assert "12345" not in wrong
    assert "12345" in talk("I cannot find you. What was your zip code?")
    assert "12345" in talk("And your zip code again?")


def test_a_detail_given_wrong_is_put_right_unasked_too() -> None:
    talk = Talk(persona_config={"corrects_itself": True})
    talk(GREETING)
    talk("Your zip code, please?")
    assert "12345" in talk("Shall I go ahead?")


# State and determinism


def script(seed: int, **kwargs: Any) -> list[str]:
    user = ScriptedUser(task=shop.task(), **kwargs)
    user.set_seed(seed)
    state = user.get_init_state([])
    texts = (GREETING, "Your name?", "Shall I go ahead?", "One moment.", ANYTHING_ELSE)
    return [user.generate_next_message(shop.says(text), state)[0].content or "" for text in texts]


def test_the_seed_decides_the_words() -> None:
    assert script(1) == script(1)
    assert len({tuple(script(seed)) for seed in range(12)}) > 1


def test_one_object_serves_many_conversations() -> None:
    user = ScriptedUser(task=shop.task())
    one, two = user.get_init_state([]), user.get_init_state([])
    user.generate_next_message(shop.says(GREETING), one)
    user.generate_next_message(shop.says("What is your name?"), one)
    opening, _ = user.generate_next_message(shop.says(GREETING), two)
    assert "cancel my order" in (opening.content or "")


def test_a_copied_state_goes_its_own_way() -> None:
    talk = Talk()
    talk(GREETING)
    twin = copy.deepcopy(talk.state)
    talk(ANYTHING_ELSE)
    answer, _ = talk.user.generate_next_message(shop.says("Your name?"), twin)
    assert "Ada Quill" in (answer.content or "")


def test_state_round_trips_at_every_point() -> None:
    talk = Talk(tools=shop.phone(), persona_config=manner(corrects_itself=True))
    call = None
    for text in (
        GREETING,
        "Your zip code?",
        "Please restart your phone and tell me what the status bar shows.",
    ):
        answer = talk.reply(shop.says(text))
        call = (answer.tool_calls or [None])[0]
        talk.state = Conversation.model_validate_json(talk.state.model_dump_json())
    assert call is not None
    talk.result(call, "Rebooted")
    assert Conversation.model_validate(talk.state.model_dump()) == talk.state


def test_a_customer_remembers_what_it_has_lived_through() -> None:
    talk = Talk()
    lived: list[Message] = []
    for text in (GREETING, "Your name?"):
        lived += [shop.says(text), talk.reply(shop.says(text))]
    state = talk.user.get_init_state(lived)
    assert state.opened
    assert set(talk.state.facts_told) <= set(state.facts_told)
    answer, _ = talk.user.generate_next_message(shop.says(ANYTHING_ELSE), state)
    assert STOP in (answer.content or "")


def test_a_history_of_others_does_not_count_as_its_opening() -> None:
    user = ScriptedUser(task=shop.task())
    state = user.get_init_state([shop.hears("Something else altogether"), shop.says("Done.")])
    answer, _ = user.generate_next_message(shop.says("Anything else?"), state)
    assert "cancel my order" in (answer.content or "")


def test_rendered_instructions_give_the_same_agenda() -> None:
    task = shop.task(instructions="You also want a receipt.")
    from_task = ScriptedUser(task=task).get_init_state().agenda
    from_text = ScriptedUser(instructions=str(task.user_scenario)).get_init_state().agenda
    from_model = ScriptedUser(instructions=task.user_scenario).get_init_state().agenda
    assert from_text.model_copy(update={"facts": {}}) == from_model.model_copy(update={"facts": {}})
    assert from_task.opening == from_text.opening
    assert from_text.facts == from_model.facts


def test_it_needs_a_story() -> None:
    with pytest.raises(UserError, match="task"):
        ScriptedUser()


# It never breaks

said = st.text(max_size=200) | st.sampled_from(
    [
        GREETING,
        ANYTHING_ELSE,
        "Your zip code?",
        "Shall I go ahead?",
        "Please restart your phone.",
        "status bar?",
        "",
        "#",
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(said, max_size=12), st.integers(0, 3), st.booleans())
def test_any_conversation_is_survived(texts: list[str], seed: int, fails: bool) -> None:
    talk = Talk(
        tools=shop.phone(),
        persona_config=manner(verbosity="talkative", corrects_itself=True),
        seed=seed,
    )
    for text in texts:
        answer = talk.reply(shop.says(text))
        for _ in range(12):
            if not answer.tool_calls:
                break
            answer = talk.result(answer.tool_calls[0], text, error=fails)
        assert not answer.tool_calls, "a conversation must go on after a few deeds"
        answer.validate()
        if ScriptedUser.is_stop(answer):
            break


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=400), st.text(max_size=200))
def test_any_scenario_can_be_played(story: str, text: str) -> None:
    user = ScriptedUser(instructions=story, tools=shop.phone())
    state = user.get_init_state([])
    for message in (GREETING, text, ANYTHING_ELSE):
        answer, state = user.generate_next_message(shop.says(message), state)
        answer.validate()


@pytest.mark.parametrize(
    "message", [None, AssistantMessage(), shop.result("stray", requestor="user")]
)
def test_an_unexpected_message_gets_a_valid_reply(message: Any) -> None:
    Talk().reply(message).validate()
