"""A text agent on the telephone: one object, moved by the audio that it hears."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from tau2.data_model.conventions import TOKEN
from tau2.data_model.message import (
    AssistantMessage,
    Message,
    MultiToolMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from tau2.participant.protocols import AgentProtocol
from tau2.participant.turns import flat
from tau2.seeds import numbered_call_id
from tau2.utils.json_types import JsonObject
from tau2.voice.adapters.events import Usage, UserActivity
from tau2.voice.audio.formats import Samples
from tau2.voice.audio.resample import resample
from tau2.voice.cascade.listener import Listener, SpeechStarted, SpeechStopped
from tau2.voice.cascade.playback import Cut, Playback, Played
from tau2.voice.cascade.settings import CascadeSettings
from tau2.voice.cascade.turn_end import is_backchannel, is_unfinished
from tau2.voice.cascade.utterance import Utterance, utterance_of
from tau2.voice.cascade.work import (
    Job,
    JobResult,
    Recognize,
    Synthesize,
    Think,
    Thought,
    Work,
)
from tau2.voice.speech.protocols import Speech, Transcript, VoiceActivityDetector

TextForm: TypeAlias = Callable[[str], str]

_ANSWERS_EARLY_SECONDS = 1.0  # an "okay" in the last second of a question answers it
_UNSAID = "..."  # what is remembered of a message of which no word was said


@dataclass(slots=True)
class Happened:
    """What a cascade did since it was last asked."""

    activity: list[UserActivity] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    replies: list[AssistantMessage] = field(default_factory=list)
    """What the agent replied and remembers; its words may still be said."""
    cuts: list[Cut] = field(default_factory=list)
    usage: list[Usage] = field(default_factory=list)
    ends_conversation: bool = False
    """Whether the agent ended the conversation."""


@dataclass(slots=True)
class _Reply:
    """A reply of the agent, from the moment it is asked for until it is being said."""

    agent: AgentProtocol
    """Who is asked."""
    message: Message
    """What is replied to."""
    texts: list[str]
    """The user's words in it; none for results of tool calls."""
    due: float
    can_be_withdrawn: bool
    """Whether it may be asked for again, together with further words of the user."""
    thought: Thought | None = None
    utterance: Utterance | None = None
    is_ready: bool = False
    is_queued: bool = False


class Cascade:
    """Hears audio, asks a text agent for replies, and says them.

    The clock is the audio: `hear` moves it. The cascade does no work itself: after `hear`, `finish`
    and `give_results`, do what `take_work` returns and hand in each result with `finish`; then
    `speak` returns the agent's audio, and `happened` everything else.

    A turn of the user is what is said until a pause long enough. Until more than a false start of
    the reply has been said, more words of the user become part of the same turn, and the agent is
    asked again. A reply that follows tool calls cannot be asked for again: it is said before the
    next one.
    """

    def __init__(
        self,
        agent: AgentProtocol,
        detector: VoiceActivityDetector,
        settings: CascadeSettings,
        sample_rate: int,
        *,
        seed: int = 0,
        greeting: str | None = None,
        history: Sequence[Message] = (),
        to_written: TextForm = str.strip,
        to_spoken: TextForm = str.strip,
    ) -> None:
        """Prepare a call.

        Args:
            agent: Any half-duplex agent.
            detector: Finds speech.
            settings: Turn taking and latency.
            sample_rate: Of the audio in both directions, in Hz.
            seed: Of the latencies.
            greeting: What the agent says first; None lets the user begin.
            history: What was said before the call.
            to_written: Brings recognized text into the form in which agents read it.
            to_spoken: Brings a message into the form in which it is read aloud.
        """
        self._agent = agent
        self._settings = settings
        self._rate = sample_rate
        self._seed = seed
        self._to_written = to_written
        self._to_spoken = to_spoken
        self._listener = Listener(detector, sample_rate, settings.detection)
        self._playback = Playback(sample_rate)
        self.history: list[Message] = list(history)
        """The conversation as the agent remembers it."""
        self._messages: dict[str, AssistantMessage] = {}
        self._works: dict[int, tuple[Callable[[Any], None], Callable[[], None]]] = {}
        self._new_work: list[Work] = []
        self._work_count = 0
        self._happened = Happened()
        self._heard: list[str] = []
        self._turn_due: float | None = None
        self._in_recognition = 0
        self._checks_overlap = False
        self._next_check_ms = settings.barge_in_ms
        self._spoke_over = False
        self._reply: _Reply | None = None
        self._replies = 0
        self._results: dict[str, ToolMessage | None] = {}
        self._remarks = 0
        self._unknown: list[Message] = []
        """Remarks of which the agent's state knows nothing yet."""
        self._unanswered: list[str] = []
        self._unsaid: list[Utterance] = []
        self._last_utterance: str | None = None
        self._talked_until = 0.0
        self._begin(greeting)

    @property
    def now(self) -> float:
        """How many seconds were heard."""
        return self._listener.now

    def _begin(self, greeting: str | None) -> None:
        if greeting:
            message = AssistantMessage(content=greeting, cost=0.0)
            self.history.append(message)
            self._say("greeting", greeting, message, self._playback.add, lambda: None)
        self._state = self._agent.get_init_state(message_history=list(self.history))

    # What the driver does

    def hear(self, samples: Samples) -> None:
        """Hear the user for the length of `samples`."""
        for event in self._listener.push(samples):
            if isinstance(event, SpeechStarted):
                self._speech_started(event)
            else:
                self._speech_stopped(event)
        self._check_overlap()
        self._advance()

    def take_work(self) -> list[Work]:
        """Return what is to be done and was not returned before."""
        work = self._new_work
        self._new_work = []
        return work

    def finish(self, work_id: int, result: JobResult) -> None:
        """Hand in the result of a job."""
        done, _ = self._works.pop(work_id)
        done(result)
        self._advance()

    def fail(self, work_id: int) -> None:
        """Do without the result of a job.

        Speech that is not recognized was not heard. A reply that fails is not given; what it would
        have replied to is answered together with the next turn.
        """
        _, failed = self._works.pop(work_id)
        failed()
        self._advance()

    def say(self, text: str) -> None:
        """Have the agent say a text of its own accord, after what it says now.

        The agent remembers it when it replies next: no remark comes between calls and results.
        """
        message = AssistantMessage(content=text, cost=0.0)
        self._remarks += 1

        def synthesized(utterance: Utterance) -> None:
            self._unknown.append(message)
            self._playback.add(utterance)

        self._say(f"remark_{self._remarks}", text, message, synthesized, lambda: None)

    def replace_agent(self, agent: AgentProtocol) -> None:
        """Go on with another agent, which takes over the conversation so far."""
        self._agent = agent
        self._state = agent.get_init_state(message_history=list(self.history))

    def give_results(self, results: Sequence[ToolMessage]) -> None:
        """Hand in results of tool calls; the agent goes on once every call has one.

        Raises:
            ValueError: there is no such call, or it has a result.
        """
        for result in results:
            if self._results.get(result.id, result) is not None:
                raise ValueError(f"no result of a call {result.id!r} is awaited")
            self._results[result.id] = result
        messages = [message for message in self._results.values() if message is not None]
        if not messages or len(messages) < len(self._results):
            return
        self._results = {}
        received = messages[0] if len(messages) == 1 else MultiToolMessage(tool_messages=messages)
        self._ask(received, [])

    def speak(self, length: int) -> Played:
        """Return the agent's audio for the next `length` samples.

        It follows what was heard: it is played while the next samples are heard.
        """
        end = self.now + length / self._rate
        self._advance(end)
        played = self._playback.play(self.now, length)
        if played.contains_speech:
            self._talked_until = end
        for identifier in [*played.settled, *played.finished]:
            self._was_said(identifier)
        if self._last_utterance in played.finished:
            self._happened.ends_conversation = True
        return played

    def happened(self) -> Happened:
        """Return what happened since the last call."""
        happened = self._happened
        self._happened = Happened()
        return happened

    # Hearing

    def _speech_started(self, event: SpeechStarted) -> None:
        self._note_activity("speech_started", event.at)
        self._next_check_ms = self._settings.barge_in_ms
        self._spoke_over = (
            self._playback.is_talking and self._playback.remaining_seconds > _ANSWERS_EARLY_SECONDS
        )

    def _speech_stopped(self, event: SpeechStopped) -> None:
        if not event.goes_on:
            self._note_activity("speech_stopped", event.end)
        self._in_recognition += 1

        def heard(transcript: Transcript) -> None:
            self._in_recognition -= 1
            self._turn_heard(event, transcript.text.strip())

        def failed() -> None:
            heard(Transcript(""))

        self._request(Recognize(event.samples, self._rate), heard, failed)

    def _turn_heard(self, event: SpeechStopped, text: str) -> None:
        if text:
            self._note_activity("transcript", event.end, text)
        if text and not self._is_ignored(text):
            if self._playback.is_talking:
                self._stop_talking()
            self._heard.append(text)
        if not self._heard:
            return
        goes_on = is_unfinished(" ".join(self._heard), self._settings.words)
        wait = self._settings.patience_ms if goes_on else self._settings.merge_ms
        self._turn_due = event.end + (self._settings.detection.silence_ms + wait) / 1000

    def _is_ignored(self, text: str) -> bool:
        """Return whether a text is a sign of listening: said over the agent, or before a reply."""
        awaits_reply = self._reply is not None or bool(self._results)
        is_aside = (self._spoke_over or awaits_reply) and not self._heard
        return is_aside and is_backchannel(text, self._settings.words)

    def _check_overlap(self) -> None:
        """Find out what the user says over the agent, once it is long enough."""
        listener = self._listener
        long_enough = listener.speech_seconds * 1000 >= self._next_check_ms
        is_over = listener.is_speaking and self._playback.is_talking
        if not is_over or not long_enough or self._checks_overlap:
            return
        self._checks_overlap = True
        self._next_check_ms += self._settings.barge_in_ms

        def failed() -> None:
            self._overlap_heard(Transcript(""))

        self._request(Recognize(listener.segment(), self._rate), self._overlap_heard, failed)

    def _overlap_heard(self, transcript: Transcript) -> None:
        self._checks_overlap = False
        is_aside = is_backchannel(transcript.text, self._settings.words, may_go_on=True)
        if not is_aside and self._listener.is_speaking and self._playback.is_talking:
            self._stop_talking()
            self._spoke_over = False

    # Replying

    def _advance(self, until: float | None = None) -> None:
        """Do what is due; replies that are due before `until` are queued to be said."""
        if self._is_listening:
            return
        if self._heard and self._turn_due is not None and self._turn_due <= self.now:
            self._end_turn()
        reply = self._reply
        if reply is None or not reply.is_ready or reply.is_queued or self._heard:
            return
        if reply.due <= (self.now if until is None else until):
            self._deliver(reply)

    @property
    def _is_listening(self) -> bool:
        return self._listener.is_speaking or self._in_recognition > 0

    def _end_turn(self) -> None:
        """Have the agent reply to what was heard, unless something has to come first."""
        reply = self._reply
        if self._results:
            return
        if reply is not None and not reply.can_be_withdrawn:
            if reply.is_ready:
                self._put_off(reply)
            if self._reply is not None or self._results:
                return
        elif reply is not None:
            self._withdraw(reply)
        texts = [*self._unanswered, *self._heard]
        self._unanswered = []
        self._heard = []
        self._turn_due = None
        self._ask(UserMessage(content=self._to_written(" ".join(texts)), cost=0.0), texts)

    def _withdraw(self, reply: _Reply) -> None:
        """Forget a reply of which nothing was said; what it replies to is heard again."""
        self._heard = [*reply.texts, *self._heard]
        self._reply = None

    def _put_off(self, reply: _Reply) -> None:
        """Take a reply to tool results as given: it is said before the next one."""
        self._accept(reply)
        if reply.utterance is not None:
            self._unsaid.append(reply.utterance)

    def _ask(self, message: Message, texts: list[str]) -> None:
        if texts and self._unknown:
            self._remember_remarks()
            self._state = self._agent.get_init_state(message_history=list(self.history))
        self._replies += 1
        due = self.now + self._settings.latency.draw(self._seed, self._replies)
        state, is_copy = self._copied_state() if texts else (self._state, False)
        reply = _Reply(self._agent, message, texts, due, can_be_withdrawn=is_copy)
        self._reply = reply

        def replied(thought: Thought) -> None:
            if self._reply is reply:
                self._thought(reply, thought)

        self._request(Think(self._agent, message, state), replied, lambda: self._drop(reply))

    def _drop(self, reply: _Reply) -> None:
        """Do without a reply; what it would have replied to is not lost."""
        if self._reply is reply:
            self._reply = None
            self._unanswered.extend(reply.texts)
            if not isinstance(reply.message, UserMessage):
                # The calls were made: a model refuses a history that lacks their results.
                self._unknown.extend(flat(reply.message))

    def _copied_state(self) -> tuple[Any, bool]:
        """Return the agent's state, and whether it is a copy; copies share the messages."""
        memo: dict[int, Any] = {id(message): message for message in self.history}
        try:
            return copy.deepcopy(self._state, memo), True
        except TypeError:
            # It holds a lock, a client or the like: such an agent cannot take a reply back.
            return self._state, False

    def _thought(self, reply: _Reply, thought: Thought) -> None:
        message = thought.message
        message.tool_calls = self._with_ids(message.calls) or None
        reply.thought = thought
        self._happened.usage.extend(_usage_of(message))
        text = spoken_part(message)
        if not text:
            reply.is_ready = True
            return

        def synthesized(utterance: Utterance) -> None:
            if self._reply is reply:
                reply.utterance = utterance
                reply.is_ready = True

        identifier = f"reply_{self._replies}"
        self._say(identifier, text, message, synthesized, lambda: self._drop(reply))

    def _with_ids(self, calls: Sequence[ToolCall]) -> list[ToolCall]:
        taken = {call.id for message in self.history for call in message.calls}
        result = []
        for number, call in enumerate(calls):
            own = call.id
            clash = 0
            while not own or own in taken:
                own = numbered_call_id(self._replies, number, clash)
                clash += 1
            taken.add(own)
            result.append(call.model_copy(update={"id": own, "requestor": "assistant"}))
        return result

    def _deliver(self, reply: _Reply) -> None:
        for utterance in self._unsaid:
            self._playback.add(utterance)
        self._unsaid = []
        assert reply.thought is not None, "a reply that is ready was thought of"
        message = reply.thought.message
        if reply.utterance is not None:
            self._playback.add(reply.utterance, reply.due)
            reply.is_queued = True
        is_last = bool(self._agent.is_stop(message))
        if is_last:
            self._last_utterance = reply.utterance.id if reply.utterance is not None else None
        if reply.utterance is None or message.is_tool_call():
            self._accept(reply)
            self._happened.ends_conversation = is_last and reply.utterance is None

    def _accept(self, reply: _Reply) -> None:
        """Take a reply as given: the agent remembers it and what it replies to."""
        assert reply.thought is not None, "what is accepted was thought of"
        self._reply = None
        message = reply.thought.message
        self.history.extend(flat(reply.message))
        knows_all = reply.agent is self._agent and not self._unknown
        self._remember_remarks()
        self.history.append(message)
        if knows_all:
            self._state = reply.thought.state
        else:
            # It was replaced meanwhile, and its successor knows nothing of this reply yet; or it
            # made a remark, of which the state that goes with the reply knows nothing.
            self._state = self._agent.get_init_state(message_history=list(self.history))
        self._happened.replies.append(message)
        self._results = dict.fromkeys(call.id for call in message.calls)
        self._happened.calls.extend(message.calls)

    def _remember_remarks(self) -> None:
        self.history.extend(self._unknown)
        self._unknown = []

    def _was_said(self, identifier: str) -> None:
        """Note that enough of an utterance was said for the agent to remember it."""
        reply = self._reply
        if reply is None or reply.utterance is None or not reply.is_queued:
            return
        if reply.utterance.id == identifier:
            self._accept(reply)

    def _stop_talking(self) -> None:
        """Stop the agent; it remembers only the words that were said."""
        for cut in self._playback.stop():
            if cut.played_seconds > 0:
                self._happened.cuts.append(cut)
            self._remember(cut)
        self._last_utterance = None

    def _remember(self, cut: Cut) -> None:
        reply = self._reply
        if reply is not None and reply.utterance is cut.utterance:
            # Nothing but a false start: the user goes on with the same turn.
            if reply.can_be_withdrawn:
                self._withdraw(reply)
            else:
                self._put_off(reply)
        elif not cut.said and cut.utterance.id != "greeting":
            self._unsaid.append(cut.utterance)
        else:
            self._messages[cut.utterance.id].content = cut.said or _UNSAID

    # Work

    def _say(
        self,
        identifier: str,
        text: str,
        message: AssistantMessage,
        done: Callable[[Utterance], None],
        failed: Callable[[], None],
    ) -> None:
        spoken = self._to_spoken(text)

        def synthesized(speech: Speech) -> None:
            self._messages[identifier] = message
            samples = resample(speech.samples, speech.sample_rate, self._rate)
            meters: JsonObject = {
                "characters": len(spoken),
                "audio_output_seconds": round(speech.seconds, 3),
            }
            self._happened.usage.append(Usage(meters, "tts"))
            done(utterance_of(identifier, text, speech, samples, self._rate))

        self._request(Synthesize(spoken), synthesized, failed)

    def _request(self, job: Job, done: Callable[[Any], None], failed: Callable[[], None]) -> None:
        self._work_count += 1
        self._works[self._work_count] = done, failed
        self._new_work.append(Work(self._work_count, job))
        if isinstance(job, Recognize):
            seconds = len(job.samples) / job.sample_rate
            self._happened.usage.append(Usage({"audio_input_seconds": round(seconds, 3)}, "stt"))

    def _note_activity(self, kind: Any, at: float, text: str = "") -> None:
        self._happened.activity.append(UserActivity(kind, text, at_ms=round(at * 1000, 3)))


def spoken_part(message: AssistantMessage) -> str:
    """Return what of a message is meant for the user's ears: no token that ends a conversation."""
    return TOKEN.sub("", message.content or "").strip()


def _usage_of(message: AssistantMessage) -> list[Usage]:
    if not message.usage:
        return []
    names = {"prompt_tokens": "input_tokens", "completion_tokens": "output_tokens"}
    meters = {names.get(name, name): value for name, value in message.usage.items()}
    return [Usage(meters, "llm")]
