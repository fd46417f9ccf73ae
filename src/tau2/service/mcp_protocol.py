"""The tools of a session as a server of the Model Context Protocol, on `mcp` 1.x and 2.x.

Both versions of the package take the same data, under the protocol's own names; they differ in how
a server is told what answers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any

from tau2 import __version__
from tau2.errors import needs_extra
from tau2.service.program_tools import POLICY_URI, ProgramTools
from tau2.utils.json_types import JsonObject

with needs_extra("mcp", "mcp"):
    from mcp.server.lowlevel import Server

NAME = "tau2"
_PROMPT = "instructions"
_ABOUT = "The policy that you follow, and how you work."


class _Refused(Exception):
    """The text of a tool error, for version 1."""


def server_of(tools: ProgramTools) -> Server:
    """Return the server of one session."""
    return _server_2(tools) if _is_version_2() else _server_1(tools)


def _is_version_2() -> bool:
    return not hasattr(Server, "list_tools")  # a decorator of version 1


def _resources() -> JsonObject:
    policy = {"uri": POLICY_URI, "name": "policy", "description": _ABOUT, "mimeType": "text/plain"}
    return {"resources": [policy]}


def _prompts() -> JsonObject:
    return {"prompts": [{"name": _PROMPT, "description": _ABOUT}]}


def _prompt(tools: ProgramTools) -> JsonObject:
    content = {"type": "text", "text": tools.instructions}
    return {"description": _ABOUT, "messages": [{"role": "user", "content": content}]}


def _server_1(tools: ProgramTools) -> Server:
    types = import_module("mcp.types")
    contents = import_module("mcp.server.lowlevel.helper_types").ReadResourceContents
    server = Server(NAME, version=__version__, instructions=tools.instructions)

    @server.list_tools()  # type: ignore[untyped-decorator]  # the package is optional
    async def list_tools() -> list[Any]:
        return [types.Tool.model_validate(tool) for tool in tools.listed()]

    # The domain says what is wrong with arguments, as to any agent.
    @server.call_tool(validate_input=False)  # type: ignore[untyped-decorator]  # likewise
    async def call_tool(name: str, arguments: JsonObject | None) -> list[Any]:
        answer = await tools.call(name, arguments)
        if answer.is_error:
            raise _Refused(answer.text)
        return [types.TextContent(type="text", text=answer.text)]

    @server.list_resources()  # type: ignore[untyped-decorator]  # likewise
    async def list_resources() -> list[Any]:
        return list(types.ListResourcesResult.model_validate(_resources()).resources)

    @server.read_resource()  # type: ignore[untyped-decorator]  # likewise
    async def read_resource(uri: object) -> list[Any]:
        _check_uri(uri)
        return [contents(content=tools.instructions, mime_type="text/plain")]

    @server.list_prompts()  # type: ignore[untyped-decorator]  # likewise
    async def list_prompts() -> list[Any]:
        return list(types.ListPromptsResult.model_validate(_prompts()).prompts)

    @server.get_prompt()  # type: ignore[untyped-decorator]  # likewise
    async def get_prompt(name: str, _arguments: JsonObject | None) -> Any:
        _check_prompt(name)
        return types.GetPromptResult.model_validate(_prompt(tools))

    return server


def _server_2(tools: ProgramTools) -> Server:
    types = import_module("mcp_types")

    def giving(kind: str, data: Callable[[], JsonObject]) -> Callable[..., Awaitable[Any]]:
        async def handler(_context: Any, _params: Any) -> Any:
            return getattr(types, kind).model_validate(data())

        return handler

    async def call_tool(_context: Any, params: Any) -> Any:
        answer = await tools.call(params.name, params.arguments)
        content = [{"type": "text", "text": answer.text}]
        return types.CallToolResult.model_validate({"content": content, "isError": answer.is_error})

    async def read_resource(_context: Any, params: Any) -> Any:
        _check_uri(params.uri)
        content = {"uri": POLICY_URI, "mimeType": "text/plain", "text": tools.instructions}
        return types.ReadResourceResult.model_validate({"contents": [content]})

    async def get_prompt(_context: Any, params: Any) -> Any:
        _check_prompt(params.name)
        return types.GetPromptResult.model_validate(_prompt(tools))

    return Server(
        NAME,
        version=__version__,
        instructions=tools.instructions,
        on_list_tools=giving("ListToolsResult", lambda: {"tools": tools.listed()}),
        on_call_tool=call_tool,
        on_list_resources=giving("ListResourcesResult", _resources),
        on_read_resource=read_resource,
        on_list_prompts=giving("ListPromptsResult", _prompts),
        on_get_prompt=get_prompt,
    )


def _check_uri(uri: object) -> None:
    if str(uri).rstrip("/") != POLICY_URI:
        raise ValueError(f"there is no resource of this URI; read {POLICY_URI}")


def _check_prompt(name: str) -> None:
    if name != _PROMPT:
        raise ValueError(f"there is no prompt of this name; get {_PROMPT}")
