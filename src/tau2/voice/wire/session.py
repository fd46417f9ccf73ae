"""What both protocols have in common: numbered events, a clock, and work for a driver."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from tau2.participant.protocols import AgentProtocol
from tau2.utils.json_types import JsonObject
from tau2.voice.cascade.cascade import TextForm
from tau2.voice.cascade.settings import CascadeSettings, Latency
from tau2.voice.cascade.work import Job, JobResult, Work
from tau2.voice.speech.protocols import VoiceActivityDetector
from tau2.voice.wire.reading import Reader, WireError, read_event

_MOST_JOBS = 256
"""Under way for one client: far more than anybody says before the first of it is recognized."""

MakeAgent: TypeAlias = Callable[[str, list[JsonObject]], AgentProtocol]
"""Returns a text agent for instructions and tools; tools are in the form of chat completions."""


@dataclass(frozen=True, slots=True)
class WireSetup:
    """What a session is served with."""

    make_agent: MakeAgent
    detector: VoiceActivityDetector
    settings: CascadeSettings = field(default_factory=lambda: CascadeSettings(latency=Latency(0.0)))
    """The latency is added to the time that the agent really takes."""
    to_written: TextForm = str.strip
    to_spoken: TextForm = str.strip
    generation_speed: float = 4.0
    """How many seconds of speech are sent in a second, where the protocol sends ahead."""


class WireSession:
    """One client's session.

    What the client sends goes to `receive`; time that passes without any goes to `advance`. Both
    return the events to send. `take_work` returns what is to be done; the result of each goes to
    `finish`, and a failure to `fail`. None of them raises for what a client sends.
    """

    def __init__(self, setup: WireSetup, identifier: str) -> None:
        self._setup = setup
        self.id = identifier
        self.is_closed = False
        """Whether the connection is to be closed, once the last events are sent."""
        self._events: list[JsonObject] = []
        self._event_count = 0
        self._item_count = 0

    def open(self) -> list[JsonObject]:
        """Return the events that greet a client."""
        return self._sent()

    def receive(self, data: object) -> list[JsonObject]:
        """Take an event of the client: text, bytes, or an object that was parsed."""
        event_id = None
        if not self.is_closed:
            try:
                event = read_event(data)
                given = event.get("event_id")
                event_id = given if isinstance(given, str) else None
                self._handle(event["type"], Reader(event))
            except WireError as problem:
                self._refuse(problem, event_id)
        return self._sent()

    def advance(self, seconds: float) -> list[JsonObject]:
        """Let time pass."""
        if not self.is_closed:
            self._pass(seconds)
        return self._sent()

    def expire(self) -> list[JsonObject]:
        """End the session because it has lasted long enough."""
        if not self.is_closed:
            self._expire()
        self.is_closed = True
        return self._sent()

    def take_work(self) -> Sequence[Work]:
        """Return what is to be done and was not returned before."""
        raise NotImplementedError

    def finish(self, work_id: int, result: JobResult) -> list[JsonObject]:
        """Hand in the result of a job."""
        raise NotImplementedError

    def fail(self, work_id: int, problem: str) -> list[JsonObject]:
        """Report that a job failed, in a sentence that the client may read."""
        raise NotImplementedError

    def _handle(self, kind: str, event: Reader) -> None:
        """Take an event. Raise WireError for one that cannot be accepted."""
        raise NotImplementedError

    def _refuse(self, problem: WireError, event_id: str | None) -> None:
        raise NotImplementedError

    def _pass(self, seconds: float) -> None:
        raise NotImplementedError

    def _expire(self) -> None:
        raise NotImplementedError

    def _send(self, kind: str, **fields: Any) -> None:
        self._event_count += 1
        self._events.append({"type": kind, "event_id": f"event_{self._event_count}", **fields})

    def _sent(self) -> list[JsonObject]:
        events = self._events
        self._events = []
        return events

    def _new_id(self, kind: str) -> str:
        self._item_count += 1
        return f"{kind}_{self._item_count}"


def check_jobs(under_way: int, further: int = 1) -> None:
    """Raise WireError where a client would have too many jobs under way."""
    if under_way + further > _MOST_JOBS:
        raise WireError(
            "rate_limit_exceeded",
            f"at most {_MOST_JOBS} pieces of speech are recognized or made at once; "
            "send more once some are done",
        )


class WorkList:
    """Jobs, and who waits for them. Its length counts those without a result."""

    def __init__(self) -> None:
        self._count = 0
        self._new: list[Work] = []
        self._waiting: dict[int, tuple[Callable[[Any], None], Callable[[str], None]]] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, job: Job, done: Callable[[Any], None], failed: Callable[[str], None]) -> None:
        """Have a job done; one of the two functions is called then."""
        self._count += 1
        self._new.append(Work(self._count, job))
        self._waiting[self._count] = done, failed

    def take(self) -> list[Work]:
        """Return the jobs that were not returned before."""
        new = self._new
        self._new = []
        return new

    def finish(self, work_id: int, result: JobResult) -> None:
        """Hand in a result."""
        self._waiting.pop(work_id)[0](result)

    def fail(self, work_id: int, problem: str) -> None:
        """Report a failure."""
        self._waiting.pop(work_id)[1](problem)
