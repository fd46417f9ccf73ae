"""Files of `tau2 export sft` as demonstrations of the trainer."""

from __future__ import annotations

import json
import logging

import pytest
from tests.templates import CHATML, NATIVE, NO_SYSTEM, TemplateTokenizer
from tests.unit.act_prm.trainer.contexts import mock, thinking, train, trainer_of

from act_prm.generator.demonstration_file import DemonstrationFile
from act_prm.llm_handlers.chat import Chat
from act_prm.replay_buffer import merged
from tau2.actions.chat_tokens import ChatTokens, learnt_tokens
from tau2.errors import ConfigError, DataFileError

TALK = [
    {"role": "system", "content": "Obey."},
    {"role": "user", "content": "Which?"},
    {"role": "assistant", "content": "This.", "weight": 1},
    {"role": "user", "content": "Wrong."},
    {"role": "assistant", "content": "No, that.", "weight": 0},
    {"role": "user", "content": "Yes."},
    {"role": "assistant", "content": "Done.", "weight": 1},
]


def file_of(folder, *rows):
    file = folder / "sft.jsonl"
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return file


def chat_of(template, form="signatures"):
    return Chat(TemplateTokenizer(template), form=form)


@pytest.mark.parametrize("kind", [CHATML, NO_SYSTEM])
def test_the_steps_of_a_row_are_one_sequence_with_the_mask_of_the_export(tmp_path, kind):
    file = file_of(tmp_path, {"messages": TALK, "task_id": "a"})
    steps = DemonstrationFile(file, chat_of(kind), 10_000).steps([0], 4)
    expected = learnt_tokens(ChatTokens(TemplateTokenizer(kind), form="signatures"), TALK)

    assert [step.action["content"] for step in steps] == ["This.", "Done."]
    [one] = merged(steps)
    assert one.tokens == expected.tokens
    assert one.weights == expected.mask
    assert {(step.batch_id, step.unique_data_sample_id) for step in steps} == {(4, "a")}


def test_a_conversation_that_is_too_long_is_cut_before_the_reply_that_does_not_fit(tmp_path):
    file = file_of(tmp_path, {"messages": TALK})
    whole = DemonstrationFile(file, chat_of(CHATML), 10_000).steps([0], 0)
    limit = len(whole[-1].state_action_tokens) - 1
    cut = DemonstrationFile(file, chat_of(CHATML), limit).steps([0], 0)
    assert [step.action["content"] for step in cut] == ["This."]
    with pytest.raises(ConfigError, match="no reply fits into 5 tokens"):
        DemonstrationFile(file, chat_of(CHATML), 5)


def test_prompts_of_another_form_are_refused(tmp_path):
    file = file_of(tmp_path, {"messages": TALK})
    with pytest.raises(ConfigError, match=r"model\.prompt_form=signatures"):
        DemonstrationFile(file, chat_of(NATIVE, "auto"), 10_000)
    assert len(DemonstrationFile(file, chat_of(NATIVE), 10_000)) == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "cannot be read"),
        ("", "no conversations"),
        ("[]\n", "row 0: not a conversation"),
        ('{"messages": [{"role": "tool", "content": ""}]}\n', "row 0: not a conversation"),
        ('{"messages": [{"role": "user"}]}\n', "row 0: not a conversation"),
    ],
)
def test_a_file_that_is_none_is_named_with_the_row(tmp_path, text, reason):
    file = tmp_path / "sft.jsonl"
    file.write_text(text)
    with pytest.raises(DataFileError, match=reason):
        DemonstrationFile(file, chat_of(CHATML), 10_000)
    with pytest.raises(DataFileError, match="cannot be read"):
        DemonstrationFile(tmp_path / "none.jsonl", chat_of(CHATML), 10_000)


def test_the_trainer_sft_imitates_the_file_each_row_once_an_epoch(tmp_path, caplog):
    rows = [{"messages": TALK, "task_id": str(number)} for number in range(4)]
    file = file_of(tmp_path, *rows)
    settings = {"trainer_name": "sft", "demonstrations": str(file), "num_batches": 4}
    context = thinking(tmp_path / "run", **settings)
    caplog.set_level(logging.WARNING)
    phase = trainer_of(context).phases[0]
    batches = [phase._rows(index) for index in range(4)]
    assert sorted(batches[0] + batches[1]) == sorted(batches[2] + batches[3]) == [0, 1, 2, 3]
    assert "llm_agent_prompt" in caplog.text

    assert {row["phase"] for row in train(context)} == {"sft"}
    assert context.model.trained[0][0] == "cross_entropy"


def test_an_environment_with_the_prompt_of_llm_agent_needs_no_warning(tmp_path, caplog):
    file = file_of(tmp_path, {"messages": TALK})
    context = thinking(tmp_path / "run", trainer_name="sft", demonstrations=str(file))
    context.env = mock(llm_agent_prompt=True)
    caplog.set_level(logging.WARNING)
    trainer_of(context)
    assert "llm_agent_prompt" not in caplog.text
