"""Prove tasks before anybody plays them: one of these is right, and three are not.

    python audit_your_tasks.py

`tau2 audit --domain mock --tasks-file FILE` does the same for a file.
"""

from tau2.audit.audit import audit_domain
from tau2.plugins import Task
from tau2.registry import registry


def task(task_id, wish, title):
    """Return a task in which a customer wants a new entry on a task list."""
    arguments = {"user_id": "user_1", "title": title}
    reference = {"action_id": "0", "name": "create_task", "arguments": arguments}
    return Task.model_validate(
        {
            "id": task_id,
            "user_scenario": {"instructions": f"You are user_1. {wish}"},
            "evaluation_criteria": {"actions": [reference], "reward_basis": ["DB"]},
        }
    )


def does_nothing():
    """Return a task that an agent passes without doing anything."""
    empty = task("passes_by_itself", "You want to hear how many tasks you have.", "")
    empty.evaluation_criteria.actions = []
    return empty


TASKS = [
    task("right", "Ask for a new task with the title 'Buy milk'.", "Buy milk"),
    task("title_is_not_said", "Ask for a new task for the shopping.", "Buy oat milk at the market"),
    task("right_again", "Ask for a new task with the title 'Buy milk'.", "Buy milk"),
    does_nothing(),
]


def main():
    """Audit the tasks, and print what is wrong with them."""
    report = audit_domain(registry.domains.get("mock"), TASKS)
    for finding in report.findings:
        print(f"{finding.task_id}: {finding.check}: {finding.text}")
    print(f"{report.tasks} tasks, {len(report.findings)} findings")


if __name__ == "__main__":
    main()
