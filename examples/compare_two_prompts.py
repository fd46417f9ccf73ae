"""Two prompts for one model, compared on the same tasks, trials and seeds.

    python compare_two_prompts.py
    python compare_two_prompts.py --model openai/gpt-4.1 --domain retail --trials 4

Without --model, a script stands in for a model: it looks before it acts if its prompt says so.
"""

import argparse
import re

from tau2 import TextRunConfig
from tau2.llm.backends.scripted import register_script
from tau2.metrics.comparison import compare
from tau2.plugins import AgentSpec, LLMAgent
from tau2.registry import registry
from tau2.runner import get_tasks, run_tasks

CAREFUL = "Look at the records before you change anything."


class CarefulAgent(LLMAgent):
    """The standard agent with one more sentence in its prompt."""

    @property
    def system_prompt(self):
        """The first message of every conversation with the model."""
        return f"{super().system_prompt}\n{CAREFUL}"


def make(tools, domain_policy, llm, llm_args=None, **_more):
    """Return a fresh agent."""
    return CarefulAgent(tools, domain_policy, llm, llm_args)


CAREFUL_AGENT = AgentSpec("careful", make=make, continues="messages")


def stand_in(messages, tools, args):
    """Complete the task that the user names; without looking first, always task_1."""
    results = sum(message["role"] == "tool" for message in messages)
    looks = CAREFUL in messages[0]["content"]
    if looks and results == 0:
        return {"name": "get_users", "arguments": {}}
    if results > looks:
        return "It is completed. Is there anything else?"
    named = re.findall(r"task_\d+", str([m["content"] for m in messages if m["role"] == "user"]))
    task_id = named[-1] if looks and named else "task_1"
    return {"name": "update_task_status", "arguments": {"task_id": task_id, "status": "completed"}}


def played(agent, options):
    """Return the results of one of the two agents."""
    config = TextRunConfig(
        domain=options.domain,
        agent=agent,
        llm_agent=options.model,
        user="scripted_user",
        num_trials=options.trials,
    )
    tasks = get_tasks(options.domain)
    if options.domain == "mock":  # what the stand-in can do
        tasks = [task for task in tasks if task.id.startswith("update_")]
    return run_tasks(config, tasks[: options.tasks], console_display=False)


def main():
    """Play both, and say whether the difference is more than chance."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="scripted/stand-in")
    parser.add_argument("--domain", default="mock")
    parser.add_argument("--tasks", type=int, default=20)
    parser.add_argument("--trials", type=int, default=2)
    options = parser.parse_args()

    with register_script("stand-in", stand_in), registry.agents.adding(CAREFUL_AGENT):
        found = compare(played("llm_agent", options), played("careful", options))
    for row in found.differences:
        low, high = row.interval or (-1.0, 1.0)
        print(f"pass^{row.k}: {row.a:.2f} -> {row.b:.2f} (95% interval: {low:+.2f} to {high:+.2f})")
    print(f"p = {found.differences[0].test.mid_p:.3f}; {found.plan}")


if __name__ == "__main__":
    main()
