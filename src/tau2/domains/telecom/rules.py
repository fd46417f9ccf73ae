"""What the policy forbids, as rules that can be checked on any trajectory."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import wraps

from tau2.data_model.message import Message, ToolCall
from tau2.domains.telecom.data_model import BillStatus, Line
from tau2.domains.telecom.environment import TelecomEnvironment
from tau2.domains.telecom.lookups import TODAY
from tau2.environment.environment import Environment
from tau2.environment.policy_rules import (
    Check,
    Rule,
    calls_done,
    confirmed_first,
    customer_words,
    identified_first,
    nothing_after_handing_over,
)
from tau2.errors import ToolError

MOST_GB = 2.0
"""Data that may be added to a line in one billing cycle."""
_UNPAID = frozenset({BillStatus.OVERDUE, BillStatus.AWAITING_PAYMENT})
_TRAVELS = re.compile(
    r"abroad|roam|travel|trip|overseas|foreign|holiday|vacation|airport|arriv|countr", re.IGNORECASE
)
_SUSPENDS = re.compile(
    r"suspend|pause|stop|freeze|block|deactivat|lost|stolen|rest from", re.IGNORECASE
)

_CUSTOMER_ID = re.compile(r'"customer_id": "([^"]+)"')

LineCheck = Callable[[TelecomEnvironment, Line, ToolCall, Sequence[Message]], str | None]


def _of_line(*names: str) -> Callable[[LineCheck], Check]:
    """Make a check of calls of these tools about a line that exists."""

    def decorate(check: LineCheck) -> Check:
        @wraps(check)
        def checked(world: Environment, call: ToolCall, before: Sequence[Message]) -> str | None:
            if call.name not in names or not isinstance(world, TelecomEnvironment):
                return None
            try:
                record = world.tools.get_details_by_id(str(call.arguments.get("line_id")))
            except ToolError:
                return None
            return check(world, record, call, before) if isinstance(record, Line) else None

        return checked

    return decorate


@_of_line("resume_line")
def _resumed_unpaid(
    world: TelecomEnvironment, line: Line, call: ToolCall, _before: Sequence[Message]
) -> str | None:
    bills = world.tools.get_bills_for_customer(str(call.arguments.get("customer_id")), limit=1000)
    unpaid = [bill.bill_id for bill in bills if bill.status in _UNPAID]
    return f"{line.line_id} was resumed with bill {', '.join(unpaid)} unpaid" if unpaid else None


@_of_line("resume_line")
def _resumed_ended(
    _world: TelecomEnvironment, line: Line, _call: ToolCall, _before: Sequence[Message]
) -> str | None:
    ended = line.contract_end_date is not None and line.contract_end_date < TODAY
    if ended:
        return f"{line.line_id} was resumed though its contract ended on {line.contract_end_date}"
    return None


@_of_line("refuel_data")
def _too_much_data(
    _world: TelecomEnvironment, line: Line, call: ToolCall, _before: Sequence[Message]
) -> str | None:
    total = line.data_refueling_gb + float(call.arguments.get("gb_amount", 0))
    if total > MOST_GB:
        return f"{line.line_id} gets {total:g} GB in this cycle; {MOST_GB:g} GB are permitted"
    return None


@_of_line("refuel_data")
def _data_left(
    world: TelecomEnvironment, line: Line, _call: ToolCall, _before: Sequence[Message]
) -> str | None:
    limit = world.tools.plan_of(line).data_limit_gb + line.data_refueling_gb
    if line.data_used_gb < limit:
        return f"{line.line_id} was refuelled with {limit - line.data_used_gb:g} GB left"
    return None


@_of_line("enable_roaming")
def _roaming_unasked(
    _w: TelecomEnvironment, line: Line, _call: ToolCall, before: Sequence[Message]
) -> str | None:
    unasked = not _TRAVELS.search(customer_words(before))
    if unasked:
        return f"roaming was enabled for {line.line_id}, but nobody spoke of travelling"
    return None


@_of_line("suspend_line")
def _suspended_unasked(
    _w: TelecomEnvironment, line: Line, _call: ToolCall, before: Sequence[Message]
) -> str | None:
    unasked = not _SUSPENDS.search(customer_words(before))
    return f"{line.line_id} was suspended, but nobody asked for that" if unasked else None


def _asked_for_nothing(
    world: Environment, call: ToolCall, _before: Sequence[Message]
) -> str | None:
    """Payment is asked for overdue bills only."""
    if call.name != "send_payment_request" or not isinstance(world, TelecomEnvironment):
        return None
    customer_id, bill_id = (str(call.arguments.get(name)) for name in ("customer_id", "bill_id"))
    bills = world.tools.get_bills_for_customer(customer_id, limit=1000)
    status = next((bill.status for bill in bills if bill.bill_id == bill_id), BillStatus.OVERDUE)
    if status == BillStatus.OVERDUE:
        return None
    return f"payment of bill {bill_id} was asked for, which is {status}"


_FINDING = ("get_customer_by_phone", "get_customer_by_id", "get_customer_by_name")
"""Look-ups that identify a customer."""


def _strangers(_world: Environment, call: ToolCall, before: Sequence[Message]) -> str | None:
    """Only what belongs to a customer who was looked up is changed."""
    owner = call.arguments.get("customer_id")
    found: set[str] = set()
    for done, result in calls_done(before):
        if done.name in _FINDING:
            found.update(_CUSTOMER_ID.findall(result.content or ""))
    if owner is None or not found or owner in found:
        return None
    return f"{call.name} changes what belongs to {owner}, who was not looked up"


POLICY_RULES: tuple[Rule, ...] = (
    identified_first(_FINDING),
    confirmed_first(),
    Rule("only the identified customer's own", _strangers),
    nothing_after_handing_over(),
    Rule("no line is resumed while a bill is unpaid", _resumed_unpaid),
    Rule("no line is resumed after its contract", _resumed_ended),
    Rule("at most 2 GB are added in a cycle", _too_much_data),
    Rule("data is added only when it is used up", _data_left),
    Rule("roaming is enabled only for travellers", _roaming_unasked),
    Rule("a line is suspended only when asked for", _suspended_unasked),
    Rule("payment is asked for overdue bills only", _asked_for_nothing),
)
