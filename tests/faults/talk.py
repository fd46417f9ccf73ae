"""Models that improvise.

What they answer is decided by everything that was said before, and by nothing else.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from tau2.data_model.run_config import TextRunConfig
from tau2.data_model.simulation import Results

_STOP = "###STOP###"
_WORDS = (
    "the list",
    "a meeting",
    "tomorrow",
    "user_1",
    "no hurry",
    "one more thing",
    "thank you",
    "a report",
)


def improvise(body: dict[str, Any]) -> Any:
    """Return a text or a tool call.

    A customer (who has no tools) ends about every fourth conversation. It never states a number: a
    user simulator that invents facts is stopped, and its episode is played again on every resume.
    """
    number = _number(body["messages"])
    tools = body.get("tools")
    if tools and number % 3:
        return _call(number, len(body["messages"]))
    if not tools and number % 4 == 0 and len(body["messages"]) > 3:
        return f"That is all. {_STOP}"
    first, second, third = (_WORDS[number // 8**place % 8] for place in range(3))
    return f"About {first}, {second} and {third}."


def _call(number: int, turn: int) -> dict[str, Any]:
    kinds: tuple[dict[str, Any], ...] = (
        {
            "name": "create_task",
            "arguments": {"user_id": "user_1", "title": f"Task {number % 1000}"},
        },
        {"name": "get_users", "arguments": {}},
        {"name": "update_task_status", "arguments": {"task_id": "task_1", "status": "completed"}},
        {
            "name": "create_task",
            "arguments": {"user_id": f"nobody_{number % 10}", "title": "In vain"},
        },
    )
    return {**kinds[number // 3 % 4], "id": f"call_{turn}_{number % 100_000}"}


def _number(messages: Any) -> int:
    said = [
        [message["role"], message.get("content"), message.get("tool_calls")] for message in messages
    ]
    return int.from_bytes(
        hashlib.sha256(json.dumps(said, sort_keys=True).encode()).digest()[:6], "big"
    )


def scripted(**options: Any) -> TextRunConfig:
    """Return a configuration that needs no model."""
    return TextRunConfig(
        **{"domain": "mock", "agent": "oracle_agent", "user": "scripted_user", **options}
    )


def improvised(address: str, **options: Any) -> TextRunConfig:
    """Return a configuration whose agent and user ask the model at `address`."""
    args = {"api_base": address, "api_key": "sk-only-for-the-stub"}
    models = {"agent": "llm_agent", "llm_agent": "openai/improviser", "user": "user_simulator"}
    models |= {"llm_user": "openai/improviser"}
    return TextRunConfig(
        **{
            "domain": "mock",
            "llm_args_agent": args,
            "llm_args_user": args,
            "max_steps": 30,
            # Above the steps: an episode that ends with too many errors of the user has no score,
            # so that resuming plays it again, however it was interrupted.
            "max_errors": 31,
            **models,
            **options,
        }
    )


def told(results: Results) -> list[str]:
    """Return what was said, done, counted and earned, without times and names."""
    kept = {
        "messages": {
            "__all__": {"role", "content", "tool_calls", "turn_idx", "error", "cost", "usage"}
        },
        "reward_info": True,
        "termination_reason": True,
        "agent_usage": True,
        "user_usage": True,
        "agent_cost": True,
        "user_cost": True,
        "policy": True,
    }
    return [
        json.dumps(
            [run.task_id, run.trial, run.seed, run.model_dump(mode="json", include=kept)],
            sort_keys=True,
        )
        for run in results.simulations
    ]
