"""What the retail agent can look up."""

from __future__ import annotations

import json

import pytest


def test_customers_are_found_by_email_in_any_case(desk):
    assert desk.does("find_user_id_by_email", email="ANN@example.COM") == "ann_oak_1"


def test_customers_are_found_by_name_and_zip(desk):
    assert (
        desk.does("find_user_id_by_name_zip", first_name="aNN", last_name="OAK", zip="89501")
        == "ann_oak_1"
    )


def test_a_zip_code_given_as_a_number_is_understood(desk):
    assert (
        desk.does("find_user_id_by_name_zip", first_name="Bob", last_name="Elm", zip=89501)
        == "bob_elm_2"
    )


def test_a_changed_address_is_what_counts_for_finding(desk):
    desk.db.users["ann_oak_1"].address.zip = "10001"
    assert (
        desk.does("find_user_id_by_name_zip", first_name="Ann", last_name="Oak", zip="10001")
        == "ann_oak_1"
    )
    desk.refuses("find_user_id_by_name_zip", first_name="Ann", last_name="Oak", zip="89501")


@pytest.mark.parametrize(("tool", "key", "known"), [
    ("get_user_details", "user_id", "ann_oak_1"),
    ("get_order_details", "order_id", "#P1"),
    ("get_product_details", "product_id", "mug"),
    ("get_item_details", "item_id", "hat-pink"),
])  # fmt: skip
def test_records_are_shown_whole(desk, tool, key, known):
    assert json.loads(desk.does(tool, **{key: known}))[key] == known


@pytest.mark.parametrize(("tool", "arguments", "text"), [
    ("find_user_id_by_email", {"email": "nobody@example.com"}, "User not found"),
    ("find_user_id_by_name_zip", {"first_name": "Ann", "last_name": "Oak", "zip": "1"},
     "User not found"),
    ("get_user_details", {"user_id": "x"}, "User not found"),
    ("get_order_details", {"order_id": "P1"}, "Order not found"),
    ("get_product_details", {"product_id": "mug-red"}, "Product not found"),
    ("get_item_details", {"item_id": "mug"}, "Item not found"),
    ("calculate", {"expression": "2 & 3"}, "Invalid characters"),
])  # fmt: skip
def test_what_is_not_there_is_an_error(desk, tool, arguments, text):
    assert text in desk.refuses(tool, **arguments)


def test_product_types_are_listed_by_name(desk):
    assert desk.does("list_all_product_types") == '{"Hat": "hat", "Mug": "mug"}'


def test_arithmetic_is_rounded_to_cents(desk):
    assert desk.does("calculate", expression="(10.1 + 2.25) / 3") == "4.12"


def test_a_transfer_is_confirmed_and_changes_nothing(desk):
    before = desk.db.get_hash()
    assert (
        desk.does("transfer_to_human_agents", summary="wants a new order") == "Transfer successful"
    )
    assert desk.db.get_hash() == before


def test_what_a_lookup_returns_is_not_the_shared_record(db, desk):
    shown = desk.env.fork()
    shown.use_tool("get_order_details", order_id="#P1").items.clear()
    assert len(desk.db.orders["#P1"].items) == 2
