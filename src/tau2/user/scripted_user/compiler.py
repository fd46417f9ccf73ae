"""Compiles a task into an agenda: what to open with, what to add, what to answer, what to do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tau2.data_model.tasks import StructuredUserInstructions, Task
from tau2.user.scripted_user import facts
from tau2.user.scripted_user.agenda import Agenda, ConditionalReply, Cue, UserAction
from tau2.user.scripted_user.rewrite import first_person
from tau2.user.scripted_user.speech import aloud, consequence
from tau2.user.scripted_user.text import capital, clean, keywords, lowered, sentences
from tau2.user.scripted_user.toolbox import Toolbox
from tau2.user.scripted_user.world_view import preferences

_I = re.IGNORECASE
_OPENING_SENTENCES = 2  # a person does not tell everything in the first message
_OPENING_LENGTH = 320  # characters up to which a short story is told in one go

_SECTION = re.compile(
    r"^\s*(Domain|Reason for call|Known info|Unknown info|Task instructions|Instructions|"
    r"Persona):[ \t]*",
    re.MULTILINE,
)
_CONDITION = re.compile(
    r"^(?:(?:and|but|then|also|however|so),?\s+)?"
    r"(?P<word>if and only if|only if|if|when|whenever|once|as soon as|after|in case|"
    r"unless)\s+(?P<rest>.+)$",
    _I | re.DOTALL,
)
_CONSEQUENCE = re.compile(
    r",\s+(?=(?:then\s+|please\s+|also\s+|only\s+|just\s+|always\s+|first\s+)*"
    r"(?:you\b|you'[a-z]+|your\b|ask|tell|say|mention|use|do|don't|never|get|cancel|insist|accept|"
    r"answer|respond|"
    r"reply|"
    r"give|exchange|return|explain|agree|request|dismiss|check|go|keep|provide|let|follow|express|"
    r"proceed|"
    r"pretend|it)\b)",
    _I,
)
_CONFIRMING = re.compile(r"\bconfirm|\bgo ahead|\bproceed\b", _I)
_REFUSING = re.compile(
    r"not possible|impossible|cannot|can't|can not|unable|won't|will not|refus|n't allow|not "
    r"allow|denie|deny|"
    r"^not$|\bno longer\b|\bnobody\b|not (?:be )?(?:able|available|eligible|offer)|isn't|doesn't|"
    r"does not|"
    r"fails?\b|says no", _I
)  # fmt: skip
_ASKING = re.compile(r"\bask(?:s|ed|ing)?\b|\bwants? to know\b|\binquire", _I)
_FINISHING = re.compile(
    r"\b(?:done|complete[ds]?|finished|confirm(?:s|ed)|carried out|settled|resolved|succeed(?:s|"
    r"ed)?)\b",
    _I,
)
_SPOKEN_OF_AGENT = re.compile(
    r"\bagent\b|\brepresentative\b|\basked?\b|^(?:that|this|it) (?:is not|isn't|can't|cannot|"
    r"fails)\b|^not\b|"
    r"\bpossible\b",
    _I,
)
_DONT_TRANSFER = re.compile(r"(?:not|n't|never|refuse)\b[^.]{0,40}\btransfer", _I)
_WANT = re.compile(
    r"\b(?:I|I'd|I'm)\b.{0,24}\b(?:want|wish|need|like|looking|intend|plan|hope|calling|would)\b|"
    r"^Please\b|^I'd\b",
    _I,
)
_RESERVATION = re.compile(
    r"\b(?:don't|do not|not want|wouldn't|prefer|willing|okay|ok with|fine with|happy)\b", _I
)
_ABOUT = re.compile(
    r"^((?:on|as to|concerning|regarding|about|for) (?:the|your) (?:first|second|third|fourth|"
    r"last|other)"
    r"(?: \w+)?:)\s*(.+)$",
    _I | re.DOTALL,
)
"""Which of several matters an instruction is about."""
_SOON = re.compile(r"\bfirst[.;]?$|\bbefore (?:I|you|anything|we)\b", _I)


class _Draft:
    """The agenda while it is being compiled."""

    def __init__(self, toolbox: Toolbox) -> None:
        self.toolbox = toolbox
        self.lines: list[str] = []
        self.wishes: list[str] = []
        self.statements: list[str] = []
        self.rules: list[ConditionalReply] = []
        self.first: list[UserAction] = []
        self.last: list[UserAction] = []


def compile_agenda(task: Task | None, instructions: Any, toolbox: Toolbox) -> Agenda:
    """Return the agenda of a task, or, without one, of its instructions."""
    source = (
        task.user_scenario.instructions
        if task is not None
        else getattr(instructions, "instructions", instructions)
    )
    parts = source if isinstance(source, StructuredUserInstructions) else _parsed(str(source or ""))
    draft = _Draft(toolbox)
    known = (
        clean(parts.known_info) if isinstance(parts, StructuredUserInstructions) else clean(parts)
    )
    if isinstance(parts, StructuredUserInstructions):
        for sentence in sentences(clean(parts.reason_for_call)):
            _place(draft, sentence, draft.lines)
        for sentence in sentences(clean(parts.task_instructions)):
            _place(draft, sentence, draft.wishes)
        draft.statements += [line for line in map(aloud, sentences(known)) if line]
        everything = clean(f"{known}\n{parts.reason_for_call}\n{parts.task_instructions}")
    else:
        for sentence in sentences(known):
            _place(draft, sentence, draft.lines)
        everything = known
    unknown = _unknown(clean(getattr(parts, "unknown_info", None)))
    elsewhere = {
        kind: values for kind, values in facts.told_in(everything).items() if kind not in unknown
    }
    found = facts.with_full_name({**elsewhere, **facts.told_in(known), **preferences(task)})
    return _agenda(draft, found, unknown, _reference(task, toolbox), everything)


def _agenda(
    draft: _Draft,
    found: dict[str, tuple[str, ...]],
    unknown: dict[str, str],
    reference: tuple[UserAction, ...],
    everything: str,
) -> Agenda:
    opening, details = _opening(draft.lines)
    wishes = [line for line in draft.wishes if line not in draft.statements]
    return Agenda(
        opening=opening,
        details=tuple(details),
        wishes=tuple(dict.fromkeys(wishes)),
        statements=tuple(dict.fromkeys([*draft.lines, *draft.statements, *wishes])),
        rules=tuple(draft.rules),
        facts=found,
        unknown={kind: line for kind, line in unknown.items() if kind not in found},
        first=tuple(draft.first),
        last=tuple(draft.last),
        reference=reference,
        refuses_transfer=bool(_DONT_TRANSFER.search(everything)),
    )


def _parsed(text: str) -> StructuredUserInstructions | str:
    """Return the structured form of a rendered scenario, or the free text of it."""
    pieces = _SECTION.split(text)
    if len(pieces) == 1:
        return text
    parts = {title: "\n".join(line.strip() for line in body.strip().splitlines())
             for title, body in zip(pieces[1::2], pieces[2::2], strict=True)}  # fmt: skip
    if "Reason for call" not in parts:
        return parts.get("Instructions") or text
    return StructuredUserInstructions(
        domain=parts.get("Domain", ""),
        reason_for_call=parts["Reason for call"],
        known_info=parts.get("Known info"),
        unknown_info=parts.get("Unknown info"),
        task_instructions=parts.get("Task instructions", ""),
    )


def _place(draft: _Draft, sentence: str, lines: list[str]) -> None:
    """Put one sentence of the scenario where it belongs; `lines` takes what is simply said."""
    about = _ABOUT.match(sentence)
    if about is not None and (_conditional(about[2]) or not aloud(about[2])):
        sentence = about[2]
    split = _conditional(sentence)
    if split is not None:
        _place_conditional(draft, *split, lines=lines)
        return
    deed = draft.toolbox.named_in(sentence)
    if deed is not None:
        draft.first.append(deed)
        rest = sentence.partition(": ")[
            2
        ]  # "Look at X: one says that ..." goes on with what is seen there
        sentence = rest
    _keep(draft, aloud(sentence), lines)


def _keep(draft: _Draft, line: str, lines: list[str]) -> None:
    """Keep a line: one that wants nothing is said only when it answers a question."""
    if not line:
        return
    if lines is draft.wishes and _SOON.search(line):
        draft.lines.append(line)
    elif lines is draft.wishes and (not _WANT.search(line) or _RESERVATION.search(line)):
        draft.statements.append(line)
    else:
        lines.append(line)


def _conditional(sentence: str) -> tuple[str, str, str] | None:
    """Return the conjunction, the condition and the consequence of a conditional sentence."""
    match = _CONDITION.match(sentence)
    if match is None:
        return None
    halves = _CONSEQUENCE.split(match["rest"], maxsplit=1)
    if len(halves) == 1:
        halves = match["rest"].split(", ", 1)
    if len(halves) != 2:  # noqa: PLR2004  -- what is asked for, and what else
        return None
    return match["word"].lower(), halves[0], halves[1]


def _place_conditional(
    draft: _Draft, word: str, condition: str, then: str, *, lines: list[str]
) -> None:
    if word in {"once", "as soon as", "after", "when"} and _FINISHING.search(condition):
        deed = draft.toolbox.named_in(then) or draft.toolbox.meant_in(then)
        if deed is not None:
            draft.last.append(deed)
        else:
            draft.wishes += [line for line in (aloud(then),) if line]
        return
    if not _SPOKEN_OF_AGENT.search(condition):
        then_line = aloud(then)
        said = (
            f"{capital(word)} {first_person(condition)}, {lowered(then_line)}" if then_line else ""
        )
        _keep(draft, said, lines)
        return
    reply = consequence(then)
    if reply:
        draft.rules.append(_rule(condition, reply))


def _rule(condition: str, reply: str) -> ConditionalReply:
    kinds = tuple(facts.asked_in([condition]))
    stems = tuple(
        sorted(keywords(re.sub(r"\b(?:the )?(?:service )?agent\b", "", condition, flags=_I)))
    )
    if _ASKING.search(condition) and not _CONFIRMING.search(condition):
        return ConditionalReply(cue=Cue.QUESTION, words=stems, kinds=kinds, reply=reply)
    if _CONFIRMING.search(condition):
        return ConditionalReply(cue=Cue.CONFIRMATION, reply=reply)
    if _REFUSING.search(condition):
        return ConditionalReply(cue=Cue.REFUSAL, reply=reply)
    return ConditionalReply(cue=Cue.STATEMENT, words=stems, reply=reply)


def _opening(lines: Sequence[str]) -> tuple[str, list[str]]:
    """Return the first message, up to the first thing wanted, and what is left for later."""
    taken = 0
    for number in range(1, len(lines) + 1):
        so_far = lines[:number]
        wanted = any(map(_WANT.search, lines[:taken]))
        if (
            taken
            and wanted
            and (number > _OPENING_SENTENCES and sum(map(len, so_far)) > _OPENING_LENGTH)
        ):
            break
        taken = number
    return " ".join(lines[:taken]), list(lines[taken:])


def _unknown(text: str) -> dict[str, str]:
    """Return kind → line for everything the scenario says is not known."""
    unknown: dict[str, str] = {}
    for sentence in dict.fromkeys(sentences(text)):
        line = aloud(sentence)
        if line:
            kinds = facts.asked_in([sentence]) or facts.asked_in([f"your {sentence}"])
            unknown |= dict.fromkeys(kinds, line)
    return unknown


def _reference(task: Task | None, toolbox: Toolbox) -> tuple[UserAction, ...]:
    return tuple(
        UserAction(tool=action.name, arguments=dict(action.arguments))
        for action in (task.reference_actions if task is not None else ())
        if action.requestor == "user" and action.name in toolbox
    )
