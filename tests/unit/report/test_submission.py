"""A submission: its contents, its defects, and whether its trajectories earn their rewards."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from tests.calls import a_call
from tests.unit.report.conftest import a_run, some_results

from tau2.data_model.audio import AudioNativeConfig
from tau2.data_model.simulation import Results, TextRunConfig
from tau2.errors import ConfigError
from tau2.run import run_domain
from tau2.submission.checks import validate
from tau2.submission.prepare import PLACEHOLDER, SUBMISSION_NAME, Submitter, prepare, write
from tau2.submission.verification import verify

WHO = Submitter("a-model", "A Lab", "A Lab", "me@example.org")
TODAY = date(2026, 3, 1)


@pytest.fixture(scope="module")
def played(tmp_path_factory) -> str:
    """The whole mock domain, played once by the references, as JSON."""
    config = TextRunConfig(
        domain="mock", agent="oracle_agent", user="scripted_user", num_trials=2,
        save_to=str(tmp_path_factory.mktemp("runs") / "mock"),
    )  # fmt: skip
    return run_domain(config).model_dump_json()


@pytest.fixture
def run(played) -> Results:
    return Results.model_validate_json(played)


@pytest.fixture
def folder(run, tmp_path) -> Path:
    """A submission without a defect."""
    target = tmp_path / "submission"
    write(prepare([run], WHO, today=TODAY), target)
    return target


def submission(folder: Path) -> dict:
    return json.loads((folder / SUBMISSION_NAME).read_text())


def change(folder: Path, *path: str, to) -> None:
    """Set one value of submission.json."""
    data = submission(folder)
    place = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    (folder / SUBMISSION_NAME).write_text(json.dumps(data))


def trajectories(folder: Path) -> Path:
    (file,) = (folder / "trajectories").iterdir()
    return file


def change_run(folder: Path, edit) -> None:
    """Let `edit` change the stored run."""
    data = json.loads(trajectories(folder).read_text())
    edit(data)
    trajectories(folder).write_text(json.dumps(data))


def errors(folder: Path, **options) -> list[str]:
    return [str(defect) for defect in validate(folder, **options) if defect.is_error]


def test_a_prepared_submission_has_no_defect(folder):
    assert errors(folder, replay=True) == []
    data = submission(folder)
    assert (data["model_name"], data["submission_type"], data["submission_date"]) == (
        "a-model",
        "custom",
        "2026-03-01",
    )
    assert (data["results"]["mock"]["pass_1"], data["results"]["mock"]["pass_3"]) == (100.0, None)
    assert data["details"]["mock"]["num_scored"] == 2 * data["details"]["mock"]["num_tasks"]
    assert (
        "agent oracle_agent instead of llm_agent" in data["methodology"]["verification"]["details"]
    )


def test_too_few_trials_are_a_warning(folder):
    warnings = [str(defect) for defect in validate(folder) if not defect.is_error]
    assert any(
        "results.mock.pass_4" in warning and "4 scored trials" in warning for warning in warnings
    )


def test_what_is_not_given_is_to_be_filled_in(run, tmp_path):
    write(prepare([run], Submitter(), today=TODAY), tmp_path / "s")
    assert submission(tmp_path / "s")["model_name"] == PLACEHOLDER  # no model was called
    assert [line for line in errors(tmp_path / "s") if "not filled in" in line] != []


def test_one_run_per_domain_and_one_agent(run):
    with pytest.raises(ConfigError, match="two of the runs are of domain 'mock'"):
        prepare([run, run], WHO, today=TODAY)
    other = run.model_copy(deep=True)
    other.info.environment_info.domain_name, other.info.agent_info.llm = "retail", "another"
    with pytest.raises(ConfigError, match="different agent models"):
        prepare([run, other], WHO, today=TODAY)
    with pytest.raises(ConfigError, match="at least one run"):
        prepare([], WHO, today=TODAY)


def test_a_folder_that_holds_something_is_not_touched(run, folder):
    with pytest.raises(ConfigError, match="not an empty folder"):
        write(prepare([run], WHO, today=TODAY), folder)


def test_nothing_secret_is_given_away(run, tmp_path, monkeypatch):
    monkeypatch.setenv("PROVIDER_API_KEY", "hush-hush-4711")
    run.info.agent_info.llm_args = {"api_key": "tops3cret", "temperature": 0}
    run.simulations[0].messages[0].content = "hush-hush-4711"
    run.simulations[0].messages[0].raw_data = {"id": "raw-answer"}
    run.simulations[0].info = {"error": "Bearer abc.defghi", "error_traceback": "File /somewhere"}
    write(prepare([run], WHO, today=TODAY), tmp_path / "s")
    text = "".join(file.read_text() for file in (tmp_path / "s").rglob("*.json"))
    hidden = ("hush-hush", "tops3cret", "raw-answer", "abc.defghi", "somewhere")
    assert [secret for secret in hidden if secret in text] == []


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("results", "mock", "pass_1"), 99.0, "it says 99.0, the trajectories say 100"),
        (("results", "mock", "pass_1"), 101.0, "less than or equal to 100"),
        (("results", "mock", "pass_2"), None, "it says None, the trajectories say 100"),
        (("results", "mock", "pass_1"), 50.0, "pass^k cannot grow with k"),
        (("results",), {}, "there are no results"),
        (("details",), {}, "details.mock: it is missing"),
        (("details", "mock", "num_scored"), 3, "it says 3, the file has 20"),
        (("details", "mock", "agent"), "llm_agent", "it says llm_agent, the file oracle_agent"),
        (("details", "mock", "trajectories"), "gone.json", "there is no such file"),
        (("details", "mock", "trajectories"), "../submission.json", "there is no such file"),
        (("submission_type",), "standard", "it is not standard"),
        (("model_name",), PLACEHOLDER, "model_name: it is not filled in"),
        (("contact_info", "email"), "", "contact_info.email: it is not filled in"),
        (("surprise",), 1, "surprise: Extra inputs are not permitted"),
    ],
)
def test_a_wrong_field_is_named(folder, path, value, said):
    change(folder, *path, to=value)
    assert any(said in line for line in errors(folder)), errors(folder)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read"),
        ("{", "not valid JSON"),
        ("[]", "valid dictionary"),
        ("[" * 9999, "not valid JSON"),
    ],
)
def test_a_broken_submission_file_is_explained(folder, content, said):
    file = folder / SUBMISSION_NAME
    file.unlink()
    if content is not None:
        file.write_text(content)
    assert any(said in line for line in errors(folder)), errors(folder)


def test_broken_and_unknown_trajectories_are_named(folder):
    (folder / "trajectories" / "another.json").write_text("{}")
    assert any("another.json: submission.json does not name it" in line for line in errors(folder))
    (folder / "trajectories" / "another.json").unlink()
    trajectories(folder).write_text("{")
    assert any("cannot be read" in line for line in errors(folder))


def lose_one(data: dict) -> None:
    del data["simulations"][0]


def unscore_one(data: dict) -> None:
    data["simulations"][0] |= {"reward_info": None, "termination_reason": "infrastructure_error"}


def double_one(data: dict) -> None:
    data["simulations"].append(data["simulations"][0])


def leak(data: dict) -> None:
    data["simulations"][0]["messages"][0]["content"] = "sk-abcdefghijklmnop"


def rename(data: dict) -> None:
    data["info"]["environment_info"]["domain_name"] = "retail"


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lose_one, "1 missing simulation:"),
        (unscore_one, "1 simulation without a score"),
        (double_one, "more than once"),
        (leak, "looks like a credential"),
        (rename, "it is of domain retail, not of mock"),
    ],
)
def test_a_wrong_trajectory_is_named(folder, edit, said):
    change_run(folder, edit)
    assert any(said in line for line in errors(folder)), errors(folder)


def test_a_standard_submission_plays_the_whole_domain(run, tmp_path):
    run.tasks = run.tasks[:3]
    run.simulations = [
        one for one in run.simulations if one.task_id in {task.id for task in run.tasks}
    ]
    write(prepare([run], WHO, today=TODAY), tmp_path / "s")
    assert any(
        "not played, of the base split" in str(defect) for defect in validate(tmp_path / "s")
    )


def test_rewards_that_are_earned_hold(run):
    verdict = verify(run)
    assert (verdict.holds, verdict.checked, verdict.skipped) == (True, len(run.simulations), 0)


def failing(run: Results):
    """Return a simulation whose writing calls never took place, though it claims full reward."""
    one = next(one for one in run.simulations if one.task_id == "create_task_1")
    one.messages = [
        message for message in one.messages if message.role == "user" or message.content
    ]
    one.messages = [message for message in one.messages if message.role != "tool"]
    return one


def test_a_reward_that_is_not_earned_is_found(run):
    one = failing(run)
    (mismatch,) = verify(run).mismatches
    assert (mismatch.simulation_id, mismatch.claimed, mismatch.found) == (one.id, 1.0, 0.0)
    assert "lost on DB" in mismatch.reason


def test_a_conversation_that_was_thrown_away_earns_nothing(run):
    run.simulations[0].messages = []
    (mismatch,) = verify(run).mismatches
    assert "no messages" in mismatch.reason


def test_a_judges_opinion_is_believed_but_not_the_rest(run):
    from tau2.data_model.tasks import RewardType

    task = next(task for task in run.tasks if task.id == "create_task_1")
    task.evaluation_criteria.nl_assertions = ["The agent is kind."]
    task.evaluation_criteria.reward_basis = [RewardType.DB, RewardType.NL_ASSERTION]
    one = next(one for one in run.simulations if one.task_id == "create_task_1")
    one.reward_info.reward_breakdown = {RewardType.DB: 1.0, RewardType.NL_ASSERTION: 1.0}
    others = [two for two in run.simulations if two.task_id != one.task_id]
    run.simulations = [*others, one]
    assert (verify(run).mismatches, verify(run).changed_tasks) == ((), ("create_task_1",))
    one.reward_info.reward_breakdown = {RewardType.NL_ASSERTION: 1.0}
    assert "does not rest on what its task is graded on" in verify(run).mismatches[0].reason
    one.reward_info.reward_breakdown = {RewardType.DB: 1.0, RewardType.NL_ASSERTION: 0.0}
    assert "not the product" in verify(run).mismatches[0].reason
    one.reward_info.reward_breakdown = {RewardType.DB: 0.0, RewardType.NL_ASSERTION: 1.0}
    assert "replayed, DB is 1.00, not 0.00" in verify(run).mismatches[0].reason


def test_tasks_that_were_made_easier_are_found(run):
    task = next(task for task in run.tasks if task.id == "create_task_1")
    task.evaluation_criteria.actions = []
    assert verify(run).changed_tasks == ("create_task_1",)


# --- calls ----------------------------------------------------------------------------------------


def test_a_submission_of_calls_says_how_they_were_made_and_has_their_metrics():
    results = some_results(a_run(ticks=a_call("uu....", "...aaa")))
    info = results.info
    info.agent_info.implementation = "discrete_time_audio_native_agent"
    info.user_info.implementation = "voice_streaming_user_simulator"
    info.user_info.voice_settings = {"synthesis_config": {"provider": "hibari"}}
    info.speech_complexity = "regular"
    info.audio_native_config = AudioNativeConfig(provider="openai", model="gpt-realtime")

    made = prepare([results], WHO, today=TODAY).submission.model_dump()

    assert (made["modality"], made["submission_type"]) == ("voice", "standard")
    assert made["voice_config"]["model"] == "gpt-realtime"
    assert made["voice_config"]["user_tts_provider"] == "hibari"
    measured = made["interaction_metrics"]["domains"]["shop"]
    assert measured["response_latency_mean"] == pytest.approx(0.2)

    info.speech_complexity = "control"
    other = prepare([results], WHO, today=TODAY).submission
    assert other.submission_type == "custom"
    assert "complexity control" in other.methodology.verification.details


def test_a_submission_of_text_has_no_fields_of_calls(run):
    made = prepare([run], WHO, today=TODAY).submission.model_dump()

    assert {"modality", "voice_config", "interaction_metrics"}.isdisjoint(made)
