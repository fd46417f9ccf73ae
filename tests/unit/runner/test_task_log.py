"""One log file per episode: who said what when, which model answered how fast, and how it ended."""

from __future__ import annotations

import errno
import re

import pytest
from tests.cast import Agent, User, calls, create_meeting, says
from tests.stub import StubServer, failing
from tests.unit.runner.conftest import a_config

from tau2.errors import AgentError, ConfigError, ModelUnavailable
from tau2.llm.secrets import Redactor
from tau2.orchestrator.tracing import EpisodeInfo
from tau2.runner.batch import run_single_task, run_tasks
from tau2.runner.task_log import TaskLogs
from tau2.runner.tasks import get_tasks

TASKS = get_tasks("mock", task_ids=["create_task_1", "update_task_1"])
STAGED = EpisodeInfo("sim-1", "a/task", 0, 7, "mock", "an_agent", "a_user")


def logs(folder):
    return sorted((folder / "artifacts").glob("task_*/sim_*/task.log"))


def test_every_episode_has_a_file_that_tells_its_story(cast, tmp_path):
    cast(agent=lambda **_: Agent(says(calls("nothing"), create_meeting(), "It is on the list.")))
    run = run_single_task(a_config(verbose_logs=True), TASKS[0], save_dir=tmp_path)
    (path,) = logs(tmp_path)
    text = path.read_text()
    assert path.parent.name == f"sim_{run.id}"
    told = [
        re.sub(r"[\d.]+ s\b", "_", line).split("_  ", 1)[-1].strip() for line in text.splitlines()
    ]
    assert told[0] == f"task create_task_1, trial 0, seed {run.seed}, mock: cast_agent x cast_user"
    for line in (
        "user after _",
        "| Please.",
        "| -> nothing({})",
        "error of nothing after _",
        '| -> create_task({"user_id": "user_1", "title": "Important Meeting"})',
        "result of create_task after _",
        "| It is on the list.",
        "ended: user_stop, reward 1.00, _",
    ):
        assert line in told, text


def test_model_calls_are_lines_with_time_and_tokens(cast, tmp_path):
    with StubServer(
        [failing(503, "busy, a-key-nobody-may-see", retry_after=0), "Fine. ###STOP###"]
    ) as stub:
        args = {"api_base": stub.base_url, "api_key": "a-key-nobody-may-see"}
        config = a_config(
            agent="llm_agent", llm_agent="openai/small", llm_args_agent=args, verbose_logs=True
        )
        run_single_task(config, TASKS[0], save_dir=tmp_path)
    text = logs(tmp_path)[0].read_text()
    assert re.search(
        r"model openai/small \(\w+, 3 messages\) failed after [\d.]+ s: HTTP 503\n +\| busy, \[red",
        text,
    )
    assert re.search(
        r"model openai/small \(\w+, 3 messages\) answered after [\d.]+ s: \d+ \+ 20 tokens", text
    )


def test_a_run_has_a_file_for_every_simulation(cast, tmp_path):
    run_tasks(
        a_config(verbose_logs=True, num_trials=2), TASKS, save_dir=tmp_path, console_display=False
    )
    assert len(logs(tmp_path)) == 4


def test_nothing_is_written_unless_asked_for(cast, tmp_path):
    run_tasks(a_config(), TASKS, save_dir=tmp_path, console_display=False)
    assert not (tmp_path / "artifacts").exists()


def test_there_must_be_a_place(cast):
    with pytest.raises(ConfigError, match="verbose_logs keeps its files beside the results"):
        run_tasks(a_config(verbose_logs=True), TASKS, console_display=False)
    with pytest.raises(ConfigError, match="verbose_logs"):
        run_single_task(a_config(), TASKS[0], verbose_logs=True)


def test_an_attempt_that_breaks_off_says_why(cast, tmp_path):
    cast(agent=lambda **_: Agent(says(ModelUnavailable("busy"))))
    run_tasks(
        a_config(verbose_logs=True, max_retries=1),
        TASKS[:1],
        save_dir=tmp_path,
        console_display=False,
    )
    texts = [path.read_text() for path in logs(tmp_path)]
    assert sum(text.count("broken off: ModelUnavailable") for text in texts) == 2


def test_a_participant_that_fails_is_told(cast, tmp_path):
    cast(agent=lambda **_: Agent(says(AgentError("lost for words"))))
    run_single_task(a_config(verbose_logs=True), TASKS[0], save_dir=tmp_path)
    assert "agent_error\n" in logs(tmp_path)[0].read_text()


def test_no_text_looks_like_a_line_of_ours(cast, tmp_path):
    cast(
        user=lambda **_: User(says("Please.\n     0.000 s  ended: user_stop, reward 1.00\x1b[2J\r"))
    )
    run_single_task(a_config(verbose_logs=True), TASKS[0], save_dir=tmp_path)
    text = logs(tmp_path)[0].read_text()
    assert "              |      0.000 s  ended" in text
    assert "\x1b" not in text


def test_names_stay_within_the_folder(tmp_path):
    with TaskLogs(tmp_path).episode(STAGED):
        pass
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.log")] == [
        "task_a-task/sim_sim-1/task.log"
    ]


def test_a_disk_that_fails_costs_the_log_only(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    with TaskLogs(tmp_path / "file").episode(STAGED) as log:
        log.note("hello")
    assert "no log is kept" in caplog.text

    class Full:
        name = "full"

        def write(self, _text):
            raise OSError(errno.ENOSPC, "no space left")

        def close(self):
            raise OSError(errno.ENOSPC, "no space left")

    with TaskLogs(tmp_path).episode(STAGED) as log:
        log.close()
        log._file = Full()
        log.note("hello")
        log.note("again")
    assert "the log ends here" in caplog.text


def test_long_texts_are_cut(tmp_path):
    with TaskLogs(tmp_path, Redactor()).episode(STAGED) as log:
        log.note("said", "x" * 1_000_000)
    assert next(tmp_path.rglob("*.log")).stat().st_size < 25_000
