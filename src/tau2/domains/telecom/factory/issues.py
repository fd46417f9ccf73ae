"""What can be wrong in a task: how each trouble is made, how it is mended, and what shows that it was.

A task combines troubles of different groups. Their order is that of the policy: what comes first is mended first. A
trouble that ends in a hand-over leaves everything after it to the human agent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from tau2.domains.telecom.factory.case import Case, OtherLine


class Kind(StrEnum):
    """What the customer complains of."""

    SERVICE = "service_issue"
    DATA = "mobile_data_issue"
    PICTURES = "mms_issue"


class End(StrEnum):
    """What becomes of a trouble."""

    MENDED = "mended"
    HANDED_OVER = "handed over"
    """It is beyond the agent; a person takes over and nothing else is done."""
    LEFT = "left"
    """The customer does not want what would mend it."""
    REFUSED = "refused"
    """The policy forbids what the customer asks for."""


class Call(NamedTuple):
    """One call of a function, by one side."""

    side: str
    name: str
    arguments: dict[str, Any]


def user(name: str, /, **arguments: Any) -> Call:
    """Return a call on the customer's side."""
    return Call("user", name, arguments)


def agent(name: str, /, **arguments: Any) -> Call:
    """Return a call on the carrier's side."""
    return Call("assistant", name, arguments)


Calls = Callable[[Case], list[Call]]


def none(_case: Case) -> list[Call]:
    """Return no calls."""
    return []


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong, or one further wish."""

    name: str
    group: str
    """A task holds at most one trouble of a group."""
    kinds: tuple[Kind, ...]
    breaks: Calls = none
    mends: Calls = none
    checks: Calls = none
    """Assertions that hold when the trouble was dealt with rightly."""
    settings: Mapping[str, Any] | None = None
    """Settings of the phone that show that it was dealt with rightly."""
    end: End = End.MENDED
    need: str = ""
    """The kind of further line that the customer must have."""


_ALL = (Kind.SERVICE, Kind.DATA, Kind.PICTURES)
_ONLINE = (Kind.DATA, Kind.PICTURES)


def _mine(case: Case) -> dict[str, str]:
    return {"customer_id": case.subject.customer_id, "line_id": case.subject.line_id}


def _other(case: Case) -> OtherLine:
    assert case.other is not None, case.subject
    return case.other


def _others(case: Case) -> dict[str, str]:
    return {"customer_id": case.subject.customer_id, "line_id": _other(case).line_id}


def _uses_up(case: Case) -> list[Call]:
    used = round(case.subject.data_limit_gb + case.excess_gb, 2)
    return [agent("set_data_usage", **_mine(case), data_used_gb=used)]


def _refuelled(case: Case, gb: float) -> list[Call]:
    return [agent("assert_data_refueling_amount", **_mine(case), expected_amount=gb)]


def _abroad(*, line: bool, phone: bool) -> Calls:
    """Take the customer abroad with roaming allowed on the line and on the phone, or not."""

    def breaks(case: Case) -> list[Call]:
        return [
            user("set_user_location", abroad=True),
            agent("enable_roaming" if line else "disable_roaming", **_mine(case)),
            user("turn_roaming_on" if phone else "turn_roaming_off"),
        ]

    return breaks


def _suspends(bills: int, *, contract_ended: bool = False) -> Calls:
    def breaks(case: Case) -> list[Call]:
        suspensions = []
        for months_ago, bill_id in enumerate(case.bill_ids[:bills], 1):
            arguments = {**_mine(case), "new_bill_id": bill_id, "contract_ended": contract_ended}
            earlier = {"months_ago": months_ago} if months_ago > 1 else {}
            suspensions.append(agent("suspend_line_for_overdue_bill", **arguments, **earlier))
        return suspensions

    return breaks


def _pays(case: Case, bills: int) -> list[Call]:
    customer_id = case.subject.customer_id
    return [
        call
        for bill_id in case.bill_ids[:bills]
        for call in (
            agent("send_payment_request", customer_id=customer_id, bill_id=bill_id),
            user("make_payment"),
        )
    ]


def _paid(case: Case, bills: int) -> list[Call]:
    return [
        agent("assert_no_overdue_bill", overdue_bill_id=bill_id)
        for bill_id in case.bill_ids[:bills]
    ]


def _line_is(status: str) -> Calls:
    return lambda case: [agent("assert_line_status", **_mine(case), expected_status=status)]


def _other_line_is(status: str) -> Calls:
    return lambda case: [agent("assert_line_status", **_others(case), expected_status=status)]


def _resumes(case: Case) -> list[Call]:
    return [agent("resume_line", **_mine(case)), user("reboot_device")]


def _permits(*permissions: str) -> Calls:
    return lambda _case: [
        user("grant_app_permission", app_name="messaging", permission=permission)
        for permission in permissions
    ]


def _forbids(*permissions: str) -> Calls:
    return lambda _case: [
        user("remove_app_permission", app_name="messaging", permission=permission)
        for permission in permissions
    ]


def _one(make: Callable[..., Call], name: str, /, **arguments: Any) -> Calls:
    return lambda _case: [make(name, **arguments)]


def _resets_apn(_case: Case) -> list[Call]:
    return [user("reset_apn_settings"), user("reboot_device")]


def _finds_lock(_case: Case) -> list[Call]:
    return [user("check_sim_status")]


_FAST = {"network_mode_preference": "4g_5g_preferred"}
_best_mode = _one(user, "set_network_mode_preference", mode="4g_5g_preferred")

_PHONE = (
    Trouble(
        "airplane_mode_on", "airplane", _ALL,
        breaks=_one(user, "turn_airplane_mode_on"), mends=_one(user, "toggle_airplane_mode"),
        settings={"airplane_mode": False},
    ),
    Trouble(
        "unseat_sim_card", "tray", (Kind.SERVICE, Kind.PICTURES),
        breaks=_one(user, "unseat_sim_card"), mends=_one(user, "reseat_sim_card"),
        settings={"sim_card_missing": False},
    ),
    Trouble(
        "lock_sim_card_pin", "lock", (Kind.SERVICE,),
        breaks=_one(user, "lock_sim_card", mode="pin"), mends=_finds_lock, end=End.HANDED_OVER,
    ),
    Trouble(
        "lock_sim_card_puk", "lock", (Kind.SERVICE,),
        breaks=_one(user, "lock_sim_card", mode="puk"), mends=_finds_lock, end=End.HANDED_OVER,
    ),
    Trouble(
        "break_apn_settings", "apn", (Kind.SERVICE,),
        breaks=_one(user, "break_apn_settings"), mends=_resets_apn,
        settings={"active_apn_settings.apn_name": "internet"},
    ),
)  # fmt: skip
_LINE = (
    Trouble(
        "overdue_bill_suspension", "line", (Kind.SERVICE,),
        breaks=_suspends(1), mends=lambda case: [*_pays(case, 1), *_resumes(case)],
        checks=lambda case: _paid(case, 1),
    ),
    Trouble(
        "two_overdue_bills_suspension", "line", (Kind.SERVICE,),
        breaks=_suspends(2), mends=lambda case: [*_pays(case, 2), *_resumes(case)],
        checks=lambda case: _paid(case, 2),
    ),
    Trouble(
        "suspended_on_request", "line", (Kind.SERVICE,),
        breaks=lambda case: [agent("suspend_line", **_mine(case), reason="customer's wish")], mends=_resumes,
    ),
    Trouble(
        "contract_end_suspension", "line", (Kind.SERVICE,),
        breaks=_suspends(1, contract_ended=True), mends=lambda case: _pays(case, 1), end=End.HANDED_OVER,
        checks=lambda case: [*_paid(case, 1), *_line_is("Suspended")(case)],
    ),
    Trouble(
        "overdue_bill_declined", "line", (Kind.SERVICE,),
        breaks=_suspends(1), end=End.LEFT, checks=_line_is("Suspended"),
    ),
)  # fmt: skip
_DATA = (
    Trouble(
        "user_abroad_roaming_enabled_off", "abroad", _ONLINE,
        breaks=_abroad(line=True, phone=False), mends=_one(user, "toggle_roaming"),
        settings={"roaming_enabled": True},
    ),
    Trouble(
        "user_abroad_roaming_disabled_on", "abroad", _ONLINE,
        breaks=_abroad(line=False, phone=True), mends=lambda case: [agent("enable_roaming", **_mine(case))],
        settings={"roaming_enabled": True},
    ),
    Trouble(
        "user_abroad_roaming_disabled_off", "abroad", _ONLINE,
        breaks=_abroad(line=False, phone=False),
        mends=lambda case: [agent("enable_roaming", **_mine(case)), user("toggle_roaming")],
        settings={"roaming_enabled": True},
    ),
    Trouble(
        "data_mode_off", "switch", _ONLINE,
        breaks=_one(user, "turn_data_off"), mends=_one(user, "toggle_data"), settings={"data_enabled": True},
    ),
    Trouble(
        "data_usage_exceeded", "quota", _ONLINE, breaks=_uses_up,
        mends=lambda case: [agent("refuel_data", **_mine(case), gb_amount=case.gb)],
        checks=lambda case: _refuelled(case, case.gb),
    ),
    Trouble(
        "data_usage_wants_too_much", "quota", _ONLINE, breaks=_uses_up,
        mends=lambda case: [agent("refuel_data", **_mine(case), gb_amount=2.0)],
        checks=lambda case: _refuelled(case, 2.0),
    ),
    Trouble(
        "data_usage_declined", "quota", _ONLINE, breaks=_uses_up, end=End.LEFT,
        checks=lambda case: _refuelled(case, 0.0),
    ),
    Trouble(
        "data_saver_mode_on", "saver", (Kind.DATA,),
        breaks=_one(user, "turn_data_saver_mode_on"), mends=_one(user, "toggle_data_saver_mode"),
        settings={"data_saver_mode": False},
    ),
    Trouble(
        "bad_network_preference", "mode", _ONLINE,
        breaks=_one(user, "set_network_mode_preference", mode="2g_only"), mends=_best_mode, settings=_FAST,
    ),
    Trouble(
        "slow_network_preference", "mode", (Kind.DATA,),
        breaks=_one(user, "set_network_mode_preference", mode="3g_only"), mends=_best_mode, settings=_FAST,
    ),
    Trouble(
        "bad_vpn", "vpn", (Kind.DATA,),
        breaks=_one(user, "break_vpn"), mends=_one(user, "disconnect_vpn"), settings={"vpn_connected": False},
    ),
)  # fmt: skip
_PICTURES = (
    Trouble(
        "bad_wifi_calling", "calling", (Kind.PICTURES,),
        breaks=_one(user, "set_wifi_calling", enabled=True, mms_over_wifi=True),
        mends=_one(user, "toggle_wifi_calling"), settings={"wifi_calling_enabled": False},
    ),
    *(
        Trouble(
            name, "app", (Kind.PICTURES,), breaks=_forbids(*permissions), mends=_permits(*permissions),
            settings={f"app_statuses.messaging.permissions.{permission}": True for permission in permissions},
        )
        for name, permissions in {
            "break_app_sms_permission": ("sms",),
            "break_app_storage_permission": ("storage",),
            "break_app_both_permissions": ("sms", "storage"),
        }.items()
    ),
    Trouble(
        "break_apn_mms_setting", "apn", (Kind.PICTURES,),
        breaks=_one(user, "break_apn_mms_setting"), mends=_resets_apn,
        settings={"active_apn_settings.mmsc_url": "http://mms.carrier.com/mms/wapenc"},
    ),
)  # fmt: skip
_WISHES = (
    Trouble(
        "other_line_suspend", "wish", _ALL, need="in_use",
        mends=lambda case: [agent("suspend_line", **_others(case), reason="not used at the moment")],
        checks=_other_line_is("Suspended"),
    ),
    Trouble(
        "other_line_resume", "wish", _ALL, need="resting",
        mends=lambda case: [agent("resume_line", **_others(case))], checks=_other_line_is("Active"),
    ),
    Trouble(
        "other_line_roaming", "wish", _ALL, need="not_roaming",
        mends=lambda case: [agent("enable_roaming", **_others(case))],
        checks=lambda case: [agent("assert_line_roaming", **_others(case), expected_status=True)],
    ),
    Trouble(
        "other_line_resume_lapsed", "wish", _ALL, need="lapsed", end=End.HANDED_OVER,
        checks=_other_line_is("Suspended"),
    ),
    Trouble(
        "strangers_line_suspend", "wish", _ALL, end=End.REFUSED,
        checks=lambda case: [agent(
            "assert_line_status", customer_id=case.stranger.customer_id, line_id=case.stranger.line_id,
            expected_status="Active",
        )],
    ),
)  # fmt: skip

TROUBLES: Mapping[str, Trouble] = {
    trouble.name: trouble for trouble in (*_PHONE, *_LINE, *_DATA, *_PICTURES, *_WISHES)
}
"""Every trouble by name, in the order of the policy."""
