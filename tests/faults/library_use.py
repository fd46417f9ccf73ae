"""A program that uses the package and prints whatever it is told: errors, results, pages, files.

    python -m tests.faults.library_use USE ARGUMENTS

`USE` is the name of one of `USES`, `ARGUMENTS` those of a model as JSON.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any

Args = dict[str, Any]


def say(*things: object) -> None:
    sys.stdout.write(" ".join(map(str, things)) + "\n")


def wrong_configuration(args: Args) -> None:
    from tau2.data_model.simulation import TextRunConfig

    wrong = [{"llm_args_agent": args["api_key"]}, {"llm_arg": args}, {"llm_args_user": [args]}]
    for values in wrong:
        try:
            TextRunConfig(**values)
        except ValueError as problem:
            traceback.print_exception(problem)
            say(repr(problem))


def failed_call(args: Args) -> None:
    from tau2.data_model.message import UserMessage
    from tau2.errors import Tau2Error
    from tau2.llm import complete

    for _ in range(8):
        try:
            complete("openai/gossip", [UserMessage(content="Say it.")], **args, stream_options=1)
        except Tau2Error as problem:
            traceback.print_exception(problem)
            say(repr(problem), problem.args)


def rollout(args: Args) -> None:
    from tau2.rollout import Rollout, RolloutSetup

    setup = RolloutSetup("mock", llm_user="openai/gossip", llm_args_user=args)
    for seed in range(8):
        episode = Rollout(setup)
        try:
            result = episode.reset("create_task_1", seed=seed)
            while not (result.terminated or result.truncated):
                result = episode.step("Go on.")
            say(result.error)
        except Exception as problem:  # noqa: BLE001  -- whatever it is, it is shown
            traceback.print_exception(problem)


def gymnasium(args: Args) -> None:
    from tau2.gym.gym_agent import AgentGymEnv

    environment = AgentGymEnv("mock", "create_task_1", user_llm="openai/gossip", user_llm_args=args)
    for _ in range(12):
        try:
            _, info = environment.reset(seed=1)
            say({name: value for name, value in info.items() if "error" in name})
        except Exception as problem:  # noqa: BLE001  -- whatever it is, it is shown
            traceback.print_exception(problem)


def training_configuration(args: Args) -> None:
    from act_prm.run.resolve import _redacted, shown_command

    say(json.dumps(_redacted({"model": args, "env": {"llm_args_user": args}})))
    say(shown_command(["--model", json.dumps(args), f"--api_key={args['api_key']}"]))


def documentation(_args: Args) -> None:
    from tests.unit.service.browsing import Browser

    browser = Browser(["mock"])
    for path in ((), ("mock",), ("mock", "tools"), ("mock", "tasks"), ("nothing",)):
        answer = browser.get(*path)
        say(answer.status_code, answer.headers, answer.text)
    say(browser.post("mock", "tools", "agent", "create_task", user_id="x").text)


USES: Mapping[str, Callable[[Args], None]] = {
    "a wrong configuration": wrong_configuration,
    "a failed call": failed_call,
    "a rollout": rollout,
    "an environment of Gymnasium": gymnasium,
    "a training configuration": training_configuration,
    "documentation pages": documentation,
}

if __name__ == "__main__":
    # Not retried, so that failures are seen.
    USES[sys.argv[1]](json.loads(sys.argv[2]) | {"num_retries": 0})
