"""COMMUNICATE: each piece of information must be in one text message of the agent.

A number matches by value, in the forms that people of several countries write (see `numbers`):
"164.2" is 164.20, but "10" is not in "100". Other text matches as whole words. Case, commas and
typographic variants do not matter. `strict_compat` reproduces the original's substring test.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from decimal import Decimal
from functools import cached_property

from tau2.data_model.message import AssistantMessage, Message
from tau2.data_model.simulation import CommunicateCheck, RewardInfo
from tau2.data_model.tasks import RewardType, Task
from tau2.evaluator.evaluator_base import EvaluatorBase
from tau2.evaluator.evidence import Evidence
from tau2.evaluator.numbers import (
    FIXED_SPACE,
    is_cased,
    normalised,
    numbers_in,
    split_units,
    wanted_number,
)

_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_BEFORE_PERCENT = re.compile(r"(?<=\d) (?=%)")


def mentions(text: str, info: str, *, strict_compat: bool = False) -> bool:
    """Return whether a message states a piece of information."""
    return _Said(text).states(info, strict_compat=strict_compat)


class _Said:
    """A message, each of whose readings is made once."""

    def __init__(self, text: str) -> None:
        self.text = text

    def states(self, info: str, *, strict_compat: bool) -> bool:
        """Return whether the message states a piece of information."""
        if strict_compat:
            return info.lower() in self._without_commas
        wanted = normalised(info)
        number = wanted_number(wanted)
        if number is None:
            return _contains_words(self._words, _words(wanted))
        value, is_signed = number
        # "You owe 5" states a balance of -5 as well as of 5, unless the sign is part of the
        # information.
        return value in self._numbers or (not is_signed and -value in self._numbers)

    @cached_property
    def _without_commas(self) -> str:
        return self.text.lower().replace(",", "")

    @cached_property
    def _normalised(self) -> str:
        return normalised(self.text)

    @cached_property
    def _numbers(self) -> set[Decimal]:
        return numbers_in(self._normalised)

    @cached_property
    def _words(self) -> str:
        return _words(self._normalised)


tells = mentions
"""Former name, which scripts of other people import."""


def _words(text: str) -> str:
    joined = _THOUSANDS.sub("", split_units(text)).replace(",", " ").replace(FIXED_SPACE, " ")
    return _BEFORE_PERCENT.sub("", " ".join(joined.split()))


def _contains_words(text: str, wanted: str) -> bool:
    """Return whether `wanted` stands in `text` between word boundaries."""
    if not wanted:
        return True
    at = text.find(wanted)
    while at != -1:
        end = at + len(wanted)
        if not _continues_before(text, at) and not _continues_after(text, end):
            return True
        at = text.find(wanted, at + 1)
    return False


def _continues_before(text: str, at: int) -> bool:
    """Return whether the word or number that begins at `at` really begins earlier."""
    if at == 0:
        return False
    if text[at].isdigit() and text[at - 1] in ".," and text[at - 2 : at - 1].isdigit():
        return True
    return _is_one_word(text[at - 1], text[at])


def _continues_after(text: str, end: int) -> bool:
    """Return whether the word or number that ends at `end` really goes on."""
    if end == len(text):
        return False
    if text[end - 1].isdigit() and text[end] == "." and text[end + 1 : end + 2].isdigit():
        return True
    return _is_one_word(text[end - 1], text[end])


def _is_one_word(left: str, right: str) -> bool:
    """Return whether two neighbouring characters belong to one word.

    Scripts without upper and lower case, Chinese and Thai among them, do not put spaces between
    words.
    """
    if unicodedata.category(right).startswith("M"):
        return True
    if not (_is_word_character(left) and _is_word_character(right)):
        return False
    return not (_is_uncased_letter(left) or _is_uncased_letter(right))


def _is_word_character(character: str) -> bool:
    is_mark = unicodedata.category(character).startswith("M")
    return is_mark or character.isalnum() or character == "_"


def _is_uncased_letter(character: str) -> bool:
    return character.isalpha() and not is_cased(character)


def check_information(
    messages: Sequence[Message], wanted: Sequence[str], *, strict_compat: bool = False
) -> list[CommunicateCheck]:
    """Look for every piece of information in the agent's messages."""
    spoken = [
        _Said(m.content)
        for m in messages
        if isinstance(m, AssistantMessage) and m.content and not m.is_audio
    ]
    checks = []
    for info in wanted:
        where = next(
            (said.text for said in spoken if said.states(info, strict_compat=strict_compat)),
            None,
        )
        reason = (
            f"Found in: {where[:200]!r}"
            if where is not None
            else "No message of the agent contains it."
        )
        checks.append(CommunicateCheck(info=info, met=where is not None, justification=reason))
    return checks


def check_communication(evidence: Evidence) -> list[CommunicateCheck]:
    """Look for every piece of information in the agent's messages."""
    wanted = evidence.criteria.communicate_info or []
    return check_information(evidence.messages, wanted, strict_compat=evidence.strict_compat)


def grade_communication(checks: list[CommunicateCheck]) -> RewardInfo:
    """Return the reward for communicated information: 1 for all of it, else 0."""
    if not checks:
        note = {"note": "the task has nothing to communicate"}
        return RewardInfo(reward=1.0, info=note, reward_basis=[RewardType.COMMUNICATE])
    reward = float(all(check.met for check in checks))
    return RewardInfo(
        reward=reward,
        communicate_checks=checks,
        reward_basis=[RewardType.COMMUNICATE],
        reward_breakdown={RewardType.COMMUNICATE: reward},
    )


class CommunicateEvaluator(EvaluatorBase):
    """Grades the information that reached the customer."""

    @classmethod
    def calculate_reward(
        cls, task: Task, full_trajectory: list[Message], *, strict_compat: bool = False, **_: object
    ) -> RewardInfo:
        """Look for the task's information in the agent's messages of a trajectory."""
        wanted = (
            task.evaluation_criteria.communicate_info if task.evaluation_criteria else None
        ) or []
        return grade_communication(
            cls.evaluate_communicate_info(full_trajectory, wanted, strict_compat=strict_compat)
        )

    @classmethod
    def evaluate_communicate_info(
        cls,
        full_trajectory: Sequence[Message],
        communicate_info: Sequence[str],
        *,
        strict_compat: bool = False,
    ) -> list[CommunicateCheck]:
        """Look for every piece of information in the agent's messages of a trajectory."""
        return check_information(
            list(full_trajectory), list(communicate_info), strict_compat=strict_compat
        )
