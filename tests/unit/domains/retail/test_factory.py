"""The factory's promises, checked on the committed data and on a small world of another seed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, get_args

import pytest
from tests.reference import REFERENCE, needs_reference

from tau2.data_model.tasks import Action, Task
from tau2.domains import retail
from tau2.domains.retail.data_model import GiftCard, OrderStatus, RetailDB
from tau2.domains.retail.factory.__main__ import DEFAULT_SEED, main, write_data
from tau2.domains.retail.factory.intents import (
    conflicting,
    forbidden,
    pressing,
    refusing,
    second_thoughts,
)
from tau2.domains.retail.factory.shipped import build_tasks
from tau2.domains.retail.factory.words import method_name
from tau2.domains.retail.factory.world import PEOPLE, RetailScale, build_world
from tau2.domains.retail.tools import RetailTools
from tau2.environment.domain import dump_tasks, load_split, load_splits, load_tasks_file
from tau2.errors import DataFileError, ToolError
from tau2.taskgen.cli import db_text

COMMITTED = Path(retail.__file__).parent
FILES = ("db.json", "tasks.json", "split_tasks.json")
SMALL = RetailScale(users=200, orders=400, tasks=60)
INSISTS = re.compile(r"\b(?:refuses|says|says no|possible|cancelled|more)\b[^.]*, say that ")


class Made(NamedTuple):
    """What the factory made."""

    db: RetailDB
    tasks: list[Task]
    splits: dict[str, list[str]]


@pytest.fixture(scope="module", params=["committed", "another seed"])
def made(request) -> Made:
    if request.param == "committed":
        tasks = load_tasks_file(COMMITTED / "tasks.json")
        return Made(
            RetailDB.load(COMMITTED / "db.json"), tasks, load_splits(COMMITTED / "split_tasks.json")
        )
    db = build_world(4711, SMALL)
    shipped = build_tasks(4711, db, SMALL.tasks)
    return Made(db, shipped.tasks, shipped.splits)


# --- determinism ---


def test_the_committed_files_are_what_the_default_seed_gives(tmp_path):
    write_data(DEFAULT_SEED, tmp_path)
    same_files(tmp_path, COMMITTED)


def test_the_files_do_not_depend_on_the_order_of_hashes(tmp_path):
    for hash_seed in "12":
        command = [
            sys.executable,
            "-m",
            "tau2.domains.retail.factory",
            "--out",
            str(tmp_path / hash_seed),
        ]
        subprocess.run(command, env={**os.environ, "PYTHONHASHSEED": hash_seed}, check=True)
    same_files(tmp_path / "1", tmp_path / "2")


def same_files(one: Path, other: Path) -> None:
    for name in FILES:
        assert (one / name).read_bytes() == (other / name).read_bytes(), name


def test_another_seed_gives_another_shop(tmp_path):
    write_data(5, tmp_path / "a", SMALL)
    write_data(6, tmp_path / "b", SMALL)
    assert (
        not RetailDB.load(tmp_path / "a" / "db.json").orders.keys()
        & RetailDB.load(tmp_path / "b" / "db.json").orders.keys()
    )


def test_the_command_line_writes_the_files(tmp_path):
    main(["--seed", "3", "--out", str(tmp_path / "new")])
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(FILES)
    assert load_split(
        tmp_path / "new" / "tasks.json", tmp_path / "new" / "split_tasks.json", "train"
    )


def test_too_small_a_world_is_an_error():
    scale = RetailScale(users=5, orders=5, tasks=100)
    with pytest.raises(DataFileError, match="tasks only"):
        build_tasks(1, build_world(1, scale), scale.tasks)


def test_data_survives_writing_and_reading(made, tmp_path):
    dump_tasks(made.tasks, tmp_path / "tasks.json")
    assert load_tasks_file(tmp_path / "tasks.json") == made.tasks
    (tmp_path / "db.json").write_text(db_text(made.db))
    assert RetailDB.load(tmp_path / "db.json") == made.db


# --- the shop ---


def test_the_committed_shop_has_the_promised_size():
    db = RetailDB.load(COMMITTED / "db.json")
    assert (len(db.products), len(db.users), len(db.orders)) == (50, 500, 1000)
    assert (COMMITTED / "db.json").stat().st_size < 1_500_000


def test_every_status_occurs(made):
    assert {order.status for order in made.db.orders.values()} == set(get_args(OrderStatus))


def test_ids_have_their_form(made):
    assert all(re.fullmatch(r"#W0\d{6}", order_id) for order_id in made.db.orders)
    assert all(re.fullmatch(r"[a-z]+_[a-z]+_\d{4}", user_id) for user_id in made.db.users)
    assert all(
        re.fullmatch(r"[1-9]\d{9}", i)
        for p in made.db.products.values()
        for i in (p.product_id, *p.variants)
    )
    for table in (made.db.products, made.db.users, made.db.orders):
        for key, record in table.items():
            assert key in record.model_dump().values()


def test_variants_differ_in_options_and_price(made):
    for product in made.db.products.values():
        variants = list(product.variants.values())
        assert (
            len({tuple(v.options.items()) for v in variants})
            == len({v.price for v in variants})
            == len(variants)
        )
        assert any(v.available for v in variants)


def test_orders_belong_to_their_customers(made):
    listed = [
        (user.user_id, order_id) for user in made.db.users.values() for order_id in user.orders
    ]
    assert sorted(listed) == sorted(
        (order.user_id, order.order_id) for order in made.db.orders.values()
    )


def test_ordered_items_are_those_of_the_shop(made):
    for order in made.db.orders.values():
        assert len({item.item_id for item in order.items}) == len(order.items)
        for item in order.items:
            product = made.db.products[item.product_id]
            variant = product.variants[item.item_id]
            assert (item.name, item.price, item.options) == (
                product.name,
                variant.price,
                variant.options,
            )


def test_the_money_of_every_order_adds_up(made):
    for order in made.db.orders.values():
        sign = {"payment": 1, "refund": -1}
        paid = round(sum(sign[p.transaction_type] * p.amount for p in order.payment_history), 2)
        expected = (
            0 if order.status == "cancelled" else round(sum(item.price for item in order.items), 2)
        )
        assert paid == expected, order.order_id
        methods = made.db.users[order.user_id].payment_methods
        assert all(p.payment_method_id in methods and p.amount >= 0 for p in order.payment_history)


def test_what_was_sent_has_tracking_numbers(made):
    tracked: Counter[str] = Counter()
    for order in made.db.orders.values():
        sent = order.status in {"processed", "delivered", "return requested", "exchange requested"}
        parcels = [item_id for parcel in order.fulfillments for item_id in parcel.item_ids]
        assert parcels == ([item.item_id for item in order.items] if sent else [])
        tracked.update(number for parcel in order.fulfillments for number in parcel.tracking_id)
    assert set(tracked.values()) == {1}


def test_customers_can_be_told_apart(made):
    users = list(made.db.users.values())
    assert len({user.email for user in users}) == len(users)
    assert len({(user.name.first_name, user.name.last_name) for user in users}) == len(users)


def test_profiles_are_plausible(made):
    zips = {(city, state): start for city, state, start in PEOPLE.towns}
    for user in made.db.users.values():
        assert 1 <= len(user.payment_methods) <= 4
        assert len({method_name(method) for method in user.payment_methods.values()}) == len(
            user.payment_methods
        )
        assert all(m.balance > 0 for m in user.payment_methods.values() if isinstance(m, GiftCard))
        assert user.address.zip.startswith(zips[user.address.city, user.address.state])
        assert len(user.address.zip) == 5


@needs_reference
def test_no_id_is_one_of_the_public_data(made):
    public = json.loads((REFERENCE / "tau2" / "domains" / "retail" / "db.json").read_text())
    for table in ("products", "users", "orders"):
        assert not public[table].keys() & getattr(made.db, table).keys()
    assert not {user["name"]["last_name"] for user in public["users"].values()} & set(
        PEOPLE.last_names
    )
    assert not {product["name"] for product in public["products"].values()} & {
        product.name for product in made.db.products.values()
    }


# --- the tasks ---


def is_change(action: Action) -> bool:
    return RetailTools._marks[action.name].mutates


def changes(task: Task) -> list[Action]:
    return [action for action in actions(task) if is_change(action)]


def actions(task: Task) -> list[Action]:
    return task.evaluation_criteria.actions


def scenario(task: Task) -> str:
    return str(task.user_scenario)


def after(db: RetailDB, done: list[Action]) -> RetailDB:
    """Return the world after calls, as grading makes it: a refused call changes nothing."""
    tools = RetailTools(db.view())
    for action in done:
        try:
            tools.use_tool(action.name, **action.arguments)
        except ToolError:
            continue
    return tools.db


def test_there_are_many_tasks_of_many_kinds():
    tasks = load_tasks_file(COMMITTED / "tasks.json")
    assert len(tasks) >= 120
    assert len({task.description.purpose for task in tasks}) >= 40


def test_ids_and_splits_partition(made):
    ids = [task.id for task in made.tasks]
    assert ids == [str(number) for number in range(len(ids))]
    train, test, new = (set(made.splits[name]) for name in ("train", "test", "test_new"))
    assert made.splits["base"] == ids[: len(train) + len(test)]
    assert train | test == set(made.splits["base"])
    assert train | test | new == set(ids)
    assert len(train) + len(test) + len(new) == len(ids)
    assert 0.25 < len(test) / len(train | test) < 0.42


def test_the_committed_splits_have_the_promised_sizes():
    sizes = {name: len(ids) for name, ids in load_splits(COMMITTED / "split_tasks.json").items()}
    assert sizes == {"train": 136, "test": 68, "base": 204, "test_new": 34}


def test_kinds_of_the_test_split_are_trained_and_new_kinds_are_not(made):
    kinds = {
        name: {task.description.purpose for task in made.tasks if task.id in ids}
        for name, ids in made.splits.items()
    }
    assert kinds["test"] <= kinds["train"]
    trained = {part for kind in kinds["train"] for part in kind.split(" + ")}
    for kind in kinds["test_new"]:
        assert trained.isdisjoint(kind.split(" + "))


def test_tasks_ask_for_several_changes_and_rarely_tell_the_numbers():
    splits = load_splits(COMMITTED / "split_tasks.json")
    tasks = [t for t in load_tasks_file(COMMITTED / "tasks.json") if t.id in splits["base"]]
    counts = [len(changes(task)) for task in tasks]
    assert sum(counts) / len(tasks) >= 1.6
    assert sum(count > 1 for count in counts) / len(tasks) >= 0.4
    telling = 0
    for task in tasks:
        needed = set(re.findall(r"#W\d+", json.dumps([a.arguments for a in actions(task)])))
        telling += bool(needed) and all(order_id in scenario(task) for order_id in needed)
    assert telling / len(tasks) <= 0.25


def test_tasks_hold_what_makes_them_hard():
    """Changes of mind, hidden numbers, pressure, conflicts, and refusals met with insistence."""
    splits = load_splits(COMMITTED / "split_tasks.json")
    tasks = [t for t in load_tasks_file(COMMITTED / "tasks.json") if t.id in splits["base"]]
    told = Counter(part for task in tasks for part in task.description.purpose.split(" + "))

    def share(*modules: ModuleType) -> float:
        purposes = {intent.purpose for module in modules for intent in module.INTENTS}
        return sum(count for part, count in told.items() if part in purposes) / len(tasks)

    assert share(second_thoughts) >= 0.12
    assert share(pressing, forbidden, refusing) >= 0.25
    assert share(conflicting) >= 0.03
    insisting = [t for t in tasks if INSISTS.search(t.user_scenario.instructions.task_instructions)]
    assert len(insisting) / len(tasks) >= 0.15


def test_train_and_test_share_no_customer_and_no_order(made):
    def touched(split: str) -> set[str]:
        chosen = [task for task in made.tasks if task.id in made.splits[split]]
        text = " ".join(task.model_dump_json() for task in chosen)
        users = {u for u in made.db.users if u in text}
        names = {
            u.user_id
            for u in made.db.users.values()
            if re.search(rf"{u.name.first_name} {u.name.last_name}\b", text)
        }
        orders = {order_id for order_id in made.db.orders if order_id in text}
        return users | names | orders | {made.db.orders[order_id].user_id for order_id in orders}

    train, test, new = map(touched, ("train", "test", "test_new"))
    assert not train & test
    assert not new & (train | test)


def test_references_run_without_error_and_do_something(made):
    for task in made.tasks:
        tools = RetailTools(made.db.view())
        for action in actions(task):
            tools.use_tool(action.name, **action.arguments)
        if changes(task):
            assert not tools.db.same_as(made.db.view()), task.id
        else:
            assert task.evaluation_criteria.communicate_info, task.id


def test_no_change_of_a_reference_can_be_left_out(made):
    for task in made.tasks:
        end = after(made.db, actions(task))
        for left_out in changes(task):
            rest = [action for action in actions(task) if action is not left_out]
            assert not after(made.db, rest).same_as(end), (task.id, left_out.name)


def others(made: Made, action: Action, name: str, value: Any) -> list[Any]:
    """Return wrong values for an argument: plausible ones of the same kind."""
    if isinstance(value, list):
        order = made.db.orders[action.arguments["order_id"]]
        spare = [item.item_id for item in order.items if item.item_id not in value]
        siblings = [
            variant.item_id
            for item in order.items
            for variant in made.db.products[item.product_id].variants.values()
            if variant.item_id not in {*value, *action.arguments["item_ids"]}
        ]
        swapped = [[other, *value[1:]] for other in (spare if name == "item_ids" else siblings)[:6]]
        return [*swapped, value[:-1], *([[*value, spare[0]]] if spare else [])]
    owner = action.arguments.get("user_id") or made.db.orders[action.arguments["order_id"]].user_id
    user = made.db.users[owner]
    choices = {
        "reason": ["no longer needed", "ordered by mistake"],
        "payment_method_id": list(user.payment_methods),
        "order_id": user.orders,
        "user_id": list(made.db.users)[:3],
    }
    return [other for other in choices.get(name, [f"{value}x", ""]) if other != value]


def test_no_argument_of_a_change_can_be_another(made):
    for task in made.tasks:
        end = after(made.db, actions(task))
        for index, action in enumerate(actions(task)):
            if not is_change(action):
                continue
            for name, value in action.arguments.items():
                for other in others(made, action, name, value):
                    wrong = action.model_copy(
                        update={"arguments": {**action.arguments, name: other}}
                    )
                    done = [*actions(task)[:index], wrong, *actions(task)[index + 1 :]]
                    assert not after(made.db, done).same_as(end), (
                        task.id,
                        action.name,
                        name,
                        other,
                    )


def test_everything_a_reference_needs_is_said_or_can_be_looked_up(made):
    for task in made.tasks:
        tools = RetailTools(made.db.view())
        known = [scenario(task), "USA", json.dumps(["no longer needed", "ordered by mistake"])]
        for action in actions(task):
            if action.name == "transfer_to_human_agents":
                continue
            for value in action.arguments.values():
                for part in value if isinstance(value, list) else [value]:
                    seen = any(part in text for text in known) or action.name == "calculate"
                    assert seen, (task.id, action.name, part)
            shown = tools.use_tool(action.name, **action.arguments)
            known.append(shown if isinstance(shown, str) else shown.model_dump_json())


def test_customers_know_no_internal_ids(made):
    internal = re.compile(r"\b(\d{10}|(credit_card|gift_card|paypal)_\d+)\b")
    for task in made.tasks:
        assert not internal.search(scenario(task)), task.id


def test_customers_name_the_method_and_the_reason(made):
    words = {"no longer needed": "no longer need", "ordered by mistake": "by mistake"}
    for task in made.tasks:
        text = scenario(task)
        for action in changes(task):
            if (method_id := action.arguments.get("payment_method_id")) is not None:
                user = made.db.users[made.db.orders[action.arguments["order_id"]].user_id]
                assert (
                    method_name(user.payment_methods[method_id]) in text
                    or "the way that order was paid" in text
                )
            if (reason := action.arguments.get("reason")) is not None:
                assert words[reason] in text, task.id


def test_figures_can_be_written_in_one_way_only(made):
    form = re.compile(r"\d+\.\d[1-9]|\d{2}|\d{5}|\d{12}|W\d{7}")
    for task in made.tasks:
        for figure in task.evaluation_criteria.communicate_info:
            assert form.fullmatch(figure), (task.id, figure)


def test_scenarios_are_short_and_complete(made):
    for task in made.tasks:
        parts = task.user_scenario.instructions
        sentences = re.findall(r"[.?!](?= |$)", re.sub(r"\bSt\. ", "St ", parts.reason_for_call))
        assert 1 <= len(sentences) <= 9, (task.id, parts.reason_for_call)
        assert parts.known_info.startswith(("You are ", "Your name is ", "Your full name is "))
        assert "  " not in scenario(task)
        for part in (parts.reason_for_call, parts.known_info, parts.task_instructions):
            assert part[0].isupper(), (task.id, part)
            assert part.endswith("."), (task.id, part)
