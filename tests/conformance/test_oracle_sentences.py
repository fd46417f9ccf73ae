"""What the oracles write is what a support agent would write: models are trained on it.

Every shipped task is played with the scripted user, each domain with several seeds. Argument names,
settings with underscores, raw JSON, `None` and bare prices have no place in a message to a user.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise

import pytest

from tau2.data_model.message import AssistantMessage, Message
from tau2.data_model.simulation import TextRunConfig
from tau2.runner.build import build_environment, build_text_orchestrator
from tau2.runner.tasks import load_tasks

DOMAINS = ("mock", "airline", "retail", "telecom")
SEEDS = range(5)
_SETTING = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b")
_CALL = re.compile(r"\b\w+_\w+\(")
_PAIR = re.compile(r"\b\w+=\S|\b[a-z_]+: ?[\"'{\[]")
_NO_CURRENCY = re.compile(r"(?<![$\w.#/-])\d+\.\d{2}(?![\w%-])")
_STEERS = re.compile(r"\byes\W{1,3}no\b", re.IGNORECASE)
_LEAST_DISTINCT = 0.3  # share of all messages that are unlike any other


@cache
def messages(agent: str, domain: str, seed: int) -> tuple[tuple[Message, ...], ...]:
    """The conversations of a domain; of the other oracle's further seeds, a fifth of the tasks."""
    tasks = load_tasks(domain)
    config = TextRunConfig(domain=domain, agent=agent, user="scripted_user", user_monitor="off")
    return tuple(
        tuple(build_text_orchestrator(config, task, seed=seed).run().messages or ())
        for task in (tasks if seed == 0 or agent == "oracle_agent" else tasks[seed::5])
    )


def said(agent: str, domain: str, seed: int) -> Iterator[str]:
    for conversation in messages(agent, domain, seed):
        for message in conversation:
            if isinstance(message, AssistantMessage) and message.content:
                yield readable(message.content)


def readable(content: str) -> str:
    """Return a message; of one that is written as JSON, what it says."""
    if content.startswith("{"):
        whole = json.loads(content)
        assert list(whole) == ["message"]
        return str(whole["message"])
    return content


def argument_names(domain: str) -> set[str]:
    environment = build_environment(domain)
    tools = environment.get_tools()
    if environment.user_tools is not None:
        tools = [*tools, *environment.get_user_tools()]
    schemas = [tool.openai_schema["function"]["parameters"] for tool in tools]
    names = {name for schema in schemas for name in schema.get("properties", {})}
    return {name for name in names if "_" in name}


@pytest.mark.parametrize("agent", ["oracle_agent", "paraphrasing_oracle"])
@pytest.mark.parametrize("domain", DOMAINS)
def test_no_message_shows_how_a_call_is_written(domain: str, agent: str) -> None:
    names = argument_names(domain)
    for seed in SEEDS:
        for text in said(agent, domain, seed):
            words = set(re.findall(r"\w+", text))
            assert not names & words, text
            assert not _SETTING.search(text), text
            assert not _CALL.search(text), text
            assert not _PAIR.search(text), text
            assert "None" not in words, text
            assert not set("{}[]") & set(text), text
            assert "  " not in text, text


@pytest.mark.parametrize("domain", ["airline", "retail"])
def test_amounts_have_a_currency(domain: str) -> None:
    for seed in SEEDS:
        for text in said("oracle_agent", domain, seed):
            assert not _NO_CURRENCY.search(text), text


def test_consent_is_asked_for_in_many_ways_and_hardly_ever_for_yes_or_no() -> None:
    texts = [text for domain in DOMAINS for text in said("oracle_agent", domain, 0)]
    assert sum(bool(_STEERS.search(text)) for text in texts) * 100 <= len(texts)
    ends = {re.split(r"(?<=[.!?])\s+", text)[-1] for text in texts}
    assert len([end for end in ends if end.endswith("?")]) >= 30


def test_messages_differ_from_one_another() -> None:
    texts = [t for domain in DOMAINS for seed in SEEDS for t in said("oracle_agent", domain, seed)]
    assert len(set(texts)) >= _LEAST_DISTINCT * len(texts)


def test_the_seed_decides_the_words() -> None:
    task = load_tasks("retail")[0]
    config = TextRunConfig(domain="retail", agent="oracle_agent", user="scripted_user")

    def words(seed: int) -> list[str | None]:
        run = build_text_orchestrator(config, task, seed=seed).run()
        return [m.content for m in run.messages or () if isinstance(m, AssistantMessage)]

    assert words(3) == words(3)
    assert len({tuple(map(str, words(seed))) for seed in range(8)}) >= 6


def test_a_transfer_is_announced_with_the_policys_sentence_alone() -> None:
    announced = {
        "airline": "YOU ARE BEING TRANSFERRED TO A HUMAN AGENT. PLEASE HOLD ON.",
        "retail": "I am transferring you to a human agent now. Please stay on the line.",
        "telecom": "You are being transferred to a human agent. Please stay on the line.",
    }
    for domain, sentence in announced.items():
        for conversation in messages("oracle_agent", domain, 0):
            calls = [m for m in conversation if isinstance(m, AssistantMessage)]
            for before, after in pairwise(calls):
                if any(call.name == "transfer_to_human_agents" for call in before.calls):
                    assert after.content == sentence


def test_a_message_is_text_or_one_call() -> None:
    for domain in DOMAINS:
        for conversation in messages("oracle_agent", domain, 0):
            for message in conversation:
                if isinstance(message, AssistantMessage):
                    assert len(message.calls) + bool(message.content) == 1
