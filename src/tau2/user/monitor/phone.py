"""What a user says that it did or saw on its device, against the calls that it made."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from tau2.user.monitor.words import content_stems, sentences, stem, without_quotes, word_set, words

_LOOSE = frozenset(
    stem(word)
    for word in word_set(
        "status setting settings mode preference my current all info details of to send"
    )
)
_PAST = {
    "toggle": "turned switched toggled enabled disabled activated deactivated flipped",
    "set": "set changed switched selected chose chosen updated adjusted put",
    "reset": "reset restored cleared",
    "reboot": "rebooted restarted power-cycled cycled",
    "reseat": "reseated removed reinserted inserted took taken ejected popped put pulled",
    "connect": "connected turned enabled activated",
    "disconnect": "disconnected turned disabled deactivated",
    "grant": "granted allowed gave given enabled permitted",
    "make": "made paid completed approved settled",
    "run": "ran run performed did done completed",
    "can": "tried tested sent attempted",
    "check": "checked looked viewed opened",
    "dismiss": "dismissed cleared closed removed",
    "submit": "submitted sent filed",
}
_DONE_BEFORE = re.compile(r"\b(?:already|have (?:tried|been)|you tried|before you called)\b")
_LOOKING = frozenset({"check", "get", "view", "show", "list", "read", "can", "run"})
_LOOKED = word_set("checked looked viewed opened tested tried sent")
_FEW = 3  # words that carry meaning; fewer say nothing in particular
_SAME_WORDS = 0.75  # of a sentence, for one that repeats the scenario
_NEAR = 9  # words from a claim to have looked to what was looked at
_MOST_SHOWN = 6_000  # characters of results of which quotations are recognised
_TELLING = frozenset({"rebooted", "restarted", "reseated", "reinserted"})
"""Words that name the tool by themselves."""
_SAME = (
    (re.compile(r"\bwi-?\s?fi\b"), "wifi"),
    (re.compile(r"\b(?:data|international|mobile) roaming\b"), "roaming"),
    (re.compile(r"\b(?:mobile|cellular|cell) data\b"), "data"),
    (re.compile(r"\b(?:flight|aeroplane)[ -]mode\b"), "airplane mode"),
    (re.compile(r"\bdata[ -]sav(?:ing|er)s?(?: mode)?\b"), "datasaver"),
    (re.compile(r"\b(?:wifi) calling\b"), "wificalling"),
    (re.compile(r"\b(?:picture|photo|multimedia|mms)[ -]messag\w*\b"), "mms"),
    (re.compile(r"\b(?:phone|handset|tablet|smartphone)\b(?! (?:number|call))"), "device"),
    (re.compile(r"\bre-(?=\w)"), "re"),
    (re.compile(r"\baccess point (?:names?|settings?)\b"), "apn"),
    (re.compile(r"\bsim[ -]?card\b"), "sim"),
    (re.compile(r"\bnetwork (?:mode|preference)\b|\bpreferred network\b"), "networkmode"),
    (re.compile(r"\bstatus[ -]bar\b"), "statusbar"),
    (re.compile(r"\bspeed[ -]?test\b"), "speedtest"),
    (re.compile(r"\bpower[ -]cycled\b"), "rebooted"),
    (re.compile(r"\bturned (?:it|the device|my device) off and (?:back )?on\b"), "rebooted device"),
)
_NOUNS_OF = {
    "payment": frozenset({"pay", "paid", "bill", "payment"}),
    "app": frozenset({"app", "messag"}),
}
_CLAIM = re.compile(
    r"\bi (?:went|opened|tapped|looked)\b[^.?!]{0,50}? and (?P<next>\w+ed|reset|set)\b|"
    r"\bi(?:'ve| have)?(?: just| now| already| also| successfully| gone ahead and| went ahead and|"
    r" then| both| again)* (?P<did>\w+(?:-\w+)?)\b|"
    r"(?:^|\b(?:just|done[,.:;!]*|okay[,.:;!]*|ok[,.:;!]*|alright[,.:;!]*) )"
    r"(?P<bare>\w+ed|ran|took|gave|paid)\b|"
    r"\b(?:has|have) (?:now |just |already )*been (?P<been>\w+ed|reset|paid)\b"
)
_READS = re.compile(
    r"\b(?P<what>speedtest|statusbar)\b(?: \w+){0,3}? (?:shows?|says?|reads?|displays?|showed|"
    r"came back|gave|result|is|said|indicates?)\b"
)
_UNSURE = re.compile(
    r"\b(?:n't|not|never|if|should|shall|would|could|will|when|before|after|once|want|need|how|"
    r"until|unless|can|may|going to|asked|told|supposed|who|whether|think|while|where|says?|shows?|"
    r"since)\b|n't\b"
)
"""Before a claim: it is no claim."""
_LONG_AGO = re.compile(
    r"\b(?:yesterday|earlier|before|ago|last (?:week|month|night)|already tried)\b"
)
"""After a claim: it is about a time before the conversation."""
_SWITCH = r"\b(?P<noun>airplane mode|roaming|datasaver|wificalling|wifi|vpn|data)"
_STATE = re.compile(
    _SWITCH + r"(?: mode| setting)?(?: on my (?:device|end|side))?(?: is| are| has been| was|:)?"
    r"(?: now| currently| still| already| turned| switched| set to| back)* "
    r"(?P<state>on|off|enabled|disabled)\b(?! and not)"
)
_STATE_IN_RESULT = re.compile(
    _SWITCH + r"(?: mode| radio| enabled)?(?: is|:)(?: now| currently)?(?: turned)? "
    r"(?P<state>on|off|enabled|disabled|yes|no)\b"
)
_ON = frozenset({"on", "enabled", "yes"})
_OFF = frozenset({"off", "disabled", "no"})


def _clause_before(lower: str, match: re.Match[str]) -> str:
    """Return what stands before a match, back to the last comma or "and"."""
    return re.split(r"[,;:]| and | but ", lower[: match.start()])[-1]


def normal(text: str) -> str:
    """Return a text in lower case with one word for each thing of a device."""
    text = text.lower()
    for pattern, same in _SAME:
        text = pattern.sub(same, text)
    return text


@dataclass(frozen=True, slots=True)
class _Known:
    """A tool and the words by which it is known."""

    name: str
    verb: str
    past: frozenset[str]
    needed: frozenset[str]


@lru_cache(maxsize=1024)
def _known(name: str) -> _Known:
    verb, _, rest = name.lower().partition("_")
    noun = normal(rest.replace("_", " "))
    if verb == "set" and noun.startswith("networkmode"):
        noun = "networkmode"
    needed = frozenset(stem(word) for word in words(noun)) - _LOOSE
    return _Known(name, verb, word_set(_PAST.get(verb, verb + "ed")), needed)


@dataclass(frozen=True, slots=True)
class _Told:
    """What a scenario tells its user: the words that carry meaning."""

    words: frozenset[str] = frozenset()
    sentences: tuple[frozenset[str], ...] = ()
    """The same by sentence."""
    done: tuple[frozenset[str], ...] = ()
    """Those of the sentences that tell what was done before."""


@lru_cache(maxsize=256)
def _told_by(scenario: str) -> _Told:
    """Return what a scenario tells: read once for all trials of a task, and for their verdicts."""
    told = normal(scenario)
    parts = sentences(told)
    return _Told(
        frozenset(content_stems(told)),
        tuple(frozenset(content_stems(part)) for part in parts),
        tuple(frozenset(content_stems(part)) for part in parts if _DONE_BEFORE.search(part)),
    )


@dataclass(slots=True)
class Phone:
    """The tools of a user, the calls that it made, and what they showed."""

    names: tuple[str, ...] = ()
    scenario: str = ""
    done: set[str] = field(default_factory=set)
    """Names of tools that were called successfully."""
    states: dict[str, bool] = field(default_factory=dict)
    """Switch → whether it is on, by the latest result that mentions it."""
    _tools: list[_Known] = field(default_factory=list)
    _told: _Told = _Told()
    _shown: str = ""
    """The words of the latest results."""

    def __post_init__(self) -> None:
        """Take the tools' words from their names; without tools, nothing is ever looked up."""
        if not self.names:
            return
        self._tools = [_known(name) for name in self.names]
        self._told = _told_by(self.scenario)

    def saw(self, name: str, result: str, *, error: bool) -> None:
        """Add the result of a call."""
        if not error:
            self.done.add(name)
        lower = normal(result)
        self._shown = f"{self._shown[-_MOST_SHOWN:]} {' '.join(words(lower))}"
        if name.partition("_")[0] not in _LOOKING:
            self.states.clear()  # one switch may move others
        for match in _STATE_IN_RESULT.finditer(lower):
            self.states[match["noun"]] = match["state"] in _ON

    def false_claim(self, text: str) -> str | None:
        """Return the tool without which a message says that something was done or seen, or None."""
        if not self._tools:
            return None
        for part, lower in self._own_sentences(text):
            if self._is_told(lower):
                continue
            found = self._claimed(lower) or (None if "?" in part else self._unseen(lower))
            if found is not None:
                return found
        return None

    def wrong_state(self, text: str) -> str | None:
        """Return the switch of which a message says the opposite of the latest result."""
        if not self.states:
            return None
        for part, lower in self._own_sentences(text):
            said = set(words(lower))
            if "?" in part or not (said.isdisjoint(_ON) or said.isdisjoint(_OFF)):
                continue
            for match in _STATE.finditer(lower):
                known = self.states.get(match["noun"])
                is_told = known is not None and known is not (match["state"] in _ON)
                if is_told and not _UNSURE.search(_clause_before(lower, match)):
                    return match["noun"]
        return None

    def _is_told(self, lower: str) -> bool:
        """Return whether a sentence tells what the scenario says: a habit or a demand."""
        own = content_stems(lower)
        return len(own) >= _FEW and any(
            len(own & told) >= _SAME_WORDS * len(own) for told in self._told.sentences
        )

    def _own_sentences(self, text: str) -> Iterator[tuple[str, str]]:
        """Yield sentences that are no quotations of a result, as they are and made normal."""
        for part in sentences(without_quotes(text)):
            lower = normal(part)
            if " ".join(words(lower)) not in self._shown:
                yield part, lower

    def _claimed(self, lower: str) -> str | None:
        """Return the tool whose use a sentence claims, although there was none."""
        stems = {stem(word) for word in words(lower)}
        for match in _CLAIM.finditer(lower):
            verb = match["next"] or match["did"] or match["bare"] or match["been"]
            is_habit = verb == "run" and "ve" not in match[0]  # "I run a test" is no past
            if is_habit or (match["bare"] and verb in _LOOKED):
                continue
            if _UNSURE.search(_clause_before(lower, match)) or _LONG_AGO.search(lower, match.end()):
                continue
            near = {stem(word) for word in words(lower[match.start() :])[:_NEAR]}
            tools = [
                tool
                for tool in self._tools
                if verb in tool.past
                and (verb in _TELLING or self._speaks_of(tool, near if verb in _LOOKED else stems))
            ]
            if tools and not self._was_done(tools):
                return tools[0].name
        return None

    def _unseen(self, lower: str) -> str | None:
        """Return the tool that was not used to see what a sentence says that the device shows."""
        match = _READS.search(lower)
        if match is not None and not _UNSURE.search(_clause_before(lower, match)):
            return self._unread(match["what"])
        state = _STATE.search(lower)
        if state is None or self.done or _UNSURE.search(_clause_before(lower, state)):
            return None
        noun = content_stems(state["noun"])
        if noun & self._told.words:
            return None
        return next((tool.name for tool in self._tools if tool.needed & noun), None)

    def _speaks_of(self, tool: _Known, stems: set[str]) -> bool:
        return bool(tool.needed) and all(
            word in stems or not _NOUNS_OF.get(word, frozenset()).isdisjoint(stems)
            for word in tool.needed
        )

    def _was_done(self, tools: list[_Known]) -> bool:
        """Return whether a call fits a claim, or the scenario says that it was done before."""
        looked = all(tool.verb in _LOOKING for tool in tools)
        nouns = {word for tool in tools for word in tool.needed}
        for tool in self._tools:
            if tool.name not in self.done or tool.needed.isdisjoint(nouns):
                continue
            if looked or tool.verb not in _LOOKING:
                return True
        return any(
            tool.needed <= told and not told.isdisjoint(map(stem, tool.past))
            for tool in tools
            for told in self._told.done
        )

    def _unread(self, what: str) -> str | None:
        tools = [tool for tool in self._tools if stem(what) in tool.needed]
        if not tools or any(tool.name in self.done for tool in tools):
            return None
        if stem(what) in self._told.words or (what == "statusbar" and self.done):
            return None  # what the user wants to see; every result of a call ends with the bar
        return tools[0].name
