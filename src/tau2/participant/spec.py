"""What an agent or user plug-in exports."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from tau2.data_model.tasks import Task
from tau2.participant.protocols import AgentProtocol, UserProtocol
from tau2.utils.json_types import JsonMapping
from tau2.utils.specs import check_spec

Continues: TypeAlias = Literal["messages", "replies"]
"""How a participant is restored in the middle of an interrupted episode.

`messages`: `get_init_state(message_history)` of the messages so far is its whole state.
`replies`: it is deterministic and costs nothing: it gets the same messages once more, and must
return the same replies.
"""


@dataclass(frozen=True, slots=True)
class AgentSpec:
    """An agent that can be asked for by name."""

    name: str
    """What the agent is asked for by: `tau2 run --agent NAME`."""
    make: Callable[..., AgentProtocol]
    """Returns the agent.

    Called as `make(tools, domain_policy, *, llm, llm_args, task, seed, completion_fn, **more)`.
    """
    accepts: Callable[[Task], bool] | None = None
    """`accepts(task)` says whether the agent can play a task; None accepts all."""
    solo: bool = False
    """Whether it works without a user, on the task's ticket."""
    needs_model: bool = True
    """Whether it calls the model of the run (`--agent-llm`), which is then checked before it."""
    metadata: JsonMapping = field(default_factory=dict)
    """Further entries, for whoever asks `registry.get_agent_metadata(name, key)`."""
    continues: Continues | None = None
    """How an interrupted episode is resumed; None: it starts over."""
    description: str = ""
    """What the agent is, in one line, for `tau2 intro`."""
    session: Callable[..., AbstractAsyncContextManager[Any]] | None = None
    """Opens what the agent needs for one episode: a connection, or a process of its own.

    Called as `session(tools, domain_policy, *, task, trial, seed, environment, config, **more)`,
    where `config` is the configuration of the run. Entered before the episode and its time limit
    begin, and left after its end. What it gives goes to `make` as `session`. An error that it
    raises is an infrastructure failure.
    """
    check: Callable[[Any], None] | None = None
    """`check(config)` raises ConfigError or MissingExtra when the agent cannot play as configured;
    called before a run."""

    def __post_init__(self) -> None:
        """Raise ConfigError for a field that cannot be what it is for."""
        check_spec(self, ("make",), ("accepts", "session"))


@dataclass(frozen=True, slots=True)
class UserSpec:
    """A simulated user that can be asked for by name."""

    name: str
    """What the user is asked for by: `tau2 run --user NAME`."""
    make: Callable[..., UserProtocol]
    """Returns the user.

    Called as `make(*, tools, instructions, llm, llm_args, persona_config, task, seed,
    completion_fn, **more)`.
    """
    needs_model: bool = True
    """Whether it calls the model of the run (`--user-llm`), which is then checked before it."""
    solo: bool = False
    """Whether it only stands in for the absent user of a solo episode."""
    metadata: JsonMapping = field(default_factory=dict)
    """Further entries, by name."""
    continues: Continues | None = None
    """How an interrupted episode is resumed; None: it starts over."""
    description: str = ""
    """What the user is, in one line, for `tau2 intro`."""

    def __post_init__(self) -> None:
        """Raise ConfigError for a field that cannot be what it is for."""
        check_spec(self, ("make",))
