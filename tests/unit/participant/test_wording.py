"""Tool names and arguments in plain words."""

from __future__ import annotations

import pytest

from tau2.participant import wording


@pytest.mark.parametrize(
    ("name", "to_do", "was_done"),
    [
        ("cancel_pending_order", "cancel the pending order", "cancelled the pending order"),
        ("create_task", "create a task", "created a task"),
        ("send_invoice", "send an invoice", "sent an invoice"),
        ("add_guests", "add guests", "added guests"),
        ("set_apn_settings", "set the APN settings", "set the APN settings"),
        ("reseat_sim_card", "reseat the SIM card", "reseated the SIM card"),
        ("modify_order_items", "modify the order items", "modified the order items"),
        ("find_all_flights", "find all flights", "found all flights"),
        ("think", "think", "thinked"),
    ],
)
def test_a_tool_name_becomes_an_action_and_a_past_action(
    name: str, to_do: str, was_done: str
) -> None:
    assert wording.action_in_words(name) == to_do
    assert wording.past_action(name) == was_done


def test_joined_puts_parts_together() -> None:
    assert wording.listing(["a", "b", "c"]) == "a, b and c"
    assert wording.listing([]) == ""
    assert wording.sentence("go on") == "Go on."
    assert wording.sentence('He said "no."') == 'He said "no."'
    assert wording.joined(["One.", "", "Two."]) == "One. Two."
