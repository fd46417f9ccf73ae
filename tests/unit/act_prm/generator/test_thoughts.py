"""Act-PRM: thoughts for demonstrated actions, and what they earn."""

import asyncio
import math

import pytest
from tests.unit.act_prm.players import END, HARD, MARK, TableModel

from act_prm.config import GeneratorConfig
from act_prm.environments import get_env
from act_prm.generator import GeneratorContext, ThoughtGenerator
from act_prm.generator.context import ObservationHiding
from act_prm.generator.demonstration_reader import DemonstrationReader
from act_prm.generator.demonstrations import Demonstrations
from act_prm.generator.thoughts import reward_of
from act_prm.llm_handlers.chat import Chat
from act_prm.replay_buffer.steps import DEMONSTRATION, POLICY, THOUGHT
from tau2.errors import ConfigError

REASONS = ["because it helps</thought>", "no idea</thought>"]
PER_TOKEN = {"reward_method": "action_probs_per_token"}


@pytest.fixture
def env():
    return get_env(
        "tau2bench", domain="mock", user="scripted_user", num_train_tasks=3, num_test_tasks=0
    )


def context_of(env, name="act_prm", replies=REASONS, hiding=None, **config):
    model = TableModel(replies)
    config = GeneratorConfig(name=name, mean_center=True, **config)
    return GeneratorContext(
        model=model, chat=Chat(model.tokenizer), env=env, config=config, hiding=hiding, seed=2
    )


def think(context, tasks=(0,), group_size=6):
    return asyncio.run(ThoughtGenerator(context).generate(tasks, group_size=group_size, batch_id=0))


def test_a_bandit_gives_one_group_for_each_step_of_the_demonstration(env):
    context = context_of(env)
    groups = think(context, (0, 1))
    steps = [len(Demonstrations(context).of(at)) for at in (0, 1)]
    assert len(groups) == sum(steps)
    assert all(len(group) == 6 and all(one.length == 1 for one in group) for group in groups)
    assert len(context.model.sampled) == max(steps)  # both demonstrations are walked side by side


@pytest.mark.parametrize("config", [{}, PER_TOKEN])
def test_the_reward_is_the_probability_of_the_action_per_token(env, config):
    for one in think(context_of(env, **config))[0]:
        explained = "because" in one.info["thought"]
        assert one.final_reward == pytest.approx(1.0 if explained else math.exp(HARD))


def test_the_length_of_an_action_does_not_matter():
    assert reward_of([-2.0] * 3) == pytest.approx(reward_of([-2.0] * 300))
    assert reward_of([]) == 1.0
    assert reward_of([-1e4, -1e4]) == 0.0
    assert reward_of([1e-9]) == 1.0


def test_better_thoughts_have_higher_advantages_and_the_best_goes_on(env):
    context = context_of(env, **PER_TOKEN)
    groups = think(context)
    for group in groups:
        for one in group:
            assert (one.steps[0].advantage > 0) == (
                "because" in one.info["thought"]
            ) or not group.has_signal
    for at, group in enumerate(groups[1:], 1):
        past = [said["content"] for said in group.steps[0].state if said["role"] == "assistant"][
            :-1
        ]
        assert len(past) == at
        assert all(text.startswith("<thought>because it helps</thought>\n") for text in past)


def test_a_plain_thought_is_sampled_before_the_action(env):
    context = context_of(env)
    step = think(context)[0].steps[0]
    prompt = context.chat.prompt(step.state[:-1], step.tools, prefix="<thought>")
    assert step.state_action_tokens[: step.state_len] == prompt
    assert step.kind == THOUGHT


def test_an_action_prompted_thought_is_sampled_after_the_action_it_explains(env):
    context = context_of(env, "action_prompt_act_prm")
    shown = Demonstrations(context).of(0)
    groups = think(context)
    for at, group in enumerate(groups):
        step = group.steps[0]
        assert step.state[-1]["content"] == f"{shown.actions[at]}\n<thought>"
        past = [said["content"] for said in step.state[:-1] if said["role"] == "assistant"]
        assert [text.partition("\n<thought>")[0] for text in past] == shown.actions[:at]
        prompt = context.chat.prompt(step.state[:-1], step.tools, prefix=step.state[-1]["content"])
        assert step.state_action_tokens[: step.state_len] == prompt


@pytest.mark.parametrize("name", ["act_prm", "action_prompt_act_prm"])
def test_the_twin_is_the_turn_as_the_plain_policy_says_it(env, name):
    context = context_of(env, name)
    shown = Demonstrations(context).of(0)
    for at, group in enumerate(think(context)):
        for one in group:
            [policy_step] = one.policy_steps
            text = context.chat.decode(policy_step.state_action_tokens[policy_step.state_len :])
            assert (
                text
                == policy_step.action["content"]
                == f"<thought>{one.info['thought']}</thought>\n{shown.actions[at]}"
            )
            assert policy_step.state_action_tokens[-1] == END
            assert policy_step.state_action_tokens[: policy_step.state_len] == context.chat.prompt(
                policy_step.state, policy_step.tools
            )
            assert (policy_step.kind, policy_step.advantage) == (POLICY, one.steps[0].advantage)
            assert len(policy_step.old_logprobs) == policy_step.reply_len


def test_the_sampled_tokens_of_a_thought_are_scored_and_kept_as_they_are(env):
    context = context_of(env)
    for one in think(context)[0]:
        sampled = one.steps[0].state_action_tokens[one.steps[0].state_len :]
        policy_step = one.policy_steps[0].state_action_tokens
        start = next(at for at, token in enumerate(policy_step) if token >= MARK)
        assert policy_step[start : start + len(sampled)] == sampled
        assert policy_step in context.model.scored


def test_a_thought_that_was_never_closed_is_closed(env):
    context = context_of(env, replies=["because"])
    [policy_step] = think(context, group_size=1)[0].trajectories[0].policy_steps
    assert policy_step.action["content"].startswith("<thought>because</thought>\n")
    assert END not in policy_step.state_action_tokens[:-1]


def test_without_a_bandit_each_sample_goes_on_by_itself(env):
    context = context_of(env, "act_prm_nobandit", **PER_TOKEN)
    [group] = think(context, group_size=5)
    shown = Demonstrations(context).of(0)
    assert [one.length for one in group] == [len(shown)] * 5
    for one in group:
        thoughts = [step.action["content"] for step in one.steps]
        past = [
            said["content"] for said in one.policy_steps[-1].state if said["role"] == "assistant"
        ]
        assert [f"{text}\n" in told for text, told in zip(thoughts, past, strict=False)] == [
            True
        ] * len(past)
    assert sum(step.advantage for one in group for step in one.steps[-1:]) == pytest.approx(0.0)


def test_observations_are_hidden_as_the_trainer_is_set(env):
    hiding = ObservationHiding(hide_observations=True, first_obs_to_show=1, last_obs_to_show=1)
    last = think(context_of(env, hiding=hiding))[-1].steps[0]
    observed = [
        one.get("content") or one.get("output")
        for one in last.state
        if one["role"] in {"user", "tool"}
    ]
    assert observed[0] != "..."
    assert "..." in observed[1:-1]


def test_the_same_seed_gives_the_same_thoughts(env):
    rows = [
        [step.as_row() for group in think(context_of(env)) for step in group.steps]
        for _ in range(2)
    ]
    assert rows[0] == rows[1]


def test_demonstrations_are_lessons_of_their_own(env):
    context = context_of(env)
    shown = Demonstrations(context).of(0)
    steps = DemonstrationReader(context).steps([0], batch_id=0)
    assert [step.action["content"] for step in steps] == shown.actions
    assert [step.reward for step in steps] == [0.0] * (len(shown) - 1) + [1.0]
    for step in steps:
        assert step.kind == DEMONSTRATION
        assert (
            context.chat.decode(step.state_action_tokens[step.state_len :])
            == step.action["content"]
        )
        assert sum(step.sft_datum().weights) == len(step.action["content"]) + 1


def test_a_split_without_reference_solutions_is_named(env):
    demonstrations = Demonstrations(context_of(env))
    demonstrations._made = dict.fromkeys(range(len(env)))
    with pytest.raises(ConfigError, match="no task of split 'train' has a reference solution"):
        demonstrations.require_any()
    assert demonstrations.existing([0, 1]) == []
