"""The phone as a machine: what it needs for service, data, speed and picture messages."""

from __future__ import annotations

import pytest

from tau2.domains.telecom import phone
from tau2.domains.telecom.factory.phone import phone_of_the_shop
from tau2.domains.telecom.user_data_model import (
    APNSettings,
    NetworkModePreference,
    NetworkStatus,
    NetworkTechnology,
    SignalStrength,
    SimStatus,
    VpnDetails,
)


@pytest.fixture
def held():
    user_db = phone_of_the_shop()
    return user_db.device, user_db.surroundings


def search(held):
    phone.search_network(*held)
    return held[0].network_connection_status == NetworkStatus.CONNECTED


def test_a_good_phone_does_everything(held):
    assert search(held)
    assert phone.speed_mbps(*held) == 275
    assert phone.can_send_pictures(*held)


@pytest.mark.parametrize(("mode", "technology", "mbps"), [
    ("4g_5g_preferred", "5G", 275), ("4g_only", "4G", 44), ("3g_only", "3G", 1.5),
    ("2g_only", "2G", 0.05),
])  # fmt: skip
def test_speed_is_the_mean_of_the_technology_times_the_signal(held, mode, technology, mbps):
    held[0].network_mode_preference = NetworkModePreference(mode)
    search(held)
    assert held[0].network_technology_connected == technology
    assert phone.speed_mbps(*held) == pytest.approx(mbps)


def test_without_5g_the_preferred_mode_takes_4g(held):
    held[1].signal_strength[NetworkTechnology.FIVE_G] = SignalStrength.NONE
    assert search(held)
    assert held[0].network_technology_connected == "4G"


def test_a_poor_vpn_and_data_saver_slow_down(held):
    search(held)
    held[0].vpn_connected, held[0].vpn_details = True, VpnDetails(server_performance="poor")
    assert phone.speed_mbps(*held) == pytest.approx(27.5)
    held[0].data_saver_mode = True
    assert phone.speed_mbps(*held) == pytest.approx(5.5)
    held[0].vpn_connected = False
    assert phone.speed_mbps(*held) == pytest.approx(55)


@pytest.mark.parametrize(("mbps", "label"), [
    (0, "Very Poor"), (0.99, "Very Poor"), (1, "Poor"), (4.9, "Poor"), (5, "Fair"), (24.9, "Fair"),
    (25, "Good"), (99.9, "Good"), (100, "Excellent"), (500, "Excellent"),
])  # fmt: skip
def test_labels_of_speeds(mbps, label):
    assert phone.speed_label(mbps) == label


def no_airplane(device, _around):
    device.airplane_mode = True


def no_card(device, _around):
    device.sim_card_missing = True


def locked_card(device, _around):
    device.sim_card_status = SimStatus.LOCKED_PUK


def bad_apn(device, _around):
    device.active_apn_settings = APNSettings(apn_name="broken")


def dead_line(_device, around):
    around.line_active = False


@pytest.mark.parametrize("harm", [no_airplane, no_card, locked_card, bad_apn, dead_line])
def test_what_costs_service_costs_data_and_pictures(held, harm):
    harm(*held)
    assert not search(held)
    assert held[0].network_signal_strength == SignalStrength.NONE
    assert phone.speed_mbps(*held) is None
    assert not phone.can_send_pictures(*held)


def test_a_card_out_of_its_tray_is_missing_whatever_its_state(held):
    held[0].sim_card_missing, held[0].sim_card_status = True, SimStatus.LOCKED_PIN
    assert phone.sim_status(held[0]) == SimStatus.MISSING


@pytest.mark.parametrize(("on_line", "on_phone"), [(True, False), (False, True), (False, False)])
def test_abroad_data_needs_roaming_twice(held, on_line, on_phone):
    search(held)
    held[1].is_abroad, held[1].roaming_allowed, held[0].roaming_enabled = True, on_line, on_phone
    assert not phone.data_works(*held)
    held[1].roaming_allowed = held[0].roaming_enabled = True
    assert phone.data_works(*held)


def test_data_needs_its_switch_and_some_of_it_left(held):
    search(held)
    held[0].data_enabled = False
    assert not phone.data_works(*held)
    held[0].data_enabled, held[1].mobile_data_usage_exceeded = True, True
    assert not phone.data_works(*held)


def test_pictures_need_more_than_data(held):
    device, _ = held
    search(held)
    device.wifi_calling_enabled = True
    assert phone.can_send_pictures(*held)
    device.wifi_calling_mms_over_wifi = True
    assert not phone.can_send_pictures(*held)
    device.wifi_calling_enabled = False
    device.active_apn_settings.mmsc_url = None
    assert not phone.can_send_pictures(*held)
    device.active_apn_settings = APNSettings()
    for permission in ("sms", "storage"):
        setattr(device.app_statuses["messaging"].permissions, permission, False)
        assert not phone.can_send_pictures(*held)
        setattr(device.app_statuses["messaging"].permissions, permission, True)
    device.network_technology_connected = NetworkTechnology.TWO_G
    assert not phone.can_send_pictures(*held)
    device.network_technology_connected = NetworkTechnology.THREE_G
    del device.app_statuses["messaging"]
    assert not phone.can_send_pictures(*held)


def test_the_status_bar_tells_what_is_on(held):
    device, _ = held
    search(held)
    assert phone.status_bar(device) == "📶⁴ Excellent | 5G | 📱 Data Enabled | 🔋 76%"
    device.data_enabled, device.data_saver_mode, device.vpn_connected = False, True, True
    device.wifi_connected, device.wifi_ssid = True, "Home"
    assert phone.status_bar(device) == (
        "📶⁴ Excellent | 5G | 📵 Data Disabled | 📡 Connected to Home | 🔒 VPN Connected | 🔋 76%"
    )
    device.data_enabled = True
    assert phone.status_bar(device).startswith(
        "📶⁴ Excellent | 5G | 📱 Data Enabled | 🔽 Data Saver | "
    )
    device.network_connection_status = NetworkStatus.NO_SERVICE
    assert phone.status_bar(device).startswith("📵 No Signal | 📵 Data Disabled")
    device.airplane_mode = True
    assert phone.status_bar(device).startswith("✈️ Airplane Mode | 📡")
