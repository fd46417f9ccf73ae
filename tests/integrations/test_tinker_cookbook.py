"""tinker-cookbook rolls out our groups token by token, with its own renderer, parser and
strategies."""

from __future__ import annotations

import asyncio

import pytest

pytest.importorskip(
    "tinker_cookbook",
    reason="needs tinker-cookbook in an environment of its own: make test-integrations",
)

from tests.cast import ON_THE_LIST
from tests.integrations.oracle import DOMAINS, script_of
from tests.integrations.tiny import tokenizer_of
from tinker_cookbook import tokenizer_utils
from tinker_cookbook.completers import TokenCompleter, TokensWithLogprobs
from tinker_cookbook.renderers import get_renderer
from tinker_cookbook.rl.rollout_strategy import RetryOnFailure
from tinker_cookbook.rl.rollouts import do_group_rollout

from tau2.data_model.message import AssistantMessage, ToolCall
from tau2.integrations import EpisodeFailed
from tau2.integrations.reply import as_reply
from tau2.integrations.tinker_cookbook import TauGroupBuilder, TauRLDatasetBuilder
from tau2.seeds import derive_seed

BROKEN = {
    "llm_user": "openai/none",
    "llm_args_user": {"api_base": "http://127.0.0.1:9/v1", "num_retries": 0},
}


class Scripted(TokenCompleter):
    """A policy that has written its tokens down."""

    def __init__(self, tokenizer, replies):
        self.tokenizer, self.replies, self.prompts = tokenizer, iter(replies), []

    async def __call__(self, model_input, stop):
        self.prompts.append(self.tokenizer.decode(model_input.to_ints()))
        ids = self.tokenizer.encode(next(self.replies) + "<|im_end|>", add_special_tokens=False)
        return TokensWithLogprobs(tokens=ids, maybe_logprobs=[0.0] * len(ids))


@pytest.fixture(scope="module")
def tokenizer():
    return tokenizer_of(
        ["Some words to begin with.", '<tool_call>\n{"name": "get_users", "arguments": {}}']
    )


@pytest.fixture(scope="module")
def renderer(tokenizer):
    return get_renderer("qwen3_instruct", tokenizer)


class Watched(TauGroupBuilder):
    """Keeps the environments it made."""

    async def make_envs(self):
        made = await super().make_envs()
        object.__setattr__(self, "made", made)
        return made


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_scripted_episode(domain, tokenizer, renderer):
    script = script_of(domain, derive_seed(5, "group", 0))
    builder = Watched(
        renderer, domain, script.task_id, group_size=1, seed=5, options=script.options
    )
    policy = Scripted(tokenizer, map(as_reply, script.moves))
    group = asyncio.run(do_group_rollout(builder, policy))
    assert group.get_total_rewards() == [script.reward]
    assert len(group.trajectories_G[0].transitions) == len(script.moves)
    (env,) = builder.made
    assert script.ends_as(env.message_env.episode.finish())
    assert "<tools>" in policy.prompts[0]
    assert all(
        later.startswith(before)
        for before, later in zip(policy.prompts, policy.prompts[1:], strict=False)
    )


def test_an_episode_that_a_token_limit_cuts_off_is_graded_as_it_stands(tokenizer, renderer):
    limits = {
        "max_trajectory_tokens": 20_000,
        "max_generation_tokens": 0,
        "context_overflow_reward": -0.25,
    }
    builder = Watched(renderer, "mock", "create_task_1", 1, 5, {"user": "scripted_user"}, limits)
    call = AssistantMessage(tool_calls=[ToolCall(name="create_task", arguments=ON_THE_LIST)])
    policy = Scripted(tokenizer, [as_reply(call), "word " * 20_000])
    group = asyncio.run(do_group_rollout(builder, policy))
    assert group.trajectories_G[0].stop_reason == "context_overflow"
    assert group.get_total_rewards() == [1.0 - 0.25]


def test_an_unreadable_call_is_told_to_the_model(tokenizer, renderer):
    builder = Watched(renderer, "mock", "create_task_1", 1, 5, {"user": "scripted_user"})
    policy = Scripted(tokenizer, ["<tool_call>\n{\n</tool_call>", "###STOP###"])
    group = asyncio.run(do_group_rollout(builder, policy))
    assert "could not be read" in policy.prompts[1]
    assert [
        transition.metrics["unreadable"] for transition in group.trajectories_G[0].transitions
    ] == [1.0, 0.0]


def test_a_failed_episode_is_retried_and_then_raised(tokenizer, renderer):
    builder = Watched(renderer, "mock", "create_task_1", 1, 5, BROKEN)
    for strategy in (None, RetryOnFailure(max_retries=1)):
        with pytest.raises(EpisodeFailed):
            asyncio.run(do_group_rollout(builder, Scripted(tokenizer, []), strategy))


def test_the_dataset_builder_makes_batches_of_groups(tokenizer, monkeypatch):
    monkeypatch.setitem(tokenizer_utils._CUSTOM_TOKENIZER_REGISTRY, "tiny", lambda: tokenizer)
    described = TauRLDatasetBuilder(
        domain="retail",
        model_name_for_tokenizer="tiny",
        renderer_name="qwen3_instruct",
        batch_size=2,
        count=3,
        seed=1,
    )
    train, test = asyncio.run(described())
    assert [len(train.get_batch(number)) for number in range(len(train))] == [2, 1]
    assert {builder.group_size for builder in test.builders} == {1}
    assert len({builder.seed for builder in train.builders}) == 3
