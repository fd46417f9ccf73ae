"""What the agent and the customer do at the bank, as the original does it and as ours does."""

from __future__ import annotations

import pytest
from tests.unit.domains.banking_knowledge.branch import TABLES, TODAY, Branch

from tau2.data_model.tasks import InitializationData

FULL_DISPUTE = {
    "transaction_id": "txn_9",
    "card_action": "keep_active",
    "card_last_4_digits": "1234",
    "full_name": "Ann Lee",
    "user_id": "ann",
    "phone": "555-0100",
    "email": "ann@lee.example",
    "address": "1 Quay, Dover",
    "contacted_merchant": False,
    "purchase_date": "11/01/2025",
    "issue_noticed_date": "11/02/2025",
    "dispute_reason": "duplicate_charge",
    "resolution_requested": "full_refund",
    "eligible_for_provisional_credit": True,
}
DEBIT_DISPUTE = {
    "transaction_id": "btxn_9",
    "account_id": "chk",
    "card_id": "dbc",
    "user_id": "ann",
    "dispute_category": "card_present_fraud",
    "transaction_date": "11/01/2025",
    "discovery_date": "11/02/2025",
    "disputed_amount": 80,
    "transaction_type": "pin_purchase",
    "card_in_possession": True,
    "pin_compromised": "yes_shared",
    "contacted_merchant": False,
    "police_report_filed": False,
    "written_statement_provided": True,
    "provisional_credit_eligible": False,
    "customer_max_liability_amount": -1,
    "card_action": "keep_active",
}


@pytest.fixture(params=[True, False], ids=["strict", "ours"])
def bank(request) -> Branch:
    return Branch(strict_compat=request.param)


@pytest.fixture
def strict() -> Branch:
    return Branch(strict_compat=True)


@pytest.fixture
def ours() -> Branch:
    return Branch(strict_compat=False)


def only(records):
    (record,) = records.values()
    return dict(record)


def test_a_verification_is_logged_once(bank):
    told = {"name": "Ann Lee", "user_id": "ann", "address": "1 Quay", "email": "ann@lee.example",
            "phone_number": "555-0100", "date_of_birth": "01/02/1990"}  # fmt: skip
    time = bank.agent("get_current_time").content
    first = bank.agent("log_verification", **told, time_verified=time)

    assert not first.error
    assert only(bank.db.verification_history) == {**told, "time_verified": time}
    assert list(bank.db.verification_history) == ["ann_20251114_034000_EST"]
    bank.refuses(bank.agent("log_verification", **told, time_verified=time), "already")


def test_look_ups_and_the_email_address(bank):
    assert (
        "Record ID: ann"
        in bank.agent("get_user_information_by_name", customer_name="Ann Lee").content
    )
    assert (
        "No records" in bank.agent("get_user_information_by_name", customer_name="ann lee").content
    )
    assert (
        "Record ID: cc\n" in bank.agent("get_credit_card_accounts_by_user", user_id="ann").content
    )

    bank.agent("change_user_email", user_id="ann", new_email="a@b.example")

    assert bank.db.users["ann"]["email"] == "a@b.example"
    bank.refuses(bank.agent("change_user_email", user_id="nobody", new_email="x"), "no user")


def test_only_a_known_reason_transfers(strict, ours):
    tool = "transfer_to_human_agents"
    assert not ours.agent(tool, summary="").error
    strict.refuses(strict.agent(tool, summary="", reason="boredom"), "reason must be one of")
    assert ours.agent(tool, summary="", reason="boredom").error


def test_rewards_are_corrected(bank):
    tool = "update_transaction_rewards_3847"
    assert not bank.uses(tool, transaction_id="txn_1", new_rewards_earned="50 points").error
    assert bank.db.credit_card_transaction_history["txn_1"]["rewards_earned"] == "50 points"
    bank.refuses(bank.uses(tool, transaction_id="txn_7", new_rewards_earned="1 points"), "txn_7")


def test_a_refused_write_is_logged_by_the_original_only(strict, ours):
    for bank in (strict, ours):
        bank.uses("update_transaction_rewards_3847", transaction_id="no", new_rewards_earned="1")
    assert len(strict.db.agent_discoverable_tools) == 1
    assert not ours.db.agent_discoverable_tools


def test_a_credit_card_dispute_keeps_what_it_was_told(bank):
    tool = "file_credit_card_transaction_dispute_4829"
    assert not bank.uses(tool, **FULL_DISPUTE).error

    dispute = only(bank.db.transaction_disputes)
    assert dispute.pop("dispute_id").startswith("dsp_")
    assert dispute == {
        **FULL_DISPUTE,
        "partial_refund_amount": None,
        "provisional_credit_given": True,
        "submitted_at": TODAY,
        "status": "SUBMITTED",
    }
    bank.refuses(bank.uses(tool, **FULL_DISPUTE), "already disputed")
    other = {**FULL_DISPUTE, "transaction_id": "txn_10"}
    partial = {**other, "resolution_requested": "partial_refund"}
    bank.refuses(bank.uses(tool, **partial), "partial_refund_amount")
    bank.refuses(bank.uses(tool, **{**other, "phone": ""}), "phone must not be empty")
    assert "txn_9" in bank.uses("get_user_dispute_history_7291", user_id="ann").content


def test_a_debit_card_dispute_says_what_follows_from_it(bank):
    tool = "file_debit_card_transaction_dispute_6281"
    assert not bank.uses(tool, **DEBIT_DISPUTE).error

    dispute = only(bank.db.debit_card_disputes)
    assert dispute["is_fraud_category"] is True
    assert dispute["pin_shared_voluntarily"] is True
    assert dispute["provisional_credit_amount"] is None
    assert dispute["status"] == "OPEN"
    other = {**DEBIT_DISPUTE, "transaction_id": "btxn_10"}
    bank.refuses(bank.uses(tool, **{**other, "disputed_amount": -5}), "more than 0")


def test_disputes_about_what_is_not_the_customers(strict, ours):
    card = {**FULL_DISPUTE, "user_id": "bob"}
    debit = {**DEBIT_DISPUTE, "transaction_id": "btxn_77"}
    for tool, told in (
        ("file_credit_card_transaction_dispute_4829", card),
        ("file_debit_card_transaction_dispute_6281", debit),
    ):
        assert not strict.uses(tool, **told).content.startswith("Error")
        assert ours.uses(tool, **told).error
    rewards = {"user_id": "bob", "transaction_id": "txn_1"}
    strict.hands_over("submit_cash_back_dispute_0589", **rewards)
    assert only(strict.db.cash_back_disputes)["user_id"] == "bob"
    assert ours.hands_over("submit_cash_back_dispute_0589", **rewards).error


def test_a_replacement_closes_the_old_card(bank):
    order = {"credit_card_account_id": "cc", "user_id": "ann", "shipping_address": "1 Quay",
             "reason": "lost"}  # fmt: skip
    assert not bank.uses("order_replacement_credit_card_7291", **order).error

    assert only(bank.db.credit_card_orders)["status"] == "ORDERED"
    account = bank.db.credit_card_accounts["cc"]
    assert (account["status"], account["closed_date"]) == ("CLOSED", TODAY)
    bank.refuses(bank.uses("order_replacement_credit_card_7291", **order), "before")


def test_closing_somebody_elses_card_or_one_with_a_balance(strict, ours):
    tool = "close_credit_card_account_7834"
    assert not strict.uses(tool, credit_card_account_id="cc_bob", user_id="ann").error
    assert strict.db.credit_card_accounts["cc_bob"]["closed_by"] == "ann"

    ours.refuses(ours.uses(tool, credit_card_account_id="cc_bob", user_id="ann"), "belong")
    ours.refuses(ours.uses(tool, credit_card_account_id="cc", user_id="ann"), "balance")


def test_a_second_closure_reason(strict, ours):
    tool = "log_credit_card_closure_reason_4521"
    told = {"credit_card_account_id": "cc", "user_id": "ann", "closure_reason": "annual_fee"}
    for bank in (strict, ours):
        bank.uses(tool, **told)
        assert only(bank.db.credit_card_closure_reasons)["logged_at"] == TODAY
    assert not strict.uses(tool, **told).content.startswith("Error")
    ours.refuses(ours.uses(tool, **told), "already")


def test_a_statement_credit_is_a_transaction(bank):
    told = {"user_id": "ann", "credit_card_account_id": "cc", "amount": 20,
            "reason": "retention_offer"}  # fmt: skip
    assert not bank.uses("apply_statement_credit_8472", **told).error

    record = bank.db.credit_card_transaction_history[
        list(bank.db.credit_card_transaction_history)[-1]
    ]
    assert record["transaction_amount"] == "-$20.00"
    assert record["merchant_name"] == "Rho-Bank Statement Credit"
    assert bank.db.credit_card_accounts["cc"]["current_balance"] == "$1,200.50"


def test_a_benefit_of_an_account(bank):
    told = {"credit_card_account_id": "cc", "user_id": "ann", "flag_type": "annual_fee_waived",
            "expiration_date": "11/14/2026", "reason": "retention_offer"}  # fmt: skip
    assert not bank.uses("apply_credit_card_account_flag_6147", **told).error
    flag = only(bank.db.credit_card_account_flags)
    late = bank.uses("apply_credit_card_account_flag_6147", **{**told, "expiration_date": "soon"})
    assert late.content.startswith("Error") is not bank.strict_compat
    assert (flag["status"], flag["effective_date"], flag["applied_at"]) == ("ACTIVE", TODAY, TODAY)


def test_a_card_is_paid_from_checking(bank):
    told = {"user_id": "ann", "checking_account_id": "chk", "credit_card_account_id": "cc"}
    tool = "pay_credit_card_from_checking_9182"
    assert not bank.uses(tool, **told, amount=200.5).error

    assert bank.db.accounts["chk"]["current_holdings"] == "299.50"
    assert bank.db.credit_card_accounts["cc"]["current_balance"] == "$1000.00"
    bank.refuses(bank.uses(tool, **told, amount=300), "$299.50 only")
    bank.refuses(bank.uses(tool, **{**told, "user_id": "bob"}, amount=1), "belong")


def test_a_limit_is_raised_after_a_request_for_the_same_amount(strict, ours):
    told = {"credit_card_account_id": "cc", "user_id": "ann"}
    for bank in (strict, ours):
        bank.uses(
            "submit_credit_limit_increase_request_7392", **told, requested_increase_amount=500
        )
        bank.uses("approve_credit_limit_increase_5847", **told, new_credit_limit=3500)
        assert bank.db.credit_card_accounts["cc"]["credit_limit"] == "$3500.00"
    assert only(strict.db.credit_limit_increase_requests)["status"] == "PENDING"
    assert only(ours.db.credit_limit_increase_requests)["status"] == "APPROVED"


@pytest.mark.parametrize(
    ("table", "record", "why"),
    [
        ("transaction_disputes", {"user_id": "ann", "status": "UNDER_REVIEW"}, "dispute"),
        (
            "credit_card_orders",
            {"credit_card_account_id": "cc", "status": "SHIPPED"},
            "replacement",
        ),
        (
            "credit_card_accounts",
            {**TABLES["credit_card_accounts"]["cc"], "account_status": "PAST_DUE"},
            "PAST_DUE",
        ),
    ],
)
def test_what_stands_against_a_higher_limit(bank, table, record, why):
    told = {"credit_card_account_id": "cc", "user_id": "ann", "new_credit_limit": 4000}
    bank.db.table(table)["cc"] = dict(record)
    bank.refuses(bank.uses("approve_credit_limit_increase_5847", **told), why)


def test_a_denial_is_noted(bank):
    told = {"credit_card_account_id": "cc", "user_id": "ann", "denial_reason": "high_utilization"}
    assert not bank.uses("deny_credit_limit_increase_5848", **told).error
    again = bank.uses("deny_credit_limit_increase_5848", **told)
    assert only(bank.db.credit_limit_increase_requests)["status"] == "DENIED"
    assert again.content.startswith("Error") is not bank.strict_compat


def test_payments_in_the_order_of_their_dates(strict, ours):
    arguments = {"credit_card_account_id": "cc", "months": 2}
    tool = "get_payment_history_6183"
    assert "12/15/2024" in strict.uses(tool, **arguments).content
    assert "On time in a row: 2" in ours.uses(tool, **arguments).content
    strict.refuses(strict.uses(tool, **{**arguments, "months": -1}), "months")


def test_a_customer_applies_once(bank):
    told = {"card_type": "EcoCard", "customer_name": "Ann Lee", "annual_income": 62000}
    assert not bank.customer("apply_for_credit_card", **told).error

    application = only(bank.db.credit_card_applications)
    assert application["annual_income"] == 62000.0
    assert application["rho_bank_subscription"] is False
    bank.refuses(bank.customer("apply_for_credit_card", **told), "before")
    bank.refuses(bank.customer("apply_for_credit_card", **{**told, "card_type": "Gold"}), "Gold")


def test_a_purchase_earns_points(bank):
    told = {"user_id": "ann", "credit_card_type": "EcoCard", "merchant_name": "Sun & Wind",
            "amount": 12.5, "category": "Green"}  # fmt: skip
    assert not bank.customer("submit_transaction", **told).error
    record = list(bank.db.credit_card_transaction_history.values())[-1]
    assert (record["transaction_amount"], record["rewards_earned"]) == ("$12.50", "62 points")


@pytest.mark.parametrize("argument", ["user_id", "merchant_name", "category"])
def test_a_purchase_with_a_number_for_a_text_fails_in_the_original(strict, argument):
    told = {"user_id": "ann", "credit_card_type": "EcoCard", "merchant_name": "Sun & Wind",
            "amount": 12.5, "category": "Green", argument: 5}  # fmt: skip
    before = strict.environment.get_db_hash()
    assert strict.customer("submit_transaction", **told).error
    assert strict.environment.get_db_hash() == before


def test_a_purchase_of_a_negative_amount(strict, ours):
    told = {"user_id": "ann", "credit_card_type": "EcoCard", "merchant_name": "Sun & Wind",
            "amount": -12.5, "category": "Green"}  # fmt: skip
    assert not strict.customer("submit_transaction", **told).content.startswith("Error")
    assert ours.customer("submit_transaction", **told).error


def test_wishes_for_a_person_are_counted(bank):
    for _ in range(2):
        bank.customer("request_human_agent_transfer")
    assert list(bank.db.human_transfer_requests) == ["transfer_request_1", "transfer_request_2"]


def test_a_customer_uses_what_the_agent_gives(bank):
    call = {"user_id": "ann", "transaction_id": "txn_1"}
    tool = "submit_cash_back_dispute_0589"
    early = bank.customer(
        "call_discoverable_user_tool",
        discoverable_tool_name=tool,
        arguments=str(call).replace("'", '"'),
    )
    bank.refuses(early, "not been given")

    assert not bank.hands_over(tool, **call).error

    assert only(bank.db.cash_back_disputes)["status"] == "SUBMITTED"
    assert only(bank.db.user_discoverable_tools) == {"tool_name": tool, "status": "GIVEN"}
    assert only(bank.db.user_discoverable_tool_calls)["arguments"] == call


def test_disputes_about_rewards_are_resolved_where_the_task_says_so(bank):
    bank.db.task_config["dispute_settings"] = {"auto_resolve_disputes": True}
    bank.hands_over("submit_cash_back_dispute_0589", user_id="ann", transaction_id="txn_1")
    dispute = only(bank.db.cash_back_disputes)
    assert (dispute["status"], dispute["resolution"]) == ("RESOLVED", "APPROVED")


def test_referrals_by_name_and_by_link(bank):
    bank.customer("submit_referral", user_id="ann", account_type="Blue Account")
    answer = bank.hands_over("get_referral_link", user_id="ann", card_name="EcoCard")
    kinds = [record["referred_account_type"] for record in bank.db.referrals.values()]
    assert kinds == ["Blue Account", "EcoCard"]
    assert list(bank.db.referrals)[1] in answer.content
    again = bank.hands_over("get_referral_link", user_id="ann", card_name="EcoCard")
    assert again.error is not bank.strict_compat
    other = bank.customer("submit_referral", user_id="nobody", account_type="Blue Account")
    assert other.error is not bank.strict_compat


def test_a_check_is_deposited(strict, ours):
    for bank in (strict, ours):
        bank.hands_over("deposit_check_3847", account_id="chk", check_amount=100)
    assert strict.db.accounts["chk"]["current_holdings"] == "$600.00"
    assert ours.db.accounts["chk"]["current_holdings"] == "600.00"
    strict.refuses(strict.hands_over("deposit_check_3847", account_id="chk", check_amount=0), "0")


def test_agent_and_customer_share_one_database_also_after_data_was_merged(bank):
    fork = bank.environment.fork()
    data = InitializationData(agent_data={"users": {"data": {"new": {"name": "New"}}}})

    fork.set_state(data, None, [])

    assert fork.tools.db is fork.user_tools.db
    assert fork.get_db_hash() == fork.get_user_db_hash() != bank.environment.get_db_hash()
