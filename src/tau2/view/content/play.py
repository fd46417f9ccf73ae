"""A person plays one role of an episode: a typed line in, blocks of text out; no terminal."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping

from tau2.data_model.message import (
    AssistantMessage,
    Message,
    MultiToolMessage,
    ToolMessage,
    UserMessage,
)
from tau2.data_model.tasks import Task
from tau2.environment.tool import Tool
from tau2.errors import UnknownName
from tau2.gym.text import read_action
from tau2.orchestrator.episode import Role
from tau2.report.safe_text import clean, one_line
from tau2.report.terminal.conversation import compact_call
from tau2.report.terminal.domain_page import signature
from tau2.rollout import Rollout, StepResult
from tau2.user.base_user import STOP
from tau2.utils.text import plural
from tau2.utils.tools import parse_functional_tool_call
from tau2.view.content.blocks import Block, Line, Style, grading_block, task_block

_LONGEST_RESULT = 3000  # characters shown of a tool's result; /last shows all
_OTHERS = {Role.AGENT: "user", Role.USER: "agent"}

COMMANDS: Mapping[str, str] = {
    "/help": "what can be typed",
    "/policy": "the rules the agent has to follow",
    "/task": "what the customer wants, and how it is graded",
    "/tools": "what can be called; /tools NAME explains one",
    "/talk": "the conversation so far",
    "/last": "the last result, whole",
    "/reward": "what it would be graded if it ended here",
    "/undo": "take the last move back",
    "/done": "end the conversation and have it graded",
    "/quit": "leave without a grade",
}

Show = Callable[[Block], None]


class PlaySession:
    """One episode in which a person plays one role."""

    def __init__(
        self, rollout: Rollout, show: Show, *, clean: Callable[[str], str] = clean
    ) -> None:
        """Play this rollout; what is to be seen goes to `show`, longer texts through `clean`.

        `clean` has to remove control characters; one for an application also limits the length.
        """
        self.rollout = rollout
        self._show = show
        self._clean = clean
        self._before: list[Rollout] = []
        self._left = False
        self._last_result = ""

    @property
    def is_over(self) -> bool:
        """Whether the episode ended, or the person left it."""
        return self._left or (self.rollout.result is not None and self.rollout.result.done)

    @property
    def was_left(self) -> bool:
        """Whether the person left before the end."""
        return self._left

    @property
    def _role(self) -> Role:
        return self.rollout.role

    async def begin(self, task: Task, seed: int | None) -> None:
        """Play to the person's first turn. Raise ConfigError when the other side cannot play."""
        self._show_step(await self.rollout.areset(task, seed))

    async def answer(self, line: str) -> None:
        """Carry out one typed line: a command, a tool call, or words for the other side.

        A move that is cancelled, or that the other side cannot answer, is taken back.
        """
        text = line.strip()
        if not text:
            return
        if text.startswith("/"):
            await self._command(text)
            return
        try:
            move = self._read(text)
            self._check_names(move)
        except ValueError as problem:
            self._say(f"not sent: {problem}", "warn")
            return
        await self._move(move)

    def leave(self) -> None:
        """End the session without a grade."""
        self._left = True

    def close(self) -> None:
        """Give back what the episode, and those before the moves, hold."""
        for rollout in (self.rollout, *self._before):
            rollout.close()

    def _read(self, text: str) -> AssistantMessage | UserMessage:
        """Return the move that a line is.

        A line that begins like a call of a known tool is one, or a mistake (ValueError).
        """
        name, bracket, _ = text.partition("(")
        if bracket and text.endswith(")") and name in {tool.name for tool in self.rollout.tools}:
            parse_functional_tool_call(text)
        return read_action(text, self._role)

    def _check_names(self, move: AssistantMessage | UserMessage) -> None:
        """Raise UnknownName for a tool that does not exist: a typing mistake is no move."""
        names = [tool.name for tool in self.rollout.tools]
        environment = self.rollout.environment
        toolkit = environment.user_tools if self._role is Role.USER else environment.tools
        for call in move.calls:
            # A tool that is not listed may exist all the same: it is found through another one.
            if call.name not in names and not (toolkit is not None and toolkit.has_tool(call.name)):
                raise UnknownName("tool", call.name, names)

    async def _move(self, move: AssistantMessage | UserMessage | str) -> None:
        self._before += self.rollout.fork()
        try:
            self._show_step(await self.rollout.astep(move))
        except BaseException:
            self._take_back()  # cancelled, or the other side cannot answer: the move was not made
            raise

    def _take_back(self) -> None:
        self.rollout.close()
        self.rollout = self._before.pop()

    # --- commands ---------------------------------------------------------------------------------

    async def _command(self, text: str) -> None:
        name, _, rest = text.partition(" ")
        waiting: dict[str, Callable[[], Awaitable[None]]] = {
            "/reward": self._reward,
            "/undo": self._undo,
            "/done": lambda: self._move(STOP),
        }
        instant: dict[str, Callable[[], None]] = {
            "/help": self._help,
            "/policy": lambda: self._say(self.rollout.environment.get_policy()),
            "/task": lambda: self._show(task_block(self.rollout.task)),
            "/tools": lambda: self._tools(rest.strip()),
            "/talk": self._talk,
            "/last": lambda: self._say(self._last_result or "no tool was called yet"),
            "/quit": self.leave,
        }
        if name in waiting:
            await waiting[name]()
        elif name in instant:
            instant[name]()
        else:
            self._say(f"not sent: {UnknownName('command', name, list(COMMANDS))}", "warn")

    def _help(self) -> None:
        width = max(map(len, COMMANDS))
        lines = [f"{name:<{width}}  {what}" for name, what in COMMANDS.items()]
        tool = next((tool for tool in self.rollout.tools if tool.params.model_fields), None)
        call = (
            f"{tool.name}({next(iter(tool.params.model_fields))}=...)"
            if tool
            else "name(argument=value)"
        )
        lines.append(
            f"anything else is said to the {_OTHERS[self._role]}; "
            f'{call} calls a tool, as does {{"name": ...}}'
        )
        self._show(Block("help", "label", [("\n".join(lines), "")]))

    def _tools(self, name: str) -> None:
        tools = {tool.name: tool for tool in self.rollout.tools}
        if not tools:
            self._say(f"the {self._role} has no tools here")
        elif not name:
            lines = "\n".join(_summary(tool) for tool in tools.values())
            self._show(Block("tools", "label", [(lines, "")]))
        elif name in tools:
            self._show(self._explained(tools[name]))
        else:
            self._say(str(UnknownName("tool", name, tools)), "warn")

    def _talk(self) -> None:
        for message in self.rollout.messages:
            self._show_message(message)

    async def _reward(self) -> None:
        # A task with a judge asks a model, which blocks: not on the event loop.
        info = await asyncio.to_thread(self.rollout.grade_now)
        lost = [basis.value for basis, score in (info.reward_breakdown or {}).items() if score < 1]
        task = one_line(self.rollout.task.id, 200)
        self._say(
            f"reward {info.reward:.2f} for task {task}"
            + (f", lost on {', '.join(lost)}" if lost else "")
        )

    async def _undo(self) -> None:
        if not self._before:
            self._say("there is no move to take back", "warn")
            return
        self._take_back()
        moves = len(self._before)
        self._say(f"taken back; {plural(moves, 'move')} of yours remain. You received:")
        self._show_step(await self.rollout.aadvance())

    # --- showing ----------------------------------------------------------------------------------

    def _show_step(self, result: StepResult) -> None:
        for message in result.observation:
            self._show_message(message)
        if result.done and self.rollout.run is not None:
            if result.error:
                self._say(f"{result.reason}: {one_line(result.error, 500)}", "warn")
            self._say(f"ended: {self.rollout.run.termination_reason.value}")
            self._show(grading_block(self.rollout.run))

    def _show_message(self, message: Message) -> None:
        if isinstance(message, MultiToolMessage):
            for result in message.tool_messages:
                self._show_message(result)
        elif isinstance(message, ToolMessage):
            self._last_result = message.content or ""
            self._show_result(message)
        else:
            self._show_words(message)

    def _show_result(self, message: ToolMessage) -> None:
        text = message.content or "(nothing)"
        left_out = len(text) - _LONGEST_RESULT
        if left_out > 0:
            text = f"{text[:_LONGEST_RESULT]}… (+{plural(left_out, 'character')}; /last shows all)"
        if message.error:
            self._labelled("error", text, "bad")
        else:
            self._labelled("result", text, "call")

    def _show_words(self, message: Message) -> None:
        who: Style = "user" if message.role == "user" else "agent"
        mine = message.role == ("assistant" if self._role is Role.AGENT else "user")
        style: Style = "dim" if mine else who
        label = {"assistant": "agent"}.get(message.role, message.role)
        for call in message.calls:
            self._labelled(label, f"→ {compact_call(call)}", style)
        if isinstance(message, AssistantMessage | UserMessage) and message.content:
            self._labelled(label, message.content, style)

    def _labelled(self, label: str, text: str, style: Style) -> None:
        self._show(Block(label, style, [(self._clean(text), "dim" if style == "dim" else "")]))

    def _say(self, text: str, style: Style = "") -> None:
        """Show text that is not part of the conversation."""
        self._show(Block("", style, [(self._clean(text), style)]))

    def _explained(self, tool: Tool) -> Block:
        parameters: list[Line] = [
            (f"  {one_line(name)}: {one_line(field.description, 400)}", "dim")
            for name, field in tool.params.model_fields.items()
            if field.description
        ]
        return Block(
            one_line(signature(tool), 400),
            "label",
            [(self._clean(tool.description), ""), *parameters],
        )

    # --- completion -------------------------------------------------------------------------------

    def completions(self, line: str, word: str) -> list[str]:
        """Return what a word may become: a command, a tool, or an argument of a tool."""
        return sorted(set(self._candidates(line, word)))

    def _candidates(self, line: str, word: str) -> Iterator[str]:
        tools = {tool.name: tool for tool in self.rollout.tools}
        name, bracket, _ = line.partition("(")
        if bracket and name in tools:
            yield from (
                f"{field}=" for field in tools[name].params.model_fields if field.startswith(word)
            )
        elif line.startswith("/tools "):
            yield from (tool for tool in tools if tool.startswith(word))
        elif line == word:
            yield from (f"{tool}(" for tool in tools if word and tool.startswith(word))
            yield from (command for command in COMMANDS if command.startswith(word or "/"))


def _summary(tool: Tool) -> str:
    names = ", ".join(tool.params.model_fields)
    return one_line(f"{tool.name}({names})  {tool.short_desc}", 200)
