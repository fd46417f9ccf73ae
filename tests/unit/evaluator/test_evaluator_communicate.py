"""What the customer was told: numbers by value, words whole, case and commas free."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cast import a_task
from tests.unit.evaluator.heard import HEARD, NOT_HEARD

from tau2.data_model.message import AssistantMessage, ToolMessage, UserMessage
from tau2.evaluator.evaluator_communicate import CommunicateEvaluator, check_information, mentions


@pytest.mark.parametrize(
    ("said", "info"),
    [
        ("Your refund is $164.20.", "164.2"),
        ("Your refund is $164.2", "164.20"),
        ("That makes 1,234.50 dollars.", "1234.5"),
        ("That makes 1234.50 dollars.", "1,234.50"),
        ("A total of 10.", "10"),
        ("Between 10-15 days", "10"),
        ("Between $10-$15", "15"),
        ("Item #10", "10"),
        ("Call 555-10-1234", "555-10-1234"),
        ("10% off", "10"),
        ("10% off", "10%"),
        ("The balance is -5.00.", "-5"),
        ("The balance is -$5.", "-5"),
        ("The balance is -5.", "5"),
        ("It costs 5, or 7.", "5"),
        ("Items 1,2,3 are here.", "2"),
        ("We live in Springfield,IL.", "springfield, il"),
        ("Flights from JFK to  SEA", "jfk to sea"),
        ("Order #W123 is on its way", "#w123"),
        ("TASK_2 is done", "task_2"),
        ("Anything", ""),
    ],
)
def test_a_message_states_the_information(said, info):
    assert mentions(said, info)


@pytest.mark.parametrize(
    ("said", "info"),
    [
        ("A total of 100.", "10"),
        ("A total of 10.5.", "10"),
        ("A total of 0.10", "10"),
        ("Call 555-10-1234", "10"),
        ("On 2024-10-15", "10"),
        ("Order #W10", "10"),
        ("task_10", "10"),
        ("The balance is 5.", "-5"),
        ("task_21 is done", "task_2"),
        ("#W1234", "#W123"),
        ("seattle", "sea"),
        ("110% sure", "10%"),
        ("", "10"),
        ("1,0", "10"),
    ],
)
def test_a_message_does_not_state_the_information(said, info):
    assert not mentions(said, info)


def test_strict_compat_looks_for_the_text_itself():
    assert mentions("A total of 100.", "10", strict_compat=True)
    assert not mentions("That makes 1,234.50.", "1,234.50", strict_compat=True)


def test_one_message_of_the_agent_must_state_all_of_it():
    messages = [
        AssistantMessage(content="Your order"),
        UserMessage(content="Is it order 7?"),
        ToolMessage(id="1", content="order 7"),
        AssistantMessage(content="is number 7."),
    ]
    met = {
        check.info: check.met for check in check_information(messages, ["7", "order 7", "number 7"])
    }
    assert met == {"7": True, "order 7": False, "number 7": True}


def test_audio_is_no_text():
    assert not check_information(
        [AssistantMessage(content="c2V2ZW4=", is_audio=True)], ["c2V2ZW4="]
    )[0].met


def test_the_public_form():
    info = CommunicateEvaluator.calculate_reward(
        a_task(told=["7", "8"]), [AssistantMessage(content="7 and 9")]
    )
    assert (info.reward, [check.met for check in info.communicate_checks]) == (0.0, [True, False])
    assert CommunicateEvaluator.calculate_reward(a_task(), []).reward == 1.0


def pairs(table):
    return [(locale, said, info) for locale, rows in table.items() for said, info in rows]


@pytest.mark.parametrize(("locale", "said", "info"), pairs(HEARD))
def test_forms_that_a_reader_recognises_match(locale, said, info):
    assert mentions(said, info)


@pytest.mark.parametrize(("locale", "said", "info"), pairs(NOT_HEARD))
def test_forms_that_a_reader_would_not_recognise_do_not_match(locale, said, info):
    assert not mentions(said, info)


def test_the_table_is_wide():
    assert len(pairs(HEARD)) + len(pairs(NOT_HEARD)) >= 300
    assert len(HEARD) >= 12


@given(st.decimals(0, 10**9, places=2), st.sampled_from("\u00a0 .'\u202f"))
def test_an_amount_is_heard_however_its_thousands_are_separated(amount, mark):
    english = f"{amount:,.2f}"
    whole, fraction = english.split(".")
    decimal_mark = "," if mark == "." else "."
    written = whole.replace(",", mark) + decimal_mark + fraction
    assert mentions(f"You get EUR {written} back.", str(amount))


@given(st.text(max_size=60), st.text(max_size=12))
def test_any_text_is_read(said, info):
    assert mentions(said, info) in {True, False}


@given(st.text(max_size=60), st.from_regex(r"[a-z]{1,9}( [a-z]{1,9}){0,3}", fullmatch=True))
def test_words_between_spaces_are_heard_whatever_stands_around(said, info):
    assert mentions(f"{said} \n {info} \n {said}", info)
