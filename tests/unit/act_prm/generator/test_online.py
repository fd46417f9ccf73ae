"""Online episodes: batched, token by token, in groups.

What failed for others' faults is left out.
"""

import asyncio
from dataclasses import replace
from itertools import pairwise

import pytest
from tests.unit.act_prm.players import BAD, END, GOOD, MARK, AsyncWordEnv, TableModel, WordEnv

from act_prm.config import GeneratorConfig
from act_prm.environments import get_env
from act_prm.generator import GeneratorContext, OnlineGenerator, get_generator
from act_prm.generator.context import SamplingConfig
from act_prm.llm_handlers.chat import Chat
from act_prm.replay_buffer.steps import ONLINE
from tau2.errors import ConfigError, ModelUnavailable

CENTRED = GeneratorConfig(mean_center=True)


def context_of(env, model=None, **more):
    model = model or TableModel()
    return GeneratorContext(
        model=model, chat=Chat(model.tokenizer), env=env, config=CENTRED, seed=5, **more
    )


def play(context, tasks=(0, 1), **more):
    options = {"group_size": 3, "batch_id": 0, **more}
    return asyncio.run(OnlineGenerator(context).generate(tasks, **options))


def test_all_episodes_of_a_batch_are_sampled_together_once_a_turn():
    context = context_of(WordEnv(turns=2))
    groups = play(context)
    assert [count for count, _ in context.model.sampled] == [6, 6]
    assert [len(group) for group in groups] == [3, 3]
    assert [[one.length for one in group] for group in groups] == [[2, 2, 2]] * 2


def test_the_trained_tokens_are_the_prompt_shown_and_the_tokens_sampled():
    context = context_of(WordEnv(turns=2))
    for group in play(context):
        before = []
        for step in group.steps:
            prompt = step.state_action_tokens[: step.state_len]
            shown = context.chat.prompt(step.state, step.tools)
            assert context.chat.decode(prompt) == context.chat.decode(shown)
            assert prompt[: len(before)] == before  # the first turn's tokens are never encoded anew
            before = step.state_action_tokens if step.timestep % 2 == 0 else []
            reply = step.state_action_tokens[step.state_len :]
            assert (reply[0] >= MARK, reply[-1]) == (True, END)
            assert step.old_logprobs[0] == pytest.approx(context.model.logs()[reply[0] - MARK])
            assert len(step.old_logprobs) == len(reply)
    assert context.model.scored == []  # no second forward pass


def test_a_prompt_continues_the_tokens_so_far():
    context = context_of(WordEnv(turns=3))
    for group in play(context):
        for one in group:
            for before, after in pairwise(one.steps):
                length = len(before.state_action_tokens)
                assert after.state_action_tokens[:length] == before.state_action_tokens


def test_a_call_is_shown_to_the_policy_as_it_wrote_it():
    call = '<tool_call>{"arguments":{},"name":"get_users"}</tool_call>'
    env = get_env(
        "tau2bench", domain="mock", user="scripted_user", num_train_tasks=1, num_test_tasks=0
    )
    context = context_of(env, TableModel([call]))
    [group] = play(context, [0], group_size=1)
    second = group.steps[1]
    assert call in context.chat.decode(second.state_action_tokens[: second.state_len])


def test_a_group_begins_with_one_reset_and_goes_its_own_ways():
    class Forking(WordEnv):
        def fork(self, state, n=1):
            return [state.model_copy() for _ in range(n)]

    env = Forking(turns=2)
    groups = play(context_of(env))
    assert env.begun == [(0, 0, 0), (1, 0, 0)]
    assert [step.generation_id for step in groups[1].steps] == [0, 0, 1, 1, 2, 2]
    env = Forking(infra=[0])
    play(context_of(env), [0])
    assert env.begun == [(0, 0, 0), (0, 1, 0), (0, 2, 0)]  # a failed reset is not shared


def test_a_tools_result_keeps_the_id_of_its_call():
    call = '<tool_call>\n{"name": "get_users", "arguments": {}}\n</tool_call>'
    env = get_env(
        "tau2bench",
        domain="mock",
        user="scripted_user",
        num_train_tasks=2,
        num_test_tasks=0,
        max_turns=3,
    )
    [group] = play(context_of(env, TableModel([call])), [0], group_size=1)
    [result] = group.steps[0].next_obs
    said = group.steps[1].state[-2]
    assert result["role"] == "tool"
    assert result["call_id"] == said["tool_calls"][0]["id"]


def test_an_episode_has_exactly_max_turns_turns_and_is_graded_there():
    call = '<tool_call>\n{"name": "get_users", "arguments": {}}\n</tool_call>'
    env = get_env(
        "tau2bench",
        domain="mock",
        user="scripted_user",
        num_train_tasks=2,
        num_test_tasks=0,
        max_turns=4,
    )
    [group] = play(context_of(env, TableModel([call])), [0], group_size=2)
    assert [one.length for one in group] == [4, 4]
    last = group.steps[-1]
    assert (last.done, last.truncated, last.info["termination_reason"]) == (True, True, "max_turns")
    assert last.info["reward"] == 0.0


def test_a_first_reply_that_fails_leaves_a_trajectory_and_no_crash():
    env = get_env(
        "tau2bench", domain="mock", user="scripted_user", num_train_tasks=2, num_test_tasks=0
    )
    [group] = play(context_of(env, TableModel([""])), [0], group_size=1)
    assert [one.length for one in group] == [1]
    assert group.steps[0].reward == 0.0


def test_infrastructure_and_user_failures_are_left_out_and_counted():
    [group] = play(context_of(WordEnv(infra=[0], user=[1])), [0], group_size=4)
    assert [one.steps[0].generation_id for one in group] == [2, 3]
    assert (group.infra_failed, group.user_failed) == (1, 1)


def test_an_environment_that_raises_fails_only_its_episode():
    class Broken(WordEnv):
        def step(self, parsed_actions, model_response, current_state, current_messages=None):
            if current_state.generation_id == 1:
                raise ModelUnavailable("the user's model is gone")
            return super().step(parsed_actions, model_response, current_state)

    [group] = play(context_of(Broken()), [0])
    assert (len(group), group.infra_failed) == (2, 1)


@pytest.mark.parametrize("failure", ["infra_failed", "user_failed"])
def test_steps_before_a_failure_are_not_trained_on(failure):
    class FailsInItsSecondStep(WordEnv):
        def step(self, parsed_actions, model_response, current_state, current_messages=None):
            result = super().step(parsed_actions, model_response, current_state)
            if current_state.generation_id == 1 and current_state.timestep == 1:
                result.state.metadata[failure] = True
                result.done = True
            return result

    [group] = play(context_of(FailsInItsSecondStep(turns=3)), [0])
    assert [step.generation_id for step in group.steps] == [0, 0, 0, 2, 2, 2]
    assert (group.infra_failed, group.user_failed) == (
        int(failure == "infra_failed"),
        int(failure == "user_failed"),
    )


def test_an_episode_that_failed_is_not_tried_again():
    env = WordEnv(infra=[0])
    play(context_of(env, TableModel([BAD])), [0], group_size=2, num_tries=2)
    assert env.begun == [(0, 0, 0), (0, 1, 0), (0, 1, 1)]


def test_every_generation_has_an_episode_and_draws_of_its_own():
    env = WordEnv()
    context = context_of(env)
    [group] = play(context, [2], group_size=8)
    assert env.begun == [(2, generation, 0) for generation in range(8)]
    assert len({step.action["content"] for step in group.steps}) == 2


def test_a_failed_task_is_tried_again():
    env = WordEnv()
    [group] = play(context_of(env, TableModel([BAD])), [0], group_size=2, num_tries=3)
    assert [step.try_step for step in group.steps] == [0, 1, 2, 0, 1, 2]
    env = WordEnv()
    play(context_of(env, TableModel([GOOD])), [0], group_size=2, num_tries=3)
    assert env.begun == [(0, 0, 0), (0, 1, 0)]


def test_the_same_seed_gives_the_same_episodes_and_another_batch_others():
    rows = [
        [step.as_row() for group in play(context_of(WordEnv(turns=3))) for step in group.steps]
        for _ in range(2)
    ]
    assert rows[0] == rows[1]
    other = [
        step.as_row()
        for group in play(context_of(WordEnv(turns=3)), batch_id=1)
        for step in group.steps
    ]
    assert [row["action"] for row in other] != [row["action"] for row in rows[0]]


def test_awaited_environments_give_the_same_episodes():
    assert [
        [step.as_row() for step in group.steps] for group in play(context_of(AsyncWordEnv(turns=3)))
    ] == [[step.as_row() for step in group.steps] for group in play(context_of(WordEnv(turns=3)))]


def test_both_forms_of_tau2bench_give_the_same_episodes():
    settings = {
        "domain": "mock",
        "user": "scripted_user",
        "num_train_tasks": 3,
        "num_test_tasks": 0,
        "max_turns": 3,
    }
    replies = [
        '<tool_call>{"name": "respond_user", "arguments": {"text": "Hello"}}</tool_call>',
        GOOD,
    ]
    played = [
        play(context_of(get_env("tau2bench", is_async, **settings), TableModel(replies)))
        for is_async in (False, True)
    ]
    told = [[step.as_row() for group in groups for step in group.steps] for groups in played]
    assert told[0] == told[1]


def test_advantages_are_centred_within_the_group():
    for group in play(context_of(WordEnv()), group_size=6):
        mean = sum(group.rewards) / 6
        assert [step.advantage for step in group.steps] == [
            reward - mean for reward in group.rewards
        ]


def test_a_long_conversation_loses_its_oldest_turns():
    context = context_of(WordEnv(turns=6), max_prompt_tokens=300)
    [group] = play(context, [0], group_size=1)
    assert group.trajectories[0].length == 6
    shown = group.steps[-1].state
    assert shown[0]["role"] == "system"
    assert len(shown) < 12
    assert all(step.state_len <= 300 for step in group.steps)


def test_an_episode_whose_prompt_never_fits_is_counted_and_not_scored():
    [group] = play(context_of(WordEnv(), max_prompt_tokens=3), [0])
    assert (len(group), group.unplayed) == (0, 3)


def test_a_reply_that_leaves_no_room_for_a_prompt_is_a_mistake_in_the_configuration():
    context = context_of(WordEnv(), sampling=SamplingConfig(max_tokens=100_000))
    with pytest.raises(ConfigError, match="leaves no room"):
        play(context)


def test_thoughts_stay_in_the_conversation_where_they_were_written():
    thinks = f"<thought>why</thought>\n{GOOD}"
    env = get_env(
        "tau2bench",
        domain="mock",
        user="scripted_user",
        num_train_tasks=1,
        num_test_tasks=0,
        max_turns=2,
    )
    [group] = play(context_of(env, TableModel([thinks])), [0], group_size=1)
    assert group.steps[1].state[2]["content"].startswith("<thought>why</thought>")


def test_observations_are_hidden_as_the_environment_is_set():
    env = WordEnv(turns=4, hide_observations=True, first_obs_to_show=1, last_obs_to_show=1)
    [group] = play(context_of(env), [0], group_size=1)
    told = [one["content"] for one in group.steps[-1].state if one["role"] == "user"]
    assert told == ["task 0", "...", "...", "go on"]


def test_progress_is_told():
    heard = []
    play(context_of(WordEnv(turns=2)), progress=lambda done, total: heard.append((done, total)))
    assert heard == [(0, 6), (0, 6)]


def test_steps_say_what_they_are():
    [group] = play(context_of(WordEnv()), [1], group_size=1)
    step = group.steps[0]
    assert (step.kind, step.split, step.unique_data_sample_id, step.done) == (
        ONLINE,
        "train",
        "1",
        True,
    )


def test_the_generator_is_chosen_by_its_name():
    context = context_of(WordEnv())
    assert isinstance(get_generator(context), OnlineGenerator)
    thinking = replace(context, config=GeneratorConfig(name="act_prm"))
    assert type(get_generator(thinking)).__name__ == "ThoughtGenerator"
