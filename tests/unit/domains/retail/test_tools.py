"""What the retail agent can do, and every reason for which the shop refuses it."""

from __future__ import annotations

import json

import pytest

NEW_HOME = {
    "address1": "9 Oak Road", "address2": "Apt 2", "city": "Boise", "state": "ID", "country": "USA",
    "zip": "83702",
}  # fmt: skip


# --- cancelling ---


def test_a_cancelled_order_is_refunded_where_it_was_paid(desk):
    order = json.loads(desk.does("cancel_pending_order", order_id="#P1", reason="no longer needed"))
    assert (order["status"], order["cancel_reason"]) == ("cancelled", "no longer needed")
    refund = {"transaction_type": "refund", "amount": 40.4, "payment_method_id": "visa"}
    assert order["payment_history"][1:] == [refund]


def test_a_gift_card_has_the_refund_at_once(desk):
    desk.does("cancel_pending_order", order_id="#P2", reason="ordered by mistake")
    assert desk.gift_balance == 70.7


def test_after_a_change_of_payment_only_the_new_method_is_refunded(desk):
    desk.does("modify_pending_order_payment", order_id="#P1", payment_method_id="gift")
    desk.does("cancel_pending_order", order_id="#P1", reason="no longer needed")
    refunds = [p.payment_method_id for p in desk.db.orders["#P1"].payment_history[3:]]
    assert refunds == ["gift"]
    assert desk.gift_balance == 50.5


def test_strict_compat_refunds_every_entry_as_the_original_does(strict_desk):
    strict_desk.does("modify_pending_order_payment", order_id="#P1", payment_method_id="gift")
    strict_desk.does("cancel_pending_order", order_id="#P1", reason="no longer needed")
    assert len(strict_desk.db.orders["#P1"].payment_history) == 6


@pytest.mark.parametrize(("order_id", "reason", "text"), [
    ("#P1", "too slow", "reason"),
    ("#P1", "", "reason"),
    ("#D1", "no longer needed", "Non-pending"),
    ("#S1", "no longer needed", "Non-pending"),
    ("#X", "no longer needed", "Order not found"),
])  # fmt: skip
def test_cancelling_is_refused(desk, order_id, reason, text):
    assert text in desk.refuses("cancel_pending_order", order_id=order_id, reason=reason)


def test_an_unaccepted_reason_is_refused_by_the_tool_itself(strict_desk):
    assert "Invalid reason" in strict_desk.refuses(
        "cancel_pending_order", order_id="#P1", reason="too slow"
    )


# --- addresses ---


def test_a_pending_order_goes_elsewhere_and_the_profile_stays(desk):
    desk.does("modify_pending_order_address", order_id="#P1", **NEW_HOME)
    assert desk.db.orders["#P1"].address.model_dump() == NEW_HOME
    assert desk.db.users["ann_oak_1"].address.city == "Reno"


def test_the_address_can_be_changed_even_after_the_items(desk):
    change_items(desk)
    desk.does("modify_pending_order_address", order_id="#P1", **NEW_HOME)


def test_a_sent_order_cannot_be_redirected(desk):
    assert "Non-pending" in desk.refuses("modify_pending_order_address", order_id="#S1", **NEW_HOME)


def test_the_default_address_changes_no_order(desk):
    desk.does("modify_user_address", user_id="ann_oak_1", **NEW_HOME)
    assert desk.db.users["ann_oak_1"].address.model_dump() == NEW_HOME
    assert desk.db.orders["#P1"].address.city == "Reno"


def test_unknown_customers_cannot_move(desk):
    assert "User not found" in desk.refuses("modify_user_address", user_id="x", **NEW_HOME)


@pytest.mark.parametrize("wrong", [None, ["83702"], {"zip": 1}])
def test_addresses_of_the_wrong_type_are_refused(desk, strict_desk, wrong):
    for each in (desk, strict_desk):
        each.refuses("modify_user_address", user_id="ann_oak_1", **{**NEW_HOME, "zip": wrong})


# --- items of pending orders ---


def change_items(desk, items=("mug-red",), new=("mug-blue",), method="visa", order_id="#P1"):
    arguments = {"item_ids": list(items), "new_item_ids": list(new), "payment_method_id": method}
    return json.loads(desk.does("modify_pending_order_items", order_id=order_id, **arguments))


def test_an_item_is_swapped_and_the_difference_paid(desk):
    order = change_items(desk)
    assert order["status"] == "pending (item modified)"
    swapped = order["items"][0]
    assert (swapped["item_id"], swapped["price"], swapped["options"]) == (
        "mug-blue",
        12.35,
        {"color": "blue"},
    )
    paid = {"transaction_type": "payment", "amount": 2.25, "payment_method_id": "visa"}
    assert order["payment_history"][1:] == [paid]


def test_a_cheaper_item_gives_money_back_to_the_gift_card(desk):
    order = change_items(desk, ["hat-gray"], ["hat-pink"], "gift")
    assert order["payment_history"][1]["transaction_type"] == "refund"
    assert desk.gift_balance == 55.65


def test_several_items_get_their_own_prices_and_options(desk):
    order = change_items(desk, ["mug-red", "hat-gray"], ["mug-blue", "hat-pink"])
    assert [(i["item_id"], i["price"]) for i in order["items"]] == [
        ("mug-blue", 12.35),
        ("hat-pink", 25.15),
    ]
    assert [i["options"]["color"] for i in order["items"]] == ["blue", "pink"]


def test_strict_compat_gives_all_items_the_last_price_and_options(strict_desk):
    order = change_items(strict_desk, ["mug-red", "hat-gray"], ["mug-blue", "hat-pink"])
    assert [(i["item_id"], i["price"]) for i in order["items"]] == [
        ("mug-blue", 25.15),
        ("hat-pink", 25.15),
    ]
    assert [i["options"]["color"] for i in order["items"]] == ["pink", "pink"]


@pytest.mark.parametrize("strict", [False, True])
def test_twins_of_one_order_are_swapped_one_by_one(desk, strict_desk, strict):
    each = strict_desk if strict else desk
    order = change_items(each, ["mug-red", "mug-red"], ["mug-blue", "mug-gold"], "visa", "#P2")
    assert [i["item_id"] for i in order["items"]] == ["mug-blue", "mug-gold"]


def test_swapped_options_do_not_belong_to_the_product(desk):
    change_items(desk)
    desk.db.orders["#P1"].items[0].options["color"] = "painted"
    assert desk.db.products["mug"].variants["mug-blue"].options["color"] == "blue"


@pytest.mark.parametrize(("items", "new", "method", "text"), [
    (["mug-red"], ["mug-red"], "visa", "different from the old"),
    (["mug-red"], ["mug-none"], "visa", "not found or available"),
    (["mug-red"], ["hat-pink"], "visa", "Variant not found"),
    (["mug-red"], ["mug-blue", "hat-pink"], "visa", "should match"),
    (["mug-blue"], ["mug-red"], "visa", "not found"),
    (["mug-red", "mug-red"], ["mug-blue", "mug-blue"], "visa", "not found"),
    (["mug-red"], ["mug-gold"], "gift", "Insufficient gift card balance"),
    (["mug-red"], ["mug-blue"], "bobs", "Payment method not found"),
    ([], [], "visa", "at least one item"),
])  # fmt: skip
def test_changing_items_is_refused(desk, items, new, method, text):
    arguments = {"item_ids": items, "new_item_ids": new, "payment_method_id": method}
    assert text in desk.refuses("modify_pending_order_items", order_id="#P1", **arguments)


def test_items_are_changed_once_and_then_nothing_but_the_address(desk):
    change_items(desk)
    again = {"item_ids": ["hat-gray"], "new_item_ids": ["hat-pink"], "payment_method_id": "visa"}
    desk.refuses("modify_pending_order_items", order_id="#P1", **again)
    desk.refuses("modify_pending_order_payment", order_id="#P1", payment_method_id="paypal")
    desk.refuses("cancel_pending_order", order_id="#P1", reason="no longer needed")


# --- payment ---


def test_another_method_pays_and_the_old_one_is_refunded(desk):
    order = json.loads(
        desk.does("modify_pending_order_payment", order_id="#P1", payment_method_id="gift")
    )
    moved = [(p["transaction_type"], p["payment_method_id"]) for p in order["payment_history"]]
    assert moved == [("payment", "visa"), ("payment", "gift"), ("refund", "visa")]
    assert desk.gift_balance == 10.1
    assert order["status"] == "pending"


def test_money_returns_to_the_gift_card_that_paid(desk):
    desk.does("modify_pending_order_payment", order_id="#P2", payment_method_id="paypal")
    assert desk.gift_balance == 70.7


@pytest.mark.parametrize(("order_id", "method", "text"), [
    ("#P1", "visa", "different from the current"),
    ("#P1", "bobs", "Payment method not found"),
    ("#D1", "paypal", "Non-pending"),
    ("#X", "paypal", "Order not found"),
])  # fmt: skip
def test_changing_the_payment_is_refused(desk, order_id, method, text):
    assert text in desk.refuses(
        "modify_pending_order_payment", order_id=order_id, payment_method_id=method
    )


def test_a_gift_card_must_cover_the_whole_order(desk):
    desk.db.users["ann_oak_1"].payment_methods["gift"].balance = 40.39
    assert "Insufficient" in desk.refuses(
        "modify_pending_order_payment", order_id="#P1", payment_method_id="gift"
    )


def test_the_payment_is_changed_once(desk):
    desk.does("modify_pending_order_payment", order_id="#P1", payment_method_id="paypal")
    assert "exactly one payment" in desk.refuses(
        "modify_pending_order_payment", order_id="#P1", payment_method_id="gift"
    )


# --- returns and exchanges ---


@pytest.mark.parametrize("method", ["visa", "gift"])
def test_a_return_goes_to_the_original_method_or_a_gift_card(desk, method):
    arguments = {"item_ids": ["mug-red", "hat-gray"], "payment_method_id": method}
    order = json.loads(desk.does("return_delivered_order_items", order_id="#D1", **arguments))
    assert order["status"] == "return requested"
    assert order["return_items"] == ["hat-gray", "mug-red"]
    assert order["return_payment_method_id"] == method
    assert desk.gift_balance == 50.5  # the money comes when the items do


@pytest.mark.parametrize(("order_id", "items", "method", "text"), [
    ("#D1", ["mug-red"], "paypal", "original payment method"),
    ("#D1", ["mug-red"], "bobs", "Payment method not found"),
    ("#D1", ["mug-blue"], "visa", "item not found"),
    ("#D1", ["mug-red", "mug-red"], "visa", "item not found"),
    ("#D1", [], "visa", "at least one item"),
    ("#S1", ["hat-pink"], "visa", "Non-delivered"),
])  # fmt: skip
def test_a_return_is_refused(desk, order_id, items, method, text):
    arguments = {"item_ids": items, "payment_method_id": method}
    assert text in desk.refuses("return_delivered_order_items", order_id=order_id, **arguments)


def exchange(order_id="#D1", items=("mug-red",), new=("mug-blue",), method="visa"):
    return {
        "order_id": order_id, "item_ids": list(items), "new_item_ids": list(new),
        "payment_method_id": method,
    }  # fmt: skip


def test_an_exchange_is_noted_with_its_price_difference(desk):
    arguments = exchange(items=("mug-red", "hat-gray"), new=("mug-blue", "hat-pink"))
    order = json.loads(desk.does("exchange_delivered_order_items", **arguments))
    assert order["status"] == "exchange requested"
    assert (order["exchange_items"], order["exchange_new_items"]) == (
        ["hat-gray", "mug-red"],
        ["hat-pink", "mug-blue"],
    )
    assert order["exchange_price_difference"] == -2.9
    assert order["items"][0]["item_id"] == "mug-red"  # the new items come later


@pytest.mark.parametrize(("arguments", "text"), [
    (exchange(new=("mug-none",)), "not found or available"),
    (exchange(new=("hat-pink",)), "Variant not found"),
    (exchange(new=()), "should match"),
    (exchange(items=("mug-blue",)), "not found"),
    (exchange(method="bobs"), "Payment method not found"),
    (exchange(new=("mug-gold",), method="gift"), "Insufficient gift card balance"),
    (exchange(order_id="#P1"), "Non-delivered"),
    (exchange(items=(), new=()), "at least one item"),
])  # fmt: skip
def test_an_exchange_is_refused(desk, arguments, text):
    assert text in desk.refuses("exchange_delivered_order_items", **arguments)


def test_one_order_has_either_a_return_or_an_exchange(desk):
    desk.does("exchange_delivered_order_items", **exchange())
    desk.refuses(
        "return_delivered_order_items",
        order_id="#D1",
        item_ids=["hat-gray"],
        payment_method_id="visa",
    )
    desk.does(
        "return_delivered_order_items",
        order_id="#D2",
        item_ids=["mug-blue"],
        payment_method_id="gift",
    )
    desk.refuses("exchange_delivered_order_items", **exchange("#D2", ["mug-blue"], ["mug-red"]))


# --- arguments as models send them ---


def test_unknown_tools_and_arguments_are_errors(desk):
    desk.refuses("delete_order", order_id="#P1")
    desk.refuses("get_order_details", order_id="#P1", verbose=True)
    desk.refuses("get_order_details")


@pytest.mark.parametrize("wrong", [None, 5, {"a": 1}, "mug-red", [["mug-red"]]])
def test_item_lists_of_the_wrong_type_are_refused_in_either_mode(desk, strict_desk, wrong):
    for each in (desk, strict_desk):
        arguments = {"item_ids": wrong, "payment_method_id": "visa"}
        each.refuses("return_delivered_order_items", order_id="#D1", **arguments)


def test_strict_compat_takes_an_empty_list_as_the_original_does(strict_desk):
    strict_desk.does(
        "return_delivered_order_items", order_id="#D1", item_ids=[], payment_method_id="visa"
    )
    assert strict_desk.db.orders["#D1"].return_items == []
