"""Databases: parsed with the place of every mistake, forked without copying, hashed canonically."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from pydantic import BaseModel, Field, ValidationError, computed_field

from tau2.environment.db import DB, deep_merge
from tau2.errors import DataFileError


class Item(BaseModel):
    name: str
    price: float = 0.0


class Shop(DB):
    items: dict[str, Item] = Field(default_factory=dict)
    orders: list[dict[str, int]] = Field(default_factory=list)
    owner: str = "Ada"


class Counted(Shop):
    secret: str = Field(default="x", exclude=True)

    @computed_field
    @property
    def size(self) -> int:
        return len(self.items)


def shop() -> Shop:
    return Shop(items={"b": Item(name="Böe", price=2), "a": Item(name="Ax")}, orders=[{"a": 1}])


def canonical(db: DB) -> str:
    return hashlib.sha256(
        json.dumps(db.model_dump(), sort_keys=True, default=str).encode()
    ).hexdigest()


def test_a_view_copies_no_record_and_has_the_same_hash():
    reference = shop()
    view = reference.view()
    assert view.get_hash() == reference.get_hash() == canonical(reference)
    assert view == reference
    assert view.model_dump() == reference.model_dump()
    assert view.model_dump_json() == reference.model_dump_json()


def test_a_change_of_a_view_changes_only_its_own_hash():
    reference = shop()
    before = reference.get_hash()
    view = reference.view()
    view.items["a"].price = 9.5
    view.items["c"] = Item(name="Cap")
    del view.items["b"]
    view.orders.append({"c": 2})
    view.owner = "Bob"
    assert view.get_hash() == canonical(view) != before
    assert reference.get_hash() == before


def test_the_hash_knows_excluded_and_computed_fields():
    plain = Counted(items=shop().items)
    assert plain.view().get_hash() == plain.get_hash() == canonical(plain)


def test_numbers_are_equal_by_value_but_hash_as_written():
    one, other = shop().view(), shop().view()
    one.items["a"].price = 25
    other.items["a"].price = 25.0
    assert one.same_as(other)
    assert one.get_hash() != other.get_hash()


def test_a_value_of_another_type_is_hashed_without_a_warning():
    db = shop()
    db.items["a"].price = "free"
    db.owner = 5
    assert len(db.get_hash()) == len(db.view().get_hash()) == 64


def test_a_view_is_pristine_until_anything_changes():
    for change in (
        lambda db: db.items["a"].__setattr__("price", 1.0),
        lambda db: db.items.pop("a"),
        lambda db: db.orders.append({}),
        lambda db: db.orders[0].update(a=2),
        lambda db: setattr(db, "owner", "Eve"),
    ):
        view = shop().view()
        assert view.is_pristine()
        assert view.fork().is_pristine()
        change(view)
        assert not view.is_pristine()
    assert not shop().is_pristine()  # there is nothing to compare it with


def test_a_plain_database_forks_too():
    db = shop()
    child = db.fork()
    grandchild = child.fork()
    child.items["a"].price = 3.0
    grandchild.orders[0]["a"] = 99
    assert db == shop()
    assert child.orders == [{"a": 1}]


def test_an_update_merges_and_validates_what_it_names():
    view = shop().view()
    new = view.updated({"items": {"a": {"price": 5}, "c": {"name": "Cap"}}, "orders": [{"x": 1}]})
    assert new.items["a"] == Item(name="Ax", price=5)
    assert set(new.items) == {"a", "b", "c"}
    assert new.orders == [{"x": 1}]
    assert view == shop()
    with pytest.raises(ValidationError):
        view.updated({"items": {"d": {"price": 1}}})
    with pytest.raises(DataFileError, match="no field nonsense"):
        view.updated({"nonsense": 1})


def test_deep_merge_replaces_lists():
    assert deep_merge({"a": {"b": [1], "c": 2}}, {"a": {"b": [3]}}) == {"a": {"b": [3], "c": 2}}
    assert deep_merge(None, {"a": 1}) == {"a": 1}


@pytest.mark.parametrize("suffix", [".json", ".yaml"])
def test_a_dumped_database_loads_again(tmp_path, suffix):
    path = tmp_path / f"db{suffix}"
    shop().view().dump(path)
    assert Shop.load(path) == shop()


def test_toml_is_read(tmp_path):
    path = tmp_path / "db.toml"
    path.write_text('owner = "Eve"\n[items.a]\nname = "Ax"\n')
    assert Shop.load(path).owner == "Eve"
    with pytest.raises(DataFileError, match="read only"):
        shop().dump(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"items": {"a": {"price": "x"}}}', "items.a.name: Field required"),
        ('{"things": {}}', "things: Extra inputs"),
        ("{", "not valid json"),
        (b"\xff", "not valid UTF-8"),
        ("[" * 100_000, "not valid json"),
    ],
)
def test_an_error_in_a_file_names_file_and_place(tmp_path, content, words):
    path = tmp_path / "db.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataFileError, match=words) as problem:
        Shop.load(path)
    assert str(path) in str(problem.value)
    with pytest.raises(DataFileError, match="cannot be read"):
        Shop.load(Path("nowhere.json"))


def test_an_error_in_yaml_names_the_file(tmp_path):
    path = tmp_path / "db.yaml"
    path.write_text("a: [1")
    with pytest.raises(DataFileError, match="not valid yaml"):
        Shop.load(path)


def test_statistics_count_records():
    assert shop().view().get_statistics() == {"num_items": 2, "num_orders": 1}
    assert Shop.get_json_schema()["title"] == "Shop"
