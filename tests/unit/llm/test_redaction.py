"""What servers and models say of a run's own secrets is hidden before anybody hears it."""

from __future__ import annotations

import pytest
from tests.stub import StubServer, failing

from tau2.data_model.message import UserMessage
from tau2.errors import ModelRefused
from tau2.llm import complete, use_middleware
from tau2.llm.middleware.redaction import RedactionMiddleware
from tau2.llm.secrets import Redactor, secrets_in_environment

OWN, OTHERS = "Zq81-our-own-secret-92", "sk-that-is-part-of-the-task"


def asked(reply, redactor: Redactor):
    with use_middleware(RedactionMiddleware(redactor).middleware), StubServer(reply) as stub:
        asking = [UserMessage(content="What do you know?")]
        return complete(
            "openai/any", asking, api_base=stub.base_url, api_key="of-the-caller", num_retries=0
        )


def test_own_secrets_are_hidden_in_words_and_arguments_and_nothing_else_is():
    said = asked(f"It is {OWN}, or {OTHERS}.", Redactor([OWN]))
    assert said.content == f"It is [redacted], or {OTHERS}."
    called = asked({"name": "note", "arguments": {"text": OWN, OWN: 1}}, Redactor([OWN]))
    assert called.tool_calls[0].arguments == {"text": "[redacted]", "[redacted]": 1}
    assert OWN not in called.model_dump_json()


def test_own_secrets_are_hidden_in_errors():
    with pytest.raises(ModelRefused) as caught:
        asked(failing(400, f"bad key {OWN}"), Redactor([OWN]))
    assert OWN not in str(caught.value)
    assert OWN not in repr(caught.value.__cause__)


def test_short_keys_are_left_alone_because_conversations_need_such_words():
    assert (
        asked("Order 1234567 is paid.", Redactor(["1234567"])).content == "Order 1234567 is paid."
    )


@pytest.mark.parametrize("name", ["PGPASSWORD", "DB_PASSWORD", "OPENAI_API_KEY", "MY_AUTH"])
def test_variables_that_hold_secrets_are_known_by_name(name):
    assert secrets_in_environment({name: OWN}) == {OWN}
