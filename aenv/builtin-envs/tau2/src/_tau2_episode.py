"""The episode that an environment server plays: one at a time, begun by `reset` or by its first use."""

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
_EMPTY = (
    "(no output)"  # AEnvironment's client replaces an empty text by the description of an object
)
_NOBODY_LISTENS = "nobody reads messages here: call a tool, or `done` when the work is finished"
_SAYS_NOTHING = "the message is empty: say something to the customer, or call a tool"


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
        self.settings, self._given = settings, settings
        self._rollout: Rollout | None = None
        self._lock = asyncio.Lock()
        self._heard = ""

    async def reset(self, **changes: Any) -> dict[str, Any]:
        """Begin another episode; what is not named is as the environment variables say.

        Return the status and the conversation so far as OpenAI messages. Raise ValueError or
        UnknownName for what cannot be played.
        """
        async with self._lock:
            self.settings = self._given.changed(changes)
            rollout = await self._begun()
            return {**self._status(), "messages": rollout.history(system=False)}

    async def _begun(self) -> Rollout:
        """Start an episode as the settings say."""
        self.close()
        if not self.settings.task_id:
            raise ConfigError("no task is named: set TAU2_TASK_ID, or give tau2_reset a task_id")
        rollout = Rollout(self.settings.setup())
        self._note(await rollout.areset(self.settings.task_id, self.settings.seed))
        self._rollout = rollout
        return rollout

    async def _live(self) -> Rollout:
        return self._rollout if self._rollout is not None else await self._begun()

    def close(self) -> None:
        """Leave the episode, wherever it stands."""
        if self._rollout is not None:
            self._rollout.close()
        self._rollout, self._heard = None, ""

    def _note(self, turn: StepResult) -> StepResult:
        """Remember what was heard last."""
        said = [
            str(message.content)
            for message in turn.observation
            if getattr(message, "content", None)
        ]
        self._heard = "\n".join(said) or self._heard
        return turn

    async def call_tool(self, name: str, arguments: dict[str, Any]) -> Reply:
        """Carry out a tool call of the agent."""
        async with self._lock:
            rollout = await self._live()
            if _turn(rollout).done:
                return Reply(_OVER, error=True)
            turn = self._note(await rollout.astep({"name": name, "arguments": arguments}))
            results = [message for message in turn.observation if isinstance(message, ToolMessage)]
            return (
                Reply(results[-1].content or _EMPTY, results[-1].error) if results else Reply(_OVER)
            )

    async def send_message(self, message: object) -> dict[str, Any]:
        """Tell the customer something.

        Return the status with their answer, or why it was `rejected`.
        """
        async with self._lock:
            rollout = await self._live()
            if _turn(rollout).done:
                return {**self._status(), "rejected": _OVER}
            text = message if isinstance(message, str) else ""
            problem = self._problem(text)
            turn = rollout.reject(problem, text) if problem else await rollout.astep(text)
            if problem is None or turn.done:
                self._note(turn)
            return {**self._status(), "rejected": turn.rejected}

    def _problem(self, text: str) -> str | None:
        if not text.strip():
            return _SAYS_NOTHING
        return _NOBODY_LISTENS if self.settings.solo and STOP not in text else None

    async def finish(self) -> dict[str, Any]:
        """End the conversation on the agent's behalf and return the status."""
        async with self._lock:
            rollout = await self._live()
            if not _turn(rollout).done:
                self._note(await rollout.astep(STOP))
            return self._status()

    def status(self) -> dict[str, Any]:
        """Return where the episode stands: no reward, no key, no address."""
        return self._status()

    def _status(self) -> dict[str, Any]:
        """Return what anybody may know; also of an episode that has not begun."""
        settings, rollout = self.settings, self._rollout
        turn = _turn(rollout) if rollout is not None else StepResult()
        return {
            "domain": settings.domain,
            "task_id": settings.task_id,
            "solo_mode": settings.solo,
            "max_steps": settings.max_steps,
            "started": rollout is not None,
            "steps": len(rollout.steps) if rollout is not None else 0,
            "invalid_actions": rollout.invalid_actions if rollout is not None else 0,
            "done": turn.done,
            "truncated": turn.truncated,
            "reason": turn.reason.value if turn.reason is not None else None,
            "status": _status_of(turn),
            "error": settings.redacted(turn.error) if turn.error else None,
            "observation": self._heard,
            "last_observation": self._heard,
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
            elif rollout is not None and _turn(rollout).reward is not None:
                graded = _turn(rollout).reward_info
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
        """Return what is played, as far as the agent's side may know it."""
        async with self._lock:
            rollout = await self._live()
            named = {
                name: self._status()[name]
                for name in ("domain", "task_id", "solo_mode", "max_steps")
            }
            return {**named, "ticket": rollout.task.ticket if self.settings.solo else None}

    async def ask(self, what: Callable[[Rollout], Any]) -> Any:
        """Return something that the live episode knows."""
        async with self._lock:
            return what(await self._live())


def _turn(rollout: Rollout) -> StepResult:
    return rollout.result or StepResult()


def _hashes(rollout: Rollout | None) -> dict[str, str | None]:
    """Return what the world of an episode is compared by."""
    if rollout is None:
        return {}
    world = rollout.environment
    return {"db_hash": world.get_db_hash(), "user_db_hash": world.get_user_db_hash()}


def _status_of(turn: StepResult) -> str:
    """Return which kind of ending it is.

    Endings that say nothing about the agent have names of their own.
    """
    if turn.infra_failed:
        return "infra_failed"
    if turn.user_failed:
        return "user_failed"
    return "completed" if turn.done else "unfinished"
