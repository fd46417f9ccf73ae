"""The configurations that ship say what the guide's command lines rely on, and mistakes are
named."""

import pytest

from act_prm.config import GeneratorConfig, ReplayBufferConfig, TrainerConfig, checked, read_config
from act_prm.config.files import known_names, load_yaml, parse_value
from tau2.errors import ConfigError, DataFileError, UnknownName

MODELS = {
    "trainer": TrainerConfig,
    "generator": GeneratorConfig,
    "replay_buffer": ReplayBufferConfig,
}
SHIPPED = [(kind, name) for kind in MODELS for name in known_names(kind)]

PRM = {
    "action_prompts": True,
    "num_batches_action_prompts": 0,
    "action_prompt_mini_batch_size": 32,
    "action_prompt_num_epochs": 10,
    "action_prompt_keep_top_k": None,
    "num_tries": 1,
    "eval_num_tries": 1,
    "max_tokens": 1024,
    "temperature": 1.0,
    "batch_size": 16,
    "group_size": 8,
    "eval_group_size": 1,
    "learning_rate": 4e-5,
    "loss_fn": "importance_sampling",
    "num_substeps": 1,
    "mini_batch_size": None,
    "compute_post_kl": False,
    "kl_penalty_coef": 0,
    "kl_discount_factor": 0,
    "save_every": 20,
    "best_metric": "final_reward",
    "lora_rank": 32,
    "base_url": None,
}
SAID = {
    ("trainer", "qwen3_4b_aprm"): PRM
    | {"trainer_name": "act_prm", "num_batches": 1000, "discount_factor": 0.9, "eval_every": 4},
    ("trainer", "aprm_for_sft100"): PRM
    | {
        "trainer_name": "act_prm_for_sft",
        "advantage_threshold": None,
        "save_rollouts_every": 10,
        "hide_observations": False,
        "hidden_obs_content": "...",
        "first_obs_to_show": 2,
        "last_obs_to_show": 1,
        "num_batches": 100,
        "discount_factor": 1.0,
        "eval_every": 10,
    },
    ("trainer", "qwen3_4b_pg"): {
        "trainer_name": "rl",
        "num_batches": 1000,
        "batch_size": 16,
        "group_size": 8,
        "discount_factor": 0.9,
        "eval_every": 20,
        "save_every": 20,
        "learning_rate": 4e-5,
    },
    ("generator", "aprm_qwen3_ap"): {
        "name": "action_prompt_act_prm",
        "reward_method": "action_probs",
        "discount_factor": 1.0,
        "mean_center": False,
        "action_bos": "<tool_call>",
        "action_eos": "</tool_call>",
        "thought_bos": "<thought>",
        "thought_eos": "</thought>",
        "final_answer_bos": "Final Answer: ",
    },
    ("generator", "grpo"): {"mean_center": True, "discount_factor": 0.9},
    ("replay_buffer", "default"): {"max_size": 10**10},
}


@pytest.mark.parametrize(("kind", "name"), SHIPPED)
def test_what_ships_is_valid(kind, name):
    made = checked(MODELS[kind], read_config(kind, name), name)
    said = SAID.get((kind, name), {})
    assert {key: getattr(made, key) for key in said} == said


def test_what_the_guide_names_is_there():
    assert set(SAID) <= set(SHIPPED)


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(UnknownName, match="did you mean 'qwen3_4b_aprm'"):
        read_config("trainer", "qwen3_4b_arpm")


def test_every_mistake_is_named_at_once_with_the_nearest_key():
    with pytest.raises(ConfigError) as caught:
        checked(
            TrainerConfig,
            {"num_batchs": 1, "batch_size": 0, "tool_call_kwargs": {"boss": "x"}},
            "mine.yaml",
        )
    told = str(caught.value)
    assert told.startswith("mine.yaml: ")
    assert "unknown key 'num_batchs'; did you mean 'num_batches'?" in told
    assert "unknown key 'tool_call_kwargs.boss'; did you mean 'bos'?" in told
    assert "batch_size: Input should be greater than or equal to 1 (given: 0)" in told


def test_settings_that_contradict_one_another_are_refused():
    with pytest.raises(ConfigError, match="action_prompts is false"):
        checked(TrainerConfig, {"num_batches_action_prompts": 3}, "mine.yaml")


def test_a_file_may_be_given_by_its_path(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("num_batches: 3\n")
    assert read_config("trainer", str(file)) == {"num_batches": 3}


def test_what_stands_in_the_current_folder_comes_first(workplace):
    folder = workplace / "configs" / "trainer"
    folder.mkdir(parents=True)
    (folder / "qwen3_4b_pg.yaml").write_text("num_batches: 3\n")
    assert read_config("trainer", "qwen3_4b_pg") == {"num_batches": 3}


@pytest.mark.parametrize("text", ["- 1\n", "a: [\n", "1: 2\n", "a: \xff\n".encode("latin-1")])
def test_a_file_that_is_no_mapping_is_named(tmp_path, text):
    file = tmp_path / "bad.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataFileError, match=r"bad\.yaml"):
        load_yaml(file)


def test_an_empty_file_says_nothing(tmp_path):
    (tmp_path / "empty.yaml").write_text("")
    assert load_yaml(tmp_path / "empty.yaml") == {}


def test_values_on_the_command_line_are_read_like_values_in_files():
    assert [parse_value(text) for text in ("null", "3", "true", "[a, b]")] == [
        None,
        3,
        True,
        ["a", "b"],
    ]
    with pytest.raises(ConfigError, match="not valid YAML"):
        parse_value("[")
