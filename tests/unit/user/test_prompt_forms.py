"""The two prompts of a model-driven user, and which model is given which."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests import shop
from tests.unit.agent.test_llm_agent import Model

from tau2.data_model.message import UserMessage
from tau2.data_model.simulation import TextRunConfig
from tau2.runner.tasks import get_info
from tau2.user.user_simulator import UserSimulator
from tau2.user.user_simulator.forms import FIRST_TURN, REMINDER, form_of, own_line, sizes_in

GREETING = "Hi! How can I help you today?"
STORY = "You want to cancel your order #W1."


def user(model: Model, form: Any = "auto", llm: str = "any/model", **options: Any) -> UserSimulator:
    return UserSimulator(
        llm=llm, instructions=STORY, completion_fn=model, prompt_form=form, **options
    )


def talk(who: UserSimulator, *said: Any) -> list[UserMessage]:
    state = who.get_init_state()
    return [who.generate_next_message(message, state)[0] for message in said]


def asked(model: Model, call: int) -> list[tuple[str, str]]:
    return [(m["role"], m.get("content") or "") for m in model.asked[call]["messages"]]


@pytest.mark.parametrize(
    ("model", "form"),
    [
        ("openai/gpt-4.1", "full"),
        ("openai/gpt-4.1-mini", "full"),
        ("anthropic/claude-sonnet-4-5", "full"),
        ("local/qwen2.5-1.5b-instruct-q4_k_m", "short"),
        ("ollama/qwen2.5:7b", "short"),
        ("hf/SmolLM2-360M-Instruct", "short"),
        ("meta-llama/Llama-3.3-70B-Instruct", "full"),
        ("mistralai/Mixtral-8x7B-Instruct", "full"),
        ("qwen/qwen3-30b-a3b", "full"),
        ("openai/gpt-oss-120b", "full"),
        ("somebody/abc-2b9-model", "full"),
        ("", "full"),
    ],
)
def test_the_size_in_a_models_name_chooses_the_form(model: str, form: str) -> None:
    assert form_of(model) == form
    assert form_of(model, "short") == "short"
    assert form_of(model, "full") == "full"


def test_sizes_are_read_in_billions() -> None:
    assert sizes_in("hf/smollm2-360m") == [0.36]
    assert sizes_in("x/mixtral-8x7b") == [56.0]


@pytest.mark.parametrize("form", ["full", "short"])
def test_the_greeting_never_stands_in_the_users_role(form: str) -> None:
    model = Model("I want to cancel", "Yes", "Thanks ###STOP###")
    talk(user(model, form), *map(shop.says, (GREETING, "Shall I?", "Done.")))
    for call in range(3):
        for role, content in asked(model, call):
            assert not (role == "user" and content.strip() == GREETING)
        assert any(GREETING in content for _, content in asked(model, call))


def test_the_full_form_has_an_example_a_length_and_a_last_line() -> None:
    model = Model("I want to cancel", "Yes")
    talk(user(model, "full"), shop.says(GREETING), shop.says("Shall I?"))
    system = asked(model, 1)[0][1]
    assert "An example" in system
    assert "60 words" in system
    assert system.splitlines()[-1] == REMINDER
    assert GREETING in system
    assert asked(model, 1)[1:] == [
        ("user", FIRST_TURN),
        ("assistant", "I want to cancel"),
        ("user", "Shall I?"),
    ]


def test_the_short_form_is_one_transcript() -> None:
    model = Model("I want to cancel", "Yes")
    talk(user(model, "short"), shop.says(GREETING), shop.says("Shall I?"))
    (system_role, system), (role, text) = asked(model, 1)
    assert (system_role, role) == ("system", "user")
    assert STORY in system
    assert len(system) < 2_000
    lines = text.splitlines()
    assert lines[-1] == "Customer:"
    assert lines[-4:-1] == [f"Agent: {GREETING}", "Customer: I want to cancel", "Agent: Shall I?"]


def test_the_short_form_tells_what_the_device_showed() -> None:
    model = Model(["check_status_bar"], "It says no signal")
    who = user(model, "short", tools=shop.phone())
    state = who.get_init_state()
    who.generate_next_message(shop.says("What do you see?"), state)
    result = shop.result("No signal", "c0", requestor="user")
    asyncio.run(who.agenerate_next_message(result, state))
    text = asked(model, 1)[-1][1]
    assert "(The customer uses check_status_bar())" in text
    assert "(The customer's device shows: No signal)" in text


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Customer: I want to cancel.", "I want to cancel."),
        ("**Customer:** Yes.\nAgent: Done!\nCustomer: Thanks", "Yes."),
        ("Yes, please.", "Yes, please."),
        ("It has two parts:\nfirst, this", "It has two parts:\nfirst, this"),
    ],
)
def test_labels_and_further_lines_of_a_small_model_are_left_out(written: str, said: str) -> None:
    assert own_line(written) == said
    assert talk(user(Model(written), "short"), shop.says(GREETING))[0].content == said
    assert talk(user(Model(written), "full"), shop.says(GREETING))[0].content == written


def test_an_objection_is_told_once() -> None:
    for form in ("full", "short"):
        model = Model("Sure, I can help.", "I want to cancel", "Yes")
        who = user(model, form)
        state = who.get_init_state()
        _, state = who.generate_next_message(shop.says(GREETING), state)
        state = who.take_back(state, 0, "it speaks as the agent")
        assert state.messages == []
        _, state = who.generate_next_message(shop.says(GREETING), state)
        who.generate_next_message(shop.says("Shall I?"), state)
        told = ["it speaks as the agent" in str(model.asked[call]) for call in range(3)]
        assert told == [False, True, False], form


def test_the_form_is_in_the_record_of_a_run() -> None:
    small = {"domain": "mock", "llm_user": "local/tiny-1b"}
    assert get_info(TextRunConfig(**small)).user_info.prompt_form == "short"
    full = TextRunConfig(**small, user_prompt="full")
    assert get_info(full).user_info.prompt_form == "full"
    scripted = TextRunConfig(**small, user="scripted_user")
    assert get_info(scripted).user_info.prompt_form is None
