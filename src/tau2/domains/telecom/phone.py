"""How a phone behaves: radio, SIM, speed, picture messages.

Rules over its state; nothing here talks or is a tool.
"""

from __future__ import annotations

from tau2.domains.telecom.user_data_model import (
    APNName,
    NetworkModePreference,
    NetworkStatus,
    NetworkTechnology,
    PerformanceLevel,
    PhoneState,
    SignalStrength,
    SimStatus,
    Surroundings,
)

_SOUGHT = {
    NetworkModePreference.FOUR_G_5G_PREFERRED: (NetworkTechnology.FIVE_G, NetworkTechnology.FOUR_G),
    NetworkModePreference.FOUR_G_ONLY: (NetworkTechnology.FOUR_G,),
    NetworkModePreference.THREE_G_ONLY: (NetworkTechnology.THREE_G,),
    NetworkModePreference.TWO_G_ONLY: (NetworkTechnology.TWO_G,),
}
_MBPS = {
    NetworkTechnology.TWO_G: (0.1, 0.4),
    NetworkTechnology.THREE_G: (1.0, 5.0),
    NetworkTechnology.FOUR_G: (10.0, 100.0),
    NetworkTechnology.FIVE_G: (50.0, 500.0),
}
"""What a technology carries at the worst and at the best."""
_SHARE = {
    SignalStrength.POOR: 0.2,
    SignalStrength.FAIR: 0.5,
    SignalStrength.GOOD: 0.8,
    SignalStrength.EXCELLENT: 1.0,
}
"""What of it a signal lets through."""
_POOR_VPN_SHARE = 0.1
_DATA_SAVER_SHARE = 0.2
_LABELS = ((1.0, "Very Poor"), (5.0, "Poor"), (25.0, "Fair"), (100.0, "Good"))
"""Speeds in Mbps, and what is said of anything slower."""


def sim_status(phone: PhoneState) -> SimStatus:
    """Return what the phone finds in its SIM tray."""
    return SimStatus.MISSING if phone.sim_card_missing else phone.sim_card_status


def search_network(phone: PhoneState, around: Surroundings) -> None:
    """Look for a network and note what is found."""
    found = NetworkTechnology.NONE
    if may_register(phone, around):
        sought = _SOUGHT[phone.network_mode_preference]
        found = next(
            (t for t in sought if _signal(around, t) != SignalStrength.NONE), NetworkTechnology.NONE
        )
    phone.network_technology_connected = found
    phone.network_signal_strength = _signal(around, found)
    connected = found != NetworkTechnology.NONE
    phone.network_connection_status = (
        NetworkStatus.CONNECTED if connected else NetworkStatus.NO_SERVICE
    )


def may_register(phone: PhoneState, around: Surroundings) -> bool:
    """Return whether a network would take the phone."""
    return (
        not phone.airplane_mode
        and sim_status(phone) == SimStatus.ACTIVE
        and phone.active_apn_settings.apn_name != APNName.BROKEN
        and around.line_active
    )


def _signal(around: Surroundings, technology: NetworkTechnology) -> SignalStrength:
    return around.signal_strength.get(technology, SignalStrength.NONE)


def data_works(phone: PhoneState, around: Surroundings) -> bool:
    """Return whether mobile data flows."""
    roams = phone.roaming_enabled and around.roaming_allowed
    return (
        not phone.airplane_mode
        and phone.network_signal_strength != SignalStrength.NONE
        and phone.network_connection_status != NetworkStatus.NO_SERVICE
        and (roams or not around.is_abroad)
        and phone.data_enabled
        and not around.mobile_data_usage_exceeded
    )


def speed_mbps(phone: PhoneState, around: Surroundings) -> float | None:
    """Return the download speed over mobile data, or None where no data flows."""
    if not data_works(phone, around):
        return None
    low, high = _MBPS.get(phone.network_technology_connected, (0.0, 0.0))
    speed = (low + high) / 2 * _SHARE.get(phone.network_signal_strength, 0.0)
    if (
        phone.vpn_connected
        and phone.vpn_details
        and phone.vpn_details.server_performance == PerformanceLevel.POOR
    ):
        speed *= _POOR_VPN_SHARE
    return speed * _DATA_SAVER_SHARE if phone.data_saver_mode else speed


def speed_label(mbps: float) -> str:
    """Return what is said of a speed."""
    return next((label for limit, label in _LABELS if mbps < limit), "Excellent")


def can_send_pictures(phone: PhoneState, around: Surroundings) -> bool:
    """Return whether the messaging app can send a picture message."""
    app = phone.app_statuses.get("messaging")
    return (
        data_works(phone, around)
        and phone.network_technology_connected != NetworkTechnology.TWO_G
        and not (phone.wifi_calling_enabled and phone.wifi_calling_mms_over_wifi)
        and phone.active_apn_settings.mmsc_url is not None
        and app is not None
        and app.permissions.sms
        and app.permissions.storage
    )


# The notation of the public phone, which the public manual refers to.
_SIGNAL = {
    SignalStrength.NONE: "📵 No Signal",
    SignalStrength.POOR: "📶¹ Poor",
    SignalStrength.FAIR: "📶² Fair",
    SignalStrength.GOOD: "📶³ Good",
    SignalStrength.EXCELLENT: "📶⁴ Excellent",
}


def status_bar(phone: PhoneState) -> str:
    """Return what the top of the screen shows, in the public notation."""
    shown = []
    if phone.airplane_mode:
        shown.append("✈️ Airplane Mode")
    else:
        shown.extend(_mobile_network(phone))
    if phone.wifi_connected:
        shown.append(f"📡 Connected to {phone.wifi_ssid}" if phone.wifi_ssid else "📡 Enabled")
    if phone.vpn_connected:
        shown.append("🔒 VPN Connected")
    return " | ".join([*shown, f"🔋 {phone.battery_level}%"])


def _mobile_network(phone: PhoneState) -> list[str]:
    """Return signal, technology, mobile data and data saver as the bar shows them."""
    connected = phone.network_connection_status == NetworkStatus.CONNECTED
    shown = [_SIGNAL[phone.network_signal_strength if connected else SignalStrength.NONE]]
    if connected:
        shown.append(f"{phone.network_technology_connected}")
    if connected and phone.data_enabled:
        shown.append("📱 Data Enabled")
        if phone.data_saver_mode:
            shown.append("🔽 Data Saver")
    else:
        shown.append("📵 Data Disabled")
    return shown
