"""`python -m tests.faults.blame`: how often `tau2 blame` finds the side of planted failures."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable

from tests.faults.planted import Planted, clean_conversations, planted

from tau2.blame import Side, blame_simulation
from tau2.environment.policy_rules import Rule
from tau2.registry import registry

_GOAL = 0.95  # of each side's failures whose side is found
DOMAINS = ("mock", "retail", "airline", "telecom")


def rules_of(domain: str) -> list[Rule]:
    """Return the policy rules of a domain."""
    spec = registry.domains.get(domain)
    return list(spec.rules()) if spec.rules is not None else []


def verdicts(domain: str, limit: int | None) -> Iterable[tuple[Planted, Side | None, str]]:
    """Yield each planted failure with the side and kind that was found."""
    rules = rules_of(domain)
    for clean in clean_conversations(domain, limit):
        for one in planted(clean):
            blame = blame_simulation(one.run, one.setup, rules)
            if blame is None:
                yield one, None, "none"
            else:
                yield one, blame.side, f"{blame.finding.kind.value}: {blame.finding.reason}"


def main() -> int:
    """Print the confusion matrix as JSON; exit 1 when a side is found in less than 95 %."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, help="conversations per domain")
    parser.add_argument("--domain", nargs="+", default=DOMAINS)
    parser.add_argument("--show", type=int, default=0, help="mistakes to print")
    options = parser.parse_args()
    matrix: Counter[tuple[str, str]] = Counter()
    plants: Counter[tuple[str, bool]] = Counter()
    kinds: Counter[tuple[str, bool]] = Counter()
    shown: Counter[str] = Counter()
    for domain in options.domain:
        for one, side, reason in verdicts(domain, options.limit):
            right = side is one.side
            matrix[one.side.value, side.value if side else "none"] += 1
            plants[one.name, right] += 1
            kinds[one.name, any(reason.startswith(kind.value) for kind in one.kinds)] += 1
            known = any(reason.startswith(kind.value) for kind in one.kinds)
            if not (right and known) and shown[one.name] < options.show:
                shown[one.name] += 1
                story = f"{domain} {one.run.task_id[:60]}: {one.name} -> {side}: {reason}"
                sys.stderr.write(f"{story}\n")
    table = {
        side.value: {other.value: matrix[side.value, other.value] for other in Side}
        for side in Side
    }
    found = {
        name: {
            "planted": plants[name, True] + plants[name, False],
            "side_found": plants[name, True],
            "kind_found": kinds[name, True],
        }
        for name in dict.fromkeys(name for name, _ in plants)
    }
    counts = {
        "suite": "blame",
        "tried": sum(matrix.values()),
        "survived": sum(table[side.value][side.value] for side in Side),
        "matrix": table,
        "plants": found,
    }
    sys.stdout.write(f"{json.dumps(counts)}\n")
    shares = [row[side] / max(1, sum(row.values())) for side, row in table.items()]
    return 0 if all(share >= _GOAL for share in shares) else 1


if __name__ == "__main__":
    raise SystemExit(main())
