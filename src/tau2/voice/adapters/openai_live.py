"""The adapter of OpenAI's Live sessions over a WebSocket.

The back end is a Responses model in the session, or (`delegation: client`) any text agent of ours.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from tau2.errors import ConfigError
from tau2.voice.adapters.continuous import ContinuousEngine
from tau2.voice.adapters.delegation import BackEnd
from tau2.voice.adapters.live import LiveOptions, LiveTranslator
from tau2.voice.adapters.openai import OPENAI_PLACE, transport_to
from tau2.voice.adapters.protocol import AgentSetup, TickResult
from tau2.voice.adapters.registry import AdapterContext, TextAgent
from tau2.voice.adapters.session import WireAdapter
from tau2.voice.adapters.wire import Transport

_PATH = "/live/sessions"


class LiveAdapter(WireAdapter):
    """A Live session, with a text agent behind it if there is one."""

    translator: LiveTranslator

    def __init__(
        self,
        make_transport: Callable[[], Transport],
        options: LiveOptions,
        make_agent: Callable[[], TextAgent] | None = None,
        *,
        sends_at_once: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare a session; `make_agent` makes the back end of delegation to the client."""
        super().__init__(
            make_transport,
            lambda: LiveTranslator(options),
            ContinuousEngine,
            sends_at_once=sends_at_once,
            clock=clock,
        )
        self._make_agent = make_agent
        self._back_end: BackEnd | None = None

    def connect(self, setup: AgentSetup) -> None:
        """Open a session. Raise VoiceSessionFailed."""
        super().connect(setup)
        if self._make_agent is not None:
            self._back_end = BackEnd(self._make_agent)

    def run_tick(self, user_audio: bytes, tick: int) -> TickResult:
        """Send one tick of the user's audio and return one tick of the agent's."""
        result = super().run_tick(user_audio, tick)
        if self._back_end is not None:
            self._work(self._back_end, result)
        self.translator.delegated.clear()
        return result

    def _work(self, back_end: BackEnd, result: TickResult) -> None:
        for activity in result.activity:
            if activity.kind == "transcript":
                back_end.hear(activity.text)
        for delegation in self.translator.delegated:
            back_end.delegate(delegation.id)
        calls, answers = back_end.poll()
        result.tool_calls.extend(calls)
        for answer in answers:
            self.translator.comment(answer.text, answer.delegation_id)
        self.flush()

    def send_tool_result(self, call_id: str, result: str, *, is_error: bool = False) -> None:
        """Hand over the result of a call; the agent goes on once all calls of a batch have one."""
        if self._back_end is not None and self._back_end.owns(call_id):
            self._back_end.answer(call_id, result, is_error=is_error)
        else:
            super().send_tool_result(call_id, result, is_error=is_error)

    def disconnect(self) -> None:
        """Close the session. Twice is once."""
        super().disconnect()
        if self._back_end is not None:
            self._back_end.close()
            self._back_end = None


def make_adapter(context: AdapterContext) -> LiveAdapter:
    """Return an adapter of a Live session.

    Raise ConfigError for settings that do not fit together.
    """
    config = context.config
    live = config.live_config
    if live is None:
        raise ConfigError(
            'provider openai_live needs live_config, for example {"backend_model": "gpt-4.1"}'
        )
    is_client = live.delegation == "client"
    if is_client and context.make_text_agent is None:
        raise ConfigError("delegation to the client needs a text agent (local_config)")
    options = LiveOptions(
        model=config.model,
        backend_model=None if is_client else live.backend_model,
        voice=live.voice,
        delegation=live.delegation,
        append_system_prompt=live.append_system_prompt,
        frontend_prompt=live.frontend_prompt,
        backend_prompt=live.backend_prompt,
        reasoning_effort=config.effective_reasoning_effort,
    )
    # The model stands in the session, not in the address.
    address = OPENAI_PLACE.at(_PATH)
    return LiveAdapter(
        transport_to(context, address),
        options,
        context.make_text_agent if is_client else None,
        sends_at_once=config.send_audio_instant,
    )
