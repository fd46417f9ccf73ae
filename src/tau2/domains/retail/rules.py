"""The retail policy as executable rules, as far as the tools do not enforce it.

Tools refuse by themselves a method that is not in the profile, a second change, return or exchange
of one order, and whatever the order's status rules out; there is no rule for these. What a customer
said is searched for words, so a rule can be wrong about an unusual wording: rules report, they do
not grade.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tau2.data_model.message import (
    Message,
    ToolCall,
)
from tau2.domains.retail.data_model import GiftCard, Order, RetailDB
from tau2.environment.cow import peek
from tau2.environment.environment import Environment
from tau2.environment.policy_rules import (
    Rule,
    calls_done,
    confirmed_first,
    customer_words,
    identified_first,
    nothing_after_handing_over,
)

FINDING = ("find_user_id_by_email", "find_user_id_by_name_zip")
"""Look-ups that identify a customer."""

_ADDRESS_FORM = {
    "country": r"USA",
    "state": r"[A-Z]{2}",
    "zip": r"\d{5}",
    "address1": r".*\S.*",
    "city": r".*\S.*",
}
_REASONS = {
    "no longer needed": re.compile(
        r"(\bno longer|\bany ?more|\bnot|\bnever|n['’]t|\bno)\b[^.?!]{0,40}?"
        r"\b(need|want|use|interested)"
        r"|\bchanged (my|your|our|their|his|her) mind|\bun(needed|wanted|necessary)",
        re.IGNORECASE,
    ),
    "ordered by mistake": re.compile(
        r"mistake|accident|\bwrong|\berror|\bunintend|\binadvertent|\bduplicate|\btwice"
        r"|(\bnot|\bnever|n['’]t) mean(t|ing)? to",
        re.IGNORECASE,
    ),
}

_HALF_A_CENT = 0.005


def _db(world: Environment) -> RetailDB | None:
    database = world.tools.db if world.tools is not None else None
    return database if isinstance(database, RetailDB) else None


def _order(world: Environment, call: ToolCall) -> Order | None:
    database = _db(world)
    order_id = call.arguments.get("order_id")
    if database is not None and isinstance(order_id, str):
        return peek(database.orders, order_id)
    return None


def _owner(world: Environment, call: ToolCall) -> str | None:
    """Return whose profile or order a call changes."""
    order = _order(world, call)
    if order is not None:
        return order.user_id
    named = call.arguments.get("user_id")
    return named if isinstance(named, str) else None


def _own(world: Environment, call: ToolCall, before: Sequence[Message]) -> str | None:
    """Only what belongs to a customer who was looked up may change."""
    owner = _owner(world, call)
    found = {result.content for earlier, result in calls_done(before) if earlier.name in FINDING}
    if owner is None or not found or owner in found:
        return None
    return f"{call.name} changes what belongs to {owner}, who was not identified"


def _one_customer(world: Environment, call: ToolCall, before: Sequence[Message]) -> str | None:
    """Nobody but the customer who was served so far may be served."""
    owner = _owner(world, call)
    kit = world.tools
    served = {
        _owner(world, earlier)
        for earlier, _ in calls_done(before)
        if kit is not None and kit.has_tool(earlier.name) and kit.tool_mutates_state(earlier.name)
    }
    others = sorted(other for other in served if other is not None and other != owner)
    if owner and others:
        return f"{call.name} serves {owner} after {others[0]} in one conversation"
    return None


def _looked(_world: Environment, call: ToolCall, before: Sequence[Message]) -> str | None:
    """The status of an order is looked up before the order changes."""
    order_id = call.arguments.get("order_id")
    if order_id is None or any(
        earlier.arguments.get("order_id") == order_id for earlier, _ in calls_done(before)
    ):
        return None
    return f"{call.name} was called before order {order_id} was looked up"


def _reason(_world: Environment, call: ToolCall, before: Sequence[Message]) -> str | None:
    """The reason of a cancellation is the customer's own."""
    wanted = _REASONS.get(str(call.arguments.get("reason")))
    if (
        call.name != "cancel_pending_order"
        or wanted is None
        or wanted.search(customer_words(before))
    ):
        return None
    return f"the customer gave no reason that means {call.arguments['reason']!r}"


def _refund(world: Environment, call: ToolCall, _before: Sequence[Message]) -> str | None:
    """The refund of a return goes to what paid in the end, or to a gift card."""
    order = _order(world, call)
    database = _db(world)
    if call.name != "return_delivered_order_items" or order is None or database is None:
        return None
    method_id = call.arguments.get("payment_method_id")
    owner = peek(database.users, order.user_id)
    method = owner.payment_methods.get(str(method_id)) if owner is not None else None
    if isinstance(method, GiftCard) or method_id in _payers(order):
        return None
    return f"the refund goes to {method_id}, which did not pay for the order and is no gift card"


def _payers(order: Order) -> set[str]:
    """Return the methods that have paid more than they got back."""
    net: dict[str, float] = {}
    for entry in order.payment_history:
        signed = entry.amount if entry.transaction_type == "payment" else -entry.amount
        net[entry.payment_method_id] = net.get(entry.payment_method_id, 0.0) + signed
    return {method_id for method_id, amount in net.items() if amount > _HALF_A_CENT}


def _other_variant(_world: Environment, call: ToolCall, _before: Sequence[Message]) -> str | None:
    """An item is exchanged for another variant, never for the same one."""
    old = call.arguments.get("item_ids")
    new = call.arguments.get("new_item_ids")
    if (
        call.name != "exchange_delivered_order_items"
        or not isinstance(old, list)
        or not isinstance(new, list)
    ):
        return None
    same = [item_id for item_id, other in zip(old, new, strict=False) if item_id == other]
    return f"item {same[0]} is exchanged for itself" if same else None


def _address_form(_world: Environment, call: ToolCall, _before: Sequence[Message]) -> str | None:
    """An address is written as the policy says."""
    if call.name not in _ADDRESSES:
        return None
    wrong = [
        name
        for name, form in _ADDRESS_FORM.items()
        if not re.fullmatch(form, str(call.arguments.get(name)))
    ]
    return f"{', '.join(wrong)} of the address not in due form" if wrong else None


_ADDRESSES = frozenset({"modify_user_address", "modify_pending_order_address"})


def _address_known(_world: Environment, call: ToolCall, before: Sequence[Message]) -> str | None:
    """An address comes from the customer or from a look-up; its zip code tells."""
    zip_code = str(call.arguments.get("zip"))
    if call.name not in _ADDRESSES or zip_code in re.sub(r"[\s-]", "", customer_words(before)):
        return None
    if any(zip_code in (result.content or "") for _, result in calls_done(before)):
        return None
    return f"nobody named an address with the zip code {zip_code}"


POLICY_RULES: tuple[Rule, ...] = (
    identified_first(FINDING),
    confirmed_first(),
    Rule("only the identified customer's own", _own),
    Rule("one customer per conversation", _one_customer),
    Rule("order looked up before it changes", _looked),
    Rule("cancelled for a reason of the customer's", _reason),
    Rule("refund to what paid or a gift card", _refund),
    Rule("exchanged for another variant", _other_variant),
    Rule("address in due form", _address_form),
    Rule("address that somebody named", _address_known),
    nothing_after_handing_over(),
)
"""What the policy forbids and the tools permit."""
