"""What a command line says stands above what files say, and what it does not say changes
nothing."""

from pathlib import Path

import pytest

from act_prm.cli import options_of, parser_of
from act_prm.run import Override, RunOptions, resolve
from act_prm.run.session import run_folder
from tau2.errors import ConfigError, UnknownName

MOCK = ("--env_config", "tau2bench/mock", "--model_config", "tiny")


def said(*words):
    return resolve(options_of(parser_of("main.py", pytorch=False).parse_all([*MOCK, *words])))


@pytest.fixture
def yaml(workplace):
    """Writes a configuration of the current folder."""

    def write(kind, name, text):
        file = workplace / "configs" / kind / f"{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    return write


def test_a_switch_that_is_not_given_leaves_the_file_alone(yaml):
    yaml("trainer", "mine", "hide_observations: true\naction_prompts: true\n")
    yaml("environments", "mine", "name: tau2bench\ndomain: mock\nis_async: true\nverbose: true\n")
    made = said("--trainer_config", "mine", "--env_config", "mine")
    assert (made.trainer.hide_observations, made.trainer.action_prompts) == (True, True)
    assert (made.env["is_async"], made.env["verbose"]) == (True, True)


def test_a_switch_can_be_turned_off(yaml):
    yaml("trainer", "mine", "hide_observations: true\n")
    yaml(
        "environments",
        "mine",
        "name: tau2bench\ndomain: mock\nis_async: true\nverbose: true\nhide_observations: true\n",
    )
    switches = ("--no-hide_observations", "--no-is_async", "--no-verbose")
    made = said("--trainer_config", "mine", "--env_config", "mine", *switches)
    assert made.trainer.hide_observations is False
    assert [made.env[name] for name in ("is_async", "verbose", "hide_observations")] == [
        False,
        False,
        False,
    ]


def test_a_switch_that_is_given_is_heard():
    assert said("--no-is_async").env["is_async"] is False
    assert said().env["is_async"] is True


def test_a_setting_goes_to_every_configuration_that_has_it():
    made = said("--discount_factor", "0.5", "--seed", "7", "--num_tries", "3")
    assert (made.trainer.discount_factor, made.generator.discount_factor) == (0.5, 0.5)
    assert (made.trainer.num_tries, made.env["num_tries"], made.env["seed"]) == (3, 3, 7)
    assert "discount_factor" not in made.env


def test_null_can_be_said():
    assert (
        said(
            "--trainer_config", "tiny_cpu_sft", "--mini_batch_size", "null"
        ).trainer.mini_batch_size
        is None
    )


def test_any_other_setting_can_be_overridden():
    made = said(
        "--override", "env.num_train_tasks=2",
        "--override", "env.user_llm_args.temperature=0.5",
        "--override", "trainer.tool_call_kwargs.bos=<call>",
        "--override", "eval_env.split=test",
        "--override", "model.tiny.hidden=32",
    )  # fmt: skip
    assert (made.env["num_train_tasks"], made.eval_env["num_train_tasks"]) == (2, 2)
    assert made.env["user_llm_args"] == {"temperature": 0.5}
    assert made.trainer.tool_call_kwargs.bos == "<call>"
    assert (made.env["split"], made.eval_env["split"]) == ("train", "test")
    assert (made.model["tiny"]["hidden"], made.model["tiny"]["vocab"]) == (32, 2048)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("num_batches=3", "expected KIND.KEY=VALUE"),
        ("env.=3", "expected KIND.KEY=VALUE"),
        ("trianer.num_batches=3", "did you mean 'trainer'"),
    ],
)
def test_an_override_that_cannot_be_read_is_explained(text, error):
    with pytest.raises((ConfigError, UnknownName), match=error):
        Override.of(text)


def test_an_override_cannot_lead_through_a_number():
    with pytest.raises(ConfigError, match="seed has no settings"):
        said("--override", "env.seed.deep=3")


def test_evaluation_is_on_held_out_tasks_unless_told_otherwise(yaml):
    yaml("environments", "other", "name: tau2bench\ndomain: retail\nsplit: test\n")
    assert said().eval_env["split"] == "eval"
    assert said("--eval_env_config", "other").eval_env == {
        "name": "tau2bench",
        "domain": "retail",
        "split": "test",
    }


def test_demonstrations_may_come_from_another_environment():
    assert said().base_env is None
    assert said("--base_env_config", "tau2bench/retail").base_env["domain"] == "retail"


def test_a_model_is_named_or_configured():
    made = resolve(
        RunOptions(env_config="tau2bench/mock", model_name="Some/Model", given={"lora_rank": 4})
    )
    assert made.model == {"model_name": "Some/Model", "provider": "tinker", "lora_rank": 4}
    served = resolve(
        RunOptions("tau2bench/mock", model_name="m", given={"base_url": "http://localhost:1"})
    )
    assert served.model["base_url"] == "http://localhost:1"
    assert said("--model_name", "else").model["model_name"] == "else"
    assert said("--lora_config", "r16_a32_qkvo", "--lora_rank", "4").lora["r"] == 4
    with pytest.raises(ConfigError, match="no model is named: give --model_name"):
        resolve(RunOptions(env_config="tau2bench/mock"))


def test_mistakes_name_the_file():
    with pytest.raises(
        ConfigError, match=r"configs/trainer/qwen3_4b_pg and the command line: batch_size"
    ):
        said("--batch_size", "0")


def test_what_is_written_down_holds_no_key():
    made = said(
        "--override",
        "env.user_llm_args.api_key=sk-very-secret-1234",
        "--override",
        "env.user_llm=m",
    )
    assert "very-secret" not in str(made.as_json())
    assert made.env["user_llm_args"]["api_key"] == "sk-very-secret-1234"


def test_a_run_has_a_folder_of_its_own(tmp_path):
    options = RunOptions(
        "tau2bench/mock", model_name="Qwen/Qwen3-4B", log_path=tmp_path, seed=4, replicate=2
    )
    assert run_folder(options).name == "tau2bench_mock-default-qwen3_4b_pg-Qwen3-4B-seed4-rep2"
    assert run_folder(RunOptions("x", run_name="mine", log_path=tmp_path)) == tmp_path / "mine"
    with pytest.raises(ConfigError, match="no checkpoint to resume from"):
        run_folder(RunOptions("x", run_name="mine", log_path=tmp_path, resume_run=True))


def test_a_name_that_is_a_path_makes_no_folders_elsewhere():
    options = RunOptions(str(Path("some") / "mine.yaml"), model_name="m")
    assert "/" not in options.name


def test_a_stored_command_holds_no_secret():
    from act_prm.run.resolve import shown_command

    command = ["act_prm", "--api_key", "Zq81our9secret2X", "--env.llm_args", "sk-abcdefgh1234"]
    assert shown_command(command) == [
        *("act_prm", "--api_key", "[redacted]", "--env.llm_args", "[redacted]")
    ]
