"""GRPOTrainer plays the reference: its own loop parses the replies and calls the tools of our
environment."""

from __future__ import annotations

import inspect
import json
from pathlib import Path

import pytest

trl = pytest.importorskip(
    "trl", reason="needs trl in an environment of its own: make test-integrations"
)

from tests.integrations.oracle import DOMAINS, SEED, script_of  # noqa: E402
from tests.integrations.tiny import model_of, tokenizer_of  # noqa: E402
from transformers.utils import get_json_schema  # noqa: E402

from tau2.integrations.toolbox import domain_tools, schemas  # noqa: E402
from tau2.integrations.trl import dataset, environment_factories, environment_factory, rows  # noqa: E402
from tau2.registry import registry  # noqa: E402
from tau2.rollout import RolloutSetup  # noqa: E402

GENERATIONS = 2


def as_replies(script):
    """Return the moves as a model writes them, one call each, and a closing reply without a
    call."""
    for move in script.moves:
        for call in move.tool_calls or ():
            yield tagged(call.name, call.arguments)
        if not move.tool_calls:
            yield tagged("respond_user", {"text": move.content})
    yield "Goodbye."


def tagged(name, arguments):
    return f"<tool_call>\n{json.dumps({'name': name, 'arguments': arguments})}\n</tool_call>"


def trainer_that_says(replies, script, folder):
    """Return a real trainer whose model is replaced by a script."""
    written = [row["prompt"][0]["content"] for row in rows(script.domain, count=1)]
    tokenizer = tokenizer_of([*written, *replies])
    template = Path(trl.__file__).parent / "chat_templates" / "qwen3_instruct_2507.jinja"
    tokenizer.chat_template = template.read_text(encoding="utf-8")
    lines = iter(replies)

    class Scripted(trl.GRPOTrainer):
        def _generate_single_turn(self, prompt_ids, *_, **__):
            ids = tokenizer.encode(next(lines) + "<|im_end|>")
            return [list(ids) for _ in prompt_ids], None

    arguments = trl.GRPOConfig(
        output_dir=str(folder),
        max_steps=1,
        num_generations=GENERATIONS,
        per_device_train_batch_size=GENERATIONS,
        max_completion_length=20_000,
        report_to=[],
        logging_steps=1,
        use_cpu=True,
        save_strategy="no",
        gradient_checkpointing=False,
        bf16=False,
    )
    only = [row for row in rows(script.domain, seed=SEED) if row["task_id"] == script.task_id]
    from datasets import Dataset

    return Scripted(
        model=model_of(len(tokenizer)),
        args=arguments,
        processing_class=tokenizer,
        train_dataset=Dataset.from_list(only),
        environment_factory=environment_factory(script.domain, **script.options),
    )


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_scripted_episode_through_the_trainer(domain, tmp_path):
    script = script_of(domain)
    trainer = trainer_that_says(list(as_replies(script)), script, tmp_path)
    trainer.train()
    assert [script.ends_as(environment._outcome) for environment in trainer.environments] == [
        True
    ] * GENERATIONS
    log = trainer.state.log_history[0]
    assert log["reward"] == script.reward
    assert log["tools/failure_frequency"] == 0.0


@pytest.mark.parametrize("domain", registry.get_domains())
def test_every_tool_is_described_as_trl_wants_it(domain):
    """Names, arguments, which of them are required, choices and descriptions are those of the
    domain."""
    environment = environment_factory(domain)()
    for schema in schemas(domain_tools(RolloutSetup(domain))):
        wanted, made = (
            schema["function"],
            get_json_schema(getattr(environment, schema["function"]["name"]))["function"],
        )
        assert made["name"] == wanted["name"]
        assert made["description"].split() == wanted["description"].split()
        assert list(made["parameters"]["properties"]) == list(
            wanted["parameters"].get("properties", {})
        )
        assert made["parameters"].get("required", []) == wanted["parameters"].get("required", [])


def test_nothing_but_tools_is_shown_to_the_model():
    environment = environment_factory("mock")()
    shown = {
        name
        for name, _ in inspect.getmembers(type(environment), inspect.isfunction)
        if name[0] != "_"
    }
    assert shown - {"reset", "get_reward"} == {
        tool.name for tool in domain_tools(RolloutSetup("mock"))
    }


def test_a_dataset_of_several_domains_names_the_environment_of_each_row():
    table = dataset(["mock", "retail"], count=2)
    assert table["environment"] == ["mock", "mock", "retail", "retail"]
    assert set(environment_factories(["mock", "retail"])) == set(table["environment"])
