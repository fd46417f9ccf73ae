"""Articles name tools and values that exist, and are found by the questions that people ask."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, get_args, get_origin, get_type_hints

import pytest

from tau2.domains.banking_knowledge.environment import get_environment
from tau2.domains.banking_knowledge.loading import get_documents
from tau2.domains.banking_knowledge.own_bank import documents_on, own_bank, write_articles
from tau2.domains.banking_knowledge.tools.agent import BankTools
from tau2.domains.banking_knowledge.tools.customer import CustomerTools
from tau2.environment.toolkit import ToolKitBase
from tau2.knowledge.index import retriever_for

TRAINING = "example_agent_tool_0000"
"""The articles say that it is not used."""

QUESTIONS = {
    "rewards.steps": "customer says a purchase earned too few points on the credit card",
    "rewards.limits": "how old may a purchase be to correct missing points",
    "card_dispute.steps": "customer wants to dispute a charge on the card they did not make",
    "card_dispute.window": "time limit of a credit card dispute, contact the merchant first",
    "card_dispute.values": "which dispute reason and card action for a credit card dispute",
    "card_dispute.credit": "eligible for provisional credit in a credit card dispute",
    "debit_dispute.steps": "dispute an unauthorized debit card transaction",
    "debit_dispute.window": "debit card dispute category and time limit",
    "debit_dispute.liability": "maximum liability of the customer after debit card fraud",
    "debit_dispute.credit": "provisional credit debit card dispute written statement",
    "debit_dispute.card": "close or freeze the debit card after filing a fraud dispute",
    "card_replacement.steps": "replace a damaged credit card",
    "card_replacement.shipping": "expedited shipping of a replacement credit card",
    "card_closure.steps": "customer wants to close a credit card account",
    "card_closure.offers": "retention offer when closing a credit card, annual fee waiver",
    "limit_increase.steps": "customer asks for a higher credit limit",
    "limit_increase.conditions": "conditions to approve a credit limit increase",
    "limit_increase.denials": "reason for denying a credit limit increase",
    "card_payment.steps": "pay my credit card bill from my checking account",
    "late_fee.steps": "refund a late payment fee",
    "annual_fee.steps": "refund an annual fee",
    "new_card.steps": "customer wants to apply for a new credit card",
    "new_account.steps": "open a new checking account",
    "new_account.savings": "requirements for opening a savings account",
    "account_closure.steps": "close a checking account",
    "account_closure.fee": "early closure fee waived",
    "own_transfer.steps": "transfer money from savings to checking",
    "atm_rebate.steps": "ATM fee rebate missing",
    "maintenance_fee.steps": "monthly fee was charged although the balance was high enough",
    "interest.steps": "savings interest is too low",
    "debit_order.steps": "order a new debit card",
    "debit_lost.steps": "I lost my debit card",
    "debit_unfreeze.steps": "unfreeze my debit card",
    "debit_activation.choice": "activate a new debit card",
    "pin_reset.steps": "forgot the PIN, debit card locked",
    "fraud_alert.steps": "remove a fraud alert from a debit card",
    "temporary_limit.steps": "temporarily raise the ATM withdrawal limit of a debit card",
    "referral.card": "referral link for a credit card for a friend",
    "email.steps": "change the email address",
    "check_deposit.steps": "deposit a check",
    "transfer.identity_theft": "credit report shows an account I never opened, identity theft",
    "card.rewards:orchard": "Orchard Card points for groceries",
    "card.service:waypoint": "Waypoint Card credit limit increase percent",
    "level.debit_card:estuary": "Estuary Checking debit card delivery fee",
    "level.withdrawals:linden": "Linden Savings withdrawals per month",
    "promotion:harvest_weeks": "Orchard Card groceries promotion",
}


def discoverable(kit: ToolKitBase) -> set[str]:
    names = {name for name in dir(type(kit)) if not name.startswith("_")}
    return {name for name in names if kit.is_discoverable(name)}


def literals(*kits: type) -> Iterator[str]:
    for kit in kits:
        for name in dir(kit):
            method = getattr(kit, name)
            if name.startswith("_") or not callable(method):
                continue
            for hint in get_type_hints(method).values():
                for each in (hint, *get_args(hint)):
                    if get_origin(each) is Literal:
                        yield from get_args(each)


def test_every_tool_that_an_article_names_exists_and_every_hidden_one_is_named() -> None:
    environment = get_environment()
    assert environment.user_tools is not None
    hidden = discoverable(environment.tools) | discoverable(environment.user_tools)
    listed = set(environment.tools.get_tools()) | set(environment.user_tools.get_tools())
    text = "\n".join(article.document.content for article in write_articles())
    named = set(re.findall(r"`([a-z0-9_]+)`", text))
    called = {name for name in named if re.search(r"_\d{4}$", name) or name in hidden | listed}
    assert called <= hidden | listed
    assert hidden - named == set()
    assert TRAINING in named


def test_the_values_in_the_table_are_values_that_the_tools_take() -> None:
    taken = set(literals(BankTools, CustomerTools))
    bank = own_bank()
    rules = bank.rules
    lists = [
        rules.card_dispute.credit_reasons,
        rules.card_dispute.no_credit_reasons,
        rules.debit_dispute.fraud_categories,
        rules.debit_dispute.atm_categories,
        rules.debit_dispute.merchant_categories,
        rules.card_replacement.free_expedited_reasons,
        rules.card_closure.credit_reasons,
        [rules.card_closure.fee_reason, rules.card_closure.long_customer_reason],
        rules.limit_increase.decision_order,
        rules.debit_order.lost_reasons,
        [transfer.reason for transfer in bank.transfers.values()],
    ]
    assert {value for values in lists for value in values} <= taken
    every = set(rules.card_dispute.credit_reasons) | set(rules.card_dispute.no_credit_reasons)
    assert len(every) == 7


@pytest.mark.parametrize("topic", QUESTIONS)
def test_a_question_finds_the_article_on_its_topic(topic: str) -> None:
    wanted = documents_on(topic)[0]
    hits = retriever_for(get_documents(), "bm25").search(QUESTIONS[topic], 10)
    assert wanted in [hit.document.id for hit in hits]
