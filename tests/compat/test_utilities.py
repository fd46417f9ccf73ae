"""Small public functions.

Files, hashes, checkpoints, the queue of work, the tool server, the gym's attributes.
"""

from __future__ import annotations

import ast
import logging
import re
import warnings
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import Field
from tests.cast import mock_task

from tau2.data_model.simulation import SimulationRun, TerminationReason
from tau2.domains.mock.environment import get_environment
from tau2.errors import DataFileError
from tau2.gym import AgentGymEnv, UserGymEnv
from tau2.runner import run_tasks
from tau2.runner.checkpoint import create_checkpoint_fns, try_resume
from tau2.runner.helpers import get_environment_info
from tau2.runner.work import WorkQueue, WorkUnit
from tau2.storage.results import Results
from tau2.utils import (
    BaseModelNoExtra,
    dump_file,
    expand_paths,
    format_time,
    get_dict_hash,
    get_now,
    get_pydantic_hash,
    load_file,
    show_dict_diff,
    update_pydantic_model_with_dict,
)


class Pair(BaseModelNoExtra):
    left: int
    right: dict = Field(default_factory=dict)


def test_files_are_written_and_read_by_their_suffix(tmp_path):
    data = {"a": [1, None]}
    for name in ("x.json", "deep/x.yaml", "x.yml"):
        dump_file(tmp_path / name, data)
        assert load_file(str(tmp_path / name)) == data
    dump_file(tmp_path / "x.md", "Be kind.")
    assert load_file(tmp_path / "x.md") == "Be kind."
    with pytest.raises(ValueError, match=r"\.exe"):
        load_file(tmp_path / "x.exe")
    assert expand_paths([tmp_path / "deep", tmp_path / "*.json"], ".json") == [
        str(tmp_path / "x.json")
    ]


def test_hashes_and_differences():
    assert get_dict_hash({"a": 1, "b": 2}) == get_dict_hash({"b": 2, "a": 1})
    env = get_environment()
    assert get_pydantic_hash(env.tools.db) == env.get_db_hash()
    assert show_dict_diff({"a": 1}, {"a": 1}) == ""
    shown = show_dict_diff({"a": {"b": [1, 2]}, "gone": 0}, {"a": {"b": [1, 3]}, "new": 0})
    assert shown.splitlines() == ["~ a.b[1]: 2 -> 3", "- gone: 0", "+ new: 0"]
    with pytest.raises(ValueError, match="other"):
        Pair(left=1, other=2)
    merged = update_pydantic_model_with_dict(Pair(left=1, right={"a": 1}), {"right": {"b": 2}})
    assert merged == Pair(left=1, right={"a": 1, "b": 2})


def test_times_have_a_form_for_file_names():
    assert re.fullmatch(r"\d{8}_\d{6}", get_now(use_compact_format=True))
    assert "T" in get_now()
    moment = datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert format_time(moment) == "2025-01-02T03:04:05+00:00"
    assert format_time(moment, use_compact_format=True) == "20250102_030405"


def test_databases_are_loaded_fresh():
    from tau2.domains.airline.data_model import get_db as airline_db
    from tau2.domains.mock.data_model import get_db, get_user_db
    from tau2.domains.retail.data_model import get_db as retail_db
    from tau2.domains.telecom.data_model import get_db as telecom_db
    from tau2.domains.telecom.user_data_model import get_db as phone_db

    one = get_db()
    one.tasks.clear()
    assert get_db().tasks
    assert get_user_db().notifications == {}
    assert all((airline_db().flights, retail_db().orders, telecom_db().lines, phone_db().device))
    assert get_environment_info("mock", include_tool_info=True).tool_defs


# --- checkpoints ----------------------------------------------------------------------------------


@pytest.fixture
def played() -> Results:
    from tau2.data_model.simulation import TextRunConfig

    config = TextRunConfig(domain="mock", agent="oracle_agent", user="scripted_user")
    tasks = [mock_task("create_task_1"), mock_task("update_task_1")]
    return run_tasks(config, tasks, console_display=False)


def without_simulations(results: Results) -> Results:
    return results.model_copy(update={"simulations": []}, deep=True)


@pytest.mark.parametrize("form", ["json", "dir"])
def test_simulations_are_saved_one_by_one(tmp_path, played, form):
    path = tmp_path / "results.json"
    results, done, tasks = try_resume(
        path, without_simulations(played), played.tasks, 1, results_format=form
    )
    assert (results.simulations, done, tasks) == ([], set(), played.tasks)
    save, replace = create_checkpoint_fns(path)
    first, second = played.simulations
    for run in (first, first, second):
        save(run)
    replace(second.model_copy(update={"info": {"again": True}}))
    stored = Results.load(path).simulations
    assert sorted(run.task_id for run in stored) == sorted([first.task_id, second.task_id])
    assert [run.info for run in stored if run.task_id == second.task_id] == [{"again": True}]
    with pytest.raises(FileExistsError):
        try_resume(path, played, played.tasks, 1)
    _, done, _ = try_resume(path, played, played.tasks, 1, auto_resume=True, results_format=form)
    assert (0, first.task_id, first.seed) in done


def test_failed_simulations_are_played_again_and_other_tasks_refused(tmp_path, played):
    path = tmp_path / "results.json"
    played.simulations[0].termination_reason = TerminationReason.INFRASTRUCTURE_ERROR
    played.save(path)
    _, done, _ = try_resume(path, played, played.tasks, 1, auto_resume=True)
    assert {task_id for _, task_id, _ in done} == {played.simulations[1].task_id}
    with pytest.raises(ValueError, match="removed: update_task_1"):
        try_resume(path, played, played.tasks[:1], 1, auto_resume=True)
    edited = [played.tasks[0].model_copy(update={"ticket": "x"}), played.tasks[1]]
    with pytest.raises(ValueError, match="tasks modified"):
        try_resume(path, played, edited, 1, auto_resume=True)


def test_without_a_path_nothing_is_saved(played):
    save, replace = create_checkpoint_fns(None)
    assert save(played.simulations[0]) is replace(played.simulations[0]) is None


def test_folder_and_index_must_agree(tmp_path, played, caplog):
    path = tmp_path / "results.json"
    played.save(path, "dir")
    extra: SimulationRun = played.simulations[0].model_copy(update={"id": "surplus"})
    (tmp_path / "simulations" / "surplus.json").write_text(extra.model_dump_json())
    with caplog.at_level(logging.WARNING):
        assert len(Results.load(path).simulations) == 2
    assert "Extra simulation files: surplus" in caplog.text
    name = played.simulations[1].id
    (tmp_path / "simulations" / f"{name}.json").unlink()
    with pytest.raises(DataFileError, match=f"Missing simulation files: {name}.*surplus"):
        Results.load(path)


def test_a_queue_of_work():
    units = [WorkUnit("run", mock_task("create_task_1"), trial) for trial in range(2)]
    queue = WorkQueue(units)
    first = queue.lease("a")
    assert first.unit_id == "run/create_task_1/t0"
    assert queue.complete("b", first.unit_id) == "stale"
    assert queue.fail("a", first.unit_id) == "requeued"
    second = queue.lease("a")
    assert queue.complete("a", second.unit_id) == "ok"
    assert queue.lease("b") == first
    assert not queue.done
    assert queue.fail("b", first.unit_id) == "dead"
    assert queue.lease() is None
    assert queue.done
    assert queue.counts() == {"pending": 0, "leased": 0, "completed": 1, "dead": 1}


# --- the tool server ------------------------------------------------------------------------------


def test_tools_are_called_over_http():
    testing = pytest.importorskip("starlette.testclient")
    from tau2.environment.server import EnvironmentServer
    from tau2.errors import ConfigError

    env = get_environment()
    server = EnvironmentServer(env)
    client = testing.TestClient(server.app)
    made = client.post("/tools/create_task", json={"user_id": "user_1", "title": "x"})
    assert (made.status_code, made.json()["title"]) == (200, "x")
    assert client.post("/user_tools/check_notifications").json() == []
    assert client.post("/tools/get_users").json()[0]["user_id"] == "user_1"
    wrong = client.post("/tools/create_task", json={"user_id": "nobody", "title": "x"})
    assert (wrong.status_code, list(wrong.json())) == (400, ["detail"])
    assert client.post("/tools/nothing", json=[1]).status_code == 400
    assert client.get("/").text == env.get_policy()
    with pytest.raises(ConfigError, match=r"127\.0\.0\.1 only"):
        server.run(host="0.0.0.0")


# --- the gym --------------------------------------------------------------------------------------


def test_environments_say_whose_turn_it_is_and_which_model_plays():
    env = AgentGymEnv("mock", "create_task_1", user="scripted_user", user_llm="m")
    env.reset(seed=1)
    agent = env._agent
    assert (agent.is_agent_turn, env.user_llm) == (True, "m")
    env.step("###STOP###")
    assert not agent.is_agent_turn
    env.close()
    other = UserGymEnv(
        "mock", "create_task_1", agent="oracle_agent", agent_llm="m", agent_llm_args={}
    )
    other.reset()
    assert (other._user.is_user_turn, other.agent_llm, other.agent_llm_args) == (True, "m", {})
    other.close()


# --- the trainers ---------------------------------------------------------------------------------


def test_act_prm_is_written_in_the_syntax_of_every_supported_python():
    import act_prm

    for file in Path(act_prm.__file__).parent.rglob("*.py"):
        source = file.read_text()
        for minor in (11, 12, 13):
            ast.parse(source, str(file), feature_version=(3, minor))
        with warnings.catch_warnings():  # 3.12 warns of escapes that 3.11 took
            warnings.simplefilter("error")
            compile(source, str(file), "exec")
