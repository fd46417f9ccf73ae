"""What the task factories share: drafts, soundness, the generation loop, ids and texts."""

from __future__ import annotations

import random

import pytest

from tau2.data_model.tasks import Task
from tau2.domains.mock.environment import get_environment, get_tasks
from tau2.domains.mock.tools import MockTools
from tau2.errors import ConfigError, DataFileError, UnknownName
from tau2.taskgen.drafts import TaskDraft, UnsuitableCustomer
from tau2.taskgen.generation import Candidate, check_request, distinct_tasks
from tau2.taskgen.ids import FreshIds
from tau2.taskgen.phrasing import capitalized, joined, spaced, uncapitalized, with_article
from tau2.taskgen.soundness import is_sound, work_key
from tau2.taskgen.wording import SlotFormatter, Wording

CREATE = ("create_task", {"user_id": "user_1", "title": "Water the plants"})
COMPLETE = ("update_task_status", {"task_id": "task_1", "status": "completed"})
REOPEN = ("update_task_status", {"task_id": "task_1", "status": "pending"})


def fresh_tools() -> MockTools:
    return get_environment().tools


# --- drafts ---


def test_a_change_is_executed_and_recorded_and_a_look_up_is_recorded_once():
    draft = TaskDraft(fresh_tools(), random.Random(1))
    draft.look("get_users")
    draft.look("get_users")
    draft.do(CREATE[0], **CREATE[1])
    assert [tuple(call) for call in draft.calls] == [("get_users", {}), CREATE]
    assert not draft.tools.db.same_as(fresh_tools().db)


def test_a_refused_change_says_that_the_customer_is_unsuitable():
    draft = TaskDraft(fresh_tools(), random.Random(1))
    with pytest.raises(UnsuitableCustomer, match="not found"):
        draft.do("create_task", user_id="nobody", title="x")
    assert draft.calls == []


def test_choosing_needs_enough_choices():
    draft = TaskDraft(fresh_tools(), random.Random(1))
    assert sorted(draft.some("abc", 3)) == ["a", "b", "c"]
    with pytest.raises(UnsuitableCustomer):
        draft.one([])
    with pytest.raises(UnsuitableCustomer):
        draft.some("abc", 4)


# --- soundness ---


@pytest.mark.parametrize(
    ("calls", "communicate", "sound"),
    [
        ([CREATE], [], True),
        ([("get_users", {})], [], False),  # doing nothing would earn 1
        ([("get_users", {})], ["12"], True),
        ([CREATE, ("update_task_status", {"task_id": "no", "status": "pending"})], [], False),
        ([CREATE, REOPEN], [], False),  # the second change can be left out
    ],
)
def test_a_reference_is_sound_when_it_runs_and_every_change_counts(calls, communicate, sound):
    assert is_sound(fresh_tools, calls, communicate) is sound


def test_the_order_of_changes_matters_only_where_it_is_looked_at():
    other = ("create_task", {"user_id": "user_1", "title": "Feed the cat"})
    assert is_sound(fresh_tools, [CREATE, other], [])
    assert not is_sound(fresh_tools, [CREATE, other], [], most_reordered=2)
    assert is_sound(fresh_tools, [CREATE, COMPLETE], [], most_reordered=2)


def test_the_same_work_has_the_same_key():
    assert work_key([CREATE, COMPLETE], ["1"]) == work_key([CREATE, COMPLETE], ["1"])
    assert work_key([CREATE, COMPLETE], ["1"]) != work_key([COMPLETE, CREATE], ["1"])
    assert work_key([CREATE], ["1"]) != work_key([CREATE], ["2"])
    assert work_key([CREATE], None, "ann") != work_key([CREATE], None, "bob")
    forth, back = ([CREATE, COMPLETE], ["1", "2"]), ([COMPLETE, CREATE], ["2", "1"])
    assert work_key(*forth, any_order=True) == work_key(*back, any_order=True)


# --- the generation loop ---


def numbered(number: int) -> list[Candidate | None]:
    """Return attempts at a task: one that fails, one that everybody has, one of its own."""

    def write(task_id: str) -> Task:
        return get_tasks()[0].model_copy(update={"id": task_id})

    keys = ("common", f"own {number}")
    return [None, *(Candidate(frozenset({key}), lambda key=key: write(key)) for key in keys)]


def exhausted(number: int) -> DataFileError:
    return DataFileError(f"nothing left after {number}")


def test_tasks_are_distinct_and_a_shorter_list_is_the_beginning_of_a_longer_one():
    made = distinct_tasks(4, numbered, exhausted=exhausted)
    assert [task.id for task in made] == ["common", "own 1", "own 2", "own 3"]
    assert distinct_tasks(2, numbered, exhausted=exhausted) == made[:2]
    held = distinct_tasks(1, numbered, known=["common"], exhausted=exhausted)
    assert [task.id for task in held] == ["own 0"]


def test_running_out_of_candidates_is_an_error():
    with pytest.raises(DataFileError, match="after 1"):
        distinct_tasks(2, lambda _number: numbered(0)[:2], exhausted=exhausted)


def test_a_request_that_cannot_be_answered_is_refused():
    check_request(0, None, ["easy"])
    with pytest.raises(ConfigError, match="negative"):
        check_request(-1, None, ["easy"])
    with pytest.raises(UnknownName, match="did you mean 'easy'"):
        check_request(1, "eazy", ["easy"])


# --- ids and texts ---


def test_ids_are_never_twice_the_same():
    ids = FreshIds(random.Random(1), taken=["x_5"])
    made = [ids.digits(1, "x_") for _ in range(8)]
    assert len(set(made)) == 8
    assert "x_5" not in made
    assert "x_0" not in made


def test_words_are_put_together():
    assert [joined(["a"]), joined(["a", "b"]), joined(["a", "b", "c"], "or")] == [
        "a",
        "a and b",
        "a, b or c",
    ]
    assert capitalized("the HAT") == "The HAT"
    assert uncapitalized("The HAT") == "the HAT"
    assert with_article("hat") == "a hat"
    assert with_article("apple") == "an apple"
    assert spaced(["a", "", "b"]) == "a b"


def test_texts_come_from_a_file_and_slots_are_filled_with_words(tmp_path):
    path = tmp_path / "texts.toml"
    path.write_text('[greet]\none = "Hi {name}."\nmany = ["{name:capital}!", "{names}?"]\n')
    wording = Wording(path)
    formatter = SlotFormatter(str.lower)
    assert wording.texts("greet", "one") == ("Hi {name}.",)
    filled = [
        formatter.fill(t, {"name": "ANN", "names": ["ANN", "BOB"]})
        for t in wording.texts("greet", "many")
    ]
    assert filled == ["Ann!", "ann and bob?"]
    with pytest.raises(KeyError):
        wording.texts("greet", "none")
    with pytest.raises(KeyError):
        formatter.fill("{missing}", {})
