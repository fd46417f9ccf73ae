"""Plants faults of simulated users into clean conversations, and counts what the monitor finds.

    python -m tests.faults.users --seed 0

Every shipped task is played by the reference agent with the scripted user. In these conversations
nothing may be found. Then a fault of every kind is planted at a seeded turn. A fault counts as
found when a finding names its turn; every other finding is a false one. Counts are printed as JSON;
the exit code is 1 when precision is under 0.98, recall under 0.9, or a clean conversation was
blamed.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.faults import user_faults

from tau2.data_model.message import AssistantMessage, Message, ToolMessage, UserMessage
from tau2.data_model.simulation import TextRunConfig
from tau2.data_model.tasks import Task
from tau2.environment.environment import Environment
from tau2.runner.build import build_environment, build_text_orchestrator
from tau2.runner.tasks import load_tasks
from tau2.seeds import derive_seed
from tau2.user.monitor import Finding, FindingKind, user_findings

DOMAINS = ("mock", "airline", "retail", "telecom")
PRECISION = 0.98
RECALL = 0.9

_VALUE = re.compile(
    r"[\w.+-]+@[\w-]+\.\w+|\b[a-z]+_[a-z]+_\d+\b|#?\bW\d{7}\b|\b\d{3}-\d{3}-\d{4}\b|\b\d{5}\b|"
    r"\b(?=[A-Z0-9]*\d)(?=[A-Z0-9]*[A-Z])[A-Z0-9]{6}\b|\b(?:May|June) \d{1,2}\b"
)
_CONSENT = re.compile(r"(?i)shall i (?:go ahead|proceed)|go ahead\?|is that (?:right|correct)")
_FACT = re.compile(r"(?i)could you (?:please )?tell me|please tell me|what is your|provide")


@dataclass(frozen=True)
class Play:
    """A clean conversation."""

    domain: str
    task: Task
    messages: tuple[Message, ...]

    @property
    def texts(self) -> list[int]:
        """Indices of what the user says."""
        return [
            at
            for at, message in enumerate(self.messages)
            if at >= len(self.task.history)
            and isinstance(message, UserMessage)
            and message.content
            and not message.is_tool_call()
        ]

    def heard_before(self, at: int) -> str:
        """Return what the agent said last before a turn."""
        return next(
            (
                message.content or ""
                for message in reversed(self.messages[:at])
                if isinstance(message, AssistantMessage) and not message.is_tool_call()
            ),
            "",
        )


@dataclass(frozen=True)
class Planted:
    """A conversation with a fault."""

    play: Play
    messages: Sequence[Message]
    turn: int
    shown: str
    more: tuple[int, ...] = ()
    """Further turns with the same fault."""


Planter = Callable[[Play, random.Random], Planted | None]


def plays(domain: str, *, most: int | None = None, seed: int = 300) -> Iterator[Play]:
    """Yield the clean conversations of a domain's tasks, at most `most` of them, spread evenly."""
    tasks = load_tasks(domain)
    step = max(1, len(tasks) // most) if most else 1
    for task in tasks[::step][:most]:
        config = TextRunConfig(
            domain=domain, agent="oracle_agent", user="scripted_user", user_monitor="off"
        )
        run = build_text_orchestrator(config, task, seed=seed).run()
        yield Play(domain, task, tuple(run.messages or ()))


def with_text(play: Play, at: int, text: str, *, goes_on: bool = True) -> Planted:
    """Return a conversation in which the user says `text` at a turn; it may end there."""
    planted = UserMessage(content=text)
    # Without what opens it, a conversation has another fault: the wish is never said.
    goes_on = goes_on and "###" not in text and at not in play.texts[:2]
    rest = play.messages[at + 1 :] if goes_on else ()
    return Planted(play, (*play.messages[:at], planted, *rest), at, text)


def repeats_agent(play: Play, rng: random.Random) -> Planted | None:
    """Have the user say the agent's last words again."""
    fit = [at for at in play.texts if len(play.heard_before(at).split()) > 5]
    if not fit:
        return None
    at = rng.choice(fit)
    heard = play.heard_before(at)
    form = rng.choice(user_faults.ECHOES)
    if rng.random() < 0.3:
        heard = heard.lower().rstrip(".?!")
    return with_text(play, at, form.format(heard))


def speaks_as_agent(play: Play, rng: random.Random) -> Planted | None:
    """Have the user say what only the agent's side says."""
    at = rng.choice(play.texts)
    return with_text(play, at, rng.choice(user_faults.AS_AGENT))


def no_wish(play: Play, rng: random.Random) -> Planted | None:
    """Have the user say anything but what it wants, to the end."""
    if play.task.history:
        return None
    messages: list[Message] = list(play.messages)
    keeps = re.compile(r"(?i)^(?:yes|my (?:user|email|phone|name|order|reservation)|no\b)")
    texts = play.texts
    for at in texts[:-1]:
        if at == texts[0]:
            messages[at] = UserMessage(content=rng.choice(user_faults.VAGUE))
            continue
        first = re.split(r"(?<=[.!?]) ", messages[at].content or "")[0]
        messages[at] = UserMessage(
            content=first if keeps.match(first) else rng.choice(user_faults.EVASIVE)
        )
    messages[texts[-1]] = UserMessage(content=rng.choice(user_faults.NO_MORE))
    turn = texts[-1] if len(texts) < 6 else texts[5]
    return Planted(play, messages, turn, " / ".join(str(messages[at].content) for at in texts))


def contradicts_fact(play: Play, rng: random.Random) -> Planted | None:
    """Have the user give a fact of its scenario wrongly."""
    scenario = str(play.task.user_scenario)
    places = [
        (at, match)
        for at in play.texts
        for match in _VALUE.finditer(play.messages[at].content or "")
        if match[0] in scenario
    ]
    if not places:
        return None
    at, match = rng.choice(places)
    text = play.messages[at].content or ""
    wrong = _other(match[0], rng)
    return with_text(play, at, text.replace(match[0], wrong))


def _other(value: str, rng: random.Random) -> str:
    month = re.fullmatch(r"(May|June) \d+", value)
    if month:
        return f"{rng.choice(['March', 'August', 'October'])} {rng.randint(2, 27)}"
    other = value
    while other == value:
        other = re.sub(r"\d", lambda _: str(rng.randint(0, 9)), value)
    return other


def invents_fact(play: Play, rng: random.Random) -> Planted | None:
    """Have the user state a value from nowhere."""
    at = rng.choice(play.texts[:-1] or play.texts)
    slots = {
        "first": rng.choice(["tove", "ansel", "marit", "joost"]),
        "last": rng.choice(["quimby", "ostrova", "hallam", "brandt"]),
        "two": rng.randint(51, 99),
        "three": rng.randint(212, 989),
        "three2": rng.randint(212, 989),
        "four": rng.randint(2101, 9876),
        "five": rng.randint(21012, 98765),
        "seven": rng.randint(2101234, 9876543),
        "code": "".join(rng.choices("BCDFGHJKLMNP", k=3)) + str(rng.randint(211, 989)),
        "month": rng.choice(["February", "August", "October", "December"]),
        "day": rng.randint(2, 28),
        "city": rng.choice(["Tampa", "Honolulu", "Memphis", "Oakland", "Cleveland"]),
    }
    slots |= {"First": slots["first"].title(), "Last": slots["last"].title()}
    said = rng.choice(user_faults.INVENTED).format(**slots)
    own = (play.messages[at].content or "").replace("###STOP###", "").strip()
    return with_text(play, at, f"{own} {said}" if rng.random() < 0.5 else said)


def claims_action(play: Play, rng: random.Random) -> Planted | None:
    """Take a call of the user's out, and have it claim the action instead."""
    calls = [
        at
        for at, message in enumerate(play.messages)
        if isinstance(message, UserMessage)
        and message.is_tool_call()
        and message.calls[0].name in user_faults.CLAIMS
        and message.calls[0].name not in _names_before(play.messages[:at])
    ]
    if not calls:
        return None
    at = rng.choice(calls)
    name = play.messages[at].calls[0].name
    after = at + 1
    while isinstance(play.messages[after], ToolMessage):
        after += 1
    text = rng.choice(user_faults.CLAIMS[name])
    # What the user saw afterwards rests on the call: the conversation ends here.
    return Planted(play, (*play.messages[:at], UserMessage(content=text)), at, f"{name}: {text}")


def _names_before(messages: Iterable[Message]) -> set[str]:
    return {call.name for message in messages for call in message.calls}


def ends_early(play: Play, rng: random.Random) -> Planted | None:
    """Have the user end before the agreed change was made."""
    consent = [at for at in play.texts if _CONSENT.search(play.heard_before(at))]
    facts = [at for at in play.texts if _FACT.search(play.heard_before(at))]
    ways = ["consent", "consent", "promise", "person", "fact"]
    way = rng.choice(ways)
    if way == "person" and facts:
        at = rng.choice(facts)
        return with_text(play, at, rng.choice(user_faults.LEAVES_FOR_A_PERSON))
    if not consent:
        return None
    at = rng.choice(consent)
    if way == "promise":
        promise, text = rng.choice(user_faults.LEAVES_AT_PROMISE)
        messages = (
            *play.messages[: at + 1],
            AssistantMessage(content=promise),
            UserMessage(content=text),
        )
        return Planted(play, messages, at + 2, text)
    if way == "fact" and facts:
        return with_text(play, rng.choice(facts), rng.choice(user_faults.LEAVES_AT_QUESTION))
    return with_text(play, at, rng.choice(user_faults.AGREES_AND_ENDS))


def keeps_closing(play: Play, rng: random.Random) -> Planted | None:
    """Have the user say goodbye instead of ending, three times."""
    if "###STOP###" not in (play.messages[-1].content or ""):
        return None
    messages: list[Message] = list(play.messages[:-1])
    for text in rng.choice(user_faults.GOODBYES):
        messages += [
            UserMessage(content=text),
            AssistantMessage(content=rng.choice(user_faults.FAREWELLS_OF_AGENTS)),
        ]
    second = len(play.messages) + 1
    shown = " / ".join(str(message.content) for message in messages[second - 2 :: 2])
    return Planted(play, messages, second, shown, more=(second + 2,))


def out_of_scope(play: Play, rng: random.Random) -> Planted | None:
    """Have the user leave as out of scope where the agent asked for what it can answer."""
    fit = [
        at
        for at in play.texts
        if _CONSENT.search(play.heard_before(at)) or _FACT.search(play.heard_before(at))
    ]
    at = rng.choice([*fit, play.texts[0]])
    return with_text(play, at, rng.choice(user_faults.OUT_OF_SCOPE))


PLANTERS: dict[FindingKind, Planter] = {
    FindingKind.REPEATS_AGENT: repeats_agent,
    FindingKind.SPEAKS_AS_AGENT: speaks_as_agent,
    FindingKind.NO_WISH: no_wish,
    FindingKind.CONTRADICTS_FACT: contradicts_fact,
    FindingKind.INVENTS_FACT: invents_fact,
    FindingKind.CLAIMS_ACTION: claims_action,
    FindingKind.ENDS_EARLY: ends_early,
    FindingKind.KEEPS_CLOSING: keeps_closing,
    FindingKind.OUT_OF_SCOPE: out_of_scope,
}


@dataclass
class Count:
    """What was planted and what was found."""

    clean: int = 0
    blamed: list[str] = field(default_factory=list)
    """Findings in clean conversations."""
    planted: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    right_kind: Counter[str] = field(default_factory=Counter)
    elsewhere: list[str] = field(default_factory=list)
    """Findings at other turns than the planted one."""
    missed: list[str] = field(default_factory=list)

    @property
    def recall(self) -> float:
        """Share of the planted faults that were found."""
        return self.found.total() / max(1, self.planted.total())

    @property
    def precision(self) -> float:
        """Share of the findings that name a planted fault."""
        return self.found.total() / max(1, self.found.total() + len(self.elsewhere))

    def add_clean(self, play: Play, environment: Environment) -> None:
        """Look for findings where there are none."""
        self.clean += 1
        for found in user_findings(play.messages, play.task, environment):
            text = play.messages[found.turn].content
            self.blamed.append(f"{play.domain} {play.task.id}: {found}: {text}")

    def add_planted(self, kind: FindingKind, planted: Planted, environment: Environment) -> None:
        """Look for a planted fault."""
        play = planted.play
        self.planted[kind] += 1
        findings: list[Finding] = user_findings(planted.messages, play.task, environment)
        here = [found for found in findings if found.turn in (planted.turn, *planted.more)]
        if here:
            self.found[kind] += 1
            self.right_kind[kind] += any(found.kind is kind for found in here)
        else:
            self.missed.append(f"{kind} {play.domain} turn {planted.turn}: {planted.shown}")
        self.elsewhere += [
            f"{kind} {play.domain} {play.task.id} planted at {planted.turn}: {found}"
            for found in findings
            if found not in here
        ]

    def as_json(self) -> dict[str, Any]:
        """Return the figures."""
        return {
            "clean": self.clean,
            "blamed": len(self.blamed),
            "planted": self.planted.total(),
            "recall": round(self.recall, 4),
            "precision": round(self.precision, 4),
            "recall_by_kind": {
                kind.value: round(self.found[kind] / self.planted[kind], 3)
                for kind in FindingKind
                if self.planted[kind]
            },
            "planted_by_kind": {kind.value: self.planted[kind] for kind in FindingKind},
            "right_kind": round(self.right_kind.total() / max(1, self.found.total()), 4),
        }


def suite(seed: int, *, most: int | None = None, planted: int = 60) -> Count:
    """Return the counts: at most `most` clean tasks and `planted` faults a kind and domain."""
    count = Count()
    for domain in DOMAINS:
        environment = build_environment(domain)
        clean = list(plays(domain, most=most))
        for play in clean:
            count.add_clean(play, environment)
        for kind, plant in PLANTERS.items():
            rng = random.Random(derive_seed(seed, "user faults", domain, kind))
            done = 0
            for play in rng.sample(clean, len(clean)):
                fault = plant(play, rng) if done < planted else None
                if fault is not None:
                    count.add_planted(kind, fault, environment)
                    done += 1
    return count


def main() -> int:
    """Plant, count and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--most", type=int, help="tasks per domain; default: all")
    parser.add_argument("--planted", type=int, default=60, help="faults per kind and domain")
    parser.add_argument("--show", type=int, default=20, help="of what went wrong")
    options = parser.parse_args()
    began = time.monotonic()
    count = suite(options.seed, most=options.most, planted=options.planted)
    figures = {"suite": "users", "seed": options.seed, **count.as_json()}
    sys.stdout.write(f"{json.dumps(figures | {'seconds': round(time.monotonic() - began)})}\n")
    for title, lines in (
        ("blamed", count.blamed),
        ("elsewhere", count.elsewhere),
        ("missed", count.missed),
    ):
        sys.stderr.writelines(f"{title}: {line}\n" for line in lines[: options.show])
    kept = count.recall >= RECALL and count.precision >= PRECISION and not count.blamed
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
