"""Trajectories made without a model: those of the reference actions, and those of baselines."""

from __future__ import annotations

import random
from collections.abc import Sequence
from copy import copy
from typing import Any

from tau2.audit.values import called_tool, values_of
from tau2.data_model.conventions import TRANSFER_TOOL
from tau2.data_model.message import (
    AssistantMessage,
    Message,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from tau2.data_model.simulation import SimulationRun, TerminationReason
from tau2.data_model.tasks import Action
from tau2.environment.cow import clone
from tau2.environment.environment import Environment
from tau2.environment.task_setup import TaskSetup
from tau2.evaluator.evaluator import EvaluationType, grade
from tau2.seeds import derive_seed, numbered_call_id

_CONFIRMED = ("Shall I go ahead with this?", "Yes, please go ahead.")


class ScriptedEpisode:
    """An environment on which calls are made, and the trajectory so far."""

    def __init__(self, setup: TaskSetup) -> None:
        self.setup = setup
        self.environment: Environment = setup.start()
        self.messages: list[Message] = []
        self.errors: list[str] = []

    def fork(self) -> ScriptedEpisode:
        """Return an independent episode that goes on from here."""
        child = copy(self)
        child.environment = self.environment.fork()
        child.messages = list(self.messages)
        child.errors = list(self.errors)
        return child

    def agent_says(self, text: str) -> None:
        """Add a message of the agent."""
        self.messages.append(AssistantMessage(content=text, cost=0.0))

    def user_says(self, text: str) -> None:
        """Add a message of the user."""
        self.messages.append(UserMessage(content=text, cost=0.0))

    def call(self, name: str, arguments: dict[str, Any], requestor: str = "assistant") -> str:
        """Make a tool call and return its result; an error is added to `errors`."""
        call = ToolCall(
            id=numbered_call_id(len(self.messages)),
            name=name,
            arguments=clone(arguments),
            requestor="user" if requestor == "user" else "assistant",
        )
        kind = UserMessage if requestor == "user" else AssistantMessage
        result = self.environment.get_response(call)
        self.messages += [kind(tool_calls=[call], cost=0.0), result]
        if is_refused(self.environment, result):
            self.errors.append(f"{name}({arguments}): {result.content}")
        return result.content or ""

    def reward(self) -> float:
        """Return what the trajectory earns, as if the customer had ended the conversation."""
        now = "2000-01-01T00:00:00"
        run = SimulationRun(
            id="audit",
            task_id=self.setup.task.id,
            start_time=now,
            end_time=now,
            duration=0.0,
            termination_reason=TerminationReason.USER_STOP,
            messages=self.messages,
        )
        return grade(run, self.setup, EvaluationType.ALL, live=self.environment).reward


def is_refused(environment: Environment, result: ToolMessage) -> bool:
    """Return whether a call was refused; with `strict_compat` a refusal may be a mere text."""
    if result.error or not environment.strict_compat:
        return result.error
    return (result.content or "").startswith("Error")


def call_of(action: Action) -> ToolCall:
    """Return a reference action as a tool call."""
    return ToolCall(
        id="audit", name=action.name, arguments=clone(action.arguments), requestor=action.requestor
    )


def is_write(environment: Environment, action: Action) -> bool:
    """Return whether a reference action changes the environment."""
    toolkit = environment.user_tools if action.requestor == "user" else environment.tools
    return (
        toolkit is not None
        and toolkit.has_tool(action.name)
        and toolkit.tool_mutates_state(action.name)
    )


def play_reference(setup: TaskSetup, actions: Sequence[Action] | None = None) -> ScriptedEpisode:
    """Execute the reference (or `actions`), confirm each write, then state the information."""
    episode = begin_reference(setup)
    execute_and_confirm(episode, setup.task.reference_actions if actions is None else actions)
    return state_information(episode)


def begin_reference(setup: TaskSetup) -> ScriptedEpisode:
    """Return an episode in which the customer has said what they want."""
    episode = ScriptedEpisode(setup)
    episode.user_says(str(setup.task.user_scenario.instructions))
    return episode


def execute_and_confirm(episode: ScriptedEpisode, actions: Sequence[Action]) -> None:
    """Execute actions and confirm each write."""
    for action in actions:
        if action.requestor == "assistant" and is_write(episode.environment, action):
            episode.agent_says(f"I would now do this: {action.get_func_format()}. {_CONFIRMED[0]}")
            episode.user_says(_CONFIRMED[1])
        episode.call(action.name, action.arguments, action.requestor)


def state_information(episode: ScriptedEpisode) -> ScriptedEpisode:
    """State the information that the task asks for, and return the episode."""
    criteria = episode.setup.task.evaluation_criteria
    for info in (criteria.communicate_info if criteria else None) or ():
        episode.agent_says(f"For your records: {info}")
    return episode


def do_nothing(setup: TaskSetup) -> ScriptedEpisode:
    """Say goodbye at once."""
    episode = ScriptedEpisode(setup)
    episode.agent_says("Goodbye.")
    return episode


def hand_over(setup: TaskSetup) -> ScriptedEpisode:
    """Hand over at once, where that is possible."""
    episode = ScriptedEpisode(setup)
    if episode.environment.tools is not None and episode.environment.tools.has_tool(TRANSFER_TOOL):
        episode.call(TRANSFER_TOOL, {"summary": "The customer needs help."})
    episode.agent_says("You are being transferred to a human agent.")
    return episode


def read_only(setup: TaskSetup) -> ScriptedEpisode:
    """Make the reading calls of the reference and change nothing."""
    episode = ScriptedEpisode(setup)
    for action in setup.task.reference_actions:
        if not is_write(episode.environment, action) and action.name != TRANSFER_TOOL:
            episode.call(action.name, action.arguments, action.requestor)
    episode.agent_says("I am sorry, there is nothing that I can do.")
    return episode


def without_reading(setup: TaskSetup) -> ScriptedEpisode:
    """Do of the reference what an agent can do that reads no document.

    It knows the listed tools, what the customer says and what results show. So it calls no
    discoverable tool, whose name it cannot know, and leaves out every call with a text that stands
    only in a document, or that is one of several choices of which a document says which to take.
    """
    episode = ScriptedEpisode(setup)
    known = f"{setup.task.user_scenario}".lower()
    for action in setup.task.reference_actions:
        texts = values_of(action)
        if called_tool(action) != action.name or not all(
            one.argument == "summary" or one.value.lower() in known for one in texts
        ):
            continue
        known += episode.call(action.name, action.arguments, action.requestor).lower()
    episode.agent_says("I am sorry, there is nothing more that I can do.")
    return episode


def random_calls(setup: TaskSetup, seed: int, count: int = 8) -> ScriptedEpisode:
    """Call random tools of the agent with values from the reference, but never the reference."""
    episode = ScriptedEpisode(setup)
    derived = derive_seed(seed, "audit", setup.task.id)
    rng = random.Random(derived)  # noqa: S311  -- reproducible, not a secret
    tools = [tool for tool in episode.environment.get_tools() if tool.name != TRANSFER_TOOL]
    actions = setup.task.reference_actions
    vocabulary = [value for action in actions for value in action.arguments.values()] or ["x"]
    for _ in range(count):
        tool = rng.choice(tools)
        arguments = {name: rng.choice(vocabulary) for name in tool.params.model_fields}
        call = ToolCall(id="", name=tool.name, arguments=arguments)
        if not any(action.compare_with_tool_call(call) for action in actions):
            episode.call(tool.name, arguments)
    episode.agent_says("Goodbye.")
    return episode
