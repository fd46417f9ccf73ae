"""Grade stored conversations again after a task has changed, without playing them.

    python grade_again.py

`tau2 evaluate-trajs RUN --fresh-tasks` does the same for runs on disk.
"""

from tau2 import TextRunConfig
from tau2.runner import get_tasks, run_tasks
from tau2.runner.regrade import regrade


def main():
    """Play a task, ask for more than was asked for then, and grade the conversations again."""
    tasks = get_tasks("mock", task_ids=["create_task_1", "update_task_1"])
    config = TextRunConfig(domain="mock", agent="oracle_agent", user="scripted_user", num_trials=2)
    results = run_tasks(config, tasks, console_display=False)
    print(f"as it was played: average reward {results.average_reward():.2f}")

    for task in results.tasks:
        if task.id == "create_task_1":  # from now on, the agent has to name the day
            task.evaluation_criteria.communicate_info = ["Thursday"]
    again = regrade(results)
    print(f"graded again:     average reward {again.average_after:.2f}")
    for change in again.changes:
        trial = f"{change.task_id}, trial {change.trial}"
        print(f"{trial}: {change.before} -> {change.after}: {change.reason}")


if __name__ == "__main__":
    main()
