"""A person in a seat of an episode: lines typed in, views shown. Knows no terminal; `answer` takes one line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

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
from tau2.report.safe_text import one_line, plain
from tau2.report.terminal.conversation import compact_call, grading_view, task_view
from tau2.report.terminal.domain_page import signature
from tau2.rollout import Rollout, StepResult
from tau2.user.base_user import STOP
from tau2.utils.tools import parse_functional_tool_call

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


class Stage:
    """One episode, one seat of which a person plays."""

    def __init__(self, rollout: Rollout, show: Callable[[RenderableType], None]) -> None:
        """Play this rollout; whatever is to be seen goes to `show`."""
        self.rollout, self._show = rollout, show
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
    def _seat(self) -> Role:
        return self.rollout.role

    def begin(self, task: Task, seed: int | None) -> None:
        """Play to the person's first turn. Raise ConfigError when the other side cannot play."""
        self._tell(self.rollout.reset(task, seed))

    def answer(self, line: str) -> None:
        """Carry out one typed line: a command, a tool call, or words for the other side."""
        text = line.strip()
        if not text:
            return
        if text.startswith("/"):
            self._command(text)
            return
        try:
            move = self._read(text)
            self._check_names(move)
        except ValueError as problem:
            self._say(f"not sent: {problem}", "yellow")
            return
        self._move(move)

    def _read(self, text: str) -> AssistantMessage | UserMessage:
        """Return the move that a line is; a line that begins like a call of a known tool is one, or a mistake."""
        name, bracket, _ = text.partition("(")
        if bracket and text.endswith(")") and name in {tool.name for tool in self.rollout.tools}:
            parse_functional_tool_call(text)
        return read_action(text, self._seat)

    def _check_names(self, move: AssistantMessage | UserMessage) -> None:
        """Raise UnknownName for a tool that does not exist: a slip of the hand is no error of the play."""
        names = [tool.name for tool in self.rollout.tools]
        for call in move.tool_calls or ():
            if call.name not in names and not self._may_be_hidden(call.name):
                raise UnknownName("tool", call.name, names)

    def _may_be_hidden(self, name: str) -> bool:
        """Return whether a tool exists that is not listed: it is found through another one."""
        environment = self.rollout.environment
        kit = environment.user_tools if self._seat is Role.USER else environment.tools
        return kit is not None and kit.has_tool(name)

    def _move(self, move: AssistantMessage | UserMessage | str) -> None:
        self._before += self.rollout.fork()
        try:
            self._tell(self.rollout.step(move))
        except BaseException:
            self._take_back()  # interrupted, or the other side cannot answer: the move was not made
            raise

    def _take_back(self) -> None:
        self.rollout.close()
        self.rollout = self._before.pop()

    # --- commands ---------------------------------------------------------------------------------------------------

    def _command(self, text: str) -> None:
        name, _, rest = text.partition(" ")
        actions: dict[str, Callable[[], None]] = {
            "/help": self._help,
            "/policy": lambda: self._show(plain(self.rollout.environment.get_policy())),
            "/task": lambda: self._show(task_view(self.rollout.task)),
            "/tools": lambda: self._tools(rest.strip()),
            "/talk": self._talk,
            "/last": lambda: self._say(self._last_result or "no tool was called yet"),
            "/reward": self._reward,
            "/undo": self._undo,
            "/done": lambda: self._move(STOP),
            "/quit": self._quit,
        }
        if name not in actions:
            self._say(f"not sent: {UnknownName('command', name, actions)}", "yellow")
            return
        actions[name]()

    def _help(self) -> None:
        width = max(map(len, COMMANDS))
        lines = [f"  {name:<{width}}  {what}" for name, what in COMMANDS.items()]
        tool = next((tool for tool in self.rollout.tools if tool.params.model_fields), None)
        call = (
            f"{tool.name}({next(iter(tool.params.model_fields))}=...)"
            if tool
            else "name(argument=value)"
        )
        words = f'anything else is said to the {_OTHERS[self._seat]}; {call} calls a tool, as does {{"name": ...}}'
        self._say("\n".join([*lines, f"  {words}"]))

    def _tools(self, name: str) -> None:
        tools = {tool.name: tool for tool in self.rollout.tools}
        if not tools:
            self._say(f"the {self._seat} has no tools here")
        elif not name:
            self._say("\n".join(f"  {_summary(tool)}" for tool in tools.values()))
        elif name in tools:
            self._show(_explained(tools[name]))
        else:
            self._say(str(UnknownName("tool", name, tools)), "yellow")

    def _talk(self) -> None:
        for message in self.rollout.messages:
            self._show_message(message)

    def _reward(self) -> None:
        info = self.rollout.grade_now()
        run = self.rollout.orchestrator
        lost = [basis.value for basis, score in (info.reward_breakdown or {}).items() if score < 1]
        self._say(
            f"reward {info.reward:.2f} for task {run.task.id}"
            + (f", lost on {', '.join(lost)}" if lost else "")
        )

    def _undo(self) -> None:
        if not self._before:
            self._say("there is no move to take back", "yellow")
            return
        self._take_back()
        moves = len(self._before)
        self._say(
            f"taken back; {moves} move{'s' if moves != 1 else ''} of yours remain. You heard:"
        )
        self._tell(self.rollout.advance())

    def _quit(self) -> None:
        self._left = True

    # --- showing ----------------------------------------------------------------------------------------------------

    def _tell(self, turn: StepResult) -> None:
        for message in turn.observation:
            self._show_message(message)
        if turn.done and self.rollout.run is not None:
            self._show(Text(""))
            if turn.error:
                self._say(f"{turn.reason}: {one_line(turn.error, 500)}", "yellow")
            self._show(Text(f"ended: {self.rollout.run.termination_reason.value}"))
            self._show(grading_view(self.rollout.run))

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
        if len(text) > _LONGEST_RESULT:
            text = f"{text[:_LONGEST_RESULT]}… (+{len(text) - _LONGEST_RESULT} characters; /last shows all)"
        self._labelled(
            "error" if message.error else "result", text, "red" if message.error else "yellow"
        )

    def _show_words(self, message: Message) -> None:
        mine = message.role == ("assistant" if self._seat is Role.AGENT else "user")
        style = "dim" if mine else "green" if message.role == "user" else "cyan"
        who = {"assistant": "agent"}.get(message.role, message.role)
        for call in getattr(message, "tool_calls", None) or ():
            self._labelled(who, f"→ {compact_call(call)}", style)
        if isinstance(message, AssistantMessage | UserMessage) and message.content:
            self._labelled(who, message.content, style)

    def _labelled(self, label: str, text: str, style: str) -> None:
        self._show(Group(Text(label, style=f"bold {style}"), Padding(plain(text), (0, 0, 0, 2))))

    def _say(self, text: str, style: str = "") -> None:
        self._show(plain(text, style=style))

    # --- completion -------------------------------------------------------------------------------------------------

    def completions(self, line: str, word: str) -> list[str]:
        """Return what a word may become: a command, a tool, or an argument of the tool that is being called."""
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


def _explained(tool: Tool) -> RenderableType:
    parameters = [
        Padding(plain(f"{name}: {one_line(field.description, 400)}", style="dim"), (0, 0, 0, 4))
        for name, field in tool.params.model_fields.items()
        if field.description
    ]
    return Group(
        plain(signature(tool), style="bold"),
        Padding(plain(tool.description), (0, 0, 0, 2)),
        *parameters,
    )
