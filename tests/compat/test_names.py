"""Where public projects import from.

A path here is a promise: it may move inside, but it must go on working.
"""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

NAMES = {
    "tau2": [
        "BaseRunConfig", "CommunicationMode", "ConsoleDisplay", "Environment", "EvaluationType",
        "FullDuplexAgent", "FullDuplexUser", "HalfDuplexAgent", "HalfDuplexUser", "LLMAgent",
        "LLMConfigMixin", "LLMSoloAgent",
        "MarkdownDisplay", "Orchestrator", "Registry", "RunConfig", "SimulationRun", "Task",
        "TextRunConfig", "UserSimulator", "VoiceRunConfig", "VoiceStreamingUserSimulator",
        "evaluate_simulation", "registry",
        "run_domain", "runner",
    ],
    "tau2.agent": [
        "BaseAgent", "HalfDuplexAgent", "LLMAgent", "LLMGTAgent", "LLMSoloAgent", "LocalAgent",
        "create_llm_agent",
    ],
    "tau2.agent.base.llm_config": ["LLMConfigMixin"],
    "tau2.agent.base.participant": ["FullDuplexParticipant", "HalfDuplexParticipant"],
    "tau2.agent.base": ["AgentError", "BaseAgent", "HalfDuplexAgent", "LocalAgent",
                        "ValidAgentInputMessage"],
    "tau2.agent.base_agent": ["AgentError", "BaseAgent", "HalfDuplexAgent", "LocalAgent",
                              "ValidAgentInputMessage"],
    "tau2.agent.llm_agent": [
        "AGENT_INSTRUCTION", "LLMAgent", "LLMAgentState", "LLMGTAgent", "LLMSoloAgent",
        "LocalAgent", "SYSTEM_PROMPT", "create_llm_agent", "create_llm_gt_agent",
        "create_llm_solo_agent", "is_valid_agent_history_message", "AGENT_GT_INSTRUCTION",
        "AGENT_SOLO_INSTRUCTION", "SYSTEM_PROMPT_SOLO", "generate",
    ],
    "tau2.config": [
        "DEFAULT_LLM_AGENT", "DEFAULT_LLM_ARGS_AGENT", "DEFAULT_LLM_ARGS_USER", "DEFAULT_LLM_USER",
        "DEFAULT_MAX_ERRORS", "DEFAULT_MAX_STEPS", "DEFAULT_SEED", "DEFAULT_LLM_NL_ASSERTIONS",
    ],
    "tau2.data_model.message": [
        "AssistantMessage", "Message", "MultiToolMessage", "SystemMessage", "Tick", "ToolCall",
        "ToolMessage", "UserMessage", "APICompatibleMessage", "EnvironmentMessage",
        "ValidInputMessage",
    ],
    "tau2.data_model.simulation": [
        "AudioNativeConfig", "Info", "Results", "RewardInfo", "RunConfig", "SimulationRun",
        "TerminationReason", "TextRunConfig", "VoiceRunConfig", "ActionCheck", "DBCheck",
        "NLAssertionCheck", "CommunicateCheck", "AuthenticationClassification", "EnvironmentInfo",
        "ErrorSource", "ErrorType", "HallucinationCheck", "Review", "ReviewError",
        "SimulationIndexEntry", "SimulationNote", "UserOnlyReview", "UserOnlyReviewError",
    ],
    "tau2.data_model.tasks": [
        "Action", "EnvAssertion", "EnvFunctionCall", "EvaluationCriteria", "InitialState",
        "InitializationData", "RewardType", "Task", "UserScenario", "make_task", "make_task_id",
    ],
    "tau2.environment.db": ["DB"],
    "tau2.environment.environment": ["Environment", "EnvironmentInfo"],
    "tau2.environment.server": ["EnvironmentServer"],
    "tau2.environment.tool": ["Tool", "as_tool"],
    "tau2.environment.toolkit": [
        "GenericToolKit", "Tool", "ToolKitBase", "ToolSignature", "ToolType", "get_tool_signatures",
        "get_tool_types", "is_discoverable_tool", "is_tool",
    ],
    "tau2.evaluator.evaluator": ["EvaluationType", "RewardInfo", "evaluate_simulation"],
    "tau2.evaluator.evaluator_action": ["ActionEvaluator", "check_actions"],
    "tau2.evaluator.evaluator_env": ["EnvironmentEvaluator"],
    "tau2.evaluator.evaluator_nl_assertions": ["NLAssertionsEvaluator"],
    "tau2.evaluator.reviewer": ["ReviewMode", "review_simulation"],
    "tau2.metrics.agent_metrics": ["compute_metrics", "is_successful", "pass_hat_k"],
    "tau2.metrics.break_down_metrics": ["result_reward_actions_analysis", "result_reward_analysis"],
    "tau2.orchestrator.orchestrator": ["DEFAULT_FIRST_AGENT_MESSAGE", "Orchestrator", "Role"],
    "tau2.registry": ["Registry", "RegistryInfo", "registry"],
    "tau2.run": [
        "EvaluationType", "RunConfig", "TextRunConfig", "VoiceRunConfig", "get_info", "get_options",
        "get_tasks", "load_task_splits", "load_tasks", "make_run_name", "run_domain",
        "run_single_task", "run_task", "run_tasks",
    ],
    "tau2.runner": [
        "arun_single_task", "build_agent", "build_environment", "build_orchestrator",
        "build_text_orchestrator", "build_user", "build_voice_orchestrator", "build_voice_user",
        "get_info", "get_options", "get_tasks", "load_task_splits", "load_tasks", "make_run_name",
        "run_domain", "run_simulation", "run_single_task", "run_tasks",
    ],
    "tau2.runner.batch": ["run_domain", "run_single_task", "run_tasks"],
    "tau2.runner.build": [
        "build_agent", "build_environment", "build_orchestrator", "build_text_orchestrator",
        "build_user", "build_voice_orchestrator", "build_voice_user",
    ],
    "tau2.runner.checkpoint": [
        "create_checkpoint_fns", "create_checkpoint_replacer", "create_checkpoint_saver",
        "try_resume",
    ],
    "tau2.runner.helpers": [
        "get_environment_info", "get_info", "get_options", "get_tasks", "load_task_splits",
        "load_tasks", "make_run_name",
    ],
    "tau2.runner.simulation": ["run_simulation"],
    "tau2.runner.work": ["WorkQueue", "WorkUnit"],
    "tau2.scripts.evaluate_trajectories": ["compute_simulation_rewards", "evaluate_trajectories",
                                           "is_solo_mode"],
    "tau2.user": ["BaseUser", "DummyUser", "HalfDuplexUser", "STOP", "UserSimulator", "UserState"],
    "tau2.user.base": ["BaseUser", "OUT_OF_SCOPE", "STOP", "TRANSFER", "UserError", "UserState"],
    "tau2.user.user_simulator": [
        "BaseUser", "DummyUser", "OUT_OF_SCOPE", "STOP", "TRANSFER", "UserSimulator", "UserState",
        "generate", "get_global_user_sim_guidelines", "is_valid_user_history_message",
        "SYSTEM_PROMPT",
    ],
    "tau2.user.user_simulator_base": [
        "BaseUser", "HalfDuplexUser", "OUT_OF_SCOPE", "STOP", "TRANSFER", "UserError", "UserState",
        "ValidUserInputMessage",
    ],
    "tau2.utils": [
        "BaseModelNoExtra", "DATA_DIR", "dump_file", "expand_paths", "format_time",
        "get_commit_hash", "get_dict_hash", "get_now", "get_pydantic_hash", "load_file",
        "show_dict_diff", "update_pydantic_model_with_dict",
    ],
    "tau2.utils.io_utils": ["dump_file", "expand_paths", "load_file"],
    "tau2.utils.pydantic_utils": ["BaseModelNoExtra", "get_pydantic_hash",
                                  "update_pydantic_model_with_dict"],
    "tau2.utils.display": ["ConsoleDisplay", "MarkdownDisplay"],
    "tau2.utils.llm_utils": [
        "completion", "generate", "get_cost", "get_response_cost", "get_token_usage",
        "to_litellm_messages", "_parse_ft_model_name",
    ],
    "tau2.utils.tools": [
        "is_functional_tool_call", "parse_action_string", "parse_functional_tool_call",
        "to_functional_format",
    ],
    "tau2.utils.utils": [
        "DATA_DIR", "format_time", "get_commit_hash", "get_dict_hash", "get_now", "show_dict_diff",
    ],
    "tau2.domains.airline.data_model": ["Flight", "FlightDB", "Reservation", "User", "get_db"],
    "tau2.domains.airline.environment": ["get_environment", "get_tasks"],
    "tau2.domains.mock.data_model": ["MockDB", "get_db"],
    "tau2.domains.telecom.data_model": ["TelecomDB", "get_db"],
    "tau2.domains.telecom.environment": [
        "get_environment", "get_environment_manual_policy", "get_environment_workflow_policy",
        "get_tasks", "get_tasks_full", "get_tasks_small",
    ],
    "tau2.domains.telecom.user_data_model": [
        "APNNames", "APNSettings", "AppPermissions", "AppStatus", "MockPhoneAttributes",
        "NetworkModePreference", "NetworkStatus", "NetworkTechnology", "PaymentRequest",
        "PerformanceLevel", "SignalStrength", "SimStatus", "TelecomUserDB", "UserSurroundings",
        "VpnDetails", "get_db",
    ],
    # names of this package's earlier versions, which scripts still import
    "tau2.environment.world": ["World", "set_initial_state"],
    "tau2.evaluator.evaluator_communicate": ["CommunicateEvaluator", "tells"],
    "tau2.evaluator.evidence": ["Evidence", "Judge"],
    "tau2.llm": ["complete"],
    "tau2.llm.failure": ["CallFailed", "from_status"],
    "tau2.llm.parse": ["read"],
    "tau2.llm.wire": ["to_wire"],
    "tau2.domains.mock.environment": ["get_environment", "get_tasks"],
    "tau2.domains.retail.environment": ["get_environment", "get_tasks"],
    "tau2.domains.retail.data_model": ["Order", "Product", "RetailDB", "User", "Variant", "get_db"],
    "tau2.domains.retail.tools": ["RetailTools"],
    "tau2.domains.retail.utils": ["RETAIL_DB_PATH", "RETAIL_POLICY_PATH", "RETAIL_TASK_SET_PATH"],
}  # fmt: skip


@pytest.mark.parametrize("module", NAMES)
def test_a_path_has_its_names(module):
    found = import_module(module)
    assert [name for name in NAMES[module] if not hasattr(found, name)] == []


@pytest.mark.slow
def test_every_path_can_be_the_first_import():
    """Import each path into a fresh namespace of modules, so that no path relies on another."""
    script = """
import importlib, sys
for name in sys.argv[1:]:
    for known in [m for m in sys.modules if m == "tau2" or m.startswith("tau2.")]:
        del sys.modules[known]
    importlib.import_module(name)
print("ok")
"""
    command = [sys.executable, "-W", "error", "-c", script, *NAMES]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("ok\n", "")


def test_a_star_import_brings_the_defaults():
    namespace: dict = {}
    exec("from tau2.config import *", namespace)
    assert namespace["DEFAULT_MAX_STEPS"] == 200
    assert namespace["DEFAULT_MAX_ERRORS"] == 10
    assert namespace["DEFAULT_LLM_ARGS_AGENT"] == {"temperature": 0.0}


def test_the_older_names_are_aliases():
    import tau2

    for older, name in (
        ("BaseAgent", "HalfDuplexAgent"),
        ("LocalAgent", "HalfDuplexAgent"),
        ("BaseUser", "HalfDuplexUser"),
    ):
        with pytest.warns(DeprecationWarning, match=name):
            assert getattr(tau2, older) is getattr(tau2, name)


def test_classes_are_the_same_under_every_path():
    from tau2.agent import base, base_agent
    from tau2.data_model import simulation
    from tau2.evaluator import evaluator
    from tau2.user import base_user, user_simulator, user_simulator_base

    assert base.LocalAgent is base_agent.HalfDuplexAgent
    assert evaluator.RewardInfo is simulation.RewardInfo
    assert user_simulator.BaseUser is user_simulator_base.HalfDuplexUser is base_user.HalfDuplexUser
    assert (user_simulator.STOP, user_simulator.TRANSFER, user_simulator.OUT_OF_SCOPE) == (
        "###STOP###", "###TRANSFER###", "###OUT-OF-SCOPE###",
    )  # fmt: skip


def test_enumerations_have_the_published_values():
    from tau2 import EvaluationType
    from tau2.data_model.simulation import TerminationReason
    from tau2.data_model.tasks import RewardType
    from tau2.environment.toolkit import ToolType
    from tau2.orchestrator.orchestrator import Role

    assert {kind.value for kind in EvaluationType} == {
        "env", "communicate", "action", "all", "nl_assertions", "all_with_nl_assertions",
        "all_ignore_basis", "all_with_nl_assertions_ignore_basis",
    }  # fmt: skip
    assert {reason.value for reason in TerminationReason} == {
        "user_stop", "agent_stop", "max_steps", "timeout", "too_many_errors", "agent_error",
        "user_error", "infrastructure_error", "context_window_exceeded", "unexpected_error",
    }  # fmt: skip
    assert {kind.value for kind in RewardType} == {
        "DB",
        "ENV_ASSERTION",
        "NL_ASSERTION",
        "ACTION",
        "COMMUNICATE",
    }
    assert {kind.value for kind in ToolType} == {"read", "write", "think", "generic"}
    assert {role.value for role in Role} == {"agent", "user", "env"}


def test_an_old_path_is_no_agent_or_user():
    from tau2.registry import registry

    assert not {"base", "base_agent"} & {*registry.get_agents(), *registry.get_users()}
