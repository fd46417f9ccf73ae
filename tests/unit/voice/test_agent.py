"""The full-duplex agent over a scripted provider."""

from __future__ import annotations

import pytest

from tau2.data_model.audio import AudioNativeConfig
from tau2.data_model.message import MultiToolMessage, ToolCall, ToolMessage, UserMessage
from tau2.errors import AgentError, ConfigError, UnknownName
from tau2.voice.adapters.events import Usage, UserActivity
from tau2.voice.adapters.protocol import TickResult, Truncation
from tau2.voice.adapters.registry import AdapterContext, VoiceProvider, providers
from tau2.voice.agent import DiscreteTimeAudioNativeAgent, create_voice_agent
from tau2.voice.audio.formats import TELEPHONE
from tau2.voice.usage import SessionUsage

TICK = b"\x11" * 1600


class ScriptedAdapter:
    """Plays a list of ticks and notes what it was given."""

    def __init__(self, *ticks: TickResult) -> None:
        self.ticks = list(ticks)
        self.setup = None
        self.heard: list[bytes] = []
        self.results: list[tuple[str, str, bool]] = []
        self.is_open = False

    def connect(self, setup):
        self.setup = setup
        self.is_open = True

    def run_tick(self, user_audio, tick):
        self.heard.append(user_audio)
        return self.ticks.pop(0) if self.ticks else TickResult(TELEPHONE.silence(200))

    def send_tool_result(self, call_id, result, *, is_error=False):
        self.results.append((call_id, result, is_error))

    def disconnect(self):
        self.is_open = False


def agent_over(adapter, **options):
    return DiscreteTimeAudioNativeAgent(
        [], "Be kind.", adapter, provider="openai", model="gpt-realtime", **options
    )


def speaking(text, **fields):
    return TickResult(TICK, contains_speech=True, transcript=text, item_ids=["a"], **fields)


def test_the_session_begins_with_the_policy_and_rules_for_speaking():
    adapter = ScriptedAdapter()
    agent = agent_over(adapter, greeting="Hello.", seed=7)
    agent.get_init_state()
    assert "Be kind." in adapter.setup.system_prompt
    assert "Read back every id" in adapter.setup.system_prompt
    assert (adapter.setup.tick_ms, adapter.setup.seed, adapter.setup.greeting) == (200, 7, "Hello.")
    agent.stop()
    assert not adapter.is_open


def test_parts_of_the_prompt_are_marked_by_tags_when_asked_for():
    agent = agent_over(ScriptedAdapter(), use_xml_prompt=True)
    assert "<policy>\nBe kind.\n</policy>" in agent.system_prompt


def test_a_session_cannot_continue_a_conversation():
    with pytest.raises(AgentError, match="cannot continue"):
        agent_over(ScriptedAdapter()).get_init_state([UserMessage.text("Hi")])


def test_a_chunk_is_one_tick_of_speech_with_its_words_and_calls():
    call = ToolCall(id="c1", name="find", arguments={"id": "W1"})
    adapter = ScriptedAdapter(speaking("One moment.", tool_calls=[call]))
    agent = agent_over(adapter)
    chunk, _ = agent.get_next_chunk(agent.get_init_state())
    assert chunk.is_audio
    assert chunk.get_audio_bytes() == TICK
    assert chunk.content == "One moment."
    assert chunk.tool_calls == [call]
    assert chunk.utterance_ids == ["a"]
    assert chunk.contains_speech
    assert chunk.audio_format == {"encoding": "ulaw", "sample_rate": 8000, "channels": 1}
    assert TICK.hex() not in chunk.model_dump_json()


def test_the_agent_hears_whole_ticks_and_silence_for_what_is_missing():
    adapter = ScriptedAdapter()
    agent = agent_over(adapter)
    state = agent.get_init_state()
    agent.get_next_chunk(state, None)
    agent.get_next_chunk(state, UserMessage.voice(b"\x01" * 10))
    agent.get_next_chunk(state, UserMessage.voice(TICK))
    assert adapter.heard == [b"\xff" * 1600, b"\x01" * 10 + b"\xff" * 1590, TICK]


@pytest.mark.parametrize("as_one", [True, False])
def test_results_of_calls_go_back_to_the_session(as_one):
    adapter = ScriptedAdapter()
    agent = agent_over(adapter)
    results = [
        ToolMessage(id="c1", content="found"),
        ToolMessage(id="c2", content="Error: none", error=True),
    ]
    given = MultiToolMessage(tool_messages=results) if as_one else results
    agent.get_next_chunk(agent.get_init_state(), None, given)
    assert adapter.results == [("c1", "found", False), ("c2", "Error: none", True)]


def test_a_stop_token_that_ticks_cut_in_two_is_found():
    adapter = ScriptedAdapter(
        speaking("Goodbye. ###ST"), speaking("OP#"), speaking("##"), TickResult(TICK)
    )
    agent = agent_over(adapter)
    state = agent.get_init_state()
    chunks = [agent.get_next_chunk(state)[0] for _ in range(3)]
    assert [chunk.content for chunk in chunks] == ["Goodbye. ", None, "###STOP###"]
    assert [agent.is_stop(chunk) for chunk in chunks] == [False, False, True]


def test_what_only_looks_like_a_stop_token_is_said_in_the_end():
    adapter = ScriptedAdapter(speaking("Press the #"), speaking(" key #"), TickResult(TICK))
    agent = agent_over(adapter)
    state = agent.get_init_state()
    said = [agent.get_next_chunk(state)[0].content or "" for _ in range(3)]
    assert "".join(said) == "Press the # key #"


def test_truncations_and_what_the_provider_heard_are_kept_with_the_chunk():
    adapter = ScriptedAdapter(
        TickResult(
            TICK,
            truncations=[Truncation("a", played_ms=3420.0, dropped_ms=800.0)],
            activity=[UserActivity("speech_started")],
            warnings=["late"],
        )
    )
    agent = agent_over(adapter)
    chunk, _ = agent.get_next_chunk(agent.get_init_state())
    assert chunk.raw_data["truncations"][0]["played_ms"] == 3420.0
    assert chunk.raw_data["user_activity"][0]["kind"] == "speech_started"
    assert chunk.raw_data["warnings"] == ["late"]


def test_usage_is_recorded_with_the_tick_and_priced():
    usage = Usage({"input_audio_tokens": 1_000_000, "output_audio_tokens": 500_000})
    adapter = ScriptedAdapter(TickResult(TICK), speaking("Hi", usage=[usage]))
    agent = agent_over(adapter)
    state = agent.get_init_state()
    agent.get_next_chunk(state)
    agent.get_next_chunk(state)
    [record] = agent.get_usage_records()
    assert record.tick_number == 1
    assert SessionUsage.of([record]).cost == pytest.approx(32 + 32)


def test_a_third_party_provider_speaks_for_an_agent():
    adapter = ScriptedAdapter()
    spec = VoiceProvider("mine", lambda context: adapter, default_model="mine-1")
    config = AudioNativeConfig(provider="mine", model="", tick_duration_seconds=0.1)
    with providers.adding(spec):
        agent = create_voice_agent([], "Be kind.", AdapterContext(config, seed=3))
    agent.get_init_state()
    assert agent.model == "mine-1"
    assert (adapter.setup.tick_ms, adapter.setup.seed) == (100, 3)


def test_an_unknown_provider_and_a_missing_key_are_told():
    config = AudioNativeConfig(provider="mine")
    with pytest.raises(UnknownName, match="mine"):
        create_voice_agent([], "", AdapterContext(config))
    spec = VoiceProvider("mine", lambda context: ScriptedAdapter(), keys=("MINE_KEY", "OTHER_KEY"))
    with providers.adding(spec), pytest.raises(ConfigError, match="MINE_KEY or OTHER_KEY"):
        create_voice_agent([], "", AdapterContext(config, environ={}))


def test_a_server_on_this_machine_needs_no_key():
    spec = providers.get("openai")
    assert spec.missing_key({}) == "OPENAI_API_KEY"
    assert spec.missing_key({}, "wss://api.test/v1") == "OPENAI_API_KEY"
    assert spec.missing_key({}, "ws://127.0.0.1:8000/v1") is None
