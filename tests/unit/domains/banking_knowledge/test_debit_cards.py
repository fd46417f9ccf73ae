"""Debit cards: ordering, activation, blocks, PINs and limits."""

from __future__ import annotations

import json

import pytest
from tests.unit.domains.banking_knowledge.teller import TODAY, Teller, account, card

from tau2.domains.banking_knowledge import ids

ORDER = "order_debit_card_5739"
CLOSE = "close_debit_card_4721"
RAISE = "request_temporary_debit_card_limit_increase_8374"
CLEAR = "clear_debit_card_fraud_alert_4892"
PARCEL = {
    "account_id": "chk",
    "user_id": "ann",
    "delivery_option": "expedited",
    "delivery_fee": 15,
    "card_design": "Classic",
    "design_fee": 0,
    "shipping_address": "1 Elm Street",
}


@pytest.fixture(params=[True, False], ids=["strict", "ours"])
def bank(request) -> Teller:
    return Teller(strict_compat=request.param)


@pytest.fixture
def strict() -> Teller:
    return Teller(strict_compat=True)


@pytest.fixture
def ours() -> Teller:
    return Teller(strict_compat=False)


def ordered(bank, **changes):
    before = set(bank.db.debit_cards)
    bank.does(ORDER, **{**PARCEL, **changes})
    (card_id,) = set(bank.db.debit_cards) - before
    return bank.db.debit_cards[card_id]


def test_an_order_brings_a_card_that_waits_and_charges_its_fees(bank):
    record = ordered(bank)
    assert record["status"] == "PENDING"
    assert record["cardholder_name"] == "ANN LEE"
    assert record["expiration_date"] == "11/30/2029"
    assert record["issue_reason"] == "new_account"
    assert record["card_design"] == "CLASSIC"
    assert record["last_4_digits"] == ids.debit_card_last_4(record["card_id"])
    (order,) = bank.db.debit_card_orders.values()
    assert (order["delivery_option"], order["expected_delivery"]) == (
        "EXPEDITED",
        "3-5 business days",
    )
    assert order["total_fee"] == 15.0
    assert bank.holds("chk") == "485.00"
    (fee,) = bank.db.bank_account_transaction_history.values()
    assert fee["amount"] == -15.0
    assert fee["description"] == "DEBIT CARD ORDER FEE - Delivery $15.0"
    assert fee["transaction_id"] == "btxn_dcfee_" + order["order_id"][-8:]


def test_every_fee_of_an_order_is_named(bank):
    ordered(bank, design_fee=10.0, excess_replacement_fee=25.0)
    (fee,) = bank.db.bank_account_transaction_history.values()
    assert fee["description"] == (
        "DEBIT CARD ORDER FEE - Delivery $15.0, Design $10.0, Excess Replacement $25.0"
    )
    assert fee["amount"] == -50.0


@pytest.mark.parametrize("name", ["delivery_fee", "design_fee"])
@pytest.mark.parametrize("value", [None, "", "unknown_9"])
def test_a_fee_that_is_no_number_is_refused_as_other_amounts_are(strict, name, value):
    strict.cannot(ORDER, f"{name} must be a number", **{**PARCEL, name: value})


def test_an_order_without_fees_charges_nothing(bank):
    ordered(bank, delivery_fee=0)
    assert bank.holds("chk") == "500.00"
    assert not bank.db.bank_account_transaction_history


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"shipping_address": ""}, "shipping_address"),
        ({"delivery_option": "PIGEON"}, "must be one of"),
        ({"card_design": "GOLD"}, "must be one of"),
        ({"delivery_fee": -1}, "less than 0"),
        ({"account_id": "x"}, "no bank account"),
        ({"account_id": "sav"}, "no open personal checking account"),
        ({"user_id": "bob"}, "not the customer's"),
        ({"design_fee": 486}, "the fees are"),
    ],
)
def test_an_order_is_refused(bank, changes, why):
    bank.cannot(ORDER, why, **{**PARCEL, **changes})


def test_an_account_has_one_card_and_one_order_at_a_time(bank):
    bank.has("debit_cards", card("old", "chk"))
    bank.cannot(ORDER, "active card", **PARCEL)
    bank.does(CLOSE, card_id="old", reason="fraud_suspected")
    assert ordered(bank)["issue_reason"] == "fraud"
    bank.cannot(ORDER, "ordered for this account already", **PARCEL)


@pytest.mark.parametrize(
    ("closed_for", "issued_for"),
    [("lost", "lost"), ("stolen", "stolen"), ("damaged", "first_card"), (None, "first_card")],
)
def test_a_card_is_issued_for_what_happened_to_the_last_one(bank, closed_for, issued_for):
    bank.has("debit_cards", card("old", "chk", status="CLOSED", closure_reason=closed_for))
    assert ordered(bank)["issue_reason"] == issued_for


def test_a_balance_with_a_dollar_sign_is_read_only_by_us(strict, ours):
    for bank in (strict, ours):
        bank.has("accounts", account("chk", "ann", current_holdings="$500.00"))
    strict.cannot(ORDER, "it holds $0.00", **PARCEL)
    ordered(ours)
    for bank in (strict, ours):
        bank.has("accounts", account("chk", "ann", current_holdings="24.99"))
    strict.cannot(ORDER, "has to hold $25.00", **PARCEL)
    strict.has("accounts", account("chk", "ann", current_holdings="1,500.00"))
    strict.cannot(ORDER, "it holds $0.00", **PARCEL)


WAITING = {"status": "PENDING", "issue_reason": "lost"}
READ = {
    "card_id": "new",
    "last_4_digits": "1234",
    "expiration_date": "01/28",
    "cvv": "739",
    "pin": "4821",
}


def test_a_replacement_takes_the_place_of_the_active_card(bank):
    bank.has("debit_cards", card("old", "chk"))
    bank.has("debit_cards", card("new", "chk", **WAITING))
    bank.does("activate_debit_card_8292", **READ)
    new, old = bank.db.debit_cards["new"], bank.db.debit_cards["old"]
    assert (new["status"], new["activated_date"]) == ("ACTIVE", TODAY)
    assert (old["status"], old["deactivated_date"]) == ("DEACTIVATED", TODAY)


def test_a_reissued_card_leaves_the_old_one_a_day(bank):
    bank.has("debit_cards", card("old", "chk"))
    bank.has("debit_cards", card("new", "chk", status="PENDING", issue_reason="expired"))
    bank.does("activate_debit_card_8293", **READ)
    old = bank.db.debit_cards["old"]
    assert (old["status"], old["grace_period_ends"]) == ("GRACE_PERIOD", "11/15/2025")


def test_the_wrong_tool_names_the_right_one(bank):
    bank.has("debit_cards", card("new", "chk", **WAITING))
    bank.cannot("activate_debit_card_8291", "use activate_debit_card_8292", **READ)
    bank.cannot("activate_debit_card_8293", "use activate_debit_card_8292", **READ)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"pin": "1234"}, "sequence"),
        ({"pin": "9876"}, "sequence"),
        ({"pin": "7777"}, "all the same"),
        ({"pin": "482"}, "4 digits"),
        ({"pin": "48a1"}, "4 digits"),
        ({"cvv": "12"}, "3 digits"),
        ({"last_4_digits": "9999"}, "last four digits"),
        ({"card_id": "x"}, "no debit card"),
        ({"expiration_date": ""}, "expiration_date"),
    ],
)
def test_an_activation_is_refused(bank, changes, why):
    bank.has("debit_cards", card("new", "chk", **WAITING))
    bank.cannot("activate_debit_card_8292", why, **{**READ, **changes})


def test_a_card_is_activated_once_and_for_an_open_account(bank):
    bank.has("debit_cards", card("new", "chk", issue_reason="lost"))
    bank.cannot("activate_debit_card_8292", "not PENDING", **READ)
    bank.has("debit_cards", card("new", "chk", **WAITING))
    bank.has("accounts", account("chk", "ann", status="CLOSED"))
    bank.cannot("activate_debit_card_8292", "not open", **READ)


@pytest.mark.parametrize("wrong", [{"cvv": "000"}, {"expiration_date": "02/28"}])
def test_what_stands_on_the_card_is_compared_only_by_us(strict, ours, wrong):
    for bank in (strict, ours):
        bank.has("debit_cards", card("new", "chk", **WAITING))
    strict.does("activate_debit_card_8292", **{**READ, **wrong})
    ours.cannot("activate_debit_card_8292", "expiration date or the cvv", **{**READ, **wrong})


def test_digits_given_as_numbers_are_an_error_of_the_tool_with_the_original(strict):
    strict.has("debit_cards", card("new", "chk", **WAITING))
    with pytest.raises(AttributeError):
        strict.does("activate_debit_card_8292", **{**READ, "cvv": 739.0})
    with pytest.raises(AttributeError):
        strict.does(
            "reset_debit_card_pin_6284", card_id="new", last_4_digits="1234", new_pin=4821.0
        )


def test_a_card_is_frozen_thawed_and_closed(bank):
    bank.has("debit_cards", card("dbc", "chk"))
    bank.cannot("unfreeze_debit_card_3893", "not FROZEN", card_id="dbc")
    bank.does("freeze_debit_card_3892", card_id="dbc")
    bank.cannot("freeze_debit_card_3892", "not ACTIVE", card_id="dbc")
    bank.cannot(CLOSE, "not ACTIVE or PENDING", card_id="dbc", reason="lost")
    bank.does("unfreeze_debit_card_3893", card_id="dbc")
    bank.cannot(CLOSE, "must be one of", card_id="dbc", reason="bored")
    bank.does(CLOSE, card_id="dbc", reason="lost")
    record = bank.db.debit_cards["dbc"]
    assert (record["frozen_date"], record["unfrozen_date"], record["closed_date"]) == (TODAY,) * 3
    assert (record["status"], record["closure_reason"]) == ("CLOSED", "lost")


def test_a_card_of_a_closed_account_stays_frozen(bank):
    bank.has("debit_cards", card("dbc", "chk", status="FROZEN"))
    bank.has("accounts", account("chk", "ann", status="CLOSED"))
    bank.cannot("unfreeze_debit_card_3893", "not open", card_id="dbc")


def test_alerts_of_customers_and_blocks_are_cleared(bank):
    alert = {"fraud_alert_active": True, "alert_source": "customer_initiated"}
    bank.has("debit_cards", card("dbc", "chk", **alert, velocity_blocked=True))
    bank.does(CLEAR, card_id="dbc", reason="velocity_clear")
    bank.does(CLEAR, card_id="dbc", reason="customer_verified")
    record = bank.db.debit_cards["dbc"]
    assert (record["velocity_blocked"], record["fraud_alert_active"]) == (False, False)
    assert record["alert_source"] is None
    bank.cannot(CLEAR, "no velocity block", card_id="dbc", reason="velocity_clear")
    bank.cannot(CLEAR, "no fraud alert", card_id="dbc", reason="customer_verified")
    bank.cannot(CLEAR, "must be one of", card_id="dbc", reason="please")


def test_an_alert_of_the_bank_is_not_cleared(bank):
    alert = {"fraud_alert_active": True, "alert_source": "bank_initiated"}
    bank.has("debit_cards", card("dbc", "chk", **alert))
    bank.cannot(CLEAR, "security team", card_id="dbc", reason="customer_verified")


def test_a_pin_is_reset_and_changed(bank):
    bank.has("debit_cards", card("dbc", "chk", pin_locked=True, pin_attempts_remaining=0))
    reset = {"card_id": "dbc", "last_4_digits": "1234", "new_pin": "2589"}
    bank.cannot("reset_debit_card_pin_6284", "last four", **{**reset, "last_4_digits": "1"})
    bank.does("reset_debit_card_pin_6284", **reset)
    record = bank.db.debit_cards["dbc"]
    assert (record["pin_locked"], record["pin_attempts_remaining"]) == (False, 3)
    assert record["pin_last_changed"] == TODAY
    change = {"card_id": "dbc", "current_pin": "2589", "new_pin": "2589"}
    bank.cannot("change_debit_card_pin_6285", "present one", **change)
    bank.does("change_debit_card_pin_6285", **{**change, "new_pin": "8127"})
    bank.does("freeze_debit_card_3892", card_id="dbc")
    bank.cannot("reset_debit_card_pin_6284", "not ACTIVE", **reset)


def test_recurring_payments_are_blocked(bank):
    bank.has("debit_cards", card("dbc", "chk"))
    for blocked in (True, False):
        bank.does("set_debit_card_recurring_block_7382", card_id="dbc", block_recurring=blocked)
        assert bank.db.debit_cards["dbc"]["recurring_blocked"] is blocked
    bank.cannot(
        "set_debit_card_recurring_block_7382", "no debit card", card_id="x", block_recurring=True
    )


def test_a_block_that_is_neither_set_nor_lifted_is_refused(strict):
    strict.has("debit_cards", card("dbc", "chk"))
    tool = "set_debit_card_recurring_block_7382"
    strict.cannot(tool, "not be null", card_id="dbc", block_recurring=None)


def test_a_limit_is_raised_by_half_for_a_day(bank):
    bank.has("debit_cards", card("dbc", "chk", daily_purchase_limit=1001))
    for limit, highest, present in (("atm", 750, 500), ("purchase", 1501, 1001)):
        call = {"card_id": "dbc", "limit_type": limit}
        bank.cannot(RAISE, "at most", **call, new_limit=highest + 1)
        bank.cannot(RAISE, "at most", **call, new_limit=present)
        bank.does(RAISE, **call, new_limit=float(highest))
        record = bank.db.debit_cards["dbc"]
        assert json.dumps(record[f"daily_{limit}_limit"]) == str(highest)
        assert record[f"original_{limit}_limit"] == present
        assert record[f"temporary_{limit}_limit_increase"] is True
    bank.cannot(RAISE, "must be one of", card_id="dbc", limit_type="all", new_limit=1)


def test_a_limit_that_is_no_number_is_refused(strict):
    strict.has("debit_cards", card("dbc", "chk"))
    strict.cannot(RAISE, "must be a number", card_id="dbc", limit_type="atm", new_limit="unknown_9")
    strict.cannot(RAISE, "new_limit", card_id="dbc", limit_type="atm", new_limit=None)


def test_limits_of_new_or_light_green_accounts_are_not_raised(bank):
    call = {"card_id": "dbc", "limit_type": "atm", "new_limit": 600}
    bank.has("debit_cards", card("dbc", "chk"))
    bank.has("accounts", account("chk", "ann", date_opened="09/16/2025"))
    bank.cannot(RAISE, "60 days", **call)
    bank.has("accounts", account("chk", "ann", level="Light Green Account"))
    bank.cannot(RAISE, "cannot be raised", **call)
    bank.has("accounts", account("chk", "ann", status="CLOSED"))
    bank.cannot(RAISE, "not open", **call)


def test_cards_are_shown_in_the_order_of_their_dates_only_by_us(strict, ours):
    for bank, expected in ((strict, ["old", "new"]), (ours, ["new", "old"])):
        bank.has("debit_cards", card("old", "chk", issue_date="12/31/2024"))
        bank.has("debit_cards", card("new", "chk", issue_date="01/15/2025"))
        shown = json.loads(bank.does("get_debit_cards_by_account_id_7823", account_id="chk"))
        assert [each["card_id"] for each in shown] == expected
        assert shown[0]["card_number_last_4"] == "1234"
        assert "date_issued" in shown[0]
        bank.cannot("get_debit_cards_by_account_id_7823", "no checking", account_id="sav")
        bank.cannot("get_debit_cards_by_account_id_7823", "no bank account", account_id="x")
