"""A carrier small enough to see at a glance.

Two customers, three lines, a bill of each kind, one phone.
"""

from __future__ import annotations

from typing import Any

import pytest

from tau2.data_model.message import ToolCall, ToolMessage
from tau2.domains.telecom.data_model import TelecomDB
from tau2.domains.telecom.environment import TelecomEnvironment, get_environment
from tau2.domains.telecom.factory.phone import phone_of_the_shop
from tau2.domains.telecom.user_data_model import PhoneState, TelecomUserDB

ANN, BOB = "C1", "C2"
MAIN, TABLET, BOBS = "L1", "L2", "L3"
ANNS_NUMBER = "555-0101"


def line(line_id: str, number: str, **more: Any) -> dict[str, Any]:
    usual = {
        "line_id": line_id, "phone_number": number, "status": "Active", "plan_id": "P1",
        "device_id": "D1", "data_used_gb": 2.0, "contract_end_date": "2026-01-01",
    }  # fmt: skip
    return usual | more


def bill(bill_id: str, customer_id: str, issued: str, status: str) -> dict[str, Any]:
    return {
        "bill_id": bill_id, "customer_id": customer_id, "period_start": issued,
        "period_end": issued, "issue_date": issued, "due_date": issued, "total_due": 12.5,
        "status": status, "line_items": [],
    }  # fmt: skip


def customer(
    customer_id: str, name: str, number: str, lines: list[str], bills: list[str]
) -> dict[str, Any]:
    return {
        "customer_id": customer_id, "full_name": name, "date_of_birth": "1980-02-03",
        "email": "x@example.org", "phone_number": number, "account_status": "Active",
        "created_at": "2020-01-01T10:00:00", "address": {"street": "1 Elm", "city": "Reno",
                                                         "state": "NV", "zip_code": "89501"},
        "line_ids": lines, "bill_ids": bills,
    }  # fmt: skip


PLAN = {
    "plan_id": "P1", "name": "Plain", "data_limit_gb": 5.0, "price_per_month": 30.0,
    "data_refueling_price_per_gb": 2.25,
}  # fmt: skip
DEVICE = {"device_id": "D1", "device_type": "phone", "model": "Brick", "is_esim_capable": False}


@pytest.fixture
def db() -> TelecomDB:
    return TelecomDB.model_validate({
        "plans": [PLAN],
        "devices": [DEVICE],
        "lines": [line(MAIN, ANNS_NUMBER), line(TABLET, "555-0102"),
                  line(BOBS, "555-0103", status="Suspended")],
        "bills": [
            bill("B1", ANN, "2025-01-05", "Paid"), bill("B2", ANN, "2025-02-05", "Overdue"),
            bill("B3", ANN, "2025-03-01", "Draft"), bill("B4", BOB, "2025-02-05", "Paid"),
        ],
        "customers": [
            customer(ANN, "Ann Oak", "555-0900", [MAIN, TABLET], ["B1", "B2", "B3"]),
            customer(BOB, "Bob Elm", "555-0103", [BOBS], ["B4"]),
        ],
    })  # fmt: skip


class Desk:
    """An agent's desk and the customer's phone: calls tools by name and remembers the world."""

    def __init__(self, db: TelecomDB, user_db: TelecomUserDB, *, strict: bool = False) -> None:
        self.env: TelecomEnvironment = get_environment(db, user_db)
        self.env.strict_compat = self.env.user_tools.strict_compat = strict
        self.env.user_tools.set_user_info("Ann Oak", ANNS_NUMBER)
        self.env.sync_tools()

    @property
    def phone(self) -> PhoneState:
        return self.env.user_tools.device

    def call(self, name: str, requestor: str, **arguments: Any) -> ToolMessage:
        return self.env.get_response(
            ToolCall(id="1", name=name, arguments=arguments, requestor=requestor)
        )

    def does(self, name: str, **arguments: Any) -> str:
        answer = self.call(name, "assistant", **arguments)
        assert not answer.error, answer.content
        return answer.content

    def refuses(self, name: str, **arguments: Any) -> str:
        return self._refused(name, "assistant", arguments)

    def taps(self, name: str, **arguments: Any) -> str:
        answer = self.call(name, "user", **arguments)
        assert not answer.error, answer.content
        return answer.content

    def taps_in_vain(self, name: str, **arguments: Any) -> str:
        return self._refused(name, "user", arguments)

    def _refused(self, name: str, requestor: str, arguments: dict[str, Any]) -> str:
        before = self.env.get_db_hash(), self.env.get_user_db_hash()
        answer = self.call(name, requestor, **arguments)
        assert answer.error, answer.content
        assert before == (self.env.get_db_hash(), self.env.get_user_db_hash()), (
            "a refused call changed the world"
        )
        return answer.content

    def line(self, line_id: str = MAIN):
        return self.env.tools.get_details_by_id(line_id)

    def bill(self, bill_id: str):
        return self.env.tools.get_details_by_id(bill_id)


@pytest.fixture
def desk(db) -> Desk:
    return Desk(db, phone_of_the_shop())


@pytest.fixture
def strict_desk(db) -> Desk:
    return Desk(db, phone_of_the_shop(), strict=True)
