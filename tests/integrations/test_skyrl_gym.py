"""SkyRL-gym makes the environment from its own registry, and a model's replies in text solve the
task."""

from __future__ import annotations

import pytest

skyrl_gym = pytest.importorskip(
    "skyrl_gym", reason="needs skyrl-gym in an environment of its own: make test-integrations"
)

from tests.integrations.oracle import DOMAINS, SEED, script_of  # noqa: E402

from tau2.errors import ConfigError  # noqa: E402
from tau2.integrations import EpisodeFailed  # noqa: E402
from tau2.integrations.reply import as_reply  # noqa: E402
from tau2.integrations.skyrl_gym import ENV_ID, register, rows  # noqa: E402
from tau2.rollout import Shaping, partial_credit  # noqa: E402

BROKEN = {
    "user": "user_simulator",
    "llm_user": "openai/none",
    "llm_args_user": {"api_base": "http://127.0.0.1:9/v1"},
}


@pytest.fixture(autouse=True)
def registered():
    register()
    register()


def made(script, **config):
    row = {"domain": script.domain, "task_id": script.task_id, "seed": SEED, "max_turns": 100}
    return skyrl_gym.make(ENV_ID, env_config={**script.options, **config}, extras=row)


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_scripted_episode(domain):
    script = script_of(domain)
    env = made(script)
    conversation, _ = env.init([{"role": "user", "content": "placeholder"}])
    assert [message["role"] for message in conversation] == ["system", "assistant", "user"]
    steps = [env.step(as_reply(move)) for move in script.moves]
    assert [step["done"] for step in steps] == [False] * (len(steps) - 1) + [True]
    assert sum(step["reward"] for step in steps) == script.reward
    assert script.ends_as(env.outcome)
    assert env.get_metrics() == {
        "turns": len(steps),
        "unreadable": 0,
        "truncated": 0.0,
        "infra_failed": 0.0,
        "user_failed": 0.0,
    }
    env.close()


def test_an_unreadable_call_is_told_to_the_model_and_to_nobody_else():
    env = made(script_of("mock"))
    env.init([])
    (heard,) = env.step("<tool_call>{</tool_call>")["observations"]
    assert heard["role"] == "tool"
    assert "not valid JSON" in heard["content"]
    assert env.get_metrics()["unreadable"] == 1
    assert [message.role for message in env.episode.rollout.messages] == ["assistant", "user"]


def test_an_episode_that_runs_out_of_turns_is_graded_as_it_stands():
    script = script_of("mock")
    env = skyrl_gym.make(
        ENV_ID,
        env_config=script.options,
        extras={"domain": "mock", "task_id": script.task_id, "max_turns": 1},
    )
    env.init([])
    step = env.step("One moment, please.")
    assert (step["done"], step["reward"], step["observations"]) == (True, 0.0, [])
    assert env.outcome.reason == "agent_stop"


@pytest.mark.parametrize("how", ["mark", "raise"])
def test_a_failed_episode_is_no_plain_zero(how):
    env = made(
        script_of("mock"),
        **BROKEN
        | {"on_failure": how, "llm_args_user": {**BROKEN["llm_args_user"], "num_retries": 0}},
    )
    env.init([])
    if how == "raise":
        with pytest.raises(EpisodeFailed):
            env.step("Hello?")
        return
    step = env.step("Hello?")
    assert (step["done"], step["reward"]) == (True, 0.0)
    assert step["metadata"]["infra_failed"] + step["metadata"]["user_failed"] == 1.0


@pytest.mark.parametrize("turns", [1, 2, 100])
def test_shaped_rewards_sum_to_the_same_however_the_episode_ends(turns):
    """Potential-based terms cancel out, up to the potential at the start."""
    script = script_of("retail")
    row = {"domain": "retail", "task_id": script.task_id, "seed": SEED, "max_turns": turns}
    env = skyrl_gym.make(
        ENV_ID, env_config={**script.options, "shaping": Shaping(gamma=1.0)}, extras=row
    )
    env.init([])
    start, rewards = partial_credit(env.episode.rollout.orchestrator), []
    for move in script.moves:
        step = env.step(as_reply(move))
        rewards.append(step["reward"])
        if step["done"]:
            break
    assert sum(rewards) == pytest.approx(env.outcome.reward - start)


def test_a_row_without_a_task_is_refused():
    with pytest.raises(ConfigError, match="task_id"):
        skyrl_gym.make(ENV_ID, extras={"domain": "mock"})
    assert {row["env_class"] for row in rows("mock", count=2)} == {ENV_ID}
