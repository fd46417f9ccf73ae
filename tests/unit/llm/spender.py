"""A process that spends from a shared ledger until nothing is left, or dies in the middle.

Prints what it spent.
"""

from __future__ import annotations

import os
import random
import signal
import sys
from pathlib import Path

from tau2.llm.middleware.ledger import Ledger, ReserveResult


def main(folder: str, cap: str, seed: str, kill_at: str) -> None:
    rng, ledger, spent = random.Random(int(seed)), Ledger(int(cap), Path(folder)), 0
    sys.stdout.write("0\n")
    for turn in range(100_000):
        amount = rng.randrange(1, int(cap) // 300)
        found = ledger.reserve(amount)
        if found is ReserveResult.NEVER:
            break
        if found is ReserveResult.GRANTED:
            paid = rng.randrange(amount + 1)
            spent += paid
            sys.stdout.write(f"{spent}\n")
            sys.stdout.flush()
            if str(turn) == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
            ledger.settle(amount, paid)
    ledger.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
