"""Information that must reach the customer: each piece in one message of the agent.

A number matches by value ("164.2" is 164.20, but "10" is not in "100"); other text matches as whole words. Commas and
case are free on both sides. `strict_compat` reproduces the original's substring test.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tau2.data_model.message import AssistantMessage, Message
from tau2.data_model.simulation import CommunicateCheck, RewardInfo
from tau2.data_model.tasks import RewardType, Task
from tau2.evaluator.evaluator_base import EvaluatorBase
from tau2.evaluator.evidence import Evidence

_NUMBER = re.compile(r"(?<![0-9a-z_.-])-?\$?\d+(?:\.\d+)?(?![0-9a-z_]|\.\d)")
_CODE = re.compile(
    r"(?<!\d)\d+(?:-\d+){2,}"
)  # a telephone number or a date; its parts are no numbers
_RANGE = re.compile(r"(?<=\d)-(?=\$?\d)")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_PLAIN_NUMBER = re.compile(r"[-+]?\$?\d+(?:\.\d+)?")


def tells(text: str, info: str, *, strict_compat: bool = False) -> bool:
    """Return whether a message tells a piece of information."""
    if strict_compat:
        return info.lower() in text.lower().replace(",", "")
    said, wanted = _normal(text), _normal(info)
    if not wanted:
        return True
    if _PLAIN_NUMBER.fullmatch(wanted):
        return _tells_number(said, wanted)
    start = r"(?<![0-9a-z_])" if _is_word(wanted[0]) else ""
    end = r"(?![0-9a-z_]|\.\d)" if _is_word(wanted[-1]) else ""
    before_number = r"(?<!\d\.)" if wanted[0].isdigit() else ""
    return re.search(before_number + start + re.escape(wanted) + end, said) is not None


def _tells_number(said: str, wanted: str) -> bool:
    """Return whether a number is among those in a text; one without a sign may have either."""
    value, signed = _number(wanted), wanted[0] in "+-"
    plain = _RANGE.sub(" ", _CODE.sub(" ", said))
    numbers = (_number(match.group()) for match in _NUMBER.finditer(plain))
    return any(number == value or (not signed and abs(number) == value) for number in numbers)


def _normal(text: str) -> str:
    return " ".join(_THOUSANDS.sub("", text.lower()).replace(",", " ").split())


def _number(text: str) -> float:
    return float(text.replace("$", "").replace("+", ""))


def _is_word(character: str) -> bool:
    return character.isascii() and (character.isalnum() or character == "_")


def check_information(
    messages: Sequence[Message], wanted: Sequence[str], *, strict_compat: bool = False
) -> list[CommunicateCheck]:
    """Look for every piece of information in the agent's messages."""
    texts = [
        m.content
        for m in messages
        if isinstance(m, AssistantMessage) and m.content and not m.is_audio
    ]
    checks = []
    for info in wanted:
        where = next(
            (text for text in texts if tells(text, info, strict_compat=strict_compat)), None
        )
        reason = (
            f"Told in: {where[:200]!r}"
            if where is not None
            else "No message of the agent tells it."
        )
        checks.append(CommunicateCheck(info=info, met=where is not None, justification=reason))
    return checks


def check_communication(evidence: Evidence) -> list[CommunicateCheck]:
    """Look for every piece of information in the agent's messages."""
    wanted = evidence.criteria.communicate_info or []
    return check_information(evidence.messages, wanted, strict_compat=evidence.strict_compat)


def grade_communication(checks: list[CommunicateCheck]) -> RewardInfo:
    """Return the reward that rests on what the customer was told: everything, or nothing."""
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
    """Grades what the customer was told."""

    @classmethod
    def calculate_reward(
        cls, task: Task, full_trajectory: list[Message], *, strict_compat: bool = False, **_: Any
    ) -> RewardInfo:
        """Look for the task's information in the agent's messages of a trajectory."""
        wanted = (
            task.evaluation_criteria.communicate_info if task.evaluation_criteria else None
        ) or []
        return grade_communication(
            check_information(full_trajectory, wanted, strict_compat=strict_compat)
        )
