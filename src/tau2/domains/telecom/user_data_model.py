"""The records of the customer: a phone and its surroundings."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from tau2.domains.telecom.utils import path_of
from tau2.environment.db import DB
from tau2.environment.domain import load_reference_db


class SimStatus(StrEnum):
    """What the phone finds in its SIM tray."""

    ACTIVE = "active"
    MISSING = "missing"
    LOCKED_PIN = "locked_pin"
    LOCKED_PUK = "locked_puk"


class NetworkTechnology(StrEnum):
    """A generation of mobile network."""

    NONE = "none"
    TWO_G = "2G"
    THREE_G = "3G"
    FOUR_G = "4G"
    FIVE_G = "5G"


class NetworkModePreference(StrEnum):
    """Which networks the phone looks for."""

    FOUR_G_5G_PREFERRED = "4g_5g_preferred"
    FOUR_G_ONLY = "4g_only"
    THREE_G_ONLY = "3g_only"
    TWO_G_ONLY = "2g_only"


class SignalStrength(StrEnum):
    """How well a network is received."""

    NONE = "none"
    POOR = "poor"
    FAIR = "fair"
    GOOD = "good"
    EXCELLENT = "excellent"


class PerformanceLevel(StrEnum):
    """How well a server performs."""

    UNKNOWN = "unknown"
    POOR = "poor"
    FAIR = "fair"
    GOOD = "good"
    EXCELLENT = "excellent"


class NetworkStatus(StrEnum):
    """Whether the phone is on a network."""

    CONNECTED = "connected"
    SEARCHING = "searching"
    NO_SERVICE = "no_service"
    EMERGENCY_ONLY = "emergency_only"


class APNName(StrEnum):
    """An access point name: the one that works, and one that does not."""

    INTERNET = "internet"
    BROKEN = "broken"


class PhonePart(BaseModel):
    """A part of the phone that knows all its settings."""

    model_config = ConfigDict(extra="forbid")


class APNSettings(PhonePart):
    """How the phone reaches the carrier's data and picture message servers.

    A setting that is left out is the factory's.
    """

    apn_name: APNName = APNName.INTERNET
    reset_at_reboot: bool = False
    """Whether the next reboot restores the factory settings."""
    mms_apn: str | None = "mms"
    mmsc_url: str | None = "http://mms.carrier.com/mms/wapenc"
    """Address of the picture message centre; without it no picture message leaves the phone."""
    mms_proxy: str | None = None
    mms_port: int | None = None


class VpnDetails(PhonePart):
    """The server a VPN goes through."""

    server_address: str | None = None
    protocol: str | None = None
    server_performance: PerformanceLevel = PerformanceLevel.UNKNOWN


class AppPermissions(PhonePart):
    """What an app may use."""

    sms: bool = False
    storage: bool = False
    phone: bool = False
    network: bool = False


class AppStatus(PhonePart):
    """An installed app."""

    app_name: str
    permissions: AppPermissions = Field(default_factory=AppPermissions)


class PhoneState(PhonePart):
    """Everything the phone remembers."""

    sim_card_status: SimStatus = SimStatus.ACTIVE
    """The state of the card itself; it counts while the card is in its tray."""
    sim_card_missing: bool = False
    """Whether the card is out of its tray."""
    airplane_mode: bool = False
    network_signal_strength: SignalStrength = SignalStrength.GOOD
    network_technology_connected: NetworkTechnology = NetworkTechnology.FIVE_G
    network_connection_status: NetworkStatus = NetworkStatus.CONNECTED
    battery_level: int = Field(default=80, ge=0, le=100)
    """Percent."""
    data_enabled: bool = True
    roaming_enabled: bool = False
    network_mode_preference: NetworkModePreference = NetworkModePreference.FOUR_G_5G_PREFERRED
    active_apn_settings: APNSettings = Field(default_factory=APNSettings)
    wifi_enabled: bool = False
    wifi_connected: bool = False
    wifi_ssid: str | None = None
    wifi_signal_strength: SignalStrength = SignalStrength.NONE
    wifi_calling_enabled: bool = False
    wifi_calling_mms_over_wifi: bool = False
    data_saver_mode: bool = False
    vpn_enabled_setting: bool = False
    vpn_connected: bool = False
    vpn_details: VpnDetails | None = None
    app_statuses: dict[str, AppStatus] = Field(default_factory=dict)


class PaymentRequest(PhonePart):
    """A bill the carrier has asked the customer to pay."""

    bill_id: str
    amount_due: float
    """US dollars."""
    paid: bool = False


def _usual_signal() -> dict[NetworkTechnology, SignalStrength]:
    return {
        NetworkTechnology.TWO_G: SignalStrength.POOR,
        NetworkTechnology.THREE_G: SignalStrength.FAIR,
        NetworkTechnology.FOUR_G: SignalStrength.GOOD,
        NetworkTechnology.FIVE_G: SignalStrength.EXCELLENT,
    }


class Surroundings(PhonePart):
    """Who holds the phone and where, and what the carrier lets the line do."""

    name: str | None = None
    phone_number: str | None = None
    is_abroad: bool = False
    roaming_allowed: bool = False
    signal_strength: dict[NetworkTechnology, SignalStrength] = Field(default_factory=_usual_signal)
    """What is received here, by technology."""
    mobile_data_usage_exceeded: bool = False
    line_active: bool = True
    payment_request: PaymentRequest | None = None


class TelecomUserDB(DB):
    """The phone and its surroundings."""

    device: PhoneState = Field(default_factory=PhoneState)
    surroundings: Surroundings = Field(default_factory=Surroundings)


def get_db() -> TelecomUserDB:
    """Return a fresh copy of the customer's database."""
    return load_reference_db(TelecomUserDB, path_of("TELECOM_USER_DB_PATH"))


get_user_db = get_db

# Names of the original package.
APNNames = APNName
MockPhoneAttributes = PhoneState
UserSurroundings = Surroundings
