"""An agent that is a program with a loop of its own: the calls that it makes are the agent's turns.

The program is on one side, the runner on the other, and each may have its own event loop, in its
own thread. A `ProgramSession` is what they exchange in one episode.
"""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from tau2.agent.base_agent import HalfDuplexAgent, ValidAgentInputMessage
from tau2.data_model.conventions import STOP
from tau2.data_model.message import AssistantMessage, Message
from tau2.environment.tool import Tool
from tau2.errors import AgentError, ConfigError

PATIENCE = 600.0
"""Seconds for which a program may make no call while it is the agent's turn."""

ResultT = TypeVar("ResultT")


async def result_of(future: Future[ResultT], seconds: float | None = None) -> ResultT:
    """Return the result of a future that another thread sets; a cancellation leaves it alone.

    Raise TimeoutError after `seconds`.
    """
    loop = asyncio.get_running_loop()
    waiter: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        if not waiter.done():
            waiter.set_result(None)

    def tell(_future: Future[ResultT]) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(wake)

    future.add_done_callback(tell)
    async with asyncio.timeout(seconds):
        await waiter
    return future.result()


@dataclass(frozen=True, slots=True)
class EpisodeOffer:
    """What a program is told of the episode that it plays."""

    tools: tuple[Tool, ...]
    read_only: frozenset[str]
    """Names of the tools that change nothing."""
    policy: str
    ticket: str | None = None
    """What a solo agent works on; None: there is a customer to talk to."""


@dataclass(frozen=True, slots=True)
class Asked:
    """It is the agent's turn."""

    observation: ValidAgentInputMessage | None
    """What it answers; None opens a solo episode."""


class ProgramSession:
    """One program in one episode.

    The runner's side awaits `next_message`; the program's side awaits `act` and `asked`. The other
    methods may be called from any thread.
    """

    def __init__(self, patience: float = PATIENCE) -> None:
        """Begin without an episode; see `PATIENCE`."""
        self._patience = patience
        self.offered: Future[EpisodeOffer] = Future()
        """Set when the session gets an episode."""
        self.begun: Future[bool] = Future()
        """Set at the program's first call; False when it leaves before."""
        self.history: list[Message] = []
        """The conversation before the agent's first turn."""
        self._lock = threading.Lock()
        self._asked: Future[Asked | None] = Future()
        self._answer: Future[AssistantMessage] | None = None
        self._calls = asyncio.Lock()  # belongs to the event loop of the program's side
        self._over: Future[None] = Future()
        self._is_gone = False
        self._failure: Exception | None = None
        self._touched = time.monotonic()

    @property
    def is_over(self) -> bool:
        """Whether the conversation has ended."""
        return self._over.done()

    @property
    def has_begun(self) -> bool:
        """Whether the program has made a call."""
        begun = self.begun
        return begun.done() and begun.exception() is None and begun.result()

    async def ended(self) -> None:
        """Wait for the end of the conversation."""
        await result_of(self._over)

    def begin(self) -> None:
        """Note a call of the program; the first one starts the episode."""
        self._touched = time.monotonic()
        with self._lock:
            if not self.begun.done():
                self.begun.set_result(True)

    def leave(self) -> None:
        """Note that the program has closed its session: the agent ends the conversation."""
        with self._lock:
            self._is_gone = True
            answer = self._answer
            self._answer = None
            if not self.begun.done():
                self.begun.set_result(False)
        if answer is not None:
            answer.set_result(goodbye())

    def vanish(self, problem: Exception) -> None:
        """Note that the program is gone: the agent's turn raises `problem`.

        Before its first call it has merely left.
        """
        if self.begun.done():
            self.fail(problem)
        else:
            self.leave()

    def fail(self, problem: Exception) -> None:
        """Note that the episode has failed: the agent's turn raises `problem`."""
        with self._lock:
            self._failure = problem
            answer = self._answer
            self._answer = None
            if not self.begun.done():
                self.begun.set_exception(problem)
        if answer is not None:
            answer.set_exception(problem)

    def close(self) -> None:
        """Note that the conversation is over: the program is told so from now on."""
        with self._lock:
            if self._over.done():
                return
            self._over.set_result(None)
            self._answer = None
            if self._asked.done():
                self._asked = Future()
            self._asked.set_result(None)

    async def begins(self) -> bool:
        """Return whether the program makes a call before it leaves, or is silent for too long.

        Raise what `fail` was given.
        """
        try:
            return await result_of(self.begun, self._patience)
        except TimeoutError:
            self.leave()
            return False

    async def next_message(self, observation: ValidAgentInputMessage | None) -> AssistantMessage:
        """Return what the program does next. Raise AgentError when it is silent for too long."""
        with self._lock:
            if self._failure is not None:
                raise self._failure
            if self._is_gone:
                return goodbye()
            answer = self._answer = Future()
            asked = self._asked
        self._touched = time.monotonic()
        asked.set_result(Asked(observation))
        while (left := self._touched + self._patience - time.monotonic()) > 0:
            with suppress(TimeoutError):
                return await result_of(answer, left)
        raise AgentError(f"the program made no call for {self._patience:g} seconds")

    async def asked(self) -> Asked | None:
        """Wait for the agent's turn and return it; None when the conversation is over."""
        with self._lock:
            asked = self._asked
        return await result_of(asked)

    async def act(self, message: AssistantMessage) -> Asked | None:
        """Take the agent's turn and return the next one; None when the conversation is over.

        Calls that are made at once are played one after another, in the order of their arrival.
        """
        async with self._calls:
            if await self.asked() is None:
                return None
            self._give(message)
            return await self.asked()

    def _give(self, message: AssistantMessage) -> None:
        with self._lock:
            answer = self._answer
            if answer is None:  # the conversation has just ended
                return
            self._answer = None
            self._asked = Future()
        answer.set_result(message)


def goodbye(text: str = "") -> AssistantMessage:
    """Return the agent's message that ends the conversation."""
    return AssistantMessage(content=f"{text} {STOP}".strip())


class ProgramAgent(HalfDuplexAgent[None]):
    """An agent whose messages are the calls of a program."""

    def __init__(
        self,
        tools: list[Tool],
        domain_policy: str,
        session: ProgramSession,
    ) -> None:
        """Take the turns of `session`."""
        super().__init__(tools, domain_policy)
        self._session = session

    def get_init_state(self, message_history: list[Message] | None = None) -> None:
        """Show the program the conversation so far."""
        self._session.history = list(message_history or ())

    async def agenerate_next_message(
        self, message: ValidAgentInputMessage | None, state: None
    ) -> tuple[AssistantMessage, None]:
        """Return what the program does next. Raise AgentError when it is silent for too long."""
        return await self._session.next_message(message), state

    def stop(self, message: object = None, state: None = None) -> None:
        """Tell the program that the conversation is over."""
        self._session.close()

    @classmethod
    def is_stop(cls, message: AssistantMessage) -> bool:
        """Return whether this message of the agent ends the conversation."""
        return STOP in (message.content or "")


def make_program_agent(
    tools: list[Tool],
    domain_policy: str,
    session: ProgramSession | None = None,
    **_unused: object,
) -> ProgramAgent:
    """Return the agent of a session. Raise ConfigError without one."""
    if session is None:
        raise ConfigError(
            "this agent is a program that connects to tau2: play with `tau2 serve-domain`"
        )
    return ProgramAgent(tools, domain_policy, session)
