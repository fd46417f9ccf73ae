"""Public path of the original package: stored simulations are graded again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tau2.evaluator.evaluator import EvaluationType
from tau2.evaluator.evidence import ReplayRule
from tau2.runner.regrade import regrade
from tau2.runner.resolve import is_solo_agent
from tau2.storage.results import Results


def is_solo_mode(results: Results) -> bool:
    """Return whether a run has no user."""
    return is_solo_agent(results.info.agent_info.implementation)


def compute_simulation_rewards(
    results: Results,
    evaluation_type: EvaluationType = EvaluationType.ALL,
    console: object = None,  # noqa: ARG001  -- accepted for compatibility; nothing is printed
    *,
    strict_replay: bool = False,
) -> Results:
    """Return results whose simulations are graded again by effects; `results` stays as it is.

    With `strict_replay`, tool results must also read as they were recorded.
    """
    rule = ReplayRule.STRICT if strict_replay else ReplayRule.EFFECTS
    return regrade(results, replay=rule, evaluation_type=evaluation_type).results


def evaluate_trajectories(
    input_paths: Sequence[str | Path], output_dir: str | Path | None = None
) -> list[Results]:
    """Grade stored runs again and return them; with `output_dir`, write each one there too."""
    graded = []
    for path in map(Path, input_paths):
        results = compute_simulation_rewards(Results.load(path))
        if output_dir is not None:
            results.save(Path(output_dir) / f"updated_{path.stem}.json", "json")
        graded.append(results)
    return graded


__all__ = ["compute_simulation_rewards", "evaluate_trajectories", "is_solo_mode"]
