"""The customer's own tools, recognised in what an agent asks for."""

from __future__ import annotations

import pytest
from tests import shop

from tau2.environment.tool import as_tool
from tau2.user.scripted_user.agenda import UserAction
from tau2.user.scripted_user.toolbox import Toolbox

PHONE = Toolbox(shop.phone())


def asked(request: str, *reference: UserAction) -> list[tuple[str, dict[str, object]]]:
    return [(deed.tool, deed.arguments) for deed in PHONE.asked_in([request], reference)]


@pytest.mark.parametrize(
    ("request_", "tool"),
    [
        ("Please call `toggle_airplane_mode()`.", "toggle_airplane_mode"),
        ("Please toggle the airplane mode on your side.", "toggle_airplane_mode"),
        ("Could you turn off flight mode?", "toggle_airplane_mode"),
        ("What does the status bar show?", "check_status_bar"),
        ("Restart your phone, please.", "reboot_device"),
        ("Please power-cycle the phone.", "reboot_device"),
    ],
)
def test_a_tool_is_recognised_by_name_or_in_words(request_: str, tool: str) -> None:
    assert asked(request_) == [(tool, {})]


@pytest.mark.parametrize(
    "request_", ["What is your name?", "Please don't restart your phone.", "Tell me your mode."]
)
def test_other_requests_are_none(request_: str) -> None:
    assert asked(request_) == []


def test_several_things_are_done_in_the_order_of_the_request() -> None:
    names = [
        name
        for name, _ in asked("Toggle the airplane mode and then tell me what the status bar shows.")
    ]
    assert names == ["toggle_airplane_mode", "check_status_bar"]


@pytest.mark.parametrize(
    ("request_", "arguments"),
    [
        (
            "Run grant_app_permission(app_name='mail', permission='sms').",
            {"app_name": "mail", "permission": "sms"},
        ),
        (
            "Please grant the app permission with app name: mail; permission: sms.",
            {"app_name": "mail", "permission": "sms"},
        ),
        ("Allow the mail app the permission 'sms'.", {"app_name": "mail", "permission": "sms"}),
    ],
)
def test_arguments_are_read_from_the_words(request_: str, arguments: dict[str, str]) -> None:
    assert asked(request_) == [("grant_app_permission", arguments)]


def test_a_choice_is_recognised_however_it_is_written() -> None:
    [(_, arguments)] = asked("Set your network mode preference to 4G/5G preferred.")
    assert arguments == {"mode": "4g_5g_preferred"}


def test_the_reference_supplies_what_the_words_leave_open() -> None:
    wanted = UserAction(
        tool="grant_app_permission", arguments={"app_name": "messaging", "permission": "storage"}
    )
    assert asked("Please grant the app permission.", wanted) == [(wanted.tool, wanted.arguments)]
    other = UserAction(
        tool="grant_app_permission", arguments={"app_name": "messaging", "permission": "sms"}
    )
    said = "Please grant the app permission with app name messaging and permission sms."
    assert asked(said, wanted, other) == [(other.tool, other.arguments)]


def test_what_nobody_named_is_missing_until_it_is_said() -> None:
    [deed] = PHONE.asked_in(["Please grant the app permission."], ())
    assert deed.missing == ("app_name", "permission")
    complete = PHONE.complete(deed, "app name: mail; permission: sms", ())
    assert (complete.arguments, complete.missing) == ({"app_name": "mail", "permission": "sms"}, ())


def test_the_wanted_position_of_a_switch_is_noticed() -> None:
    [off] = PHONE.asked_in(["Turn off airplane mode."], ())
    [on] = PHONE.asked_in(["Please enable airplane mode."], ())
    [plain] = PHONE.asked_in(["Toggle airplane mode on your phone."], ())
    assert (off.wanted, on.wanted, plain.wanted) == (False, True, None)


def check_vpn_status() -> str:
    """Check whether a VPN is connected."""
    return ""


def connect_vpn() -> str:
    """Connect the VPN."""
    return ""


def disconnect_vpn() -> str:
    """Disconnect the VPN."""
    return ""


def check_network_status() -> str:
    """Look at the network page: mobile network and roaming."""
    return ""


VPN = Toolbox(
    [
        as_tool(each)
        for each in (check_vpn_status, connect_vpn, disconnect_vpn, check_network_status)
    ]
)


@pytest.mark.parametrize(
    ("request_", "tool"),
    [
        ("Please check whether a VPN is connected.", "check_vpn_status"),
        ("Please disconnect from the VPN.", "disconnect_vpn"),
        ("Turn off your VPN.", "disconnect_vpn"),
        ("Please turn the VPN on.", "connect_vpn"),
    ],
)
def test_a_question_about_a_state_is_no_order_to_change_it(request_: str, tool: str) -> None:
    assert [deed.tool for deed in VPN.asked_in([request_], ())] == [tool]


def test_what_a_tool_shows_is_known_from_its_description() -> None:
    assert [deed.tool for deed in VPN.looked_up_in(["Is roaming enabled?"])] == [
        "check_network_status"
    ]
    assert VPN.looked_up_in(["Is the sky blue?"]) == []
    assert VPN.looked_up_in(["I like roaming."]) == []


def test_a_switch_that_should_be_off_is_pressed() -> None:
    [deed] = PHONE.asked_in(["Please make sure that airplane mode is turned off."], ())
    assert (deed.tool, deed.wanted) == ("toggle_airplane_mode", False)
    assert asked("Is airplane mode turned on?") == [("check_status_bar", {})]


def test_without_tools_nothing_is_recognised() -> None:
    assert Toolbox(None).asked_in(["Toggle airplane mode."], ()) == []
