"""Secrets in text of which nothing is known: forms of keys, addresses, and named fields.

Every scan is linear: a pattern begins where no earlier match can begin or is bounded, and what a
scan has read of the value of a secret field is taken out and not read again.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from tau2.llm.secrets.names import NameRank, names_headers, rank_of
from tau2.llm.secrets.values import SHORTEST, looks_generated

REDACTED = "[redacted]"

# --- forms ------------------------------------------------------------------------------------

_FORMS = re.compile(
    r"\b(?:sk|pk|rk|gsk|xai|AIza)[-_][\w*.\-]{6,}"
    r"|(?i:bearer)\s+(?=[\w~+/=*\-.]{0,99}?(?:\d|[.~+/=*_]\w)|[\w-]{20})[\w.~+/=*\-]{6,}"
    r"|(?i:basic)\s+[A-Za-z0-9+/]{8,}={1,2}"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bAIza[\w-]{20,}|\bya29\.[\w-]{20,}"
    r"|\bgh[pousr]_\w{20,}|\bgithub_pat_\w{20,}|\bgl(?:pat|ptt|dt|rt)-[\w-]{16,}"
    r"|\bhf_[A-Za-z0-9]{20,}|\br8_[A-Za-z0-9]{20,}|\bnpm_[A-Za-z0-9]{20,}|\bpypi-[\w-]{20,}"
    r"|\b(?:nvapi|pplx|tvly|lsv2|csk|fw)[-_][\w-]{16,}|\bdop_v1_[0-9a-f]{32,}"
    r"|\bxox[abeoprs]-[\w-]{10,}|\bxapp-[\w-]{10,}|\bwhsec_[\w+/=]{16,}|\bhvs\.[\w-]{20,}"
    r"|\bdckr_pat_[\w-]{16,}|\bdapi[0-9a-f]{32}\b|\bSG\.[\w-]{16,}\.[\w-]{16,}"
    r"|\bAGE-SECRET-KEY-1[0-9A-Z]{20,}"
    r"|(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"
    r"|hooks\.slack\.com/services/[\w/-]{8,}"
    r"|-----BEGIN [A-Z0-9 ]{0,32}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:(?:[^-\"']|-(?!----)){0,16384}-----END [A-Z0-9 ]{0,32}PRIVATE KEY(?: BLOCK)?-----"
    r"|(?:(?:\\+[rn]|\s){1,4}[A-Za-z0-9+/=]{16,})*)"
)
_MARKS = (
    *("sk-", "sk_", "pk-", "pk_", "rk-", "rk_", "xai-", "xai_", "aiza", "bearer", "basic"),
    *("akia", "asia", "ya29.", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-"),
    *("glptt-", "gldt-", "glrt-", "hf_", "r8_", "npm_", "pypi-", "nvapi", "pplx", "tvly", "lsv2"),
    *("csk-", "csk_", "fw-", "fw_", "dop_v1_", "xox", "xapp-", "whsec_", "hvs.", "dckr_pat_"),
    *("dapi", "sg.", "age-secret-key-1", "eyj", "hooks.slack.com", "-----begin "),
)
"""What `_FORMS` begin with, in lower case. Most texts hold none, and looking for them is faster."""


def without_forms(text: str) -> str:
    """Return text without what has the form of a key, whatever it belongs to."""
    lowered = text.lower()
    if any(mark in lowered for mark in _MARKS):
        return _FORMS.sub(REDACTED, text)
    return text


# --- addresses --------------------------------------------------------------------------------

_USER_INFO = re.compile(r"(?P<before>:(?:\\*/){2})[^/\s\"'\\<>]{1,512}@")
_PARAMETER = re.compile(
    r"(?P<before>(?:[?&]|&amp;|%3F|%26)(?P<name>[\w.\[\]-]{1,64})(?:=|%3D))"
    r"(?P<value>[^&\s#\"'\\<>]+)"
)


def without_addresses(text: str) -> str:
    """Return text without users and passwords of addresses, and without their secret parameters."""
    if "/" in text:
        text = _USER_INFO.sub(rf"\g<before>{REDACTED}@", text)
    if "=" in text or "%3D" in text:
        text = _PARAMETER.sub(_without_value, text)
    return text


def _without_value(found: re.Match[str]) -> str:
    if rank_of(found["name"]) is NameRank.PLAIN:
        return found[0]
    return f"{found['before']}{REDACTED}"


# --- fields -----------------------------------------------------------------------------------

_HINTS = re.compile(
    r"(?i)key|token|secret|passw|pass|pwd|auth|cookie|cred|jwt|bearer|sig|headers|dsn|csrf|hmac"
    r"|otp|pat|pin|salt|sas|sid|sk|webhook"
)
"""Parts of every name that `names` knows; text without any holds no secret field."""

_QUOTED_NAME = re.compile(
    r"(?P<q>\\{0,31}[\"'])(?P<name>[\w .$@-]{1,64}+)(?P=q)\s{0,16}[:=,]\s{0,16}"
)
_BARE_NAME = re.compile(
    r"(?<![\w.$-])(?P<name>[A-Za-z_][\w.-]{0,63}+)(?P<sep>=|\s{1,8}=\s{1,8}|:\s{0,8}+)(?=\S)"
)
_OPTION = re.compile(r"(?<![\w-])--(?P<name>[A-Za-z_][\w.-]{0,63}+)(?P<sep>=|\s)(?=[^\s-])")
_QUOTE = re.compile(r"[bru]{0,2}(?P<q>\\{0,31}[\"'])")
_BARE_VALUE = re.compile(r"[^\s,;&\"'<>(){}\[\]]+")
_SCHEME = re.compile(r"(?i)(?:basic|bearer|digest|token|apikey|negotiate|aws4-[\w-]{1,32})\s{1,4}")
_TO_LINE_END = re.compile(r"[^\r\n\"'\\]+")
_COOKIES = frozenset({"cookie", "set-cookie", "cookies"})
_CLOSING = {"[": "]", "{": "}"}
_LONGEST_CONTAINER = 16_384  # characters of a list or mapping under the name of a secret


def without_fields(text: str) -> str:
    """Return text without the values of fields that are named like secrets.

    Fields are members of JSON and of printed Python data, also within quoted text; `name=value`;
    headers; and options of a command line.
    """
    if _HINTS.search(text) is None:
        return text
    text = _replaced(text, _QUOTED_NAME, _value_of_quoted)
    text = _replaced(text, _OPTION, _value_of_bare) if "--" in text else text
    return _replaced(text, _BARE_NAME, _value_of_bare) if "=" in text or ":" in text else text


class _Span(NamedTuple):
    """A part of a text that is taken out."""

    start: int
    end: int
    quote: str = ""
    """What stands around the mark that takes its place."""


def _replaced(
    text: str, pattern: re.Pattern[str], find: Callable[[str, re.Match[str]], _Span | None]
) -> str:
    """Return text in which the spans that `find` returns for each match are hidden."""
    kept = []
    done = at = 0
    while (found := pattern.search(text, at)) is not None:
        span = find(text, found)
        if span is None:
            at = found.end("name") + 1
            continue
        kept += [text[done : span.start], span.quote, REDACTED, span.quote]
        done = at = max(span.end, found.end())
    return "".join([*kept, text[done:]]) if kept else text


def _rank(name: str) -> NameRank:
    return NameRank.SURE if names_headers(name) else rank_of(name)


def _value_of_quoted(text: str, found: re.Match[str]) -> _Span | None:
    """Return where the value of a quoted name stands; None if it is no secret."""
    rank = _rank(found["name"])
    if rank is NameRank.PLAIN:
        return None
    start = found.end()
    if text[start : start + 1] in _CLOSING and rank is NameRank.SURE:
        # Quotes keep the text around it readable as JSON.
        return _Span(start, _end_of_container(text, start), found["q"])
    quote = _QUOTE.match(text, start)
    if quote is not None:
        return _quoted_value(text, quote, rank)
    bare = _BARE_VALUE.match(text, start)
    if bare is None or bare[0] in {"null", "None", "true", "false", "True", "False"}:
        return None
    is_code = rank is NameRank.SURE and len(bare[0]) >= SHORTEST and not _is_short_number(bare[0])
    if is_code or _is_secret(bare[0], NameRank.LIKELY):
        return _Span(*bare.span(), found["q"])
    return None


def _quoted_value(text: str, quote: re.Match[str], rank: NameRank) -> _Span | None:
    end = _end_of_string(text, quote.end(), quote["q"])
    return _Span(quote.end(), end) if _is_secret(text[quote.end() : end], rank) else None


def _is_short_number(text: str) -> bool:
    return len(text) < 6 and text.replace(".", "").isdigit()  # noqa: PLR2004  -- a quantity


def _end_of_string(text: str, start: int, quote: str) -> int:
    """Return where a quoted text ends: at its own quote that no further backslash escapes.

    Within text that is quoted itself, a quote has 1, 3, 7 ... backslashes before it; one that is
    part of the value has more, unless a backslash of the value stands before the quote.
    """
    depth = len(quote) - 1
    for found in re.compile(rf"\\*{quote[-1]}").finditer(text, start):
        extra = len(found[0]) - 1 - depth
        if extra >= 0 and extra % (2 * (depth + 1)) == 0:
            return found.end() - len(quote)
    return len(text)


def _end_of_container(text: str, start: int) -> int:
    """Return where a list or mapping ends."""
    opening = text[start]
    closing = _CLOSING[opening]
    level = 0
    most = min(len(text), start + _LONGEST_CONTAINER)
    for found in re.compile(rf"[{re.escape(opening + closing)}]").finditer(text, start, most):
        level += 1 if found[0] == opening else -1
        if level == 0:
            return found.end()
    return most


def _value_of_bare(text: str, found: re.Match[str]) -> _Span | None:
    """Return where the value of a name without quotes stands; None if it is no secret."""
    name = found["name"]
    rank = _rank(name)
    if rank is NameRank.PLAIN:
        return None
    start = found.end()
    quote = _QUOTE.match(text, start)
    if quote is not None:
        return _quoted_value(text, quote, rank)
    if text[start] in _CLOSING and rank is NameRank.SURE:
        return _Span(start, _end_of_container(text, start))
    if name.lower() in _COOKIES and "=" in text[start : start + 256].partition("\n")[0]:
        line = _TO_LINE_END.match(text, start)
        return _Span(*line.span()) if line else None
    scheme = _SCHEME.match(text, start)
    start = scheme.end() if scheme else start
    value = _BARE_VALUE.match(text, start)
    if value is None or value[0].startswith("[redacted"):
        return None
    # After a colon or a space there may be ordinary words: "the password: please do not share it".
    is_assigned = found["sep"] == "=" or found.re is _OPTION or scheme is not None
    believed = rank if is_assigned else NameRank.LIKELY
    return _Span(*value.span()) if _is_secret(value[0], believed) else None


def _is_secret(value: str, rank: NameRank) -> bool:
    if rank is NameRank.SURE:
        return len(value) >= SHORTEST and value != REDACTED
    return looks_generated(value)
