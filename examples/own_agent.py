"""An agent that is a function, with no model: it completes the tasks that the user names.

    python own_agent.py

Put a call of your model, framework or service in place of the rule.
"""

import re

from tau2 import TextRunConfig
from tau2.plugins import AgentSpec, agent_from_function
from tau2.registry import registry
from tau2.runner import get_tasks, run_tasks


def task_desk(messages, tools):
    """Return the next move of the agent: a tool call, or a text for the user.

    The arguments are in OpenAI's form, and the first message is the system prompt with the policy.
    """
    last = messages[-1]
    if last["role"] == "tool":
        return "It is marked as completed. Is there anything else?"
    named = re.search(r"task_\d+", last["content"])
    if named is None:
        return "Which task is it about?"
    arguments = {"task_id": named.group(), "status": "completed"}
    return {"name": "update_task_status", "arguments": arguments}


AGENT = AgentSpec("task_desk", make=agent_from_function(task_desk), needs_model=False)


def main():
    """Play two tasks: one that the rule solves, and one that it does not."""
    config = TextRunConfig(domain="mock", agent="task_desk", user="scripted_user", num_trials=2)
    tasks = get_tasks("mock", task_ids=["update_task_1", "create_task_1"])
    with registry.agents.adding(AGENT):
        results = run_tasks(config, tasks, console_display=False)
    print(results)


if __name__ == "__main__":
    main()
