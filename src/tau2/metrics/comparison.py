"""Is B better than A? Two runs, paired by task, trial and seed.

Only units that both runs scored are compared. The estimate is the difference in pass^k (B minus A),
with a cluster-bootstrap interval over tasks, a sign-flip permutation test over tasks, the units
that only one run passed with McNemar's exact test, and how many trials a narrower interval takes.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from math import ceil, comb
from typing import Any

from tau2.data_model.outline import Outline
from tau2.errors import ConfigError
from tau2.metrics.agent_metrics import shown_ks
from tau2.metrics.distributions import normal_quantile, sign_test
from tau2.metrics.outcomes import run_passed
from tau2.metrics.resampling import Interval, PermutationTest, cluster_bootstrap, permutation_test
from tau2.storage.results import Results
from tau2.utils.text import plural

Pairs = Mapping[str, Sequence[tuple[bool, bool]]]
"""Task id → (A passed, B passed) of every paired trial."""


@dataclass(frozen=True, slots=True)
class PassHatDifference:
    """pass^k of both runs, and what is known about the difference."""

    k: int
    a: float
    b: float
    num_tasks: int
    interval: Interval | None
    test: PermutationTest

    @property
    def difference(self) -> float:
        """B minus A."""
        return self.b - self.a


@dataclass(frozen=True, slots=True)
class Flips:
    """The units that only one of the runs passed."""

    gained: dict[str, int]
    """Task id → trials that B passed and A did not."""
    lost: dict[str, int]
    """Task id → trials that A passed and B did not."""
    p_value: float
    """McNemar's exact test; it takes all trials as independent."""


@dataclass(frozen=True, slots=True)
class SampleSize:
    """How many trials or tasks bring the interval of pass^1 to ± `margin`.

    At the variance that was observed.
    """

    margin: float
    confidence: float
    trials: int
    """Trials of every task and run, for these tasks."""
    tasks: int | None
    """Tasks with as many trials as now, for tasks of this kind at large; None for one task."""
    is_bound: bool
    """Whether `trials` is only an upper bound, because no task has two trials."""

    def __str__(self) -> str:
        most = "at most " if self.is_bound else ""
        trials = f"{most}{plural(self.trials, 'trial')} of each of these tasks"
        tasks = "" if self.tasks is None else f"; for tasks at large, {plural(self.tasks, 'task')}"
        return f"an interval of ±{100 * self.margin:g} points takes {trials}{tasks}"


@dataclass(frozen=True, slots=True)
class Pairing:
    """Which units of two runs are compared, and why others are not."""

    pairs: dict[str, list[tuple[bool, bool]]]
    same_seed: int
    """Paired units that were played with the same seed."""
    only_a: int
    only_b: int
    unscored: tuple[tuple[str, int], ...]
    """(task, trial) that one of the runs has without a score."""
    changed_tasks: tuple[str, ...]
    """Tasks whose text or criteria differ between the runs."""

    @property
    def units(self) -> int:
        """How many units are compared."""
        return sum(map(len, self.pairs.values()))


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that `tau2 compare` says."""

    pairing: Pairing
    differences: tuple[PassHatDifference, ...]
    flips: Flips
    plan: SampleSize
    confidence: float
    retrieval: tuple[str | None, str | None] = (None, None)
    """How the agents of A and of B read the domain's documents; None where there are none."""

    def as_dict(self) -> dict[str, Any]:
        """Return the comparison as JSON data."""
        pairing = {key: value for key, value in asdict(self.pairing).items() if key != "pairs"}
        return {
            "confidence": self.confidence,
            "pairing": {
                **pairing,
                "num_tasks": len(self.pairing.pairs),
                "num_units": self.pairing.units,
            },
            "pass_hat_k": [_difference_data(entry) for entry in self.differences],
            "flips": asdict(self.flips),
            "retrieval": dict(zip("ab", self.retrieval, strict=True)),
            "plan": {**asdict(self.plan), "sentence": str(self.plan)},
        }


def _difference_data(entry: PassHatDifference) -> dict[str, Any]:
    return {
        "k": entry.k,
        "a": entry.a,
        "b": entry.b,
        "difference": entry.difference,
        "num_tasks": entry.num_tasks,
        "interval": list(entry.interval) if entry.interval else None,
        "p_value": entry.test.p_value,
        "mid_p": entry.test.mid_p,
        "exact": entry.test.exact,
    }


def compare(
    a: Results,
    b: Results,
    *,
    confidence: float = 0.95,
    resamples: int = 10_000,
    margin: float = 0.03,
    seed: int = 0,
    across_protocols: bool = False,
) -> Comparison:
    """Compare two runs of the same tasks.

    Args:
        a: The run that is compared with.
        b: The run that may be better.
        confidence: Of the intervals.
        resamples: Of the bootstrap.
        margin: Half the width of the interval that `plan` aims at; a share.
        seed: Of the bootstrap, and of the sign patterns when these are sampled.
        across_protocols: Compare runs of different protocols, too.

    Raises:
        ConfigError: they are of different domains, follow different protocols, or have no scored
            unit in common.
    """
    if not across_protocols:
        _refuse_different_protocols(a, b)
    pairing = pair(a, b)
    if not pairing.pairs:
        raise ConfigError(
            "the two runs have no task and trial in common for which both have a score"
        )
    return Comparison(
        pairing=pairing,
        differences=tuple(
            differences(pairing.pairs, confidence=confidence, resamples=resamples, seed=seed)
        ),
        flips=flips(pairing.pairs),
        plan=plan(pairing.pairs, margin=margin, confidence=confidence),
        confidence=confidence,
        retrieval=(_retrieval_of(a), _retrieval_of(b)),
    )


def _retrieval_of(results: Results) -> str | None:
    """Return a run's retrieval variant with its arguments, in words."""
    info = results.info
    arguments = info.retrieval_config_kwargs
    if not arguments:
        return info.retrieval_config
    return f"{info.retrieval_config} {json.dumps(arguments, sort_keys=True)}"


def _refuse_different_protocols(a: Results, b: Results) -> None:
    names = [results.info.protocol for results in (a, b)]
    if names[0] != names[1]:
        of_a, of_b = (name or "none" for name in names)
        raise ConfigError(
            "the two runs follow different protocols, so their scores are of different settings: "
            f"{of_a} and {of_b} (to compare them all the same: --across-protocols)"
        )


def pair(a: Results, b: Results) -> Pairing:
    """Return the units that both runs scored. Raise ConfigError for runs of different domains."""
    domain = a.info.environment_info.domain_name
    other = b.info.environment_info.domain_name
    if domain != other:
        raise ConfigError(f"runs of different domains cannot be compared: {domain} and {other}")
    of_a = _by_unit(a)
    of_b = _by_unit(b)
    pairs: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    unscored = []
    same_seed = 0
    for unit in sorted(of_a.keys() & of_b.keys()):
        run_a, run_b = of_a[unit], of_b[unit]
        if not (run_a.is_scored and run_b.is_scored):
            unscored.append(unit)
            continue
        pairs[run_a.task_id].append((run_passed(run_a), run_passed(run_b)))
        same_seed += run_a.seed is not None and run_a.seed == run_b.seed
    return Pairing(
        pairs=dict(pairs),
        same_seed=same_seed,
        only_a=len(of_a.keys() - of_b.keys()),
        only_b=len(of_b.keys() - of_a.keys()),
        unscored=tuple(unscored),
        changed_tasks=_changed(a, b),
    )


def _by_unit(results: Results) -> dict[tuple[str, int], Outline]:
    """Return the runs by task and trial; of several, a scored one."""
    table: dict[tuple[str, int], Outline] = {}
    for run in results.outlines():
        unit = run.unit
        if unit not in table or (run.is_scored and not table[unit].is_scored):
            table[unit] = run
    return table


def _changed(a: Results, b: Results) -> tuple[str, ...]:
    old = {task.id: task.content() for task in a.tasks}
    return tuple(task.id for task in b.tasks if task.id in old and old[task.id] != task.content())


def differences(
    pairs: Pairs, *, confidence: float = 0.95, resamples: int = 10_000, seed: int = 0
) -> list[PassHatDifference]:
    """Return the difference in pass^k for the shown k that all tasks have pairs for."""
    most = min(map(len, pairs.values()))
    return [
        difference(pairs, k, confidence=confidence, resamples=resamples, seed=seed)
        for k in shown_ks(range(1, most + 1))
    ]


def difference(
    pairs: Pairs, k: int = 1, *, confidence: float = 0.95, resamples: int = 10_000, seed: int = 0
) -> PassHatDifference:
    """Return the difference in pass^k. Every task needs k pairs."""
    rows = [(_pass_hat(trials, 0, k), _pass_hat(trials, 1, k)) for trials in pairs.values()]
    steps = [after - before for before, after in rows]
    return PassHatDifference(
        k=k,
        a=float(sum(before for before, _ in rows) / len(rows)),
        b=float(sum(after for _, after in rows) / len(rows)),
        num_tasks=len(rows),
        interval=cluster_bootstrap(
            list(map(float, steps)), confidence=confidence, resamples=resamples, seed=seed
        ),
        test=permutation_test(steps, seed=seed),
    )


def _pass_hat(trials: Sequence[tuple[bool, bool]], side: int, k: int) -> Fraction:
    """Return pass^k of one task and run; exact, because the permutation test compares sums."""
    return Fraction(comb(sum(trial[side] for trial in trials), k), comb(len(trials), k))


def flips(pairs: Pairs) -> Flips:
    """Return the units that only one run passed, by task."""
    gained = {task: sum(b and not a for a, b in trials) for task, trials in pairs.items()}
    lost = {task: sum(a and not b for a, b in trials) for task, trials in pairs.items()}
    return Flips(
        gained={task: number for task, number in gained.items() if number},
        lost={task: number for task, number in lost.items() if number},
        p_value=sign_test(sum(gained.values()), sum(lost.values())),
    )


def plan(pairs: Pairs, *, margin: float = 0.03, confidence: float = 0.95) -> SampleSize:
    """Return how many trials, or tasks, bring the interval of the pass^1 difference to ± `margin`.

    The sample size for a mean within a margin, n = z² · variance / margin² (Cochran 1977, section
    4.6). For these tasks only the variance between trials counts, which falls with their number:
    trials = z² · mean(var_A + var_B) / (tasks · margin²), variances per task. For tasks at large
    the variance between tasks counts too: tasks = z² · var(difference) / margin².
    """
    z = normal_quantile((1 + confidence) / 2)
    repeated = [trials for trials in pairs.values() if len(trials) > 1]
    if repeated:
        variances = [_variance(trials, 0) + _variance(trials, 1) for trials in repeated]
        spread = sum(variances) / len(repeated)
    else:
        # One trial per task has no variance of its own. That of all trials is an upper bound, since
        # p(1 - p) of the mean is never below the mean of p(1 - p).
        flat = [trial for trials in pairs.values() for trial in trials]
        shares = [sum(trial[side] for trial in flat) / len(flat) for side in (0, 1)]
        spread = sum(share * (1 - share) for share in shares)
    steps = [sum(b - a for a, b in trials) / len(trials) for trials in pairs.values()]
    return SampleSize(
        margin=margin,
        confidence=confidence,
        trials=max(1, ceil(z * z * spread / (len(pairs) * margin * margin) - 1e-9)),
        tasks=_tasks_needed(steps, z, margin),
        is_bound=not repeated,
    )


def _variance(trials: Sequence[tuple[bool, bool]], side: int) -> float:
    """Return the unbiased variance of one trial of a task."""
    share = sum(trial[side] for trial in trials) / len(trials)
    return share * (1 - share) * len(trials) / (len(trials) - 1)


def _tasks_needed(steps: Sequence[float], z: float, margin: float) -> int | None:
    if len(steps) <= 1:
        return None
    mean = sum(steps) / len(steps)
    variance = sum((step - mean) ** 2 for step in steps) / (len(steps) - 1)
    return max(2, ceil(z * z * variance / (margin * margin) - 1e-9))
