"""A model endpoint that behaves badly.

Every unit completes, and nobody asks before a Retry-After is over.

    python -m tests.faults.endpoint --seed 0

30 % of the answers are 429 with a Retry-After, 10 % are 5xx (some with a Retry-After), 5 % never
come, 2 % are no chat completion. The server looks at the whole provider: once it has told anybody
to wait, no request of anybody may arrive before the time is over. Excepted is what was on its way
when the answer went out: requests that arrive within `GRACE` of it. Results are compared with those
of an endpoint that behaves. Counts are printed as JSON.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from tests.faults.storage import Tally
from tests.faults.talk import improvise, improvised, told
from tests.stub import MALFORMED, Hang, Raw, StubServer, failing

from tau2.data_model.run_config import TextRunConfig
from tau2.runner import get_tasks, run_tasks
from tau2.seeds import derive_seed

GRACE = 0.25
"""Seconds after an answer went out in which requests may arrive that were sent before it was
read."""
_EARLY = 0.002  # seconds by which clocks of two processes and a time-out may be apart
_WAITS = (0.5, 0.6, 0.8)
_ALL_FAULTS = {"429": 0.30, "5xx": 0.10, "hangs": 0.05, "malformed": 0.02}
_NO_COMPLETIONS = (
    MALFORMED,
    Raw(body='{"choices": ['),
    Raw(body={"choices": []}),
    Raw(body=b"\x00\xff"),
    Raw(),
)


class BadEndpoint:
    """Decides what a request gets, and notices who comes too early."""

    def __init__(self, seed: int, tally: Tally) -> None:
        self.rng = random.Random(derive_seed(seed, "faults", "endpoint"))
        self.tally = tally
        self.told: list[tuple[float, float]] = []
        """When somebody was told to wait, and until when."""
        self._lock = threading.Lock()

    def __call__(self, body: dict[str, Any]) -> Any:
        now = time.monotonic()
        with self._lock:
            self.tally.counts["requests"] += 1
            self._look(now)
            kind = self._kind()
            self.tally.counts[kind] += 1
            return self._answer(kind, body, now)

    def _look(self, now: float) -> None:
        self.told = [(at, until) for at, until in self.told if until > now]
        early = [(at, until) for at, until in self.told if now < until - _EARLY]
        self.tally.counts["requests under way when told to wait"] += any(
            now <= at + GRACE for at, _ in early
        )
        for at, until in early:
            if now > at + GRACE:
                self.tally.counts["Retry-After violated"] += 1
                self.tally.broken.append(
                    f"a request came {until - now:.3f} s early, {now - at:.3f} s after it was told"
                )
                break

    def _kind(self) -> str:
        draw = self.rng.random()
        for kind, share in _ALL_FAULTS.items():
            if draw < share:
                return kind
            draw -= share
        return "answered"

    def _answer(self, kind: str, body: dict[str, Any], now: float) -> Any:
        match kind:
            case "429":
                return failing(429, retry_after=self._wait(now))
            case "5xx":
                status = self.rng.choice([500, 502, 503, 529])
                return failing(
                    status, retry_after=self._wait(now) if self.rng.random() < 0.3 else None
                )
            case "hangs":
                return Hang()
            case "malformed":
                return self.rng.choice(_NO_COMPLETIONS)
        return improvise(body)

    def _wait(self, now: float) -> float:
        seconds = self.rng.choice(_WAITS)
        self.told.append((now, now + seconds))
        return seconds


def a_config(address: str, trials: int, workers: int) -> TextRunConfig:
    """Return a run that waits shortly for answers that never come, and asks often."""
    config = improvised(
        address,
        num_trials=trials,
        max_concurrency=8,
        workers=workers,
        retry_delay=0.1,
        max_steps=12,
    )
    for args in (config.llm_args_agent, config.llm_args_user):
        args |= {"timeout": 1.0, "num_retries": 12}
    return config


def one_run(
    seed: int, workers: int, trials: int, folder: Path, tally: Tally, *, most: int | None = None
) -> None:
    """Play `most` tasks (default.

    All) with an endpoint that behaves, and with one that does not.
    """
    tasks = get_tasks("mock")[:most]
    with StubServer(improvise) as stub:
        wanted = run_tasks(a_config(stub.base_url, trials, 0), tasks, console_display=False)
    with StubServer(BadEndpoint(seed, tally)) as stub:
        got = run_tasks(
            a_config(stub.base_url, trials, workers), tasks, save_dir=folder, console_display=False
        )
    tally.counts["units"] += len(got.simulations)
    complete = sum(run.reward_info is not None for run in got.simulations)
    tally.counts["complete"] += complete
    tally.check(
        complete == len(tasks) * trials, f"{complete} of {len(tasks) * trials} units are complete"
    )
    tally.check(
        told(got) == told(wanted), "the conversations are not those with an endpoint that behaves"
    )


def suite(seed: int, trials: int = 2) -> Tally:
    """Play on one event loop, and in two processes."""
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        for workers in (0, 2):
            one_run(seed + workers, workers, trials, Path(folder) / str(workers), tally)
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--trials", type=int, default=2)
    options = parser.parse_args()
    began = time.monotonic()
    tally = suite(options.seed, options.trials)
    counts = {"suite": "endpoint", "seed": options.seed, "Retry-After violated": 0} | dict(
        tally.counts
    )
    counts |= {"broken": len(tally.broken), "seconds": round(time.monotonic() - began)}
    sys.stdout.write(f"{json.dumps(counts)}\n")
    sys.stderr.writelines(f"{story}\n" for story in tally.broken[:20])
    return int(bool(tally.broken))


if __name__ == "__main__":
    sys.exit(main())
