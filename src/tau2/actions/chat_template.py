"""Chat templates: what the template of a tokenizer can render, and conversations as its text.

Many templates drop tools and tool calls silently. A probe finds out; such a template renders
`plain_chat` instead. Nothing here needs transformers: any object with its `apply_chat_template`
will do.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from itertools import chain, takewhile
from typing import Any, Literal, Protocol, get_args

from tau2.actions.parse import tagged_calls
from tau2.actions.plain_chat import TOOL_RESPONSE_TAGS, InertText, plain_chat
from tau2.actions.reasoning import THINK_TAGS
from tau2.actions.tagged import TOOL_CALL_TAGS
from tau2.actions.tool_calls import MalformedAction
from tau2.errors import ConfigError
from tau2.utils.json_types import JsonMapping, JsonObject, JsonValue

PromptForm = Literal["auto", "native", "signatures"]
"""`native`: the template renders tools and calls; `signatures`: `plain_chat` writes them, and the
template renders plain turns; `auto`: native where the template renders both and writes calls as
they are read back, in `<tool_call>` tags, otherwise signatures."""

PROMPT_FORMS: tuple[str, ...] = get_args(PromptForm)

_MARK = "Reply of the assistant, unlike any other."
_LEFT_OUT = "…"  # stands for the user's turn before a reply, where a template asks for one
_ASKED: JsonObject = {"role": "user", "content": "A question."}
_TOOL: JsonObject = {
    "type": "function",
    "function": {
        "name": "probe_lookup",
        "description": "Look something up.",
        "parameters": {
            "type": "object",
            "properties": {"probe_key": {"type": "string", "description": "What."}},
            "required": ["probe_key"],
        },
    },
}
_CALLED: JsonObject = {
    "role": "assistant",
    "content": "",
    "tool_calls": [
        {
            "id": "probe0001",  # nine letters and digits, as one family of templates wants it
            "type": "function",
            "function": {"name": "probe_lookup", "arguments": {"probe_key": "probe_value"}},
        }
    ],
}
_ANSWERED: JsonObject = {
    "role": "tool",
    "name": "probe_lookup",
    "tool_call_id": "probe0001",
    "content": "probe_result",
}
_OUR_TAGS = frozenset([*TOOL_CALL_TAGS, *TOOL_RESPONSE_TAGS, *chain.from_iterable(THINK_TAGS)])


class TemplateTokenizer(Protocol):
    """The part of a Hugging Face tokenizer that is used."""

    def apply_chat_template(self, conversation: list[JsonObject], **options: Any) -> Any:
        """Return the conversation in the format of the model."""


class ChatTemplate:
    """Renders conversations by the chat template of a tokenizer.

    Args:
        tokenizer: It may also have `all_special_tokens` and `added_tokens_decoder`; such tokens,
            and what begins like `<|`, are broken up in what users, tools and models wrote.
        form: See `PromptForm`. Raise ConfigError for another one.
        options: Further variables of the template, such as `enable_thinking`.
    """

    def __init__(
        self,
        tokenizer: TemplateTokenizer,
        *,
        form: str = "auto",
        options: JsonMapping | None = None,
    ) -> None:
        if form not in PROMPT_FORMS:
            raise ConfigError(f"prompt_form is {form!r}; known: {', '.join(PROMPT_FORMS)}")
        self._tokenizer = tokenizer
        self._asked_form = form
        self._options = dict(options or {})
        self.special_tokens = _special_tokens(tokenizer)
        self.inert = InertText(self.special_tokens)

    @cached_property
    def form(self) -> Literal["native", "signatures"]:
        """How tools and calls are rendered. Raise ConfigError where `native` would drop them."""
        if self._asked_form == "signatures":
            return "signatures"
        if self._asked_form == "native":
            if not self._renders_tools:
                raise ConfigError(
                    "prompt_form is native, but the chat template does not render tools and the "
                    "model's own calls; use auto or signatures"
                )
            return "native"
        return "native" if self._renders_tools and self._calls_are_read_back else "signatures"

    def writes_plainly(self, messages: Sequence[JsonMapping], tools: Sequence[Any] = ()) -> bool:
        """Return whether this conversation has tools or calls that are rendered as plain text."""
        if self._asked_form == "signatures":
            return True
        with_tools = bool(tools) or any(
            one.get("tool_calls") or one.get("role") == "tool" for one in messages
        )
        return with_tools and self.form == "signatures"

    def prompt(self, messages: Sequence[JsonMapping], tools: Sequence[JsonMapping] = ()) -> str:
        """Return the text of a conversation up to where the assistant's next turn begins.

        Raise ConfigError when the template cannot render it.
        """
        rows, listed = self._rows(messages, tools)
        return self._rendered(self._accepted(rows), listed, add_generation_prompt=True)

    def after_reply(self, messages: Sequence[JsonMapping]) -> str | None:
        """Return what follows the text of a reply: its end of turn, `messages`, the next opening.

        None where the template renders no such conversation.
        """
        rows, _ = self._rows(messages, ())
        text = self._try([_ASKED, {"role": "assistant", "content": _MARK}, *rows], opened=True)
        found, mark, rest = (text or "").partition(_MARK)
        return rest if found and mark else None

    @cached_property
    def end_of_turn(self) -> str:
        """The text that ends a turn of the assistant; empty where the template writes none."""
        text = self._try([_ASKED, {"role": "assistant", "content": _MARK}])
        return (text or "").partition(_MARK)[2]

    def _rows(
        self, messages: Sequence[JsonMapping], tools: Sequence[JsonMapping]
    ) -> tuple[list[JsonObject], list[JsonObject] | None]:
        """Return messages and tools as they are given to the template."""
        if self.writes_plainly(messages, tools):
            turns = plain_chat(messages, tools, special_tokens=self.special_tokens)
            return [{"role": turn.role, "content": turn.content} for turn in turns], None
        rows = [self._inert(template_message(one)) for one in messages]
        return rows, [template_tool(one) for one in tools] or None

    def _inert(self, message: JsonObject) -> JsonObject:
        if message["role"] == "system":
            return message
        made = message | {"content": self.inert(message["content"])}
        if calls := message.get("tool_calls"):
            made["tool_calls"] = json.loads(self.inert(json.dumps(calls, ensure_ascii=False)))
        return made

    def _accepted(self, rows: list[JsonObject]) -> list[JsonObject]:
        """Return the turns as the template accepts them: some refuse a system turn."""
        head = rows[:1] if rows and rows[0]["role"] == "system" else []
        turns = rows[len(head) :]
        if turns and turns[0]["role"] == "assistant" and not self._takes_reply_first:
            turns = [{"role": "user", "content": _LEFT_OUT}, *turns]
        if not head or self._takes_system:
            return [*head, *turns]
        if turns and turns[0]["role"] == "user":
            text = f"{head[0]['content']}\n\n{turns[0]['content']}"
            return [{"role": "user", "content": text}, *turns[1:]]
        return [{"role": "user", "content": head[0]["content"]}, *turns]

    @cached_property
    def _takes_system(self) -> bool:
        return _MARK in (self._try([{"role": "system", "content": _MARK}, _ASKED]) or "")

    @cached_property
    def _takes_reply_first(self) -> bool:
        return _MARK in (self._try([{"role": "assistant", "content": _MARK}, _ASKED]) or "")

    @cached_property
    def _renders_tools(self) -> bool:
        listed = self._try([_ASKED], [_TOOL], opened=True) or ""
        told = self._try([_ASKED, _CALLED, _ANSWERED], [_TOOL], opened=True) or ""
        return all(word in listed for word in ("probe_lookup", "probe_key")) and all(
            word in told for word in ("probe_value", "probe_result")
        )

    @cached_property
    def _calls_are_read_back(self) -> bool:
        before = self._try([_ASKED], [_TOOL], opened=True) or ""
        whole = self._try([_ASKED, _CALLED], [_TOOL]) or ""
        written = whole[_n_alike(before, whole) :]
        try:
            read = tagged_calls(written, "assistant")
        except MalformedAction:
            return False
        expected = _CALLED["tool_calls"][0]["function"]
        return read is not None and [(one.name, one.arguments) for one in read.calls] == [
            (expected["name"], expected["arguments"])
        ]

    def _try(
        self,
        rows: list[JsonObject],
        tools: list[JsonObject] | None = None,
        *,
        opened: bool = False,
    ) -> str | None:
        """Return a conversation as text; None where the template refuses it."""
        try:
            return self._rendered(rows, tools, add_generation_prompt=opened)
        except ConfigError:
            return None

    def _rendered(
        self,
        rows: list[JsonObject],
        tools: list[JsonObject] | None,
        *,
        add_generation_prompt: bool,
    ) -> str:
        try:
            return str(
                self._tokenizer.apply_chat_template(
                    rows,
                    tools=tools,
                    add_generation_prompt=add_generation_prompt,
                    tokenize=False,
                    **self._options,
                )
            )
        except Exception as error:  # a template is a program of its model's author
            raise ConfigError(
                "the tokenizer's chat template cannot render this conversation "
                f"({type(error).__name__}: {error}); give one that can: chat_template: FILE in the "
                "model's configuration"
            ) from error


def _n_alike(one: str, other: str) -> int:
    """Return the length of the beginning that two texts have in common."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _special_tokens(tokenizer: Any) -> frozenset[str]:
    added: Mapping[int, Any] = getattr(tokenizer, "added_tokens_decoder", None) or {}
    named: Collection[str] = getattr(tokenizer, "all_special_tokens", None) or ()
    special = {str(one.content) for one in added.values() if one.special}
    # The tags of calls and thoughts are for models to write, whatever the tokenizer calls them.
    return frozenset({*named, *special} - _OUR_TAGS)


def template_tool(tool: JsonMapping) -> JsonObject:
    """Return a flat tool schema (type, name, description, parameters) in the nested form."""
    if "function" in tool:
        return dict(tool)
    return {
        "type": "function",
        "function": {key: value for key, value in tool.items() if key != "type"},
    }


def template_message(message: JsonMapping) -> JsonObject:
    """Return a message in the form that chat templates expect.

    The text of a tool result may be its `output`; arguments given as JSON text become objects.
    """
    role = str(message["role"])
    content = message.get("content")
    if content is None:
        content = message.get("output", "")
    made: JsonObject = {"role": role, "content": str(content)}
    if role == "tool":
        made |= {name: message[key] for key, name in _TOOL_KEYS.items() if message.get(key)}
    if calls := message.get("tool_calls"):
        made["tool_calls"] = [_template_call(one) for one in calls]
    return made


_TOOL_KEYS = {"name": "name", "call_id": "tool_call_id", "tool_call_id": "tool_call_id"}


def _template_call(call: JsonMapping) -> JsonObject:
    function = call.get("function", call)
    made = {
        "type": "function",
        "function": {"name": function["name"], "arguments": _parsed(function["arguments"])},
    }
    return made | ({"id": call["id"]} if call.get("id") else {})


def _parsed(arguments: JsonValue) -> JsonValue:
    if not isinstance(arguments, str):
        return arguments
    try:
        return json.loads(arguments)
    except (ValueError, RecursionError):
        # The template shows what a model wrote, even if it is not JSON.
        return arguments
