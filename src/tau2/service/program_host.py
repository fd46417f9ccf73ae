"""What gives every program that connects the next episode of a run."""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import TypeAlias

from tau2.agent.program_agent import (
    PATIENCE,
    EpisodeOffer,
    ProgramSession,
    make_program_agent,
    result_of,
)
from tau2.data_model.tasks import Task
from tau2.environment.environment import Environment
from tau2.environment.tool import Tool
from tau2.errors import ConfigError, ModelUnavailable
from tau2.participant.spec import AgentSpec
from tau2.service.program_launch import Launched
from tau2.service.program_tools import offer_of

Launch: TypeAlias = Callable[[str], AbstractAsyncContextManager[Launched]]
"""Calls a program for the episode of a name."""

AGENT = "mcp_agent"
"""How runs name an agent that is a program which connects."""
SOLO_AGENT = "mcp_agent_solo"

JOIN_SECONDS = 30.0
"""For which a program that connects waits for an episode."""
_NAME_BYTES = 24
MOST_WAITING = 256
"""Programs that wait at a time."""
_ALL_PLAYED = "all episodes of this run have been played"


class ProgramHost:
    """The programs that wait for an episode, and the episodes that wait for a program.

    Programs join on the event loop of a server; episodes are played on that of the run.
    """

    def __init__(
        self,
        patience: float = PATIENCE,
        on_begin: Callable[[str, int], None] | None = None,
        *,
        is_for_called: bool = False,
    ) -> None:
        """Begin without any; see `PATIENCE`.

        `on_begin` is called with the task and the trial that a program has begun, on the event loop
        of the run. Where programs are called for episodes, no other may join.
        """
        self.launch: Launch | None = None
        """Calls a program for the episode of a name; None: programs come by themselves."""
        self._is_for_called = is_for_called
        self._called: dict[str, ProgramSession] = {}
        self._patience = patience
        self._on_begin = on_begin
        self._lock = threading.Lock()
        self._programs: deque[ProgramSession] = deque()
        self._episodes: deque[Future[ProgramSession]] = deque()
        self._playing: set[ProgramSession] = set()
        self._is_closed = False
        self._problem = ""

    def spec(self, *, solo: bool = False) -> AgentSpec:
        """Return the agent of a run whose episodes these programs play."""
        return AgentSpec(
            SOLO_AGENT if solo else AGENT,
            make=make_program_agent,
            accepts=can_be_played_solo if solo else None,
            solo=solo,
            needs_model=False,
            metadata={"solo_mode": solo},
            description="a program that takes the domain's tools over MCP (tau2 serve-domain)",
            session=self.session,
        )

    async def join(
        self, name: str = "", *, is_only_one: bool = False
    ) -> tuple[ProgramSession, EpisodeOffer]:
        """Return the session of a program that has connected, and what it plays.

        Raise ConfigError when there is no episode for it, or not in time. A program that was called
        gives the name of its episode. The only program of a run waits for as long as the run takes
        to begin.
        """
        if self.launch is not None or self._is_for_called:
            return self._called_for(name)
        session = self._joined()
        try:
            seconds = None if is_only_one else JOIN_SECONDS
            return session, await result_of(session.offered, seconds)
        except TimeoutError:
            raise ConfigError(
                "as many episodes are under way as may be at once; try again when one is over "
                "(--max-concurrency allows more)"
            ) from None
        except asyncio.CancelledError:  # it waits no longer, whether or not it got an episode
            session.leave()
            raise
        finally:
            if not session.offered.done():
                session.leave()

    def _called_for(self, name: str) -> tuple[ProgramSession, EpisodeOffer]:
        with self._lock:
            session = self._called.get(name)
        if session is None:
            raise ConfigError("only the program that was called for an episode plays it")
        return session, session.offered.result()

    def _joined(self) -> ProgramSession:
        session = ProgramSession(self._patience)
        with self._lock:
            if self._is_closed:
                raise ConfigError(_ALL_PLAYED)
            if self._episodes:
                self._episodes.popleft().set_result(session)
            elif len(self._programs) >= MOST_WAITING:
                raise ConfigError("too many programs wait for an episode")
            else:
                self._programs.append(session)
        return session

    def close(self) -> None:
        """Take no more programs."""
        with self._lock:
            self._is_closed = True
            waiting = list(self._programs)
            self._programs.clear()
        for session in waiting:
            session.offered.set_exception(ConfigError(_ALL_PLAYED))

    def abandon(self, problem: str) -> None:
        """Note that no program can connect any more: what is played fails, unless all was played.

        Nothing of it is a program's fault.
        """
        with self._lock:
            if self._is_closed:
                return
            self._problem = problem
            playing = list(self._playing)
            waiting = list(self._episodes)
            self._episodes.clear()
        for session in playing:
            session.fail(ModelUnavailable(problem))
        for episode in waiting:
            episode.set_exception(ModelUnavailable(problem))
        self.close()

    @contextmanager
    def _noted(self, session: ProgramSession) -> Iterator[None]:
        """Note that a session is played. Raise ModelUnavailable when it cannot be."""
        with self._lock:
            self._check()
            self._playing.add(session)
        try:
            yield
        finally:
            with self._lock:
                self._playing.discard(session)

    def _check(self) -> None:
        if self._problem:
            raise ModelUnavailable(self._problem)

    async def _next_program(self) -> ProgramSession:
        with self._lock:
            self._check()
            while self._programs:
                session = self._programs.popleft()
                if not session.begun.done():  # else it has left
                    return session
            waiting: Future[ProgramSession] = Future()
            self._episodes.append(waiting)
        try:
            return await result_of(waiting)
        finally:
            with self._lock:
                if waiting in self._episodes:  # cancelled
                    self._episodes.remove(waiting)

    @asynccontextmanager
    async def session(
        self,
        tools: list[Tool],
        domain_policy: str,
        *,
        task: Task,
        trial: int,
        environment: Environment,
    ) -> AsyncIterator[ProgramSession]:
        """Wait for a program that plays a task, and give its session.

        A program that leaves before its first call has played nothing: the next one plays.
        """
        offer = offered(tools, domain_policy, task, environment)
        if self.launch is not None:
            async with self.called(self.launch, offer, self._patience) as session:
                self._tell_of(task.id, trial)
                yield session
            return
        session = await self._next_program()
        session.offered.set_result(offer)
        while not await session.begins():
            session.close()
            session = await self._next_program()
            session.offered.set_result(offer)
        self._tell_of(task.id, trial)
        try:
            with self._noted(session):
                yield session
        finally:
            session.close()

    def _tell_of(self, task_id: str, trial: int) -> None:
        if self._on_begin is not None:
            self._on_begin(task_id, trial)

    @asynccontextmanager
    async def called(
        self, launch: Launch, offer: EpisodeOffer, patience: float = PATIENCE
    ) -> AsyncIterator[ProgramSession]:
        """Call a program for an episode, and give its session from its first call on.

        Raise ModelUnavailable when it fails, or ends or is silent before its first call.
        """
        name = secrets.token_urlsafe(_NAME_BYTES)
        session = ProgramSession(patience)
        session.offered.set_result(offer)
        with self._lock:
            self._called[name] = session
        try:
            async with launch(name) as ended:
                watching = asyncio.ensure_future(_watch(session, ended))
                try:
                    with self._noted(session):
                        if not await session.begins():
                            raise _no_call(watching)
                        yield session
                finally:
                    session.close()
                    watching.cancel()
                    await asyncio.gather(watching, return_exceptions=True)
        finally:
            with self._lock:
                del self._called[name]


def offered(
    tools: list[Tool], domain_policy: str, task: Task, environment: Environment
) -> EpisodeOffer:
    """Return what a program is told of the episode of a task."""
    ticket = (task.ticket or "") if environment.solo_mode else None
    return offer_of(environment, tools, domain_policy, ticket)


async def _watch(session: ProgramSession, ended: Launched) -> str:
    """End the agent's part when its program ends, and return how it ended."""
    try:
        how = await ended
    except ModelUnavailable as problem:
        session.fail(problem)
        raise
    session.leave()
    return how


def _no_call(watching: asyncio.Task[str]) -> ModelUnavailable:
    """Return the error of a program that has not played; the run stops when this goes on."""
    has_ended = watching.done() and not watching.cancelled() and watching.exception() is None
    how = f": {watching.result()}" if has_ended else ""
    error = ModelUnavailable(f"the program made no call of a tool{how}")
    error.model = "the program"
    return error


def can_be_played_solo(task: Task) -> bool:
    """Return whether a task says what an agent without a user works on."""
    from tau2.agent.llm_agent import LLMSoloAgent  # noqa: PLC0415  -- only solo runs load it

    return LLMSoloAgent.check_valid_task(task)
