"""The bank's records: tables of free records, forks of them, look-ups, and ids of new records."""

from __future__ import annotations

import hashlib
import json
import pickle

import pytest

from tau2.domains.banking_knowledge import ids, query
from tau2.domains.banking_knowledge.bank_rules import public_rules, rules_from
from tau2.domains.banking_knowledge.data_model import TABLES, TransactionalDB
from tau2.errors import DataFileError

MIA = {"user_id": "u1", "name": "Mia Onida", "score": 7}
TOM = {"user_id": "u2", "name": 'Tom "T" Bell'}


@pytest.fixture
def db() -> TransactionalDB:
    return TransactionalDB.model_validate(
        {"users": {"data": {"u1": MIA, "u2": TOM}, "notes": "people"}}
    )


def test_the_hash_is_that_of_all_tables_in_the_form_of_the_file(db: TransactionalDB) -> None:
    file = {name: {"data": {}, "notes": ""} for name in TABLES}
    file["users"] = {"data": {"u1": MIA, "u2": TOM}, "notes": "people"}
    expected = hashlib.sha256(json.dumps(file, sort_keys=True).encode()).hexdigest()

    assert len(TABLES) == 23
    assert db.model_dump() == file
    assert db.get_hash() == db.fork().get_hash() == db.view().get_hash() == expected


def test_a_fork_does_not_see_what_its_original_does(db: TransactionalDB) -> None:
    fork = db.fork()

    db.users["u1"]["name"] = "Mia Bell"

    assert fork.users["u1"]["name"] == "Mia Onida"
    assert not fork.same_as(db)
    assert fork.same_as(TransactionalDB.model_validate(fork.model_dump()))


def test_a_view_is_pickled_with_its_changes(db: TransactionalDB) -> None:
    view = db.view()
    assert view.is_pristine()

    assert view.add("referrals", "r1", {"referral_id": "r1"})
    assert not view.add("referrals", "r1", {"referral_id": "other"})

    again = pickle.loads(pickle.dumps(view))
    assert again.referrals["r1"] == {"referral_id": "r1"}
    assert again.get_hash() == view.get_hash() != db.get_hash()


def test_data_of_a_task_is_merged_field_by_field(
    db: TransactionalDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = db.updated({"users": {"data": {"u1": {"score": 8}, "u3": {"name": "New"}}}})

    assert changed.users["u1"] == {**MIA, "score": 8}
    assert changed.users["u3"] == {"name": "New"}
    assert "u3" not in db.users
    with pytest.raises(DataFileError, match="no table planets"):
        db.updated({"planets": {"data": {}}})
    monkeypatch.setenv("TAU2_STRICT_COMPAT", "1")
    assert db.updated({"planets": {"data": {}}}).same_as(db)
    with pytest.raises(DataFileError, match="users"):
        db.updated({"users": {"data": {"u1": "Mia"}}})


@pytest.mark.parametrize(
    ("constraints", "found"),
    [
        ({}, ["u1", "u2"]),
        ({"user_id": "u2"}, ["u2"]),
        ({"user_id__ne": "u2"}, ["u1"]),
        ({"name__contains": "T"}, ["u2"]),
        ({"name__startswith": "Mia"}, ["u1"]),
        ({"name__endswith": "Bell"}, ["u2"]),
        ({"score__gt": 5}, ["u1"]),
        ({"score__lte": 5}, []),
        ({"score": None}, ["u2"]),
        ({"user_id__in": ["u1", "u9"]}, ["u1"]),
        ({"user_id__nin": ["u1", "u9"]}, ["u2"]),
        ({"user_id__sounds_like": "u1"}, ["u1"]),
    ],
)
def test_constraints(db: TransactionalDB, constraints: dict[str, object], found: list[str]) -> None:
    assert list(query.find(db, "users", constraints)) == found
    assert list(query.find(db, "users", constraints, limit=1)) == found[:1]


def test_a_look_up_reads_as_numbered_records(db: TransactionalDB) -> None:
    assert query.look_up(db, "users", '{"user_id": "u1"}') == (
        "1 record in users:\n\n1. Record ID: u1\n   user_id: u1\n   name: Mia Onida\n   score: 7"
    )


def test_a_look_up_never_raises(db: TransactionalDB) -> None:
    assert "No records" in query.look_up(db, "users", '{"user_id": "u9"}')
    assert "no table 'planets'" in query.look_up(db, "planets", "{}")
    assert "not valid JSON" in query.look_up(db, "users", "{")
    assert "not a JSON object" in query.look_up(db, "users", "[]")


def test_a_name_with_a_quotation_mark_is_found_unless_it_is_pasted(db: TransactionalDB) -> None:
    name = TOM["name"]
    ours = query.look_up(db, "users", query.constraint("name", name, pasted=False))
    originals = query.look_up(db, "users", query.constraint("name", name, pasted=True))

    assert "Record ID: u2" in ours
    assert "not valid JSON" in originals


def test_ids_follow_from_what_a_record_is_about() -> None:
    def of(seed: str, length: int) -> str:
        return hashlib.sha256(seed.encode()).hexdigest()[:length]

    assert ids.card_application_id("EcoCard", "Mia", 85000.0, subscription=False) == of(
        "credit_card:EcoCard:Mia:85000.0:False", 16
    )
    assert ids.verification_id("u1", "2025-11-14 03:40:00 EST") == "u1_20251114_034000_EST"
    assert ids.limit_request_id("cc", "u1", 500) == "cli_" + of("cli_request:cc:u1:500.00", 12)
    assert ids.user_tool_call_id("t", {"b": 1.0, "a": "x"}) == of(
        'user_discoverable_tool_call:t:{"a": "x", "b": 1.0}', 16
    )
    assert ids.account_credit_id("savings", "a", "fee_refund", 5, "11/14/2025") == "txn_" + of(
        "savings_credit:a:fee_refund:5.0:11/14/2025", 16
    )
    assert len(ids.credit_card_last_4("cc")) == 4


def test_the_rules_of_the_public_bank() -> None:
    rules = public_rules()

    assert rules.today == "11/14/2025"
    assert rules.time == "2025-11-14 03:40:00 EST"
    assert len(rules.cards) == 13
    assert rules.cards["Gold Rewards Card"].points(47.99, "Groceries") == 119
    assert rules.cards["EcoCard"].points(10, "Green") == 50
    level = rules.level("checking", "Blue Account")
    assert level is not None
    assert (level.closure_fee, level.closure_window, level.atm_limit) == (25, 60, 500)
    assert rules.level("checking", None) is None


def test_rules_that_lack_something_name_it() -> None:
    with pytest.raises(DataFileError, match=r"bank\.toml: institution"):
        rules_from({}, "bank.toml")
