"""The command line: what it explains, what it refuses, and how it ends."""

import asyncio
import json
import os
import signal

import pytest
from tests.unit.act_prm.players import TableModel

from act_prm import cli
from act_prm.run import session
from tau2.errors import ModelUnavailable

SAYS = ['<tool_call>{"name": "respond_user", "arguments": {"text": "Bye"}}</tool_call>', "nothing"]
SMALL = (
    *(
        "--env_config",
        "tau2bench/mock",
        "--model_name",
        "table",
        "--generator_config",
        "grpo",
        "--trainer_config",
    ),
    *(
        "tiny_cpu_pg",
        "--num_batches",
        "2",
        "--batch_size",
        "1",
        "--group_size",
        "2",
        "--eval_every",
        "2",
    ),
)


@pytest.fixture
def model(monkeypatch, workplace):
    """Every model is this one, trained in the current folder."""
    table = TableModel(SAYS)

    async def load(config, lora=None, *, seed=0):
        return table

    monkeypatch.setattr(session, "load_model", load)
    return table


def test_a_run_from_beginning_to_end(model, workplace, capsys):
    assert cli.main([*SMALL, "--run_name", "mine", "--verbose"]) == 0
    folder = workplace / "logs" / "mine"
    assert {"metrics.jsonl", "config.json", "reward_curve.svg", "checkpoints"} <= {
        one.name for one in folder.iterdir()
    }
    assert json.loads((folder / "config.json").read_text())["trainer"]["num_batches"] == 2
    told = capsys.readouterr().err
    assert "rl 1/2: final_reward" in told
    assert "done: 2 batches; see logs/mine" in told
    assert model.closed


def test_both_programs_take_the_same_arguments(model, capsys):
    assert cli.main_pytorch([*SMALL, "--run_name", "other", "--is_async"]) == 0
    assert "done: 2 batches" in capsys.readouterr().err


def test_a_folder_with_a_run_is_not_overwritten(model, capsys):
    assert cli.main(SMALL) == 0
    assert cli.main(SMALL) == 2
    assert "continue it with --resume_run" in capsys.readouterr().err
    assert cli.main([*SMALL, "--resume_run", "--num_batches", "3"]) == 0
    assert "done: 3 batches" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_a_checkpoint_and_says_how_to_go_on(model, workplace, capsys, number):
    sample, asked = model.sample, []

    async def interrupted(prompts, params):
        asked.append(params)
        if len(asked) == 5:
            os.kill(os.getpid(), number)
            await asyncio.sleep(5)
        return await sample(prompts, params)

    model.sample = interrupted
    assert cli.main([*SMALL, "--run_name", "mine"]) == 130
    told = capsys.readouterr().err
    assert "a checkpoint is in logs/mine/checkpoints/batch_00000" in told
    again = next(
        line for line in told.splitlines() if line.startswith("continue with: python main.py")
    )
    assert again.endswith("--run_name mine --resume_run")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert cli.main([*SMALL, "--run_name", "mine", "--resume_run"]) == 0


def test_help_teaches(capsys):
    with pytest.raises(SystemExit) as left:
        cli.main(["--help"])
    assert left.value.code == 0
    told = capsys.readouterr().out
    for part in (
        "a small run on a CPU",
        "--resume_run",
        "qwen3_4b_aprm",
        "tau2bench/airline",
        "Exit codes",
    ):
        assert part in told


def test_every_setting_has_its_help():
    parser = cli.parser_of("main.py", pytorch=False)
    assert [
        action.dest for action in parser._actions if not action.help and not _plain(action.dest)
    ] == []


def _plain(name):
    """Settings whose names say it all."""
    return name.endswith(("_bos", "_eos")) or name in {
        "batch_size",
        "discount_factor",
        "learning_rate",
        "max_tokens",
        "num_batches",
        "num_tries",
        "temperature",
        "top_p",
        "trainer_name",
        "eval_num_tries",
        "num_batches_action_prompts",
        "action_prompt_mini_batch_size",
        "action_prompt_num_epochs",
        "action_prompt_keep_top_k",
        "first_obs_to_show",
        "last_obs_to_show",
        "hidden_obs_content",
        "lora_rank",
        "max_size",
        "eval_group_size",
    }


def test_an_unknown_argument_names_the_nearest(capsys):
    with pytest.raises(SystemExit) as left:
        cli.main([*SMALL, "--learning_rat=3"])
    assert left.value.code == 2
    assert "did you mean --learning_rate?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--trainer_config", "qwen3_4b_prm"], "did you mean 'qwen3_4b_aprm'"),
        (["--batch_size", "none"], "batch_size"),
        (["--override", "env.num_trian_tasks=3"], "did you mean 'num_train_tasks'"),
        (["--kl_penalty_coef", "0.1"], "needs a model with a reference"),
    ],
)
def test_a_mistake_is_told_in_a_sentence(model, capsys, words, told):
    assert cli.main([*SMALL, *words]) == 2
    assert told in capsys.readouterr().err


def test_a_failure_is_told_with_its_kind(model, capsys):
    async def gone(prompts, params):
        raise ModelUnavailable("the service is gone")

    model.sample = gone
    assert cli.main(SMALL) == 1
    assert "main.py: ModelUnavailable: the service is gone" in capsys.readouterr().err
    assert model.closed


def test_an_empty_evaluation_is_said_and_skipped(model, workplace, caplog):
    assert cli.main([*SMALL, "--override", "env.num_test_tasks=0"]) == 0
    assert "there is no evaluation" in caplog.text
