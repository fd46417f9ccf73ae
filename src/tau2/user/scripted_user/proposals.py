"""Compares what an agent proposes with what the customer wants.

Only clear contradictions count: a proposal that names values of a kind, none of which the customer
has in mind. What a proposal leaves open is the agent's business.
"""

from __future__ import annotations

import re

from tau2.user.scripted_user import facts
from tau2.user.scripted_user.agenda import Agenda
from tau2.user.scripted_user.text import keywords, overlap
from tau2.user.scripted_user.understanding import Heard
from tau2.user.scripted_user.world_view import dates_in

_TELLING_LENGTH = 5  # letters of a word that says what a line is about
_TELLING_WORDS = 2  # of them that two texts share when they are about the same
_MOVES = re.compile(
    r"\b(?:chang|mov|rebook|book|modif|reschedul|new flight|depart)\w*", re.IGNORECASE
)
_ARRIVES = re.compile(r"\barriv|\+ ?1|\bnext day|\bborn\b|\bbirth\b|\bDOB\b", re.IGNORECASE)
_DOES = re.compile(
    r"\b(cancel|return|exchang|chang|modif|book|upgrad|downgrad|add|remov|suspend|resum|mov)\w*",
    re.IGNORECASE,
)
_CANCELS = re.compile(r"\bcancel|\breturn\b", re.IGNORECASE)
_CHARGES = re.compile(r"\b(?:charged?|pay|payment|paying|pays|using|use)\b", re.IGNORECASE)
_REFUNDS = re.compile(r"\brefund|\bcredited|\boriginal(?:ly)?\b|\bpaid\b", re.IGNORECASE)
_CARD = re.compile(
    r"\b((?:credit_card|gift_card|paypal|certificate)_\d+)\b|\bending (?:in|with)\D{0,6}(\d{4})\b",
    re.IGNORECASE,
)
_IDENTIFYING = ("user_id", "email", "phone", "order", "reservation")
_RECORDS = ("order", "reservation")
_SHORT = 2  # characters of a value that may stand in any text
_ITEM = re.compile(r"\b\d{9,10}\b")
_STREET = re.compile(
    r"\b(\d{1,5} [A-Z][a-z]+(?: [A-Z][a-z]+)? (?:Street|Avenue|Road|Drive|Lane|Boulevard|Way|Court|"
    r"Place|Terrace|St|Ave|Rd|Dr|Ln|Blvd))\b"
)
_GIGABYTES = re.compile(
    r"\b(?:add|refuel|of|for|with|buy)\b.{0,30}?\b(\d+(?:\.\d+)?) ?GB\b", re.IGNORECASE
)
_TOTAL = re.compile(
    r"\b(?:total (?:additional |extra )?(?:cost|charge|amount|due|price difference|to pay|"
    r"difference)|"
    r"additional (?:cost|charge|amount)|extra (?:cost|charge)|you (?:will|would|'ll|'d) (?:be "
    r"charged|pay|need to pay)|fare difference|price "
    r"difference)\b[^$\n]{0,110}\$\s?(\d[\d,]*(?:\.\d\d)?)",
    re.IGNORECASE,
)

_ONLY_IF_LESS = re.compile(
    r"\bonly\b.{1,60}\bif\b.{1,60}\b(?:less|lower|cheaper|fewer|smaller)\b", re.IGNORECASE
)
_GOES_TO = re.compile(r"\baddress\b|\bdelivered to\b", re.IGNORECASE)
_IT_IS = re.compile(r"^(?:it|the [\w ]{1,20}) is ", re.IGNORECASE)
_IS_NOT_LESS = re.compile(
    r"\b(?:more|higher|greater) than (?:what |the |your |you )?(?:\w+ ){0,3}"
    r"(?:original|paid|charged|current|before)|\bnot (?:be )?(?:less|lower|cheaper) than\b",
    re.IGNORECASE,
)
_I_AM = re.compile(r"\bI(?:'m| am) (?:\w+ ){0,2}an? (\w+) (\w+)", re.IGNORECASE)
_YOU_ARE = re.compile(
    r"\byou(?:'re| are) (?:currently |listed as |actually |only ){0,2}an? (\w+) (\w+)",
    re.IGNORECASE,
)


def fails_condition(text: str, agenda: Agenda) -> bool:
    """Return whether an agent says that something costs no less, where it has to cost less."""
    return bool(_IS_NOT_LESS.search(text)) and any(map(_ONLY_IF_LESS.search, agenda.statements))


def lacks_correction(text: str, reply: str) -> bool:
    """Return whether a text reads an address back without what `reply` says of it.

    "It is to 12 Elm Street" lacks "I gave a wrong house number: it is 21 Elm Street".
    """
    value = _IT_IS.sub("", reply.rpartition(": ")[2]).rstrip(".")
    return _STREET.search(text) is not None and value.lower() not in text.lower()


def contradicts_status(text: str, agenda: Agenda) -> str:
    """Return the customer's statement about itself that the agent contradicts, or "".

    "I'm a Gold member" is contradicted by "you are a regular member".
    """
    told = [(adjective.lower(), noun.lower()) for adjective, noun in _YOU_ARE.findall(text)]
    for line in agenda.statements:
        claim = _I_AM.search(line)
        if claim is None:
            continue
        mine, noun = claim[1].lower(), claim[2].lower()
        if any(one == noun and adjective != mine for adjective, one in told):
            return line
    return ""


def speaks_of(text: str, agenda: Agenda) -> bool:
    """Return whether an agent has this customer's matter in mind: it names something of it."""
    told = (value for kind in _IDENTIFYING for value in agenda.facts.get(kind, ()))
    return any(value in text for value in (*agenda.wanted.records, *told) if len(value) > _SHORT)


def same_deed(text: str, agenda: Agenda) -> bool:
    """Return whether a proposal is of the kind that the customer opened with."""
    given = keywords(text)
    alike = any(overlap(stems, given) * 2 >= len(stems) for stems in agenda.wishes)
    return alike and not _deeds(text).isdisjoint(_deeds(agenda.opening))


def _deeds(text: str) -> set[str]:
    return {deed.lower() for deed in _DOES.findall(text)}


def objection(heard: Heard, agenda: Agenda) -> str:
    """Return why the customer does not agree to what is proposed, or ""."""
    text = heard.proposal
    asked = " ".join(heard.requests)
    checks = (
        _other_record(heard, agenda),
        _other_item(text, agenda),
        _other_date(heard, agenda),
        _other_card(heard, agenda),
        _other_street(text, agenda),
        _other_amount(asked, agenda),
        _too_dear(text, agenda),
    )
    return next((reason for reason in checks if reason), "")


def _strange(named: list[str], known: tuple[str, ...]) -> bool:
    return bool(named) and bool(known) and set(named).isdisjoint(known)


def _other_record(heard: Heard, agenda: Agenda) -> str:
    told = [facts.told_in(unit.text) for unit in heard.units if _DOES.search(unit.text)]
    named = [one for found in told for kind in _RECORDS for one in found.get(kind, ())]
    if not _strange(named, agenda.wanted.records) or not agenda.wanted.records:
        return ""
    return f"that is not the one I mean. It is about {_listed(agenda.wanted.records)}"


def _other_item(text: str, agenda: Agenda) -> str:
    if not _strange(_ITEM.findall(text), agenda.wanted.items):
        return ""
    line = _line_about(text, agenda)
    return f"that is not the item I want. {line}" if line else "that is not the item I want"


def _other_date(heard: Heard, agenda: Agenda) -> str:
    text = heard.proposal
    if _CANCELS.search(text) or not _MOVES.search(text):
        return ""
    named = [
        date
        for unit in heard.units
        if not _ARRIVES.search(unit.text)
        for date in dates_in(unit.text)
    ]
    if not _strange(named, agenda.wanted.dates):
        return ""
    return f"that is not the date I want. It has to be {_listed(_months(agenda.wanted.dates))}"


def _other_card(heard: Heard, agenda: Agenda) -> str:
    """Return what is wrong with a charge; a refund goes where the money came from."""
    named = [
        (identifier or digits).lower()
        for unit in heard.units
        if _CHARGES.search(unit.text) and not _REFUNDS.search(unit.text)
        for identifier, digits in _CARD.findall(unit.text)
    ]
    mine = agenda.facts.get("payment", ())
    known = agenda.wanted.cards
    strange = [one for one in named if not any(card.endswith(one) for card in known)]
    if not (mine and known and named) or len(strange) < len(named):
        return ""
    return f"not with that one. I would like to use my {_listed(mine)}"


def _other_street(text: str, agenda: Agenda) -> str:
    named = [street.lower() for street in _STREET.findall(text)]
    if not agenda.wanted.streets or not _GOES_TO.search(text):
        return ""
    if not named or any(_same_street(one, mine) for one in named for mine in agenda.wanted.streets):
        return ""
    return f"that is not the right address. It is {agenda.wanted.streets[0].title()}"


def _same_street(one: str, other: str) -> bool:
    return one.split(" ")[:2] == other.split(" ")[:2]


def _other_amount(text: str, agenda: Agenda) -> str:
    named = [f"{float(one):g}" for one in _GIGABYTES.findall(text)]
    if not _strange(named, agenda.wanted.gigabytes) or "up to" in text.lower():
        return ""
    return f"that is not the amount I want. I would like {_listed(agenda.wanted.gigabytes[:1])} GB"


def _too_dear(text: str, agenda: Agenda) -> str:
    most = agenda.wanted.most
    amounts = [float(amount.replace(",", "")) for amount in _TOTAL.findall(text)]
    if most is None or "refund" in text.lower() or not amounts or min(amounts) <= most:
        return ""
    return f"that is more than I want to spend. My limit is ${most:g}"


def _line_about(text: str, agenda: Agenda) -> str:
    lower = text.lower()
    lines = [agenda.opening, *agenda.statements]
    return next((line for line in lines if "want" in line and _shares(line, lower)), agenda.opening)


def _shares(line: str, lower: str) -> bool:
    telling = (word for word in set(line.lower().split()) if len(word) >= _TELLING_LENGTH)
    return sum(word in lower for word in telling) >= _TELLING_WORDS


def _months(dates: tuple[str, ...]) -> tuple[str, ...]:
    names = ("January", "February", "March", "April", "May", "June", "July", "August",
             "September", "October", "November", "December")  # fmt: skip
    return tuple(f"{names[int(date[:2]) - 1]} {int(date[3:])}" for date in dates)


def _listed(values: tuple[str, ...]) -> str:
    return " or ".join(values[:3])
