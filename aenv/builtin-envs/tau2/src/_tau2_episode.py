"""The episode of an environment server: one at a time, started by `reset` or by the first call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from _tau2_settings import Settings

from tau2.data_model.message import ToolMessage
from tau2.data_model.tasks import Task, UserScenario
from tau2.environment.tool import Tool
from tau2.errors import ConfigError, Tau2Error
from tau2.orchestrator.episode import Role
from tau2.rollout import Rollout, StepResult
from tau2.rollout.role_view import role_tools
from tau2.user.base_user import STOP

_OVER = "The episode is over."
# AEnvironment's client replaces an empty text by the description of an object.
_EMPTY = "(no output)"
_NO_USER = "nobody reads messages here: call a tool, or `done` when the work is finished"
_EMPTY_MESSAGE = "the message is empty: say something to the customer, or call a tool"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a tool call leads to, as the agent sees it: its text and whether it is an error.

    Nothing of the reward.
    """

    text: str
    error: bool = False


class Episode:
    """One live episode over `tau2.rollout`.

    Calls that arrive together are served one after another.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._initial = settings
        self._rollout: Rollout | None = None
        self._lock = asyncio.Lock()
        self._observation = ""

    async def reset(self, **changes: Any) -> dict[str, Any]:
        """Begin another episode; what is not named is as the environment variables say.

        Return the status and the conversation so far as OpenAI messages. Raise ValueError or
        UnknownName for what cannot be played.
        """
        async with self._lock:
            self.settings = self._initial.changed(changes)
            rollout = await self._start()
            return {**self._status(), "messages": rollout.history(system=False)}

    async def _start(self) -> Rollout:
        """Start an episode as the settings say."""
        self.close()
        if not self.settings.task_id:
            raise ConfigError("no task is named: set TAU2_TASK_ID, or give tau2_reset a task_id")
        rollout = Rollout(self.settings.setup())
        self._record(await rollout.areset(self.settings.task_id, self.settings.seed))
        self._rollout = rollout
        return rollout

    async def _live(self) -> Rollout:
        return self._rollout if self._rollout is not None else await self._start()

    def close(self) -> None:
        """End the episode at once."""
        if self._rollout is not None:
            self._rollout.close()
        self._rollout = None
        self._observation = ""

    def _record(self, result: StepResult) -> StepResult:
        """Keep the newest observation as text."""
        contents = [getattr(message, "content", None) for message in result.observation]
        self._observation = "\n".join(str(one) for one in contents if one) or self._observation
        return result

    async def call_tool(self, name: str, arguments: dict[str, Any]) -> Reply:
        """Execute a tool call of the agent."""
        async with self._lock:
            rollout = await self._live()
            if _result_of(rollout).done:
                return Reply(_OVER, error=True)
            result = self._record(await rollout.astep({"name": name, "arguments": arguments}))
            results = [
                message for message in result.observation if isinstance(message, ToolMessage)
            ]
            return (
                Reply(results[-1].content or _EMPTY, results[-1].error) if results else Reply(_OVER)
            )

    async def send_message(self, message: object) -> dict[str, Any]:
        """Tell the customer something.

        Return the status with their answer, or why it was `rejected`.
        """
        async with self._lock:
            rollout = await self._live()
            if _result_of(rollout).done:
                return {**self._status(), "rejected": _OVER}
            text = message if isinstance(message, str) else ""
            problem = self._problem(text)
            result = rollout.reject(problem, text) if problem else await rollout.astep(text)
            if problem is None or result.done:
                self._record(result)
            return {**self._status(), "rejected": result.rejected}

    def _problem(self, text: str) -> str | None:
        if not text.strip():
            return _EMPTY_MESSAGE
        return _NO_USER if self.settings.solo and STOP not in text else None

    async def finish(self) -> dict[str, Any]:
        """End the conversation on the agent's behalf and return the status."""
        async with self._lock:
            rollout = await self._live()
            if not _result_of(rollout).done:
                self._record(await rollout.astep(STOP))
            return self._status()

    def status(self) -> dict[str, Any]:
        """Return the status: no reward, no key, no address."""
        return self._status()

    def _status(self) -> dict[str, Any]:
        """Return the public status, also of an episode that has not started."""
        settings, rollout = self.settings, self._rollout
        result = _result_of(rollout) if rollout is not None else StepResult()
        return {
            "domain": settings.domain,
            "task_id": settings.task_id,
            "solo_mode": settings.solo,
            "max_steps": settings.max_steps,
            "started": rollout is not None,
            "steps": len(rollout.steps) if rollout is not None else 0,
            "invalid_actions": rollout.invalid_actions if rollout is not None else 0,
            "done": result.done,
            "truncated": result.truncated,
            "reason": result.reason.value if result.reason is not None else None,
            "status": _status_of(result),
            "error": settings.redacted(result.error) if result.error else None,
            "observation": self._observation,
            "last_observation": self._observation,
        }

    async def reward(self) -> dict[str, Any]:
        """Return the grade. An episode that is not over is graded as if it ended here, and goes on.

        `total_reward` is None when the episode says nothing about the agent: `status` and `error`
        say why.
        """
        async with self._lock:
            status = self._status()
            outcome = {
                name: status[name] for name in ("done", "steps", "reason", "status", "error")
            }
            graded, rollout = None, self._rollout
            if rollout is not None and not status["done"]:
                try:
                    graded = await asyncio.to_thread(rollout.grade_now)
                except Tau2Error as problem:  # the judge does not answer
                    outcome |= {
                        "status": "infra_failed",
                        "error": self.settings.redacted(str(problem)),
                    }
            elif rollout is not None and _result_of(rollout).reward is not None:
                graded = _result_of(rollout).reward_info
            total = float(graded.reward) if graded is not None else None
            parts = {
                str(part): score
                for part, score in ((graded and graded.reward_breakdown) or {}).items()
            }
            rewards = [0.0] * (int(status["steps"]) - 1) + [total] if total is not None else []
            return {
                "rewards": rewards,
                "total_reward": total,
                **outcome,
                "breakdown": parts,
                **_hashes(rollout),
            }

    def tools(self) -> list[Tool]:
        """Return the agent's tools; before the first episode, those of the domain that is set."""
        if self._rollout is not None:
            return self._rollout.tools
        return role_tools(self.settings.setup().new_environment(), self._task(), Role.AGENT)

    def _task(self) -> Task:
        if self.settings.task_id:
            return self.settings.setup().find_task(self.settings.task_id)
        return Task(id="none", user_scenario=UserScenario(instructions=""))

    async def describe(self) -> dict[str, Any]:
        """Return the task, as far as the agent may know it."""
        async with self._lock:
            rollout = await self._live()
            named = {
                name: self._status()[name]
                for name in ("domain", "task_id", "solo_mode", "max_steps")
            }
            return {**named, "ticket": rollout.task.ticket if self.settings.solo else None}

    async def ask(self, what: Callable[[Rollout], Any]) -> Any:
        """Return something of the live episode."""
        async with self._lock:
            return what(await self._live())


def _result_of(rollout: Rollout) -> StepResult:
    return rollout.result or StepResult()


def _hashes(rollout: Rollout | None) -> dict[str, str | None]:
    """Return the database hashes of an episode."""
    if rollout is None:
        return {}
    world = rollout.environment
    return {"db_hash": world.get_db_hash(), "user_db_hash": world.get_user_db_hash()}


def _status_of(result: StepResult) -> str:
    """Return which kind of ending it is.

    Endings that say nothing about the agent have names of their own.
    """
    if result.infra_failed:
        return "infra_failed"
    if result.user_failed:
        return "user_failed"
    return "completed" if result.done else "unfinished"
