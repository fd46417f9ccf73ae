"""Scenarios that contradict their reference: what a customer says is altered, value by value."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.reference import REFERENCE, needs_reference

from tau2.audit.agreement import KINDS, check_agreement
from tau2.data_model.tasks import Task
from tau2.environment.task_setup import TaskSetup
from tau2.registry import registry

DOMAINS = ("retail", "airline", "telecom")
LEAST_FOUND = 0.95  # of the plants of one kind


def setup_of(domain: str, task: Task) -> TaskSetup:
    return TaskSetup(task, registry.get_env_constructor(domain))


def text_of(task: Task) -> str:
    return task.user_scenario.instructions.model_dump_json()


def arguments_of(task: Task) -> str:
    return json.dumps([action.arguments for action in task.reference_actions])


def written(task: Task, *keys: str) -> list[object]:
    """Return what the reference gives to changing tools under some keys, at any depth."""
    found: list[object] = []

    def walk(value: object) -> None:
        for key, item in value.items() if isinstance(value, dict) else ():
            if key in keys:
                found.append(item)
            walk(item)
        for item in value if isinstance(value, list) else ():
            walk(item)

    looks = ("get", "find", "search", "list", "calculate", "transfer")
    for action in task.reference_actions:
        if not action.name.startswith(looks):
            walk(action.arguments)
    return found


def with_text(task: Task, text: str) -> Task:
    told = type(task.user_scenario.instructions).model_validate_json(text)
    scenario = task.user_scenario.model_copy(update={"instructions": told})
    return task.model_copy(update={"user_scenario": scenario})


# --- the plants: each returns an altered text, or None where a task has no such value ---


def insurance(task: Task) -> str | None:
    text = text_of(task)
    if not written(task, "insurance"):
        return None
    if "no insurance" in text:
        return text.replace("no insurance", "travel insurance")
    return text.replace("travel insurance", "no insurance") if "travel insurance" in text else None


def ambiguous_insurance(task: Task) -> str | None:
    """The old wording, in which one "no" goes for both."""
    text = text_of(task)
    old = text.replace(
        "travel insurance but no checked bags", "no checked bags and travel insurance"
    )
    return old if old != text and "yes" in written(task, "insurance") else None


def bags(task: Task) -> str | None:
    text = text_of(task)
    if not written(task, "total_baggages") or text.count("checked bag") != 1:
        return None
    changed = re.sub(r"\bone( more)? checked bag\b", r"four\1 checked bags", text)
    return changed if changed != text else None


def cabin(task: Task) -> str | None:
    text = text_of(task)
    booked = [value for value in written(task, "cabin") if value == "business"]
    named = text.count("business")
    if not booked or named != 1 or "same cabin" in text:
        return None
    return text.replace("business", "basic economy")


def flight_date(task: Task) -> str | None:
    text = text_of(task)
    dates = [value for value in written(task, "date") if isinstance(value, str)]
    if len(dates) != 1 or "same" in text:
        return None
    day = int(dates[0][-2:])
    if not re.search(rf"\bMay {day}\b", text):
        return None
    other = next(d for d in range(30, 15, -1) if f"May {d}" not in text and d != day)
    return re.sub(rf"\bMay {day}\b", f"May {other}", text)


def birth_date(task: Task) -> str | None:
    text = text_of(task)
    said = [d for d in written(task, "dob") if str(d) in text]
    return text.replace(str(said[0]), "1931-07-07") if said else None


def own_birth_date(task: Task) -> str | None:
    text = text_of(task)
    changed = re.sub(r"(born on )\d{4}-\d\d-\d\d(, and your user id)", r"\g<1>1931-07-07\2", text)
    return changed if changed != text else None


def own_name(task: Task) -> str | None:
    text = text_of(task)
    name = re.search(r"(?:You are|Your (?:full )?name is) ([A-Z]\w+) ([A-Z]\w+)", text)
    return text.replace(name[2], "Zzyzx") if name and text.count(name[2]) == 1 else None


def passenger_name(task: Task) -> str | None:
    text = text_of(task)
    new = [str(name) for name in written(task, "first_name") if text.count(f"{name} ") >= 1]
    customer = re.search(r"(?:You are|Your (?:full )?name is) (\w+)", text)
    for name in new:
        if customer is not None and customer[1] != name and "born on" in text:
            return re.sub(rf"\b{name}\b", "Zzyzxa", text)
    return None


def pattern_plant(pattern: str, change: Callable[[str], str]) -> Callable[[Task], str | None]:
    def plant(task: Task) -> str | None:
        text = text_of(task)
        found = re.search(pattern, text)
        if found is None:
            return None
        return text.replace(found[1], change(found[1]))

    return plant


def next_digit(value: str) -> str:
    """Return a value with its last digit changed."""
    place = max(i for i, char in enumerate(value) if char.isdigit())
    return f"{value[:place]}{(int(value[place]) + 3) % 10}{value[place + 1 :]}"


def order_number(task: Task) -> str | None:
    text = text_of(task)
    changed = [str(i) for i in written(task, "order_id") if str(i) in text]
    return text.replace(changed[0], "#W0000001") if changed else None


def own_other_order(task: Task) -> str | None:
    """Another order of the same customer is named."""
    text = text_of(task)
    changed = [str(i) for i in written(task, "order_id") if str(i) in text]
    if not changed:
        return None
    orders = registry.get_env_constructor("retail")().tools.db.orders
    owner = orders[changed[0]].user_id
    others = [i for i, order in orders.items() if order.user_id == owner and i not in text]
    others = [i for i in others if i not in arguments_of(task)]
    return text.replace(changed[0], others[0]) if others else None


BRANDS = ("Visa card", "Mastercard", "American Express card", "Discover card")


def brand(task: Task) -> str | None:
    text = text_of(task)
    named = [name for name in BRANDS if name in text]
    paid = written(task, "payment_method_id", "payment_id")
    others = any(
        word in text for word in ("PayPal", "gift card", "certificate", "not in your profile")
    )
    if len(named) != 1 or not paid or others:
        return None
    if any(not str(method).startswith("credit_card") for method in paid):
        return None
    return text.replace(named[0], next(name for name in BRANDS if name != named[0]))


def house_number(task: Task) -> str | None:
    text = text_of(task)
    said = [str(line) for line in written(task, "address1") if str(line) in text]
    return text.replace(said[0], f"9{said[0]}") if said else None


def zip_of_address(task: Task) -> str | None:
    text = text_of(task)
    said = [str(code) for code in written(task, "zip") if str(code) in text]
    return text.replace(said[0], next_digit(said[0])) if said else None


def reason(task: Task) -> str | None:
    text = text_of(task)
    given = written(task, "reason")
    if given == ["no longer needed"]:
        return re.sub(r"no longer need(?:ed)?", "ordered by mistake", text)
    if given == ["ordered by mistake"]:
        return re.sub(r"(?:ordered|placed)?[^.\"]{0,12}by mistake", " no longer needed", text)
    return None


def gigabytes(task: Task) -> str | None:
    text = text_of(task)
    bought = written(task, "gb_amount")
    if not bought or f"{bought[0]:g} GB" not in text:
        return None
    return text.replace(f"{bought[0]:g} GB", "17 GB")


def city(task: Task) -> str | None:
    text = text_of(task)
    if not written(task, "destination") or "same" in text:
        return None
    route = re.search(r"from ([A-Z][\w ()]*?) to ([A-Z][\w ()]*?) on May", text)
    if route is None or text.count(route[2]) != 1:
        return None
    ends = registry.get_env_constructor("airline")()
    airports = {a.city for a in ends.tools.list_all_airports()}
    other = next(name for name in sorted(airports) if name not in text)
    return text.replace(route[2], other) if route[2] in airports else None


PLANTS: dict[str, Callable[[Task], str | None]] = {
    "insurance": insurance,
    "ambiguous insurance": ambiguous_insurance,
    "bags": bags,
    "cabin": cabin,
    "flight date": flight_date,
    "birth date": birth_date,
    "own birth date": own_birth_date,
    "own name": own_name,
    "passenger name": passenger_name,
    "email": pattern_plant(r"([\w.]+\d\d@example\.\w+)", next_digit),
    "zip code": pattern_plant(r"zip code(?: is)? (\d{5})", next_digit),
    "user id": pattern_plant(r"\b([a-z]+_[a-z]+_\d{4})\b", next_digit),
    "phone number": pattern_plant(r"\b(\d{3}-\d{3}-\d{4})\b", next_digit),
    "order number": order_number,
    "another order of one's own": own_other_order,
    "reservation": pattern_plant(r"reservation ([A-Z0-9]{6})\b", next_digit),
    "brand": brand,
    "last four": pattern_plant(r"ending in (\d{4})", next_digit),
    "balance": pattern_plant(r"with \$(\d+) on it", next_digit),
    "sum": pattern_plant(r"you paid (\d+\.\d\d) dollars", next_digit),
    "house number": house_number,
    "zip of an address": zip_of_address,
    "reason": reason,
    "gigabytes": gigabytes,
    "city": city,
}


def altered(domain: str, plant: Callable[[Task], str | None]) -> Iterator[Task]:
    """Yield the shipped tasks of a domain with a value altered, where there is one."""
    for task in registry.domains.get(domain).tasks("base"):
        text = plant(task)
        if text is not None and text != text_of(task):
            yield with_text(task, text)


@pytest.mark.parametrize("name", PLANTS)
def test_altered_values_are_found(name: str) -> None:
    missed = []
    planted = 0
    for domain in DOMAINS:
        for task in altered(domain, PLANTS[name]):
            planted += 1
            if not check_agreement(setup_of(domain, task)):
                missed.append((domain, task.id))
    assert planted > 0
    assert planted - len(missed) >= LEAST_FOUND * planted, missed


@pytest.mark.parametrize("domain", DOMAINS)
def test_nothing_is_found_in_the_shipped_tasks(domain: str) -> None:
    tasks = registry.domains.get(domain).tasks("base")
    assert {t.id: found for t in tasks if (found := check_agreement(setup_of(domain, t)))} == {}


def test_a_task_without_anything_to_compare_has_no_finding() -> None:
    for task in registry.domains.get("mock").tasks(None):
        assert check_agreement(setup_of("mock", task)) == []


@needs_reference
@pytest.mark.parametrize("domain", DOMAINS)
def test_people_wrote_the_public_tasks_and_little_is_found(
    domain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read by hand: every value in the public training tasks agrees with its reference."""
    monkeypatch.setenv("TAU2_DATA_DIR", str(REFERENCE))
    tasks = registry.domains.get(domain).tasks(None)
    assert [t.id for t in tasks if check_agreement(setup_of(domain, t))] == []


def test_every_kind_has_a_name_in_the_findings() -> None:
    setup = next(
        setup_of("airline", task) for task in altered("airline", PLANTS["ambiguous insurance"])
    )
    assert [found.partition(":")[0] for found in check_agreement(setup)] == ["insurance"]
    assert all(kind == kind.lower() for kind in KINDS)


# --- the reference is altered, and the scenario is not ---


def changed_argument(name: str, change: Callable[[Any], Any]) -> Callable[[Task], Iterator[Task]]:
    def plant(task: Task) -> Iterator[Task]:
        for number, action in enumerate(task.reference_actions):
            looks = action.name.startswith(("get", "find", "search"))
            if looks or name not in action.arguments:
                continue
            altered_task = task.model_copy(deep=True)
            arguments = altered_task.reference_actions[number].arguments
            arguments[name] = change(arguments[name])
            yield altered_task

    return plant


def other_birth_date(passengers: list[dict[str, str]]) -> list[dict[str, str]]:
    return [{**passengers[0], "dob": "1931-01-01"}, *passengers[1:]]


def other_name(passengers: list[dict[str, str]]) -> list[dict[str, str]]:
    return [*passengers[:-1], {**passengers[-1], "first_name": "Zzyzx"}]


REFERENCES: dict[str, Callable[[Task], Iterator[Task]]] = {
    "address": changed_argument("address1", lambda line: f"9{line}"),
    "zip": changed_argument("zip", lambda _: "99999"),
    "birth date": changed_argument("passengers", other_birth_date),
    "passenger": changed_argument("passengers", other_name),
    "insurance": changed_argument("insurance", lambda v: {"yes": "no", "no": "yes"}[v]),
    "gigabytes": changed_argument("gb_amount", lambda _: 0.5),
}


@pytest.mark.parametrize("name", REFERENCES)
def test_altered_references_are_found(name: str) -> None:
    planted = [
        (domain, task)
        for domain in DOMAINS
        for original in registry.domains.get(domain).tasks("base")
        for task in REFERENCES[name](original)
    ]
    missed = [(d, t.id) for d, t in planted if not check_agreement(setup_of(d, t))]
    assert len(planted) >= 15
    assert missed == []
