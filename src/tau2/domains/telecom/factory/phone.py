"""The phone that every customer holds before a task breaks it."""

from __future__ import annotations

from tau2.domains.telecom.user_data_model import (
    AppPermissions,
    AppStatus,
    PhoneState,
    SignalStrength,
    TelecomUserDB,
)

_APPS = {
    "messaging": AppPermissions(sms=True, storage=True, phone=True),
    "browser": AppPermissions(storage=True, network=True),
    "camera": AppPermissions(storage=True),
    "maps": AppPermissions(network=True),
}


def phone_of_the_shop() -> TelecomUserDB:
    """Return a phone on which everything works, in nobody's hands."""
    apps = {name: AppStatus(app_name=name, permissions=held) for name, held in _APPS.items()}
    device = PhoneState(
        battery_level=76, network_signal_strength=SignalStrength.EXCELLENT, app_statuses=apps
    )
    return TelecomUserDB(device=device)
