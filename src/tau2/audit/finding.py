"""What an audit says of a task."""

from __future__ import annotations

from dataclasses import dataclass, field

CHECKS = {
    "reference": "the reference actions run without error and earn 1",
    "floor": "do-nothing, hand-over-at-once, read-only and random agents earn 0",
    "known": "every value the reference needs is in the scenario or comes from a tool",
    "policy": "the reference obeys the domain's executable rules",
    "order": "independent writes end in the same state in any order",
    "compat": "the original's behaviour (strict_compat) does to it what the rules say",
    "duplicate": "no task of the test split is repeated in the training split",
}
"""Name of a check → what it proves."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with one task."""

    task_id: str
    check: str
    text: str


@dataclass(slots=True)
class AuditReport:
    """The findings of one task set, and what was looked at."""

    domain: str
    task_set: str
    tasks: int = 0
    passed: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CHECKS, 0))
    """Per check: how many tasks passed it."""
    findings: list[Finding] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    def add(self, task_id: str, check: str, problems: list[str]) -> None:
        """Record the outcome of one check of one task."""
        self.findings.extend(Finding(task_id, check, text) for text in problems)
        self.passed[check] += not problems
