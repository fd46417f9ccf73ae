"""What fills the slots of a sentence: the arguments of a step in the words of a support agent.

A slot is empty when its arguments are missing or nothing is known about the records they name; a
text with an empty slot is not used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date as Date  # noqa: N812  -- `date` is an argument of tools
from typing import Any

from tau2.agent.oracle_agent.plan import PlanStep
from tau2.agent.oracle_agent.records import flight_key
from tau2.participant.wording import in_words, listing
from tau2.utils.json_types import JsonMapping, JsonObject
from tau2.utils.text import shortened

_LONGEST_VALUE = 160  # characters of one argument of an unknown tool
_BAG_FEE = 50  # dollars for a checked bag beyond the free allowance, in the airline's policy
_METHODS = {
    "credit_card": "credit card",
    "gift_card": "gift card",
    "paypal": "PayPal account",
    "certificate": "travel certificate",
}
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


class Details(Mapping[str, str]):
    """The slots of one step, each computed when a text asks for it; "" for what is not known."""

    def __init__(
        self,
        step: PlanStep,
        *,
        records: Mapping[str, JsonObject],
        notes: Mapping[str, str],
        words: Mapping[str, str],
        result: JsonMapping | None = None,
    ) -> None:
        """Take a step, and what the agent has seen.

        `notes` map ids to names, `words` names of places and settings to how one calls them;
        `result` is what the tool returned.
        """
        self._step = step
        self._arguments: Mapping[str, Any] = step.arguments
        self._records = records
        self._notes = notes
        self._words = words
        self._result = result or {}

    def __getitem__(self, slot: str) -> str:
        """Return what fills a slot, or ""."""
        method = getattr(self, f"_slot_{slot}", None)
        if method is None:
            raise KeyError(slot)
        try:
            return str(method())
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            # A tool of this name with other arguments, or a record of another shape.
            return ""

    def __iter__(self) -> Iterator[str]:
        """Return the names of the slots."""
        return (name.removeprefix("_slot_") for name in dir(self) if name.startswith("_slot_"))

    def __len__(self) -> int:
        """Return how many slots there are."""
        return sum(1 for _ in self)

    def names(self) -> list[str]:
        """Return the names of the items in the order the step is about, as far as it was seen."""
        record = self._records.get(self["order"], {})
        return [str(one.get("name")) for one in record.get("items") or ()]

    def anchors(self) -> list[list[str]]:
        """Return what a customer names when it speaks of this: each is words said together."""
        one_of = [self["order"], self["reservation"], self["new_reservation"], self["title"]]
        places = [
            [_city(self[end]) for end in ("origin", "destination")],
            [_city(end) for end in self["route"].split(" to ")],
        ]
        found = [[one] for one in (*one_of, *self.names()) if one]
        return found + [pair for pair in places if all(pair) and len(pair) > 1]

    def amounts(self) -> list[str]:
        """Return what the step costs or gives back, as "$12.50"."""
        return [self[slot] for slot in ("refund", "items_price", "charge", "credit") if self[slot]]

    def given_back(self) -> float:
        """Return the dollars that a cancellation or a return gives back, as far as known."""
        known = self["items_price"] or (self["refund"] if "cancel" in self._step.name else "")
        return float(known.removeprefix("$")) if known else 0.0

    # Of all domains.

    def _slot_payment(self) -> str:
        return self._method(
            self._arguments.get("payment_method_id") or self._arguments["payment_id"]
        )

    def _slot_amount(self) -> str:
        return money(self._arguments["amount"])

    def _slot_refund(self) -> str:
        return money(self._paid_before())

    def _slot_paid_with(self) -> str:
        payments = self._record["payment_history"]
        ids = [one.get("payment_method_id") or one["payment_id"] for one in payments]
        return listing([self._method(one) for one in dict.fromkeys(ids)])

    def _slot_charge(self) -> str:
        difference = self._difference()
        return money(difference) if difference > 0 else ""

    def _slot_credit(self) -> str:
        difference = self._difference()
        return money(-difference) if difference < 0 else ""

    def _slot_no_charge(self) -> str:
        return "" if self._difference() else "no extra charge"

    def _slot_reason(self) -> str:
        return str(self._arguments["reason"])

    # Airline.

    def _slot_reservation(self) -> str:
        return str(self._arguments["reservation_id"])

    def _slot_new_reservation(self) -> str:
        return str(self._result["reservation_id"])

    def _slot_route(self) -> str:
        return f"{self._word(self._record['origin'])} to {self._word(self._record['destination'])}"

    def _slot_origin(self) -> str:
        return self._word(self._arguments["origin"])

    def _slot_destination(self) -> str:
        return self._word(self._arguments["destination"])

    def _slot_trip(self) -> str:
        return self._word(self._arguments["flight_type"])

    def _slot_cabin(self) -> str:
        return self._word(self._arguments["cabin"])

    def _slot_old_cabin(self) -> str:
        """Return the present cabin, if only the cabin changes."""
        old = self._record
        changes = old["cabin"] != self._arguments["cabin"] and not self._new_flights()
        return self._word(old["cabin"]) if changes else ""

    def _slot_flights(self) -> str:
        return flights_in_words(self._arguments["flights"])

    def _slot_new_flights(self) -> str:
        return flights_in_words(self._new_flights())

    def _slot_old_flights(self) -> str:
        kept = {_flight(one) for one in self._arguments["flights"]}
        return flights_in_words(
            [one for one in self._record["flights"] if _flight(one) not in kept]
        )

    def _slot_people(self) -> str:
        return listing([_name(one) for one in self._arguments["passengers"]])

    def _slot_people_with_dates(self) -> str:
        return listing([_born(one) for one in self._arguments["passengers"]])

    def _slot_changed_people(self) -> str:
        known = [_born(one) for one in self._record["passengers"]]
        people = [_born(one) for one in self._arguments["passengers"]]
        return listing([one for one in people if one not in known])

    def _slot_bags(self) -> str:
        return _count(int(self._arguments["total_baggages"]), "checked bag")

    def _slot_insurance(self) -> str:
        taken = self._arguments["insurance"] in {"yes", True}
        return "travel insurance" if taken else "no travel insurance"

    def _slot_paid_now(self) -> str:
        payments = self._arguments["payment_methods"]
        total = money(sum(one["amount"] for one in payments))
        if len(payments) == 1:
            return f"{total}, charged to {self._method(payments[0]['payment_id'])}"
        parts = [f"{money(one['amount'])} to {self._method(one['payment_id'])}" for one in payments]
        return f"{total}, of which I charge {listing(parts)}"

    def _slot_more_bags(self) -> str:
        more = int(self._arguments["total_baggages"]) - int(self._record["total_baggages"])
        return _count(more, "checked bag") if more > 0 else ""

    def _slot_total_bags(self) -> str:
        return _count(int(self._arguments["total_baggages"]), "")

    def _slot_charged_bags(self) -> str:
        bags = self._paid_bags()
        return f"{_count(bags, '')} {'is' if bags == 1 else 'are'} charged" if bags > 0 else ""

    # Retail.

    def _slot_order(self) -> str:
        return str(self._arguments["order_id"])

    def _slot_ordered_items(self) -> str:
        return listing([f"the {one['name']}" for one in self._record["items"]])

    def _slot_items(self) -> str:
        return listing([self._item(one) for one in self._arguments["item_ids"]])

    def _slot_items_price(self) -> str:
        if "new_item_ids" in self._arguments:
            return ""
        return money(sum(self._price_in_order(one) for one in self._arguments["item_ids"]))

    def _slot_pairs_with(self) -> str:
        return self._pairs("with")

    def _slot_pairs_for(self) -> str:
        return self._pairs("for")

    def _slot_address(self) -> str:
        parts = self._arguments
        street = ", ".join(filter(None, (parts["address1"], parts["address2"])))
        return f"{street}, {parts['city']}, {parts['state']} {parts['zip']}"

    # Telecom and mock.

    def _slot_line(self) -> str:
        return str(self._arguments["line_id"])

    def _slot_phone_number(self) -> str:
        return str(self._records[self._arguments["line_id"]]["phone_number"])

    def _slot_bill(self) -> str:
        return str(self._arguments["bill_id"])

    def _slot_bill_amount(self) -> str:
        return money(self._records[self._arguments["bill_id"]]["total_due"])

    def _slot_gigabytes(self) -> str:
        return f"{float(self._arguments['gb_amount']):g} GB"

    def _slot_network_mode(self) -> str:
        return self._word(self._arguments["mode"])

    def _slot_app(self) -> str:
        return self._word(self._arguments["app_name"])

    def _slot_permission(self) -> str:
        return self._word(self._arguments["permission"])

    def _slot_title(self) -> str:
        return str(self._arguments["title"])

    def _slot_status(self) -> str:
        return self._word(self._arguments["status"])

    def _slot_task(self) -> str:
        identifier = str(self._arguments["task_id"])
        name = self._notes.get(identifier)
        return f'"{name}" ({identifier})' if name else identifier

    # Intake.

    def _slot_form(self) -> str:
        fields = self._arguments["fields"]
        return listing(
            [
                f"{f'${value}' if name == 'amount' else value} as your "
                f"{self._words.get(f'field_{name}') or in_words(name)}"
                for name, value in fields.items()
            ]
        )

    # What the slots are made from.

    @property
    def _record(self) -> Mapping[str, Any]:
        """Return the order or reservation the step is about. Raise KeyError if it was not seen."""
        key = self._arguments.get("order_id") or self._arguments["reservation_id"]
        return self._records[key]

    def _word(self, name: str) -> str:
        return self._words.get(name) or str(name).replace("_", " ")

    def _method(self, identifier: str) -> str:
        """Return "your Visa card ending in 1234"; only its kind when it was not seen."""
        record: Mapping[str, Any] = self._records.get(identifier, {})
        kind = str(record.get("source") or re.sub(r"_?\d*$", "", identifier))
        name = _METHODS.get(kind, kind.replace("_", " "))
        if kind == "credit_card" and "brand" in record and "last_four" in record:
            brand = str(record["brand"])
            card = self._words.get(brand, f"{brand.replace('_', ' ').title()} card")
            return f"your {card} ending in {record['last_four']}"
        held = record.get("balance", record.get("amount"))
        return f"your {name} with {money(held)} on it" if held is not None else f"your {name}"

    def _paid_before(self) -> float:
        payments = self._record["payment_history"]
        total: float = sum(
            -one["amount"] if one.get("transaction_type") == "refund" else one["amount"]
            for one in payments
        )
        return total

    def _item(self, identifier: str) -> str:
        name, _, options = self._notes[identifier].partition(", ")
        return f"the {name} ({options})" if options else f"the {name}"

    def _pairs(self, between: str) -> str:
        old = self._arguments["item_ids"]
        new = self._arguments["new_item_ids"]
        pairs = zip(old, new, strict=True)
        return listing([f"{self._item(one)} {between} {self._item(two)}" for one, two in pairs])

    def _price_in_order(self, identifier: str) -> float:
        return next(
            float(one["price"]) for one in self._record["items"] if one["item_id"] == identifier
        )

    def _difference(self) -> float:
        """Return what the change costs; negative for what comes back."""
        if "total_baggages" in self._arguments:
            return max(self._paid_bags(), 0) * _BAG_FEE
        if "new_item_ids" in self._arguments:
            before = sum(self._price_in_order(one) for one in self._arguments["item_ids"])
            prices = [self._records[one]["price"] for one in self._arguments["new_item_ids"]]
            after = sum(float(str(price)) for price in prices)
            return round(after - before, 2)
        return self._fare_difference()

    def _paid_bags(self) -> int:
        return int(self._arguments["nonfree_baggages"]) - int(self._record["nonfree_baggages"])

    def _fare_difference(self) -> float:
        old = self._record
        cabin = self._arguments["cabin"]
        kept = (
            {_flight(one): one["price"] for one in old["flights"]} if cabin == old["cabin"] else {}
        )
        new = [
            kept[key] if key in kept else self._seen_fare(key, cabin)
            for key in map(_flight, self._arguments["flights"])
        ]
        before = sum(one["price"] for one in old["flights"])
        difference: float = (sum(new) - before) * len(old["passengers"])
        return difference

    def _seen_fare(self, key: str, cabin: str) -> float:
        record: Mapping[str, Any] = self._records[key]
        fare: float = record["prices"][cabin]
        return fare

    def _new_flights(self) -> list[JsonObject]:
        booked = {_flight(one) for one in self._record["flights"]}
        return [one for one in self._arguments["flights"] if _flight(one) not in booked]


def _flight(flight: Mapping[str, Any]) -> str:
    return flight_key(flight["flight_number"], flight["date"])


def flights_in_words(flights: Sequence[Mapping[str, Any]]) -> str:
    """Return flights as "flight LKA164 and flight LKA174, both on May 24"; "" for none."""
    days: dict[str, list[str]] = {}
    for flight in flights:
        days.setdefault(day(flight["date"]), []).append(str(flight["flight_number"]))
    return listing(
        [
            f"flight{'s' if len(numbers) > 1 else ''} {listing(numbers)} on {when}"
            for when, numbers in days.items()
        ]
    )


def _city(place: str) -> str:
    return place.partition(" (")[0]


def _name(person: Mapping[str, Any]) -> str:
    return f"{person['first_name']} {person['last_name']}"


def _born(person: Mapping[str, Any]) -> str:
    born = Date.fromisoformat(person["dob"])
    return f"{_name(person)} (born {born:%B} {born.day}, {born.year})"


def day(text: str) -> str:
    """Return a date such as "2024-05-24" as "May 24"; any other text as it is."""
    if _ISO_DATE.fullmatch(text) is None:
        return text
    when = Date.fromisoformat(text)
    return f"{when:%B} {when.day}"


def money(amount: float) -> str:
    """Return dollars: "$114" for an integer, "$49.90" with cents for any other number."""
    return f"${amount}" if isinstance(amount, int) else f"${amount:.2f}"


def _count(number: int, thing: str) -> str:
    """Return "two checked bags"."""
    words = _NUMBERS[number] if 0 <= number < len(_NUMBERS) else str(number)
    return f"{words} {thing}{'' if number == 1 else 's'}" if thing else words


def plain_value(key: str, value: object) -> str:
    """Return an argument of an unknown tool as text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        is_money = any(word in key for word in ("amount", "price", "cost", "fee"))
        return money(value) if is_money else f"{value:g}"
    if isinstance(value, Mapping):
        parts = [plain_value(str(name), item) for name, item in value.items() if _given(item)]
        return listing(parts)
    if isinstance(value, list | tuple):
        return listing([plain_value(key, item) for item in value if _given(item)])
    text = day(shortened(" ".join(str(value).split()), _LONGEST_VALUE))
    # A setting such as `high_priority`; an id has digits or capitals.
    return text.replace("_", " ") if re.fullmatch(r"[a-z]+(?:_[a-z]+)+", text) else text


def _given(value: object) -> bool:
    return value not in (None, "", [], {})


def arguments_of_unknown(arguments: JsonMapping, notes: Mapping[str, str]) -> tuple[str, str]:
    """Return what an action is on ("#S100 (Lamp)"), and its other arguments in words.

    The first argument that is an id or a name counts as what the action is on.
    """
    on = ""
    others = []
    for key, value in arguments.items():
        if not _given(value):
            continue
        text = plain_value(key, value)
        note = notes.get(text)
        text = f"{text} ({note})" if note else text
        named = key.endswith(("_id", "_name", "_number")) or key in {"id", "name", "title"}
        if named and not on and isinstance(value, str):
            on = text
        else:
            others.append(f"{in_words(key)}: {text}")
    return on, "; ".join(others)
