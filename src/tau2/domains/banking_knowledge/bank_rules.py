"""What the tools know of the bank they work for: its name, its clock, its products and limits.

The same tools serve the public bank, whose facts are in `public_bank.toml`, and our own, whose
facts are in the folder `own_bank`. The articles of our own bank are written from the same tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import TypeAdapter, ValidationError

from tau2.environment.db import describe_validation_error, read_data_file
from tau2.errors import DataFileError
from tau2.utils.json_types import JsonObject

DATE_FORMAT = "%m/%d/%Y"
"""How a date stands in a record."""


@dataclass(frozen=True, slots=True)
class CardType:
    """A credit card that can be applied for."""

    name: str
    rate: float
    """Points for each dollar spent."""
    category_rates: Mapping[str, float] = field(default_factory=dict)
    """Category of a transaction → points for each dollar, where they differ."""

    def points(self, amount: float, category: str) -> int:
        """Return the points for a transaction, rounded down."""
        return int(amount * self.category_rates.get(category, self.rate))


@dataclass(frozen=True, slots=True)
class AccountLevel:
    """A bank account by its class and level."""

    name: str
    """As it stands in the records, for example "Blue Account"."""
    account_class: str
    """`checking`, `saving`, `business_checking` or `business_savings`."""
    closure_fee: float | None = None
    """US dollars for closing it early; None: it costs nothing."""
    closure_window: int = 0
    """Days after the opening in which closing it is early."""
    atm_limit: int | None = None
    """US dollars a day that a debit card may withdraw where the card names no limit of its own;
    None: its limit cannot be raised for a time."""
    purchase_limit: int | None = None
    """The same of what it may spend."""
    limits_rise: bool = True
    """Whether limits of its debit cards can be raised for a time at all."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Numbers that several tools check."""

    savings_checking_age: int = 14
    """Days that a checking account must be old before its owner can open a savings account."""
    business_savings_checking_age: int = 30
    """The same of business accounts."""
    debit_card_balance: float = 25
    """US dollars that an account must hold before a debit card is ordered for it."""
    limit_increase_account_age: int = 60
    """Days that an account must be old before a limit of its debit card is raised for a time."""
    limit_increase_factor: float = 1.5
    """How many times the present limit a raised limit may be."""


@dataclass(frozen=True, slots=True)
class BankRules:
    """The facts about a bank that its tools work by."""

    institution: str
    now: datetime
    """The moment at which everything happens."""
    timezone: str
    """How the time zone of `now` is written."""
    referral_url: str
    """The address of a referral link, which ends with the id of the referral."""
    limits: Limits
    cards: Mapping[str, CardType]
    """Name → credit card."""
    levels: Mapping[tuple[str, str], AccountLevel]
    """(class, level) → account."""

    @property
    def today(self) -> str:
        """The date of `now` as it stands in records."""
        return self.now.strftime(DATE_FORMAT)

    @property
    def time(self) -> str:
        """`now` with its time zone, as the time tool tells it and verifications store it."""
        return f"{self.now:%Y-%m-%d %H:%M:%S} {self.timezone}"

    def __deepcopy__(self, _memo: object) -> BankRules:
        """Return these rules: they cannot change, so the forks of a toolkit share them."""
        return self

    def __reduce__(self) -> tuple[object, ...]:
        # A read-only view of a dictionary cannot be pickled, a dictionary can.
        facts = {each.name: getattr(self, each.name) for each in fields(self)}
        return _unpickled, ({**facts, "cards": dict(self.cards), "levels": dict(self.levels)},)

    def level(self, account_class: object, name: object) -> AccountLevel | None:
        """Return an account by its class and level, or None where the bank has no such account."""
        if not isinstance(account_class, str) or not isinstance(name, str):
            return None
        return self.levels.get((account_class, name))


def _unpickled(facts: dict[str, Any]) -> BankRules:
    """Return rules that have been pickled."""
    read_only = {name: MappingProxyType(facts[name]) for name in ("cards", "levels")}
    return BankRules(**{**facts, **read_only})


@dataclass(frozen=True, slots=True)
class _File:
    institution: str
    now: datetime
    timezone: str
    referral_url: str
    cards: list[CardType]
    levels: list[AccountLevel]
    limits: Limits = field(default_factory=Limits)


def rules_from(data: JsonObject, source: object) -> BankRules:
    """Return the rules of parsed data; keys that tools do not need are ignored.

    Raises:
        DataFileError: something is missing or is not as it should be; names source and place.
    """
    try:
        read = TypeAdapter(_File).validate_python(data)
    except ValidationError as error:
        raise DataFileError(describe_validation_error(error, source)) from error
    return BankRules(
        institution=read.institution,
        now=read.now,
        timezone=read.timezone,
        referral_url=read.referral_url,
        limits=read.limits,
        cards=MappingProxyType({card.name: card for card in read.cards}),
        levels=MappingProxyType({(each.account_class, each.name): each for each in read.levels}),
    )


@lru_cache(maxsize=1)
def public_rules() -> BankRules:
    """Return the rules of the bank whose data is public."""
    path = Path(__file__).parent / "public_bank.toml"
    return rules_from(read_data_file(path), path)
