"""What people call the functions of a phone, beside the names of its tools.

A row counts only for a customer who has the tool. Looking is harmless, so that a question may lead
to several looks; something is changed only where a row of `CHANGES` says so, with a verb that asks
for it.
"""

from __future__ import annotations

import re

_I = re.IGNORECASE


def _row(pattern: str, *tools: str) -> tuple[re.Pattern[str], tuple[str, ...]]:
    return re.compile(pattern, _I), tools


_ON_OFF = (
    r"\b(?:turn(?:ing|ed)?|switch(?:ing|ed)?|toggl(?:e|ing)|enabl(?:e|ing)|disabl(?:e|ing)|"
    r"activat(?:e|ing)|"
    r"deactivat(?:e|ing)|(?:un)?tick|flip|make sure|ensure|set)\b"
)


def _switch(thing: str, tool: str) -> tuple[re.Pattern[str], tuple[str, ...]]:
    return _row(rf"{_ON_OFF}.{{0,60}}?\b(?:{thing})\b|\b(?:{thing})\b.{{0,40}}?{_ON_OFF}", tool)


CHANGES = (
    _switch(r"(?:airplane|aeroplane|flight)[ -]mode|airplane icon", "toggle_airplane_mode"),
    _switch(r"(?:mobile|cellular)[ -]data(?! (?:speed|roaming|network))", "toggle_data"),
    _switch(r"(?:data |international |mobile )?roaming", "toggle_roaming"),
    _switch(r"data[ -]sav(?:er|ing)", "toggle_data_saver_mode"),
    _switch(r"wi-?fi[ -]calling", "toggle_wifi_calling"),
    _switch(r"wi-?fi(?![ -]calling)", "toggle_wifi"),
    _row(
        r"\b(?:disconnect|turn off|disable|switch off|stop)\w*\b.{0,40}\bvpn\b|\b(?:turn|"
        r"switch)\w*\b.{0,30}"
        r"\bvpn\b.{0,12}\boff\b",
        "disconnect_vpn",
    ),
    _row(
        r"\b(?<!dis)connect (?:to )?(?:the |your |a )?vpn\b|\b(?:turn|switch|"
        r"enabl)\w*\b.{0,30}\bvpn\b.{0,12}"
        r"\bon\b|\b(?:turn on|switch on|enable)\b.{0,20}\bvpn\b",
        "connect_vpn",
    ),
    _row(
        r"\b(?:chang|switch|set|select|choos|prefer)\w*\b.{0,60}\b(?:network (?:mode|type)|"
        r"preferred network|"
        r"[2345]g\b|lte)",
        "set_network_mode_preference",
    ),
    _row(
        r"\breset\w*\b.{0,40}\b(?:apn|access point)|\b(?:apn|access "
        r"point).{0,40}\breset", "reset_apn_settings"),
    _row(
        r"\b(?:restart|reboot|power[ -]cycl|re-start)\w*\b(?!.{0,20}\bpower button)|\bturn (?:your "
        r"(?:phone|device)|"
        r"it) off and (?:back )?on|\bpower (?:off|down)\b.{0,60}\bon\b",
        "reboot_device",
    ),
    _row(
        r"\bre-?seat|\bre-?insert|\b(?:remov|tak|pull|eject)\w*\b.{0,30}\bsim\b|"
        r"\bsim\b.{0,50}\b(?:out and|back in)",
        "reseat_sim_card",
    ),
    _row(
        r"\b(?:grant|allow|enabl|giv|turn on|permit)\w*\b.{0,60}\bpermissions?\b|"
        r"\bpermissions?\b.{0,60}\b(?:turn "
        r"(?:it|them) on|enable (?:it|them))",
        "grant_app_permission",
    ),
    _row(
        r"\b(?:mak|complet|proceed with|approv|confirm)\w*\b.{0,20}\bpayment\b|\bpay (?:it|the|"
        r"your)\b",
        "make_payment",
    ),
)  # fmt: skip
"""Words for a change → the tool that makes it."""

LOOKS = (
    _row(
        r"\bstatus bar\b|\btop of (?:the|your|its) (?:phone's )?screen\b|"
        r"\bicons?\b", "check_status_bar"),
    _row(
        r"\bsignal\b|\bbars\b|\b(?:network|service) (?:status|type)\b|\bregains? service\b|"
        r"\bservice (?:is|has|"
        r"was|returns|restored|back|working)\b|\bno service\b|\bconnected to (?:a |the |your "
        r")?(?:\w+ )?(?:"
        r"network|signal|cellular)|\b[2345]g, |\bconnectivity\b|\bmobile network\b",
        "check_status_bar", "check_network_status",
    ),
    _row(
        r"\b(?:make|place|receive) (?:\w+ )?(?:phone )?calls\b|\b(?:mobile|cellular) data\b|"
        r"\bbrows(?:e|ing)\b|"
        r"\buse the internet\b|\binternet (?:access|connection|is|work)",
        "check_network_status", "check_status_bar",
    ),
    _row(
        r"\b(?:airplane|flight)[ -]mode\b|\broaming\b", "check_network_status", "check_status_bar"),
    _row(r"\bwi-?fi[ -]calling\b", "check_wifi_calling_status"),
    _row(r"\bwi-?fi\b(?![ -]calling)", "check_wifi_status"),
    _row(r"\bapn\b|\baccess point|\bmmsc\b", "check_apn_settings"),
    _row(r"\bsim\b(?: card)?", "check_sim_status"),
    _row(r"\bnetwork (?:mode|type)\b|\bpreferred network\b", "check_network_mode_preference"),
    _row(
        r"\bdata[ -]sav(?:er|ing)|\bdata restrict|\bbackground data\b|\bdata[ "
        r"-]limiting", "check_data_restriction_status"),
    _row(r"\bvpn\b", "check_vpn_status"),
    _row(r"\bspeed(?: ?test)?\b|\bhow fast\b|\bslow\b", "run_speed_test"),
    _row(
        r"\b(?:mms|picture messages?|photo messages?|multimedia messages?)\b",
        "can_send_mms",
    ),
    _row(r"\bpayment request\b|\bbill (?:request|notification)", "check_payment_request"),
    _row(r"\bpermissions?\b", "check_app_permissions"),
    _row(r"\binstalled apps\b|\blist of (?:your )?apps\b|\bwhich apps\b", "check_installed_apps"),
)  # fmt: skip
"""Words for something to look at → the tools that show it."""

TRIES = (
    _row(
        r"\b(?:try|test|check if|see if|retry)\w*\b.{0,40}\b(?:mobile data|internet|brows\w+|"
        r"connection|web)\b|"
        r"\b(?:mobile data|internet|connection|speeds?)\b.{0,30}\b(?:improv|again|now works?|"
        r"faster)\w*|"
        r"\bspeed ?test\b",
        "run_speed_test",
    ),
    _row(
        r"\b(?:try|send|sending|test|check if|see if|able to send|goes through|went "
        r"through)\b.{0,50}\b(?:mms|"
        r"picture|photo|multimedia)\b|\b(?:mms|picture message)\b.{0,50}\b(?:again|goes through|"
        r"works?|send)",
        "can_send_mms",
    ),
)  # fmt: skip
"""Words for trying something out → the tool that does."""

_REFUSED = re.compile(
    r"\b(?:do not|don't|no need to|without|instead of|never|rather than|avoid|not necessary "
    r"to)\b.*$",
    _I | re.DOTALL,
)
_STATE = re.compile(
    r"^(?:please |now |next,? |first,? |also,? |then |and |yes,? |could you |can you |would you |"
    r"let's |i'd like "
    r"you to |i need you to |start by |you can ){0,4}(?:is\b|are\b|does\b|do you\b|did\b|check|"
    r"verify|confirm|"
    r"look|see|tell me|let me know|what|which|whether|report|share|how|view)|\?\s*$|\bwhether\b|"
    r"\bcheck if\b|"
    r"\bconfirm (?:if|whether|that)\b|\blet me know if (?:your|it is|the)\b|\bare (?:you|both|"
    r"they)\b",
    _I,
)
"""A request to look at how something is."""
_AND_LOOK = re.compile(
    r"(?:,? and |,? then |; )(?=(?:then )?(?:check|see|let me know|tell me|verify|confirm|report|"
    r"share|try|look)\b)",
    _I,
)
_ENSURES = re.compile(r"\b(?:make sure|ensure|verify)\b", _I)
_STATES_ONLY = frozenset({"set_network_mode_preference", "grant_app_permission"})
"""What is only looked at when it shall be made sure of."""
_PERMISSIONS = ("sms", "storage", "phone", "network")


def device_tools(request: str) -> list[str]:
    """Return the tools of a phone that a request describes, in the order in which it does."""
    parts = _AND_LOOK.split(_REFUSED.sub("", request))
    return list(dict.fromkeys(tool for part in parts for tool in _tools_of(part)))


def _tools_of(text: str) -> list[str]:
    asks_state = _STATE.search(text) is not None and not _orders_after_question(text)
    found: list[tuple[int, str]] = []
    if not asks_state:
        ensures = _ENSURES.search(text) is not None
        for pattern, tools in CHANGES:
            match = pattern.search(text)
            if match is not None and not (ensures and tools[0] in _STATES_ONLY):
                found += [(match.start(), tool) for tool in tools]
    found += _matches(TRIES, text)
    if not found or asks_state:
        found += _matches(LOOKS, text)
    return [tool for _, tool in sorted(found, key=lambda pair: pair[0])]


def _matches(
    rows: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...], text: str
) -> list[tuple[int, str]]:
    found = []
    for pattern, tools in rows:
        match = pattern.search(text)
        found += [(match.start(), tool) for tool in tools] if match is not None else []
    return found


def _orders_after_question(text: str) -> bool:
    """Return whether a sentence wants something changed although it is a question."""
    return bool(
        re.match(
            r"(?:(?:please|and|now|then|next|first|great|okay)[,!]? )*"
            r"(?:could|can|would|will) you (?:please |also |now )*(?:try (?:to )?)?"
            r"(?:turn|switch|toggle|restart|reboot|reset|enable|disable|disconnect|set|change|"
            r"grant|give|allow|take|put|make|remove|re)",
            text,
            _I,
        )
    )


def permissions_in(request: str) -> list[str]:
    """Return the permissions that a request names, in its order."""
    lower = request.lower()
    named = [(lower.find(one), one) for one in _PERMISSIONS if re.search(rf"\b{one}\b", lower)]
    return [one for _, one in sorted(named) if not (one == "phone" and "your phone" in lower)]


def app_in(request: str) -> str:
    """Return the app that a request is about, as the phone names it, or ""."""
    return "messaging" if re.search(r"\bmessag(?:ing|es)\b", request, _I) else ""
