"""The facts a customer is asked for: how scenarios, questions and answers express them."""

from __future__ import annotations

import re

from tau2.user.scripted_user.text import word_set

_I = re.IGNORECASE

ASKED: dict[str, re.Pattern[str]] = {
    "email": re.compile(
        r"\b(?:your|which|what|the|registered|account) (?:\w+ ){0,2}e-?mails?\b(?! (?:with|on file|"
        r"is|"
        r"will|confirm|shortly|from|once|instructions|you|when|to|itself|and follow|for return)\b)|"
        r"\be-?mail address|(?:[,/]|\bor|\band|\bname,?) e-?mail\b|^e-?mail\b(?! (?:you|me|the|"
        r"it)\b)",
        _I,
    ),
    "zip": re.compile(r"\bzip\b|\bpostal\b|\bpost ?code", _I),
    "name": re.compile(
        r"\b(?:first|last|full|family)(?: and (?:last|family))? name\b|\b(?:your|"
        r"account holder'?s?) (?:full )?names?\b"
        r"|\bname on the\b|\bname and\b|\band name\b|\bwho (?:am i speaking|i am speaking|is "
        r"calling)", _I
    ),
    "user_id": re.compile(r"\b(?:user|customer|account|member|membership|client)[ -]?(?:id|number|"
                          r"no)\b|"
    "\busername\b", _I),
    "phone": re.compile(
        r"\b(?:phone|mobile|cell|telephone|line)(?: phone)? number\b|\bnumber "
        r"(?:associated|registered)|"
        r"\b(?:which|what) (?:of your )?(?:phone lines?|lines?|phones?|number|mobile)\b"
        r"(?! (?:mode|type|plan))|"
        r"\b(?:which|what) (?:device|handset) (?:is|are|do|has)\b",
        _I,
    ),
    "order": re.compile(r"\border (?:id|number|no\b|#)|\border\(s\)|\bwhich orders?\b|\border "
                        r"(?:are you|is this|"
    "does)", _I),
    "reservation": re.compile(
        r"\b(?:reservation|booking|confirmation)s? (?:id|number|code|reference)|\bwhich "
        r"(?:reservation|booking)"
        r"|\b(?:reservation|booking) id", _I
    ),
    "dob": re.compile(r"\bdate of birth\b|\bbirth ?(?:date|day)\b|\bdob\b", _I),
    "address": re.compile(r"(?<!mail )(?<!e-mail )\baddress\b", _I),
    "payment": re.compile(
        r"\bpayment method|\bmethod of payment|\bwhich (?:card|payment)|\bcredit card\b|\bgift "
        r"card\b|\bpaypal\b"
        r"|\bwould you like to pay\b|\bwhere .{0,30}\brefund", _I
    ),
    "serial": re.compile(r"\bserial (?:number|no\b|code)", _I),
    "plate": re.compile(
        r"\blicen[cs]e plate|\bplate number|\bregistration (?:plate|number)", _I
    ),
    "purchase_date": re.compile(
        r"\bdate of (?:the |your )?purchase\b|\bpurchase date\b|"
        r"\bwhen (?:did|have) you (?:buy|bought)\b",
        _I,
    ),
    "amount": re.compile(
        r"\b(?:invoice|purchase) amount\b|\binvoice total\b|"
        r"\bamount (?:on|of) (?:the|your) (?:invoice|receipt)\b",
        _I,
    ),
    "reason": re.compile(r"\b(?:the|a|your) reason\b|\bwhy (?:do|did|are|would) you\b|\breasons? "
                         r"(?:for|why)\b", _I),
}  # fmt: skip
"""What a question asks for, by the words in it."""

IDENTITY = ("name", "email", "phone", "zip", "user_id", "dob")
"""What one offers when asked who one is, in the order in which one would say it."""

_ASKED_GENERALLY = re.compile(
    r"\bverify (?:your|the) (?:identity|account)|\bidentif(?:y|ication)\b|\bauthenticat|"
    r"\blook up your (?:account|profile)"
    r"|\blocate your (?:account|profile|order)|\bpull up your|\byour (?:account )?details\b|"
    r"\bidentifying\b", _I
)  # fmt: skip

_TOLD: dict[str, tuple[re.Pattern[str], ...]] = {
    "email": (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),),
    "zip": (
        re.compile(r"\bzip\s*-?\s*(?:code)?(?:\s+is|:)?\s*(\d{5})\b", _I),
        re.compile(r"\b(?:live|living|lives|residing|reside|from|"
                   r"in)\b[^.\d]{0,60}?(?<![\w#$])(\d{5})\b"),
    ),
    "phone": (re.compile(r"(?<![\w-])(?:\+?\d{1,2}[ -])?\(?\d{3}\)?[ -]\d{3}[ -]\d{4}\b"),),
    "user_id": (
        re.compile(r"\b(?:user|customer|account|member) ?id(?:\s+is|"
                   r":)*\s*['\"]?([A-Za-z][\w-]*\d[\w-]*)", _I),
        re.compile(r"\b[a-z]+_[a-z]+_\d+\b"),
        re.compile(r"\buser_\d+\b"),
    ),
    "order": (
        re.compile(r"#[A-Z]*\d{3,}\b"),
        re.compile(r"\border (?:number |id |no\.? )?(?:is |: "
                   r"?)?['\"]?((?=[A-Z0-9-]*\d)[A-Z0-9][A-Z0-9-]{3,})\b"),
    ),
    "reservation": (
        re.compile(
            r"\b(?:[Rr]eservation|[Bb]ooking|[Cc]onfirmation)s?(?: (?:id|ID|Id|number|code|"
            r"reference))*s?"
            r"(?:\s+is|:)*\s*['\"]?((?=[A-Z0-9]*[0-9])[A-Z0-9]{5,8}|[A-Z]{6})\b"
        ),
        re.compile(r"\b[Rr]eservation ID\b[^.\n]{0,120}?\bit is ([A-Z0-9]{6})\b"),
    ),
    "dob": (
        re.compile(
            r"\byou(?:r|'re| are| were)?\b[^.\d]{0,30}\b(?:born|birth|birthday|birthdate|"
            r"dob)\b[^.\d]{0,20}"
            r"(\d{4}-\d\d-\d\d|\d{1,2}/\d{1,2}/\d{2,4}|[a-z]+ \d{1,2},? \d{4})", _I
        ),
        re.compile(r"\b(?:dob|date of birth)[:\s]+(\d{4}-\d\d-\d\d)", _I),
    ),
    "name": (
        re.compile(
            r"\b(?:[Yy]ou are|[Yy]ou're|[Yy]our (?:full )?name(?: is|'s)|[Yy]ou name is|[Nn]ame:|"
            r"[Nn]amed)\s+"
            r"((?:[A-Z][\w'-]+)(?:\s+[A-Z][\w'-]+){0,2})(?!\s+(?:member|customer|user|agent|tier|"
            r"status))"
        ),
    ),
    "address": (
        re.compile(r"\bstreet address(?: is|:) (\d+\w? [A-Z][\w'-]+(?: [A-Z][\w'-]+){1,3})"),
    ),
    "serial": (re.compile(r"\bserial number(?: is|:) ((?=[A-Z-]*\d)[A-Z0-9][A-Z0-9-]{3,24})\b"),),
    "plate": (
        re.compile(r"\blicen[cs]e plate(?: number)?(?: is|:) ((?=[A-Z-]*\d)[A-Z0-9-]{4,10})\b"),
    ),
    "purchase_date": (re.compile(r"\bdate of purchase(?: is|:) (\d{4}-\d\d-\d\d)\b"),),
    "amount": (re.compile(r"\binvoice amount(?: is|:) (\$\d[\d,]*(?:\.\d\d)?)"),),
}  # fmt: skip
"""How a scenario states a fact; the first group, or the whole match, is its value."""

_NOT_NAMES = word_set("Gold Silver Platinum Bronze Currently The A An In Very Not")

_SENTENCE = {
    "email": ("My email address is {}.", "My email addresses are {}."),
    "zip": ("My zip code is {}.", "My zip code is {}."),
    "phone": ("My phone number is {}.", "My phone numbers are {}."),
    "user_id": ("My user ID is {}.", "My user ID is {}."),
    "order": ("The order number is {}.", "The order numbers are {}."),
    "reservation": ("The reservation number is {}.", "The reservation numbers are {}."),
    "dob": ("My date of birth is {}.", "My date of birth is {}."),
    "name": ("My name is {}.", "My name is {}."),
    "address": ("My street address is {}.", "My street address is {}."),
    "serial": ("The serial number is {}.", "The serial numbers are {}."),
    "plate": ("The license plate is {}.", "The license plates are {}."),
    "purchase_date": ("The date of purchase is {}.", "The dates of purchase are {}."),
    "amount": ("The invoice amount is {}.", "The invoice amounts are {}."),
    "payment": ("I would like to use my {}.", "I would like to use my {}."),
    "reason": ("The reason is simple: {}.", "The reasons are: {}."),
}
_NOUN = {
    "email": "email address", "zip": "zip code", "phone": "phone number", "user_id": "user ID",
    "order": "order number",
    "reservation": "reservation number", "dob": "date of birth", "name": "name",
    "address": "address",
    "payment": "payment method", "reason": "reason",
    "serial": "serial number", "plate": "license plate", "purchase_date": "date of purchase",
    "amount": "invoice amount",
}  # fmt: skip
_SINGLE = frozenset({"name", "zip", "user_id", "dob"})
_MOST_VALUES = 8  # values of one kind that a customer would ever list


_NEXT_CODE = re.compile(
    r"['\"]?(?:,| and|, and| or|/)\s*['\"]?((?=[A-Z0-9]*\d)[A-Z0-9]{5,8}|[A-Z]{6})\b"
)
_NAMED_ID = re.compile(r"([a-z]+)_([a-z]+)_\d+")


def with_full_name(found: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Return the facts, completed with the name in a user id such as `ann_lee_12`."""
    match = _NAMED_ID.fullmatch(found.get("user_id", ("",))[0])
    if match is None:
        return found
    first = match[1].capitalize()
    last = match[2].capitalize()
    told = found.get("name", (first,))[0]
    return {**found, "name": (f"{first} {last}",)} if told == first else found


def told_in(text: str) -> dict[str, tuple[str, ...]]:
    """Return kind → values of every fact that a scenario text states about the customer."""
    found: dict[str, tuple[str, ...]] = {}
    for kind, patterns in _TOLD.items():
        for pattern in patterns:
            matches = list(pattern.finditer(text))
            values = [match[1] if pattern.groups else match[0] for match in matches]
            if kind == "reservation":
                values += [more for match in matches for more in _further(text, match.end())]
            values = [
                value for value in dict.fromkeys(values) if value.split()[0] not in _NOT_NAMES
            ]
            if values:
                found[kind] = tuple(values[: 1 if kind in _SINGLE else _MOST_VALUES])
                break
    return found


def _further(text: str, end: int) -> list[str]:
    """Return the codes that follow one in a list: "XEHM4B and 59XX6W"."""
    found: list[str] = []
    while (match := _NEXT_CODE.match(text, end)) and len(found) < _MOST_VALUES:
        found.append(match[1])
        end = match.end()
    return found


def asked_in(requests: list[str]) -> list[str]:
    """Return the kinds of fact that these requests ask for, in that order."""
    found: dict[str, None] = {}
    for request in requests:
        places = [
            (match.start(), kind)
            for kind, pattern in ASKED.items()
            if (match := pattern.search(request))
        ]
        found.update(dict.fromkeys(kind for _, kind in sorted(places)))
    return list(found)


def asks_who(requests: list[str]) -> bool:
    """Return whether the customer is asked to identify, in general words."""
    return any(_ASKED_GENERALLY.search(request) for request in requests)


def said(kind: str, values: tuple[str, ...]) -> str:
    """Return a sentence that states a fact."""
    single, several = _SENTENCE.get(kind, ("It is {}.", "They are {}."))
    if len(values) == 1 or single == several:
        return single.format(values[0])
    return several.format(listed(values))


def listed(values: tuple[str, ...]) -> str:
    """Return "a", "a and b" or "a, b and c"."""
    return " and ".join([", ".join(values[:-1]), values[-1]] if len(values) > 1 else values)


def noun(kind: str) -> str:
    """Return what a kind of fact is called."""
    return _NOUN.get(kind, kind)


def misspelt(value: str, place: int) -> str:
    """Return the value with one digit (or, without digits, one letter) wrong.

    `place` chooses which.
    """
    spots = [i for i, char in enumerate(value) if char.isdigit()] or [
        i for i, char in enumerate(value.partition("@")[0]) if char.isalpha()
    ]
    if not spots:
        return value
    spot = spots[place % len(spots)]
    char = value[spot]
    wrong = "e" if char.lower() == "a" else "a"
    if char.isdigit():
        wrong = str((int(char) + 1) % 10)
    return value[:spot] + wrong + value[spot + 1 :]
