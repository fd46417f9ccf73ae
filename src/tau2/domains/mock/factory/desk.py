"""A task in the making: an invented team with its lists, and what one of its people wants."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from tau2.data_model.conventions import TRANSFER_TOOL
from tau2.data_model.tasks import (
    Action,
    Description,
    EvaluationCriteria,
    InitializationData,
    InitialState,
    RewardType,
    Task,
    UserScenario,
)
from tau2.environment.db import read_data_file
from tau2.taskgen.drafts import ReferenceCall

_PERSONAS = (
    None,
    "Brisk and to the point",
    "Friendly and in no hurry",
    "Busy, writes short messages",
)
_OPEN_SHARE = 2 / 3  # of the tasks that are there before the conversation


@cache
def words() -> Mapping[str, Any]:
    """Return the names, titles and wishes that tasks are made of."""
    content: Mapping[str, Any] = read_data_file(Path(__file__).with_name("words.toml"))
    return content


class Desk:
    """Records the instructions of the person who calls, and the reference that serves them."""

    def __init__(self, rng: Random) -> None:
        """Invent a team of two to four people, one of whom calls and has at least two tasks."""
        self.rng = rng
        self.calls: list[ReferenceCall] = []
        self.sentences: list[str] = []
        self._titles = iter(rng.sample(_titles(), 16))
        team = range(1, rng.randint(2, 4) + 1)
        first_names = rng.sample(words()["first_names"], len(team))
        last_names = rng.sample(words()["last_names"], len(team))
        self.names = {
            f"user_{number}": f"{first_names[number - 1]} {last_names[number - 1]}"
            for number in team
        }
        self.user_id = rng.choice(list(self.names))
        self.tasks: dict[str, dict[str, Any]] = {}
        self.lists: dict[str, list[str]] = {user_id: [] for user_id in self.names}
        owners = [*rng.choices(list(self.names), k=rng.randint(1, 4)), self.user_id, self.user_id]
        rng.shuffle(owners)
        for owner in owners:
            self._add_task(owner)

    def _add_task(self, owner: str) -> None:
        task_id = f"task_{len(self.tasks) + 1}"
        self.tasks[task_id] = {
            "task_id": task_id,
            "title": self.new_title(),
            "description": None,
            "status": "pending" if self.rng.random() < _OPEN_SHARE else "completed",
        }
        self.lists[owner].append(task_id)

    @property
    def name(self) -> str:
        """The name of the person who calls."""
        return self.names[self.user_id]

    def new_title(self) -> str:
        """Return a title that no other task of the team has."""
        return next(self._titles)

    def own_task(self) -> str:
        """Return a task of the person who calls that no call is about yet."""
        used = {call.arguments.get("task_id") for call in self.calls}
        return self.rng.choice([one for one in self.lists[self.user_id] if one not in used])

    def say(self, *sentences: str) -> None:
        """Add sentences to the instructions."""
        self.sentences += sentences

    def do(self, name: str, **arguments: str) -> None:
        """Add a call to the reference."""
        self.calls.append(ReferenceCall(name, arguments))

    def introduce(self) -> None:
        """Let the person who calls be known by the user id."""
        self.say(f"You are {self.user_id}.")

    def wish_for_task(self, *, described: bool = False) -> None:
        """Add the wish for a new task on the own list."""
        title = self.new_title()
        self.say(f"Ask for a task with the title '{title}' for {self.user_id}.")
        if not described:
            self.say("You do not need a description.")
            self.do("create_task", user_id=self.user_id, title=title)
            return
        description = self.rng.choice(words()["descriptions"])
        self.say(f"Its description shall be '{description}'.")
        self.do("create_task", user_id=self.user_id, title=title, description=description)

    def wish_for_status(self, status: str) -> None:
        """Add the wish that a task of the own list, which has the other status, is marked so."""
        task_id = self.own_task()
        self.tasks[task_id]["status"] = "completed" if status == "pending" else "pending"
        self.say(f"Ask for {task_id} to be marked as {status}.")
        self.do("update_task_status", task_id=task_id, status=status)

    def wish_for_the_impossible(self) -> None:
        """Add a wish that no tool can fulfil."""
        chosen = self.rng.choice(words()["impossible"])
        slots = {
            "user": self.user_id,
            "task": self.own_task(),
            "title": self.new_title(),
            "other": self.rng.choice([one for one in self.names if one != self.user_id]),
        }
        wish = chosen["wish"].format(**slots)
        self.say(f"You {wish}. You insist on it; {chosen['insist']}.")
        self.do(TRANSFER_TOOL, summary=chosen["summary"].format(**slots))

    def task(self, task_id: str, kind: str, purpose: str) -> Task:
        """Return the recorded work as a task over a world with the team and its lists."""
        hands_over = any(call.name == TRANSFER_TOOL for call in self.calls)
        basis = [RewardType.DB, RewardType.ACTION] if hands_over else [RewardType.DB]
        return Task(
            id=task_id,
            description=Description(purpose=f"{purpose}.", notes=f"Kind: {kind}."),
            user_scenario=UserScenario(
                persona=self.rng.choice(_PERSONAS), instructions=" ".join(self.sentences)
            ),
            initial_state=InitialState(
                initialization_data=InitializationData(agent_data=self._world())
            ),
            evaluation_criteria=EvaluationCriteria(
                actions=[self._action(task_id, number) for number in range(len(self.calls))],
                reward_basis=basis,
            ),
        )

    def _action(self, task_id: str, number: int) -> Action:
        call = self.calls[number]
        # What the summary of a handover says is the agent's business.
        compared: list[str] | None = [] if call.name == TRANSFER_TOOL else None
        return Action(
            action_id=f"{task_id}_{number}",
            name=call.name,
            arguments=dict(call.arguments),
            compare_args=compared,
        )

    def _world(self) -> dict[str, Any]:
        users = {
            user_id: {"user_id": user_id, "name": name, "tasks": self.lists[user_id]}
            for user_id, name in self.names.items()
        }
        return {"tasks": self.tasks, "users": users}


@cache
def _titles() -> list[str]:
    return [f"{verb} {thing}" for verb in words()["verbs"] for thing in words()["things"]]
