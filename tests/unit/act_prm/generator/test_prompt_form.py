"""Prompts of models whose templates know no tools: the same in demonstrations and online."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from tests.templates import BRACKETS, CHATML, NATIVE, NO_SYSTEM, TURNS, TemplateTokenizer
from tests.unit.act_prm.players import TableModel

from act_prm.environments import get_env
from act_prm.generator import GeneratorContext, OnlineGenerator
from act_prm.generator.demonstration_reader import DemonstrationReader
from act_prm.llm_handlers.chat import Chat
from act_prm.llm_handlers.client import SampledCompletion
from tau2.actions.plain_chat import plain_chat

KINDS = [TURNS, CHATML, NO_SYSTEM, BRACKETS, NATIVE]


class Player(TableModel):
    """Says and does what it is told, in its order; each reply is sampled letter by letter."""

    def __init__(self, template, replies, *, closes=True):
        super().__init__()
        self.tokenizer = TemplateTokenizer(template)
        self.replies = list(replies)
        self.closes = closes

    async def sample(self, prompts, params):
        assert len(prompts) == 1
        text = self.replies.pop(0)
        tokens = [ord(letter) for letter in text]
        tokens += [self.tokenizer.eos_token_id] if self.closes else []
        return [SampledCompletion(tokens, [-0.1] * len(tokens), text, finished=self.closes)]


def mock_env():
    return get_env(
        "tau2bench", domain="mock", user="scripted_user", task_ids=["create_task_1"],
        num_train_tasks=1, num_test_tasks=0, max_turns=6,
    )  # fmt: skip


def demonstrated(template, form="auto"):
    model = Player(template, [])
    chat = Chat(model.tokenizer, form=form)
    context = GeneratorContext(model=model, chat=chat, env=mock_env(), seed=5)
    return chat, DemonstrationReader(context).steps([0], 0)


def played(template, replies, *, form="auto", closes=True):
    model = Player(template, replies, closes=closes)
    context = GeneratorContext(
        model=model, chat=Chat(model.tokenizer, form=form), env=mock_env(), seed=5
    )
    [group] = asyncio.run(OnlineGenerator(context).generate([0], group_size=1, batch_id=0))
    return context.chat, group.trajectories[0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", ["auto", "signatures"])
def test_a_policy_that_writes_as_the_demonstration_does_is_rewarded_and_sees_the_same_prompt(
    kind, form
):
    chat, shown = demonstrated(kind, form)
    actions = [step.action["content"] for step in shown]
    _, episode = played(kind, actions, form=form)

    assert episode.final_reward == 1.0
    assert len(episode.steps) == len(shown)
    first = chat.decode(shown[0].state_action_tokens[: shown[0].state_len])
    online = chat.decode(episode.steps[0].state_action_tokens[: episode.steps[0].state_len])
    user = shown[0].state[-1]["content"]
    assert first.partition(user)[0] == online.partition(episode.steps[0].state[-1]["content"])[0]


@pytest.mark.parametrize("kind", [TURNS, CHATML, NO_SYSTEM, BRACKETS])
def test_plain_prompts_have_signatures_and_text_for_the_customer_but_no_respond_user(kind):
    chat, steps = demonstrated(kind)
    whole = chat.decode(steps[-1].state_action_tokens)

    assert "respond_user" not in whole
    assert "create_task(user_id: str" in whole
    assert '<tool_call>{"name": "create_task", "arguments": {' in whole
    assert "<tool_response>" in whole
    assert "sent" not in [one.get("output") for step in steps for one in step.state]
    assert not any(step.action["content"].startswith("<tool_call>") for step in steps[-1:])


@pytest.mark.parametrize("kind", KINDS)
def test_the_prompt_of_a_turn_goes_on_from_the_one_before_and_its_reply_token_by_token(kind):
    chat, shown = demonstrated(kind)
    actions = [step.action["content"] for step in shown]
    actions[1] = actions[1].replace('": ', '":  ')  # the same call, written in another way
    _, episode = played(kind, actions)

    assert episode.final_reward == 1.0
    for steps in (shown, episode.steps):
        for before, after in pairwise(steps):
            n_before = len(before.state_action_tokens)
            assert after.state_action_tokens[:n_before] == before.state_action_tokens
            assert after.state_len > n_before
    grown = chat.decode(shown[-1].state_action_tokens[: shown[-1].state_len])
    rendered = chat.decode(chat.prompt(shown[-1].state, shown[-1].tools))
    # Some templates write a space before a reply, but none where a reply is to begin.
    assert grown == rendered.replace("[/INST] ", "[/INST]")


def test_a_reply_that_was_cut_off_is_ended_by_the_template():
    _, shown = demonstrated(CHATML)
    chat, episode = played(CHATML, [step.action["content"] for step in shown], closes=False)
    first, second = episode.steps[:2]
    n_first = len(first.state_action_tokens)

    assert first.state_action_tokens[-1] != chat.end_of_turn
    assert second.state_action_tokens[n_first] == chat.end_of_turn


@pytest.mark.parametrize("kind", KINDS)
def test_a_demonstrated_reply_ends_as_the_template_ends_one(kind):
    chat, steps = demonstrated(kind)
    ending = chat.tokenizer.decode([steps[0].state_action_tokens[-1]], skip_special_tokens=False)
    assert chat.template.end_of_turn.startswith(ending)


def test_observations_that_are_hidden_later_are_rendered_anew():
    model = Player(CHATML, [])
    env = get_env(
        "tau2bench", domain="mock", user="scripted_user", task_ids=["create_task_1"],
        num_train_tasks=1, num_test_tasks=0, hide_observations=True,
    )  # fmt: skip
    chat = Chat(model.tokenizer)
    context = GeneratorContext(model=model, chat=chat, env=env)
    steps = DemonstrationReader(context).steps([0], 0)
    last = steps[-1]
    assert last.state_action_tokens[: last.state_len] == chat.prompt(last.state, last.tools)


def test_with_tau2s_agent_prompt_the_policy_sees_what_a_local_model_sees_as_llm_agent():
    env = get_env(
        "tau2bench", domain="mock", user="scripted_user", task_ids=["create_task_1"],
        num_train_tasks=1, num_test_tasks=0, llm_agent_prompt=True,
    )  # fmt: skip
    tokenizer = TemplateTokenizer(CHATML)
    state = env.reset(0)
    system = {"role": "system", "content": state.system_prompt}
    ids = Chat(tokenizer).prompt([system, *state.messages], state.tools)
    rollout = state.live()
    turns = plain_chat(rollout.history(), rollout.openai_tools)
    text = tokenizer.apply_chat_template(
        [turn._asdict() for turn in turns], tokenize=False, add_generation_prompt=True
    )

    assert tokenizer.decode(ids, skip_special_tokens=False) == text
    assert [turn.role for turn in turns] == ["system", "user"]
