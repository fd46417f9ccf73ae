"""One run on a Ray cluster, with one budget and one limit for all of its nodes.

    python ray_run.py
    RAY_ADDRESS=auto python ray_run.py --domain retail --model openai/gpt-4.1

Needs Ray: pip install 'tau2-bench[ray]'. Without RAY_ADDRESS, Ray is started on this machine;
without --model, the reference agent plays, which costs nothing.
"""

import argparse

from tau2 import TextRunConfig
from tau2.runner import get_tasks, run_tasks
from tau2.runner.events import RunCounted, SimulationStored

WHO = {"agent": "oracle_agent", "user": "scripted_user"}


def main():
    """Play the tasks, and print what is done as it is done."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--domain", default="mock")
    parser.add_argument("--model", help="plays the agent and the user")
    parser.add_argument("--tasks", type=int, default=4)
    parser.add_argument("--save", help="a folder, so that the run can be resumed")
    options = parser.parse_args()

    models = {"llm_agent": options.model, "llm_user": options.model} if options.model else WHO
    config = TextRunConfig(
        domain=options.domain,
        executor="ray",
        workers=2,
        max_concurrency=8,
        max_cost=5.0,
        provider_limits={"openai": {"in_flight": 40, "rpm": 500}},
        auto_resume=True,
        **models,
    )

    def show(event):
        if isinstance(event, SimulationStored):
            print(f"{event.done} of {event.total}: {event.run.task_id}")
        if isinstance(event, RunCounted):
            print(f"spent ${event.spent:.2f} of ${event.max_cost:.2f}")

    tasks = get_tasks(options.domain, num_tasks=options.tasks)
    results = run_tasks(config, tasks, save_dir=options.save, sink=show)
    rewards = [run.reward_info.reward for run in results.simulations if run.is_scored]
    print(f"average reward {sum(rewards) / len(rewards):.3f} of {len(rewards)} simulations")


if __name__ == "__main__":
    main()
