"""Functions over the phone that tasks call: initialization (which breaks it) and assertions.

No participant can call them.
"""

from __future__ import annotations

from functools import partialmethod
from typing import Any

from tau2.domains.telecom import phone
from tau2.domains.telecom.user_data_model import (
    APNName,
    NetworkStatus,
    PerformanceLevel,
    SimStatus,
    TelecomUserDB,
    VpnDetails,
)
from tau2.domains.telecom.user_lookups import TelecomUserLookups
from tau2.errors import ToolError

_LOCKS = {"pin": SimStatus.LOCKED_PIN, "puk": SimStatus.LOCKED_PUK}


class TelecomUserTaskFunctions(TelecomUserLookups):
    """Initialisations and assertions over the phone."""

    def __init__(self, db: TelecomUserDB, strict_compat: bool = False) -> None:
        super().__init__(db, strict_compat)
        self.vpn_performance = PerformanceLevel.EXCELLENT
        """How well the VPN server performs that this phone is set up for, connected or not."""

    def simulate_network_search(self) -> None:
        """Let the phone look for a network."""
        phone.search_network(self.device, self.surroundings)

    def set_user_info(self, name: str, phone_number: str) -> None:
        """Say whose phone it is, and which line its SIM card belongs to."""
        self.surroundings.name = name
        self.surroundings.phone_number = phone_number

    def set_user_location(self, abroad: bool) -> None:
        """Say whether the customer is abroad."""
        self.surroundings.is_abroad = abroad

    def _set_airplane_mode(self, *, enabled: bool) -> str:
        device = self.device
        device.airplane_mode = enabled
        if enabled:
            device.wifi_connected = False
            self._disconnect_vpn()
        self.simulate_network_search()
        return f"Airplane mode is {'ON' if enabled else 'OFF'}."

    turn_airplane_mode_on = partialmethod(_set_airplane_mode, enabled=True)
    turn_airplane_mode_off = partialmethod(_set_airplane_mode, enabled=False)

    def _set_data(self, *, enabled: bool) -> str:
        self.device.data_enabled = enabled
        self.simulate_network_search()
        return f"Mobile data is {'ON' if enabled else 'OFF'}."

    turn_data_on = partialmethod(_set_data, enabled=True)
    turn_data_off = partialmethod(_set_data, enabled=False)

    def _set_roaming(self, *, enabled: bool) -> str:
        self.device.roaming_enabled = enabled
        self.simulate_network_search()
        return f"Data roaming is {'ON' if enabled else 'OFF'}."

    turn_roaming_on = partialmethod(_set_roaming, enabled=True)
    turn_roaming_off = partialmethod(_set_roaming, enabled=False)

    def _set_data_saver(self, *, enabled: bool) -> str:
        self.device.data_saver_mode = enabled
        return f"Data saver is {'ON' if enabled else 'OFF'}."

    turn_data_saver_mode_on = partialmethod(_set_data_saver, enabled=True)
    turn_data_saver_mode_off = partialmethod(_set_data_saver, enabled=False)

    def unseat_sim_card(self) -> None:
        """Take the SIM card out of its tray."""
        self.device.sim_card_missing = True
        self.simulate_network_search()

    def lock_sim_card(self, mode: str) -> None:
        """Lock the SIM card by "pin" or "puk". Raise ToolError for another word."""
        if mode not in _LOCKS:
            raise ToolError(f"a SIM card is locked by pin or puk, not by {mode!r}")
        self.device.sim_card_status = _LOCKS[mode]
        self.simulate_network_search()

    def break_apn_settings(self) -> None:
        """Set an access point that leads nowhere."""
        self.device.active_apn_settings.apn_name = APNName.BROKEN
        self.simulate_network_search()

    def break_apn_mms_setting(self) -> None:
        """Remove the address for picture messages."""
        self.device.active_apn_settings.mmsc_url = None

    def break_vpn(self) -> None:
        """Connect through a VPN server that performs poorly, now and at every later connection."""
        self.vpn_performance = PerformanceLevel.POOR
        self._connect_vpn()

    def _connect_vpn(self) -> None:
        self.device.vpn_connected = True
        self.device.vpn_details = VpnDetails(
            server_address="192.168.1.1",
            protocol="OpenVPN",
            server_performance=self.vpn_performance,
        )

    def _disconnect_vpn(self) -> None:
        self.device.vpn_connected = False
        self.device.vpn_details = None

    def set_wifi_calling(self, enabled: bool, mms_over_wifi: bool | None = None) -> str:
        """Set whether calls go over Wi-Fi and, where given, whether picture messages do."""
        self.device.wifi_calling_enabled = enabled
        if mms_over_wifi is not None:
            self.device.wifi_calling_mms_over_wifi = mms_over_wifi
        return f"Wi-Fi calling is {'ON' if enabled else 'OFF'}."

    def remove_app_permission(self, app_name: str, permission: str) -> str:
        """Take a permission from an app.

        Raise ToolError when there is no such app or permission.
        """
        app = self._app(app_name)
        if app is None or permission not in type(app.permissions).model_fields:
            raise ToolError(f"app {app_name!r} has no permission {permission!r} to take away")
        setattr(app.permissions, permission, False)
        return f"'{app_name}' may no longer use: {permission}."

    def assert_airplane_mode_status(self, expected_status: bool) -> bool:
        """Return whether airplane mode is as expected."""
        return self.device.airplane_mode == expected_status

    def assert_service_status(self, expected_status: NetworkStatus) -> bool:
        """Return whether the connection to the network is as expected."""
        return self.device.network_connection_status == expected_status

    def assert_mobile_data_status(self, expected_status: bool) -> bool:
        """Return whether mobile data flows (or not) as expected."""
        return phone.data_works(self.device, self.surroundings) == expected_status

    def assert_mobile_roaming_status(self, expected_status: bool) -> bool:
        """Return whether the phone's data roaming is as expected."""
        return self.device.roaming_enabled == expected_status

    def assert_mobile_data_saver_mode_status(self, expected_status: bool) -> bool:
        """Return whether data saver is as expected."""
        return self.device.data_saver_mode == expected_status

    def assert_internet_speed(
        self, expected_speed: float, expected_desc: str | None = None
    ) -> bool:
        """Return whether mobile data is at least that fast (Mbps) and, where given, rated so."""
        speed = phone.speed_mbps(self.device, self.surroundings)
        if speed is None or speed < expected_speed:
            return False
        return expected_desc is None or phone.speed_label(speed).lower() == expected_desc.lower()

    def assert_internet_not_excellent(self) -> bool:
        """Return whether mobile data is rated lower than excellent, or does not flow."""
        speed = phone.speed_mbps(self.device, self.surroundings)
        return speed is None or phone.speed_label(speed) != "Excellent"

    def assert_can_send_mms(self, expected_status: bool) -> bool:
        """Return whether picture messages can (or cannot) be sent, as expected."""
        return phone.can_send_pictures(self.device, self.surroundings) == expected_status

    def assert_mobile_data_usage_exceeded(self, expected_status: bool) -> bool:
        """Return whether the line's data is used up, as expected."""
        return self.surroundings.mobile_data_usage_exceeded == expected_status

    def assert_phone_setting(self, setting: str, expected_value: str | bool | None) -> bool:
        """Return whether a setting of the phone is as expected.

        Raise ToolError when there is no such setting.

        `setting` is a path, for example "data_enabled" or "app_statuses.messaging.permissions.sms".
        """
        value: Any = self.device
        for part in setting.split("."):
            known = value if isinstance(value, dict) else getattr(value, "__dict__", {})
            if part not in known:
                raise ToolError(f"the phone has no setting {setting!r}")
            value = known[part]
        return bool(value == expected_value)
