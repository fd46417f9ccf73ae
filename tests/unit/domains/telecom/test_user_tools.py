"""The customer's tools: every switch goes both ways, and nothing that fails changes the phone."""

from __future__ import annotations

import pytest

from tau2.domains.telecom.user_data_model import PerformanceLevel
from tau2.environment.toolkit import ToolType

SWITCHES = {
    "toggle_airplane_mode": "airplane_mode",
    "toggle_data": "data_enabled",
    "toggle_roaming": "roaming_enabled",
    "toggle_data_saver_mode": "data_saver_mode",
    "toggle_wifi": "wifi_enabled",
    "toggle_wifi_calling": "wifi_calling_enabled",
}


def test_there_are_fifteen_checks_and_fifteen_deeds(desk):
    counts = desk.env.user_tools.get_statistics()
    assert (counts["num_read_tools"], counts["num_write_tools"], counts["num_tools"]) == (
        15,
        15,
        30,
    )


@pytest.mark.parametrize(("tool", "setting"), SWITCHES.items())
def test_a_switch_goes_to_the_other_position_each_time(desk, tool, setting):
    before = getattr(desk.phone, setting)
    assert "Status Bar: " in desk.taps(tool)
    assert getattr(desk.phone, setting) is not before
    desk.taps(tool)
    assert getattr(desk.phone, setting) is before


def test_airplane_mode_cuts_everything_and_the_vpn(desk):
    desk.taps("connect_vpn")
    assert "Airplane Mode" in desk.taps("toggle_airplane_mode")
    assert not desk.phone.vpn_connected
    assert "airplane" in desk.taps_in_vain("toggle_wifi").lower()
    assert "failed" in desk.taps("run_speed_test")
    desk.taps("toggle_airplane_mode")
    assert "Excellent" in desk.taps("run_speed_test")


def test_the_access_point_is_reset_at_the_restart_and_not_before(desk):
    desk.env.user_tools.break_apn_settings()
    desk.taps("reset_apn_settings")
    assert desk.phone.active_apn_settings.apn_name == "broken"
    assert "next restart" in desk.taps("check_apn_settings")
    assert "No Signal" in desk.taps("check_status_bar")
    assert "Excellent" in desk.taps("reboot_device")
    assert desk.phone.active_apn_settings.apn_name == "internet"
    assert not desk.phone.active_apn_settings.reset_at_reboot


def test_access_point_settings_can_be_given(desk):
    desk.taps("set_apn_settings", apn_settings={"apn_name": "broken", "mmsc_url": None})
    assert "not set" in desk.taps("check_apn_settings")
    assert "No Signal" in desk.taps("check_status_bar")
    desk.taps("set_apn_settings", apn_settings={})
    assert "works." in desk.taps("can_send_mms")
    desk.taps_in_vain("set_apn_settings", apn_settings={"no such": 1})


def test_the_sim_card_can_be_reseated_but_not_unlocked(desk):
    staged = desk.env.user_tools
    staged.unseat_sim_card()
    assert "No SIM card" in desk.taps("check_sim_status")
    desk.taps("reseat_sim_card")
    assert "works" in desk.taps("check_sim_status")
    for mode in ("pin", "puk"):
        staged.lock_sim_card(mode)
        assert "No Signal" in desk.taps("reseat_sim_card")
        assert mode.upper() in desk.taps("check_sim_status")


def test_network_modes_are_those_there_are(desk):
    desk.taps("set_network_mode_preference", mode="2g_only")
    assert "2g_only" in desk.taps("check_network_mode_preference")
    assert "Very Poor" in desk.taps("run_speed_test")
    desk.taps_in_vain("set_network_mode_preference", mode="6g")


def test_a_bad_vpn_stays_bad_however_often_it_is_connected(desk):
    assert "OFF" in desk.taps("check_vpn_status")
    desk.env.user_tools.break_vpn()
    assert "poor" in desk.taps("check_vpn_status")
    desk.taps("disconnect_vpn")
    desk.taps("disconnect_vpn")
    desk.taps("connect_vpn")
    desk.taps("connect_vpn")
    assert desk.phone.vpn_details.server_performance == PerformanceLevel.POOR


def test_permissions_are_given_one_at_a_time(desk):
    desk.env.user_tools.remove_app_permission("messaging", "storage")
    assert "storage" not in desk.taps("check_app_permissions", app_name="messaging")
    assert "not work" in desk.taps("can_send_mms")
    desk.taps("grant_app_permission", app_name="messaging", permission="storage")
    assert "storage" in desk.taps("check_app_status", app_name="messaging")
    assert "messaging" in desk.taps("check_installed_apps")
    assert "works." in desk.taps("can_send_mms")


@pytest.mark.parametrize(("tool", "arguments"), [
    ("grant_app_permission", {"app_name": "none", "permission": "sms"}),
    ("grant_app_permission", {"app_name": "messaging", "permission": "telepathy"}),
    ("check_app_status", {"app_name": "none"}),
    ("check_app_permissions", {"app_name": "none"}),
    ("make_payment", {}),
])  # fmt: skip
def test_what_cannot_be_done_is_an_error_here_and_a_sentence_in_the_original(
    desk, strict_desk, tool, arguments
):
    desk.taps_in_vain(tool, **arguments)
    before = strict_desk.env.get_user_db_hash()
    strict_desk.taps(tool, **arguments)
    assert strict_desk.env.get_user_db_hash() == before


def test_every_check_leaves_the_phone_as_it_is(desk):
    before = desk.env.get_user_db_hash()
    tools = desk.env.user_tools
    reading = [name for name in tools.tools if tools.tool_type(name) is ToolType.READ]
    for name in reading:
        desk.taps(name, **({"app_name": "browser"} if name.startswith("check_app_") else {}))
    assert len(reading) == 15
    assert desk.env.get_user_db_hash() == before


def test_wifi_tells_whether_it_is_connected(desk):
    assert "OFF" in desk.taps("check_wifi_status")
    desk.taps("toggle_wifi")
    assert "no network" in desk.taps("check_wifi_status")
    desk.phone.wifi_connected = True
    assert "without a name" in desk.taps("check_wifi_status")
    desk.env.user_tools.set_wifi_calling(enabled=True, mms_over_wifi=True)
    assert "Picture messages" in desk.taps("check_wifi_calling_status")
    desk.taps("toggle_wifi")
    assert not desk.phone.wifi_connected


def test_scenes_are_set_and_checked(desk):
    tools = desk.env.user_tools
    for call in (
        "turn_airplane_mode_on",
        "turn_data_off",
        "turn_roaming_on",
        "turn_data_saver_mode_on",
    ):
        getattr(tools, call)()
    assert tools.assert_airplane_mode_status(expected_status=True)
    assert tools.assert_mobile_data_status(expected_status=False)
    assert tools.assert_mobile_roaming_status(expected_status=True)
    assert tools.assert_mobile_data_saver_mode_status(expected_status=True)
    assert tools.assert_internet_not_excellent()
    assert tools.assert_service_status("no_service")
    for call in (
        "turn_airplane_mode_off",
        "turn_data_on",
        "turn_roaming_off",
        "turn_data_saver_mode_off",
    ):
        getattr(tools, call)()
    assert not tools.assert_internet_not_excellent()
    assert tools.assert_internet_speed(200, "excellent")
    assert not tools.assert_internet_speed(200, "good")
    assert not tools.assert_internet_speed(999)
    assert tools.assert_mobile_data_usage_exceeded(expected_status=False)
    assert tools.assert_can_send_mms(expected_status=True)
    tools.break_apn_mms_setting()
    assert tools.assert_can_send_mms(expected_status=False)
    assert tools.assert_phone_setting("app_statuses.messaging.permissions.sms", expected_value=True)
    assert not tools.assert_phone_setting("data_enabled", expected_value=False)


@pytest.mark.parametrize(("name", "arguments"), [
    ("lock_sim_card", {"mode": "glue"}), ("remove_app_permission", {"app_name": "none",
                                                                    "permission": "sms"}),
    ("remove_app_permission", {"app_name": "messaging", "permission": "none"}),
    ("assert_phone_setting", {"setting": "no.such", "expected_value": 1}),
])  # fmt: skip
def test_a_scene_that_cannot_be_set_says_so(desk, name, arguments):
    with pytest.raises(ValueError, match=r"pin or puk|no permission|no setting"):
        getattr(desk.env.user_tools, name)(**arguments)
