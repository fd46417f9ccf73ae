"""Whose failure a wrong, missing or unwanted change is."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from functools import cached_property

from tau2.blame.acts import INVITATIONS, acts_of, declines
from tau2.blame.conversation import Conversation, Done, Said
from tau2.blame.ending import Ending, ended_early, wish_not_stated
from tau2.blame.finding import Finding, Kind, Side, agent_finding, task_finding, user_finding
from tau2.blame.phone import instructed
from tau2.blame.values import Sources, differing, leaves, names
from tau2.blame.writes import WriteDifferences, WrongWrite
from tau2.data_model.conventions import TRANSFER_TOOL
from tau2.data_model.tasks import Action
from tau2.environment.policy_rules import Rule, Violation, agrees, check_trajectory
from tau2.user.scripted_user.understanding import Act
from tau2.utils.json_types import JsonObject, JsonValue
from tau2.utils.text import shortened


class ChangeVerdicts:
    """Finds who is responsible for each difference between the changes and the reference's."""

    def __init__(
        self,
        conversation: Conversation,
        differences: WriteDifferences,
        ending: Ending,
        rules: Sequence[Rule],
    ) -> None:
        self.conversation = conversation
        self.differences = differences
        self.ending = ending
        self.rules = rules
        self.sources = Sources(conversation)

    def findings(self) -> Iterator[Finding]:
        """Yield one finding per difference."""
        for wrong in self.differences.wrong:
            yield self._wrong(wrong)
        for action in self.differences.missing:
            if not self._waits_for_the_agent(action):
                yield self._missing(action)
        for done in self.differences.extra:
            # Steps on the phone that were tried on the way decide nothing where others are missing.
            if done.call.requestor == "assistant" or not self._lacks_something:
                yield self._extra(done)
        yield from self._hand_over()

    @property
    def _lacks_something(self) -> bool:
        return bool(self.differences.missing or self.differences.wrong)

    # --- a change with other values

    def _wrong(self, wrong: WrongWrite) -> Finding:
        findings = [
            self._value(wrong, name, got, wanted)
            for name in dict.fromkeys([*wrong.got_arguments, *wrong.wanted_arguments])
            for got, wanted in differing(
                wrong.got_arguments.get(name), wrong.wanted_arguments.get(name)
            )
        ]
        if not findings:
            return agent_finding(
                Kind.OTHER_STATE,
                wrong.done.turn,
                f"{wrong.done.call.name} was called by another participant than in the reference.",
            )
        # One value that the customer or the task got wrong explains the call.
        order = {Side.TASK: 0, Side.USER: 1, Side.AGENT: 2}
        return min(findings, key=lambda finding: order.get(finding.side, 3))

    def _value(
        self, wrong: WrongWrite, argument: str, got: JsonValue, wanted: JsonValue
    ) -> Finding:
        turn = wrong.done.turn
        call = wrong.done.call.name
        sources = self.sources
        said_got = sources.last_said(got, wanted, turn)
        said_wanted = sources.last_said(wanted, got, turn)
        supports_got = sources.supports(got, wanted)
        supports_wanted = sources.supports(wanted, got)
        shown = f"{call} got {argument} {_shown(got)} instead of {_shown(wanted)}"
        agreed = self._agreed_proposal(turn)
        line = _line_about(agreed.text, wrong.wanted_arguments) if agreed is not None else ""
        if agreed is not None and names(line, wanted) and not names(line, got):
            origin = self._origin(got, turn)
            return agent_finding(
                Kind.WRONG_VALUE,
                turn,
                f"{shown}, to which the customer had agreed in message {agreed.turn}; {origin}.",
            )
        user_chose_got = said_got is not None and (said_wanted is None or said_got > said_wanted)
        if supports_got and not supports_wanted and user_chose_got:
            return task_finding(
                Kind.REFERENCE_CONTRADICTS,
                turn,
                f"The scenario asks for {_shown(got)}; the reference has {_shown(wanted)} "
                f"as {argument} of {call}.",
            )
        proposed = self._proposed_by_agent(got, said_got)
        if user_chose_got and proposed is not None and not supports_got:
            return agent_finding(
                Kind.WRONG_VALUE,
                proposed,
                f"{shown}; the agent itself had brought it up in message {proposed}.",
            )
        if user_chose_got and said_got is not None:
            kind = Kind.CONTRADICTED if supports_got else Kind.INVENTED
            return user_finding(
                kind,
                said_got,
                f"{shown}, as the customer had said in message {said_got}.",
            )
        if said_wanted is not None:
            origin = self._origin(got, turn)
            return agent_finding(
                Kind.WRONG_VALUE,
                turn,
                f"{shown}, which the customer had named in message {said_wanted}; {origin}.",
            )
        return agent_finding(Kind.WRONG_VALUE, turn, f"{shown}; {self._origin(got, turn)}.")

    def _proposed_by_agent(self, value: JsonValue, before: int | None) -> int | None:
        """Return the agent's first message before the customer's that names a value, or None."""
        if before is None:
            return None
        for said in self.conversation.agent:
            if said.turn < before and names(said.text, value):
                return said.turn
        return None

    def _origin(self, value: JsonValue, before: int) -> str:
        if value is None:
            return "it was left out"
        turn = self.sources.first_shown(value, before)
        if turn is not None:
            return f"the value is from the tool result in message {turn}"
        said = self.sources.first_named(value, before)
        if said is not None:
            return f"the value is the customer's, from message {said}"
        return "nobody had named that value"

    # --- a change that was not made

    def _waits_for_the_agent(self, action: Action) -> bool:
        """Return whether a step of the customer's follows a change that the agent did not make."""
        if action.requestor != "user":
            return False
        earlier = itertools.takewhile(lambda one: one is not action, self.differences.reference)
        return any(
            one.requestor == "assistant" and one in self.differences.missing for one in earlier
        )

    def _missing(self, action: Action) -> Finding:
        if action.requestor == "user" and not self.conversation.start.solo_mode:
            return self._missing_on_the_phone(action)
        return (
            self._handed_over_early(action)
            or wish_not_stated(self.conversation, self.ending)
            or self._declined(action)
            or ended_early(self.conversation, self.ending)
            or self._claimed(action)
            or self._wish_left_out(action)
            or self._refused(action)
            or self._not_done(action)
        )

    def _missing_on_the_phone(self, action: Action) -> Finding:
        unstated = wish_not_stated(self.conversation, self.ending)
        if unstated is not None:
            return unstated
        turn = instructed(self.conversation, action)
        if turn is not None and not self._phone_was_asked_too_late(turn):
            return user_finding(
                Kind.NOT_ACTED,
                turn,
                f"The agent asked for it in message {turn}, but the customer did not carry out "
                f"{action.name}.",
            )
        early = ended_early(self.conversation, self.ending)
        if early is not None:
            return early
        return self._handed_over_early(action) or agent_finding(
            Kind.NOT_INSTRUCTED,
            self.ending.turn,
            f"The agent never asked the customer for {action.name}.",
        )

    def _phone_was_asked_too_late(self, turn: int) -> bool:
        """Return whether no message of the customer follows."""
        return not any(said.turn > turn for said in self.conversation.user)

    def _handed_over_early(self, action: Action) -> Finding | None:
        done = self.conversation.hand_over
        if done is None or _hands_over(self.conversation):
            return None
        return agent_finding(
            Kind.HANDED_OVER,
            done.turn,
            f"The agent handed the customer over although it could have called {action.name}.",
        )

    def _declined(self, action: Action) -> Finding | None:
        """A proposal of this very change was declined, and not taken up again."""
        for proposal, answer in self._proposals():
            named = [value for value in leaves(action.arguments) if names(proposal.text, value)]
            if named and declines(answer.text) and not self._agreed_after(answer.turn):
                return user_finding(
                    Kind.REFUSED_OWN_WISH,
                    answer.turn,
                    f"The customer declined {action.name}, which the scenario asks for.",
                )
        return None

    def _proposals(self) -> Iterator[tuple[Said, Said]]:
        for said in self.conversation.agent:
            if Act.ASKS_CONSENT in acts_of(said.text):
                answer = self._answer_to(said)
                if answer is not None:
                    yield said, answer

    def _answer_to(self, said: Said) -> Said | None:
        """Return the customer's message before the agent speaks again."""
        after = [one.turn for one in self.conversation.agent if one.turn > said.turn]
        limit = after[0] if after else len(self.conversation.messages)
        return next((one for one in self.conversation.user if said.turn < one.turn < limit), None)

    def _agreed_proposal(self, before: int) -> Said | None:
        """Return the last proposal before a message that the customer agreed to."""
        agreed = [
            proposal
            for proposal, answer in self._proposals()
            if answer.turn < before and agrees(answer.text)
        ]
        return agreed[-1] if agreed else None

    def _agreed_after(self, turn: int) -> bool:
        return any(one.turn > turn and agrees(one.text) for one in self.conversation.user)

    def _claimed(self, action: Action) -> Finding | None:
        made = {done.call.name for done in self.conversation.writes}
        for said in self.conversation.agent:
            if Act.REPORTS_DONE not in acts_of(said.text):
                continue
            if _is_about(said.text, action) and (
                action.name not in made or self._names_target(said.text, action)
            ):
                return agent_finding(
                    Kind.CLAIMED_NOT_DONE,
                    said.turn,
                    f"The agent said that it was done, but never called {action.name} "
                    "successfully.",
                )
        return None

    def _names_target(self, text: str, action: Action) -> bool:
        return any(names(text, value) for value in leaves(action.arguments))

    def _wish_left_out(self, action: Action) -> Finding | None:
        """The customer ended without naming what only the scenario knows."""
        unsaid = self.sources.unsaid(leaves(action.arguments))
        invited = bool(self.ending.acts & {*INVITATIONS, Act.REPORTS_DONE})
        if not unsaid or not self.ending.by_user or not invited:
            return None
        return user_finding(
            Kind.WISH_NOT_STATED,
            self.ending.turn,
            f"The customer ended the conversation without having named {_shown(unsaid[0])}, "
            f"which {action.name} needs.",
        )

    def _refused(self, action: Action) -> Finding | None:
        refusal = next(
            (said for said in self.conversation.agent if Act.REFUSES in acts_of(said.text)), None
        )
        if refusal is None:
            return None
        return agent_finding(
            Kind.REFUSED,
            refusal.turn,
            f"The agent refused; the reference calls {action.name}.",
        )

    def _not_done(self, action: Action) -> Finding:
        failed = [
            done
            for done in self.conversation.calls
            if done.call.name == action.name and done.replayed.error
        ]
        if failed:
            last = failed[-1]
            reason = shortened(last.replayed.content or "", 160)
            text = f"{action.name} was called, but failed: {reason}"
            return agent_finding(Kind.NOT_DONE, last.turn, text)
        return agent_finding(
            Kind.NOT_DONE, self.ending.turn, f"The agent never called {action.name}."
        )

    # --- a change that the reference does not make

    def _extra(self, done: Done) -> Finding:
        name = done.call.name
        if done.call.requestor == "user":
            return self._extra_on_the_phone(done)
        invented = self._invented_by_user(done)
        if invented is not None:
            return invented
        if not self._was_agreed(done.turn):
            return agent_finding(
                Kind.NOT_AGREED,
                done.turn,
                f"{name} was called although the customer had not agreed to it.",
            )
        broken = self._broken_rule(done.turn)
        because = f": {broken}" if broken else "; the reference does not call it"
        return agent_finding(
            Kind.FORBIDDEN,
            done.turn,
            f"{name} was called because the customer wanted it{because}.",
        )

    def _extra_on_the_phone(self, done: Done) -> Finding:
        earlier = [
            one.turn
            for one in self.conversation.calls
            if one.call.name == done.call.name and one.turn < done.turn
        ]
        after = earlier[-1] if earlier else -1
        action = Action(
            action_id="", requestor="user", name=done.call.name, arguments=done.call.arguments
        )
        asked = instructed(self.conversation, action, after=after, before=done.turn)
        if asked is not None:
            return agent_finding(
                Kind.OTHER_STATE,
                done.turn,
                f"The agent had the customer call {done.call.name}; the reference does not.",
            )
        return user_finding(
            Kind.ACTED_UNASKED,
            done.turn,
            f"The customer called {done.call.name} without being asked to.",
        )

    def _invented_by_user(self, done: Done) -> Finding | None:
        for value in leaves(done.call.arguments):
            said = self.sources.first_named(value, done.turn)
            if said is None or not _is_telling(value) or names(self.sources.scenario, value):
                continue
            known = self.sources.first_shown(value, said)
            if known is None and self._proposed_by_agent(value, said) is None:
                return user_finding(
                    Kind.INVENTED,
                    said,
                    f"The customer named {_shown(value)}, which the scenario does not have; "
                    f"{done.call.name} was called with it.",
                )
        return None

    def _was_agreed(self, before: int) -> bool:
        replies = [said for said in self.conversation.user if said.turn < before]
        return bool(replies) and agrees(replies[-1].text)

    @cached_property
    def _violations(self) -> list[Violation]:
        """Every policy rule that the agent broke."""
        conversation = self.conversation
        return check_trajectory(conversation.start, conversation.messages, self.rules)

    def _broken_rule(self, turn: int) -> str | None:
        return next((one.text for one in self._violations if one.message_index == turn), None)

    def _hand_over(self) -> Iterator[Finding]:
        if _hands_over(self.conversation) and self.conversation.hand_over is None:
            yield agent_finding(
                Kind.NOT_HANDED_OVER,
                self.ending.turn,
                "The agent did not hand the customer over, as the reference does.",
            )


def _hands_over(conversation: Conversation) -> bool:
    """Return whether the reference hands the customer over."""
    actions = conversation.setup.task.reference_actions
    return any(action.name == TRANSFER_TOOL for action in actions)


_LONG_ENOUGH = 4  # characters; a shorter number is an amount or a count


def _is_telling(value: JsonValue) -> bool:
    """Return whether a value is special enough to be somebody's: an id or a date."""
    return len(str(value)) >= _LONG_ENOUGH and any(character.isdigit() for character in str(value))


_ABOUT = {
    "cancel": ("cancel",),
    "modify": ("modif", "chang", "updat", "correct", "switch"),
    "update": ("updat", "chang", "modif", "upgrad", "add", "correct", "switch"),
    "return": ("return", "refund"),
    "exchange": ("exchang", "replac", "swap"),
    "book": ("book", "reserv"),
    "send": ("send", "sent", "issu", "certificat", "compensat"),
    "enable": ("enabl", "activat", "turned on", "roaming"),
    "disable": ("disabl", "deactivat", "turned off"),
    "resume": ("resum", "restor", "reactivat", "lifted"),
    "suspend": ("suspend",),
    "refuel": ("refuel", "added", "data", "credited"),
    "create": ("creat", "add"),
}


def _is_about(text: str, action: Action) -> bool:
    """Return whether a report of the agent can be about a change."""
    lowered = text.lower()
    verb = action.name.split("_")[0]
    stems = _ABOUT.get(verb, (verb[:6],))
    generic = (
        *("all set", "all done", "taken care of", "is done", "'s done", "’s done", "done!"),
        *("been processed", "been completed", "been made"),
    )
    return any(stem in lowered for stem in stems) or any(one in lowered for one in generic)


def _line_about(text: str, arguments: JsonObject) -> str:
    """Return the line of a proposal that names most of a call's values."""
    values = list(leaves(arguments))
    return max(text.splitlines() or [""], key=lambda line: sum(names(line, v) for v in values))


def _shown(value: JsonValue) -> str:
    return "nothing" if value is None else shortened(str(value), 80)
