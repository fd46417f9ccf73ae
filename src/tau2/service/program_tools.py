"""What a program is given in an episode: tools, instructions, and answers to its calls, as data.

The tools are the domain's, with those that speak to the customer and end the conversation. Names
and shapes are those of the Model Context Protocol; the package `mcp` is not needed here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from tau2.agent.llm_agent import standard_prompt
from tau2.agent.llm_agent.solo import SOLO_INSTRUCTION, SOLO_SYSTEM_PROMPT
from tau2.agent.program_agent import Asked, EpisodeOffer, ProgramSession, goodbye
from tau2.data_model.message import AssistantMessage, ToolCall, ToolMessage, UserMessage
from tau2.environment.environment import Environment
from tau2.environment.tool import Tool
from tau2.utils.json_types import JsonMapping, JsonObject
from tau2.utils.plain_data import clean

SEND = "send_message_to_user"
WAIT = "wait_for_user"
END = "end_conversation"
POLICY = "get_policy"
DONE = "done"

OVER = "The conversation is over."
"""What every call is answered after the end."""
_YOUR_TURN = f"The customer waits for you: answer with `{SEND}`."
POLICY_URI = "tau2://policy"

_MOST_CALLS = 1000  # calls of one session that take no turn of the agent
_TEXT = {"type": "string"}

_HOW_TO_SPEAK = f"""\
How you speak
- The customer hears only the text that you pass to the tool `{SEND}`, and answers as its result.
- Call `{WAIT}` first: it returns what the customer wrote after you said hello.
- Go on until a tool answers "{OVER}" If nothing more can be done, call `{END}`."""


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """What a call returns to the program."""

    text: str
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class _OwnTool:
    """A tool that is not the domain's."""

    description: str
    answer: Callable[[JsonMapping], Awaitable[ToolAnswer]]
    arguments: Mapping[str, str]
    """The text arguments, each with what it is."""
    required: tuple[str, ...] = ()
    is_read_only: bool = False

    def problem(self, arguments: JsonMapping) -> str | None:
        """Return what is wrong with the arguments of a call, or None."""
        for name in self.required:
            if not str(arguments.get(name) or "").strip():
                return f"`{name}` is missing or empty"
        for name, value in arguments.items():
            if name not in self.arguments:
                return f"there is no argument `{name[:100]}`"
            if not isinstance(value, str):
                return f"`{name}` must be a text"
        return None


class ProgramTools:
    """The tools of one session, and what its calls return."""

    def __init__(self, session: ProgramSession, offer: EpisodeOffer) -> None:
        self._session = session
        self._offer = offer
        self._calls_left = _MOST_CALLS
        self._has_heard = False
        taken = {tool.name for tool in offer.tools}
        self._own = {
            name if name not in taken else f"tau2_{name}": tool
            for name, tool in self._own_tools().items()
        }

    def _own_tools(self) -> dict[str, _OwnTool]:
        policy = _OwnTool(
            "Return your instructions: the policy that you follow, and how you work.",
            self._policy,
            {},
            is_read_only=True,
        )
        if self._offer.ticket is not None:
            finish = _OwnTool("Say that the case is solved, or cannot be.", self._end, {})
            return {POLICY: policy, DONE: finish}
        return {
            WAIT: _OwnTool(
                "Return what the customer says. Call it first, for the customer's first message.",
                self._wait,
                {},
            ),
            SEND: _OwnTool(
                "Say something to the customer, wait for the answer, and return it.",
                self._send,
                {"message": "What the customer reads."},
                ("message",),
            ),
            END: _OwnTool(
                "End the conversation, when nothing more can be done for the customer.",
                self._end,
                {"message": "The last thing that the customer reads; may be left out."},
            ),
            POLICY: policy,
        }

    @property
    def instructions(self) -> str:
        """The instructions of the program, with the policy."""
        offer = self._offer
        if offer.ticket is None:
            return standard_prompt(offer.policy, _HOW_TO_SPEAK)
        return SOLO_SYSTEM_PROMPT.format(
            agent_instruction=SOLO_INSTRUCTION, domain_policy=offer.policy, ticket=offer.ticket
        )

    def listed(self) -> list[JsonObject]:
        """Return the tools as the protocol lists them."""
        own = [_listed_own(name, tool) for name, tool in self._own.items()]
        domain = [_listed(tool, self._offer.read_only) for tool in self._offer.tools]
        return [*own, *domain]

    async def call(self, name: str, arguments: JsonMapping | None) -> ToolAnswer:
        """Answer one call: the domain's tools answer as for any agent, in their own words."""
        self._session.begin()
        if self._session.is_over:
            return ToolAnswer(OVER)
        own = self._own.get(name)
        if own is None:
            # What the domain gets is what is stored: JSON has no infinite numbers.
            given = {key: clean(value) for key, value in (arguments or {}).items()}
            call = ToolCall(name=name, arguments=given)
            return self._answer(await self._act(AssistantMessage(tool_calls=[call])))
        problem = own.problem(arguments or {})
        if problem is not None:
            return self._without_turn(ToolAnswer(f"Error: {problem}", is_error=True))
        return await own.answer(arguments or {})

    async def _policy(self, _arguments: JsonMapping) -> ToolAnswer:
        return self._without_turn(ToolAnswer(self.instructions))

    async def _wait(self, _arguments: JsonMapping) -> ToolAnswer:
        asked = await self._session.asked()
        answer = self._answer(asked)
        is_first = not self._has_heard
        self._has_heard = True
        if is_first and asked is not None:
            lines = [*map(_as_line, self._session.history), _as_line(asked.observation)]
            answer = ToolAnswer("\n\n".join(lines))
        elif asked is not None and not isinstance(asked.observation, UserMessage):
            answer = ToolAnswer(_YOUR_TURN)
        return self._without_turn(answer)

    async def _send(self, arguments: JsonMapping) -> ToolAnswer:
        return self._answer(await self._act(AssistantMessage(content=str(arguments["message"]))))

    async def _end(self, arguments: JsonMapping) -> ToolAnswer:
        return self._answer(await self._act(goodbye(str(arguments.get("message") or ""))))

    async def _act(self, message: AssistantMessage) -> Asked | None:
        self._has_heard = True
        return await self._session.act(message)

    def _answer(self, asked: Asked | None) -> ToolAnswer:
        if asked is None:
            return ToolAnswer(OVER)
        observation = asked.observation
        if isinstance(observation, ToolMessage):
            return ToolAnswer(observation.content or "", observation.error)
        content = observation.content if isinstance(observation, UserMessage) else ""
        return ToolAnswer(content or "")

    def _without_turn(self, answer: ToolAnswer) -> ToolAnswer:
        """Count a call that takes no turn; a program that only makes such calls is sent away."""
        self._calls_left -= 1
        if self._calls_left < 0:
            self._session.leave()
            text = f"Error: more than {_MOST_CALLS:,} calls that do nothing"
            return ToolAnswer(text, is_error=True)
        return answer


def offer_of(
    environment: Environment, tools: list[Tool], policy: str, ticket: str | None
) -> EpisodeOffer:
    """Return what a program is told of an episode in an environment."""
    kits = [kit for kit in (environment.tools, environment.user_tools) if kit is not None]
    read_only = frozenset(
        tool.name
        for tool in tools
        if any(kit.has_tool(tool.name) and not kit.tool_mutates_state(tool.name) for kit in kits)
    )
    return EpisodeOffer(tuple(tools), read_only, policy, ticket)


def _listed(tool: Tool, read_only: frozenset[str]) -> JsonObject:
    return {
        "name": tool.name,
        "description": tool.description,
        "inputSchema": tool.parameters,
        "annotations": {"readOnlyHint": tool.name in read_only, "openWorldHint": False},
    }


def _listed_own(name: str, tool: _OwnTool) -> JsonObject:
    properties = {key: {**_TEXT, "description": text} for key, text in tool.arguments.items()}
    schema: JsonObject = {"type": "object", "properties": properties}
    if tool.required:
        schema["required"] = list(tool.required)
    hints = {"readOnlyHint": tool.is_read_only, "openWorldHint": False}
    return {
        "name": name,
        "description": tool.description,
        "inputSchema": schema,
        "annotations": hints,
    }


def _as_line(message: object) -> str:
    """Return a message of the conversation so far as the program reads it."""
    if isinstance(message, ToolMessage):
        return f"Result: {message.content or ''}"
    if isinstance(message, AssistantMessage):
        calls = [f"{call.name}({call.arguments})" for call in message.calls]
        return "\n".join(["You: " + text for text in [message.content or "", *calls] if text])
    return f"Customer: {getattr(message, 'content', '') or ''}"
