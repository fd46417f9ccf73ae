"""An oracle with real agents' manners: it goes on only when it is answered."""

from __future__ import annotations

import json

import pytest
from tests import shop

from tau2.agent.oracle_agent import ParaphrasingOracle, create_paraphrasing_oracle
from tau2.agent.oracle_agent.manners import Manner
from tau2.agent.oracle_agent.paraphrasing import ParaphrasingOracle as Oracle
from tau2.data_model.message import AssistantMessage, UserMessage
from tau2.data_model.tasks import Task
from tau2.errors import AgentError

LOOK = shop.act("find_user_id_by_name_zip", first_name="Ada", last_name="Quill", zip="12345")
CANCEL = shop.act("cancel_order", order_id="#S100")


def oracle(seed: int = 0, *actions: object) -> ParaphrasingOracle:
    return create_paraphrasing_oracle([], "Be kind.", shop.task(*(actions or (CANCEL,))), seed=seed)


def talk(agent: Oracle, *said: str) -> list[AssistantMessage]:
    state = agent.get_init_state([])
    answers = []
    for text in said:
        answer, state = agent.generate_next_message(UserMessage(content=text), state)
        answers.append(answer)
    return answers


def changes(answers: list[AssistantMessage]) -> list[str]:
    return [call.name for answer in answers for call in answer.tool_calls or ()]


def test_a_change_waits_for_a_clear_yes() -> None:
    assert changes(talk(oracle(), "Cancel #S100 please.", "Hm, let me think.", "Yes.")) == [
        "cancel_order"
    ]


@pytest.mark.parametrize("answer", ["No, not that one.", "Wait, it is another order.", "Hm.", ""])
def test_without_a_yes_nothing_is_changed(answer: str) -> None:
    answers = talk(oracle(), "Cancel it.", answer, answer, answer, answer)
    assert changes(answers) == []
    assert "Nothing was changed" in " ".join(one.content or "" for one in answers)


def test_nobody_is_looked_up_who_does_not_say_who_it_is() -> None:
    silent = talk(oracle(0, LOOK, CANCEL), *["I want to cancel my order."] * 6)
    assert changes(silent) == []
    told = talk(oracle(0, LOOK, CANCEL), "Hello.", "Ada Quill, 12345.")
    assert changes(told) == ["find_user_id_by_name_zip"]


def test_consent_is_asked_at_once_or_change_by_change() -> None:
    further = shop.act("send_receipt", order_id="#S100")
    single = {agent.writer.one_by_one for agent in (oracle(seed) for seed in range(20))}
    assert single == {True, False}
    agent = next(a for a in (oracle(s, CANCEL, further) for s in range(20)) if a.writer.one_by_one)
    proposal = talk(agent, "Cancel #S100 and send a receipt.")[0].content or ""
    assert "ancel" in proposal
    assert "receipt" not in proposal


def test_the_seed_decides_the_manner_and_the_words() -> None:
    said = {seed: talk(oracle(seed), "Cancel #S100.")[0].content for seed in range(30)}
    assert said == {seed: talk(oracle(seed), "Cancel #S100.")[0].content for seed in range(30)}
    assert len(set(said.values())) > 20
    assert {oracle(seed).writer.manner for seed in range(60)} == set(Manner)


def test_a_message_in_json_is_json() -> None:
    agent = next(a for a in map(oracle, range(60)) if a.writer.manner is Manner.JSON)
    [answer] = talk(agent, "Cancel #S100.")
    assert list(json.loads(answer.content or "")) == ["message"]


def test_it_needs_a_task() -> None:
    with pytest.raises(AgentError, match="paraphrasing_oracle"):
        create_paraphrasing_oracle([], "")


def test_what_has_to_be_communicated_stands_word_for_word() -> None:
    task = shop.task(CANCEL)
    assert task.evaluation_criteria is not None
    criteria = task.evaluation_criteria.model_copy(update={"communicate_info": ['12.50 "net"']})
    task = Task.model_validate({**task.model_dump(), "evaluation_criteria": criteria.model_dump()})
    for seed in range(30):
        agent = create_paraphrasing_oracle([], "", task, seed=seed)
        text = agent.writer.close('The sum is 12.50 "net".')
        assert '12.50 "net"' in text
