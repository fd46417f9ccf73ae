"""Act-PRM: thoughts for demonstrated actions, and what they earn."""

import asyncio
import math

import pytest
from tests.unit.act_prm.players import END, HARD, MARK, TableModel

from act_prm.config import GeneratorConfig
from act_prm.environments import get_env
from act_prm.generator import Setting, ThoughtGenerator
from act_prm.generator.demonstrations import Demonstrations
from act_prm.generator.setting import Hiding
from act_prm.generator.shown import DemonstrationReader
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


def setting(env, name="act_prm", replies=REASONS, hiding=None, **config):
    model = TableModel(replies)
    config = GeneratorConfig(name=name, mean_center=True, **config)
    return Setting(
        model=model, chat=Chat(model.tokenizer), env=env, config=config, hiding=hiding, seed=2
    )


def think(made, tasks=(0,), group_size=6):
    return asyncio.run(ThoughtGenerator(made).generate(tasks, group_size=group_size, batch_id=0))


def test_a_bandit_gives_one_group_for_each_step_of_the_demonstration(env):
    made = setting(env)
    groups = think(made, (0, 1))
    steps = [len(Demonstrations(made).of(at)) for at in (0, 1)]
    assert len(groups) == sum(steps)
    assert all(len(group) == 6 and all(one.length == 1 for one in group) for group in groups)
    assert len(made.model.sampled) == max(steps)  # both demonstrations are walked side by side


def test_the_reward_is_the_probability_of_the_action_after_the_thought(env):
    made = setting(env)
    action = f"\n{Demonstrations(made).of(0).actions[0]}"
    for one in think(made)[0]:
        explained = "because" in one.info["thought"]
        assert one.final_reward == pytest.approx(1.0 if explained else math.exp(HARD * len(action)))


def test_the_reward_may_be_per_token(env):
    rewards = {one.final_reward for group in think(setting(env, **PER_TOKEN)) for one in group}
    assert sorted({round(one, 9) for one in rewards}) == [round(math.exp(HARD), 9), 1.0]
    assert reward_of([], "action_probs_per_token") == 1.0
    assert reward_of([-1e4, -1e4], "action_probs") == 0.0


def test_better_thoughts_have_higher_advantages_and_the_best_goes_on(env):
    made = setting(env, **PER_TOKEN)
    groups = think(made)
    for group in groups:
        for one in group:
            assert (one.steps[0].advantage > 0) == (
                "because" in one.info["thought"]
            ) or not group.teaches
    for at, group in enumerate(groups[1:], 1):
        past = [said["content"] for said in group.steps[0].state if said["role"] == "assistant"][
            :-1
        ]
        assert len(past) == at
        assert all(text.startswith("<thought>because it helps</thought>\n") for text in past)


def test_a_plain_thought_is_sampled_before_the_action(env):
    made = setting(env)
    step = think(made)[0].steps[0]
    prompt = made.chat.prompt(step.state[:-1], step.tools, prefix="<thought>")
    assert step.state_action_tokens[: step.state_len] == prompt
    assert step.kind == THOUGHT


def test_an_action_prompted_thought_is_sampled_after_the_action_it_explains(env):
    made = setting(env, "action_prompt_act_prm")
    shown = Demonstrations(made).of(0)
    groups = think(made)
    for at, group in enumerate(groups):
        step = group.steps[0]
        assert step.state[-1]["content"] == f"{shown.actions[at]}\n<thought>"
        past = [said["content"] for said in step.state[:-1] if said["role"] == "assistant"]
        assert [text.partition("\n<thought>")[0] for text in past] == shown.actions[:at]
        prompt = made.chat.prompt(step.state[:-1], step.tools, prefix=step.state[-1]["content"])
        assert step.state_action_tokens[: step.state_len] == prompt


@pytest.mark.parametrize("name", ["act_prm", "action_prompt_act_prm"])
def test_the_twin_is_the_turn_as_the_plain_policy_says_it(env, name):
    made = setting(env, name)
    shown = Demonstrations(made).of(0)
    for at, group in enumerate(think(made)):
        for one in group:
            [twin] = one.twins
            text = made.chat.decode(twin.state_action_tokens[twin.state_len :])
            assert (
                text
                == twin.action["content"]
                == f"<thought>{one.info['thought']}</thought>\n{shown.actions[at]}"
            )
            assert twin.state_action_tokens[-1] == END
            assert twin.state_action_tokens[: twin.state_len] == made.chat.prompt(
                twin.state, twin.tools
            )
            assert (twin.kind, twin.advantage) == (POLICY, one.steps[0].advantage)
            assert len(twin.old_logprobs) == twin.reply_len


def test_the_sampled_tokens_of_a_thought_are_scored_and_kept_as_they_are(env):
    made = setting(env)
    for one in think(made)[0]:
        sampled = one.steps[0].state_action_tokens[one.steps[0].state_len :]
        twin = one.twins[0].state_action_tokens
        start = next(at for at, token in enumerate(twin) if token >= MARK)
        assert twin[start : start + len(sampled)] == sampled
        assert twin in made.model.scored


def test_a_thought_that_was_never_closed_is_closed(env):
    made = setting(env, replies=["because"])
    [twin] = think(made, group_size=1)[0].trajectories[0].twins
    assert twin.action["content"].startswith("<thought>because</thought>\n")
    assert END not in twin.state_action_tokens[:-1]


def test_without_a_bandit_each_sample_goes_on_by_itself(env):
    made = setting(env, "act_prm_nobandit", **PER_TOKEN)
    [group] = think(made, group_size=5)
    shown = Demonstrations(made).of(0)
    assert [one.length for one in group] == [len(shown)] * 5
    for one in group:
        thoughts = [step.action["content"] for step in one.steps]
        past = [said["content"] for said in one.twins[-1].state if said["role"] == "assistant"]
        assert [f"{text}\n" in told for text, told in zip(thoughts, past, strict=False)] == [
            True
        ] * len(past)
    assert sum(step.advantage for one in group for step in one.steps[-1:]) == pytest.approx(0.0)


def test_observations_are_hidden_as_the_trainer_is_set(env):
    hiding = Hiding(hide_observations=True, first_obs_to_show=1, last_obs_to_show=1)
    last = think(setting(env, hiding=hiding))[-1].steps[0]
    observed = [
        one.get("content") or one.get("output")
        for one in last.state
        if one["role"] in {"user", "tool"}
    ]
    assert observed[0] != "..."
    assert "..." in observed[1:-1]


def test_the_same_seed_gives_the_same_thoughts(env):
    rows = [
        [step.as_row() for group in think(setting(env)) for step in group.steps] for _ in range(2)
    ]
    assert rows[0] == rows[1]


def test_demonstrations_are_lessons_of_their_own(env):
    made = setting(env)
    shown = Demonstrations(made).of(0)
    steps = DemonstrationReader(made).steps([0], batch_id=0)
    assert [step.action["content"] for step in steps] == shown.actions
    assert [step.reward for step in steps] == [0.0] * (len(shown) - 1) + [1.0]
    for step in steps:
        assert step.kind == DEMONSTRATION
        assert (
            made.chat.decode(step.state_action_tokens[step.state_len :]) == step.action["content"]
        )
        assert sum(step.lesson().weights) == len(step.action["content"]) + 1


def test_a_split_without_reference_solutions_is_named(env):
    demonstrations = Demonstrations(setting(env))
    demonstrations._made = dict.fromkeys(range(len(env)))
    with pytest.raises(ConfigError, match="no task of split 'train' has a reference solution"):
        demonstrations.require_any()
    assert demonstrations.some([0, 1]) == []
