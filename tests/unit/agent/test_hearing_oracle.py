"""The oracle with ears: it uses what it hears, and asks until it has heard something."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tau2.agent.oracle_agent import HearingOracle, create_hearing_oracle
from tau2.agent.oracle_agent.voting import voted
from tau2.data_model.message import AssistantMessage, ToolMessage, UserMessage
from tau2.data_model.run_config import TextRunConfig
from tau2.data_model.tasks import Task
from tau2.errors import AgentError
from tau2.registry import registry
from tau2.runner.build import build_text_orchestrator
from tau2.runner.simulation import run_simulation
from tau2.voice.speech.spoken import spoken

Garble = Callable[[str], str]
TASK = "serial_number_hard_1"


def task_of(domain: str, task_id: str) -> Task:
    return registry.get_tasks_loader(domain)(task_ids=[task_id])[0]


class Call:
    """One task, played in text; what the agent hears goes through a line."""

    def __init__(self, domain: str, task_id: str, line: Garble = lambda text: text) -> None:
        config = TextRunConfig(domain=domain, agent="hearing_oracle", user="scripted_user")
        self.episode = build_text_orchestrator(config, task_of(domain, task_id), seed=3)
        agent: Any = self.episode.agent
        hear = agent.generate_next_message

        def over_the_line(message: Any, state: Any) -> Any:
            if (
                isinstance(message, UserMessage)
                and message.content
                and "###" not in message.content
            ):
                message = message.model_copy(update={"content": line(message.content)})
            return hear(message, state)

        agent.generate_next_message = over_the_line
        self.run = run_simulation(self.episode)

    @property
    def reward(self) -> float:
        assert self.run.reward_info is not None
        return self.run.reward_info.reward

    def said(self, kind: type) -> list[str]:
        messages = self.run.messages or []
        return [m.content for m in messages if isinstance(m, kind) and m.content]

    def submitted(self) -> list[str]:
        calls = [
            c for m in self.run.messages or [] if isinstance(m, AssistantMessage) for c in m.calls
        ]
        return [
            value
            for call in calls
            if call.name == "submit_fields"
            for value in call.arguments["fields"].values()
        ]


def value_of(task_id: str) -> str:
    return str(
        next(iter(task_of("intake", task_id).reference_actions[-1].arguments["fields"].values()))
    )


def as_recognized(text: str) -> str:
    """Return a message as a recognizer of small letters and no punctuation writes it."""
    return re.sub(r"[^\w\s@']", "", spoken(text)).lower()


@pytest.mark.parametrize(
    "task_id",
    [
        "name_easy_1",
        "email_hard_1",
        "street_easy_4",
        "customer_id_hard_2",
        "purchase_date_hard_3",
        "phone_hard_4",
        "zip_hard_5",
        "amount_hard_6",
        "serial_number_hard_7",
        "license_plate_hard_8",
    ],
)
def test_what_is_recognized_exactly_earns_everything(task_id):
    assert Call("intake", task_id, as_recognized).reward == 1


def test_what_is_misheard_is_read_back_corrected_and_then_right():
    value = value_of(TASK)
    wrong = value[:-1] + ("1" if value[-1] != "1" else "2")
    heard: list[str] = []

    def once_wrong(text: str) -> str:
        if value not in text or heard:
            return text
        heard.append(text)
        return text.replace(value, wrong)

    call = Call("intake", TASK, once_wrong)
    assert call.submitted() == [value]
    assert call.reward == 1
    assert any(wrong in text for text in call.said(AssistantMessage))
    corrected = [text for text in call.said(UserMessage) if f"it is {value}" in text]
    assert len(corrected) == 1
    assert value in corrected[0]


def test_what_stays_misheard_is_submitted_as_it_was_heard_and_earns_nothing():
    value = value_of(TASK)
    wrong = value[:-1] + ("1" if value[-1] != "1" else "2")

    def always_wrong(text: str) -> str:
        return "it is " + wrong if value in text else text

    call = Call("intake", TASK, always_wrong)
    assert call.submitted() == [wrong]
    assert call.reward == 0


def test_what_is_never_heard_is_asked_for_spelled_and_given_up():
    value = value_of(TASK)
    call = Call("intake", TASK, lambda text: "crackle" if value in text else text)
    questions = [text for text in call.said(AssistantMessage) if "serial number" in text]
    assert len(questions) == 4
    assert "spell" in questions[-1]
    assert call.submitted() == []
    assert call.reward == 0


def test_a_look_up_that_fails_is_tried_again_with_what_is_told_anew():
    seen: list[str] = []

    def first_wrong(text: str) -> str:
        if "@" not in text or seen:
            return text
        seen.append(text)
        return text.replace("@example", "@exampel")

    task_id = next(
        task.id
        for task in registry.get_tasks_loader("retail")()
        if task.reference_actions[0].name == "find_user_id_by_email"
        and "+" not in str(task.description and task.description.purpose)
    )
    call = Call("retail", task_id, first_wrong)
    mails = [
        c.arguments["email"]
        for m in call.run.messages or []
        if isinstance(m, AssistantMessage)
        for c in m.calls
        if c.name == "find_user_id_by_email"
    ]
    assert seen
    assert len(mails) == 2
    assert mails[0] != mails[1]
    assert call.reward == 1


def test_nothing_is_done_for_a_customer_who_is_not_found():
    task_id = next(
        task.id
        for task in registry.get_tasks_loader("retail")()
        if task.reference_actions[0].name == "find_user_id_by_email"
    )

    def always_wrong(text: str) -> str:
        mail = re.search(r"[\w.]+@[\w.]+", text)
        return mail[0].replace("@example", "@exampel") if mail else text

    call = Call("retail", task_id, always_wrong)
    called = [
        c.name for m in call.run.messages or [] if isinstance(m, AssistantMessage) for c in m.calls
    ]
    assert set(called) == {"find_user_id_by_email"}
    assert call.reward == 0


def test_a_customer_spells_in_letters_and_then_with_words_for_them():
    value = value_of(TASK)
    call = Call("intake", TASK, lambda text: "crackle" if value in text else text)
    told = [text for text in call.said(UserMessage) if value in text]
    assert [" as in " in text for text in told] == [False, False, False, True]


def test_what_a_tool_has_shown_is_known_exactly():
    oracle = HearingOracle(
        registry.get_env_constructor("retail")().get_tools(), "", task_of("retail", "0")
    )
    state = oracle.get_init_state()
    order = next(
        a.arguments["order_id"] for a in oracle.task.reference_actions if "order_id" in a.arguments
    )
    shown = ToolMessage(
        id="1", role="tool", requestor="assistant", content=f'{{"orders": ["{order}"]}}'
    )
    step = next(step for step in oracle.plan if step.arguments.get("order_id") == order)
    reply, after = oracle.generate_next_message(shown, state)
    assert reply.content or reply.tool_calls
    assert oracle._step(oracle.plan.index(step), after).arguments["order_id"] == order


def test_without_a_task_there_is_no_oracle():
    with pytest.raises(AgentError, match="hearing_oracle"):
        create_hearing_oracle([], "")


@pytest.mark.parametrize("domain", ["mock", "intake"])
def test_in_text_it_earns_what_the_oracle_earns(domain):
    tasks = registry.get_tasks_loader(domain)()
    for task in tasks[:: max(1, len(tasks) // 20)]:
        assert Call(domain, task.id).reward == 1, task.id


@pytest.mark.parametrize(
    ("hearings", "value"),
    [
        (["ST900TE700", "SN800TE700", "SN900TE704"], "SN900TE700"),
        (["anna", "ana", "anna"], "anna"),
        (["X1", "Y1"], "X1"),
        (["ab", "acb", "acb"], "acb"),
        (["one"], "one"),
    ],
)
def test_hearings_that_are_wrong_in_different_places_are_right_together(hearings, value):
    assert voted(hearings) == value


def test_what_was_refused_is_not_proposed_again():
    value = value_of(TASK)
    places = iter([0, 3, 5, 0, 3, 5, 0, 3])

    def wrong_somewhere(text: str) -> str:
        if value not in text:
            return text
        at = next(places)
        other = "1" if value[at] != "1" else "2"
        return f"no, it is {value[:at]}{other}{value[at + 1 :]}"

    call = Call("intake", TASK, wrong_somewhere)
    assert call.submitted() == [value]
    assert call.reward == 1
