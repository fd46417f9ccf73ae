"""Public path of the original package."""

from tau2._compat.server import EnvironmentServer

__all__ = ["EnvironmentServer"]
