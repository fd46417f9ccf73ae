"""What the original's own functions return, in the calls its users make."""

from __future__ import annotations

import json

import pytest
from pydantic import Field
from tests.cast import a_task, create_meeting, mock_task

from tau2.agent.llm_agent import LLMAgent
from tau2.data_model.message import (
    AssistantMessage,
    MultiToolMessage,
    SystemMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from tau2.data_model.simulation import (
    AudioNativeConfig,
    EnvironmentInfo,
    Review,
    RewardInfo,
    SimulationRun,
    TextRunConfig,
    UserOnlyReview,
    VoiceRunConfig,
)
from tau2.data_model.tasks import (
    Action,
    EnvAssertion,
    EnvFunctionCall,
    EvaluationCriteria,
    InitializationData,
    Task,
    UserScenario,
    make_task,
)
from tau2.domains.mock.environment import get_environment
from tau2.environment.db import DB
from tau2.environment.environment import Environment
from tau2.environment.toolkit import (
    GenericToolKit,
    ToolKitBase,
    ToolType,
    get_tool_signatures,
    get_tool_types,
    is_tool,
)
from tau2.errors import ModelError
from tau2.evaluator.evaluator import EvaluationType, evaluate_simulation
from tau2.evaluator.evaluator_action import ActionEvaluator
from tau2.evaluator.evaluator_communicate import CommunicateEvaluator
from tau2.evaluator.evaluator_env import EnvironmentEvaluator
from tau2.evaluator.evaluator_nl_assertions import NLAssertionsEvaluator
from tau2.evaluator.evidence import Judge
from tau2.orchestrator.orchestrator import DEFAULT_FIRST_AGENT_MESSAGE, Orchestrator, Role
from tau2.registry import Registry
from tau2.user.user_simulator import DummyUser, UserSimulator
from tau2.utils.llm_utils import to_litellm_messages


class Stock(DB):
    items: dict[str, int] = Field(default_factory=dict)


class StockTools(ToolKitBase):
    db: Stock

    @is_tool(ToolType.READ)
    def count(self, name: str) -> int:
        """Count an item.

        Args:
            name: What to count.
        """
        return self.db.items[name]

    @is_tool(ToolType.WRITE)
    def put(self, name: str, value: int) -> str:
        """Set how many there are."""
        self.db.items[name] = value
        return "done"

    def assert_count(self, name: str, value: int) -> bool:
        return self.db.items.get(name) == value


class MoreTools(StockTools):
    @is_tool(ToolType.THINK)
    def ponder(self, thought: str) -> str:
        """Think aloud."""
        return ""


@pytest.fixture
def shop() -> Environment:
    return Environment("shop", "Be kind.", tools=MoreTools(Stock(items={"cup": 1})))


def call(tool: str, /, **arguments) -> ToolCall:
    return ToolCall(id="1", name=tool, arguments=arguments)


# --- messages -------------------------------------------------------------------------------------


def test_a_tool_call_is_read_back_from_its_text():
    made = ToolCall(id="1", name="f", arguments={"a": [1, {"b": None}]}, requestor="user")
    assert ToolCall.from_string(str(made)) == made


def test_messages_compare_by_what_they_say():
    one = AssistantMessage(role="assistant", content="x", turn_idx=1)
    assert one == AssistantMessage.text("x")
    assert one != UserMessage.text("x")
    assert not AssistantMessage(role="assistant", content="  ").has_text_content()
    for empty in (AssistantMessage(role="assistant"), UserMessage(role="user")):
        with pytest.raises(ValueError, match="empty"):
            empty.validate()


def test_messages_of_several_results_are_written():
    results = MultiToolMessage(
        role="tool", tool_messages=[ToolMessage(id="1", role="tool", content="x")]
    )
    assert MultiToolMessage.model_validate_json(results.model_dump_json()) == results


def test_messages_of_a_model_call_have_openais_shape():
    wired = to_litellm_messages(
        [
            SystemMessage(role="system", content="s"),
            UserMessage(role="user", content="u"),
            AssistantMessage(role="assistant", tool_calls=[call("f", a=1)]),
            ToolMessage(id="1", role="tool", content="r"),
        ]
    )
    assert wired[0] == {"role": "system", "content": "s"}
    assert wired[1] == {"role": "user", "content": "u"}
    made = wired[2]["tool_calls"][0]
    assert (made["id"], made["type"]) == ("1", "function")
    assert json.loads(made["function"]["arguments"]) == {"a": 1}
    assert wired[3] == {"role": "tool", "content": "r", "tool_call_id": "1"}


# --- tasks ----------------------------------------------------------------------------------------


def test_actions():
    action = Action(action_id="1", name="f", arguments={"a": 1, "b": 2}, compare_args=["a"])
    assert action.get_func_format() == "f(a=1, b=2)"
    assert action.compare_with_tool_call(call("f", a=1, b=3))
    assert not action.compare_with_tool_call(call("g", a=1))


def test_tasks_are_made_and_shown():
    task = make_task(
        user_instructions="Buy a cup.",
        eval_criteria=EvaluationCriteria(actions=[]),
        initialization_data=InitializationData(agent_data={}),
        initialization_actions=[
            EnvFunctionCall(env_type="assistant", func_name="get_users", arguments={})
        ],
        message_history=[UserMessage.text("Hi")],
    )
    assert "Buy a cup." in str(task.user_scenario)
    assert task.id
    assert Task.model_validate_json(task.model_dump_json()) == task
    assert mock_task("create_task_1").evaluation_criteria.info()["num_agent_actions"] == 1


# --- environments ---------------------------------------------------------------------------------


def test_toolkits_collect_tools_of_all_their_classes(shop):
    kit = shop.tools
    assert set(kit.get_tools()) == {"count", "put", "ponder"}
    assert kit.get_statistics() == {
        "num_tools": 3, "num_read_tools": 1, "num_write_tools": 1, "num_think_tools": 1,
        "num_generic_tools": 0,
    }  # fmt: skip
    assert kit.tool_type("count") is ToolType.READ
    assert (kit.tool_mutates_state("put"), kit.tool_mutates_state("count")) == (True, False)
    assert get_tool_types(kit)["put"] is ToolType.WRITE
    assert "name" in get_tool_signatures(kit)["count"].params["properties"]
    assert GenericToolKit().use_tool("calculate", expression="2 + 3 * 4") == "14.0"


def test_environments_answer_calls(shop):
    response = shop.get_response(call("count", name="cup"))
    assert (response.id, response.requestor, response.error) == ("1", "assistant", False)
    for wrong in (call("nothing"), call("count", name="plate"), call("count")):
        response = shop.get_response(wrong)
        assert response.error
        assert response.content.startswith("Error: ")
    before = shop.get_db_hash()
    shop.get_response(call("put", name="cup", value=2))
    assert shop.get_db_hash() != before
    assert shop.get_user_db_hash() is None
    assert shop.check_db(Stock(items={"cup": 2}))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda shop: shop.get_user_tools(),
        lambda shop: shop.use_tool("nothing"),
        lambda shop: shop.use_user_tool("nothing"),
        lambda shop: shop.make_tool_call("put", requestor="user", name="cup", value=1),
        lambda shop: get_environment().get_user_tools(include=["nothing"]),
    ],
)
def test_what_is_not_there_is_a_value_error(shop, wrong):
    with pytest.raises(ValueError, match=r"not available|[Nn]o |not found|unknown|nothing"):
        wrong(shop)


def test_assertions(shop):
    wanted = EnvAssertion(
        env_type="assistant", func_name="assert_count", arguments={"name": "cup", "value": 7}
    )
    assert shop.run_env_assertion(wanted, raise_assertion_error=False) is False
    with pytest.raises(AssertionError):
        shop.run_env_assertion(wanted)
    assert shop.run_env_assertion(wanted.model_copy(update={"assert_value": False}))


def test_there_is_one_kind_of_environment_info(shop):
    info = shop.get_info(include_tool_info=True)
    assert type(info) is EnvironmentInfo
    assert info.tool_defs["count"].name == "count"
    again = EnvironmentInfo.model_validate_json(info.model_dump_json())
    assert again.tool_defs["count"]["name"] == "count"


def test_histories_are_compared_when_a_state_is_set():
    made = AssistantMessage(role="assistant", tool_calls=[call("create_task", **MEETING)])
    wrong = ToolMessage(id="1", role="tool", content="something else")
    with pytest.raises(ValueError, match="on replay"):
        get_environment().set_state(None, None, [made, wrong])
    get_environment().set_state(None, None, [made, wrong], strict=False)
    with pytest.raises(ValueError, match="Tool message expected"):
        get_environment().set_state(None, None, [made, UserMessage.text("x")])
    with pytest.raises(ValueError, match="mismatch"):
        get_environment().set_state(None, None, [made, ToolMessage(id="2", role="tool")])


MEETING = {"user_id": "user_1", "title": "Important Meeting"}


# --- episodes -------------------------------------------------------------------------------------


class Hello(LLMAgent):
    def _generate_next_message(self, message, state):
        return AssistantMessage.text("Hello.")


class Bye(UserSimulator):
    def _generate_next_message(self, message, state):
        return UserMessage.text("###STOP###")


def episode(task: Task, **options) -> Orchestrator:
    env = get_environment()
    agent = Hello(tools=env.get_tools(), domain_policy=env.get_policy(), llm="m")
    user = Bye(tools=None, instructions=str(task.user_scenario), llm="m")
    return Orchestrator("mock", agent, user, env, task, **options)


def test_an_episode_is_played_step_by_step():
    played = episode(mock_task("create_task_1"))
    played.initialize()
    assert (played.from_role, played.to_role) == (Role.AGENT, Role.USER)
    assert played.message.content == DEFAULT_FIRST_AGENT_MESSAGE.content
    assert (played.step_count, played.done, played.termination_reason) == (0, False, None)
    assert len(played.get_trajectory()) == 1
    played.step()
    assert (played.step_count, played.done, played.from_role) == (1, True, Role.USER)
    assert played.termination_reason == "user_stop"


@pytest.mark.parametrize(
    ("history", "roles"),
    [
        ([UserMessage.text("Hi")], (Role.USER, Role.AGENT)),
        ([AssistantMessage.text("Hi")], (Role.AGENT, Role.USER)),
        (
            [AssistantMessage(role="assistant", tool_calls=[call("get_users")])],
            (Role.AGENT, Role.ENV),
        ),
        (
            [
                AssistantMessage(role="assistant", tool_calls=[call("get_users")]),
                ToolMessage(id="1", role="tool", content="[]"),
            ],
            (Role.ENV, Role.AGENT),
        ),
    ],
)
def test_a_history_decides_whose_turn_it_is(history, roles):
    task = make_task("x", EvaluationCriteria(), message_history=history)
    played = episode(task)
    played.initialize()
    assert (played.from_role, played.to_role) == roles
    assert played.message == history[-1]
    assert played.trajectory == history
    Orchestrator.validate_message_history(history)


def test_a_history_without_its_results_is_not_valid():
    broken = [
        AssistantMessage(role="assistant", tool_calls=[call("get_users")]),
        UserMessage.text("Hi"),
    ]
    with pytest.raises(ValueError, match="Tool message expected"):
        Orchestrator.validate_message_history(broken)


def test_participants():
    agent = episode(mock_task("create_task_1")).agent
    state = agent.get_init_state()
    assert ([m.role for m in state.system_messages], state.messages) == (["system"], [])
    agent.set_seed(3)
    assert agent.llm_args["seed"] == 3
    with pytest.raises(NotImplementedError):
        DummyUser().generate_next_message(None, None)
    user = UserSimulator(instructions="x", llm="m")
    seen = user.get_init_state([AssistantMessage.text("a"), UserMessage.text("b")])
    assert [message.role for message in seen.flip_roles()] == ["user", "assistant"]


def test_configurations_have_the_originals_methods():
    config = TextRunConfig(domain="mock", llm_agent="openai/gpt-4o")
    config.validate()
    assert config.effective_agent == "llm_agent"
    assert (config.effective_max_steps, config.effective_agent_provider) == (200, "openai")
    assert not config.is_voice


def test_an_unknown_speech_provider_is_read_but_not_run():
    assert AudioNativeConfig.model_validate({"provider": "next year's"}).provider == "next year's"
    with pytest.raises(ValueError, match="next year's"):
        VoiceRunConfig(audio_native_config={"provider": "next year's"})


# --- grading --------------------------------------------------------------------------------------


def test_each_check_can_be_asked_alone():
    messages = [AssistantMessage.text("It costs 10 dollars.")]
    criteria = EvaluationCriteria(
        communicate_info=["10"],
        actions=[Action(action_id="1", name="pay", arguments={})],
        reward_basis=["COMMUNICATE"],
    )
    task = Task(id="1", user_scenario=UserScenario(instructions="x"), evaluation_criteria=criteria)
    assert CommunicateEvaluator.calculate_reward(task=task, full_trajectory=messages).reward == 1.0
    assert ActionEvaluator.calculate_reward(task=task, full_trajectory=messages).reward == 0.0
    found = CommunicateEvaluator.evaluate_communicate_info(messages, ["10", "77"])
    assert [check.met for check in found] == [True, False]
    made = [AssistantMessage(role="assistant", tool_calls=[call("pay")])]
    assert ActionEvaluator.evaluate_actions(made, criteria.actions)[0].action_match
    graded = EnvironmentEvaluator.calculate_reward(
        environment_constructor=lambda **options: get_environment(**options),
        task=a_task(create_meeting()),
        full_trajectory=messages,
        solo_mode=False,
    )
    assert (graded.reward, graded.db_check.db_match) == (0.0, False)


def test_a_judge_that_fails_is_raised():
    task = mock_task("create_task_1")
    task.evaluation_criteria = EvaluationCriteria(
        nl_assertions=["The agent was kind."], reward_basis=["NL_ASSERTION"]
    )

    def refuses(**_request):
        raise ConnectionError("no connection")

    run = episode(task).run()
    judge = Judge("m", {"num_retries": 0}, completion_fn=refuses)
    with pytest.raises(ModelError):
        evaluate_simulation(
            run, task, EvaluationType.ALL, solo_mode=False, domain="mock", judge=judge
        )
    with pytest.raises(ModelError):
        NLAssertionsEvaluator.evaluate_nl_assertions(
            run.messages, ["The agent was kind."], judge=judge
        )


def test_rewards_are_read_back():
    run = episode(mock_task("create_task_1")).run()
    run.reward_info = RewardInfo(reward=1.0)
    assert SimulationRun.model_validate_json(run.model_dump_json()) == run
    assert run.reward_info.partial_action_reward is None


# --- reviews --------------------------------------------------------------------------------------


def test_reviews_of_the_original_are_read():
    review = Review.model_validate(
        {
            "summary": None,
            "agent_error": True,
            "user_error": True,
            "critical_user_error": True,
            "has_errors": True,
            "cost": None,
            "errors": [
                {
                    "source": "user",
                    "error_type": None,
                    "error_tags": ["guideline_violation"],
                    "severity": "critical_helped",
                    "tick_start": 1,
                    "reasoning": "It told too much.",
                },
                {"source": "framework", "error_type": "tool", "tags": None, "severity": None},
                {"source": None, "reasoning": None},
            ],
        }
    )
    assert [error.source for error in review.errors] == ["user", "unknown", "unknown"]
    assert [error.is_critical for error in review.errors] == [True, False, False]
    assert review.errors[0].error_tags == ["guideline_violation"]
    assert (review.agent_error, review.user_error, review.critical_user_error) == (
        False,
        True,
        True,
    )
    written = json.loads(review.model_dump_json())
    assert written["has_errors"] is True
    assert written["errors"][0]["severity"] == "critical_helped"
    assert Review.model_validate(written) == review


def test_reviews_of_the_user_alone_are_read():
    review = UserOnlyReview.model_validate(
        {"errors": [{"severity": "minor", "error_type": None}], "user_error": True}
    )
    assert (review.user_error, review.critical_user_error) == (True, False)


# --- the registry ---------------------------------------------------------------------------------


def test_registering():
    registry = Registry()
    registry.register_domain(get_environment, "theirs")
    with pytest.raises(ValueError, match="theirs"):
        registry.register_domain(get_environment, "theirs")
    with pytest.raises(TypeError):
        registry.register_user(int, "number")
    registry.register_agent_factory(lambda tools, domain_policy, **_: None, "mine")
    registry.register_tasks(lambda split=None: [], "mine")
    info = registry.get_info()
    assert "theirs" in info.domains
    assert "mine" in info.agents
