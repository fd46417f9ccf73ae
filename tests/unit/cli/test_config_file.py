"""A run from a file: its fields, flags that win over them, and printed configurations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tau2.cli.config_file import as_yaml, read_config_file
from tau2.cli.flags import flags_of
from tau2.data_model.run_config import TextRunConfig

MOCK = ("--domain", "mock", "--agent", "oracle_agent", "--user", "scripted_user")
FLAGS = flags_of(TextRunConfig)
YAML = """\
# three tasks, twice
domain: mock
agent: oracle_agent
user: scripted_user
num_tasks: 3
num_trials: 2
seed: 7
llm_args_agent:
  temperature: 0.5
  stop: null
"""
TOML = """\
domain = "mock"
agent = "oracle_agent"
user = "scripted_user"
num_tasks = 3
num_trials = 2
seed = 7
[llm_args_agent]
temperature = 0.5
"""
JSON = json.dumps(
    {
        "domain": "mock",
        "agent": "oracle_agent",
        "user": "scripted_user",
        "num_tasks": 3,
        "num_trials": 2,
        "seed": 7,
    }
)


def written(name: str, text: str) -> Path:
    path = Path(name)
    path.write_text(text, encoding="utf-8")
    return path


def printed(tau2, *arguments: str) -> dict[str, Any]:
    ended = tau2("run", *arguments, "--print-config")
    assert ended.code == 0, ended.err
    return yaml.safe_load(ended.out)


@pytest.mark.parametrize(
    ("name", "text"), [("run.yaml", YAML), ("run.toml", TOML), ("run.json", JSON)]
)
def test_a_file_gives_the_same_run_as_flags(tau2, workplace, name, text):
    written(name, text)
    flags = (
        "--num-tasks",
        "3",
        "--num-trials",
        "2",
        "--seed",
        "7",
        "--agent-llm-args",
        "temperature=0.5",
    )
    assert tau2("run", "--config", name, "--save-to", "by_file", "--quiet").code == 0
    assert tau2("run", *MOCK, *flags, "--save-to", "by_flags", "--quiet").code == 0
    assert played("by_file") == played("by_flags")


def played(run: str) -> list[Any]:
    """Return what a saved run played: tasks, trials, seeds, rewards and conversations."""
    files = Path("data/simulations", run, "simulations").glob("*.json")
    loaded = [json.loads(file.read_bytes()) for file in files]
    return sorted(
        [
            one["task_id"], one["trial"], one["seed"], one["reward_info"]["reward"],
            [(message["role"], message["content"]) for message in one["messages"]],
        ]
        for one in loaded
    )  # fmt: skip


def test_flags_win_over_the_file(tau2, workplace):
    written("run.yaml", YAML + "record: true\ntask_split_name: none\n")
    config = printed(tau2, "--config", "run.yaml", "--num-trials", "5", "--no-record")
    assert (config["num_trials"], config["record"]) == (5, False)
    assert (config["num_tasks"], config["task_split_name"]) == (3, None)


def test_a_file_changes_the_settings_of_a_stored_run(tau2, workplace):
    tau2("run", *MOCK, "--num-tasks", "1", "--save-to", "first", "--quiet")
    written("more.toml", "num_trials = 3\n")
    assert "over 3 of 3" in tau2("run", "--resume", "first", "--config", "more.toml").out


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("run.yaml", "num_task: 3\n",
         "run.yaml: no field named 'num_task'; did you mean 'num_tasks'?"),
        ("run.toml", "agent_llm = 'x'\n", "run.toml: 'agent_llm' is called 'llm_agent' in a file"),
        ("run.json", '{"num-tasks": 1}', "run.json: 'num-tasks' is called 'num_tasks' in a file"),
        ("run.yaml", "zzz: 1\nnum_trails: 2\n", "num_trails'; did you mean 'num_trials'?"),
        ("run.yaml", "domain: mock\nnum_trials: many\n",
         "run.yaml: num_trials: Input should be a valid integer"),
        ("run.yaml", "domain: mock\ntask_ids: [1]\n",
         "run.yaml: task_ids: Input should be a valid string"),
        ("run.yaml", "- domain\n", "run.yaml: fields with values are expected, not a list"),
        ("run.yaml", "domain: [\n", "run.yaml: not valid yaml"),
        ("run.toml", "domain\n", "run.toml: not valid toml"),
        ("run.json", "{", "run.json: not valid json"),
        ("run.ini", "", "run.ini: a configuration file ends in .yaml, .yml, .toml, .json"),
        ("run.yaml", "", "--domain is required"),
    ],
)  # fmt: skip
def test_a_file_that_is_wrong_is_explained(tau2, workplace, name, text, problem):
    written(name, text)
    ended = tau2("run", "--config", name)
    assert ended.code == 2
    assert problem in ended.err


def test_a_file_that_is_not_there_is_named(tau2, workplace):
    ended = tau2("run", "--config", "nowhere.yaml")
    assert (ended.code, ended.out) == (2, "")
    assert "nowhere.yaml: cannot be read" in ended.err


def test_a_value_of_a_flag_is_blamed_on_the_flag(tau2, workplace):
    written("run.yaml", YAML)
    ended = tau2("run", "--config", "run.yaml", "--provider-limit", "openai=many")
    assert "--provider-limits: " in ended.err


def test_the_printed_configuration_is_complete_and_plays_nothing(tau2, workplace):
    config = printed(tau2, *MOCK, "--num-trials", "2", "--save-to", "first")
    assert set(config) == set(TextRunConfig.model_fields)
    assert config["num_trials"] == 2
    assert not Path("data").exists()


def test_what_is_printed_gives_the_same_when_it_is_read(tau2, workplace):
    first = tau2(
        "run",
        *MOCK,
        "--task-ids",
        "1",
        "yes",
        "--user-persona",
        "verbosity=minimal",
        "--print-config",
    )
    written("run.yaml", first.out)
    assert tau2("run", "--config", "run.yaml", "--print-config").out == first.out


def test_secrets_are_masked_and_a_mask_is_no_key(tau2, workplace, monkeypatch):
    secret, other = "sk-verysecretverysecret", "another-secret-of-the-environment"
    monkeypatch.setenv("SOME_API_KEY", other)
    args = json.dumps(
        {"api_key": secret, "api_base": f"http://user:{secret}@127.0.0.1:1/v1?key={other}"}
    )
    ended = tau2(
        "run", *MOCK, "--agent-llm-args", args, "--cache", f"cache-{other}", "--print-config"
    )
    assert ended.code == 0
    assert secret not in ended.out
    assert other not in ended.out
    written("run.yaml", ended.out)
    again = tau2("run", "--config", "run.yaml")
    assert again.code == 2
    assert (
        "run.yaml: cache, llm_args_agent.api_base, llm_args_agent.api_key: a secret was masked"
        in again.err
    )
    given = ("--agent-llm-args", "{}", "--cache", "answers", "--print-config")
    assert tau2("run", "--config", "run.yaml", *given).code == 0


text = st.text("abN0179 .:,#'\"{}[]!&*|>%?~=éτ\n", max_size=8)  # what YAML reads in many ways
args = st.dictionaries(
    st.sampled_from(["temperature", "stop", "reasoning_effort", "extra_body"]),
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | text
    | st.lists(text, max_size=2),
)


@settings(max_examples=60, deadline=None)
@given(
    num_tasks=st.none() | st.integers(),
    task_ids=st.none() | st.lists(text),
    split=st.none() | text,
    agent=args,
)
def test_every_configuration_survives_the_file(tmp_path_factory, num_tasks, task_ids, split, agent):
    config = TextRunConfig(
        domain="mock",
        num_tasks=num_tasks,
        task_ids=task_ids,
        task_split_name=split,
        llm_args_agent=agent,
    )
    file = tmp_path_factory.mktemp("config") / "run.yaml"
    file.write_text(as_yaml(config), encoding="utf-8")
    assert TextRunConfig.model_validate(read_config_file(file, FLAGS)) == config


@pytest.mark.parametrize("field", ["save_to", "tasks_file"])
@pytest.mark.parametrize("name", ["a\u0000b", "half \ud83d"])
def test_a_name_that_no_file_can_have_is_refused(tau2, field, name):
    Path("own.json").write_text(json.dumps({"domain": "mock", field: name}))
    ended = tau2("run", "--config", "own.json")
    assert ended.code == 2
    assert field in ended.err
    assert "no file can have the name" in ended.err
