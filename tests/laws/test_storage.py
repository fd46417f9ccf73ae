"""Law: what is saved is loaded unchanged, and other content of a file is refused by name."""

from __future__ import annotations

import json
import math
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cast import Agent, User, mock_task, stage
from tests.laws.casts import AGENT_CALLS, USER_CALLS, script
from tests.unit.data_model.test_results import some_results

from tau2.data_model.message import AssistantMessage, ToolCall
from tau2.data_model.simulation import Results, SimulationRun
from tau2.data_model.tasks import Task
from tau2.domains.mock.data_model import MockDB
from tau2.environment.arithmetic import calculate
from tau2.environment.domain import load_splits, load_tasks_file
from tau2.errors import DataFileError, ToolError
from tau2.storage.results import (
    decode_simulation,
    encode_simulation,
    parse_simulation,
    save_simulation,
)

pytestmark = pytest.mark.slow

# Half characters and other oddities come from models that cut a text in two.
TEXT = st.text(st.characters(), max_size=8)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), NUMBERS, TEXT)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=8,
)
PATH_PARTS = st.sampled_from(["sim-1", "a.b", "x_y"])


def shown(results: Results) -> dict:
    return results.model_dump(exclude={"simulation_index"})


@settings(max_examples=20)
@given(
    agent=script(AGENT_CALLS),
    user=script(USER_CALLS),
    content=TEXT,
    arguments=st.dictionaries(TEXT, JSON, max_size=3),
    info=st.dictionaries(TEXT, JSON, max_size=2),
    trials=st.permutations(range(3)),
)
@pytest.mark.parametrize("form", ["json", "dir"])
def test_saving_and_loading_changes_nothing(form, agent, user, content, arguments, info, trials):
    run = stage("create_task_1", Agent(agent), User(user)).run()
    odd = AssistantMessage(
        content=content, tool_calls=[ToolCall(id="x", name=content, arguments=arguments)]
    )
    results = some_results(0)
    results.simulations = [
        run.model_copy(
            update={
                "id": f"sim-{trial}",
                "trial": trial,
                "info": info,
                "messages": [*run.messages, odd],
            }
        )
        for trial in trials
    ]
    with TemporaryDirectory() as folder:
        results.save(folder, form)
        back = Results.load(folder)
        assert shown(back) == shown(results)
        content = Path(folder, "results.json").read_bytes()
        for there_and_back in ({"json": "dir", "dir": "json"}[form], form):
            back.save(folder, there_and_back)
            back = Results.load(folder)
            assert shown(back) == shown(results)
        assert Path(folder, "results.json").read_bytes() == content


@settings(max_examples=40)
@given(
    arguments=st.dictionaries(TEXT, JSON, max_size=3),
    content=TEXT,
    info=st.dictionaries(TEXT, JSON, max_size=2),
)
def test_reading_a_file_fast_and_slowly_is_the_same(arguments, content, info):
    run = some_results(0).simulations[0]
    odd = AssistantMessage(
        content=content, tool_calls=[ToolCall(id="x", name=content, arguments=arguments)]
    )
    run = run.model_copy(update={"info": info, "messages": [*run.messages, odd]})
    written = encode_simulation(run)
    fast = decode_simulation(written, Path("x.json"))
    assert fast == parse_simulation(json.loads(written), Path("x.json")) == run
    assert (
        encode_simulation(fast) == written
    )  # which is how a single file is checked against the journal


def test_what_json_has_no_form_for_is_kept_as_text():
    run = some_results(0).simulations[0]
    run.messages[0].raw_data = {"answer": object(), "n": 1}
    with TemporaryDirectory() as folder:
        saved = save_simulation(run, Path(folder))
        raw = json.loads(saved.path.read_text())["messages"][0]["raw_data"]
    assert raw["n"] == 1
    assert "object object" in raw["answer"]


LOADERS = {
    "results": Results.load,
    "metadata": Results.load_metadata,
    "simulations": lambda path: list(Results.iter_simulations(path)),
    "tasks": load_tasks_file,
    "splits": load_splits,
    "database": MockDB.load,
}


def refused_or_read(load, content: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "results.json"
        path.write_bytes(content)
        try:
            load(path)
        except DataFileError as error:
            problem = str(error)
        else:
            return
        assert str(path) in problem


@settings(max_examples=60)
@given(
    content=st.one_of(
        st.binary(max_size=30), TEXT.map(lambda text: text.encode("utf-8", "surrogatepass"))
    )
)
@pytest.mark.parametrize("load", LOADERS.values(), ids=LOADERS)
def test_any_bytes_are_refused_or_read(load, content):
    refused_or_read(load, content)


@settings(max_examples=100)
@given(value=JSON)
@pytest.mark.parametrize("load", LOADERS.values(), ids=LOADERS)
def test_any_json_is_refused_or_read(load, value):
    refused_or_read(load, json.dumps(value).encode())


WHOLE = json.loads(some_results(0).model_dump_json())
A_TASK = mock_task("update_task_with_user_tools").model_dump(mode="json")


def places(value, at=()):
    """Yield the path to every value inside."""
    yield at
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*at, key))


def planted(value, at, new):
    """Return `value` with `new` at one place."""
    if not at:
        return new
    copied = dict(value) if isinstance(value, dict) else list(value)
    copied[at[0]] = planted(copied[at[0]], at[1:], new)
    return copied


@settings(max_examples=120)
@given(at=st.sampled_from(list(places(WHOLE))), new=JSON)
def test_results_with_anything_in_any_place_are_refused_or_read(at, new):
    for load in ("results", "metadata", "simulations"):
        refused_or_read(LOADERS[load], json.dumps(planted(WHOLE, at, new)).encode())


@settings(max_examples=200)
@given(at=st.sampled_from(list(places(A_TASK))), new=JSON)
def test_a_task_with_anything_in_any_place_is_refused_or_read(at, new):
    refused_or_read(load_tasks_file, json.dumps([planted(A_TASK, at, new)]).encode())


@settings(max_examples=100)
@given(at=st.sampled_from(list(places(A_TASK))), new=JSON)
def test_a_task_that_was_read_is_written_and_read_the_same(at, new):
    try:
        task = Task.model_validate(planted(A_TASK, at, new))
    except ValueError:
        return
    assert Task.model_validate(task.model_dump()) == task
    assert Task.model_validate(task.model_dump(exclude_unset=True)) == task


def test_a_run_survives_every_dump():
    run = some_results(0).simulations[0]
    for options in ({}, {"exclude_unset": True}, {"exclude_none": True}):
        assert SimulationRun.model_validate(run.model_dump(**options)).messages == run.messages
        assert (
            SimulationRun.model_validate_json(run.model_dump_json(**options)).messages
            == run.messages
        )


@settings(max_examples=300)
@given(expression=st.one_of(st.text("0123456789+-*/(). ", max_size=40), st.text(max_size=20)))
def test_arithmetic_is_total(expression):
    try:
        value = calculate(expression)
    except ToolError:
        return
    assert isinstance(value, str)
    assert math.isfinite(float(value)) or len(expression) > 20


@settings(max_examples=200)
@given(
    tree=st.recursive(
        st.integers(0, 999).map(str),
        lambda inner: st.tuples(inner, st.sampled_from("+-*"), inner).map(
            lambda t: f"({t[0]} {t[1]} {t[2]})"
        ),
        max_leaves=6,
    )
)
def test_arithmetic_is_right(tree):
    assert float(calculate(tree)) == pytest.approx(eval(tree, {}))
