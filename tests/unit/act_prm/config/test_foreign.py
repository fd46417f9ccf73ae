"""Files in the form of the original act-prm project are read as they are."""

from __future__ import annotations

import logging

import pytest

from act_prm.config import GeneratorConfig, TrainerConfig, checked, read_config
from act_prm.llm_handlers.load import ModelConfig
from act_prm.llm_handlers.lora import LoraSettings
from tau2.errors import ConfigError


@pytest.fixture
def read(tmp_path):
    def read(kind, text):
        file = tmp_path / "own.yaml"
        file.write_text(text)
        return read_config(kind, str(file))

    return read


def test_a_model_in_levels(read, caplog):
    caplog.set_level(logging.WARNING)
    found = read(
        "model",
        """
        name: hf_transformer
        model_type: huggingface
        model_config:
          pretrained_model_name_or_path: some/model
          cache_dir: /somewhere
          torch_dtype: bfloat16
          attn_implementation: flash_attention_2
          low_cpu_mem_usage: true
          chat_template_path: ./nowhere.jinja
        generation_config: {do_sample: true, temperature: 0.7, top_k: 20}
        """,
    )
    model = ModelConfig.of(found)
    assert (model.model_name, model.provider, model.dtype) == (
        "some/model",
        "huggingface",
        "bfloat16",
    )
    assert model.sampling_temperature == 0.7
    assert model.chat_template is None
    assert "./nowhere.jinja is not there" in caplog.text
    assert "without effect here: cache_dir, low_cpu_mem_usage, name, top_k" in caplog.text


def test_an_adapter_by_the_names_of_peft(read):
    found = read(
        "lora",
        "{r: 8, lora_alpha: 16, lora_dropout: 0.05, bias: none, "
        "target_modules: [self_attn.q_proj, mlp.up_proj]}",
    )
    settings = LoraSettings.of(found)
    assert (settings.r, settings.alpha, settings.dropout) == (8, 16, 0.05)
    assert settings.target_modules == ("q_proj", "up_proj")


def test_a_trainer_with_its_tags_and_what_has_no_counterpart_is_named(read, caplog):
    caplog.set_level(logging.WARNING)
    found = read(
        "trainer",
        """
        trainer_name: rl
        num_substeps: null
        renderer_name: null
        model_name: some/model
        sft_num_batches: 20
        wandb_project: null
        tool_call_kwargs: {tool_call_bos: <call>, tool_call_eos: </call>, tool_call_argname: args}
        """,
    )
    trainer = checked(TrainerConfig, found, "own")
    assert trainer.num_substeps == 1
    assert vars(trainer.tool_call_kwargs) == {"bos": "<call>", "eos": "</call>", "argname": "args"}
    [said] = [one.getMessage() for one in caplog.records]
    assert said.endswith("without effect here: model_name, sft_num_batches")


def test_fine_tuning_in_its_own_words(read):
    found = read(
        "trainer", "{trainer_name: pt_sft, num_steps: 30, loss_fn: cross_entropy, fp32_loss: false}"
    )
    trainer = checked(TrainerConfig, found, "own")
    assert (trainer.trainer_name, trainer.num_batches) == ("sft", 30)


def test_a_generator_that_is_not_to_say_much(read, caplog):
    found = read("generator", "{name: default, verbose: false, streamer: false, mean_center: true}")
    assert checked(GeneratorConfig, found, "own").mean_center
    assert not caplog.records


def test_a_mistake_is_still_one(read):
    with pytest.raises(ConfigError, match="did you mean 'num_batches'"):
        checked(TrainerConfig, read("trainer", "num_batchs: 3"), "own")


def test_a_setting_by_its_own_name_counts_first(read):
    assert read("lora", "{alpha: 4, lora_alpha: 16}") == {"alpha": 4}
