"""What every model backend owes."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from tau2.data_model.message import AssistantMessage, Message, SystemMessage, UserMessage
from tau2.errors import Tau2Error
from tau2.llm.call import acomplete, complete
from tau2.llm.request import Backend
from tau2.llm.routing import ENTRY_POINTS, backend_for, check_model
from tau2.registry import registry
from tau2.utils.json_types import JsonMapping

_DOMAIN = "mock"


class BackendSuite:
    """The checks of a backend; a subclass names its `spec`, and a model that answers in tests.

    A backend of a server is tested with a server of the test, which `llm_args` lead to.
    """

    spec: ClassVar[Backend]
    model: ClassVar[str]
    """A name such as `echo/any`."""
    llm_args: ClassVar[JsonMapping] = {}

    def test_it_is_installed_under_its_name(self) -> None:
        try:
            found = backend_for(self.model, self.llm_args)
        except Tau2Error as problem:
            raise AssertionError(str(problem)) from problem
        assert found.name == self.spec.name, (
            f"{self.model!r} goes to the backend {found.name!r}: the package names "
            f"`{self.spec.name}` below [project.entry-points.{ENTRY_POINTS!r}], and is installed"
        )

    def test_it_finds_nothing_wrong_before_a_run(self) -> None:
        check_model(self.model, self.llm_args)

    def test_it_answers(self) -> None:
        answer = self._asked()
        assert isinstance(answer, AssistantMessage)
        assert answer.content or answer.tool_calls
        answer.validate()

    def test_it_answers_sync_and_async_alike(self) -> None:
        now = self._asked()
        later = asyncio.run(acomplete(self.model, _MESSAGES, **self.llm_args))
        assert now.content == later.content
        assert [call.name for call in now.calls] == [call.name for call in later.calls]
        assert now.usage == later.usage

    def test_it_counts_tokens(self) -> None:
        usage = self._asked().usage
        assert usage, "the response has no `usage`"
        assert usage["prompt_tokens"] > 0
        assert usage["completion_tokens"] > 0

    def test_it_takes_tools_and_a_conversation(self) -> None:
        tools = registry.get_env_constructor(_DOMAIN)().get_tools()
        messages: list[Message] = [
            *_MESSAGES,
            AssistantMessage(content="Which one?"),
            UserMessage(content="The first."),
        ]
        answer = complete(self.model, messages, tools=tools, **self.llm_args)
        answer.validate()
        ids = [call.id for call in answer.calls]
        assert len(ids) == len(set(ids)), "two tool calls have the same id"

    def _asked(self) -> AssistantMessage:
        return complete(self.model, _MESSAGES, **self.llm_args)


_MESSAGES: list[Message] = [
    SystemMessage(content="You work at a counter."),
    UserMessage(content="Good morning!"),
]
