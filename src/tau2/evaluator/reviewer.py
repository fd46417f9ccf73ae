"""Public path of the original package."""

from tau2._compat.reviewer import ReviewMode, review_simulation

__all__ = ["ReviewMode", "review_simulation"]
