"""What a scripted customer makes of an agent's words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tau2.user.scripted_user import facts
from tau2.user.scripted_user.text import sentences
from tau2.user.scripted_user.understanding import Act, Heard, understand


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        (
            "Could you provide your email address, or your first name, last name and zip code?",
            ["email", "name", "zip"],
        ),
        ("Please confirm your phone number.", ["phone"]),
        ("What is the order number?", ["order"]),
        ("I need your date of birth.", ["dob"]),
        ("Which card should I use?", ["payment"]),
        ("Why do you want to return it?", ["reason"]),
        ("I have sent a mail to your email address.", []),
        ("What is your user ID or reservation number?", ["user_id", "reservation"]),
    ],
)
def test_facts_are_asked_for(text: str, kinds: list[str]) -> None:
    assert list(understand(text).kinds) == kinds


@pytest.mark.parametrize(
    "text",
    [
        "Shall I go ahead?",
        "Would you like me to cancel it?",
        "Do you confirm (yes/no)?",
        "Is that correct?",
        "Please confirm so that I may book it.",
        "I would cancel #1. May I proceed?",
        "Is there anything else you'd like to add before I proceed?",
    ],
)
def test_consent_is_asked_for(text: str) -> None:
    heard = understand(text)
    assert Act.ASKS_CONSENT in heard
    assert Act.OFFERS_MORE not in heard


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("Your order has been cancelled.", Act.REPORTS_DONE),
        ("I have updated your address.", Act.REPORTS_DONE),
        ("All set!", Act.REPORTS_DONE),
        ("Is there anything else I can help you with?", Act.OFFERS_MORE),
        ("Do you have any other questions?", Act.OFFERS_MORE),
        ("Hi! How can I help you today?", Act.GREETS),
        ("Unfortunately I cannot do that.", Act.REFUSES),
        ("There are no other flights available that day.", Act.REFUSES),
        ("There is no option within your budget.", Act.REFUSES),
        ("There are no other upcoming flights in your profile.", None),
        ("Should I try other dates?", Act.OFFERS_INSTEAD),
        ("Do you want to fly to a different airport?", Act.OFFERS_INSTEAD),
        ("Would another airline do for you?", Act.OFFERS_INSTEAD),
        ("Let me look that up.", Act.PROMISES),
        ("Thank you for contacting us. Goodbye!", Act.SAYS_BYE),
        ("YOU ARE BEING TRANSFERRED TO A HUMAN AGENT.", Act.TRANSFERS),
        ("I am handing you over to a colleague.", Act.TRANSFERS),
        ("To verify your identity I have a question.", None),
    ],
)
def test_signs_are_noticed(text: str, sign: str | None) -> None:
    signs = {
        Act.REPORTS_DONE,
        Act.OFFERS_INSTEAD,
        Act.OFFERS_MORE,
        Act.GREETS,
        Act.REFUSES,
        Act.PROMISES,
        Act.SAYS_BYE,
        Act.TRANSFERS,
    }
    assert understand(text).acts & signs == ({sign} if sign else set())


@pytest.mark.parametrize(
    "text",
    [
        "I have found your account.",
        "I've looked at your order.",
        "The refund has been transferred to your card?",
        "Would you like me to transfer you to a human agent?",
    ],
)
def test_what_is_no_completion_is_not_taken_for_one(text: str) -> None:
    heard = understand(text)
    assert not heard.has_any(Act.TRANSFERS, Act.SAYS_BYE, Act.OFFERS_MORE)


def test_sentences_keep_numbers_ids_and_titles_whole() -> None:
    text = "I paid 2.50 for #W1. Mr. Bean agreed, e.g. on red,\nor blue!\n- One thing\n2) Another"
    assert sentences(text) == [
        "I paid 2.50 for #W1.",
        "Mr. Bean agreed, e.g. on red, or blue!",
        "One thing",
        "Another",
    ]


def test_facts_are_found_in_a_scenario() -> None:
    told = facts.told_in(
        "You are Ada Quill (ada.quill@example.org) in zip code 12345. Your user id is "
        "ada_quill_77, your phone number 555-123-9876. You were born on 1990-02-03. It is about "
        "order #S100 and reservation QX12YZ."
    )
    assert told == {
        "name": ("Ada Quill",),
        "email": ("ada.quill@example.org",),
        "zip": ("12345",),
        "user_id": ("ada_quill_77",),
        "phone": ("555-123-9876",),
        "dob": ("1990-02-03",),
        "order": ("#S100",),
        "reservation": ("QX12YZ",),
    }


def test_a_name_is_read_off_a_speaking_id() -> None:
    assert facts.with_full_name({"user_id": ("ada_quill_77",)})["name"] == ("Ada Quill",)
    assert facts.with_full_name({"user_id": ("u77",)}) == {"user_id": ("u77",)}


def test_a_wrong_detail_is_wrong_in_one_place() -> None:
    assert facts.misspelt("12345", 1) == "13345"
    assert facts.misspelt("ada@x.org", 0) == "eda@x.org"
    assert facts.misspelt("?", 3) == "?"


@given(st.text(max_size=2000))
def test_any_text_can_be_read(text: str) -> None:
    assert isinstance(understand(text), Heard)


@pytest.mark.parametrize(
    "piece", ["a", "please ", "you ", "i have been ", "((", "confirm your ", "\n- ", "is "]
)
def test_long_texts_are_read_in_linear_time(piece: str) -> None:
    assert understand(piece * 60_000) is not None  # in quadratic time: minutes
