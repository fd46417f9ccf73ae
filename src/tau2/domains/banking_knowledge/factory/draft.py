"""A task in the making: a customer with records, what they say, and what the ideal agent does."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, NamedTuple, TypeVar

from tau2.data_model.conventions import TRANSFER_TOOL
from tau2.domains.banking_knowledge.bank_rules import DATE_FORMAT
from tau2.domains.banking_knowledge.own_bank.procedures import documents_for
from tau2.domains.banking_knowledge.own_bank.table import AccountClass, OwnBank, own_bank
from tau2.environment.db import read_data_file
from tau2.taskgen.ids import FreshIds
from tau2.taskgen.people import Town

T = TypeVar("T")
_PEOPLE = Path(__file__).with_name("people.toml")
_HIGHEST_HOUSE_NUMBER = 2_900
_OLDEST = 61  # years; an account for the old is offered from an age above this
_YOUNGEST = 26

Record = dict[str, Any]


class Unsuitable(Exception):
    """The draws do not make a task of this kind."""


class Call(NamedTuple):
    """One reference action."""

    name: str
    arguments: dict[str, Any]
    by_user: bool = False
    compare: tuple[str, ...] | None = None
    """The arguments that are compared where calls are graded; None: all of them."""


@cache
def words() -> Mapping[str, Any]:
    """Return the tables that customers and shops are invented from."""
    content: Mapping[str, Any] = read_data_file(_PEOPLE)
    return content


@dataclass(frozen=True, slots=True)
class Customer:
    """Who contacts the bank."""

    user_id: str
    name: str
    address: str
    email: str
    phone: str
    born: str
    plus: bool

    @property
    def record(self) -> Record:
        """The row of the table of users."""
        return {
            "user_id": self.user_id,
            "name": self.name,
            "address": self.address,
            "email": self.email,
            "phone_number": self.phone,
            "date_of_birth": self.born,
            "rho_bank_plus_subscription": self.plus,
        }


def written(day: date) -> str:
    """Return a day as it stands in a record."""
    return day.strftime(DATE_FORMAT)


def dollars(amount: float) -> str:
    """Return an amount as it stands in a record of a credit card."""
    return f"${amount:.2f}"


class Draft:
    """One customer, their records, their words, and the reference."""

    def __init__(self, rng: Random) -> None:
        """Invent the customer from `rng`."""
        self.rng = rng
        self.bank: OwnBank = own_bank()
        self.ids = FreshIds(rng)
        self.tables: dict[str, dict[str, Record]] = {}
        self.calls: list[Call] = []
        self.communicate: list[str] = []
        self.reason: list[str] = []
        """Sentences on what the customer wants, said at once."""
        self.known: list[str] = []
        """Sentences on what the customer can tell when it is asked."""
        self.directions: list[str] = []
        """How the customer behaves."""
        self.documents: list[str] = []
        """Ids of the documents that an agent has to read."""
        self.graded_calls = False
        """Whether calls are graded instead of the database, which does not show them."""
        self._unlocked: set[str] = set()
        self._given: set[str] = set()
        self.customer = self._invented()
        self.add("users", self.customer.user_id, self.customer.record)

    # Draws.

    @property
    def today(self) -> date:
        """The day on which everything happens."""
        return self.bank.institution.today

    def one(self, choices: Iterable[T]) -> T:
        """Return one of the choices. Raise Unsuitable when there is none."""
        listed = list(choices)
        if not listed:
            raise Unsuitable
        return self.rng.choice(listed)

    def ago(self, least: int, most: int) -> date:
        """Return a day between `least` and `most` days ago."""
        return self.today - timedelta(days=self.rng.randint(least, most))

    def amount(self, least: int, most: int) -> float:
        """Return dollars with odd cents."""
        return self.rng.randint(least, most - 1) + self.rng.randint(1, 99) / 100

    def shop(self, category: str) -> str:
        """Return a shop of a category."""
        return str(self.one(words()["merchants"][category]))

    def new_id(self, prefix: str) -> str:
        """Return an id that no other record of the task has."""
        return self.ids.draw(lambda: f"{prefix}{self.rng.getrandbits(40):010x}")

    def _invented(self) -> Customer:
        table = words()
        first = self.one(table["first_names"])
        last = self.one(table["last_names"])
        town = Town(*self.one(table["towns"]))
        number = self.rng.randint(11, _HIGHEST_HOUSE_NUMBER)
        street = f"{number} {self.one(table['streets'])} {self.one(table['street_kinds'])}"
        zip_code = f"{town.zip_start}{self.rng.randint(100, 999)}"
        host = self.one(table["mail_hosts"])
        age = self.rng.randint(_YOUNGEST, _OLDEST)
        born = date(self.today.year - age, self.rng.randint(1, 10), self.rng.randint(1, 28))
        return Customer(
            user_id=f"{self.rng.getrandbits(40):010x}",
            name=f"{first} {last}",
            address=f"{street}, {town.name}, {town.state} {zip_code}",
            email=f"{first}.{last}{self.rng.randint(11, 98)}@{host}".lower(),
            phone=f"{self.one(table['area_codes'])}-555-{self.rng.randint(100, 199):04}",
            born=written(born),
            plus=False,
        )

    # Records.

    def add(self, table: str, record_id: str, record: Record) -> str:
        """Add a record to the customer's data and return its id."""
        self.tables.setdefault(table, {})[record_id] = record
        return record_id

    def subscribe(self) -> None:
        """Give the customer the subscription."""
        self.tables["users"][self.customer.user_id]["rho_bank_plus_subscription"] = True

    def settle_disputes(self) -> None:
        """Have disputes about points decided in the customer's favor at once."""
        self.add("task_config", "dispute_settings", {"auto_resolve_disputes": True})

    def card_account(self, key: str, opened: date, balance: float, limit: int, **more: Any) -> str:
        """Add a credit card account and return its id."""
        account = self.new_id("cca_")
        record = {
            "account_id": account,
            "user_id": self.customer.user_id,
            "card_type": self.bank.cards[key].name,
            "date_of_account_open": written(opened),
            "current_balance": dollars(balance),
            "credit_limit": dollars(limit),
            "reward_points": f"{self.rng.randint(300, 9000)} points",
            "status": "ACTIVE",
            **more,
        }
        return self.add("credit_card_accounts", account, record)

    def purchase(
        self, key: str, shop: str, amount: float, category: str, day: date, points: int
    ) -> str:
        """Add a purchase with a credit card and return its id."""
        transaction = self.new_id("txn_")
        record = {
            "transaction_id": transaction,
            "user_id": self.customer.user_id,
            "credit_card_type": self.bank.cards[key].name,
            "merchant_name": shop,
            "transaction_amount": dollars(amount),
            "transaction_date": written(day),
            "category": category,
            "status": "COMPLETED",
            "rewards_earned": f"{points} points",
        }
        return self.add("credit_card_transaction_history", transaction, record)

    def payment(self, account: str, months_ago: int, status: str) -> str:
        """Add a payment of a credit card, ON_TIME or LATE, and return its id."""
        payment = self.new_id("pay_")
        record = {
            "payment_id": payment,
            "credit_card_account_id": account,
            "user_id": self.customer.user_id,
            "payment_date": written(self.today - timedelta(days=20 + 30 * months_ago)),
            "amount": dollars(self.amount(30, 300)),
            "status": status,
        }
        return self.add("payment_history", payment, record)

    def account(
        self, account_class: AccountClass, level: str, opened: date, holdings: float, **more: Any
    ) -> str:
        """Add a bank account and return its id."""
        account = self.new_id("acc_")
        record = {
            "account_id": account,
            "user_id": self.customer.user_id,
            "class": account_class,
            "level": level,
            "date_opened": written(opened),
            "status": "OPEN",
            "current_holdings": f"{holdings:.2f}",
            **more,
        }
        return self.add("accounts", account, record)

    def debit_card(self, account: str, status: str, issued: date, **more: Any) -> str:
        """Add a debit card and return its id."""
        card = self.new_id("dbc_")
        record = {
            "card_id": card,
            "account_id": account,
            "user_id": self.customer.user_id,
            "cardholder_name": self.customer.name.upper(),
            "last_4_digits": self.ids.digits(4),
            "cvv": f"{self.rng.randint(101, 989)}",
            "status": status,
            "issue_date": written(issued),
            "expiration_date": f"{issued.month:02}/28/{issued.year + 4}",
            "issue_reason": "new_account",
            **more,
        }
        return self.add("debit_cards", card, record)

    def bank_transaction(
        self, account: str, day: date, description: str, amount: float, kind: str
    ) -> str:
        """Add a transaction of a bank account (debits are negative) and return its id."""
        transaction = self.new_id("btxn_")
        record = {
            "transaction_id": transaction,
            "account_id": account,
            "date": written(day),
            "description": description,
            "amount": amount,
            "type": kind,
            "status": "posted",
        }
        return self.add("bank_account_transaction_history", transaction, record)

    # Reference.

    def look(self, name: str, **arguments: Any) -> None:
        """Record a look-up with a tool that is always there, once."""
        call = Call(name, arguments)
        if call not in self.calls:
            self.calls.append(call)

    def verify(self) -> None:
        """Look the customer up and note that they have been verified, once."""
        if any(call.name == "log_verification" for call in self.calls):
            return
        who = self.customer
        institution = self.bank.institution
        self.look("get_user_information_by_email", email=who.email)
        self.look("get_current_time")
        self.calls.append(
            Call(
                "log_verification",
                {
                    "name": who.name,
                    "user_id": who.user_id,
                    "address": who.address,
                    "email": who.email,
                    "phone_number": who.phone,
                    "date_of_birth": who.born,
                    "time_verified": f"{institution.now:%Y-%m-%d %H:%M:%S} {institution.timezone}",
                },
            )
        )

    def agent(self, tool: str, **arguments: Any) -> None:
        """Unlock a discoverable tool, once, and call it."""
        if tool not in self._unlocked:
            self._unlocked.add(tool)
            self.calls.append(Call("unlock_discoverable_agent_tool", {"agent_tool_name": tool}))
        self.calls.append(
            Call(
                "call_discoverable_agent_tool",
                {"agent_tool_name": tool, "arguments": json.dumps(arguments)},
                compare=("agent_tool_name",),
            )
        )

    def give(self, tool: str, **arguments: Any) -> None:
        """Give the customer a discoverable tool, once, and have it called."""
        if tool not in self._given:
            self._given.add(tool)
            given = {"discoverable_tool_name": tool}
            self.calls.append(Call("give_discoverable_user_tool", given))
        called = {"discoverable_tool_name": tool, "arguments": json.dumps(arguments)}
        self.calls.append(Call("call_discoverable_user_tool", called, by_user=True))

    def user(self, tool: str, **arguments: Any) -> None:
        """Record a call of one of the customer's own tools."""
        self.calls.append(Call(tool, arguments, by_user=True))

    def write(self, tool: str, **arguments: Any) -> None:
        """Record a change with a tool that is always there."""
        self.calls.append(Call(tool, arguments))

    def transfer(self, case: str, summary: str) -> None:
        """Hand over to a person for one of the cases of the bank's table."""
        facts = self.bank.transfers[case]
        if facts.first is not None:
            self.agent(facts.first)
        arguments = {"summary": summary, "reason": facts.reason}
        self.read("human", also=[f"transfer.{case}"])
        self.calls.append(Call(TRANSFER_TOOL, arguments, compare=("reason",)))
        self.graded_calls = True

    # Words.

    def say(self, *lines: str) -> None:
        """Add to what the customer wants."""
        self.reason += lines

    def know(self, *lines: str) -> None:
        """Add to what the customer can tell when it is asked."""
        self.known += lines

    def behave(self, *lines: str) -> None:
        """Add to how the customer behaves."""
        self.directions += lines

    def read(
        self,
        procedure: str,
        *,
        cards: Iterable[str] = (),
        levels: Iterable[str] = (),
        also: Iterable[str] = (),
    ) -> None:
        """Add the documents that a procedure, its products and further topics are written in."""
        found = documents_for(procedure, cards=cards, levels=levels, also=also)
        self.documents += [one for one in found if one not in self.documents]

    @property
    def user_tools(self) -> list[str]:
        """The tools that the customer sees."""
        return sorted({call.name for call in self.calls if call.by_user})
