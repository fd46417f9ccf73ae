"""Environments: building, forking, a tool call, schemas, hashing, and the memory of a thousand.

Figures are CPU milliseconds (medians) once the data is loaded; memory is resident megabytes.

  python benchmarks/bench_environment.py [--domain retail]
"""

from __future__ import annotations

import argparse
import gc

from common import cpu_ms, report, rounded, rss_mb

from tau2.data_model.message import ToolCall
from tau2.environment.environment import Environment
from tau2.registry import registry

LIVE = 1000
TARGETS = {"build_ms": 0.2, "fork_ms": 0.2, "tools_with_schemas_ms": 0.05, "live_1000_mb": 50}
READ_TARGETS = {
    "retail": 0.1
}  # promised for retail; airline's one-stop search joins whole days of flights


def reading_calls(domain: str, environment: Environment) -> list[ToolCall]:
    """Return the distinct reading calls of the domain's first references.

    What agents do all day.
    """
    calls: dict[str, ToolCall] = {}
    for task in registry.domains.get(domain).tasks(None)[:60]:
        actions = (task.evaluation_criteria.actions if task.evaluation_criteria else None) or ()
        for action in actions:
            toolkit = environment.tools if action.requestor == "assistant" else None
            if (
                toolkit is not None
                and not toolkit.tool_mutates_state(action.name)
                and not task.initial_state
            ):
                calls.setdefault(
                    action.name, ToolCall(id="c", name=action.name, arguments=action.arguments)
                )
    return list(calls.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--domain", default="retail")
    domain = parser.parse_args().domain
    make = registry.get_env_constructor(domain)
    environment: Environment = make()
    reads = {
        call.name: cpu_ms(lambda call=call: environment.get_response(call))
        for call in reading_calls(domain, environment)
    }
    figures = {
        "build_ms": cpu_ms(make),
        "fork_ms": cpu_ms(make().fork),
        "fork_after_reading_ms": cpu_ms(environment.fork),
        "slowest_read_ms": max(reads.values(), default=0.0),
        "tools_with_schemas_ms": cpu_ms(
            lambda: [tool.openai_schema for tool in environment.get_tools()]
        ),
        "hash_ms": cpu_ms(environment.get_db_hash, rounds=5),
    }
    gc.collect()
    before = rss_mb()
    live = [make() for _ in range(LIVE)]
    gc.collect()
    figures["live_1000_mb"] = rounded(rss_mb() - before)
    targets = TARGETS | (
        {"slowest_read_ms": READ_TARGETS[domain]} if domain in READ_TARGETS else {}
    )
    report("environment", figures, targets, domain=domain, reads=reads, live=len(live))


if __name__ == "__main__":
    main()
