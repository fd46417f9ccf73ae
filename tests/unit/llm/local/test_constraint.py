"""What a local model may write: only calls that validate, of tools that may be called now."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import pytest
from tests.unit.llm.local.gbnf_sampler import Gbnf

from tau2.actions.plain_chat import call_text
from tau2.data_model.message import ToolCall
from tau2.environment.environment import Environment
from tau2.environment.tool import Tool
from tau2.llm.local.constraint import Constraint, ConstraintOptions, constraint
from tau2.llm.local.offered import Effect, effect_of
from tau2.registry import registry

DOMAINS = ("mock", "retail", "airline", "telecom")
FREE = ConstraintOptions(follows_conversation=False)


def environment(domain: str) -> Environment:
    return registry.get_env_constructor(domain)()


def toolset(domain: str) -> dict[str, Tool]:
    """Return all tools of a domain, the customer's too."""
    made = environment(domain)
    user_tools = made.get_user_tools() if made.user_tools is not None else []
    return {tool.name: tool for tool in [*made.get_tools(), *user_tools]}


def written_call(message: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    [call] = message["tool_calls"]
    return call["function"]["name"], json.loads(call["function"]["arguments"])


@pytest.mark.parametrize("domain", DOMAINS)
def test_whatever_is_written_validates(domain: str) -> None:
    tools = toolset(domain)
    made = constraint([], [tool.openai_schema for tool in tools.values()], options=FREE)
    assert set(made.tools) == set(tools)
    grammar = Gbnf(made.grammar)
    rng = random.Random(domain)
    names = set()
    for _ in range(400):
        text = grammar.sample(rng)
        message = made.read(text)
        if message["content"]:
            assert "tool_calls" not in message
            assert "<" not in message["content"]
            continue
        name, arguments = written_call(message)
        names.add(name)
        assert tools[name].coerce(arguments).keys() == arguments.keys()
        assert len(text) < 6_000
    assert len(names) > len(tools) / 2


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_reference_call_is_admitted_once_its_ids_were_looked_up(domain: str) -> None:
    """The rules keep no agent from solving a task that reads before it writes."""
    made = environment(domain)
    tools = [tool.openai_schema for tool in made.get_tools()]
    for task in registry.get_tasks_loader(domain)()[:8]:
        chat = Chat(tools, system="You help customers.")
        actions = [
            action
            for action in (task.evaluation_criteria.actions if task.evaluation_criteria else [])
            if action.requestor == "assistant" and not action.name.startswith("transfer")
        ]
        if task.initial_state is not None or not actions:
            continue
        env = environment(domain)
        for action in actions:
            chat.user(" ".join(map(str, flat_values(action.arguments))))
            if effect_of(action.name) is not Effect.CHANGE:
                chat.call(action.name, action.arguments, env)
                continue
            chat.look_up_all(env, flat_values(action.arguments))
            chat.look_up_all(env, chat.customers)
            chat.user("Yes.")
            wrote = Gbnf(chat.constraint().grammar).admits(
                call_text_of(action.name, action.arguments)
            )
            assert wrote, (task.id, action.name, action.arguments)
            chat.call(action.name, action.arguments, env)


def flat_values(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [one for inner in value.values() for one in flat_values(inner)]
    if isinstance(value, list):
        return [one for inner in value for one in flat_values(inner)]
    return [value]


def call_text_of(name: str, arguments: dict[str, Any]) -> str:
    return call_text({"name": name, "arguments": arguments})


class Chat:
    """A conversation in the making."""

    def __init__(self, tools: list[dict[str, Any]], system: str = "") -> None:
        self.tools = tools
        self.messages: list[dict[str, Any]] = [{"role": "system", "content": system}]

    def user(self, text: str) -> None:
        self.messages.append({"role": "user", "content": text})

    def result(self, name: str, arguments: dict[str, Any], result: str) -> None:
        """Add a call with its result."""
        id_ = f"c{len(self.messages)}"
        function = {"name": name, "arguments": json.dumps(arguments)}
        call = {"id": id_, "type": "function", "function": function}
        self.messages += [
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": id_, "content": result},
        ]

    def call(self, name: str, arguments: dict[str, Any], env: Environment) -> None:
        made = ToolCall(id="x", name=name, arguments=arguments)
        self.result(name, arguments, str(env.get_response(made).content))

    def look_up_all(self, env: Environment, values: list[Any]) -> None:
        """Look up whatever has one of these values for its id."""
        functions = [tool["function"] for tool in self.tools]
        readers = {one["name"]: one["parameters"].get("required", []) for one in functions}
        for name, required in readers.items():
            if name.startswith("get_") and len(required) == 1:
                for value in values:
                    self.call(name, {required[0]: value}, env)

    @property
    def customers(self) -> list[str]:
        """The ids of customers in results."""
        results = [one["content"] for one in self.messages if one["role"] == "tool"]
        return sorted({one for text in results for one in re.findall(r'"user_id": "(\w+)"', text)})

    def constraint(self, **given: Any) -> Constraint:
        return constraint(self.messages, self.tools, **given)

    @property
    def offered(self) -> set[str]:
        return set(self.constraint().tools)

    def admits(self, name: str, **arguments: Any) -> bool:
        return Gbnf(self.constraint().grammar).admits(call_text_of(name, arguments))


def retail() -> Chat:
    return Chat([tool.openai_schema for tool in environment("retail").get_tools()])


PROFILE = json.dumps(
    {
        "user_id": "ana_gray_1234",
        "name": {"first_name": "Ana", "last_name": "Gray"},
        "address": {"zip": "12345"},
        "payment_methods": {"gift_card_7": {"source": "gift_card", "id": "gift_card_7"}},
        "orders": ["#W0000001", "#W0000002"],
    }
)
ORDER = json.dumps(
    {"order_id": "#W0000001", "user_id": "ana_gray_1234", "items": [{"item_id": "1111111111"}]}
)


def test_a_tool_is_offered_once_its_ids_were_seen() -> None:
    chat = retail()
    chat.user("Hello, I want to cancel an order.")
    assert chat.offered == set(), "a list of all products says nothing of the customer"
    chat.user("My email is ana@example.com, the order is W0000001.")
    assert {"find_user_id_by_email", "get_order_details"} <= chat.offered
    assert chat.admits("find_user_id_by_email", email="ana@example.com")
    assert not chat.admits("find_user_id_by_email", email="anna@example.com")
    assert chat.admits("get_order_details", order_id="#W0000001")
    assert "get_user_details" not in chat.offered
    chat.result("find_user_id_by_email", {"email": "ana@example.com"}, "ana_gray_1234")
    assert chat.admits("get_user_details", user_id="ana_gray_1234")


def test_the_number_of_a_house_is_no_order() -> None:
    chat = retail()
    chat.user("Send it to 2515 Kestrel Drive. The order is 0000001.")
    assert not chat.admits("get_order_details", order_id="#W2515")
    assert chat.admits("get_order_details", order_id="#W0000001")


def test_a_record_is_changed_after_it_was_looked_up() -> None:
    chat = retail()
    chat.user("I am ana_gray_1234, cancel #W0000001, I ordered it by mistake.")
    cancel = {"order_id": "#W0000001", "reason": "ordered by mistake"}
    assert not chat.admits("cancel_pending_order", **cancel)
    chat.result("get_user_details", {"user_id": "ana_gray_1234"}, PROFILE)
    assert not chat.admits("cancel_pending_order", **cancel), "it is only listed"
    assert chat.admits("get_order_details", order_id="#W0000002")
    chat.result("get_order_details", {"order_id": "#W0000001"}, ORDER)
    assert chat.admits("cancel_pending_order", **cancel)
    assert not chat.admits("cancel_pending_order", **{**cancel, "order_id": "#W0000002"})
    payment = {"order_id": "#W0000001", "payment_method_id": "gift_card_7"}
    assert chat.admits("modify_pending_order_payment", **payment)


def test_an_id_in_an_error_was_not_seen() -> None:
    chat = retail()
    chat.user("I am Ana.")
    chat.result("get_user_details", {"user_id": "x"}, "Error: there is no user ana_gray_9999")
    assert "get_user_details" not in chat.offered


def test_handing_over_comes_after_a_look_up() -> None:
    chat = retail()
    chat.user("I am ana@example.com. Get me a person!")
    assert not {"transfer_to_human_agents", "calculate"} & chat.offered
    chat.result("find_user_id_by_email", {"email": "ana@example.com"}, "Error: User not found")
    assert {"transfer_to_human_agents", "calculate"} <= chat.offered
    patient = retail()
    for _ in range(6):
        patient.user("Get me a person!")
    assert "transfer_to_human_agents" in patient.offered


def test_no_call_is_made_again_before_something_happened() -> None:
    chat = retail()
    chat.user("I am ana_gray_1234.")
    assert chat.admits("get_user_details", user_id="ana_gray_1234")
    chat.result("get_user_details", {"user_id": "ana_gray_1234"}, PROFILE)
    assert "get_user_details" not in chat.offered, "there is no other id"
    chat.result("get_order_details", {"order_id": "#W0000001"}, ORDER)
    assert not chat.admits("get_order_details", order_id="#W0000001")
    assert chat.admits("get_order_details", order_id="#W0000002")
    chat.result("list_all_product_types", {}, "{}")
    assert "list_all_product_types" not in chat.offered
    chat.user("I have changed my mind.")
    assert chat.admits("get_user_details", user_id="ana_gray_1234")


def test_a_text_that_was_given_before_is_not_given_again() -> None:
    tool = {
        "name": "set_title",
        "parameters": {"properties": {"title": {"type": "string"}}, "required": ["title"]},
    }
    chat = Chat([tool])
    chat.user("Call it Tea.")
    chat.result("set_title", {"title": "Tea"}, "Error: busy")
    for title in ("T", "Te", "Teas", "tea", "Tea and cake", "Coffee"):
        assert chat.admits("set_title", title=title), title
    assert not chat.admits("set_title", title="Tea")


def test_after_many_calls_the_customer_is_spoken_to() -> None:
    chat = retail()
    chat.user("I am ana_gray_1234.")
    for number in range(12):
        chat.result("get_order_details", {"order_id": f"#W{number}"}, ORDER)
    assert chat.offered == set()
    assert Gbnf(chat.constraint().grammar).admits("Hello there, I have looked.")


def test_a_text_is_a_sentence_and_never_looks_like_a_call() -> None:
    grammar = Gbnf(retail().constraint().grammar)
    assert grammar.admits("Sure. Your order #W0000001 (a lamp) costs $30;\n\nshall I cancel it?")
    assert grammar.admits("I have added task_2, user_1.")
    for text in (
        "get_order_details(order_id='#W1')",
        "Get_order_details(order_id='#W1')",
        '{"name": "calculate"}',
        "<tool_call>",
        "Dear [name]",
        "Here is a call: **find_user_id_by_email**",
        "",
        " ",
    ):
        assert not grammar.admits(text), text


def test_other_scripts_are_written_where_they_are_read() -> None:
    chat = retail()
    assert not Gbnf(chat.constraint().grammar).admits("Sure 好的")
    chat.user("你好")
    assert Gbnf(chat.constraint().grammar).admits("好的 Sure")


def test_a_choice_of_tools_is_kept() -> None:
    chat = retail()
    chat.user("I am ana@example.com.")
    assert chat.constraint(tool_choice="none").tools == ()
    required = chat.constraint(tool_choice="required")
    assert required.tools
    assert not Gbnf(required.grammar).admits("Hello.")
    named = {"type": "function", "function": {"name": "calculate"}}
    assert chat.constraint(tool_choice=named).tools == ("calculate",)


def test_thousands_of_ids_make_no_large_grammar() -> None:
    chat = retail()
    chat.user("Hello.")
    for batch in range(10):
        ids = [f"#W{batch:02d}{number:05d}" for number in range(1000)]
        chat.result("list_all_product_types", {}, json.dumps({"orders": ids}))
    grammar = chat.constraint().grammar
    assert len(grammar) < 60_000
    assert "900000" in grammar.replace('" "', "") or "#W09" in grammar, "the newest are kept"


def test_a_call_that_was_cut_short_says_nothing() -> None:
    made = retail().constraint()
    assert made.read('<tool_call>{"name": "calculate", "argu')["content"] == ""
    whole = made.read('{"name": "calculate", "arguments": {"expression": "1 + 1"}}')
    assert written_call(whole) == ("calculate", {"expression": "1 + 1"})


def test_a_call_may_begin_as_models_begin_it() -> None:
    chat = retail()
    chat.result("get_user_details", {"user_id": "ana_gray_1234"}, PROFILE)
    made = chat.constraint()
    grammar = Gbnf(made.grammar)
    call = '{"name": "list_all_product_types", "arguments": {}}'
    for text in (call, f"<tool_call>{call}</tool_call>", f"<tool_call>{call}", f"```json\n{call}"):
        assert grammar.admits(text), text
        assert written_call(made.read(text)) == ("list_all_product_types", {})


def test_an_optional_text_is_given_when_it_is_asked_for() -> None:
    chat = Chat([tool.openai_schema for tool in environment("mock").get_tools()])
    chat.user("I am user_1. Put 'Tea' on my list.")
    assert chat.admits("create_task", user_id="user_1", title="Tea")
    assert not chat.admits("create_task", user_id="user_1", title="Tea", description="Tea")
    chat.user("The description is: green.")
    assert chat.admits("create_task", user_id="user_1", title="Tea", description="green")


def test_an_id_that_looks_like_another_argument_s_example_is_not_taken() -> None:
    chat = Chat([tool.openai_schema for tool in environment("mock").get_tools()])
    chat.user("I am user_1. Delete my tasks.")
    assert "update_task_status" not in chat.offered
    chat.user("task_3 is done.")
    assert chat.admits("update_task_status", task_id="task_3", status="completed")
    assert not chat.admits("update_task_status", task_id="user_1", status="completed")


def test_an_id_that_was_just_named_is_looked_at_first() -> None:
    chat = retail()
    chat.user("Where is my order #W0000001?")
    assert not Gbnf(chat.constraint().grammar).admits("Your order is on its way.")
    chat.result("get_order_details", {"order_id": "#W0000001"}, ORDER)
    assert Gbnf(chat.constraint().grammar).admits("Your order is on its way.")
    chat.user("So #W0000001 comes today?")
    assert Gbnf(chat.constraint().grammar).admits("Yes.")


def test_an_address_is_looked_up_until_somebody_was_found() -> None:
    chat = retail()
    chat.user("I am ana@example.com.")
    assert not Gbnf(chat.constraint().grammar).admits("Thank you.")
    chat.result("find_user_id_by_email", {"email": "ana@example.com"}, "ana_gray_1234")
    assert Gbnf(chat.constraint().grammar).admits("Thank you.")
    chat.user("Send it to 12 Elm Street, 54321.")
    assert Gbnf(chat.constraint().grammar).admits("Thank you.")


def test_a_schema_that_says_nothing_is_taken() -> None:
    chat = Chat([{"name": "f", "parameters": {"properties": {"x": True}, "required": ["x"]}}])
    chat.user("Hello.")
    assert chat.admits("f", x="anything")
    assert Chat([{"name": "g"}]).admits("g")


def test_a_change_is_reported_before_anything_else() -> None:
    chat = Chat([tool.openai_schema for tool in environment("mock").get_tools()])
    chat.user("task_1 is done, I am user_1.")
    change = {"task_id": "task_1", "status": "completed"}
    chat.result("update_task_status", change, "Error: try again")
    assert chat.offered
    chat.result("update_task_status", change, '{"task_id": "task_1"}')
    assert not chat.offered
    chat.user("Thank you.")
    assert not chat.admits("update_task_status", **change)
