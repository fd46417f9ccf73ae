"""What agents read holds nothing to copy, and customers do not all speak with one voice."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import pytest

from tau2.data_model.tasks import Task
from tau2.registry import registry

# --- tool descriptions and policies ---

_QUOTED = re.compile(r'["“]([^"”\n]{1,60})["”]')
_VALUE = re.compile(
    r"[\w.+-]+@[\w-]+\.\w+"  # an email address
    r"|#W\d+|\b[A-Z]{2,3}\d{2,}\b|\b[a-z]+_[a-z]+_\d+\b"  # an id
    r"|\b\d{4}-\d\d-\d\d\b|\b\d{1,2}/\d{1,2}/\d{2,4}\b"  # a date
    r"|\b\d{3}-\d{3}-\d{4}\b|\b\d{5}\b"  # a phone number, a zip code
    r"|\b\d+ [A-Z]\w+ (?:Street|Avenue|Road|Lane|Drive|Court|Way)\b"  # an address
    r"|\d+(?:\.\d+)? [-+*/] \d"  # a sum
)
_ILLUSTRATES = re.compile(r"for example|for instance|such as|e\.g\.", re.IGNORECASE)


def descriptions(domain: str) -> Iterator[tuple[str, str]]:
    """Yield what a model reads of a domain's tools: the name of each, and every description."""

    def within(name: str, value: object) -> Iterator[tuple[str, str]]:
        for key, item in value.items() if isinstance(value, dict) else ():
            if key == "description" and isinstance(item, str):
                yield name, item
            else:
                yield from within(name, item)

    tools = registry.get_env_constructor(domain)().tools.get_tools()
    for name, tool in tools.items():
        yield from within(name, tool.openai_schema)


def prescribed(domain: str) -> set[str]:
    """Return the texts that may stand in quotes: values of the schemas, and of the records."""
    environment = registry.get_env_constructor(domain)()
    schemas = str([tool.openai_schema for tool in environment.tools.get_tools().values()])
    records = environment.tools.db.model_dump_json()
    known = set(re.findall(r"'([\w ()]+)'", schemas))
    known |= set(re.findall(r'"(?:status|country)":"([^"]+)"', records))
    return known | {"#W", "yes", "no", "USA"}


@pytest.mark.parametrize("domain", ["retail", "airline", "telecom"])
def test_descriptions_of_tools_hold_no_value_that_a_model_could_copy(domain: str) -> None:
    allowed = prescribed(domain)
    found = []
    for name, text in descriptions(domain):
        found += [(name, value) for value in _VALUE.findall(text)]
        if domain != "telecom":  # there the apps of the phone are named
            found += [(name, quoted) for quoted in _QUOTED.findall(text) if quoted not in allowed]
            found += [(name, words) for words in _ILLUSTRATES.findall(text)]
    assert found == []


@pytest.mark.parametrize("domain", ["retail", "airline", "telecom"])
def test_policies_hold_no_value_that_a_model_could_copy(domain: str) -> None:
    policy = registry.get_env_constructor(domain)().get_policy()
    rules = {"2025-02-25", "2025-02-28"}  # today, and when the billing cycle ends
    assert [value for value in _VALUE.findall(policy) if value not in rules] == []


# --- scenarios ---

MOST = 0.08  # of the tasks of a domain, with one sentence
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")


def pattern_of(sentence: str) -> str:
    """Return a sentence with its values masked: numbers, ids, names, and what is in quotes."""
    text = re.sub(r"\S+@\S+", "<>", sentence)
    text = re.sub(r"['\"][^'\"]+['\"]", "<>", text)
    text = re.sub(r"[#$]?\b\w*\d[\w:./-]*", "<>", text)
    first, _, rest = text.partition(" ")
    rest = re.sub(r"\b(?!I\b)[A-Z][\w'-]*", "<>", rest)
    text = re.sub(r"<>(?:[ ,.:()]*<>)+", "<>", f"{first} {rest}")
    return text.strip().lower()


def sentences_of(task: Task) -> set[str]:
    """Return the patterns of a scenario's sentences, and of titles that end in a colon."""
    told = task.user_scenario.instructions
    parts = [task.user_scenario.persona or ""]
    parts += (
        [told]
        if isinstance(told, str)
        else [
            told.reason_for_call,
            told.known_info or "",
            told.unknown_info or "",
            told.task_instructions,
        ]
    )
    sentences = [s for part in parts for s in _SENTENCE_END.split(part.strip()) if s]
    titles = [s.partition(":")[0] + ":" for s in sentences if ": " in s]
    return {pattern_of(text) for text in (*sentences, *titles)}


@pytest.mark.parametrize("split", ["base", "train", "test"])
@pytest.mark.parametrize("domain", ["retail", "airline", "telecom"])
def test_no_sentence_is_in_more_than_one_task_of_twelve(domain: str, split: str) -> None:
    tasks = registry.domains.get(domain).tasks(split)
    counts = Counter(pattern for task in tasks for pattern in sentences_of(task))
    most = MOST if split == "base" else 2 * MOST  # the smaller a split, the more chance decides
    assert {p: n for p, n in counts.most_common(20) if n > most * len(tasks)} == {}


def test_the_pattern_of_a_sentence_leaves_its_values_out() -> None:
    one = pattern_of("You are Ann Lee, and your zip code is 10013.")
    other = pattern_of("You are Zoë van Dyke, and your zip code is 94110.")
    assert one == other.replace(" van <>", "")
    assert pattern_of("You want it.") != pattern_of("You need it.")
