"""What the agents of a run looked up: figures over its episodes, apart from their rewards."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import ValidationError

from tau2.data_model.outline import stored_retrieval
from tau2.evaluator.retrieval import RetrievalRecord
from tau2.metrics.outcomes import Simulation
from tau2.utils.text import plural


@dataclass(frozen=True, slots=True)
class RetrievalFigures:
    """Retrieval in the scored episodes of tasks that name the documents they need."""

    episodes: int
    recall: float
    """Mean share of the required documents that the agent saw."""
    complete: int
    """Episodes in which it saw all of them."""
    searches: float
    """Mean per episode."""
    documents_read: float
    """Mean number of different documents per episode."""
    acted_unread: int
    """Episodes in which it changed something before it had seen any required document."""
    answered_unread: int
    """Episodes in which it changed nothing, and never saw a required document."""
    unlocked_unused: int
    """Discoverable tools that were unlocked and never called, in all episodes."""

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as JSON data."""
        return asdict(self)

    def lines(self) -> dict[str, str]:
        """Return label → text for people."""
        lines = {
            "documents": f"recall {self.recall:.3f} of those required, all of them in "
            f"{self.complete:,} of {plural(self.episodes, 'simulation')}",
            "look-ups": f"{self.searches:.1f} searches and {self.documents_read:.1f} documents "
            "per simulation",
        }
        unread = []
        if self.acted_unread:
            unread.append(f"{self.acted_unread:,} acted")
        if self.answered_unread:
            unread.append(f"{self.answered_unread:,} answered")
        if unread:
            lines["unread"] = f"{', '.join(unread)} before any required document was seen"
        if self.unlocked_unused:
            lines["unused"] = f"{plural(self.unlocked_unused, 'tool')} unlocked and never called"
        return lines


def retrieval_of(run: Simulation) -> RetrievalRecord | None:
    """Return what was recorded of the retrieval of a simulation; None where nothing was."""
    stored = stored_retrieval(run)
    if stored is None:
        return None
    try:
        record = RetrievalRecord.model_validate(stored)
    except ValidationError:  # somebody else's field of that name
        return None
    return record if record.required > 0 else None


def retrieval_figures(runs: Iterable[Simulation]) -> RetrievalFigures | None:
    """Return the figures of a run; None where no scored simulation has a record."""
    records = [record for run in runs if run.is_scored and (record := retrieval_of(run))]
    if not records:
        return None
    count = len(records)
    return RetrievalFigures(
        episodes=count,
        recall=sum(record.recall for record in records) / count,
        complete=sum(not record.missing for record in records),
        searches=sum(record.searches for record in records) / count,
        documents_read=sum(record.documents_read for record in records) / count,
        acted_unread=sum(record.acted_unread for record in records),
        answered_unread=sum(record.answered_unread for record in records),
        unlocked_unused=sum(len(record.unlocked_unused) for record in records),
    )
