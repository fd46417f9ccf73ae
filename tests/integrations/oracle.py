"""Scripts that solve a task: what the reference agent says and does, and what `Orchestrator.run`
makes of it."""

from __future__ import annotations

import random
from dataclasses import dataclass

from tau2.agent.oracle_agent import create_oracle_agent
from tau2.data_model.message import AssistantMessage
from tau2.data_model.tasks import Task
from tau2.evaluator.evaluator import EvaluationType, needs_judge
from tau2.integrations import EpisodeOutcome
from tau2.rollout import RolloutSetup
from tau2.runner.simulation import run_simulation
from tau2.runner.tasks import get_tasks
from tau2.seeds import derive_seed

DOMAINS = ("mock", "retail", "telecom")
SEED = 11


@dataclass(frozen=True)
class Script:
    """The agent's moves in one episode, and how the episode ended."""

    domain: str
    task_id: str
    seed: int
    moves: tuple[AssistantMessage, ...]
    reward: float
    db_hash: str | None
    user_db_hash: str | None

    @property
    def options(self) -> dict[str, object]:
        """What makes an `Episode` of the same kind."""
        return {"user": "scripted_user"}

    def ends_as(self, outcome: EpisodeOutcome) -> bool:
        """Return whether an episode ended with the same reward in the same worlds."""
        return (outcome.reward, outcome.db_hash, outcome.user_db_hash) == (
            self.reward,
            self.db_hash,
            self.user_db_hash,
        )


def script_of(domain: str, seed: int = SEED) -> Script:
    """Return the script of a task that the reference agent solves, needs no judge and begins at the
    beginning."""
    tasks = [task for task in get_tasks(domain) if _fits(task)]
    random.Random(derive_seed(3, "integrations", domain)).shuffle(tasks)
    return next(
        script for script in (_played(domain, task, seed) for task in tasks) if script.reward == 1.0
    )


def _fits(task: Task) -> bool:
    begins = task.initial_state is None or not task.initial_state.message_history
    return (
        task.evaluation_criteria is not None
        and begins
        and not needs_judge(task, EvaluationType.ALL)
    )


def _played(domain: str, task: Task, seed: int) -> Script:
    cast = RolloutSetup(domain, user="scripted_user")
    environment = cast.new_environment()
    agent = create_oracle_agent(environment.get_tools(), environment.get_policy(), task=task)
    run = run_simulation(
        cast.wire(task, environment, agent, cast.make_user(environment, task), seed)
    )
    moves = [
        message for message in run.messages[1:] if isinstance(message, AssistantMessage)
    ]  # after the greeting
    hashes = environment.get_db_hash(), environment.get_user_db_hash()
    return Script(domain, task.id, seed, tuple(moves), run.reward_info.reward, *hashes)
