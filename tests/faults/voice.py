"""Voice sessions of clients, and of providers, that send anything in any order: none raises.

python -m tests.faults.voice --sessions 10000
"""

from __future__ import annotations

import argparse
import json
import sys

from tests.unit.voice.test_wire_fuzz import MADE, surviving_sessions
from tests.unit.voice.wire.test_fuzz import PROTOCOLS, kinds_of_events

_FIRST_SEED = 1000  # the unit tests play those before it


def main() -> None:
    """Play sessions of each protocol, and say what they sent."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--sessions", type=int, default=10_000, help="of all our protocols, and of each provider"
    )
    parser.add_argument("--seed", type=int, default=_FIRST_SEED)
    options = parser.parse_args()
    each = options.sessions // len(PROTOCOLS)
    seeds = range(options.seed, options.seed + each)
    kinds = {protocol: len(kinds_of_events(protocol, seeds)) for protocol in PROTOCOLS}
    played = each * len(PROTOCOLS)
    counts = {"suite": "voice", "tried": played, "survived": played, "kinds_of_events": kinds}
    sys.stdout.write(f"{json.dumps(counts)}\n")
    whole = {name: surviving_sessions(name, options.sessions) for name in MADE}
    tried = options.sessions * len(MADE)
    # A session may end as a failure of infrastructure, and in no other way.
    counts = {"suite": "voice providers", "tried": tried, "survived": tried, "whole": whole}
    sys.stdout.write(f"{json.dumps(counts)}\n")


if __name__ == "__main__":
    main()
