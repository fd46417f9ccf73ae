"""What real agents say, put to the scripted user of every shipped task.

The tables are plain: what is said, in the columns below. Each phrasing is said to the customer of
every task of every domain, and at least 97 % of the answers have to be right. What "right" means
is one function for each table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tau2.data_model.message import AssistantMessage, ToolMessage, UserMessage
from tau2.data_model.tasks import Task
from tau2.environment.environment import Environment
from tau2.registry import registry
from tau2.runner.build import build_user
from tau2.user.scripted_user import STOP, TRANSFER, Conversation, ScriptedUser
from tau2.user.scripted_user.agenda import Cue
from tau2.user.scripted_user.phrases import PHRASES

every_domain = pytest.mark.parametrize("domain", registry.get_domains())

GREETING = "Hi! How can I help you today?"
RIGHT = 0.97

FACTS: tuple[tuple[str, str], ...] = (
    # what is asked for | how
    ("user_id name", "Could you please provide your user ID and your full name?"),
    ("user_id", "I'll need your user ID first."),
    (
        "user_id",
        "To get started, I'll need:\n\n1. **Your user ID**\n2. The dates (if you have them)"),
    ("user_id", "Please share:\n- Your **user ID** - so I can check your profile\n\nThank you!"),
    ("user_id", '{"message": "To help with that, I first need your user ID."}'),
    ("user_id", "Sure! What's your user ID?"),
    ("user_id", "May I have your user ID (e.g., `sara_doe_496`), please?"),
    (
        "user_id",
        "| What I need |\n|---|\n| Your user ID |\n\nCould you provide this?",
    ),
    ("name", "Who am I speaking with?"),
    ("name", "May I have your full name?"),
    ("name", "And your name, please?"),
    ("name", "Could you tell me your first and last name so that I can find your account?"),
    ("name", "I just need a few details:\n1. Your full name\n2. What this is about"),
    ("name zip", "Please provide your first name, last name and zip code."),
    ("name zip", "To find your account, I need the following:\n* First and last name\n* Zip code"),
    ("email", "What is the email address on your account?"),
    ("email", "Could you provide your email address, or else your name and zip code?"),
    ("email", "Please provide the email associated with the account."),
    ("email zip", "1. Your email address\n2. Your zip code\n\nCould you provide those for me?"),
    ("zip", "What is your zip code?"),
    ("zip", "Can I get your ZIP / postal code, please?"),
    ("phone", "Could you please provide your phone number?"),
    ("phone", "Which line is this about?"),
    ("phone", "Can you tell me which line you are using?"),
    ("phone", "Which phone is affected?"),
    ("phone", "Please confirm the phone number of the line that has the problem."),
    ("phone", "To start, could you provide the phone number on the line you're using?"),
    ("phone", "I'll need:\n\n- **Phone number** on the account\n- What happened"),
    ("dob", "I need your date of birth to verify your identity."),
    ("order", "What is the order number?"),
    ("order", "Could you share the order ID with me?"),
    ("order", "Which order is this about?"),
    ("reservation", "What is your reservation number?"),
    ("reservation", "Could you please provide your reservation ID (if you have it)?"),
    ("reservation", "Please tell me the confirmation code of your booking."),
    ("user_id reservation", "Could you please provide:\n\n1. Your user ID\n2. Your reservation ID"),
    (
        "user_id reservation",
        (
            "I'd be happy to help! I'll need a couple of things:\n\n1. **Your user ID** - so I can "
            "check it\n2. **Your reservation ID** (if you have it)\n\nCould you provide those?"
        ),
    ),
    (
        "user_id reservation",
        (
            "Could you please provide me with your user ID and the reservation ID? If you don't "
            "know the reservation ID, I can help locate it for you."
        ),
    ),
    ("user_id order", "Please send me your user ID and the order number."),
    ("name email zip order", "Kindly provide your name, email, zip code and the order number."),
)  # fmt: skip

CONSENT: tuple[str, ...] = (
    "Shall I go ahead?",
    "Should I proceed?",
    "May I proceed with this?",
    "Can I go ahead and do that?",
    "Reply yes to proceed.",
    "Reply **YES** to confirm.",
    "Please reply with \"yes\" if you want me to do this.",
    "Please respond with \"Yes\" and I will take care of it.",
    "Type yes to confirm.",
    "Just say the word and I'll do it.",
    "Just give me the go-ahead.",
    "Once you confirm, I'll process it.",
    "As soon as you confirm, I will take care of the change.",
    "After you confirm I will make the change.",
    "Do you confirm? (yes/no)",
    "Do you confirm these changes?",
    "(yes/no)",
    "Yes or no?",
    "Is it okay if I go ahead?",
    "Is it alright if I do this now?",
    "Would it be okay to proceed?",
    "Let me know if you'd like me to proceed.",
    "Let me know if I should go ahead.",
    "Let me know whether you want me to do this.",
    "Please let me know if you'd like me to go ahead with this change.",
    "Would you like me to proceed?",
    "Would you like me to go ahead with that?",
    "Would you like to proceed?",
    "Do you want me to do that?",
    "Want me to do it?",
    "Please confirm that you'd like to proceed.",
    "Please confirm.",
    "Can you confirm that I may do this?",
    "Could you please confirm so that I can proceed?",
    "I need your explicit confirmation before I make the change.",
    "I need your approval first.",
    "With your permission, I will do it now.",
    "Is that correct?",
    "Is this correct? If yes, I'll proceed.",
    "Does that look right to you?",
    "Does this sound good?",
    "Sounds good?",
    "Are you okay with that?",
    "Are you sure?",
    "Are you ready for me to do this?",
    "If everything looks correct, please reply \"confirm\".",
    "If that's okay with you, I'll go ahead.",
    "If you agree, I will make the change.",
    "Ready to proceed?",
    "Okay to proceed?",
    "Proceed?",
    "Correct?",
    "Do you agree to this?",
    "Do you authorize this change?",
    "Say yes and it is done.",
    "To proceed, please confirm with a simple yes.",
    "Shall we do it that way?",
    "Are we good to go?",
    "Any objections?",
    "Please tell me yes or no.",
)  # fmt: skip

PROMISES: tuple[str, ...] = (
    "I will take care of that now. Let me know if you have other questions!",
    "I'll process this right away. Is there anything else?",
    "One moment please, I am working on it.",
    "Let me look into that for you.",
    "Please hold on while I check.",
    "I'm going to make the change now.",
    "I am processing your request, please wait.",
    "Let me check the details first.",
    "I'll now proceed with it. Feel free to ask if you have questions.",
    "Hold on, I am checking this.",
    "I will do this for you in a moment.",
    "Bear with me, I am looking at your account.",
)

CLOSINGS: tuple[str, ...] = (
    "That has been done. Is there anything else I can help you with?",
    "Everything has been processed. If you need anything else, just let me know!",
    "All set! Anything else I can do for you today?",
    "Done! Is there anything else?",
    "Your request has been completed. Feel free to reach out. Have a great day!",
    "It has been updated. Let me know if there's anything else I can assist you with.",
    "I have made the change. Do you have any other questions?",
    "This has been taken care of. Will that be all?",
    "Great news! It is done. If you need further assistance, please don't hesitate to ask.",
    "The changes have been made successfully. Thank you for contacting us. Goodbye!",
    '{"message": "The request has been completed.\\n\\nIs there anything else you need?"}',
    "**Summary**\n- Everything: done\n\nIt has all been processed. Is there anything else?",
)  # fmt: skip

HOPELESS: tuple[str, ...] = (
    "Unfortunately that cannot be done either. Would you like to keep everything as it is?",
    "I'm still unable to do that. Shall I leave everything as it is?",
    "There are no options available. Would you like me to explore other dates or destinations?",
    "There are also no alternatives that fit. Should I check a different day for you?",
    "I am not able to make an exception. If you'd like, I can transfer you to a human agent.",
    "That is not possible, as I said. I can connect you with a supervisor if you prefer.",
)
"""What is said after a first refusal that the customer has questioned."""

TRANSFERS: tuple[str, ...] = (
    "YOU ARE BEING TRANSFERRED TO A HUMAN AGENT. PLEASE HOLD ON.",
    "You are being transferred to a human agent. Please hold on.",
    "I am transferring you to a human agent now.",
    "I have transferred you to a specialist.",
    "I will transfer you to a colleague who can help.",
    "Let me transfer you to a human agent.",
    '{"message": "YOU ARE BEING TRANSFERRED TO A HUMAN AGENT. PLEASE HOLD ON."}',
    "I'm connecting you with a person now.",
    "You have been transferred to our support team.",
    "A human agent will take over from here.",
)

LOOKS: tuple[tuple[str, str], ...] = (
    # the tool that shows it | how it is asked for
    ("check_status_bar", "What does the status bar show?"),
    (
        "check_status_bar",
        "Could you look at the top of your screen and tell me which icons you see?"),
    ("check_status_bar", "Please call `check_status_bar()`."),
    ("check_network_status", "Please run check_network_status() and share the output."),
    ("check_network_status", "Can you confirm if you are able to make calls and use mobile data?"),
    ("check_network_status", "Is airplane mode turned on?"),
    ("check_network_status", "Is roaming enabled on the phone?"),
    ("check_sim_status", "Please check whether your SIM card works."),
    (
        "check_apn_settings",
        "Could you check your APN settings and let me know if you see an MMSC URL?"),
    ("check_apn_settings", "Please look at the access point names."),
    ("check_wifi_calling_status", "Is Wi-Fi Calling enabled on your phone?"),
    ("check_vpn_status", "Let's check if a VPN is active. Please tell me."),
    ("check_data_restriction_status", "Please check whether Data Saver is on."),
    ("check_network_mode_preference", "What is your preferred network type set to?"),
    ("check_network_mode_preference", "Please check the network mode; make sure that it is 4G/5G."),
    ("run_speed_test", "Please run a speed test and let me know the result."),
    ("run_speed_test", "Could you try using mobile data again and tell me if the speed improved?"),
    ("can_send_mms", "Please try sending an MMS again."),
    ("can_send_mms", "Let me know if your picture messages go through now. Please test it."),
    ("check_app_permissions", "Could you check which permissions your messaging app has?"),
    ("check_payment_request", "Please check your payment requests."),
)  # fmt: skip

CHANGES: tuple[tuple[str, str], ...] = (
    # the tool that does it | how it is asked for
    ("toggle_airplane_mode", "Please turn off airplane mode."),
    ("toggle_airplane_mode", "Could you switch flight mode off on your side?"),
    (
        "toggle_data",
        "Here's how to enable mobile data:\n\n1. Open Settings.\n2. Tap Network.\n3. Turn it on."),
    ("toggle_data", "Please enable mobile data and let me know when that is done."),
    ("toggle_roaming", "On your device, run:\n\n  toggle_roaming()\n\nand tell me what it says."),
    ("toggle_roaming", "Now please turn on data roaming."),
    ("toggle_data_saver_mode", "Please turn Data Saver OFF."),
    ("toggle_wifi_calling", "Please disable Wi-Fi Calling on the phone."),
    ("disconnect_vpn", "Please disconnect the VPN, as it can slow you down."),
    ("disconnect_vpn", "Run `disconnect_vpn()` please."),
    (
        "set_network_mode_preference",
        'Please run set_network_mode_preference(mode="4g_5g_preferred").'),
    ("set_network_mode_preference", "Please set the network mode preference to 4G/5G preferred."),
    ("reset_apn_settings", "Please reset your APN settings to the default."),
    ("reboot_device", "Please restart your phone now."),
    ("reboot_device", "Could you reboot the device?"),
    ("reseat_sim_card", "Please take out the SIM card and put it back in."),
    ("grant_app_permission", 'Run grant_app_permission(app_name="messaging", permission="sms").'),
    ("grant_app_permission", "Please enable the SMS permission for your messaging app."),
)  # fmt: skip

AGREES = re.compile(
    r"\b(?:yes|yep|yeah|sure|go ahead|proceed|confirmed|confirm|correct|that's fine|okay, yes)\b",
    re.IGNORECASE,
)
LOOKING = ("check_", "can_", "run_speed_test")
TOKEN = re.compile(
    r"[\w.+-]+@[\w-]+\.\w+|#?[A-Z]+\d{3,}|\b\d{5,}\b|\b\d{3}-\d{3}-\d{4}\b|[a-z]+_[a-z]+_\d+"
)


def phrasings() -> int:
    tables: tuple[tuple[Any, ...], ...] = (
        FACTS, CONSENT, PROMISES, CLOSINGS, HOPELESS, TRANSFERS, LOOKS, CHANGES
    )  # fmt: skip
    return sum(map(len, tables))


class Probe:
    """The customer of one task, who has said why it is there."""

    def __init__(self, task: Task, environment: Environment) -> None:
        self.task = task
        self.user: ScriptedUser = build_user("scripted_user", environment, task, seed=1)
        self._opened = self._open()
        self.agenda = self._opened.agenda

    def _open(self) -> Conversation:
        state = self.user.get_init_state()
        answer, state = self.user.generate_next_message(AssistantMessage(content=GREETING), state)
        while answer.tool_calls:
            result = ToolMessage(id=answer.tool_calls[0].id, content="fine", requestor="user")
            answer, state = self.user.generate_next_message(result, state)
        return state

    def says(self, text: str, **changes: Any) -> UserMessage:
        """Return the answer to `text` right after the opening, in a state with `changes`."""
        state = self._opened.model_copy(deep=True, update=changes)
        return self.user.generate_next_message(AssistantMessage(content=text), state)[0]


def probes(domain: str) -> Iterator[Probe]:
    environment = registry.get_env_constructor(domain)()
    for task in registry.get_tasks_loader(domain)():
        yield Probe(task, environment)


def share_right(domain: str, asked: Callable[[Probe], Iterator[tuple[str, bool]]]) -> None:
    """Check that at least 97 % of the answers of all tasks are right, and name the wrong ones."""
    answers = [(probe.task.id, *one) for probe in probes(domain) for one in asked(probe)]
    wrong = [f"{task}: {what}" for task, what, right in answers if not right]
    assert len(wrong) <= (1 - RIGHT) * len(answers), wrong[:20]


def test_there_are_enough_phrasings() -> None:
    assert phrasings() >= 150


@every_domain
def test_facts_asked_for_at_once_are_all_told(domain: str) -> None:
    def asked(probe: Probe) -> Iterator[tuple[str, bool]]:
        facts = probe.agenda.facts
        for kinds, text in FACTS:
            known = [kind for kind in kinds.split() if kind in facts]
            answer = probe.says(text).content or ""
            ruled = any(set(rule.kinds) & set(kinds.split()) for rule in probe.agenda.rules)
            yield text, ruled or all(facts[kind][0] in answer for kind in known)

    share_right(domain, asked)


@every_domain
def test_consent_is_given_in_any_form(domain: str) -> None:
    def asked(probe: Probe) -> Iterator[tuple[str, bool]]:
        minds = any(rule.cue is Cue.CONFIRMATION for rule in probe.agenda.rules)
        for ask in CONSENT:
            answer = probe.says(f"Here is what I would do for you. {ask}").content or ""
            agrees = AGREES.search(answer) is not None and STOP not in answer
            yield f"{ask} -> {answer}", agrees or minds

    share_right(domain, asked)


@every_domain
def test_nobody_leaves_on_a_promise(domain: str) -> None:
    def asked(probe: Probe) -> Iterator[tuple[str, bool]]:
        for text in PROMISES:
            answer = probe.says(text, awaiting=True)
            yield f"{text} -> {answer.content}", STOP not in (answer.content or "")

    share_right(domain, asked)


@every_domain
def test_everybody_leaves_when_all_is_said_and_done(domain: str) -> None:
    def asked(probe: Probe) -> Iterator[tuple[str, bool]]:
        everything = list(range(len(probe.agenda.points)))
        used = list(range(len(probe.agenda.rules)))
        for text in CLOSINGS:
            answer = probe.says(text, points_told=everything, rules_used=used)
            leaves = STOP in (answer.content or "") or bool(answer.tool_calls and probe.agenda.last)
            yield f"{text} -> {answer.content}", leaves

    share_right(domain, asked)


@every_domain
def test_nobody_stays_when_it_is_refused_again(domain: str) -> None:
    def asked(probe: Probe) -> Iterator[tuple[str, bool]]:
        everything = list(range(len(probe.agenda.points)))
        used = list(range(len(probe.agenda.rules)))
        for text in HOPELESS:
            answer = probe.says(
                text, points_told=everything, rules_used=used, refused=True, pushed_back=2
            )
            said = answer.content or ""
            accepts = probe.agenda.transfer_wanted and said in PHRASES["agree_transfer"]
            leaves = STOP in said or TRANSFER in said or accepts
            yield f"{text} -> {said}", leaves or bool(answer.tool_calls and probe.agenda.last)

    share_right(domain, asked)


@every_domain
def test_a_transfer_ends_the_conversation(domain: str) -> None:
    def asked(probe: Probe) -> Iterator[tuple[str, bool]]:
        for text in TRANSFERS:
            yield text, TRANSFER in (probe.says(text).content or "")

    share_right(domain, asked)


@every_domain
def test_the_phone_is_looked_at_and_changed_as_asked(domain: str) -> None:
    def asked(probe: Probe) -> Iterator[tuple[str, bool]]:
        tools = {tool.name for tool in probe.user.tools or ()}
        for tool, text in LOOKS if "check_status_bar" in tools else ():
            calls = _calls(probe, text)
            looks_only = all(name.startswith(LOOKING) for name in calls)
            yield f"{text} -> {calls}", tool in calls and looks_only
        for tool, text in CHANGES if "check_status_bar" in tools else ():
            calls = _calls(probe, text)
            changed = [name for name in calls if not name.startswith(LOOKING)]
            yield f"{text} -> {calls}", changed == [tool]

    share_right(domain, asked)


def _calls(probe: Probe, text: str) -> list[str]:
    """Return the tools that are used one after the other upon a message."""
    state = probe._opened.model_copy(deep=True)
    answer, state = probe.user.generate_next_message(AssistantMessage(content=text), state)
    found = []
    while answer.tool_calls and len(found) < 10:
        found.append(answer.tool_calls[0].name)
        result = ToolMessage(id=answer.tool_calls[0].id, content="fine", requestor="user")
        answer, state = probe.user.generate_next_message(result, state)
    return found


@every_domain
def test_nothing_is_invented(domain: str) -> None:
    """Every id and number in an answer comes from the task or from the customer's cards."""
    invented = []
    for probe in probes(domain):
        told = f"{probe.task.user_scenario} {probe.agenda.facts} {probe.agenda.cards}"
        for text in (GREETING, *(ask for _, ask in FACTS), "Which card should I use?"):
            answer = probe.says(text).content or ""
            said = [token for token in TOKEN.findall(answer) if token not in told]
            invented += [f"{probe.task.id}: {token} in {answer!r}" for token in said]
    assert invented == []


@every_domain
def test_the_card_that_the_reference_pays_with_is_named(domain: str) -> None:
    unnamed = []
    for probe in probes(domain):
        cards = [name for name in probe.user.wallet.values() if "ending in" in name]
        answer = probe.says("Which payment method would you like to use?").content or ""
        digits = [name[-4:] for name in cards]
        if cards and not any(four in answer for four in digits):
            unnamed.append(f"{probe.task.id}: {cards} but {answer!r}")
    assert unnamed == []


@every_domain
def test_a_wrong_proposal_is_refused(domain: str) -> None:
    """Another order or reservation than the one that the customer named."""
    agreed = []
    for probe in probes(domain):
        records = probe.agenda.wanted.records
        opening = probe.agenda.opening
        named = [record for record in records if record in opening]
        if len(named) != 1 or not probe.agenda.wishes:
            continue
        thing = "order" if named[0].startswith("#") else "reservation"
        wrong = "#W9999990" if thing == "order" else "ZZ9PQ0"
        text = f"I found your {thing} {named[0]}. I will cancel {thing} {wrong}. Do you confirm?"
        answer = probe.says(f"I see {named[0]} here.\n{text.partition('. ')[2]}").content or ""
        if not any(f"{phrase} " in answer for phrase in PHRASES["disagree"]):
            agreed.append(f"{probe.task.id}: {answer!r}")
    assert agreed == []


def opening_of(probe: Probe) -> str:
    state = probe.user.get_init_state()
    answer, _ = probe.user.generate_next_message(AssistantMessage(content=GREETING), state)
    return answer.content or ""


def test_no_greeting_is_heard_in_more_than_one_opening_of_twenty() -> None:
    leads: dict[str, int] = {}
    openings = [opening_of(p) for domain in registry.get_domains() for p in probes(domain)]
    spoken = [opening for opening in openings if opening]
    for opening in spoken:
        lead = re.split(r"(?<=[.!?])\s", opening)[0]
        leads[lead] = leads.get(lead, 0) + 1
    often = {lead: count for lead, count in leads.items() if count > len(spoken) / 20}
    assert often == {}
