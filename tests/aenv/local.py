"""`make aenv`: start the environment server, play an episode against a loopback model, show the
reward, stop both."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.aenv.live import GUIDE_COMMAND, play, serving
from tests.stub import StubServer

TASK = "create_task_1"
REPLIES = [
    {"name": "create_task", "arguments": {"user_id": "user_1", "title": "Important Meeting"}},
    "It is on your list. Is there anything else?",
    "###STOP###",
]


def main() -> int:
    """Return 0 when the episode earned its reward."""
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder), TAU2_SERVER_TOKEN="", XDG_RUNTIME_DIR=folder),
        StubServer(REPLIES) as model,
    ):
        _say(
            f"environment server and loopback model started after {time.monotonic() - began:.1f} s"
        )
        _say(f"$ {GUIDE_COMMAND.format(domain='mock', task_id=TASK)}")
        began = time.monotonic()
        nobody_named_a_token = {"TAU2_SERVER_TOKEN": "", "XDG_RUNTIME_DIR": folder}
        outcome = play("mock", TASK, model.base_url, **nobody_named_a_token)
    _say(
        f"reward: {outcome['reward']} ({outcome['status']}) after "
        f"{time.monotonic() - began:.1f} s, both stopped"
    )
    return 0 if outcome["reward"] == 1.0 else 1


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
