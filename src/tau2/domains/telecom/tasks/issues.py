"""What can be wrong in a task: how each issue is injected and fixed, and what shows that it was.

A task combines issues of different groups. Their order is that of the policy: what comes first is
fixed first. An issue that is handed over leaves everything after it to the human agent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from tau2.domains.telecom.tasks.subjects import TaskValues


class Complaint(StrEnum):
    """What the customer complains of."""

    SERVICE = "service_issue"
    DATA = "mobile_data_issue"
    PICTURES = "mms_issue"


class Resolution(StrEnum):
    """What becomes of an issue."""

    FIXED = "mended"
    HANDED_OVER = "handed over"
    """It is beyond the agent; a person takes over and nothing else is done."""
    LEFT = "left"
    """The customer does not want what would fix it."""
    REFUSED = "refused"
    """The policy forbids what the customer asks for."""


class ScriptedCall(NamedTuple):
    """One call of a function of the agent's or the customer's toolkit."""

    requestor: str
    """"user" or "assistant"."""
    name: str
    arguments: dict[str, Any]


def user(name: str, /, **arguments: Any) -> ScriptedCall:
    """Return a call on the phone."""
    return ScriptedCall("user", name, arguments)


def agent(name: str, /, **arguments: Any) -> ScriptedCall:
    """Return a call on the carrier's records."""
    return ScriptedCall("assistant", name, arguments)


Calls = Callable[[TaskValues], list[ScriptedCall]]


def none(_values: TaskValues) -> list[ScriptedCall]:
    """Return no calls."""
    return []


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing that is wrong, or one further wish."""

    name: str
    group: str
    """A task holds at most one issue of a group."""
    kinds: tuple[Complaint, ...]
    inject: Calls = none
    fix: Calls = none
    assertions: Calls = none
    """Assertions that hold when the issue was dealt with rightly."""
    settings: Mapping[str, Any] | None = None
    """Settings of the phone that show that it was dealt with rightly."""
    resolution: Resolution = Resolution.FIXED
    need: str = ""
    """The kind of further line that the customer must have."""
    held_out: bool = False
    """Whether no task of train or test has it: it is in the splits `test_new` and `full` only."""


_ALL = (Complaint.SERVICE, Complaint.DATA, Complaint.PICTURES)
_ONLINE = (Complaint.DATA, Complaint.PICTURES)


def _mine(values: TaskValues) -> dict[str, str]:
    return {"customer_id": values.subject.customer_id, "line_id": values.subject.line_id}


def _others(values: TaskValues) -> dict[str, str]:
    assert values.other is not None, values.subject
    return {"customer_id": values.subject.customer_id, "line_id": values.other.line_id}


def _uses_up(values: TaskValues) -> list[ScriptedCall]:
    used = round(values.subject.data_limit_gb + values.excess_gb, 2)
    return [agent("set_data_usage", **_mine(values), data_used_gb=used)]


def _refuelled(values: TaskValues, gb: float) -> list[ScriptedCall]:
    return [agent("assert_data_refueling_amount", **_mine(values), expected_amount=gb)]


def _abroad(*, line: bool, phone: bool) -> Calls:
    """Take the customer abroad with roaming allowed on the line and on the phone, or not."""

    def inject(values: TaskValues) -> list[ScriptedCall]:
        return [
            user("set_user_location", abroad=True),
            agent("enable_roaming" if line else "disable_roaming", **_mine(values)),
            user("turn_roaming_on" if phone else "turn_roaming_off"),
        ]

    return inject


def _suspends(bills: int, *, contract_ended: bool = False) -> Calls:
    def inject(values: TaskValues) -> list[ScriptedCall]:
        suspensions = []
        for months_ago, bill_id in enumerate(values.bill_ids[:bills], 1):
            arguments = {**_mine(values), "new_bill_id": bill_id, "contract_ended": contract_ended}
            earlier = {"months_ago": months_ago} if months_ago > 1 else {}
            suspensions.append(agent("suspend_line_for_overdue_bill", **arguments, **earlier))
        return suspensions

    return inject


def _pays(values: TaskValues, bills: int) -> list[ScriptedCall]:
    customer_id = values.subject.customer_id
    return [
        call
        for bill_id in values.bill_ids[:bills]
        for call in (
            agent("send_payment_request", customer_id=customer_id, bill_id=bill_id),
            user("make_payment"),
        )
    ]


def _paid(values: TaskValues, bills: int) -> list[ScriptedCall]:
    return [
        agent("assert_no_overdue_bill", overdue_bill_id=bill_id)
        for bill_id in values.bill_ids[:bills]
    ]


def _line_is(status: str) -> Calls:
    return lambda values: [agent("assert_line_status", **_mine(values), expected_status=status)]


def _other_line_is(status: str) -> Calls:
    return lambda values: [agent("assert_line_status", **_others(values), expected_status=status)]


def _resumes(values: TaskValues) -> list[ScriptedCall]:
    return [agent("resume_line", **_mine(values)), user("reboot_device")]


def _permissions(tool: str, permissions: Sequence[str]) -> Calls:
    """Return calls of the customer's tool, one for each permission of the messaging app."""
    return lambda _values: [
        user(tool, app_name="messaging", permission=permission) for permission in permissions
    ]


def _one(make: Callable[..., ScriptedCall], name: str, /, **arguments: Any) -> Calls:
    return lambda _values: [make(name, **arguments)]


def _resets_apn(_values: TaskValues) -> list[ScriptedCall]:
    return [user("reset_apn_settings"), user("reboot_device")]


def _finds_lock(_values: TaskValues) -> list[ScriptedCall]:
    return [user("check_sim_status")]


_FAST = {"network_mode_preference": "4g_5g_preferred"}
_best_mode = _one(user, "set_network_mode_preference", mode="4g_5g_preferred")

_PHONE = (
    Issue(
        "airplane_mode_on", "airplane", _ALL,
        inject=_one(user, "turn_airplane_mode_on"), fix=_one(user, "toggle_airplane_mode"),
        settings={"airplane_mode": False},
    ),
    Issue(
        "unseat_sim_card", "tray", (Complaint.SERVICE, Complaint.PICTURES),
        inject=_one(user, "unseat_sim_card"), fix=_one(user, "reseat_sim_card"),
        settings={"sim_card_missing": False},
    ),
    Issue(
        "lock_sim_card_pin", "lock", (Complaint.SERVICE,),
        inject=_one(user, "lock_sim_card", mode="pin"), fix=_finds_lock,
        resolution=Resolution.HANDED_OVER,
    ),
    Issue(
        "lock_sim_card_puk", "lock", (Complaint.SERVICE,),
        held_out=True,
        inject=_one(user, "lock_sim_card", mode="puk"), fix=_finds_lock,
        resolution=Resolution.HANDED_OVER,
    ),
    Issue(
        "break_apn_settings", "apn", (Complaint.SERVICE,),
        inject=_one(user, "break_apn_settings"), fix=_resets_apn,
        settings={"active_apn_settings.apn_name": "internet"},
    ),
)  # fmt: skip
_LINE = (
    Issue(
        "overdue_bill_suspension", "line", (Complaint.SERVICE,),
        inject=_suspends(1), fix=lambda values: [*_pays(values, 1), *_resumes(values)],
        assertions=lambda values: _paid(values, 1),
    ),
    Issue(
        "two_overdue_bills_suspension", "line", (Complaint.SERVICE,),
        held_out=True,
        inject=_suspends(2), fix=lambda values: [*_pays(values, 2), *_resumes(values)],
        assertions=lambda values: _paid(values, 2),
    ),
    Issue(
        "suspended_on_request", "line", (Complaint.SERVICE,),
        inject=lambda values: [agent("suspend_line", **_mine(values), reason="customer's wish")],
        fix=_resumes,
    ),
    Issue(
        "contract_end_suspension", "line", (Complaint.SERVICE,),
        inject=_suspends(1, contract_ended=True), fix=lambda values: _pays(values, 1),
        resolution=Resolution.HANDED_OVER,
        assertions=lambda values: [*_paid(values, 1), *_line_is("Suspended")(values)],
    ),
    Issue(
        "overdue_bill_declined", "line", (Complaint.SERVICE,),
        inject=_suspends(1), resolution=Resolution.LEFT, assertions=_line_is("Suspended"),
    ),
)  # fmt: skip
_DATA = (
    Issue(
        "user_abroad_roaming_enabled_off", "abroad", _ONLINE,
        inject=_abroad(line=True, phone=False), fix=_one(user, "toggle_roaming"),
        settings={"roaming_enabled": True},
    ),
    Issue(
        "user_abroad_roaming_disabled_on", "abroad", _ONLINE,
        inject=_abroad(line=False, phone=True),
        fix=lambda values: [agent("enable_roaming", **_mine(values))],
        settings={"roaming_enabled": True},
    ),
    Issue(
        "user_abroad_roaming_disabled_off", "abroad", _ONLINE,
        held_out=True,
        inject=_abroad(line=False, phone=False),
        fix=lambda values: [agent("enable_roaming", **_mine(values)), user("toggle_roaming")],
        settings={"roaming_enabled": True},
    ),
    Issue(
        "data_mode_off", "switch", _ONLINE,
        inject=_one(user, "turn_data_off"), fix=_one(user, "toggle_data"),
        settings={"data_enabled": True},
    ),
    Issue(
        "data_usage_exceeded", "quota", _ONLINE, inject=_uses_up,
        fix=lambda values: [agent("refuel_data", **_mine(values), gb_amount=values.gb)],
        assertions=lambda values: _refuelled(values, values.gb),
    ),
    Issue(
        "data_usage_wants_too_much", "quota", _ONLINE, inject=_uses_up,
        fix=lambda values: [agent("refuel_data", **_mine(values), gb_amount=2.0)],
        assertions=lambda values: _refuelled(values, 2.0),
    ),
    Issue(
        "data_usage_declined", "quota", _ONLINE, inject=_uses_up, resolution=Resolution.LEFT,
        assertions=lambda values: _refuelled(values, 0.0),
    ),
    Issue(
        "data_saver_mode_on", "saver", (Complaint.DATA,),
        inject=_one(user, "turn_data_saver_mode_on"), fix=_one(user, "toggle_data_saver_mode"),
        settings={"data_saver_mode": False},
    ),
    Issue(
        "bad_network_preference", "mode", _ONLINE,
        inject=_one(user, "set_network_mode_preference", mode="2g_only"), fix=_best_mode,
        settings=_FAST,
    ),
    Issue(
        "slow_network_preference", "mode", (Complaint.DATA,),
        held_out=True,
        inject=_one(user, "set_network_mode_preference", mode="3g_only"), fix=_best_mode,
        settings=_FAST,
    ),
    Issue(
        "bad_vpn", "vpn", (Complaint.DATA,),
        inject=_one(user, "break_vpn"), fix=_one(user, "disconnect_vpn"),
        settings={"vpn_connected": False},
    ),
)  # fmt: skip
_PICTURES = (
    Issue(
        "bad_wifi_calling", "calling", (Complaint.PICTURES,),
        inject=_one(user, "set_wifi_calling", enabled=True, mms_over_wifi=True),
        fix=_one(user, "toggle_wifi_calling"), settings={"wifi_calling_enabled": False},
    ),
    *(
        Issue(
            name, "app", (Complaint.PICTURES,),
            inject=_permissions("remove_app_permission", permissions),
            fix=_permissions("grant_app_permission", permissions),
            settings={f"app_statuses.messaging.permissions.{name}": True for name in permissions},
            held_out=len(permissions) > 1,
        )
        for name, permissions in {
            "break_app_sms_permission": ("sms",),
            "break_app_storage_permission": ("storage",),
            "break_app_both_permissions": ("sms", "storage"),
        }.items()
    ),
    Issue(
        "break_apn_mms_setting", "apn", (Complaint.PICTURES,),
        inject=_one(user, "break_apn_mms_setting"), fix=_resets_apn,
        settings={"active_apn_settings.mmsc_url": "http://mms.carrier.com/mms/wapenc"},
    ),
)  # fmt: skip
_WISHES = (
    Issue(
        "other_line_suspend", "wish", _ALL, need="in_use",
        fix=lambda values: [
            agent("suspend_line", **_others(values), reason="not used at the moment")
        ],
        assertions=_other_line_is("Suspended"),
    ),
    Issue(
        "other_line_resume", "wish", _ALL, need="resting", held_out=True,
        fix=lambda values: [agent("resume_line", **_others(values))],
        assertions=_other_line_is("Active"),
    ),
    Issue(
        "other_line_roaming", "wish", _ALL, need="not_roaming",
        fix=lambda values: [agent("enable_roaming", **_others(values))],
        assertions=lambda values: [agent("assert_line_roaming", **_others(values),
        expected_status=True)],
    ),
    Issue(
        "other_line_resume_lapsed", "wish", _ALL, need="lapsed", resolution=Resolution.HANDED_OVER,
        assertions=_other_line_is("Suspended"),
    ),
    Issue(
        "strangers_line_suspend", "wish", _ALL, resolution=Resolution.REFUSED,
        assertions=lambda values: [agent(
            "assert_line_status", customer_id=values.stranger.customer_id,
            line_id=values.stranger.line_id,
            expected_status="Active",
        )],
    ),
)  # fmt: skip

ISSUES: Mapping[str, Issue] = {
    issue.name: issue for issue in (*_PHONE, *_LINE, *_DATA, *_PICTURES, *_WISHES)
}
"""Every issue by name, in the order of the policy."""
