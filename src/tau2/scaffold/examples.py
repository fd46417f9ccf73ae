"""Plausible records for tables of which only the shape is known, the same for the same source."""

from __future__ import annotations

import random
import uuid
from collections.abc import Mapping, Sequence

from tau2.scaffold.interface import Interface, Link, RecordShape, Shape, Table
from tau2.scaffold.names import key_of, key_prefix, singular, words_of
from tau2.seeds import derive_seed
from tau2.utils.json_types import JsonObject, JsonValue

ROWS = 4
"""Records of a table."""
_LONGEST = 60  # characters of an example that is taken
_PEOPLE = ("Ada Quill", "Ben Okafor", "Cleo Marsh", "Dario Lund", "Ena Sato", "Finn Moreau")
_CITIES = ("Oslo", "Porto", "Lyon", "Osaka", "Quito", "Tartu")
_COUNTRIES = ("Norway", "Portugal", "France", "Japan", "Ecuador", "Estonia")
_STREETS = ("12 Mill Lane", "7 Harbour Road", "31 Elm Street", "5 Station Square")
_THINGS = ("Juniper", "Cobalt", "Willow", "Saffron", "Granite", "Meadow")
_COLORS = ("red", "green", "blue", "black", "white", "yellow")
_PHRASES = ("as agreed", "for the front desk", "please call first", "second floor")
_STATES = ("open", "closed", "pending", "open")
_PEOPLE_WORDS = frozenset(
    {"customer", "user", "person", "owner", "contact", "full", "guest", "patient", "driver",
     "author", "employee", "passenger", "member", "recipient", "assignee", "holder", "client"}
)  # fmt: skip
_MONEY_WORDS = frozenset({"price", "amount", "total", "cost", "fee", "balance", "salary", "rate"})


def add_examples(interface: Interface) -> None:
    """Give every table its records; those that name others name records that there are."""
    for table in _in_order(interface.tables):
        table.rows = _rows(interface, table)


def _in_order(tables: Sequence[Table]) -> list[Table]:
    """Return tables so that those which others name come first, as far as that is possible."""
    ordered: list[Table] = []
    waiting = list(tables)
    while waiting:
        names = {table.name for table in waiting}
        ready = [one for one in waiting if not {link.table for link in one.links} & names]
        chosen = ready or waiting[:1]
        ordered += chosen
        waiting = [one for one in waiting if one not in chosen]
    return ordered


def _rows(interface: Interface, table: Table) -> list[JsonObject]:
    rows: list[JsonObject] = []
    keys: set[tuple[str, ...]] = set()
    links = [*table.links, *guessed_links(interface, table)]
    for number in range(ROWS):
        seed = derive_seed(0, "examples", interface.source, table.name, str(number))
        rng = random.Random(seed)  # noqa: S311  -- reproducible, not a secret
        maker = _Maker(table.noun, number, rng)
        row: JsonObject = {
            member.name: maker.value(member.shape, member.name, is_key=member.name in table.key)
            for member in table.record.members
        }
        _link(interface, links, row, number)
        key = tuple(str(row[name]) for name in table.key)
        if key not in keys:
            keys.add(key)
            rows.append(row)
    return rows


def _link(interface: Interface, links: Sequence[Link], row: JsonObject, number: int) -> None:
    """Have a record name records that there are."""
    linked: set[str] = set()
    for link in links:
        other = interface.table(link.table)
        if other is None or not other.rows or linked & set(link.members):
            continue
        target = other.rows[number % len(other.rows)]
        for mine, its in zip(link.members, other.key, strict=True):
            row[mine] = target[its]
            linked.add(mine)


def guessed_links(interface: Interface, table: Table) -> list[Link]:
    """Return fields that name a record of another table, as far as their names say so."""
    members = {key_of(one.name): one for one in table.record.members if one.name not in table.key}
    found = []
    for other in interface.tables:
        if other is table or len(other.key) != 1:
            continue
        key = other.record.member(other.key[0])
        for end in dict.fromkeys(("id", key_of(other.key[0]))):
            member = members.get(f"{key_of(other.noun)}{end}")
            if member is not None and key is not None and member.shape.kind == key.shape.kind:
                found.append(Link((member.name,), other.name))
    return found


class _Maker:
    """Makes the values of one record."""

    def __init__(self, noun: str, number: int, rng: random.Random) -> None:
        self._noun = noun
        self._number = number
        self._rng = rng

    def value(self, shape: Shape, name: str, *, is_key: bool = False) -> JsonValue:
        """Return a value of a shape for a field of this name."""
        if is_key:
            return self._key(shape, name)
        if shape.is_nullable and shape.kind in {"map", "any"}:
            return None
        if shape.kind == "boolean":
            return self._number % 2 == 0
        if shape.kind == "choice":
            return shape.choices[self._number % len(shape.choices)]
        if shape.record is not None:
            return self.record(shape.record)
        makers = {
            "integer": self._integer, "number": self._amount, "list": self._list, "map": self._map,
        }  # fmt: skip
        return makers.get(shape.kind, self.text)(shape, name)

    def record(self, record: RecordShape) -> JsonObject:
        """Return an object inside of a record."""
        return {one.name: self.value(one.shape, one.name) for one in record.members}

    def _list(self, shape: Shape, name: str) -> JsonValue:
        item = shape.item or Shape("any")
        count = max(shape.shortest, 1)
        return [self.value(item, name) for _ in range(count)]

    def _map(self, shape: Shape, _name: str) -> JsonValue:
        item = shape.item or Shape("any")
        if item.kind == "any":
            return {}
        return {"first": self.value(item, "first"), "second": self.value(item, "second")}

    def _key(self, shape: Shape, name: str) -> JsonValue:
        if shape.kind == "integer":
            low = int(shape.low or 1)
            return low + self._number if shape.low else 1001 + self._number
        if shape.kind == "choice":
            return shape.choices[self._number % len(shape.choices)]
        if shape.form == "uuid":
            return str(uuid.UUID(int=self._rng.getrandbits(128), version=4))
        words = set(words_of(name))
        if {"id", "uuid", "key", "uid", "guid", "sid"} & words or shape.kind != "text":
            own = "_".join(words_of(name)[:-1]) or self._noun
            return f"{key_prefix(own)}-{1001 + self._number}"
        text = str(self.text(shape, name))
        others = {str(self._sibling(at).text(shape, name)) for at in range(self._number)}
        return f"{text}-{self._number + 1}" if text in others else text

    def _sibling(self, number: int) -> _Maker:
        rng = random.Random(0)  # noqa: S311  -- reproducible, no secret
        return _Maker(self._noun, number, rng)

    def _integer(self, shape: Shape, name: str) -> JsonValue:
        words = set(words_of(name))
        if shape.examples and isinstance(shape.examples[0], int) and self._number == 0:
            return shape.examples[0]
        ranges = (
            ({"year"}, (2019, 2026)), ({"age"}, (19, 71)), (_MONEY_WORDS, (12, 240)),
            ({"id"}, (1001, 1004)), ({"rating", "stars"}, (2, 5)), ({"percent"}, (5, 60)),
        )  # fmt: skip
        low, high = next((span for keys, span in ranges if keys & words), (1, 12))
        return self._rng.randint(*_within(shape, low, high))

    def _amount(self, shape: Shape, name: str) -> JsonValue:
        words = set(words_of(name))
        if shape.examples and self._number == 0:
            return float(shape.examples[0]) if not isinstance(shape.examples[0], str) else 1.0
        if {"lat", "latitude"} & words:
            return round(self._rng.uniform(40, 60), 4)
        if {"lng", "lon", "longitude"} & words:
            return round(self._rng.uniform(-9, 25), 4)
        low, high = _within(shape, 5, 240)
        return min(float(high), round(low + self._rng.random() * (high - low), 2))

    def text(self, shape: Shape, name: str) -> JsonValue:
        """Return a text for a field of this name."""
        text = self._formed(shape, name)
        if shape.longest is not None and len(text) > shape.longest:
            text = text[: shape.longest]
        return text.ljust(shape.shortest, "x") if len(text) < shape.shortest < _LONGEST else text

    def _formed(self, shape: Shape, name: str) -> str:
        number = self._number
        examples = [one for one in shape.examples if isinstance(one, str) and len(one) <= _LONGEST]
        if number < len(examples):
            return examples[number]
        person = _PEOPLE[number % len(_PEOPLE)]
        first = person.partition(" ")[0].lower()
        forms: Mapping[str, str] = {
            "date": f"2027-03-{5 + number:02d}",
            "date-time": f"2027-02-{10 + number:02d}T09:30:00Z",
            "time": f"{9 + number:02d}:30:00",
            "email": f"{first}@example.com",
            "uuid": str(uuid.UUID(int=self._rng.getrandbits(128), version=4)),
            "uri": f"https://example.com/{first}",
            "url": f"https://example.com/{first}",
            "hostname": "example.com",
            "ipv4": f"192.0.2.{number + 1}",
            "duration": "P1D",
            "binary": "",
            "byte": "",
        }
        return forms[shape.form] if shape.form in forms else self._named(name, person, first)

    def _named(self, name: str, person: str, first: str) -> str:
        """Return a text that suits the name of its field."""
        number = self._number
        words = words_of(name) or ["value"]
        last = singular(words[-1])
        if last == "name" or name.casefold() == "name":
            if "first" in words or "given" in words:
                return person.partition(" ")[0]
            if "last" in words or "family" in words:
                return person.partition(" ")[2]
            is_person = _PEOPLE_WORDS & {*words, *words_of(self._noun)}
            return person if is_person else _THINGS[number % len(_THINGS)]
        coded = f"{key_prefix(words[0])}-{301 + number}"
        tables: tuple[tuple[frozenset[str] | set[str], str], ...] = (
            (_MONEY_WORDS, f"{12 + 7 * number}.50"),
            ({"id", "uuid", "key", "sid"}, f"{'-'.join(words[:-1]) or 'id'}-{1001 + number}"),
            ({"email", "mail"}, f"{first}@example.com"),
            ({"phone", "mobile", "tel"}, f"555-010-{1000 + number}"),
            ({"city", "town", "location", "origin", "destination", "place"},
             _CITIES[(number + len(name)) % len(_CITIES)]),
            ({"country"}, _COUNTRIES[number % len(_COUNTRIES)]),
            ({"street", "address", "line1"}, _STREETS[number % len(_STREETS)]),
            ({"zip", "postcode", "postal"}, f"{10115 + 7 * number}"),
            ({"currency"}, "EUR"),
            ({"color", "colour"}, _COLORS[number % len(_COLORS)]),
            ({"date", "day", "birthday", "dob"}, f"2027-03-{5 + number:02d}"),
            ({"at", "time", "timestamp", "created", "updated"},
             f"2027-02-{10 + number:02d}T09:30:00Z"),
            ({"status", "state"}, _STATES[number % len(_STATES)]),
            ({"url", "link", "uri", "href", "image", "photo"}, f"https://example.com/{first}"),
            ({"username", "login", "slug", "nick"}, first),
            ({"sku", "code", "number", "reference", "ref"}, coded),
            ({"note", "notes", "comment", "message", "description", "summary", "body", "text",
              "details", "reason", "remark"}, _PHRASES[number % len(_PHRASES)]),
            ({"language", "locale"}, "en"),
            ({"title", "subject", "label"}, _THINGS[number % len(_THINGS)]),
        )  # fmt: skip
        found = next((text for keys, text in tables if last in keys), None)
        if found is None and _PEOPLE_WORDS & {last}:
            found = person
        return found if found is not None else f"{' '.join(words)} {number + 1}"


def example_value(interface: Interface, shape: Shape, name: str) -> JsonValue:
    """Return a value for what there is once."""
    seed = derive_seed(0, "examples", interface.source, name)
    rng = random.Random(seed)  # noqa: S311  -- reproducible, not a secret
    return _Maker("record", 0, rng).value(shape, name)


def _within(shape: Shape, low: float, high: float) -> tuple[int, int]:
    """Return a range that is within that of the shape."""
    least = int(shape.low) + 1 if shape.low is not None else None
    most = int(shape.high) if shape.high is not None else None
    if least is not None and low < least:
        low = least
        high = max(high, low + 10)
    if most is not None and high > most:
        high = most
        low = min(low, high)
    return int(low), int(max(low, high))
