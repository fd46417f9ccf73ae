"""The full-duplex agent: a provider's session, as a participant that is asked once a tick."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from tau2.data_model.conventions import STOP
from tau2.data_model.message import (
    AssistantMessage,
    Message,
    MultiToolMessage,
    ToolMessage,
    UserMessage,
)
from tau2.environment.tool import Tool
from tau2.errors import AgentError
from tau2.participant.full_duplex import FullDuplexParticipant
from tau2.participant.turns import load_prompt
from tau2.utils.json_types import JsonObject
from tau2.voice.adapters.protocol import AgentSetup, TickResult, VoiceAdapter
from tau2.voice.adapters.registry import AdapterContext, make_adapter, providers
from tau2.voice.audio.formats import TELEPHONE, AudioFormat
from tau2.voice.usage import UsageRecord

AGENT_NAME = "discrete_time_audio_native_agent"

INSTRUCTION = load_prompt("tau2.voice", "agent_instruction.md")

_PLAIN_PROMPT = "{instruction}\n\n# Policy\n\n{policy}"
_XML_PROMPT = "<instructions>\n{instruction}\n</instructions>\n<policy>\n{policy}\n</policy>"

ToolResults = Sequence[ToolMessage | MultiToolMessage] | ToolMessage | MultiToolMessage | None
"""The results of the agent's calls, in any form in which participants receive them."""


def voice_prompt(domain_policy: str, *, use_xml: bool = False) -> str:
    """Return the system prompt of a speaking agent."""
    template = _XML_PROMPT if use_xml else _PLAIN_PROMPT
    return template.format(instruction=INSTRUCTION, policy=domain_policy)


@dataclass(slots=True)
class VoiceAgentState:
    """Where a speaking agent stands in its conversation."""

    ticks: int = 0
    """How many ticks it has lived through."""
    withheld: str = ""
    """The end of what was said that may be the beginning of the stop token."""


class DiscreteTimeAudioNativeAgent(
    FullDuplexParticipant[UserMessage, AssistantMessage, VoiceAgentState]
):
    """An agent that hears and speaks at the same time, by the session of a provider.

    One agent plays one episode. `get_init_state` opens the session and `stop` closes it; both
    raise or report failures of the provider as VoiceSessionFailed.

    A chunk holds one tick of audio in `audio_content`, in `content` the words that belong to it,
    and the tool calls that began in it. `raw_data` holds, where there is any, `truncations` (what
    the user cut off), `user_activity` (what the provider heard of the user) and `warnings`.
    """

    def __init__(
        self,
        tools: list[Tool],
        domain_policy: str,
        adapter: VoiceAdapter,
        *,
        provider: str = "",
        model: str = "",
        tick_duration_ms: int = 200,
        audio_format: AudioFormat = TELEPHONE,
        use_xml_prompt: bool = False,
        greeting: str | None = None,
        seed: int | None = None,
    ) -> None:
        """Give the agent its tools, the policy, and what speaks for it.

        Args:
            tools: What the agent may call.
            domain_policy: The rules of the company; part of the system prompt.
            adapter: A provider's session that is not open yet.
            provider: Who speaks, for usage records.
            model: What speaks, for usage records.
            tick_duration_ms: The length of a tick.
            audio_format: Of the audio in chunks.
            use_xml_prompt: Whether the prompt's parts are marked by tags instead of headings.
            greeting: What the agent says first; None if the user begins.
            seed: Of this episode.
        """
        self.tools = tools
        self.domain_policy = domain_policy
        self.adapter = adapter
        self.provider = provider
        self.model = model
        self.tick_duration_ms = tick_duration_ms
        self.audio_format = audio_format
        self.use_xml_prompt = use_xml_prompt
        self.greeting = greeting
        self.seed = seed
        self._usage: list[UsageRecord] = []
        self._totals: dict[tuple[str, str, str, str | None], UsageRecord] = {}

    @property
    def system_prompt(self) -> str:
        """What the session begins with."""
        return voice_prompt(self.domain_policy, use_xml=self.use_xml_prompt)

    def set_seed(self, seed: int) -> None:
        """Receive the episode's seed; it counts for sessions that are opened later."""
        self.seed = seed

    def get_init_state(self, message_history: list[Message] | None = None) -> VoiceAgentState:
        """Open the session.

        Raises:
            AgentError: there is a history; a session cannot be told what was said before it.
            VoiceSessionFailed: the provider cannot be reached or refuses.
        """
        if message_history:
            raise AgentError("a voice session begins a conversation; it cannot continue one")
        self.adapter.connect(
            AgentSetup(
                system_prompt=self.system_prompt,
                tools=self.tools,
                tick_ms=self.tick_duration_ms,
                audio_format=self.audio_format,
                seed=self.seed,
                greeting=self.greeting,
            )
        )
        return VoiceAgentState()

    def get_next_chunk(
        self,
        state: VoiceAgentState,
        participant_chunk: UserMessage | None = None,
        tool_results: ToolResults = None,
    ) -> tuple[AssistantMessage, VoiceAgentState]:
        """Return the agent's next tick, after the user's previous one and results of its calls.

        Raise VoiceSessionFailed when the provider fails.
        """
        for answer in _flat_results(tool_results):
            self.adapter.send_tool_result(answer.id, answer.content or "", is_error=answer.error)
        tick = state.ticks
        state.ticks += 1
        result = self.adapter.run_tick(self._heard(participant_chunk), tick)
        for usage in result.usage:
            record = UsageRecord.from_event(
                usage, provider=self.provider, model=self.model, tick=tick
            )
            if record.semantics == "cumulative":
                scope = (record.provider, record.model, record.component, record.scope_id)
                self._totals[scope] = record
            else:
                self._usage.append(record)
        return self._chunk(state, result, tick), state

    def _heard(self, chunk: UserMessage | None) -> bytes:
        """Return the user's audio of one tick; silence for what is missing."""
        whole = self.audio_format.silence(self.tick_duration_ms)
        audio = (chunk.get_audio_bytes() if chunk is not None else None) or b""
        return audio + whole[len(audio) :]

    def _chunk(self, state: VoiceAgentState, result: TickResult, tick: int) -> AssistantMessage:
        said = _without_beginning_of_stop(state, result)
        return AssistantMessage.voice(
            result.audio,
            content=said or None,
            tool_calls=result.tool_calls or None,
            audio_format=audio_format_data(self.audio_format),
            contains_speech=result.contains_speech,
            utterance_ids=list(result.item_ids) or None,
            chunk_id=tick,
            is_final_chunk=False,
            raw_data=_remarks(result),
        )

    @classmethod
    def is_stop(cls, chunk: AssistantMessage) -> bool:
        """Return whether a chunk ends the conversation: the agent said the stop token."""
        return bool(chunk.content and STOP in chunk.content)

    def stop(
        self, participant_chunk: UserMessage | None = None, state: VoiceAgentState | None = None
    ) -> None:
        """Close the session; twice is once."""
        self.adapter.disconnect()

    def get_usage_records(self) -> list[UsageRecord]:
        """Return what was used so far: what was reported, and the last one of running totals."""
        return [*self._usage, *self._totals.values()]


def create_voice_agent(
    tools: list[Tool], domain_policy: str, context: AdapterContext, *, greeting: str | None = None
) -> DiscreteTimeAudioNativeAgent:
    """Return the agent of a voice run, over an adapter of the provider that it names.

    Raise UnknownName or ConfigError for a provider that cannot be used.
    """
    config = context.config
    return DiscreteTimeAudioNativeAgent(
        tools,
        domain_policy,
        make_adapter(context),
        provider=config.provider,
        model=config.model or providers.get(config.provider).default_model,
        tick_duration_ms=config.tick_duration_ms,
        audio_format=AudioFormat(TELEPHONE.encoding, config.telephony_rate),
        use_xml_prompt=config.use_xml_prompt,
        greeting=greeting,
        seed=context.seed,
    )


def audio_format_data(audio_format: AudioFormat) -> JsonObject:
    """Return a format as it stands in the `audio_format` of chunks."""
    return {
        "encoding": str(audio_format.encoding),
        "sample_rate": audio_format.sample_rate,
        "channels": 1,
    }


def _flat_results(results: ToolResults) -> list[ToolMessage]:
    if results is None:
        return []
    if isinstance(results, ToolMessage):
        return [results]
    if isinstance(results, MultiToolMessage):
        return list(results.tool_messages)
    return [message for result in results for message in _flat_results(result)]


def _without_beginning_of_stop(state: VoiceAgentState, result: TickResult) -> str:
    """Return the words of a tick, with a stop token in one piece.

    Transcripts are cut by ticks; the pieces of a token are held back until it is whole, or until it
    is clear that it is none.
    """
    said = state.withheld + result.transcript
    state.withheld = ""
    if not result.contains_speech and not result.transcript:
        # Nothing follows for now; what was held back was no token.
        return said
    longest = min(len(STOP) - 1, len(said))
    for length in range(longest, 0, -1):
        if STOP.startswith(said[-length:]) and not said.endswith(STOP):
            state.withheld = said[-length:]
            return said[:-length]
    return said


def _remarks(result: TickResult) -> JsonObject | None:
    remarks: JsonObject = {}
    if result.truncations:
        remarks["truncations"] = [asdict(truncation) for truncation in result.truncations]
    if result.activity:
        remarks["user_activity"] = [asdict(activity) for activity in result.activity]
    if result.warnings:
        remarks["warnings"] = list(result.warnings)
    return remarks or None
