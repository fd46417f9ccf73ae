"""A text agent as the back end of a speaking front end.

The front end tells only that there is something to do; what the customer said since the last time
is what the agent receives. Its answer goes back to be spoken, its tool calls go to the episode like
those of any agent. The agent works in a thread, because calls of models must not stop the audio.
"""

from __future__ import annotations

import contextvars
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeAlias

from tau2.data_model.conventions import STOP
from tau2.data_model.message import (
    AssistantMessage,
    MultiToolMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from tau2.voice.adapters.registry import TextAgent

_NOT_HEARD = "I did not catch what the customer said. Ask them to repeat it."

_MOST_WAITING_TICKS = 15
"""For so many ticks a delegation waits for the transcript that it is about."""

_Turn: TypeAlias = tuple[AssistantMessage, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the front end is to say."""

    text: str
    delegation_id: str | None


class BackEnd:
    """Works on one delegation after another."""

    def __init__(self, make_agent: Callable[[], TextAgent]) -> None:
        """Make the agent of one session."""
        self._agent = make_agent()
        self._state: Any = None
        self._has_begun = False
        self._waiting: deque[str | None] = deque()
        self._waited = 0
        self._heard: list[str] = []
        self._current: str | None = None
        self._is_working = False
        self._turn: Future[_Turn] | None = None
        self._open: dict[str, ToolMessage | None] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="voice-back-end")

    def hear(self, text: str) -> None:
        """Take a piece of what the customer said."""
        self._heard.append(text)

    def delegate(self, delegation_id: str | None) -> None:
        """Take a delegation."""
        self._waiting.append(delegation_id)

    def owns(self, call_id: str) -> bool:
        """Return whether the agent waits for the result of a call."""
        return call_id in self._open

    def answer(self, call_id: str, result: str, *, is_error: bool) -> None:
        """Take the result of a call; the agent goes on when all of its calls have one."""
        self._open[call_id] = ToolMessage(
            id=call_id, content=result, requestor="assistant", error=is_error
        )
        results = list(self._open.values())
        given = [result for result in results if result is not None]
        if len(given) == len(results):
            self._open = {}
            self._ask(given[0] if len(given) == 1 else MultiToolMessage(tool_messages=given))

    def poll(self) -> tuple[list[ToolCall], list[Answer]]:
        """Return the calls and answers of the time since the last tick.

        Raise what the agent raised.
        """
        if self._turn is not None and self._turn.done():
            message, state = self._turn.result()
            self._state = state
            self._turn = None
            if message.calls:
                self._open = dict.fromkeys((call.id for call in message.calls), None)
                return list(message.calls), []
            self._is_working = False
            text = (message.content or "").replace(STOP, "").strip()
            return [], [Answer(text, self._current)] if text else []
        return [], self._begun()

    def _begun(self) -> list[Answer]:
        """Begin the next delegation, once it is known what it is about."""
        if self._is_working or not self._waiting:
            return []
        said = "".join(self._heard).strip()
        if not said and self._waited < _MOST_WAITING_TICKS:
            self._waited += 1
            return []
        self._waited = 0
        delegation_id = self._waiting.popleft()
        if not said:
            return [Answer(_NOT_HEARD, delegation_id)]
        self._heard = []
        self._current = delegation_id
        self._is_working = True
        self._ask(UserMessage.text(said))
        return []

    def _ask(self, message: UserMessage | ToolMessage | MultiToolMessage) -> None:
        # The deadline of the episode and its tracer are context variables.
        context = contextvars.copy_context()
        self._turn = self._thread.submit(context.run, self._next_turn, message)

    def _next_turn(self, message: UserMessage | ToolMessage | MultiToolMessage) -> _Turn:
        if not self._has_begun:
            self._state = self._agent.get_init_state()
            self._has_begun = True
        return self._agent.generate_next_message(message, self._state)

    def close(self) -> None:
        """Stop working; a call of a model that is under way is left to end by itself."""
        self._thread.shutdown(wait=False, cancel_futures=True)
