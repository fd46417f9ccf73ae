"""The checks of an audit, and their findings."""

from __future__ import annotations

from dataclasses import dataclass, field

CHECKS = {
    "reference": "the reference actions run without error and earn 1",
    "floor": "agents that do nothing, hand over, only read or act at random earn 0",
    "known": "every value the reference needs is in the scenario, a document or a tool result",
    "free_text": "no value that is stored is in the words of whoever wrote the reference",
    "people": "the customers that the reference names exist",
    "documents": "the documents it requires exist, and name the tools that the reference calls",
    "agreement": "the scenario says of every value what the reference does",
    "policy": "the reference obeys the domain's executable rules",
    "order": "independent writes end in the same state in any order",
    "compat": "with strict_compat, its writes have the effect that the rules say",
    "duplicate": "no task is repeated, nor is one split's task in the other split",
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
