"""Compiles a task into an agenda: what to open with, what to add, what to answer, what to do."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tau2.data_model.persona import Verbosity
from tau2.data_model.tasks import StructuredUserInstructions, Task
from tau2.user.scripted_user import facts, given_tools, world_view
from tau2.user.scripted_user.agenda import Agenda, ConditionalReply, Cue, Point, UserAction
from tau2.user.scripted_user.rewrite import first_person
from tau2.user.scripted_user.speech import aloud, consequence
from tau2.user.scripted_user.text import (
    capital,
    clean,
    keywords,
    lowered,
    overlap,
    sentences,
    word_set,
)
from tau2.user.scripted_user.toolbox import Toolbox

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
    r"(?P<word>if and only if|only if|only after|only once|only when|not until|if|when|whenever|"
    r"once|as soon as|after|in case|"
    r"unless|should)\s+(?P<rest>.+)$",
    _I | re.DOTALL,
)
_CONSEQUENCE = re.compile(
    r"\s+(?=do you (?:settle|accept|take|agree|want|give))|,\s+(?=(?:then\s+|please\s+|also\s+|"
    r"only\s+|just\s+|always\s+|first\s+)*"
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
    r"not possible|too (?:much|high|many)|impossible|cannot|can't|can not|unable|won't|will not|"
    r"refus|n't allow|not "
    r"allow|denie|deny|"
    r"^not$|\bno longer\b|\bnobody\b|not (?:be )?(?:able|available|eligible|offer)|isn't|doesn't|"
    r"does not|"
    r"fails?\b|says no|changes nothing|makes no difference", _I
)  # fmt: skip
_ASKING = re.compile(r"\bask(?:s|ed|ing)?\b|\bwants? to know\b|\binquire", _I)
_FINISHING = re.compile(
    r"\b(?:closed|dealt with|behind you|out of the way|done|saved|changed|cancelled|ready|over|"
    r"sorted|solved|through|complete[ds]?|finished|"
    r"confirm(?:s|ed)|carried out|settled|resolved|succeed(?:s|"
    r"ed)?)\b",
    _I,
)
_AT_THE_END = re.compile(
    r"\babout to (?:leave|go|hang up|say goodbye)\b|\bthat is all\b|\banything else\b|"
    r"^(?:that|this|it)$",
    _I,
)
"""When a customer adds something: the agent offers more help, or it is "after that"."""
_SPOKEN_OF_AGENT = re.compile(
    r"\bagent\b|\brepresentative\b|\basked?\b|^(?:that|this|it) (?:is not|isn't|can't|cannot|"
    r"changes nothing|makes no difference|does not help|fails)\b|^not\b|"
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
_ASKS_FOR = re.compile(
    r"\bI(?:'d| would)?(?: also| just| still| do| really| at least| now| then| \w+ly){0,3} (?:want|"
    r"wish|"
    r"like|need|love|hope|ask|insist)\b|\bI(?:'m| am) (?:also )?(?:looking|hoping|asking|"
    r"calling)\b|"
    r"^Please\b|^(?:And |Also )?(?:can|could) you\b",
    _I,
)
_MODE = re.compile(
    r"^Please only\b|\bonly want\b|\b(?:want|like|need|wish) to (?:fly|travel|use|pay|stay|keep|be "
    r"sure|make sure|"
    r"minimi[sz]e|maximi[sz]e|get (?:this|that|it|both|everything|the maximum|what)|depart|leave|"
    r"arrive|"
    r"go ahead|proceed|consider|honor)\b|\bso (?:that )?I want you\b|\bas (?:a complete "
    r")?package\b|"
    r"\bwant (?:you to )?(?:decide|honor|be)\b",
    _I,
)
"""How something should be done, and not something further to do."""
_GIVES_UP = re.compile(
    r"\bend the (?:call|conversation|chat)|\bhang up\b|\bleave it at that\b|\blet it go\b|\bgive "
    r"up\b|"
    r"\bthat is it\b|\bdo not insist\b|\bkeep (?:everything|what you have)\b",
    _I,
)
_PERSISTS = re.compile(
    r"\bafter insisting|\beven after|\bstays with\b|\bstill (?:refus|den|say|not)|\bagain\b|\bmore "
    r"than "
    r"once\b|\bseveral times|\bafter a few",
    _I,
)
_READING_BACK = re.compile(r"\b(?:reads?|repeats?)\b.{0,40}\b(?:to you|back)\b", _I)
_NOTICING = re.compile(r"^Notice that (?=I )")
_FORGOTTEN = re.compile(r"^Please add what I forgot:")
_SAME = 0.8  # share of a line's words that the opening has as well
_ABOUT = re.compile(
    r"^(?:on|as to|as for|concerning|regarding|about|for|with) (?:the|your) "
    r"(first|second|third|fourth|last|other)(?: [a-z]+)?[:,]\s*(.+)$",
    _I | re.DOTALL,
)
"""Which of several wishes an instruction is about."""
_ABOUT_IF = re.compile(
    r"^(?:on|as to|as for|concerning|regarding|about|for|with) (?:the|your) [a-z]+[:,]\s*"
    r"(?=(?:if|when|once)\b)",
    _I,
)
"""What a condition is about: "For the cancellation: if ..."."""
_WANTS_TO_KNOW = re.compile(r"\b(?:want|like) to (?:know|hear)\b|\bask\b", _I)
_IDEA = re.compile(
    r"^you (?:suddenly |then )?(?:decide|remember|realise|realize|think|notice|find) (?:that )?you",
    _I,
)
_DOING = re.compile(r"(?:you(?:'ve| have)? )?\w+(?:ing|ed)\b", _I)
_WHEN = frozenset({"once", "as soon as", "after", "when"})
_WHEN_IT_ENDS = _WHEN | {"only when"}
_WHEN_ONLY = frozenset({"only after", "only once", "not until"})
_CHOICE = re.compile(
    r"\b(?:multiple|several|options?|available|possible|only one|choice|more than one|enough|used|"
    r"cannot|can no longer|price|cost|added)\b(?! up\b)",
    _I,
)
"""A condition about what there is to choose from, which one states beforehand."""
_COMES_UP = re.compile(
    r"(?:that|this|it) (?:comes up|is mentioned)\b|the agent (?:mentions|brings up) (?:it|that|"
    r"this)\b",
    _I,
)
_FORGOT = re.compile(r"^you (?:had )?forg(?:o|e)t\b[^;.]*; (?=if )", _I)
_REFERS = re.compile(r"\b(?:it|its|him|her|them|holding fee)\b|^The [A-Z]")
"""A sentence that goes on about what the sentence before was about."""
_ORDINALS = ("first", "second", "third", "fourth")
_NAMED_RECORD = re.compile(r"\b(reservation|booking|order) (#?[A-Z0-9-]*\d[A-Z0-9-]*|[A-Z]{6})\b")
_LATER = re.compile(
    r"\b(?:only|not until|once|as soon as|when) (?:\w+ ){0,5}(?:after|when|once|done|settled|saved|"
    r"finished|complete|sorted|out of the way)\b|\bonly after\b|^after (?:that|this|the|all|you "
    r"have)"
    r"\b|^(?:afterwards|finally|lastly|at the (?:very )?end|in the end|then|last)\b|\bat the end\b|"
    r"\bat the end of the day\b|\bbefore you (?:say goodbye|hang up|leave|go|end)\b|\bsuddenly\b|"
    r"\bfor the end\b|\bbring up (?:something|one thing|another)\b|\bin the middle of\b|\bin "
    r"addition",
    _I,
)
"""An instruction for when the rest is settled."""
_RESERVED = re.compile(
    r"\bnot say anything that is not asked|\breveal (?:only )?(?:minimal|little|as little|nothing)|"
    r"\b(?:do not|don't|never) volunteer|\bonly (?:what|when) (?:is |you are )?asked|\bnothing "
    r"more\b|"
    r"\breluctant to share|\bprivate person|\bwhat is asked for\b|\bsay as little",
    _I,
)
_INSISTS = re.compile(
    r"\bpersisten|\binsist|\bdo(?:n't| not) (?:take|accept) (?:no|the first)|\bbe firm\b|"
    r"\bnegotiat|"
    r"\bdo not give (?:up|in)\b|\bpush\b",
    _I,
)
_TERSE = re.compile(
    r"\bterse|\bfew words\b|\bshort on time\b|\b(?:are|be|very|and) brief\b|"
    r"\bone or two sentences\b|\bcurt\b|\bbrisk\b|\bto the point\b",
    _I,
)
_TALKATIVE = re.compile(r"\btalkative\b|\bchatty\b|\blike to talk\b|\bsmall talk\b", _I)
_STEM_LENGTH = 3
_SAYS_NOTHING = word_set(
    "like like would want need also get mak tak us tell ask flight order item customer servic "
    "thing "
    "chang thank possibl able"
)
_SOON = re.compile(r"\bfirst[.;]?$|\bbefore (?:I|you|anything|we)\b", _I)


class _Draft:
    """The agenda while it is being compiled."""

    def __init__(self, toolbox: Toolbox, matters: Sequence[str]) -> None:
        self.toolbox = toolbox
        self.matters = tuple(matters)
        """The wishes of the reason for contacting, in their order."""
        self.lines: list[str] = []
        """The reason for contacting."""
        self.points: list[Point] = []
        self.statements: list[str] = []
        self.rules: list[ConditionalReply] = []
        self.first: list[UserAction] = []
        self.last: list[UserAction] = []


def compile_agenda(
    task: Task | None, instructions: Any, toolbox: Toolbox, wallet: world_view.Wallet | None = None
) -> Agenda:
    """Return the agenda of a task, or, without one, of its instructions.

    `wallet` names the payment methods of the reference solution as the customer calls them.
    """
    source = (
        task.user_scenario.instructions
        if task is not None
        else getattr(instructions, "instructions", instructions)
    )
    parts = source if isinstance(source, StructuredUserInstructions) else _parsed(str(source or ""))
    known = (
        clean(parts.known_info) if isinstance(parts, StructuredUserInstructions) else clean(parts)
    )
    if isinstance(parts, StructuredUserInstructions):
        reason = clean(parts.reason_for_call)
        draft = _Draft(toolbox, reason.split("\n"))
        for sentence in sentences(reason):
            _place(draft, sentence, in_reason=True)
        for sentence in sentences(clean(parts.task_instructions)):
            _place(draft, sentence, in_reason=False)
        draft.statements += [line for line in map(aloud, sentences(known)) if line]
        everything = clean(f"{known}\n{parts.reason_for_call}\n{parts.task_instructions}")
    else:
        draft = _Draft(toolbox, ())
        for sentence in sentences(known):
            _place(draft, sentence, in_reason=True)
        everything = known
    unknown = _unknown(clean(getattr(parts, "unknown_info", None)))
    elsewhere = {
        kind: values for kind, values in facts.told_in(everything).items() if kind not in unknown
    }
    cards = dict(wallet or {})
    found = facts.with_full_name(
        {**elsewhere, **facts.told_in(known), **world_view.preferences(task, cards)}
    )
    opening, details = _opening(draft.lines)
    said = keywords(opening)
    points = [
        point
        for point in (*(_point(line, later=False) for line in details), *draft.points)
        if point.later or overlap(point.stems, said) < _SAME * max(1, len(point.stems))
    ]
    persona = str(task.user_scenario.persona or "") if task is not None else ""
    asked = {
        line: stems for line in sentences(opening) if _asks_for(line) and (stems := _stems(line))
    }
    return Agenda(
        opening=opening,
        wishes=tuple(asked.values()),
        asked=tuple(asked),
        points=tuple(dict.fromkeys(points)),
        statements=tuple(
            dict.fromkeys([*draft.lines, *draft.statements, *(one.line for one in draft.points)])
        ),
        rules=tuple(draft.rules),
        facts=found,
        unknown={kind: line for kind, line in unknown.items() if kind not in found},
        cards=world_view.cards(task, cards),
        first=tuple(draft.first),
        last=tuple(draft.last),
        reference=_reference(task, toolbox, everything),
        wanted=world_view.wanted(task, everything, cards),
        changes=world_view.changes_something(task),
        transfer_wanted=world_view.ends_with_transfer(task),
        verbosity=_verbosity(f"{everything}\n{persona}"),
        reserved=bool(_RESERVED.search(f"{everything}\n{persona}")),
        insists=bool(_INSISTS.search(f"{everything}\n{persona}")),
        refuses_transfer=bool(_DONT_TRANSFER.search(everything)),
    )


def _verbosity(text: str) -> Verbosity:
    if _TERSE.search(text):
        return Verbosity.MINIMAL
    return Verbosity.TALKATIVE if _TALKATIVE.search(text) else Verbosity.STANDARD


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


def _place(draft: _Draft, sentence: str, *, in_reason: bool) -> None:
    """Put one sentence of the scenario where it belongs."""
    about = _ABOUT.match(sentence)
    lead = ""
    if about is not None:
        lead = _matter(draft.matters, about[1])
        sentence = capital(about[2])
    sentence = capital(_ABOUT_IF.sub("", _FORGOT.sub("", sentence)))
    split = _conditional(sentence)
    if split is not None:
        _place_conditional(draft, *split, in_reason=in_reason)
        return
    deed = draft.toolbox.named_in(sentence)
    if deed is not None:
        draft.first.append(deed)
        # "Look at X: one says that ..." goes on with what is seen there.
        sentence = sentence.partition(": ")[2]
    line = aloud(sentence)
    later = bool(_LATER.search(sentence)) and not _SOON.search(line)
    _keep(draft, f"{lead}{lowered(line)}" if lead and line else line, in_reason, later=later)


def _matter(matters: Sequence[str], ordinal: str) -> str:
    """Return how the customer names the first, second, ... of its wishes."""
    number = _ORDINALS.index(ordinal.lower()) if ordinal.lower() in _ORDINALS else len(matters) - 1
    if len(matters) > 1 and 0 <= number < len(matters):
        named = _NAMED_RECORD.search(matters[number])
        if named is not None:
            return f"For {named[1]} {named[2]}, "
    return f"For my {ordinal.lower()} request, "


def _keep(draft: _Draft, line: str, in_reason: bool, *, later: bool = False) -> None:
    """Keep a line: one that wants nothing is said early, or when it answers a question."""
    if not line:
        return
    if (in_reason and not later) or _SOON.search(line):
        draft.lines.append(line)
    elif draft.points and draft.points[-1].later and not later and _REFERS.search(line):
        before = draft.points.pop()
        draft.points.append(before.model_copy(update={"line": f"{before.line} {line}"}))
    elif line not in draft.statements:
        draft.points.append(_point(line, later=later))


def _point(line: str, *, later: bool) -> Point:
    return Point(
        line=line, wanted=_asks_for(line), later=later and _asks_for(line), stems=_stems(line)
    )


def _asks_for(line: str) -> bool:
    """Return whether a line asks for something, and does not only say how it should be."""
    return bool(_ASKS_FOR.search(line)) and not (_RESERVATION.search(line) or _MODE.search(line))


def _stems(line: str) -> tuple[str, ...]:
    return tuple(
        sorted(word for word in keywords(line) - _SAYS_NOTHING if len(word) >= _STEM_LENGTH)
    )


def _conditional(sentence: str) -> tuple[str, str, str] | None:
    """Return the conjunction, the condition and the consequence of a conditional sentence."""
    match = _CONDITION.match(sentence)
    if match is None:
        return None
    halves = _CONSEQUENCE.split(match["rest"], maxsplit=1)
    if len(halves) == 1:
        halves = re.split(r"(?<=\w)[:,] ", match["rest"], maxsplit=1)
    if len(halves) != 2:  # noqa: PLR2004  -- what is asked for, and what else
        return None
    return match["word"].lower(), halves[0], halves[1].removeprefix("do ")


def _place_conditional(
    draft: _Draft, word: str, condition: str, then: str, *, in_reason: bool
) -> None:
    ending = _FINISHING.search(condition) or _AT_THE_END.search(condition)
    if word in _WHEN_ONLY or (word in _WHEN_IT_ENDS and ending):
        deed = draft.toolbox.named_in(then) or draft.toolbox.meant_in(then)
        if deed is not None:
            draft.last.append(deed)
        else:
            line = aloud(_IDEA.sub("you", then)) or consequence(then)
            if line:
                point = _point(line, later=True)
                draft.points.append(point.model_copy(update={"wanted": True, "later": True}))
        return
    if word == "after" and _DOING.match(condition):
        # "After asserting it twice, admit that ...": said when it is asked about, at the earliest.
        draft.statements += [line for line in (aloud(then),) if line]
        return
    if _COMES_UP.match(condition):
        _say_when_it_comes_up(draft, then)
        return
    if not _SPOKEN_OF_AGENT.search(condition):
        then_line = aloud(then)
        if then_line and not in_reason and not _CHOICE.search(condition):
            words = tuple(sorted(keywords(condition)))
            draft.rules.append(ConditionalReply(cue=Cue.STATEMENT, words=words, reply=then_line))
            draft.statements.append(then_line)
            return
        said = (
            f"{capital(word)} {first_person(condition)}, {lowered(then_line)}" if then_line else ""
        )
        _keep(draft, said, in_reason)
        return
    reply = consequence(then)
    if reply:
        rule = _rule(condition, reply)
        ends = _GIVES_UP.search(then) and not _WANTS_TO_KNOW.search(then)
        more = {"ends": bool(ends), "insists": bool(_PERSISTS.search(condition))}
        stems = _stems(reply) if _asks_for(reply) else ()
        draft.rules.append(rule.model_copy(update={**more, "stems": stems}))


def _say_when_it_comes_up(draft: _Draft, then: str) -> None:
    """Keep the line before back until the agent speaks of it: "If that comes up, say ..."."""
    reply = consequence(then)
    if draft.points and reply:
        before = draft.points.pop()
        draft.rules.append(ConditionalReply(cue=Cue.STATEMENT, words=before.stems, reply=reply))


def _rule(condition: str, reply: str) -> ConditionalReply:
    kinds = tuple(facts.asked_in([condition]))
    stems = tuple(
        sorted(keywords(re.sub(r"\b(?:the )?(?:service )?agent\b", "", condition, flags=_I)))
    )
    if _READING_BACK.search(condition):
        said = _FORGOTTEN.sub("I forgot something:", _NOTICING.sub("", reply))
        return ConditionalReply(cue=Cue.READ_BACK, words=stems, reply=said)
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


def _reference(task: Task | None, toolbox: Toolbox, everything: str) -> tuple[UserAction, ...]:
    """Return the customer's part of the reference solution, as far as the customer knows it.

    Where the agent has to read documents, what stands in them is for the agent to say.
    """
    reads = task is not None and bool(task.required_documents)
    return tuple(
        UserAction(
            tool=action.name,
            arguments=_known(action.arguments, everything) if reads else dict(action.arguments),
        )
        for action in (task.reference_actions if task is not None else ())
        if action.requestor == "user" and action.name in toolbox
    )


def _known(arguments: Mapping[str, Any], text: str) -> dict[str, Any]:
    """Return the arguments that a scenario states; of a given tool, its name as well."""
    known = {name: value for name, value in arguments.items() if _says(text, value)}
    if given_tools.NAME not in arguments:
        return known
    inner = given_tools.inner_arguments(arguments)
    said = {name: value for name, value in inner.items() if _says(text, value)}
    return {
        given_tools.NAME: arguments[given_tools.NAME],
        given_tools.ARGUMENTS: json.dumps(said),
    }


def _says(text: str, value: object) -> bool:
    """Return whether a scenario states a value; a truth value counts as stated."""
    if isinstance(value, bool):
        return True
    written = str(value).removesuffix(".0")
    return written.lower() in text.lower().replace(",", "")
