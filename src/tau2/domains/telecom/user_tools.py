"""What a customer can do with the phone. Whatever is done, the answer ends with the status bar."""

from __future__ import annotations

from typing import Any

from tau2.domains.telecom.user_data_model import (
    APNSettings,
    AppPermissions,
    NetworkModePreference,
    SignalStrength,
)
from tau2.domains.telecom.user_lookups import on_off
from tau2.domains.telecom.user_task_functions import TelecomUserTaskFunctions
from tau2.environment.toolkit import ToolType, is_tool
from tau2.errors import ToolError


class TelecomUserTools(TelecomUserTaskFunctions):
    """The customer's tools: look at the phone and operate it."""

    def _with_bar(self, text: str) -> str:
        return f"{text}\n{self._bar()}"

    def _refused(self, text: str) -> str:
        """Refuse something: an error of the tool, but plain text in the original."""
        if not self.strict_compat:
            raise ToolError(text)
        return self._with_bar(text)

    @is_tool(ToolType.WRITE)
    def set_network_mode_preference(self, mode: NetworkModePreference) -> str:
        """Choose which networks the phone uses.

        Args:
            mode: "4g_5g_preferred" (fastest), "4g_only", "3g_only" or "2g_only" (slowest).

        Returns:
            The setting as it is now, and the status bar.
        """
        try:
            wanted = NetworkModePreference(mode)
        except ValueError:
            choices = ", ".join(NetworkModePreference)
            return self._refused(f"There is no network mode '{mode}'; choose one of: {choices}.")
        self.device.network_mode_preference = wanted
        self.simulate_network_search()
        return self._with_bar(f"Preferred network mode is now: {wanted}.")

    @is_tool(ToolType.WRITE)
    def toggle_airplane_mode(self) -> str:
        """Switch airplane mode on when it is off, and off when it is on.

        While it is on, nothing connects.

        Returns:
            The setting as it is now, and the status bar.
        """
        return self._with_bar(self._set_airplane_mode(enabled=not self.device.airplane_mode))

    @is_tool(ToolType.WRITE)
    def reseat_sim_card(self) -> str:
        """Take the SIM card out and put it back in properly.

        Returns:
            That it is in, and the status bar.
        """
        self.device.sim_card_missing = False
        self.simulate_network_search()
        return self._with_bar("The SIM card is back in its tray.")

    @is_tool(ToolType.WRITE)
    def toggle_data(self) -> str:
        """Switch mobile data on when it is off, and off when it is on.

        Returns:
            The setting as it is now, and the status bar.
        """
        return self._with_bar(self._set_data(enabled=not self.device.data_enabled))

    @is_tool(ToolType.WRITE)
    def toggle_roaming(self) -> str:
        """Switch the phone's data roaming on when it is off, and off when it is on.

        Data abroad needs it.

        Returns:
            The setting as it is now, and the status bar.
        """
        return self._with_bar(self._set_roaming(enabled=not self.device.roaming_enabled))

    @is_tool(ToolType.WRITE)
    def toggle_data_saver_mode(self) -> str:
        """Switch data saver on when it is off, and off when it is on. It slows mobile data down.

        Returns:
            The setting as it is now, and the status bar.
        """
        return self._with_bar(self._set_data_saver(enabled=not self.device.data_saver_mode))

    @is_tool(ToolType.WRITE)
    def set_apn_settings(self, apn_settings: APNSettings) -> str:
        """Replace the access point settings (APN). What is left out becomes the factory's value.

        Args:
            apn_settings: The new settings: apn_name, mms_apn, mmsc_url, mms_proxy, mms_port.

        Returns:
            The settings as they are now, and the status bar.
        """
        given: Any = apn_settings
        settings = given if isinstance(given, APNSettings) else APNSettings(**given)
        self._set_apn(settings.model_copy())
        return self._with_bar(f"The access point settings are now: {settings.model_dump_json()}")

    def _set_apn(self, settings: APNSettings) -> None:
        self.device.active_apn_settings = settings
        self.simulate_network_search()

    @is_tool(ToolType.WRITE)
    def reset_apn_settings(self) -> str:
        """Have the access point settings (APN) put back to the factory's.

        It happens at the next restart.

        Returns:
            That it will happen, and the status bar.
        """
        self.device.active_apn_settings.reset_at_reboot = True
        self.simulate_network_search()
        return self._with_bar(
            "The access point settings go back to the factory's at the next restart."
        )

    @is_tool(ToolType.WRITE)
    def toggle_wifi(self) -> str:
        """Switch Wi-Fi on when it is off, and off when it is on. Not possible in airplane mode.

        Returns:
            The setting as it is now, and the status bar.
        """
        device = self.device
        if device.airplane_mode:
            return self._refused("Wi-Fi cannot be switched in airplane mode.")
        device.wifi_enabled = not device.wifi_enabled
        if not device.wifi_enabled:
            device.wifi_connected = False
            device.wifi_ssid = None
            device.wifi_signal_strength = SignalStrength.NONE
        return self._with_bar(f"Wi-Fi is {on_off(device.wifi_enabled)}.")

    @is_tool(ToolType.WRITE)
    def toggle_wifi_calling(self) -> str:
        """Switch Wi-Fi calling on when it is off, and off when it is on.

        Returns:
            The setting as it is now, and the status bar.
        """
        return self._with_bar(self.set_wifi_calling(not self.device.wifi_calling_enabled))

    @is_tool(ToolType.WRITE)
    def connect_vpn(self) -> str:
        """Connect the VPN.

        Returns:
            Whether it is connected, and the status bar.
        """
        if self.device.vpn_connected:
            return self._with_bar("The VPN was connected already.")
        self._connect_vpn()
        return self._with_bar("The VPN is connected.")

    @is_tool(ToolType.WRITE)
    def disconnect_vpn(self) -> str:
        """Disconnect the VPN.

        Returns:
            Whether it was connected, and the status bar.
        """
        if not self.device.vpn_connected:
            return self._with_bar("No VPN was connected.")
        self._disconnect_vpn()
        return self._with_bar("The VPN is disconnected.")

    @is_tool(ToolType.WRITE)
    def grant_app_permission(self, app_name: str, permission: str) -> str:
        """Permit an app to use something.

        Args:
            app_name: The app, for example "messaging".
            permission: What it may use: "sms", "storage", "phone" or "network".

        Returns:
            Whether it may use it now, and the status bar.
        """
        app = self._app(app_name)
        if app is None:
            return self._refused(f"There is no app named '{app_name}' on this phone.")
        wanted = permission.lower()
        if wanted not in AppPermissions.model_fields:
            known = ", ".join(AppPermissions.model_fields)
            return self._refused(
                f"'{app_name}' has no permission '{permission}'; there are: {known}."
            )
        setattr(app.permissions, wanted, True)
        return self._with_bar(f"'{app_name}' may now use: {wanted}.")

    @is_tool(ToolType.WRITE)
    def reboot_device(self) -> str:
        """Restart the phone.

        It looks for a network anew, and a pending reset of the access point settings happens.

        Returns:
            What happened, and the status bar.
        """
        steps = []
        if self.device.active_apn_settings.reset_at_reboot:
            self._set_apn(APNSettings())
            steps.append("The access point settings are the factory's again.")
        self.simulate_network_search()
        return self._with_bar(
            "\n".join([*steps, "The phone has restarted and looked for a network."])
        )

    @is_tool(ToolType.WRITE)
    def make_payment(self) -> str:
        """Pay the bill that the carrier has asked you to pay. Check the request first.

        Returns:
            What was paid, and the status bar.
        """
        request = self.surroundings.payment_request
        if request is None:
            return self._refused("There is no payment request to pay.")
        request.paid = True
        return self._with_bar(f"Paid {request.amount_due} USD for bill {request.bill_id}.")
