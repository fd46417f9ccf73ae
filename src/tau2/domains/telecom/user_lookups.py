"""What a customer can look at on the phone. Nothing here changes it."""

from __future__ import annotations

from tau2.domains.telecom import phone
from tau2.domains.telecom.user_data_model import (
    AppStatus,
    PhoneState,
    SimStatus,
    Surroundings,
    TelecomUserDB,
)
from tau2.environment.toolkit import ToolKitBase, ToolType, is_tool
from tau2.errors import ToolError

_SIM_TEXTS = {
    SimStatus.ACTIVE: "The SIM card is in its tray and works.",
    SimStatus.MISSING: "No SIM card: the phone finds none in its tray.",
    SimStatus.LOCKED_PIN: "The SIM card is locked; the phone asks for its PIN.",
    SimStatus.LOCKED_PUK: "The SIM card is locked; the phone asks for its PUK.",
}
_SPEED_TEXTS = {
    "Very Poor": "Hardly anything loads.",
    "Poor": "Text and e-mail work; pages load slowly.",
    "Fair": "Browsing works; video stutters at times.",
    "Good": "Browsing and video work well.",
    "Excellent": "Everything works without waiting.",
}


def on_off(setting: bool) -> str:
    """Return ON or OFF."""
    return "ON" if setting else "OFF"


def _yes_no(setting: bool) -> str:
    return "yes" if setting else "no"


class TelecomUserLookups(ToolKitBase):
    """Look at the phone."""

    db: TelecomUserDB

    def __init__(self, db: TelecomUserDB, strict_compat: bool = False) -> None:
        """Operate the phone of `db`; with `strict_compat`, a refusal is a text and no error."""
        super().__init__(db)
        self.strict_compat = strict_compat

    @property
    def device(self) -> PhoneState:
        """The phone."""
        return self.db.device

    @property
    def surroundings(self) -> Surroundings:
        """Who holds the phone and where."""
        return self.db.surroundings

    def _app(self, app_name: str) -> AppStatus | None:
        return self.device.app_statuses.get(app_name)

    def _bar(self) -> str:
        return f"Status Bar: {phone.status_bar(self.device)}"

    @is_tool(ToolType.READ)
    def check_status_bar(self) -> str:
        """Read the bar at the top of the screen.

        It shows signal, network, mobile data, Wi-Fi, data saver, VPN and battery.

        Returns:
            What the bar shows.
        """
        return self._bar()

    @is_tool(ToolType.READ)
    def check_network_status(self) -> str:
        """Look at the network page of the settings.

        It shows airplane mode, SIM, mobile network, data, roaming and Wi-Fi.

        Returns:
            One setting per line.
        """
        device = self.device
        return "\n".join(
            (
                f"Airplane mode: {on_off(device.airplane_mode)}",
                f"SIM card: {phone.sim_status(device)}",
                f"Mobile network: {device.network_connection_status}",
                f"Signal: {device.network_signal_strength}",
                f"Network type: {device.network_technology_connected}",
                f"Mobile data switched on: {_yes_no(device.data_enabled)}",
                f"Data roaming switched on: {_yes_no(device.roaming_enabled)}",
                f"Wi-Fi: {on_off(device.wifi_enabled)}",
                f"Wi-Fi connected: {_yes_no(device.wifi_connected)}",
            )
        )

    @is_tool(ToolType.READ)
    def check_network_mode_preference(self) -> str:
        """Look up which networks the phone is set to use (2G only, 3G only, 4G only, or 4G and 5G).

        Returns:
            The setting.
        """
        return f"Preferred network mode: {self.device.network_mode_preference}"

    @is_tool(ToolType.READ)
    def run_speed_test(self) -> str:
        """Measure how fast mobile data is.

        Returns:
            The speed in Mbps with a rating (Very Poor, Poor, Fair, Good, Excellent), or that there
            is no connection.
        """
        speed = phone.speed_mbps(self.device, self.surroundings)
        if speed is None:
            return "The speed test failed: no mobile data connection."
        label = phone.speed_label(speed)
        return f"Speed test: {speed:.2f} Mbps ({label}). {_SPEED_TEXTS[label]}"

    @is_tool(ToolType.READ)
    def check_sim_status(self) -> str:
        """Check the SIM card: works, missing, or locked by PIN or PUK.

        Returns:
            What the phone says about its SIM card.
        """
        return _SIM_TEXTS[phone.sim_status(self.device)]

    @is_tool(ToolType.READ)
    def check_data_restriction_status(self) -> str:
        """Check whether data saver, which slows mobile data down, is on.

        Returns:
            ON or OFF, in a sentence.
        """
        return f"Data saver is {on_off(self.device.data_saver_mode)}."

    @is_tool(ToolType.READ)
    def check_apn_settings(self) -> str:
        """Look at the access point settings (APN).

        The address for picture messages (MMSC URL) is among them.

        Returns:
            One setting per line.
        """
        settings = self.device.active_apn_settings
        lines = [f"APN name: {settings.apn_name}", f"MMSC URL: {settings.mmsc_url or 'not set'}"]
        if settings.reset_at_reboot:
            lines.append("The settings go back to the factory's at the next restart.")
        return "\n".join(lines)

    @is_tool(ToolType.READ)
    def check_wifi_status(self) -> str:
        """Check Wi-Fi: off, on, or connected.

        Returns:
            The state of Wi-Fi.
        """
        device = self.device
        if not device.wifi_enabled:
            return "Wi-Fi is OFF."
        if not device.wifi_connected:
            return "Wi-Fi is ON, but connected to no network."
        network = device.wifi_ssid or "a network without a name"
        return f"Wi-Fi is ON and connected to {network}; signal: {device.wifi_signal_strength}."

    @is_tool(ToolType.READ)
    def check_wifi_calling_status(self) -> str:
        """Check whether calls go over Wi-Fi, and whether picture messages do too.

        Returns:
            The state of Wi-Fi calling.
        """
        device = self.device
        pictures = (
            " Picture messages are set to go over Wi-Fi."
            if device.wifi_calling_mms_over_wifi
            else ""
        )
        return f"Wi-Fi calling is {on_off(device.wifi_calling_enabled)}.{pictures}"

    @is_tool(ToolType.READ)
    def check_vpn_status(self) -> str:
        """Check whether a VPN is connected, and how well its server performs.

        Returns:
            The state of the VPN.
        """
        details = self.device.vpn_details
        if not self.device.vpn_connected:
            return "VPN is OFF."
        if details is None:
            return "VPN is ON and connected."
        return (
            f"VPN is ON and connected to {details.server_address} ({details.protocol}); "
            f"server performance: {details.server_performance}."
        )

    @is_tool(ToolType.READ)
    def check_installed_apps(self) -> str:
        """List the apps on the phone.

        Returns:
            Their names.
        """
        return f"Installed apps: {', '.join(self.device.app_statuses) or 'none'}"

    @is_tool(ToolType.READ)
    def check_app_status(self, app_name: str) -> str:
        """Look at the page of an app in the settings.

        Args:
            app_name: The app, for example "messaging".

        Returns:
            The app and what it is permitted to use.
        """
        return self._described(app_name, "Status of")

    @is_tool(ToolType.READ)
    def check_app_permissions(self, app_name: str) -> str:
        """Check what an app is permitted to use (sms, storage, phone, network).

        Args:
            app_name: The app, for example "messaging".

        Returns:
            The permissions it has.
        """
        return self._described(app_name, "Permissions of")

    def _described(self, app_name: str, title: str) -> str:
        app = self._app(app_name)
        if app is None and not self.strict_compat:
            raise ToolError(f"There is no app named '{app_name}' on this phone.")
        if app is None:
            return f"There is no app named '{app_name}' on this phone."
        held = [name for name, granted in app.permissions if granted]
        return f"{title} '{app_name}': permitted are {', '.join(held) or 'nothing'}."

    @is_tool(ToolType.READ)
    def can_send_mms(self) -> str:
        """Try whether the messaging app can send a picture message (MMS).

        Returns:
            Whether it can.
        """
        if phone.can_send_pictures(self.device, self.surroundings):
            return "Sending a picture message works."
        return "Sending a picture message does not work."

    @is_tool(ToolType.READ)
    def check_payment_request(self) -> str:
        """Check whether the carrier has asked you to pay a bill.

        Returns:
            The bill and the amount, or that there is no request.
        """
        request = self.surroundings.payment_request
        if request is None:
            return "There is no payment request."
        return f"There is a payment request for bill {request.bill_id}: {request.amount_due} USD."
