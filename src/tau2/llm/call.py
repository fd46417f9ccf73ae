"""`complete` and `acomplete`: every model call goes through one of them. Both drive `run_call`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tau2._compat.patching import patched
from tau2.actions.provider_data import with_origin
from tau2.data_model.message import CUT_SHORT_KEY, AssistantMessage, Message
from tau2.environment.tool import Tool
from tau2.errors import ConfigError
from tau2.llm.args import attempt_timeout, split_args
from tau2.llm.attempts import CallResult, ModelCall, run_call
from tau2.llm.clock import clock
from tau2.llm.completion_fn import call_async, call_sync, sender_of
from tau2.llm.cost import cost_of, sum_known
from tau2.llm.drivers import adrive, drive
from tau2.llm.parse import token_details_of, tokens_of
from tau2.llm.request import CompletionFn, Request, Response
from tau2.llm.returned_fields import RETURNED_FIELDS
from tau2.llm.routing import backend_for
from tau2.llm.wire import choice_to_wire, to_wire, tools_to_wire
from tau2.utils.json_types import JsonMapping, JsonObject


def complete(
    model: str,
    messages: Sequence[Message],
    *,
    tools: Sequence[Tool] | None = None,
    tool_choice: str | None = None,
    call_name: str | None = None,
    completion_fn: CompletionFn | None = None,
    **llm_args: Any,
) -> AssistantMessage:
    """Return what `model` says next.

    Args:
        model: A name such as `openai/gpt-4.1`, `hosted_vllm/my-model` or `scripted/echo`; see
            docs/models.md.
        messages: The conversation so far.
        tools: What the model may call.
        tool_choice: "auto" (the default with tools), "required", "none" or a tool's name.
        call_name: What the call is for; for logs and middleware.
        completion_fn: Called in place of a backend: litellm's signature, sync or async.
        **llm_args: Sampling parameters, and api_base, api_key, timeout, num_retries,
            keep_reasoning and others.

    Raises:
        ModelError: the model does not answer, or refuses the request.
        ConfigError: the call cannot be made as configured.
    """
    call = _Arguments(model, messages, tools, tool_choice, call_name, completion_fn, llm_args)
    stand_in = patched("tau2.utils.llm_utils", "generate")
    if stand_in is not None:
        result: AssistantMessage = call_sync(stand_in, call.as_public())
        return result
    return call.run()


async def acomplete(
    model: str,
    messages: Sequence[Message],
    *,
    tools: Sequence[Tool] | None = None,
    tool_choice: str | None = None,
    call_name: str | None = None,
    completion_fn: CompletionFn | None = None,
    **llm_args: Any,
) -> AssistantMessage:
    """Do what `complete` does without blocking the event loop."""
    call = _Arguments(model, messages, tools, tool_choice, call_name, completion_fn, llm_args)
    stand_in = patched("tau2.utils.llm_utils", "generate")
    if stand_in is not None:
        result: AssistantMessage = await call_async(stand_in, call.as_public())
        return result
    return await call.arun()


def complete_unpatched(
    model: str,
    messages: Sequence[Message],
    *,
    tools: Sequence[Tool | JsonObject] | None = None,
    tool_choice: str | None = None,
    call_name: str | None = None,
    completion_fn: CompletionFn | None = None,
    **llm_args: Any,
) -> AssistantMessage:
    """Do what `complete` does, but never through a replaced `generate`, which may call this."""
    return _Arguments(model, messages, tools, tool_choice, call_name, completion_fn, llm_args).run()


def public_arguments(arguments: JsonMapping) -> JsonObject:
    """Return arguments of `complete` as the original `generate` takes them.

    Rare ones, which a replacement may not know, are there only when they say something.
    """
    rare = ("tool_choice", "completion_fn")
    return {
        name: value for name, value in arguments.items() if name not in rare or value is not None
    }


@dataclass(frozen=True, slots=True)
class _Arguments:
    """The arguments of `complete`."""

    model: str
    messages: Sequence[Message]
    tools: Sequence[Tool | JsonObject] | None
    tool_choice: str | None
    call_name: str | None
    completion_fn: CompletionFn | None
    llm_args: JsonMapping

    def as_public(self) -> JsonObject:
        """Return the keyword arguments of the original `generate`."""
        named = {
            "model": self.model,
            "messages": list(self.messages),
            "tools": self.tools,
            "tool_choice": self.tool_choice,
            "call_name": self.call_name,
            "completion_fn": self.completion_fn,
        }
        return public_arguments(named | dict(self.llm_args))

    def run(self) -> AssistantMessage:
        started = clock.get().now()
        call = self._model_call()
        return _message(drive(run_call(call), call.sender), call, started)

    async def arun(self) -> AssistantMessage:
        started = clock.get().now()
        call = self._model_call()
        return _message(await adrive(run_call(call), call.sender), call, started)

    def _model_call(self) -> ModelCall:
        if not self.messages:
            raise ConfigError(
                f"model {self.model!r} was asked without any message; give at least one"
            )
        options, args = split_args(self.llm_args)
        fn = self.completion_fn or patched("tau2.utils.llm_utils", "completion")
        sender = sender_of(fn) if fn is not None else backend_for(self.model, args).sender()
        origin = f"{sender.name}:{self.model}"

        def wired() -> list[JsonObject]:
            returned = RETURNED_FIELDS.of(self.model, args, keep_reasoning=options.keep_reasoning)
            return to_wire(self.messages, origin=origin, returned=returned)

        if sender.own_args and options.timeout is not None:
            args["timeout"] = options.timeout
        request = Request(
            model=self.model,
            messages=wired(),
            tools=tools_to_wire(self.tools),
            tool_choice=choice_to_wire(self.tool_choice),
            args=args,
            timeout=attempt_timeout(options, own_args=sender.own_args),
            call_name=self.call_name,
            is_stateful=sender.is_stateful,
        )
        return ModelCall(
            request,
            sender,
            options.num_retries,
            origin,
            wired,
            text_tool_calls=options.text_tool_calls,
        )


def _message(result: CallResult, call: ModelCall, started: float) -> AssistantMessage:
    completion = result.completion
    request = call.request
    for tool_call in completion.tool_calls:
        tool_call.provider_data = with_origin(tool_call.provider_data, call.origin)
    raw = dict(result.responses[-1])
    if completion.malformed:
        raw["malformed_tool_calls"] = completion.malformed
    if completion.finish_reason is not None:
        raw[CUT_SHORT_KEY] = completion.finish_reason
    if len(result.responses) > 1:
        raw["empty_answers"] = len(result.responses) - 1
    return AssistantMessage(
        content=completion.content,
        tool_calls=completion.tool_calls or None,
        reasoning_content=completion.reasoning,
        cost=sum_known(
            cost_of(request.model, request.args, response) for response in result.responses
        ),
        usage=_usage(result.responses, completion.malformed),
        raw_data=raw,
        provider_data=with_origin(completion.provider_data, call.origin),
        generation_time_seconds=clock.get().now() - started,
    )


def _usage(responses: Sequence[Response], malformed: int) -> dict[str, int] | None:
    """Return the tokens of all responses, which were all paid for; None when no response says."""
    counted = [tokens_of(response) for response in responses]
    if all(counts == (None, None) for counts in counted):
        return None
    usage = {
        "prompt_tokens": sum(prompt or 0 for prompt, _ in counted),
        "completion_tokens": sum(completion or 0 for _, completion in counted),
    }
    details = [token_details_of(response) for response in responses]
    for name in dict.fromkeys(name for counts in details for name in counts):
        usage[name] = sum(counts.get(name, 0) for counts in details)
    if malformed:
        usage["malformed_tool_calls"] = malformed
    return usage
