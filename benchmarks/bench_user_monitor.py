"""Times the user monitor: CPU milliseconds a message, and of the slowest message.

Conversations are those of the reference agent with the scripted user, on tasks of every domain, and
long ones with an agent that writes long lists.

  python benchmarks/bench_user_monitor.py --tasks 40
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from common import report, rounded

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # the plays are the tests' own

from tests.faults.users import DOMAINS, plays

from tau2.data_model.message import AssistantMessage, Message, UserMessage
from tau2.data_model.tasks import Task
from tau2.runner.build import build_environment
from tau2.user.monitor import MonitoredTools, UserMonitor

TARGETS = {"ms_per_message": 1.0, "ms_per_message_long": 1.0, "growth": 1.6}
_LINE = "- Order #W{0}: a lamp for ${0}.50, delivered on May {1}; shall I cancel it?\n"


def cpu_of(task: Task, messages: list[Message], tools: MonitoredTools) -> float:
    """Return the CPU seconds of monitoring a conversation."""
    monitor = UserMonitor(task, tools)
    began = time.process_time()
    for message in messages:
        monitor.observe(message)
    return time.process_time() - began


def long_talk(turns: int) -> list[Message]:
    """Return a conversation in which the agent lists ten orders a turn."""
    talk: list[Message] = []
    for turn in range(turns):
        lines = [_LINE.format(1000 * turn + n, 1 + n) for n in range(10)]
        talk += [AssistantMessage(content="".join(lines)), UserMessage(content="Not that one.")]
    return talk


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--tasks", type=int, default=40, help="of each domain")
    most = options.parse_args().tasks
    seconds = 0.0
    count = 0
    for domain in DOMAINS:
        environment = build_environment(domain)
        for play in plays(domain, most=most):
            tools = MonitoredTools.of(environment, play.task)
            seconds += cpu_of(play.task, list(play.messages), tools)
            count += len(play.messages)
    task = next(plays("retail", most=1)).task
    short, long = (min(cpu_of(task, long_talk(n), MonitoredTools()) for _ in range(3)) / (2 * n)
                   for n in (50, 400))  # fmt: skip
    figures = {
        "ms_per_message": rounded(1e3 * seconds / count),
        "ms_per_message_long": rounded(1e3 * long),
        "growth": rounded(long / short),
    }
    report("user_monitor", figures, TARGETS, messages=count)


if __name__ == "__main__":
    main()
