"""Law: every record that a writer accepts, its reader returns; what it refuses, it refuses by name.

Every store and format. JSON values come back equal. Of values that JSON has no form for, nothing is
stored that cannot be read.
"""

from __future__ import annotations

import datetime as dt
import decimal
import json
import math
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.cast import mock_task
from tests.planted import HOSTILE
from tests.unit.data_model.test_results import some_results

from act_prm.replay_buffer.buffer import read_steps, write_steps
from act_prm.replay_buffer.steps import EpisodeStep
from tau2.cli.config_file import as_yaml, read_config_file
from tau2.cli.flags import flags_of
from tau2.data_model.message import AssistantMessage, ToolCall
from tau2.data_model.run_config import TextRunConfig
from tau2.data_model.simulation import Results, SimulationRun
from tau2.data_model.tasks import InitializationData, InitialState, Task
from tau2.domains.mock.data_model import MockDB
from tau2.environment.domain import dump_tasks, load_tasks_file
from tau2.errors import ConfigError, DataFileError
from tau2.llm.middleware.recording import decode_entry, encode_entry
from tau2.report.export import export
from tau2.runner.episode_log import _LINE, Turned
from tau2.runner.stored_config import load_config, save_config
from tau2.storage.journal import Dropped, Journal, read_journal
from tau2.storage.store import RunStore
from tau2.submission.checks import _read as read_submission
from tau2.submission.prepare import SUBMISSION_NAME, Prepared, Submission, write
from tau2.utils.model_json import model_json, read_json

pytestmark = pytest.mark.slow

REFUSED = (DataFileError, ConfigError)


def nested(levels: int) -> Any:
    value: Any = "end"
    for _ in range(levels):
        value = [value]
    return value


def cycle() -> Any:
    value: list[Any] = []
    value.append(value)
    return value


ODD: dict[str, Any] = {
    "an integer of 4,301 digits": 10**4300,
    "an integer of 6,000 digits": -(10**6000),
    "NaN": math.nan,
    "Infinity": math.inf,
    "-Infinity": -math.inf,
    "1e308": 1e308,
    "a first half": "\ud83d",
    "a second half": "x\udc00y",
    "a whole character in two halves": "\ud83d\ude00",
    "all that is hostile": HOSTILE,
    "a key that is half a character": {"\ud83d": 1},
    "a replacement character": {"\ufffd": "\ufffd"},
    "60 levels": nested(60),
    "150 levels": nested(150),
    "240 levels": nested(240),
    "400 levels": nested(400),
    "5,000 levels": nested(5000),
    "a cycle": cycle(),
    "a number as key": {1: "one", "1": "another"},
    "None as key": {None: 1},
    "a tuple as key": {("a", 1): 1},
    "bytes": b"\xff\x00",
    "text in bytes": b"text",
    "a set": {1, 2},
    "a frozen set": frozenset({"a"}),
    "a tuple": (1, 2),
    "a date": dt.date(2026, 1, 1),
    "a time": dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC),
    "a decimal": decimal.Decimal("1.50"),
    "a path": Path("a/b"),
    "an object": object(),
    "a function": nested,
    "a complex number": 1j,
}
TEXT = st.text(st.characters(), max_size=6)
NO_SECRET = st.text(st.characters(exclude_categories=["Lu", "Ll"]), max_size=6)
"""Keys that name no secret, whose value would be masked."""
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    TEXT,
    st.sampled_from(sorted(ODD)).map(lambda name: ODD[name]),
    st.integers(4200, 4400).map(lambda digits: 10**digits),
    st.integers(50, 300).map(nested),
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(TEXT, st.integers()), inner, max_size=3),
    ),
    max_leaves=5,
)


def is_json(value: Any) -> bool:
    """Return whether JSON brings a value back as it is, in places where any data may stand."""
    try:
        return bool(json.loads(json.dumps(value, allow_nan=False)) == value)
    except (TypeError, ValueError, RecursionError):
        return False


def is_shallow(value: Any, levels: int = 70) -> bool:
    """Return whether a value is nested no deeper than any store must accept."""
    if isinstance(value, dict | list) and levels > 0:
        items = value.values() if isinstance(value, dict) else value
        return all(is_shallow(item, levels - 1) for item in items)
    return levels > 0


def in_a_folder(work: Callable[[Path], Any]) -> Any:
    with TemporaryDirectory() as folder:
        return work(Path(folder))


# --- runs -----------------------------------------------------------------------------------------


def a_run(value: Any, place: str) -> SimulationRun:
    """Return a simulation with a value in one place; nothing is validated."""
    run = some_results(0).simulations[0]
    fields: dict[str, Any] = {
        "arguments": {"arguments": {"x": value}},
        "usage": {"usage": {"x": value}},
        "raw_data": {"raw_data": {"x": value}},
        "content": {"content": value},
        "cost": {"cost": value},
        "turn_idx": {"turn_idx": value},
    }.get(place, {})
    call = ToolCall.model_construct(
        id="c",
        name="f",
        requestor="assistant",
        **(fields if place == "arguments" else {"arguments": {}}),
    )
    odd = AssistantMessage.model_construct(
        role="assistant", tool_calls=[call], **({} if place == "arguments" else fields)
    )
    return run.model_copy(
        update={
            "messages": [*run.messages, odd],
            **({"info": {"x": value}} if place == "info" else {}),
            **({"duration": value} if place == "duration" else {}),
            **({"seed": value} if place == "seed" else {}),
            **({"policy": value} if place == "policy" else {}),
        }
    )


RUN_PLACES = (
    *("arguments", "usage", "raw_data", "content", "cost", "turn_idx"),
    *("info", "duration", "seed", "policy"),
)
ANY_DATA = frozenset({"arguments", "usage", "raw_data", "info"})
"""Places that may hold any JSON; the others have a type, which decides."""


def shown(run: SimulationRun) -> dict[str, Any]:
    return run.model_dump(warnings=False)


def check_run(value: Any, place: str, form: str) -> None:
    results = some_results(0)
    run = a_run(value, place)
    results.simulations = [run]
    with TemporaryDirectory() as folder:
        path = Path(folder, "run", "results.json")
        try:
            results.save(path, form)
        except DataFileError:
            assert not path.exists()
            assert not (is_json(value) and place in ANY_DATA and is_shallow(value))
            return
        (back,) = Results.load(path).simulations
        if is_json(value) and place in ANY_DATA:
            assert shown(back) == shown(run)
        # What was read is stored and read as the same, in both forms.
        for other in ("dir", "json", "dir"):
            Results(**{**dict(results), "simulations": [back]}).save(Path(folder, other), other)
            (again,) = Results.load(Path(folder, other)).simulations
            assert shown(again) == shown(back)


@pytest.mark.parametrize("place", RUN_PLACES)
@pytest.mark.parametrize("odd", ODD)
def test_a_run_is_read_or_refused(odd, place):
    for form in ("json", "dir"):
        check_run(ODD[odd], place, form)


@settings(max_examples=60)
@given(value=ANYTHING, place=st.sampled_from(RUN_PLACES), form=st.sampled_from(["json", "dir"]))
def test_any_run_is_read_or_refused(value, place, form):
    check_run(value, place, form)


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("place", ["info", "arguments", "duration"])
def test_a_store_reads_what_it_accepted(odd, place):
    run = a_run(ODD[odd], place)
    results = some_results(0)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "run"
        store = RunStore(path)
        store.open(results.info, results.tasks, resume=False)
        try:
            store.save(run)
        except DataFileError:
            assert store.entries == ()
            store.close()
            return
        finally:
            store.close()
        again = RunStore(path)
        again.open(results.info, results.tasks, resume=True)
        assert again.damage == []
        assert again.has(run.unit)
        assert len(again.finish().simulations) == 1
        assert len(Results.load(path).simulations) == 1


# --- tasks, databases, configurations, submissions ------------------------------------------------


def a_task(value: Any, place: str) -> Task:
    task = mock_task("update_task_with_user_tools").model_copy(deep=True)
    if place == "id":
        return task.model_copy(update={"id": value})
    if place == "arguments":
        task.evaluation_criteria.actions[0].arguments = {"x": value}
    if place == "data":
        data = InitializationData.model_construct(agent_data={"x": value})
        task.initial_state = InitialState.model_construct(initialization_data=data)
    if place == "ticket":
        task.ticket = value
    return task


def check_task(value: Any, place: str, folder: Path) -> None:
    task, file = a_task(value, place), folder / "tasks.json"
    try:
        dump_tasks([task], file)
    except DataFileError:
        assert not file.exists()
        assert not (is_json(value) and place in {"arguments", "data"} and is_shallow(value))
        return
    assert load_tasks_file(file) == [task]


@pytest.mark.parametrize("place", ["id", "arguments", "data", "ticket"])
@pytest.mark.parametrize("odd", ODD)
def test_a_task_file_is_read_or_refused(odd, place):
    in_a_folder(lambda folder: check_task(ODD[odd], place, folder))


@settings(max_examples=100)
@given(value=ANYTHING, place=st.sampled_from(["id", "arguments", "ticket"]))
@example(value=[nested(94)], place="arguments")
def test_any_task_file_is_read_or_refused(value, place):
    in_a_folder(lambda folder: check_task(value, place, folder))


@pytest.mark.parametrize("suffix", [".json", ".yaml"])
@pytest.mark.parametrize("odd", ODD)
def test_a_database_is_read_or_refused(odd, suffix, tmp_path):
    db = MockDB.model_construct(tasks={}, users={"u": {"x": ODD[odd]}})
    file = tmp_path / f"db{suffix}"
    try:
        db.dump(file)
    except DataFileError:
        assert not file.exists()
        return
    from tau2.environment.db import read_data_file

    assert read_data_file(file)["users"] == db.model_dump(mode="json", warnings=False)["users"]


@pytest.mark.parametrize("odd", ODD)
def test_a_configuration_is_kept_or_refused(odd, tmp_path):
    config = TextRunConfig.model_construct(domain="mock", llm_args_agent={"x": ODD[odd]})
    config.__pydantic_fields_set__.update({"domain", "llm_args_agent"})
    try:
        save_config(tmp_path / "results.json", config)
    except ConfigError:
        assert not is_json(ODD[odd]) or not is_shallow(ODD[odd])
        return
    back = load_config(tmp_path / "results.json")
    if is_json(ODD[odd]):
        assert back["llm_args_agent"] == {"x": ODD[odd]}


@settings(max_examples=60)
@given(
    value=st.recursive(
        TEXT | st.booleans() | st.none(), lambda inner: st.dictionaries(NO_SECRET, inner)
    )
)
def test_a_printed_configuration_is_read_as_it_is(value):
    config = TextRunConfig(domain="mock", llm_args_agent={"n": value})
    text = as_yaml(config)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "config.yaml"
        try:
            file.write_text(text, encoding="utf-8")
            back = read_config_file(file, flags_of(TextRunConfig))
        except DataFileError:
            pytest.fail(f"written and not read: {text!a}")
    assert back["llm_args_agent"] == {"n": value}


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("place", ["model_name", "references"])
def test_a_submission_is_read_or_refused(odd, place, tmp_path):
    submission = Submission.model_construct(
        **{
            **Submission.model_validate(a_submission()).__dict__,
            place: [{"title": ODD[odd]}] if place == "references" else ODD[odd],
        }
    )
    folder = tmp_path / "mine"
    try:
        write(Prepared(submission, {}), folder)
    except ConfigError:
        assert not (folder / SUBMISSION_NAME).exists()
        return
    back, defects = read_submission(folder)
    if back is not None:
        assert back.model_dump(mode="json") == submission.model_dump(mode="json", warnings=False)
    else:
        assert not isinstance(ODD[odd], str), defects


def a_submission() -> dict[str, Any]:
    from tests.planted import filled

    return filled(Submission, "text")


# --- logs, recordings, exports, samples -----------------------------------------------------------


@pytest.mark.parametrize("odd", ODD)
def test_a_line_of_an_episode_log_is_read_as_it_was_written(odd):
    message = a_run(ODD[odd], "arguments").messages[-1]
    turn = Turned.model_construct(steps=1, errors=0, elapsed=0.0, messages=[message])
    try:
        written = model_json(turn).encode()
    except (ValueError, TypeError, RecursionError):
        return
    try:
        back = read_json(_LINE, written)
    except (ValueError, RecursionError):
        # Its episode starts over; nothing is read as something else.
        assert not is_json(ODD[odd])
        return
    if is_json(ODD[odd]):
        assert back.messages == [message]


@settings(max_examples=100)
@given(name=st.one_of(TEXT, st.just(HOSTILE)), reason=TEXT)
def test_a_journal_is_read_as_it_was_written(name, reason):
    record = Dropped(id=name, reason=reason)

    def check(folder: Path) -> None:
        journal = Journal.create(folder / "journal.jsonl", [record])
        journal.append(record)
        journal.close()
        content = read_journal(folder / "journal.jsonl")
        assert (content.problems, len(content.records)) == ([], 2)
        if "\ud83d\ude00" not in name + reason:
            halves = [json.loads(json.dumps(text)) for text in (name, reason)]
            assert [(one.id, one.reason) for one in content.records] == [tuple(halves)] * 2

    in_a_folder(check)


@pytest.mark.parametrize("odd", ODD)
def test_a_recorded_exchange_is_read_as_it_was_written(odd):
    entry = {"response": {"x": ODD[odd]}}
    try:
        line = encode_entry(1, entry)
    except (ValueError, TypeError, RecursionError):
        return  # only its digest is kept
    back = decode_entry(line[:-1])
    if is_json(ODD[odd]):
        assert back == entry


@pytest.mark.parametrize("form", ["jsonl", "csv"])
@pytest.mark.parametrize("odd", ODD)
def test_an_export_can_be_read(odd, form, tmp_path):
    results = some_results(0)
    results.simulations = [a_run(ODD[odd], "arguments")]
    try:
        files = export([(HOSTILE, results)], tmp_path, form)
    except (ValueError, TypeError, RecursionError):
        assert not is_json(ODD[odd])
        return
    for file in files if form == "jsonl" else ():
        for line in file.read_text(encoding="utf-8").splitlines():
            json.loads(line, parse_constant=pytest.fail)


@pytest.mark.parametrize("odd", [name for name, value in ODD.items() if is_json(value)])
def test_a_training_sample_is_read_as_it_was_written(odd, tmp_path):
    step = EpisodeStep(
        state=[{"role": "user", "content": ODD[odd]}],
        action={"role": "assistant", "content": HOSTILE},
        next_obs=[],
        tools=[],
        state_action_tokens=[1, 2],
        state_len=1,
        old_logprobs=[0.0],
    )
    write_steps(tmp_path / "steps.jsonl", [step])
    assert read_steps(tmp_path / "steps.jsonl") == [step]
