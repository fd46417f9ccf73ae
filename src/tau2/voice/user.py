"""The simulated caller: a text user that hears and speaks, tick by tick.

In each tick it hears the agent's chunk of the tick before, decides what to do (`turn_taking`), and
returns one tick of audio as the agent's telephone delivers it: its words, what it utters besides,
and the noise of where it is, also while it is silent.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from tau2 import config as defaults
from tau2.data_model.message import (
    AssistantMessage,
    Message,
    ToolMessage,
    TurnTakingAction,
    UserMessage,
)
from tau2.errors import UserError
from tau2.participant.full_duplex import FullDuplexParticipant
from tau2.participant.protocols import UserProtocol
from tau2.seeds import derive_seed
from tau2.utils.json_types import JsonObject
from tau2.voice.caller.effects import effects_between, without_unnamed
from tau2.voice.caller.hearing import Ear, HeardTurn, TranscriptEar
from tau2.voice.caller.inserts import Insert, InsertKind, InsertSchedule, PlayingInsert
from tau2.voice.caller.line import CallerLine
from tau2.voice.caller.notes import CallNotes
from tau2.voice.caller.text_turn import (
    TextTurn,
    Thought,
    UserInput,
    after_cut,
    received_results,
    spoken_words,
    take_turn,
)
from tau2.voice.caller.utterance import CallerUtterance, UtteranceKind
from tau2.voice.complexity import SpeechEnvironment
from tau2.voice.personas import OFFLINE_ENGINES, persona_named
from tau2.voice.speech.protocols import Speech, Synthesizer, Voice
from tau2.voice.turn_taking.decisions import Decider, RuleDecider, Scene, Verdict
from tau2.voice.turn_taking.language import LanguagePack, load_pack
from tau2.voice.turn_taking.policy import (
    Action,
    Activity,
    Answers,
    Decision,
    Question,
    Reason,
    Situation,
    TurnTakingPolicy,
    talk_without_backchannel,
)

if TYPE_CHECKING:
    from tau2.voice.audio.formats import Samples
    from tau2.voice.effects.channel import Channel
    from tau2.voice.effects.timeline import EffectTimeline

USER_NAME = "voice_streaming_user_simulator"


@dataclass(slots=True)
class VoiceUserState:
    """Where a caller stands in its call. A deep copy of it continues the call independently."""

    text_state: Any
    """Of the text user."""
    line: CallerLine
    ear: Ear
    notes: CallNotes
    tick: int = 0
    activity: Activity = field(default_factory=Activity)
    talked: bool = False
    """Whether the caller spoke in the tick before; a backchannel is no talk."""
    speaking: CallerUtterance | None = None
    turn: TextTurn | None = None
    """The last turn of the text user."""
    thinking: Future[Thought] | None = None
    """Its next turn, while it is made in the background."""
    awaits_results: bool = False
    results: list[ToolMessage] = field(default_factory=list)
    """Of its tools, not told yet."""
    reminders: int = 0
    last_backchannel: int | None = None
    insert: PlayingInsert | None = None
    pending_insert: Insert | None = None
    """Due while it spoke: uttered in the next silence."""
    last_words: str = ""
    """The last message that was said."""
    farewell: str = ""
    """The token that ends the call, once the last words have been said."""
    utterances: int = 0
    records: list[JsonObject] = field(default_factory=list)
    """What was said, utterance by utterance."""
    heard: list[JsonObject] = field(default_factory=list)
    """What was heard, turn by turn."""


@dataclass(slots=True)
class _Doing:
    """What happens in one tick."""

    decision: Decision
    verdicts: dict[Question, Verdict]
    thought: Thought | None = None
    """A turn that was made in the background, to be followed now."""
    reply: UserMessage | None = None
    """What the text user answered in this tick."""
    data: JsonObject = field(default_factory=dict)


class VoiceStreamingUser(FullDuplexParticipant[AssistantMessage, UserMessage, VoiceUserState]):
    """A text user on the telephone.

    A chunk holds one tick of audio in `audio_content`, also in silence; in `content` the words that
    were completed in it, as they are written; and in `audio_script_gold`, with the first chunk of
    an utterance, all its words. `raw_data` holds, where there is any, `said` (an utterance that is
    over) and `heard` (what of the agent's words was answered).

    Same text user, settings, seed and chunks of the agent: same chunks. A failure of synthesis or
    recognition raises SpeechFailed; the caller never falls silent because of one.
    """

    name: ClassVar[str] = USER_NAME

    def __init__(
        self,
        text_user: UserProtocol,
        synthesizer: Synthesizer,
        make_channel: Callable[[int], Channel],
        *,
        policy: TurnTakingPolicy | None = None,
        environment: SpeechEnvironment | None = None,
        voice: Voice | None = None,
        decider: Decider | None = None,
        make_ear: Callable[[], Ear] = TranscriptEar,
        pack: LanguagePack | None = None,
        silence_annotation_seconds: float = 4.0,
        background: Executor | None = None,
        seed: int = 0,
    ) -> None:
        """Put a text user on the telephone.

        Args:
            text_user: Any half-duplex user.
            synthesizer: Its voice.
            make_channel: Returns what happens to the audio of a call, given a seed.
            policy: When it takes, keeps and yields the turn.
            environment: Who calls, from where; how often it coughs, or speaks to someone else.
            voice: Which of the synthesizer's; default: that of the environment's persona.
            decider: Decides on interruptions and backchannels; default: by rule.
            make_ear: Returns what hears the agent in a call.
            pack: The language of what it says besides; default: English.
            silence_annotation_seconds: Silence that a deciding model is told of.
            background: Where the text user thinks and its words are synthesized while ticks go on;
                for calls in real time. Default: a tick takes as long as they do, and the same call
                is the same each time. `stop` shuts it down.
            seed: Of what is drawn at random.
        """
        self.text_user = text_user
        self.synthesizer = synthesizer
        self.policy = policy or TurnTakingPolicy()
        self.environment = environment or SpeechEnvironment()
        self.persona = persona_named(self.environment.persona_name)
        self.voice = voice or self.persona.voice(synthesizer.name)
        self.pack = pack or load_pack("en")
        self.seed = seed
        self._own_decider = decider
        self._make_channel = make_channel
        self._make_ear = make_ear
        self._background = background
        self._silence_annotation = silence_annotation_seconds

    @property
    def tick_seconds(self) -> float:
        """The length of a tick."""
        return self.policy.thresholds.tick

    @property
    def backchannels(self) -> Sequence[str]:
        """What it says to show that it listens, as far as its synthesizer can say it."""
        if self.synthesizer.name in OFFLINE_ENGINES:
            return self.pack.plain_backchannels
        return self.pack.backchannels

    @property
    def speech_environment(self) -> SpeechEnvironment:
        """Who calls, from where and over which line."""
        return self.environment

    @property
    def tools(self) -> Any:
        """The text user's own tools."""
        return getattr(self.text_user, "tools", None)

    def effect_timeline(self, state: VoiceUserState) -> EffectTimeline:
        """Return all effects on the caller's audio so far."""
        return without_unnamed(state.line.timeline)

    def set_seed(self, seed: int) -> None:
        """Receive the call's seed, for what is drawn in calls that begin later."""
        self.seed = seed
        if hasattr(self.text_user, "set_seed"):
            self.text_user.set_seed(seed)

    @classmethod
    def is_stop(cls, chunk: UserMessage) -> bool:
        """Return whether the chunk ends the call: it carries the text user's token."""
        return not chunk.is_tool_call() and bool(spoken_words(chunk.content)[1])

    def stop(
        self,
        participant_chunk: AssistantMessage | None = None,
        state: VoiceUserState | None = None,
    ) -> None:
        """Let the text user clean up."""
        stop = getattr(self.text_user, "stop", None)
        if stop is not None:
            stop(None, None if state is None else state.text_state)
        if self._background is not None:
            self._background.shutdown(wait=False, cancel_futures=True)

    def get_init_state(self, message_history: list[Message] | None = None) -> VoiceUserState:
        """Return the state at the beginning of a call. Raise UserError for a history."""
        if message_history:
            raise UserError("a caller begins a call; it cannot continue a conversation")
        return VoiceUserState(
            text_state=self.text_user.get_init_state(message_history=[]),
            line=CallerLine(
                self._make_channel, derive_seed(self.seed, "line"), self.synthesizer, self.voice
            ),
            ear=self._make_ear(),
            notes=CallNotes(self.tick_seconds, self._silence_annotation),
        )

    def get_next_chunk(
        self,
        state: VoiceUserState,
        participant_chunk: AssistantMessage | None = None,
        tool_results: Sequence[ToolMessage] = (),
    ) -> tuple[UserMessage, VoiceUserState]:
        """Return the caller's next tick, after the agent's previous one and results of its tools.

        Raises:
            SpeechFailed: words could not be synthesized, or the agent's audio not be recognized.
            UserError: the text user failed.
        """
        self._hear(state, participant_chunk)
        if tool_results:
            state.results.extend(tool_results)
            state.awaits_results = False
        is_aside = False
        if state.farewell and state.speaking is None:
            chunk = self._hang_up(state)
        else:
            doing = self._thinking(state) or self._decide(state)
            self._act(state, doing)
            speaking = state.speaking
            is_aside = speaking is not None and speaking.kind is UtteranceKind.BACKCHANNEL
            chunk = self._chunk(state, doing)
        state.talked = chunk.contains_speech and not is_aside
        state.tick += 1
        return chunk, state

    # Hearing and deciding

    def _hear(self, state: VoiceUserState, chunk: AssistantMessage | None) -> None:
        if state.tick == 0:
            return  # nothing was said before the call
        agent_talks = state.ear.hear(chunk, state.tick - 1)
        state.activity = self.policy.observe(
            state.activity, self_talks=state.talked, other_talks=agent_talks
        )
        if agent_talks:
            state.reminders = 0
        if chunk is not None and chunk.content:
            state.notes.add("agent", chunk.content, state.tick - 1, is_over_other=state.talked)

    def _thinking(self, state: VoiceUserState) -> _Doing | None:
        """Return what is done because of a turn in the background; None if there is none.

        An answer that comes when the agent speaks again is not given: what it answers is heard once
        more, with what is said now.
        """
        if state.thinking is None:
            return None
        if not state.thinking.done():
            return _Doing(Decision(Action.WAIT, Reason.THINKS), {})
        thought = state.thinking.result()
        state.thinking = None
        turn = thought.turn
        if state.activity.other_talk and turn.heard is not None and turn.before is not None:
            state.text_state = turn.before
            state.ear.put_back(turn.heard)
            return None
        reason = Reason.TOOL_RESULT if turn.heard is None else Reason.OTHER_SILENT
        return _Doing(Decision(Action.GENERATE_MESSAGE, reason), {}, thought=thought)

    def _decide(self, state: VoiceUserState) -> _Doing:
        situation = _situation(state)
        verdicts = {}
        for question in self.policy.questions(state.activity, situation):
            verdicts[question] = self._decider.answer(question, self._scene(state, situation))
        answers = Answers(
            interrupt=_says_yes(verdicts, Question.INTERRUPT),
            backchannel=_says_yes(verdicts, Question.BACKCHANNEL),
        )
        decision = self.policy.decide(state.activity, situation, answers)
        if state.insert is not None and decision.action not in _SILENT_ACTIONS:
            # It is coughing, or speaking to someone else.
            decision = Decision(Action.WAIT, Reason.PAUSE)
        return _Doing(decision, verdicts)

    @property
    def _decider(self) -> Decider:
        if self._own_decider is not None:
            return self._own_decider
        return RuleDecider(derive_seed(self.seed, "decisions"))

    def _scene(self, state: VoiceUserState, situation: Situation) -> Scene:
        quiet = talk_without_backchannel(state.activity, situation)
        return Scene(
            tick=state.tick,
            tick_seconds=self.tick_seconds,
            other_talk_seconds=state.activity.other_talk * self.tick_seconds,
            without_backchannel_seconds=quiet * self.tick_seconds,
            heard=state.ear.so_far(),
            conversation=state.notes.text(),
            persona=f"The caller: {self.persona.short_description}",
        )

    # Acting

    def _act(self, state: VoiceUserState, doing: _Doing) -> None:
        match doing.decision.action:
            case Action.STOP_TALKING:
                self._yield(state, doing)
            case Action.GENERATE_MESSAGE:
                self._take_turn(state, doing)
            case Action.INTERRUPT:
                self._answer(state, doing)
            case Action.BACKCHANNEL:
                phrase = self._pick(self.backchannels, state)
                self._say(state, UtteranceKind.BACKCHANNEL, phrase)
                state.last_backchannel = state.tick

    def _take_turn(self, state: VoiceUserState, doing: _Doing) -> None:
        if doing.thought is not None:
            self._follow(state, doing, doing.thought)
            return
        match doing.decision.reason:
            case Reason.TOOL_RESULT:
                received = received_results(state.results)
                state.results = []
                self._ask(state, doing, received, None)
            case Reason.UNANSWERED:
                self._ask_whether_there(state)
            case Reason.OPENS:
                greeting = defaults.DEFAULT_FIRST_AGENT_MESSAGE_TEXT
                heard = HeardTurn(greeting, "", state.tick, state.tick)
                self._ask(state, doing, AssistantMessage(content=greeting, cost=0.0), heard)
            case _:
                self._answer(state, doing)

    def _answer(self, state: VoiceUserState, doing: _Doing) -> None:
        """Answer what was heard, or ask to hear it again if no word was understood."""
        heard = state.ear.take()
        doing.data["heard"] = heard.record()
        state.heard.append(doing.data["heard"])
        if not heard.text:
            phrase = self._pick(self.pack.not_understood, state)
            self._say(state, UtteranceKind.NOT_UNDERSTOOD, phrase)
            return
        self._ask(state, doing, AssistantMessage(content=heard.text, cost=0.0), heard)

    def _ask(
        self, state: VoiceUserState, doing: _Doing, received: UserInput, heard: HeardTurn | None
    ) -> None:
        """Have the text user take a turn, now or in the background."""
        if self._background is None:
            turn = take_turn(self.text_user, received, state.text_state, heard)
            self._follow(state, doing, Thought(turn, None))
            return

        def think() -> Thought:
            turn = take_turn(self.text_user, received, state.text_state, heard)
            words, _ = spoken_words(turn.reply.content)
            return Thought(turn, state.line.synthesize(words) if words else None)

        # Model calls read limits and deadlines from the context.
        state.thinking = self._background.submit(contextvars.copy_context().run, think)

    def _follow(self, state: VoiceUserState, doing: _Doing, thought: Thought) -> None:
        """Do what the text user answered: speak, call tools, or end the call."""
        turn = thought.turn
        state.text_state = turn.state
        state.turn = turn
        doing.reply = turn.reply
        words, token = spoken_words(turn.reply.content)
        if turn.reply.is_tool_call():
            token = ""
            state.awaits_results = True
        elif token:
            state.farewell = token
        if words:
            self._say(
                state,
                UtteranceKind.MESSAGE,
                words,
                stop_token=token,
                tells_result=turn.heard is None,
                speech=thought.speech,
            )
            state.last_words = words

    def _ask_whether_there(self, state: VoiceUserState) -> None:
        """Ask whether the agent is still there; every second time with one's last words."""
        phrase = self._pick(self.pack.presence_checks, state)
        if state.reminders % 2 and state.last_words:
            phrase = f"{phrase} {state.last_words}"
        state.reminders += 1
        self._say(state, UtteranceKind.PRESENCE_CHECK, phrase)

    def _pick(self, phrases: Sequence[str], state: VoiceUserState) -> str:
        return phrases[derive_seed(self.seed, "phrase", state.tick) % len(phrases)]

    def _say(
        self,
        state: VoiceUserState,
        kind: UtteranceKind,
        words: str,
        *,
        stop_token: str = "",
        tells_result: bool = False,
        speech: Speech | None = None,
    ) -> None:
        from tau2.voice.cascade.utterance import word_ends  # noqa: PLC0415  -- needs numpy

        state.utterances += 1
        identifier = f"user_{state.utterances}"
        samples, speech = state.line.say(words, identifier, speech=speech)
        state.speaking = CallerUtterance(
            id=identifier,
            kind=kind,
            meant=words,
            samples=samples,
            sample_rate=state.line.sample_rate,
            ends=word_ends(words, speech.words, speech.seconds),
            start_tick=state.tick,
            stop_token=stop_token,
            tells_result=tells_result,
        )

    def _yield(self, state: VoiceUserState, doing: _Doing) -> None:
        """Stop talking; what was not said is taken back from the text user."""
        cut = state.speaking
        assert cut is not None, "only who speaks stops"
        state.line.cut_off(cut.id)
        self._finish(state, doing, cut, is_cut_off=True)
        if cut.kind is not UtteranceKind.MESSAGE or state.turn is None:
            return
        taken_back = after_cut(state.turn, cut.said, cut.share_said)
        state.text_state = taken_back.state
        if taken_back.heard is not None:
            state.ear.put_back(taken_back.heard)

    def _finish(
        self, state: VoiceUserState, doing: _Doing, said: CallerUtterance, *, is_cut_off: bool
    ) -> None:
        state.speaking = None
        end_tick = state.tick if is_cut_off else state.tick + 1
        doing.data["said"] = said.record(end_tick, is_cut_off=is_cut_off)
        state.records.append(doing.data["said"])

    # Sounding

    def _chunk(self, state: VoiceUserState, doing: _Doing) -> UserMessage:
        utterance = state.speaking
        is_first = utterance is not None and utterance.position == 0
        speech, words = (None, "") if utterance is None else utterance.next(state.line.tick_samples)
        if utterance is not None:
            state.notes.add(
                "caller", words, state.tick, is_over_other=state.activity.other_talk > 0
            )
            if utterance.is_over:
                self._finish(state, doing, utterance, is_cut_off=False)
        tic, aside = self._next_insert(state, is_speaking=utterance is not None)
        start_ms = state.line.now_ms
        delivered = state.line.process(tic if speech is None else speech, aside)
        effects = effects_between(state.line.timeline, start_ms, state.line.now_ms)
        reply = doing.reply
        return UserMessage(
            content=words or None,
            tool_calls=reply.tool_calls if reply is not None else None,
            is_audio=True,
            audio_content=delivered.audio,
            timestamp=None,
            cost=_cost(doing),
            usage=reply.usage if reply is not None else None,
            raw_data=doing.data or None,
            audio_script_gold=utterance.meant if utterance is not None and is_first else None,
            turn_taking_action=self._recorded(state, doing),
            utterance_ids=[utterance.id] if utterance is not None else None,
            chunk_id=state.tick,
            is_final_chunk=state.speaking is None,
            contains_speech=utterance is not None,
            **effects,
        )

    def _hang_up(self, state: VoiceUserState) -> UserMessage:
        """Return the chunk that ends the call. It belongs to the last words, and has none."""
        last = state.records[-1]["id"] if state.records else None
        token = state.farewell
        return UserMessage(
            content=f" {token}" if last else token,
            is_audio=True,
            audio_content=state.line.process(None).audio,
            timestamp=None,
            utterance_ids=[last] if last else None,
            chunk_id=state.tick,
            contains_speech=False,
        )

    def _next_insert(
        self, state: VoiceUserState, *, is_speaking: bool
    ) -> tuple[Samples | None, Samples | None]:
        """Return a tick of a vocal tic, and one of speech to someone else, if there is any."""
        state.pending_insert = self._schedule.due(state.tick) or state.pending_insert
        if state.pending_insert is not None and not is_speaking and state.insert is None:
            state.insert = self._begun(state, state.pending_insert)
            state.pending_insert = None
        playing = state.insert
        if playing is None:
            return None, None
        part = playing.next(state.line.tick_samples)
        if playing.is_over:
            state.insert = None
        is_tic = playing.insert.kind is InsertKind.VOCAL_TIC
        return (part, None) if is_tic else (None, part)

    @property
    def _schedule(self) -> InsertSchedule:
        effects = self.environment.speech_effects_config
        return InsertSchedule(
            derive_seed(self.seed, "inserts"),
            self.pack,
            self.tick_seconds,
            per_minute=0.0 if effects is None else effects.speech_insert_events_per_minute,
            vocal_tics=effects is not None and effects.enable_vocal_tics,
            non_directed=effects is not None and effects.enable_non_directed_phrases,
        )

    def _begun(self, state: VoiceUserState, insert: Insert) -> PlayingInsert:
        identifier = f"insert_{state.tick}"
        if insert.sound is not None:
            return PlayingInsert(insert, state.line.make_sound(insert.sound, identifier))
        is_aside = insert.kind is InsertKind.NON_DIRECTED
        samples, _ = state.line.say(
            insert.text,
            identifier,
            "non_directed" if is_aside else "directed",
            effect_type=insert.kind.value,
        )
        return PlayingInsert(insert, samples)

    def _recorded(self, state: VoiceUserState, doing: _Doing) -> TurnTakingAction:
        activity = state.activity
        costs = {question: verdict.cost for question, verdict in doing.verdicts.items()}
        seconds = sum(verdict.seconds for verdict in doing.verdicts.values())
        return TurnTakingAction(
            action=doing.decision.action.value,
            info=doing.decision.reason.value,
            time_since_last_talk=self._seconds(activity.self_silence),
            time_since_last_other_talk=self._seconds(activity.other_silence),
            other_talk_duration=self._seconds(activity.other_talk),
            self_talk_duration=self._seconds(activity.self_talk),
            interruption_cost=costs.get(Question.INTERRUPT),
            backchannel_cost=costs.get(Question.BACKCHANNEL),
            decision_cost=_total(list(costs.values())),
            decision_seconds=seconds or None,
        )

    def _seconds(self, ticks: int | None) -> float | None:
        return None if ticks is None else round(ticks * self.tick_seconds, 3)


_SILENT_ACTIONS = frozenset({Action.WAIT, Action.KEEP_TALKING, Action.STOP_TALKING})


def _situation(state: VoiceUserState) -> Situation:
    speaking = state.speaking
    since = None if state.last_backchannel is None else state.tick - state.last_backchannel
    return Situation(
        is_speaking=speaking is not None,
        never_yields=speaking is not None and speaking.never_yields,
        tells_result=speaking is not None and speaking.tells_result,
        awaits_result=state.awaits_results,
        has_result=bool(state.results),
        has_heard=state.ear.has_heard,
        reminders=state.reminders,
        since_backchannel=since,
    )


def _says_yes(verdicts: dict[Question, Verdict], question: Question) -> bool:
    return question in verdicts and verdicts[question].yes


def _cost(doing: _Doing) -> float | None:
    """Return what the tick cost: the text user's message and the decisions."""
    costs = [verdict.cost for verdict in doing.verdicts.values()]
    if doing.reply is not None:
        costs.append(doing.reply.cost)
    return _total(costs)


def _total(costs: Sequence[float | None]) -> float | None:
    """Return the sum of costs; None if none is known."""
    known = [cost for cost in costs if cost is not None]
    return sum(known) if known else None


VoiceStreamingUserSimulator = VoiceStreamingUser
"""Its name in the public package."""
