"""Who speaks when, decided tick by tick.

A policy is a pure function. It has no clock, performs no I/O and draws nothing at random: it is
told what both sides did (`Activity`), which questions were answered (`Answers`), and returns what
to do. Whether to interrupt and whether to say "mm-hmm" are such questions; `decisions` answers
them, by rule or by a model.

A threshold is reached when as many ticks have passed as it has seconds: 1.0 s at 0.2 s a tick is
reached after 5 ticks. (The original compares with `>`, and so waits for a sixth.) A threshold
between two ticks is reached at the later one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from tau2.data_model.audio import AudioNativeConfig

_ROUNDING = 9
"""Decimal places to which a number of ticks is exact: 1.0 / 0.2 must not become 5.0000000001."""


class Action(StrEnum):
    """What a participant does in a tick. The values stand in `TurnTakingAction.action`."""

    KEEP_TALKING = "keep_talking"
    STOP_TALKING = "stop_talking"
    """Yield: what is left of the utterance is not said."""
    GENERATE_MESSAGE = "generate_message"
    """Take the turn."""
    INTERRUPT = "interrupt"
    """Take the turn while the other talks."""
    BACKCHANNEL = "backchannel"
    """Say "mm-hmm" while the other talks."""
    WAIT = "wait"


class Question(StrEnum):
    """What the policy leaves to someone else."""

    INTERRUPT = "interrupt"
    BACKCHANNEL = "backchannel"


class Reason(StrEnum):
    """Why an action was chosen. The values stand in `TurnTakingAction.info`."""

    SPEAKING = "has more to say"
    YIELDS = "yields to an interruption"
    YIELDS_OWN = "yields after having interrupted"
    TOOL_RESULT = "has the result of a tool"
    AWAITS_TOOL = "waits for the result of a tool"
    OTHER_SILENT = "the other has finished"
    UNANSWERED = "got no answer"
    OPENS = "nobody has spoken yet"
    OTHER_TALKS = "the other talks"
    DECIDED = "was decided"
    PAUSE = "a pause"
    THINKS = "thinks of an answer"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Durations in seconds; a tick lasts `tick`."""

    tick: float = 0.2
    wait_other: float = 1.0
    """Silence of the other before one's own turn."""
    wait_self: float = 5.0
    """Silence of one's own before one's next turn, also before one breaks in."""
    yield_interrupted: float = 1.0
    """Overlap before one yields to another who began to talk."""
    yield_interrupting: float = 5.0
    """The same, when one began oneself to talk over the other, or tells a tool's result."""
    check_interval: float = 2.0
    """How often, while the other talks, questions are asked that a model answers."""
    integration: float = 0.5
    """A gap that is shorter does not end a stretch of talk."""
    backchannel_min: float = 3.0
    """Talk of the other without a break before the first backchannel, and between two."""
    unanswered: float = 8.0
    """Silence of both sides before one asks whether the other is still there; doubled each time."""
    opening: float = 3.0
    """Silence from the start of the call before one begins, if the other does not."""

    @classmethod
    def of(cls, config: AudioNativeConfig) -> Thresholds:
        """Return the thresholds of a run."""
        return cls(
            tick=config.tick_duration_seconds,
            wait_other=config.wait_to_respond_threshold_other_seconds,
            wait_self=config.wait_to_respond_threshold_self_seconds,
            yield_interrupted=config.yield_threshold_when_interrupted_seconds,
            yield_interrupting=config.yield_threshold_when_interrupting_seconds,
            check_interval=config.interruption_check_interval_seconds,
            integration=config.integration_duration_seconds,
            backchannel_min=config.backchannel_min_threshold_seconds,
        )

    def ticks(self, seconds: float) -> int:
        """Return after how many ticks `seconds` have passed; at least one."""
        return max(1, math.ceil(round(seconds / self.tick, _ROUNDING)))


@dataclass(frozen=True, slots=True)
class Activity:
    """Who talked up to now, in ticks. Plain data; `after` returns the next value."""

    tick: int = 0
    """How many ticks were observed."""
    self_talk: int = 0
    """How long one has been talking; 0 while silent."""
    other_talk: int = 0
    """How long the other has been talking, short gaps included; 0 once it has stopped."""
    self_silence: int | None = None
    """How long since one talked; 0 while talking, None if one never did."""
    other_silence: int | None = None
    """How long since the other talked; 0 while talking, None if it never did."""
    overlap: int = 0
    """How long both have been talking at once, short gaps of the other included."""
    began_overlap: bool = False
    """Whether one began to talk while the other talked."""

    def after(self, *, self_talks: bool, other_talks: bool, gap_ticks: int) -> Activity:
        """Return the activity after one more tick.

        A gap of the other that is shorter than `gap_ticks` does not end its stretch of talk.
        """
        other_silence = _silence(self.other_silence, is_talking=other_talks)
        goes_on = self.other_talk > 0 and other_silence is not None and other_silence < gap_ticks
        other_talk = self.other_talk + 1 if other_talks or goes_on else 0
        both = self_talks and other_talk > 0
        if self_talks and not self.self_talk:
            began = self.other_talk > 0
        else:
            began = self.began_overlap and both
        return Activity(
            tick=self.tick + 1,
            self_talk=self.self_talk + 1 if self_talks else 0,
            other_talk=other_talk,
            self_silence=_silence(self.self_silence, is_talking=self_talks),
            other_silence=other_silence,
            overlap=self.overlap + 1 if both else 0,
            began_overlap=began,
        )

    @property
    def common_silence(self) -> int:
        """For how long nobody has talked."""
        known = [s for s in (self.self_silence, self.other_silence) if s is not None]
        return min(known, default=self.tick)


def _silence(before: int | None, *, is_talking: bool) -> int | None:
    if is_talking:
        return 0
    return None if before is None else before + 1


@dataclass(frozen=True, slots=True)
class Situation:
    """What the participant itself is about, besides who talks."""

    is_speaking: bool = False
    """It has more to say of an utterance that it has begun."""
    never_yields: bool = False
    """The utterance is a backchannel, or the last words of the call."""
    tells_result: bool = False
    """The utterance tells the result of a tool."""
    awaits_result: bool = False
    has_result: bool = False
    has_heard: bool = False
    """The other has said something that was not answered yet."""
    reminders: int = 0
    """How often it has asked, since the other last talked, whether the other is still there."""
    since_backchannel: int | None = None
    """Ticks since its last backchannel; None if there was none."""


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers to the questions that `TurnTakingPolicy.questions` returned."""

    interrupt: bool = False
    backchannel: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, and why."""

    action: Action
    reason: Reason


@dataclass(frozen=True, slots=True)
class TurnTakingPolicy:
    """The rules by which a simulated caller takes, keeps and yields the turn."""

    thresholds: Thresholds = Thresholds()
    interrupts: bool = False
    """Whether it may interrupt at all."""
    backchannels: bool = False
    """Whether it ever says "mm-hmm"."""
    asks_each_tick: bool = True
    """Whether the question of a backchannel is asked in each tick (by rule), or only every
    `check_interval` (a model)."""

    def observe(self, activity: Activity, *, self_talks: bool, other_talks: bool) -> Activity:
        """Return the activity after one more tick."""
        gap = self.thresholds.ticks(self.thresholds.integration)
        return activity.after(self_talks=self_talks, other_talks=other_talks, gap_ticks=gap)

    def questions(self, activity: Activity, situation: Situation) -> tuple[Question, ...]:
        """Return what has to be decided before `decide` can be called in this tick."""
        listens = activity.other_talk > 0 and not (
            situation.is_speaking or situation.awaits_result or situation.has_result
        )
        if not listens:
            return ()
        interval = self.thresholds.ticks(self.thresholds.check_interval)
        is_check = activity.other_talk % interval == 0
        asked = []
        has_waited = _reached(
            activity.self_silence, self.thresholds.ticks(self.thresholds.wait_self)
        )
        if self.interrupts and is_check and has_waited:
            asked.append(Question.INTERRUPT)
        if self.backchannels and (is_check or self.asks_each_tick):
            talk = talk_without_backchannel(activity, situation)
            if talk >= self.thresholds.ticks(self.thresholds.backchannel_min):
                asked.append(Question.BACKCHANNEL)
        return tuple(asked)

    def decide(
        self, activity: Activity, situation: Situation, answers: Answers = Answers()
    ) -> Decision:
        """Return what to do in this tick. An interruption wins over a backchannel."""
        if situation.is_speaking:
            return self._while_speaking(activity, situation)
        if situation.awaits_result:
            return Decision(Action.WAIT, Reason.AWAITS_TOOL)
        if situation.has_result:
            return Decision(Action.GENERATE_MESSAGE, Reason.TOOL_RESULT)
        if activity.other_talk:
            if answers.interrupt and self.interrupts:
                return Decision(Action.INTERRUPT, Reason.DECIDED)
            if answers.backchannel and self.backchannels:
                return Decision(Action.BACKCHANNEL, Reason.DECIDED)
            return Decision(Action.WAIT, Reason.OTHER_TALKS)
        return self._in_silence(activity, situation)

    def _while_speaking(self, activity: Activity, situation: Situation) -> Decision:
        limits = self.thresholds
        is_own = activity.began_overlap or situation.tells_result
        limit = limits.ticks(limits.yield_interrupting if is_own else limits.yield_interrupted)
        # A gap counts once the other goes on: until then it may have been a short sound.
        overlap = activity.overlap - (activity.other_silence or 0)
        if situation.never_yields or overlap < limit:
            return Decision(Action.KEEP_TALKING, Reason.SPEAKING)
        return Decision(Action.STOP_TALKING, Reason.YIELDS_OWN if is_own else Reason.YIELDS)

    def _in_silence(self, activity: Activity, situation: Situation) -> Decision:
        limits = self.thresholds
        if situation.has_heard:
            if _reached(activity.other_silence, limits.ticks(limits.wait_other)) and _reached(
                activity.self_silence, limits.ticks(limits.wait_self)
            ):
                return Decision(Action.GENERATE_MESSAGE, Reason.OTHER_SILENT)
        elif activity.self_silence is None and activity.other_silence is None:
            if activity.tick >= limits.ticks(limits.opening):
                return Decision(Action.GENERATE_MESSAGE, Reason.OPENS)
        else:
            patience = limits.unanswered * 2**situation.reminders
            if activity.common_silence >= limits.ticks(patience):
                return Decision(Action.GENERATE_MESSAGE, Reason.UNANSWERED)
        return Decision(Action.WAIT, Reason.PAUSE)


def talk_without_backchannel(activity: Activity, situation: Situation) -> int:
    """Return for how many ticks the other has been talking without a backchannel."""
    if situation.since_backchannel is None:
        return activity.other_talk
    return min(activity.other_talk, situation.since_backchannel)


def _reached(silence: int | None, ticks: int) -> bool:
    """Return whether a silence is long enough; that of one who never talked always is."""
    return silence is None or silence >= ticks
