"""A part of a model's reply."""

from __future__ import annotations

from act_prm.llm_handlers import ActionFromLLM


def test_what_is_not_said_is_absent():
    action = ActionFromLLM(role="assistant", type="message", text="Hello")
    assert (action.call_id, action.name, action.arguments) == (None, None, None)
    assert not action.is_call


def test_a_call_is_a_call_even_when_it_cannot_be_read():
    kinds = ("function_call", "unreadable_call")
    assert all(ActionFromLLM(role="assistant", type=kind).is_call for kind in kinds)


def test_it_survives_a_file():
    action = ActionFromLLM(
        role="assistant", type="function_call", name="a", arguments={"b": [1]}, call_id="call_0"
    )
    assert ActionFromLLM.model_validate_json(action.model_dump_json()) == action
